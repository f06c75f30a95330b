"""Noisy graphs: choose graphs that can be told apart after edges were flipped and nodes shuffled."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from kernelevo.evaluators.combinatorial.problem import Case, Problem, WrongAnswer, whole
from kernelevo.evaluators.conversing import Conversation

QUERIES = 30
SMALLEST, LARGEST = 4, 40

STATEMENT = f"""Noisy graphs (maximise, reactive). Read M (8 to 50) and the noise e (0.00 to 0.30). Print
N ({SMALLEST} to {LARGEST}), then M lines, graph k as N (N - 1) / 2 characters 0 or 1: whether the edge
(0, 1), (0, 2), ..., (0, N - 1), (1, 2), ... is there. Then {QUERIES} times: read a graph that was made
from one of yours, drawn at random, by flipping each edge with probability e and renumbering the nodes at
random; print the number k (0 to M - 1) of the graph that you think it was. Flush after each answer. With
E wrong answers the score is 1e9 * 0.9^E / N, rounded. 4 seconds for a case."""

_STRATA = ("little noise", "some noise", "much noise", "many graphs")


def _make(rng: Random, kind: int) -> Case:
    count = rng.randint(36, 50) if kind == 3 else rng.randint(8, 35)
    low, high = ((0, 5), (6, 15), (16, 30), (0, 20))[kind]
    noise = rng.randint(low, high) / 100
    return Case(0, _STRATA[kind], f"{count} {noise:.2f}\n", (count, noise))


def _hide(rng: Random, case: Case) -> Case:
    """Draw where the graphs that are shown, their flips and their numberings come from."""
    return replace(case, hidden=(*case.hidden, rng.getrandbits(64)))


def _talk(case: Case, talk: Conversation) -> int:
    count, noise, seed = case.hidden
    nodes = whole(talk.ask(case.text.strip()).strip(), SMALLEST, LARGEST, "N")
    pairs = [(i, j) for i in range(nodes) for j in range(i + 1, nodes)]
    graphs = []
    for k in range(count):
        line = talk.hear().strip()
        if len(line) != len(pairs) or line.strip("01"):
            raise WrongAnswer(f"graph {k} is not {len(pairs)} characters 0 or 1")
        graphs.append([c == "1" for c in line])
    rng = Random(seed)
    wrong = 0
    for query in range(QUERIES):
        true = rng.randrange(count)
        there = {p: e != (rng.random() < noise) for p, e in zip(pairs, graphs[true], strict=True)}
        order = list(range(nodes))
        rng.shuffle(order)
        seen = "".join(
            "1" if there[min(order[i], order[j]), max(order[i], order[j])] else "0" for i, j in pairs
        )
        answer = whole(talk.ask(seen).strip(), 0, count - 1, f"answer {query + 1}")
        wrong += answer != true
    return max(1, round(1e9 * 0.9**wrong / nodes))


PROBLEM = Problem("noisy_graphs", 2, STATEMENT, "max", _make, talk=_talk, hide=_hide, seconds=4.0)
