"""SetsJudge: several input sets of one module, each with a judge of its own; their scores join as a mean."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from kernelevo.core import Artifact, Evaluation, Program, Status, Task
from kernelevo.core.evaluation import Metric
from kernelevo.kernels.baselines.ranking import CLASSES
from kernelevo.kernels.judge import KernelJudge
from kernelevo.kernels.seed import seeds

_MEANS = ("latency_ms", "speedup_vs_eager", "speedup_vs_compile", "speedup_vs_cublas", "speedup_vs_library",
          "score_low", "score_high", "roofline_fraction", "roofline_ms")  # fmt: skip
_WORST = ("max_abs_error", "max_rel_error", "oracle_error", "reference_oracle_error", "peak_memory_mb")
_SUMS = ("build_seconds", "cases", "timed_outputs_verified")


class SetsJudge:
    """Judges programs on every input set of a live module; all must pass.

    The score is the weighted geometric mean of the sets' scores, and so are latency and speed-ups; errors are
    those of the worst set. ``metrics["baseline"]`` names each set's baseline, with commas.

    Args:
        task: its reference is a pickle with ``sets`` input sets and their ``weights`` (which sum to 1).
        make: makes the judge of one set's task.
    """

    def __init__(self, task: Task, make: Callable[[Task], KernelJudge]) -> None:
        self._spec = spec = task.options["reference"]
        self.weights: list[float] = list(spec["weights"])
        self._judges = [
            make(dataclasses.replace(task, options={**task.options, "reference": {**spec, "set": i}}))
            for i in range(spec["sets"])
        ]
        self._news: list[dict[str, Any]] = []
        self._leaders = {precision: ["eager"] * len(self._judges) for precision in CLASSES}

    def seeds(self) -> tuple[Program, ...]:
        """Return the module itself as one program for all sets, where it has a graph on each of them."""
        return seeds(self._spec, self._news)

    def warm(self) -> None:
        """Make the standing equipment of every set."""
        for judge in self._judges:
            judge.warm()

    def settle(self) -> bool:
        """Go on with what a search waits for, set after set; return whether all of it is there."""
        return all([judge.settle() for judge in self._judges])

    def prepare(self, program: Program) -> Artifact:
        """Build for every set, since a program may specialise; the first failure is the verdict."""
        parts = []
        for number, judge in enumerate(self._judges):
            artifact = judge.prepare(program)
            if artifact.verdict is not None:
                return dataclasses.replace(artifact, verdict=_of_set(artifact.verdict, number))
            parts.append({"folder": str(artifact.folder), "facts": dict(artifact.facts)})
        return Artifact(program, facts={"sets": parts})

    def measure(self, artifact: Artifact, floor: float | None = None) -> Evaluation:
        """Check and time on every set; ``floor`` is for the mean, so no set is stopped early for it."""
        return self._over_sets(artifact, lambda judge, part: judge.measure(part))

    def finalize(self, artifact: Artifact) -> Evaluation:
        """Judge a winner anew in fresh processes, on every set."""
        return self._over_sets(artifact, lambda judge, part: judge.finalize(part))

    def notices(self) -> list[dict[str, Any]]:
        """Return the news of all sets; a better baseline of one set changes the mean by its share."""
        news, self._news = self._news, []
        for number, judge in enumerate(self._judges):
            for notice in judge.notices():
                if notice["kind"] == "baseline":
                    news.append({**notice, "name": f"{notice['name']} (input set {number})"})
                elif notice["kind"] == "rebase":
                    news += self._rebased(number, notice)
                else:
                    news.append(notice)
        return news

    def close(self) -> None:
        """Stop every child process."""
        for judge in self._judges:
            judge.close()

    def _rebased(self, number: int, notice: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return one set's change as changes of the joined names, for the classes that share them."""
        powers = {
            key: notice[key] ** self.weights[number] if notice.get(key) is not None else None
            for key in ("factor", "factor_low", "factor_high")
        }
        moved: dict[tuple[str, str], list[str]] = {}
        for precision in notice["precisions"]:
            names = self._leaders[precision]
            before, names[number] = ",".join(names), str(notice["now"])
            moved.setdefault((before, ",".join(names)), []).append(precision)
        return [
            {**notice, **powers, "before": before, "now": now, "precisions": who}
            for (before, now), who in moved.items()
        ]

    def _over_sets(
        self, artifact: Artifact, judged: Callable[[KernelJudge, Artifact], Evaluation]
    ) -> Evaluation:
        if artifact.verdict is not None:
            return artifact.verdict
        verdicts = []
        for number, (judge, part) in enumerate(zip(self._judges, artifact.facts["sets"], strict=True)):
            one = Artifact(artifact.program, None, Path(part["folder"]), part["facts"])
            verdict = judged(judge, one)
            if verdict.status is not Status.OK:
                return _of_set(verdict, number)
            verdicts.append(verdict)
        return joined(verdicts, self.weights)


def joined(verdicts: Sequence[Evaluation], weights: Sequence[float]) -> Evaluation:
    """Join passing verdicts on several input sets into one, by weights that sum to 1."""
    metrics: dict[str, Metric] = dict(verdicts[0].metrics)
    for name in {*metrics, *_MEANS} & {*_MEANS, *_WORST, *_SUMS}:
        values = [v.metrics.get(name) for v in verdicts]
        numbers = [float(v) for v in values if isinstance(v, int | float) and not isinstance(v, bool)]
        if len(numbers) < len(values):
            metrics[name] = None
        elif name in _MEANS:
            metrics[name] = mean(numbers, weights)
        else:
            metrics[name] = max(numbers) if name in _WORST else sum(numbers)
    metrics["meets_1e-5"] = all(v.metrics.get("meets_1e-5") for v in verdicts)
    classes = [str(v.metrics.get("precision")) for v in verdicts]
    order = ("fp32-accurate", "float64", "float16", "bfloat16", "tf32", "lower")
    metrics["precision"] = max(classes, key=lambda c: order.index(c) if c in order else len(order))
    metrics["baseline"] = ",".join(str(v.metrics.get("baseline")) for v in verdicts)
    scores = [v.score for v in verdicts if v.score is not None]
    metrics["set_scores"] = ",".join(f"{score:.4g}" for score in scores)
    text = "\n".join(f"input set {i}: {v.feedback}" for i, v in enumerate(verdicts))
    fidelity = "full" if all(v.fidelity == "full" for v in verdicts) else "rough"
    return Evaluation(Status.OK, mean(scores, weights), metrics, text, {}, fidelity)  # type: ignore[arg-type]


def mean(values: Sequence[float], weights: Sequence[float]) -> float:
    """Return the weighted geometric mean; 0 where a value is 0."""
    if any(v <= 0 for v in values):
        return 0.0
    return math.exp(sum(w * math.log(v) for v, w in zip(values, weights, strict=True)))


def _of_set(verdict: Evaluation, number: int) -> Evaluation:
    return dataclasses.replace(verdict, feedback=f"on input set {number}: {verdict.feedback}")
