"""MutateProposer: one or two small structural changes of a Python program, without a model."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from importlib.util import find_spec
from random import Random

from kernelevo.core import Brief, Program, Proposal, Trial, Verdict
from kernelevo.errors import ToolchainMissing
from kernelevo.proposers.offspring import Known, acceptable, has_entry, proposal

_TRIES = 40
_LONGEST = 200_000
_TWICE = 0.25


def need_libcst() -> None:
    """Refuse to go on without libcst.

    Raises:
        ToolchainMissing: if it is not installed.
    """
    if find_spec("libcst") is None:
        raise ToolchainMissing("changes of syntax trees need libcst", now="pip install libcst")


class MutateProposer:
    """Changes the syntax tree of the first parent: operators, conditions, loops, statements, expressions.

    Raises:
        ToolchainMissing: if libcst is not installed.
    """

    name = "mutate"
    parents = 1

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
        """Return a changed parent, or nothing for a program that is not Python."""
        if not brief.parents:
            return []
        program = brief.parents[0].program
        if program.language != "python" or not has_entry(program) or len(program.source) > _LONGEST:
            return []
        return await asyncio.to_thread(self._mutated, brief.parents[0], rng)

    def _mutated(self, parent: Verdict, rng: Random) -> list[Proposal]:
        import libcst as cst

        from kernelevo.proposers.edits import edited, places

        source = parent.program.source
        try:
            tree, found = places(source)
        except (cst.ParserSyntaxError, RecursionError):
            return []
        for _ in range(_TRIES):
            made = edited(tree, found, rng)
            if made is None or not acceptable(source, made[0], "python"):
                continue
            text, idea = made
            if rng.random() < _TWICE:
                second = edited(*places(text), rng)
                if second is not None and acceptable(source, second[0], "python"):
                    text, idea = second[0], f"{idea}; {second[1]}"
            if text not in self._known:
                self._known.add(text)
                return [proposal(self.name, text, [parent], idea)]
        return []
