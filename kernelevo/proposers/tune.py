"""TuneProposer: searches the ``TUNE`` tables of programs with Optuna's tree-structured Parzen estimator.

Why Optuna. The search is small (some dozen evaluations over mixed, mostly ordinal choices), asynchronous
(several points out at once, verdicts in any order) and fed by others (any program with the table is an
observation). TPE takes arbitrary history and running points; evolution strategies (``cmaes``) want whole
generations of their own samples, Gaussian processes (``scikit-optimize``, ``HEBO``) bring SciPy or torch
models for no gain at this size, ``nevergrad`` and ``ConfigSpace`` bring compiled or heavy dependencies.
Optuna is maintained, pure Python (0.44 MB), and importing and sampling need only NumPy, colorlog, tqdm and
packaging, also straight from wheels on the path: its database parts are never imported here.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from random import Random
from typing import Any

from kernelevo.backends import tune as table
from kernelevo.core import Evaluation, Origin, Program, Proposal, Trial, Verdict
from kernelevo.core.brief import Brief
from kernelevo.errors import ToolchainMissing
from kernelevo.proposers.family import FAILED, Family, Point, has, read_family, wider

_MADE_BY = ("base", "rewrites", "variant")  # what says of a text how it came about, not for whom


class TuneProposer:
    """Changes only the values in use in a parent's ``TUNE`` table.

    It learns from every trial it is shown (``observe``) and from its parents. The first point of a new
    family of programs is what was best for related ones (those with entries of the same name), so a table
    that is carried from program to program is not searched from nothing. It offers nothing for a parent
    whose points are used up, or after ``patience`` points in a row that were no improvement.

    Args:
        startup: points near the best one that are tried before the estimator is asked.
        patience: points without improvement after which a family rests.

    Raises:
        ToolchainMissing: if Optuna is not installed.
    """

    name = "tune"
    parents = 1

    def __init__(self, startup: int = 5, patience: int = 15) -> None:
        if find_spec("optuna") is None:
            raise ToolchainMissing(
                "the tuner needs Optuna, which is not installed",
                now="pip install optuna (pure Python; with it colorlog, tqdm and packaging)",
            )
        self.startup, self.patience = startup, patience
        self._families: dict[str, Family] = {}

    def observe(self, trial: Trial) -> None:
        """Learn from one judged program, whoever made it."""
        if trial.evaluation is not None:
            self._learn(trial.program, trial.evaluation)

    def reread(self, change: Callable[[Evaluation], Evaluation]) -> None:
        """From now on verdicts read as ``change`` makes them: against a better baseline."""
        for family in self._families.values():
            family.reread(change)

    def proposed(self, program: Program) -> None:
        """Take a program of ours that an earlier process of this run proposed as being judged."""
        family, point = self._place(program) or (None, None)
        if family is not None and point is not None and point not in family.verdicts:
            family.pending[point] = None

    async def propose(self, brief: Brief, rng: Random) -> Sequence[Proposal]:
        """Return one parent with other values, or nothing."""
        for parent in brief.parents:
            proposal = self._for_parent(parent, rng)
            if proposal is not None:
                return [proposal]
        return []

    def _for_parent(self, parent: Verdict, rng: Random) -> Proposal | None:
        family = self._learn(parent.program, parent.evaluation)
        if family is None or family.since_best >= self.patience:
            return None
        point = self._next(family, rng)
        if point is None:
            return None
        family.pending[point] = None
        settings = family.settings(point)
        program = parent.program
        text = table.with_values(program.source, settings, keep_choices=True)
        words = ", ".join(f"{k}={v!r}" for k, v in settings.items())
        own = {key: told for key, told in program.origin.details.items() if key in _MADE_BY}
        details = {**own, "tuned": settings}
        return Proposal(
            Program(
                {**program.files, program.entry: text},
                program.language,
                (program.id,),
                Origin(self.name, f"values {words}", details),
            )
        )

    def _learn(self, program: Program, evaluation: Evaluation) -> Family | None:
        """Record a verdict under the program's family; None for a program with nothing to tune."""
        found = self._place(program)
        if found is None:
            return None
        known, point = found
        if point is not None:
            known.tell(point, evaluation)
        return known if known.size > 1 else None

    def _place(self, program: Program) -> tuple[Family, Point | None] | None:
        """Return a program's family and its point there, if it has one; None for one without a table."""
        found = read_family(program)
        if found is None:
            return None
        key, space = found
        known = self._families.get(key)
        if known is None or not known.covers(space):
            self._families[key] = known = wider(known, space)
        return known, known.point({name: choices[0] for name, choices in space.items()})

    def _next(self, family: Family, rng: Random) -> Point | None:
        """Return a point that nobody tried, the most promising first."""
        taken = {*family.verdicts, *family.pending}
        if len(taken) >= family.size:
            return None
        for warm in self._warm(family):
            if warm not in taken:
                return warm
        if len(family.verdicts) >= self.startup:
            for _ in range(4):
                point = _ask(family, rng.getrandbits(31), self.startup)
                if point not in taken:
                    return point
        return _untried(family, taken, rng)

    def _warm(self, family: Family) -> list[Point]:
        """Best values of related families, put into this one; most shared entries first."""
        start = family.best
        if start is None:
            return []
        found: list[tuple[int, Point]] = []
        for other in self._families.values():
            best = other.best
            if other is family or best is None or len(other.verdicts) < 2:
                continue
            theirs = other.settings(best)
            shared = {k: v for k, v in theirs.items() if k in family.space and has(family.space[k], v)}
            point = family.point({**family.settings(start), **shared})
            if shared and point is not None:
                found.append((len(shared), point))
        return [point for _, point in sorted(found, key=lambda one: -one[0])[:3]]


def _ask(family: Family, seed: int, startup: int) -> Point:
    """Ask the estimator, made anew from all that is known: its answer depends on nothing else."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    kinds: dict[str, Any] = {name: _distribution(choices) for name, choices in family.space.items()}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        sampler = optuna.samplers.TPESampler(
            seed=seed, n_startup_trials=startup, multivariate=True, constant_liar=True
        )
        study = optuna.create_study(direction="maximize", sampler=sampler)
        values = family.values
        worst = min((v for v in values.values() if v > FAILED), default=0.0)
        for point, value in values.items():
            told = value if value > FAILED else worst - 1.0
            study.add_trial(_trial(family, kinds, point, told))
        for point in family.pending:
            study.add_trial(_trial(family, kinds, point, None))
        asked = study.ask(kinds).params
    return tuple(_index_of(family.space[name], kinds[name], asked[name]) for name in family.space)


def _trial(family: Family, kinds: Mapping[str, Any], point: Point, value: float | None) -> Any:
    import optuna

    params = {
        name: _rank(family.space[name], i) if _ordinal(family.space[name]) else i
        for name, i in zip(family.space, point, strict=True)
    }
    state = optuna.trial.TrialState.RUNNING if value is None else optuna.trial.TrialState.COMPLETE
    return optuna.trial.create_trial(params=params, distributions=dict(kinds), value=value, state=state)


def _ordinal(choices: Sequence[Any]) -> bool:
    """Whether the choices are different numbers, so that neighbours are alike."""
    return all(isinstance(c, (int, float)) and not isinstance(c, bool) for c in choices)


def _distribution(choices: Sequence[Any]) -> Any:
    import optuna

    if _ordinal(choices):
        return optuna.distributions.IntDistribution(0, len(choices) - 1)
    return optuna.distributions.CategoricalDistribution(list(range(len(choices))))


def _rank(choices: Sequence[Any], index: int) -> int:
    """Position of a choice among the sorted ones."""
    return sorted(range(len(choices)), key=lambda i: choices[i]).index(index)


def _index_of(choices: Sequence[Any], kind: Any, asked: int) -> int:
    if _ordinal(choices):
        return sorted(range(len(choices)), key=lambda i: choices[i])[asked]
    return asked


def _untried(family: Family, taken: set[Point], rng: Random) -> Point:
    """Return a point near the best that works, else any that is left.

    Near is what differs in one entry, by one step where its choices are numbers: the usual values were
    chosen with care, and a search that judges five points finds no good one by drawing from all.
    """
    widths = [len(choices) for choices in family.space.values()]
    start = family.best
    if start is not None:
        near = [p for p in _changed_in_one(family, start) if p not in taken]
        steps = [p for p in near if _is_step(family, start, p)]
        if near:
            return rng.choice(steps or near)
    for _ in range(64):
        point = tuple(rng.randrange(width) for width in widths)
        if point not in taken:
            return point
    number = next(n for n in range(family.size) if _decoded(n, widths) not in taken)
    return _decoded(number, widths)


def _changed_in_one(family: Family, start: Point) -> list[Point]:
    """Return the points that differ from this one in a single entry."""
    widths = [len(choices) for choices in family.space.values()]
    changed = [(k, i) for k, width in enumerate(widths) for i in range(width) if i != start[k]]
    return [(*start[:k], i, *start[k + 1 :]) for k, i in changed]


def _is_step(family: Family, start: Point, point: Point) -> bool:
    """Tell whether two points that differ in one entry are next to each other there."""
    for choices, own, other in zip(family.space.values(), start, point, strict=True):
        if own != other and _ordinal(choices):
            return abs(_rank(choices, own) - _rank(choices, other)) == 1
    return True


def _decoded(number: int, widths: Sequence[int]) -> Point:
    point = []
    for width in widths:
        number, index = divmod(number, width)
        point.append(index)
    return tuple(point)
