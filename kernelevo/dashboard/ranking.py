"""Ranking: what is best in a run, by the rule that its task declares, and how good each program is for it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from kernelevo.core import Evaluation, Objective, Objectives, Worth
from kernelevo.store import Digest, Line


class Ranking:
    """Puts the trials of a run into the order that its task wants.

    Args:
        objectives: what counts.
        final: verdicts of the timing in fresh processes, by trial.
        out: ids of the programs that count no more: banned, or refuted by such a verdict.
    """

    def __init__(
        self,
        objectives: Objectives,
        final: Mapping[int, Evaluation] | None = None,
        out: frozenset[str] = frozenset(),
    ) -> None:
        self.objectives, self._final, self.out = objectives, final or {}, out
        self._worth: dict[int, Worth] = {}

    @classmethod
    def of(cls, digest: Digest) -> Ranking:
        """Return the ranking of a run as it is now."""
        final = {number: Evaluation.from_json(told) for number, told in digest.finals.items()}
        known = {number: verdict for number, verdict in final.items() if number is not None}
        return cls(digest.objectives, known, digest.out)

    @property
    def measure(self) -> dict[str, str]:
        """Name of the one number that stands for the rule in charts and tiles, and which way is better.

        The score, the weighted sum, or the first metric of a lexicographic order.
        """
        found = self.objectives.measure
        return {"name": found.name, "better": found.better}

    def worth(self, line: Line) -> Worth:
        """Return what a trial is worth, higher is better; empty without a score."""
        if line.score is None:
            return ()
        if self.objectives.by_score or line.evaluation is None:
            return (line.score,)
        if line.number not in self._worth:
            self._worth[line.number] = self.objectives.worth(line.evaluation)
        return self._worth[line.number]

    def height(self, line: Line) -> float | None:
        """Return the number of ``measure``; None where a trial does not have it."""
        if self.objectives.rule == "lexicographic" and line.evaluation is not None:
            return self.objectives.height(line.evaluation)
        worth = self.worth(line)
        return worth[0] if worth and math.isfinite(worth[0]) else None

    def values(self, line: Line) -> list[tuple[Objective, Any]]:
        """Return the declared metrics of a trial; None for one that it does not have."""
        verdict = line.evaluation
        return [(m, m.value(verdict) if verdict else None) for m in self.objectives.metrics]

    def standing(self, lines: Iterable[Line]) -> list[Line]:
        """Return the trials whose programs are not out."""
        return [line for line in lines if line.program not in self.out]

    def best(self, lines: Iterable[Line]) -> Line | None:
        """Return the best full verdict of a program that is not out, the earliest of equals."""
        full = (line for line in self.standing(lines) if line.full)
        return max(full, key=lambda line: (self.worth(line), -line.number), default=None)

    def leader(self, lines: Sequence[Line]) -> Line | None:
        """Return the program to use: the best of those that were confirmed, else of those not timed again."""
        worth = self.objectives.worth
        sure = [
            (worth(final), -line.number, line)
            for line in self.standing(lines)
            if (final := self._final.get(line.number)) is not None and final.score is not None
        ]
        if sure:
            return max(sure, key=lambda entry: entry[:2])[2]
        return self.best(line for line in lines if line.number not in self._final)

    def improvements(self, lines: Iterable[Line]) -> list[Line]:
        """Return the trials that were the best when they ended, in order; none of a program that is out."""
        found: list[Line] = []
        for line in lines:
            better = not found or self.worth(line) > self.worth(found[-1])
            if line.full and better and line.program not in self.out:
                found.append(line)
        return found

    def steps(self, lines: Iterable[Line]) -> list[list[Any]]:
        """Return number and height of each improvement; a trial that ended late counts where it ended."""
        points: list[list[Any]] = []
        for line in self.improvements(lines):
            if (height := self.height(line)) is not None:
                points.append([max(line.number, points[-1][0] if points else 0), height])
        return points

    def front(self, lines: Iterable[Line]) -> list[Line]:
        """Return the Pareto front over the declared metrics, without what is out; empty without metrics."""
        return self.objectives.front(self.standing(lines))
