"""Hostile programs in a row: whether the judge lives on, judges as before, and how soon it is back.

Usage: ``python -m benchmarks.hostile [--count 100] [--seed 1] [--out benchmarks/results/hostile-DATE.json]``

Kinds come in a seeded order (``tests/adversarial/hostile.py``). After each the judge gets an honest program
that it has not seen. Recovery is the time from the bad program's end (the judge ends its last process) to the
start of the honest verdict (its fresh process in the run stage is asked for): clearing up after the one, and
the other's whole build stage. Honest verdicts on their own, first, say how much scores vary anyway.
"""

from __future__ import annotations

import argparse
import ctypes
import datetime
import json
import math
import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from kernelevo.core import Evaluation, Program, Task
from kernelevo.kernels.children.supervisor import PRELOAD
from kernelevo.kernels.judge import KernelJudge
from kernelevo.sandbox import freeze
from kernelevo.sandbox.child import Child
from kernelevo.sandbox.limits import Limits
from kernelevo.sandbox.tier import machine_tier
from kernelevo.sandbox.zygote import Zygote
from tests.adversarial.hostile import KINDS, TASK, Kind, Place, honest

_UNTOUCHED = b"UNHARMED"
_NOISE = 0.1
"""Least relative distance of an honest score from the usual one that is called a change."""


@dataclass
class Life:
    """One child: its entry, when it was asked for, and when the judge first ended it (monotonic seconds)."""

    entry: str
    born: float
    ended: float | None = None


class Witness(Zygote):
    """A zygote that writes down the lives of its children."""

    def __init__(self) -> None:
        self.lives: list[Life] = []
        # one thread: two that wait for each other on a busy machine are what scores would tell of
        super().__init__(PRELOAD, threads=1)

    def spawn(
        self,
        entry: str,
        payload: Mapping[str, Any],
        *,
        limits: Limits,
        fds: Mapping[str, int] | None = None,
        threads: int | None = None,
    ) -> Child:
        life = Life(entry, time.monotonic())
        child = super().spawn(entry, payload, limits=limits, fds=fds, threads=threads)
        self.lives.append(life)
        for name in ("kill", "kill_now", "close"):
            setattr(child, name, _noting(life, getattr(child, name)))
        return child


def _noting(life: Life, act: Callable[..., None]) -> Callable[..., None]:
    def noted(*given: Any) -> None:
        if life.ended is None:
            life.ended = time.monotonic()
        act(*given)

    return noted


@dataclass(frozen=True)
class Row:
    """One hostile program and the honest one after it.

    Args:
        kind: of the hostile one.
        status: its verdict; ``fault`` if the judge itself broke.
        feedback: its first line.
        fit: whether verdict and words are those of its kind.
        seconds: from asking for its verdict to having it.
        recovery: seconds from its end to the start of the honest verdict.
        honest: the honest program's status.
        score: the honest program's; None without one.
        sure: whether that score has an interval (a machine too busy gives none).
        harmed: what else was hurt: the parent's memory, the zygote, a sibling, the cache, a process left.
    """

    kind: str
    status: str
    feedback: str
    fit: bool
    seconds: float
    recovery: float
    honest: str
    score: float | None
    sure: bool
    harmed: list[str]


class Endurance:
    """A judge with everything standing, and hostile programs for it.

    Args:
        folder: for its cache.
        patience: seconds that any stage of a program may take.
        seconds: for timing a program.

    Raises:
        RuntimeError: where the sandbox has gaps: these programs kill what they can reach.
    """

    def __init__(self, folder: Path, *, patience: float = 4.0, seconds: float = 0.4) -> None:
        if machine_tier().gaps:
            raise RuntimeError(f"these programs are not to be run here: {'; '.join(machine_tier().gaps)}")
        spec = {"kind": "source", "text": TASK, "filename": "task.py", "size": "full", "entry": "Model"}
        self.cache = folder
        self.zygote = Witness()
        self._marks = 0
        self._memory = ctypes.create_string_buffer(_UNTOUCHED, 8)
        self.judge = KernelJudge(
            Task("hostile", "live on", options={"reference": spec}),
            zygote=self.zygote,
            cache=folder,
            compiled=(),
            search_seconds=seconds,
            forward_patience=patience,
            build_patience=patience,
        )
        try:
            self.judge.warm()
            self.judge.ground.patience = patience
            with self.judge.ground.pool.turn:
                self.judge.ground.pool.fill()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        self.judge.close()
        self.zygote.close()

    def __enter__(self) -> Endurance:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def place(self) -> Place:
        """Whom programs aim at."""
        sibling = self._sibling()
        return Place(
            os.getpid(), os.getpgrp(), self.zygote.pid, (sibling.pid,),
            ctypes.addressof(self._memory), str(self.cache),
        )  # fmt: skip

    def honest(self) -> Evaluation:
        """Judge an honest program that was not judged before."""
        self._marks += 1
        return self._verdict(honest(self._marks))

    def meet(self, kind: Kind) -> Row:
        """Judge a hostile program, then an honest one."""
        self._marks += 1
        before = len(self.zygote.lives)
        start = time.monotonic()
        try:
            verdict = self._verdict(kind.program(self.place, self._marks))
            status, feedback = str(verdict.status), verdict.feedback
        except Exception as error:  # the very thing that must not happen: the row says so
            status, feedback = "fault", f"{type(error).__name__}: {error}"
        seconds = time.monotonic() - start
        ends = [life.ended for life in self.zygote.lives[before:] if life.ended is not None]
        after = len(self.zygote.lives)
        found = self.honest()
        serving = [life.born for life in self.zygote.lives[after:] if life.entry.endswith("worker:serve")]
        recovery = min(serving) - max(ends) if serving and ends else math.nan
        fit = status in kind.fit and (not kind.words or any(word in feedback for word in kind.words))
        said = (feedback.strip().splitlines() or [""])[0][:200]
        sure = found.metrics.get("score_low") is not None
        return Row(
            kind.name, status, said, fit, seconds, recovery, str(found.status), found.score, sure, self.harm()
        )

    def harm(self) -> list[str]:
        """Return what does not stand as it should; nothing where all is well."""
        known = [s.child.pid for b in self.judge.ground.baselines.all.values() if (s := b.session)]
        left = [pid for pid in freeze.children(self.zygote.pid) if pid not in known]
        checks = {
            "the parent's memory": self._memory.raw == _UNTOUCHED,
            "the zygote": self.zygote._process.poll() is None,
            "a sibling": self._sibling().alive(),
            "the cache": self.cache.is_dir(),
            f"processes left: {left}": not left,
        }
        return [name for name, well in checks.items() if not well]

    def _sibling(self) -> Child:
        session = self.judge.ground.baselines.all["eager"].session
        assert session is not None
        return session.child

    def _verdict(self, source: str) -> Evaluation:
        return self.judge.measure(self.judge.prepare(Program.single(source)))


def order(count: int, seed: int, kinds: Sequence[Kind] = KINDS) -> list[Kind]:
    """Return so many kinds in a seeded order, each as often as any other but for one time."""
    rng = random.Random(seed)
    chosen: list[Kind] = []
    while len(chosen) < count:
        chosen += rng.sample(list(kinds), len(kinds))
    return chosen[:count]


def summary(rows: Sequence[Row], controls: Sequence[float]) -> dict[str, Any]:
    """Return the figures of all rows.

    Args:
        rows: at least one.
        controls: scores of the honest program without a hostile one before.
    """
    usual = statistics.median(controls)
    noise = max([_NOISE, *(1.5 * abs(math.log(c / usual)) for c in controls)])
    scores = [r.score for r in rows if r.score is not None]
    sure = [r.score for r in rows if r.score is not None and r.sure]
    recoveries = [r.recovery for r in rows if math.isfinite(r.recovery)]
    return {
        "programs": len(rows),
        "kinds": len({r.kind for r in rows}),
        "faults": sum(r.status == "fault" for r in rows),
        "unfit_verdicts": sum(not r.fit for r in rows),
        "harmed": sum(bool(r.harmed) for r in rows),
        "honest_not_ok": sum(r.honest != "ok" for r in rows),
        "honest_beyond_noise": sum(abs(math.log(s / usual)) > noise for s in scores),
        "honest_with_an_interval": len(sure),
        "of_these_beyond_noise": sum(abs(math.log(s / usual)) > noise for s in sure),
        "noise": noise,
        "control_scores": list(controls),
        "median_score_alone": usual,
        "median_score_after": statistics.median(scores) if scores else None,
        "recovery_mean_seconds": statistics.fmean(recoveries) if recoveries else None,
        "recovery_median_seconds": statistics.median(recoveries) if recoveries else None,
        "recovery_worst_seconds": max(recoveries, default=None),
    }


def main(given: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--controls", type=int, default=10, help="honest verdicts before all others")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--patience", type=float, default=4.0, help="seconds that a stage may take")
    parser.add_argument(
        "--limit", type=float, default=math.inf, help="begin no program after so many seconds"
    )
    parser.add_argument("--out", type=Path, help="JSON file")
    told = parser.parse_args(given)
    load, start = os.getloadavg(), time.monotonic()
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as cache, Endurance(Path(cache), patience=told.patience) as endurance:
        controls = [v.score for _ in range(told.controls + 1) if (v := endurance.honest()).score is not None]
        for kind in order(told.count, told.seed):
            if time.monotonic() - start > told.limit:
                break
            rows.append(endurance.meet(kind))
            print(_line(rows[-1]), flush=True)
    if not rows or not controls[1:]:
        print("nothing was measured", file=sys.stderr)
        return 1
    figures = summary(rows, controls[1:])  # the first one warms up
    for name, value in figures.items():
        if name != "control_scores":
            print(f"{name:26} {round(value, 3) if isinstance(value, float) else value}")
    if told.out is not None:
        facts = {"date": datetime.date.today().isoformat(), "cores": os.cpu_count(), "load": load}
        facts |= {"load_at_the_end": os.getloadavg(), "seed": told.seed, "patience": told.patience}
        record = {"facts": facts, "summary": figures, "rows": [asdict(row) for row in rows]}
        told.out.write_text(json.dumps(record, indent=1) + "\n")
    broken = ("faults", "unfit_verdicts", "harmed", "honest_not_ok")
    return int(any(figures[name] for name in broken))


def _line(row: Row) -> str:
    score = "-" if row.score is None else f"{row.score:.3f}"
    marks = "" if row.fit and not row.harmed else f"  UNFIT {row.feedback} {row.harmed}"
    score += "" if row.sure else " (unsure)"
    return (
        f"{row.kind:34} {row.status:12} {row.seconds:6.2f} s  recovery {row.recovery:5.2f} s  "
        f"then {row.honest} {score}{marks}"
    )


if __name__ == "__main__":
    sys.exit(main())
