"""Problems of known shape and a stub proposer: where a search policy shows its worth without a model.

Each problem gives programs as Python text, so that the population's own features see them, and the scores of
single tests, as a real evaluator would.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from random import Random
from typing import Any, Protocol

from kernelevo.core import Evaluation

MIXING = 0.3  # part of the asks that want two parents
REGION = 3  # bits that a direction fixes in a program that starts from nothing


class Problem(Protocol):
    """A landscape; genomes are tuples."""

    def first(self, rng: Random, region: int | None) -> tuple[Any, ...]: ...
    def mutate(self, genome: tuple[Any, ...], rng: Random) -> tuple[Any, ...]: ...
    def mix(self, one: tuple[Any, ...], two: tuple[Any, ...], rng: Random) -> tuple[Any, ...]: ...
    def text(self, genome: tuple[Any, ...]) -> str: ...
    def judge(self, genome: tuple[Any, ...]) -> Evaluation: ...


class Bits(ABC):
    """Strings of bits; a child differs from its parent in one bit, seldom more."""

    size = 20

    def first(self, rng: Random, region: int | None) -> tuple[int, ...]:
        genome = [rng.randrange(2) for _ in range(self.size)]
        if region is not None:
            genome[:REGION] = [region >> place & 1 for place in range(REGION)]
        return tuple(genome)

    def mutate(self, genome: tuple[int, ...], rng: Random) -> tuple[int, ...]:
        changed = list(genome)
        while True:
            place = rng.randrange(self.size)
            changed[place] ^= 1
            if rng.random() < 0.6:
                return tuple(changed)

    def mix(self, one: tuple[int, ...], two: tuple[int, ...], rng: Random) -> tuple[int, ...]:
        start, end = sorted(rng.sample(range(self.size + 1), 2))
        return one[:start] + two[start:end] + one[end:]

    def text(self, genome: tuple[int, ...]) -> str:
        words = (f"on_{place}" if bit else f"off_{place}" for place, bit in enumerate(genome))
        return f"plan = [{', '.join(words)}]\n"

    def judge(self, genome: tuple[int, ...]) -> Evaluation:
        parts = self.parts(genome)
        tests = [{"name": str(place), "score": part} for place, part in enumerate(parts)]
        return Evaluation.ok(sum(parts) / len(parts), tests=tests)

    @abstractmethod
    def parts(self, genome: tuple[int, ...]) -> list[float]:
        """Return what each part of a genome is worth."""


class NK(Bits):
    """Kauffman's NK model: each bit's worth depends on itself and K others; many local optima."""

    def __init__(self, seed: int, depends: int = 4) -> None:
        rng = Random(f"nk {seed}")
        self.links = [
            [place, *rng.sample([p for p in range(self.size) if p != place], depends)]
            for place in range(self.size)
        ]
        self.worth = [[rng.random() for _ in range(2 ** (depends + 1))] for _ in range(self.size)]

    def parts(self, genome: tuple[int, ...]) -> list[float]:
        found = []
        for links, worth in zip(self.links, self.worth, strict=True):
            index = 0
            for place in links:
                index = index * 2 + genome[place]
            found.append(worth[index])
        return found


class Trap(Bits):
    """Deceptive blocks of five: fewer right bits are better, until all five are right."""

    block = 5

    def __init__(self, seed: int) -> None:
        rng = Random(f"trap {seed}")
        self.wanted = [rng.randrange(2) for _ in range(self.size)]
        self.order = rng.sample(range(self.size), self.size)

    def parts(self, genome: tuple[int, ...]) -> list[float]:
        right = [genome[place] == self.wanted[place] for place in self.order]
        counts = [sum(right[start : start + self.block]) for start in range(0, self.size, self.block)]
        return [1.0 if n == self.block else 0.9 * (self.block - 1 - n) / (self.block - 1) for n in counts]


class Smooth(Bits):
    """One hill: weighted right bits. A greedy policy should win here."""

    size = 40

    def __init__(self, seed: int) -> None:
        rng = Random(f"smooth {seed}")
        self.wanted = [rng.randrange(2) for _ in range(self.size)]
        self.weights = [0.5 + rng.random() for _ in range(self.size)]

    def parts(self, genome: tuple[int, ...]) -> list[float]:
        pairs = zip(genome, self.wanted, self.weights, strict=True)
        return [weight * (bit == wanted) for bit, wanted, weight in pairs]


Tree = tuple[Any, ...]
_LEAVES: tuple[Tree, ...] = (("x",), ("y",), (1.0,), (2.0,), (0.5,))
_OPERATORS = ("add", "sub", "mul", "max", "min")


class Expressions:
    """Trees of expressions that shall equal a hidden one at twenty points; a child has another subtree."""

    most_nodes = 40

    def __init__(self, seed: int) -> None:
        rng = Random(f"ast {seed}")
        self.points = [(rng.uniform(-2, 2), rng.uniform(-2, 2)) for _ in range(20)]
        while True:
            hidden = self._grow(rng, 4)
            self.wanted = [_value(hidden, x, y) for x, y in self.points]
            middle = sum(self.wanted) / len(self.wanted)
            if math.sqrt(sum((w - middle) ** 2 for w in self.wanted) / len(self.wanted)) > 0.5:
                return

    def _grow(self, rng: Random, depth: int) -> Tree:
        if depth == 0 or rng.random() < 0.15:
            return rng.choice(_LEAVES)
        return (rng.choice(_OPERATORS), self._grow(rng, depth - 1), self._grow(rng, depth - 1))

    def first(self, rng: Random, region: int | None) -> Tree:
        tree = self._grow(rng, 2)
        if region is None or len(tree) < 3:
            return tree
        return (_OPERATORS[region % len(_OPERATORS)], tree[1], tree[2])

    def mutate(self, genome: Tree, rng: Random) -> Tree:
        return self._replaced(genome, rng, self._grow(rng, rng.randrange(3)))

    def mix(self, one: Tree, two: Tree, rng: Random) -> Tree:
        return self._replaced(one, rng, rng.choice(_subtrees(two)))

    def _replaced(self, tree: Tree, rng: Random, new: Tree) -> Tree:
        changed = _with(tree, rng.randrange(len(_subtrees(tree))), new)
        return changed if len(_subtrees(changed)) <= self.most_nodes else tree

    def text(self, genome: Tree) -> str:
        return f"def f(x, y):\n    return {_text(genome)}\n"

    def judge(self, genome: Tree) -> Evaluation:
        errors = [abs(_value(genome, x, y) - w) for (x, y), w in zip(self.points, self.wanted, strict=True)]
        tests = [{"name": str(i), "score": 1 / (1 + error)} for i, error in enumerate(errors)]
        mean = math.sqrt(sum(error * error for error in errors) / len(errors))
        return Evaluation.ok(1 / (1 + mean), tests=tests)


def _value(tree: Tree, x: float, y: float) -> float:
    if len(tree) == 1:
        return {"x": x, "y": y}[tree[0]] if isinstance(tree[0], str) else float(tree[0])
    one, two = _value(tree[1], x, y), _value(tree[2], x, y)
    value = {"add": one + two, "sub": one - two, "mul": one * two, "max": max(one, two), "min": min(one, two)}
    return max(-1e6, min(1e6, value[tree[0]]))


def _text(tree: Tree) -> str:
    return str(tree[0]) if len(tree) == 1 else f"{tree[0]}({_text(tree[1])}, {_text(tree[2])})"


def _subtrees(tree: Tree) -> list[Tree]:
    return [tree] if len(tree) == 1 else [tree, *_subtrees(tree[1]), *_subtrees(tree[2])]


def _with(tree: Tree, index: int, new: Tree) -> Tree:
    """Return the tree with its subtree of this position (in the order of ``_subtrees``) replaced."""
    if index == 0:
        return new
    left = len(_subtrees(tree[1]))
    if index <= left:
        return (tree[0], _with(tree[1], index - 1, new), tree[2])
    return (tree[0], tree[1], _with(tree[2], index - 1 - left, new))


PROBLEMS = {"nk": NK, "trap": Trap, "ast": Expressions, "smooth": Smooth}


def propose(
    problem: Problem, parents: Sequence[tuple[Any, ...]], region: int | None, rng: Random
) -> tuple[Any, ...]:
    """Stand in for a proposer: a small change of the parent, of a mixture of two, or a first program."""
    if not parents:
        return problem.first(rng, region)
    genome = parents[0]
    if len(parents) > 1:
        genome = problem.mix(genome, parents[1], rng)
    return problem.mutate(genome, rng)
