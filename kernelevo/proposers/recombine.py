"""RecombineProposer: a child of two Python programs: definitions and statements of one put into the other."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from random import Random
from typing import TYPE_CHECKING

from kernelevo.core import Brief, Program, Proposal, Trial, Verdict
from kernelevo.proposers.blocks import blocks_of
from kernelevo.proposers.mutate import need_libcst
from kernelevo.proposers.numbers import numbers_of, with_numbers
from kernelevo.proposers.offspring import Known, acceptable, has_entry, proposal

if TYPE_CHECKING:
    import libcst as cst

_TRIES = 12


class RecombineProposer:
    """Crosses the first two parents: whole functions, statements of a function, or numbers where both have
    the same form.

    Raises:
        ToolchainMissing: if libcst is not installed.
    """

    name = "recombine"
    parents = 2

    def __init__(self) -> None:
        need_libcst()
        self._known = Known()

    def observe(self, trial: Trial) -> None:
        """Remember a program that anybody proposed."""
        self._known.proposed(trial.program)

    def proposed(self, program: Program) -> None:
        """Remember a program of ours that an earlier process of this run proposed."""
        self._known.proposed(program)

    async def propose(self, brief: Brief, rng: Random) -> Sequence[Proposal]:
        """Return a child of two parents of one language, or nothing."""
        pair = [v for v in brief.parents[:2] if has_entry(v.program)]
        if len(pair) < 2 or pair[0].program.language != pair[1].program.language:
            return []
        return await asyncio.to_thread(self._child, pair[0], pair[1], rng)

    def _child(self, first: Verdict, second: Verdict, rng: Random) -> list[Proposal]:
        source, language = first.program.source, first.program.language
        for text, idea in self._mixtures(first, second, rng):
            if text not in self._known and acceptable(source, text, language):
                self._known.add(text)
                return [proposal(self.name, text, [first, second], idea)]
        return []

    @staticmethod
    def _mixtures(first: Verdict, second: Verdict, rng: Random) -> Iterator[tuple[str, str]]:
        language = first.program.language
        for _ in range(_TRIES):
            numbers = mixed_numbers(first.program.source, second.program.source, language, rng)
            if numbers is not None:
                yield numbers, "numbers of both parents"
            if language == "python":
                joined = joined_trees(first.program.source, second.program.source, rng)
                if joined is not None:
                    yield joined


def mixed_numbers(one: str, two: str, language: str, rng: Random) -> str | None:
    """Return the first text with some of the second one's numbers; None if they differ in more."""
    mine, theirs = numbers_of(one, language), numbers_of(two, language)
    if len(mine) != len(theirs):
        return None
    zeros = dict.fromkeys(range(len(mine)), 0)
    if with_numbers(one, mine, zeros) != with_numbers(two, theirs, zeros):
        return None
    pairs = [i for i, (a, b) in enumerate(zip(mine, theirs, strict=True)) if a.value != b.value]
    chosen = {i: theirs[i].value for i in pairs if rng.random() < 0.5}
    return with_numbers(one, mine, chosen) if chosen else None


def joined_trees(one: str, two: str, rng: Random) -> tuple[str, str] | None:
    """Return the first text with a function, or a part of one, of the second; and what was done."""
    import libcst as cst

    from kernelevo.proposers.edits import places

    try:
        tree, found = places(one)
        donor = cst.parse_module(two)
    except (cst.ParserSyntaxError, RecursionError):
        return None
    mine = {node.name.value: node for node, _ in found if isinstance(node, cst.FunctionDef)}
    theirs = {node.name.value: node for node in _functions(donor)}
    different = sorted(
        name for name in mine.keys() & theirs.keys() if not mine[name].deep_equals(theirs[name])
    )
    if not different:
        return None
    name = rng.choice(different)
    if rng.random() < 0.5:
        new = mine[name].with_changes(
            body=theirs[name].body.deep_clone(), params=theirs[name].params.deep_clone()
        )
        idea = f"{name} of the second parent"
    else:
        body = _spliced(mine[name].body, theirs[name].body, rng)
        if body is None:
            return None
        new, idea = mine[name].with_changes(body=body), f"{name} of both parents"
    changed = tree.deep_replace(mine[name], new)
    text = changed.code if isinstance(changed, cst.Module) else one
    return _with_missing(text, two, donor), idea


def _spliced(mine: cst.BaseSuite, theirs: cst.BaseSuite, rng: Random) -> cst.BaseSuite | None:
    """Return the beginning of one body and the end of the other."""
    import libcst as cst

    if not (isinstance(mine, cst.IndentedBlock) and isinstance(theirs, cst.IndentedBlock)):
        return None
    cut, other = rng.randrange(len(mine.body) + 1), rng.randrange(len(theirs.body) + 1)
    body = [*mine.body[:cut], *(statement.deep_clone() for statement in theirs.body[other:])]
    return mine.with_changes(body=body) if body else None


def _functions(tree: cst.Module) -> list[cst.FunctionDef]:
    import libcst as cst

    return [node for node in tree.body if isinstance(node, cst.FunctionDef)]


def _with_missing(text: str, two: str, donor: cst.Module) -> str:
    """Add the second program's own functions that the new text calls and does not have.

    A text with markers takes them into its first block, one without at its end.
    """
    import libcst as cst

    tree = cst.parse_module(text)
    here = {node.name.value for node in _functions(tree)}
    wanted = [f for f in _functions(donor) if f.name.value not in here and f"{f.name.value}(" in text]
    if not wanted:
        return text
    addition = "".join(tree.code_for_node(f).strip("\n") + "\n\n\n" for f in wanted)
    blocks = blocks_of(text)
    lines = text.split("\n")
    if not blocks.marked:
        return text.rstrip("\n") + "\n\n\n" + addition.rstrip("\n") + "\n"
    at = blocks.ranges[0][0] - 1
    return "\n".join([*lines[:at], *addition.rstrip("\n").split("\n"), "", *lines[at:]])
