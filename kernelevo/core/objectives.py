"""Objectives: metrics with directions that a task declares, the order they make, and the Pareto front.

A task that declares none is ordered by the verdict's score alone. Nothing is blended silently: the score
stays what the evaluator gave; the order of programs is the one that the task chose.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeVar

from kernelevo.core.evaluation import Evaluation, Metric

OPTION = "objectives"
"""Key of ``Task.options`` under which a task declares them."""
SCORE = "score"
"""Stands for the verdict's score among the names of metrics."""
DIRECTIONS = ("higher", "lower")
RULES = ("score", "weighted", "lexicographic")
WEIGHTED_SUM = "weighted sum"
"""Name of what a weighted rule measures."""
Worth = tuple[float, ...]
"""What a program is worth: compared from the left, higher is better."""


class Judged(Protocol):
    """Whatever has a number and perhaps a verdict: a trial, or a row that stands for one."""

    @property
    def number(self) -> int:
        """Number of the trial."""

    @property
    def evaluation(self) -> Evaluation | None:
        """Its verdict, if there is one."""


J = TypeVar("J", bound=Judged)


@dataclass(frozen=True)
class Objective:
    """One metric that counts.

    Args:
        name: of the metric, or ``score``.
        better: ``higher`` or ``lower``.
        weight: of a weighted sum, in score per unit of the metric; above 0.
        within: differences up to about this size count as none in a lexicographic order: values are compared
            by the step of this size that they are in. 0 compares exactly.
    """

    name: str
    better: str = "higher"
    weight: float = 1.0
    within: float = 0.0

    def __post_init__(self) -> None:
        if not self.name:
            raise ValueError("an objective needs the name of a metric")
        if self.better not in DIRECTIONS:
            raise ValueError(f"{self.name} cannot be better {self.better!r}: it is {' or '.join(DIRECTIONS)}")
        for what, value in (("weight", self.weight), ("within", self.within)):
            if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
                raise ValueError(f"{what} of {self.name} cannot be {value!r}: it is a number")
        if self.weight <= 0 or self.within < 0:
            raise ValueError(f"weight of {self.name} is above 0, within not below 0")

    def value(self, evaluation: Evaluation) -> Metric:
        """Return the metric as the evaluator gave it; None where there is none."""
        return evaluation.score if self.name == SCORE else evaluation.metrics.get(self.name)

    def gain(self, evaluation: Evaluation) -> float:
        """Return the metric turned so that higher is better; minus infinity where it does not exist."""
        value = self.value(evaluation)
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            return -math.inf
        return float(value if self.better == "higher" else -value)


@dataclass(frozen=True)
class Gain:
    """By how much one verdict is better than another, in what decides between them.

    Args:
        name: the score, the weighted sum, or the first metric of a lexicographic order in which they differ.
        better: ``higher`` or ``lower``: which way is better there.
        amount: above 0 if the verdict is better, below 0 if it is worse; None where one of the two does not
            have the metric.
    """

    name: str
    better: str
    amount: float | None


@dataclass(frozen=True)
class Objectives:
    """What counts in a task.

    Args:
        metrics: in the order of their importance for a lexicographic rule; none at all means the score.
        rule: ``score``: the score alone makes the order, the metrics make a front beside it; ``weighted``:
            the sum of weight times metric; ``lexicographic``: the first metric, of equals the second, ...

    Raises:
        ValueError: for an unknown rule, a metric named twice, or a rule over no metrics.
    """

    metrics: tuple[Objective, ...] = ()
    rule: str = SCORE

    def __post_init__(self) -> None:
        if self.rule not in RULES:
            raise ValueError(f"there is no rule {self.rule!r}: it is one of {', '.join(RULES)}")
        names = [metric.name for metric in self.metrics]
        if len(set(names)) != len(names):
            raise ValueError(f"a metric is named twice: {', '.join(names)}")
        if self.rule != SCORE and not names:
            raise ValueError(f"the rule {self.rule!r} needs metrics")

    @classmethod
    def of(cls, options: Mapping[str, Any]) -> Objectives:
        """Read a task's declaration.

        ``options["objectives"]`` is ``{"metrics": {NAME: "higher" | "lower" | {"better": ..., "weight": ...,
        "within": ...}, ...}, "rule": "score" | "weighted" | "lexicographic"}``.

        Raises:
            ValueError: for anything else, saying what was expected.
        """
        declared = options.get(OPTION)
        if declared is None:
            return cls()
        if not isinstance(declared, Mapping) or set(declared) - {"metrics", "rule"}:
            raise ValueError("objectives are a table with 'metrics' and 'rule'")
        metrics = declared.get("metrics", {})
        if not isinstance(metrics, Mapping) or not metrics:
            raise ValueError("'metrics' is a table: name of a metric -> 'higher' or 'lower'")
        return cls(tuple(_objective(n, m) for n, m in metrics.items()), str(declared.get("rule", SCORE)))

    @property
    def by_score(self) -> bool:
        """Whether the order is that of the scores, as without any declaration."""
        return self.rule == SCORE

    def worth(self, evaluation: Evaluation) -> Worth:
        """Return what a verdict with a score is worth; a metric that it lacks is worth less than any."""
        if self.rule == "weighted":
            return (_sum([m.weight * m.gain(evaluation) for m in self.metrics]),)
        if self.rule == "lexicographic":
            return tuple(_step(m.gain(evaluation), m.within) for m in self.metrics)
        return (evaluation.score if evaluation.score is not None else -math.inf,)

    @property
    def measure(self) -> Objective:
        """The one number that stands for the rule where only one can be shown, and which way is better.

        The score, the weighted sum, or the first metric of a lexicographic order.
        """
        if self.rule == "lexicographic":
            return self.metrics[0]
        return Objective(WEIGHTED_SUM if self.rule == "weighted" else SCORE)

    def sentence(self) -> str:
        """Say what makes the order: the rule with its metrics, their directions, weights and steps."""
        if self.by_score:
            return "the score makes the order"
        names = []
        for metric in self.metrics:
            facts = [f"{metric.better} is better"]
            facts += [f"weight {metric.weight:g}"] if self.rule == "weighted" else []
            facts += [f"within {metric.within:g}"] if self.rule == "lexicographic" and metric.within else []
            names.append(f"{metric.name} ({', '.join(facts)})")
        if self.rule == "weighted":
            return f"the order is weighted, the sum of {' and '.join(names)}"
        return f"the order is lexicographic: {', then '.join(names)}"

    def height(self, evaluation: Evaluation) -> float | None:
        """Return the number of ``measure``, as it is given; None where a verdict does not have it."""
        if self.rule == "lexicographic":
            gain = self.metrics[0].gain(evaluation)
            found = gain if self.metrics[0].better == "higher" else -gain
        else:
            (found,) = self.worth(evaluation)
        return found if math.isfinite(found) else None

    def gain_over(self, after: Evaluation, before: Evaluation) -> Gain:
        """Return by how much ``after`` is better than ``before``, in what decides between the two."""
        metric, gains = self.measure, (self.worth(after)[0], self.worth(before)[0])
        if self.rule == "lexicographic":
            worths = zip(self.metrics, self.worth(after), self.worth(before), strict=True)
            metric = next((m for m, one, other in worths if one != other), metric)
            gains = metric.gain(after), metric.gain(before)
        amount = gains[0] - gains[1]
        return Gain(metric.name, metric.better, amount if math.isfinite(amount) else None)

    def weighing(self, name: str, weight: float) -> Objectives:
        """Return the same objectives with another weight for one metric.

        Raises:
            ValueError: if this is no weighted sum, has no such metric, or the weight is not above 0.
        """
        if self.rule != "weighted":
            raise ValueError(f"the rule is {self.rule!r}: there are weights in a 'weighted' sum only")
        if name not in [metric.name for metric in self.metrics]:
            raise ValueError(f"{name!r} is none of {', '.join(metric.name for metric in self.metrics)}")
        changed = (replace(m, weight=weight) if m.name == name else m for m in self.metrics)
        return replace(self, metrics=tuple(changed))

    def after(self, changes: Iterable[Mapping[str, Any]]) -> Objectives:
        """Return the objectives with the weights that people gave, oldest first: ``metric`` and ``weight``.

        Raises:
            ValueError: as ``weighing``.
        """
        found = self
        for change in changes:
            found = found.weighing(change["metric"], change["weight"])
        return found

    def gains(self, evaluation: Evaluation) -> Worth | None:
        """Return the metrics turned so that higher is better; None if the verdict lacks one of them."""
        found = tuple(metric.gain(evaluation) for metric in self.metrics)
        return None if not found or -math.inf in found else found

    def front(self, trials: Iterable[J]) -> list[J]:
        """Return the Pareto front: trials of which no other is as good in every metric and better in one.

        Only full verdicts that have every metric take part; of equals the earliest is kept. In order of their
        numbers; empty without metrics.
        """
        front: list[tuple[Worth, J]] = []
        for trial in sorted(trials, key=lambda t: t.number):
            evaluation = trial.evaluation
            if evaluation is None or evaluation.score is None or evaluation.fidelity != "full":
                continue
            mine = self.gains(evaluation)
            if mine is None or any(_covers(theirs, mine) for theirs, _ in front):
                continue
            front = [(theirs, t) for theirs, t in front if not _covers(mine, theirs)] + [(mine, trial)]
        return [trial for _, trial in front]

    def to_json(self) -> dict[str, Any]:
        """Return the declaration as plain data, as a task's option."""
        rows = {m.name: {"better": m.better, "weight": m.weight, "within": m.within} for m in self.metrics}
        return {"metrics": rows, "rule": self.rule}


def directed(trials: Iterable[Judged]) -> tuple[Objective, ...]:
    """Return the metrics to which verdicts themselves give a direction, if there are at least two.

    Such a verdict has ``metrics["directions"]``, a list of ``{"name": ..., "better": "higher" | "lower"}``.
    """
    found: dict[str, Objective] = {}
    for trial in trials:
        rows: Any = trial.evaluation.metrics.get("directions") if trial.evaluation else None
        for row in rows if isinstance(rows, list) else ():
            if not isinstance(row, Mapping):  # a metric of an evaluator that means something else by the word
                continue
            name, better = str(row.get("name", "")), row.get("better")
            if name and better in DIRECTIONS:
                found.setdefault(name, Objective(name, better))
    return tuple(found.values()) if len(found) > 1 else ()


def _objective(name: Any, declared: Any) -> Objective:
    if isinstance(declared, str):
        return Objective(str(name), declared)
    if not isinstance(declared, Mapping) or set(declared) - {"better", "weight", "within"}:
        raise ValueError(f"{name} is 'higher', 'lower', or a table with 'better', 'weight', 'within'")
    return Objective(str(name), **declared)


def _sum(terms: list[float]) -> float:
    """The sum, correctly rounded where it is a number; minus infinity where a metric is missing."""
    if -math.inf in terms:
        return -math.inf
    try:
        return math.fsum(terms)
    except OverflowError:  # of an intermediate sum
        return sum(terms)


def _step(value: float, size: float) -> float:
    steps = value / size if size else math.inf
    return math.floor(steps) * size if math.isfinite(steps) else value


def _covers(one: Worth, two: Worth) -> bool:
    """Whether one is at least as good as the other in everything (equals cover each other)."""
    return all(a >= b for a, b in zip(one, two, strict=True))
