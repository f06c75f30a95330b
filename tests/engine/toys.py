"""Evaluators and proposers for the engine's tests: count the ones of a string."""

import asyncio
import os
import time
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

from kernelevo.core import (
    Artifact,
    Brief,
    Evaluation,
    Evaluator,
    Origin,
    Program,
    Proposal,
    StagedEvaluator,
    Status,
    Task,
    Trial,
)
from kernelevo.errors import SandboxError, ToolchainMissing
from kernelevo.population import Policy

BITS = 16
# everything that a population does happens within some dozen trials
LIVELY = Policy(lines=3, steps=4, migrate_every=7, patience=4, dead_after=5, fresh=3, window=8)


def task(kind: str = "ones", seeds: Sequence[str] = ("0" * BITS,), **options: Any) -> Task:
    return Task(f"toy {kind}", "many ones", tuple(Program.single(s) for s in seeds), kind, options)


def load(task: Task) -> Evaluator | StagedEvaluator:
    kinds = {
        "ones": Ones,
        "staged": StagedOnes,
        "settling": Settling,
        "slow": Slow,
        "broken": Broken,
        "baselines": Baselines,
        "measured": Measured,
        "graphless": Graphless,
    }
    if task.evaluator == "missing":
        raise ToolchainMissing("no compiler", now="install one")
    evaluator: Evaluator | StagedEvaluator = kinds[task.evaluator](dict(task.options))
    return evaluator


def ones(source: str) -> Evaluation:
    if set(source) - {"0", "1"}:
        return Evaluation.wrong(f"{source!r} is not made of 0 and 1")
    return Evaluation.ok(float(source.count("1")))


class Ones:
    """Plain: one stage. Writes down what it judges if it is told where."""

    def __init__(self, options: dict[str, Any]) -> None:
        self.options = options

    def __call__(self, program: Program) -> Evaluation:
        if log := self.options.get("log"):
            with Path(log).open("a") as file:
                file.write(program.source + "\n")
        more = self.options.get("uneven", 0.0) * program.source.count("1")  # good programs take longer
        time.sleep(self.options.get("seconds", 0.0) + more)
        if program.source == "die":
            os._exit(5)
        if program.source == "raise":
            raise SandboxError("the sandbox is gone")
        return ones(program.source)


class Measured(Ones):
    """Says besides how many of the ones are in the first half."""

    def __call__(self, program: Program) -> Evaluation:
        verdict = ones(program.source)
        if verdict.score is None:
            return verdict
        return Evaluation.ok(verdict.score, head=program.source[: BITS // 2].count("1"))


class StagedOnes(Ones):
    """Two stages; stops early below the floor; times winners again."""

    def prepare(self, program: Program) -> Artifact:
        time.sleep(self.options.get("build", 0.0))
        if program.source == "unbuildable":
            return Artifact(program, Evaluation(Status.BUILD_FAILED, feedback="error: expected ';'"))
        return Artifact(program, facts={"pid": os.getpid()})

    def measure(self, artifact: Artifact, floor: float | None = None) -> Evaluation:
        verdict = self(artifact.program)
        if floor is not None and verdict.score is not None and verdict.score < floor:
            return Evaluation(Status.OK, verdict.score, fidelity="rough")
        return verdict

    def finalize(self, artifact: Artifact) -> Evaluation:
        program = artifact.program
        time.sleep(self.options.get("final", 0.0))
        if program.source in self.options.get("unstable", ()):
            return Evaluation.wrong("not in a fresh process")
        verdict = ones(program.source)
        assert verdict.score is not None
        score = self.options.get("sobered", {}).get(program.source, verdict.score + 0.5)
        spread = self.options.get("spread")
        ends = {"score_low": score / spread, "score_high": score * spread} if spread else {}
        return Evaluation.ok(score, **ends)

    def warm(self) -> None:
        if note := self.options.get("warmed"):
            Path(note).write_text("warm")

    def close(self) -> None:
        if note := self.options.get("closed"):
            Path(note).write_text("closed")


class Settling(StagedOnes):
    """Has something to make ready before the search, in three parts; writes down when each is done."""

    def __init__(self, options: dict[str, Any]) -> None:
        super().__init__(options)
        self.parts = 0
        self.news: list[dict[str, Any]] = []

    def settle(self) -> bool:
        time.sleep(self.options.get("settling", 0.0))
        if self.options.get("unsettled"):
            raise SandboxError("no baseline comes up here")
        self.parts += 1
        self.news.append({"kind": "notice", "text": f"part {self.parts}"})
        if log := self.options.get("log"):
            with Path(log).open("a") as file:
                file.write(f"part {self.parts}\n")
        return self.parts >= 3

    def notices(self) -> list[dict[str, Any]]:
        news, self.news = self.news, []
        return news


class Slow(Ones):
    """Takes a while."""

    def __call__(self, program: Program) -> Evaluation:
        time.sleep(0.1)
        return ones(program.source)


class Broken(Ones):
    """Breaks the first ``failures`` times, counted in a file because workers come and go."""

    def __call__(self, program: Program) -> Evaluation:
        count = Path(self.options["count"])
        count.write_text(count.read_text() + "x" if count.exists() else "x")
        if len(count.read_text()) <= self.options["failures"]:
            raise RuntimeError("flaky")
        return ones(program.source)


class Graphless(Ones):
    """Has no program to start from, and says why, again with each verdict."""

    def seeds(self) -> list[Program]:
        return []

    def notices(self) -> list[dict[str, Any]]:
        return [
            {"kind": "graphless", "what": "Net has no graph", "why": "torch said so", "now": "ask a model"}
        ]


class Baselines(Ones):
    """Against eager at first; after the third verdict a baseline twice as fast is there."""

    def __init__(self, options: dict[str, Any]) -> None:
        super().__init__(options)
        self.judged = 0
        self.news: list[dict[str, Any]] = []

    def seeds(self) -> list[Program]:
        return [Program.single("0" * 15 + "1", origin=Origin("elsewhere", "own seed"))]

    def notices(self) -> list[dict[str, Any]]:
        news, self.news = self.news, []
        return news

    def __call__(self, program: Program) -> Evaluation:
        verdict = ones(program.source)
        self.judged += 1
        if self.judged == 1:
            self.news.append({"kind": "baseline", "name": "eager", "latency_ms": 2.0, "reason": ""})
            self.news.append({"kind": "notice", "text": "compiling"})
        if self.judged == 3:
            self.news.append({"kind": "baseline", "name": "autotune", "latency_ms": None, "reason": "late"})
            self.news.append(
                {"kind": "rebase", "before": "eager", "now": "compile", "factor": 0.5, "baseline": "compile"}
            )
        if verdict.score is None:
            return verdict
        after = self.judged > 3
        score = verdict.score * (0.5 if after else 1.0)
        return Evaluation.ok(score, baseline="compile" if after else "eager")


def offer(text: str, name: str, parents: tuple[str, ...] = (), **cost: float) -> Proposal:
    return Proposal(Program.single(text, parents=parents, origin=Origin(name)), cost, {"reply": text})


class Flip:
    """Flips one bit of the parent; random bits if there is none. Takes what is said in words."""

    reads = True

    def __init__(self, name: str = "flip", seconds: float = 0.0, dollars: float = 0.0) -> None:
        self.name, self.seconds, self.dollars = name, seconds, dollars
        self.briefs: list[Brief] = []
        self.observed: list[Trial] = []

    def observe(self, trial: Trial) -> None:
        self.observed.append(trial)

    async def propose(self, brief: Brief, rng: Random) -> Sequence[Proposal]:
        self.briefs.append(brief)
        await asyncio.sleep(self.seconds)
        cost = {"dollars": self.dollars} if self.dollars else {}
        if not brief.parents:
            return [offer("".join(rng.choice("01") for _ in range(BITS)), self.name, **cost)]
        parent = brief.parents[0].program
        at = rng.randrange(len(parent.source))
        text = parent.source[:at] + "10"[int(parent.source[at])] + parent.source[at + 1 :]
        return [offer(text, self.name, (parent.id,), **cost)]


class Script:
    """Offers given texts, several at a time if they are lists, then nothing more."""

    def __init__(self, texts: Sequence[str | list[str] | Exception], name: str = "script") -> None:
        self.name, self.texts = name, list(texts)
        self.briefs: list[Brief] = []

    async def propose(self, brief: Brief, rng: Random) -> Sequence[Proposal]:
        self.briefs.append(brief)
        if not self.texts:
            return []
        text = self.texts.pop(0)
        if isinstance(text, Exception):
            raise text
        return [offer(t, self.name) for t in ([text] if isinstance(text, str) else text)]


class Same:
    """Always the same program."""

    name = "same"

    async def propose(self, brief: Brief, rng: Random) -> Sequence[Proposal]:
        return [offer("1" * 3 + "0" * 13, "same")]


class Counting:
    """Pure: the text depends on the brief alone."""

    name = "counting"

    async def propose(self, brief: Brief, rng: Random) -> Sequence[Proposal]:
        return [offer(bin(brief.number + 1)[2:].zfill(BITS), "counting")]


class Lists:
    """Three programs at a time, from its own random numbers."""

    name = "lists"

    async def propose(self, brief: Brief, rng: Random) -> Sequence[Proposal]:
        return [offer("".join(rng.choice("01") for _ in range(BITS)), "lists") for _ in range(3)]


class Counts:
    """Offers the next of a row of programs, each once: it remembers what it has offered."""

    name = "counts"

    def __init__(self) -> None:
        self._offered: set[str] = set()

    def observe(self, trial: Trial) -> None:
        if trial.program.origin.proposer == self.name:
            self.proposed(trial.program)

    def proposed(self, program: Program) -> None:
        self._offered.add(program.source)

    async def propose(self, brief: Brief, rng: Random) -> Sequence[Proposal]:
        row = (f"{number:0{BITS}b}" for number in range(2**BITS))
        text = next(text for text in row if text not in self._offered)
        self._offered.add(text)
        return [offer(text, self.name)]


class Moody:
    """Has nothing to offer for most briefs; crosses two parents for the others."""

    name = "moody"
    parents = 2

    async def propose(self, brief: Brief, rng: Random) -> Sequence[Proposal]:
        if len(brief.parents) < 2 or rng.random() < 0.6:
            return []
        a, b = (verdict.program for verdict in brief.parents)
        at = rng.randrange(BITS)
        return [offer(a.source[:at] + b.source[at:], "moody", (a.id, b.id))]
