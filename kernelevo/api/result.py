"""Result: what a run has found so far, read from its store."""

from __future__ import annotations

import dataclasses
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from kernelevo.api.steering import orders
from kernelevo.config import needed
from kernelevo.core import Evaluation, Objectives, Program, Task, Trial, holds, listing
from kernelevo.core.objectives import OPTION, directed
from kernelevo.core.shell import word
from kernelevo.engine.replay import SEED
from kernelevo.errors import BadSetting
from kernelevo.evaluators.foreign import named
from kernelevo.report import table
from kernelevo.report.draws import draws
from kernelevo.report.page import best_so_far, run_page
from kernelevo.store import RUN_FILE, RunStore, find_run, state_of
from kernelevo.store.database import plain_rows
from kernelevo.tasks import is_live, objectives_of

if TYPE_CHECKING:
    from kernelevo.api.standalone import Standalone
    from kernelevo.kernels.dropin.optimized import Optimized

BEST = "best"


@dataclass(frozen=True)
class Result:
    """One run, as recorded.

    Args:
        folder: the run's folder.
        task: what was optimised.
        settings: the run's settings as plain data.
        state: ``new running paused stopped done``, or ``interrupted``: not over, and no process works on it.
        trials: every trial, in order, with scores as they read today.
        confirmed: trial number -> verdict of the timing in three fresh processes.
        searched: seconds of search.
        prepared: seconds of preparation (seeds, baselines) before it, over all sittings.
        created: seconds since the epoch.
        opinions: trial number -> what a judge model thinks of its program.
        lost_calls: requests to models that were sent, and whose replies a killed run did not receive.
        out: ids of programs that count no more: banned by a person, or refuted when they were timed again.
        hindrances: what kept proposers from proposing anything in this run, each with why and what now.
    """

    folder: Path
    task: Task
    settings: dict[str, Any]
    state: str
    trials: tuple[Trial, ...]
    confirmed: dict[int, Evaluation]
    searched: float
    prepared: float
    created: float
    opinions: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)
    lost_calls: int = 0
    out: frozenset[str] = frozenset()
    hindrances: tuple[str, ...] = ()

    @classmethod
    def read(cls, run: str | Path) -> Result:
        """Read a run by folder, name or ``@last``; works while it is being written.

        Raises:
            RunNotFound: if there is none.
            StoreError: if it is damaged.
        """
        folder = find_run(str(run))
        with RunStore.open(folder, readonly=True) as store, plain_rows(folder / RUN_FILE):
            return cls(
                folder,
                _as_weighed(store),
                store.settings,
                state_of(store),
                tuple(store.trials()),
                {
                    row.trial: Evaluation.from_json(row.data)
                    for row in store.events(kind="final")
                    if row.trial is not None
                },
                store.searched,
                sum(float(row.data["seconds"]) for row in store.events(kind="prepared")),
                store.created,
                store.opinions(),
                store.lost_calls(),
                store.out(),
                _hindrances(store),
            )

    @cached_property
    def best(self) -> Trial | None:
        """The trial to use: the best of the confirmed ones, else the best by score; none that is out."""
        sure = [
            t
            for t in self.standing
            if t.number in self.confirmed and self.confirmed[t.number].score is not None
        ]
        if sure:
            worth = self.objectives.worth
            return max(sure, key=lambda t: (worth(self.confirmed[t.number]), self._liked(t), -t.number))
        open_ = [t for t in self.standing if t.number not in self.confirmed]
        best = table.best(open_, self.objectives)
        return max(self._equals(best, open_), key=lambda t: (self._liked(t), -t.number), default=best)

    @property
    def standing(self) -> list[Trial]:
        """The trials whose programs are not out; a program may have several."""
        return [t for t in self.trials if t.program.id not in self.out]

    def _equals(self, best: Trial | None, trials: Sequence[Trial]) -> list[Trial]:
        """The trials that are as good as the best one."""
        if best is None or best.evaluation is None:
            return []
        worth = self.objectives.worth
        full = [(t, t.evaluation) for t in trials if t.evaluation and t.evaluation.fidelity == "full"]
        return [t for t, e in full if e.score is not None and worth(e) == worth(best.evaluation)]

    def _liked(self, trial: Trial) -> float:
        """What breaks ties: a judge model's opinion, in the middle where there is none."""
        return float(self.opinions.get(trial.number, {}).get("value", 0.5))

    @cached_property
    def objectives(self) -> Objectives:
        """What counts in the task; the score alone, unless it declares more.

        Metrics to which the evaluator gave a direction make a front beside the score, and no other order.
        """
        declared = objectives_of(self.task.options)
        return declared if declared.metrics else Objectives(directed(self.trials))

    @cached_property
    def front(self) -> list[Trial]:
        """The Pareto front over the declared metrics, in order of the trials; empty if none are declared."""
        return self.objectives.front(self.standing)

    @property
    def evaluation(self) -> Evaluation | None:
        """The verdict to quote: from the fresh processes where there is one."""
        if self.best is None:
            return None
        return self.confirmed.get(self.best.number, self.best.evaluation)

    @property
    def is_confirmed(self) -> bool:
        """Whether ``evaluation`` is from the timing in fresh processes."""
        return self.best is not None and self.best.number in self.confirmed

    @property
    def candidates(self) -> str:
        """Out of how many the best is, in words; empty where it was not timed in fresh processes."""
        metrics = self.evaluation.metrics if self.evaluation and self.is_confirmed else {}
        timed, judged = metrics.get("candidates_confirmed"), metrics.get("candidates_judged")
        if timed is None or judged is None:
            return ""
        return f"the best of {timed} timed again, out of {judged} judged"

    @property
    def program(self) -> Program | None:
        """The best program."""
        return self.best.program if self.best else None

    @property
    def speedup(self) -> float | None:
        """Fastest equal-precision baseline / ours, for kernel tasks; the score for others."""
        return self.evaluation.score if self.evaluation else None

    @property
    def best_path(self) -> Path | None:
        """Where the best program lies: a file, or a folder for one of several files.

        None where nothing correct was found, or its place holds another program or none: a run that is at
        work, or was killed, lays its best program down at its end. ``kernelevo export`` writes it then.
        """
        try:
            there = self.program is not None and holds(self.place, self.program)
        except OSError:  # somebody else's folder, or a file that has just gone
            there = False
        return self.place if there else None

    @property
    def place(self) -> Path:
        """Where the best program is laid down when the run ends, whatever lies there now."""
        if self.program is None:
            return self.folder / f"{BEST}.py"
        several = len(self.program.files) > 1
        return self.folder / (BEST if several else f"{BEST}{Path(self.program.entry).suffix}")

    def module(self) -> Optimized:
        """Return the drop-in replacement of the module that ``optimize`` was given.

        Raises:
            BadSetting: if nothing correct was found, or the task is not a live module.
            MachineError: if the program is for a GPU and none is at hand.
        """
        from kernelevo.api.dropin import drop_in

        if self.program is None:
            raise _nothing(self)
        return drop_in(self.task, self.program, self.folder)

    def standalone(self) -> Standalone:
        """Return the best program with all it needs of kernelevo, to be used without it.

        Raises:
            BadSetting: if nothing correct was found, or the program is not in Python.
        """
        from kernelevo.api.standalone import standalone

        if self.program is None or self.evaluation is None:
            raise _nothing(self)
        verdict = self.evaluation
        if self.program.language != "python":
            raise BadSetting(
                f"a program in {self.program.language} cannot be made standalone",
                why="it uses nothing of kernelevo and runs without it as it is",
                now="export it without --standalone",
            )
        return standalone(self.program.source, self._note(verdict), self.program.beside)

    def _note(self, verdict: Evaluation) -> list[str]:
        """What stands above a standalone program: how good it is, and for a kernel how to use it."""
        if not self.task.is_timed:
            return [f"{self.task.name}: {self.merit(verdict)}"]
        error = table.number(verdict.metrics.get("oracle_error"), "{:.1e}")
        return [
            f"{self.task.name}: {table.interval(verdict)} against the best baseline, {error} off fp64.",
            "",
            "Construct ModelNew with the arguments of the original module, in the same mode, and give it",
            "the original's state: fast.load_state_dict(module.state_dict()). It has no backward pass,",
            "and was proven on the shapes, dtypes and device of the run only; inside kernelevo,",
            "result.module() gives a replacement that looks at both.",
        ]

    def merit(self, verdict: Evaluation) -> str:
        """Say how good a verdict is for the task: its score, or what its objectives go by."""
        return table.merit(verdict, self.objectives, timed=self.task.is_timed)

    def title(self) -> str:
        """One line: task, run, state, number of trials, what they took."""
        size = self.task.options.get("size")
        form = f" ({size})" if size else ""
        time = f"{self.searched:.0f} s of search after {self.prepared:.0f} s of preparation"
        return f"{self.task.name}{form}  {self.folder}  {self.state}, {len(self.trials)} trials, {time}"

    def table(self) -> Table:
        """The result as a table: the winner against each baseline."""
        grid = Table(box=None, pad_edge=False, title=self.title(), title_justify="left")
        names = ("eager", "torch.compile", "ours", "speed-up [95 %]", "error vs fp64", "at 1e-5", "made by")
        for name in names:
            grid.add_column(name)
        verdict, trial = self.evaluation, self.best
        if verdict is None or trial is None:
            grid.add_row(*(table.NONE for _ in names[:-1]), "nothing correct was found")
            return grid
        if not (self.task.is_timed and table.is_timed(verdict) and self.objectives.by_score):
            return self._judged(verdict, trial)
        ours = verdict.metrics.get("latency_ms")
        grid.add_row(
            table.milliseconds(_times(ours, verdict.metrics.get("speedup_vs_eager"))),
            table.milliseconds(_times(ours, verdict.metrics.get("speedup_vs_compile"))),
            table.milliseconds(ours),
            table.interval(verdict),
            table.number(verdict.metrics.get("oracle_error"), "{:.1e}"),
            table.number(verdict.metrics.get("meets_1e-5")),
            table.made_by(trial),
        )
        return grid

    def _judged(self, verdict: Evaluation, trial: Trial) -> Table:
        """The result of a task that is not about speed alone: the first program's score and the best one's.

        Where objectives make the order, all that counts stands beside the score, with the rule above.
        """
        by_score = self.objectives.by_score
        title = self.title() if by_score else f"{self.title()}\n{self.objectives.sentence()}"
        grid = Table(box=None, pad_edge=False, title=title, title_justify="left")
        for name in ("first", "best", "made by"):
            grid.add_column(name)
        first = next((t.evaluation for t in self.trials if t.score is not None and t.evaluation), None)

        def told(found: Evaluation) -> str:
            good = self.merit(found)
            return good if by_score else f"{good}; score {table.interval(found, timed=self.task.is_timed)}"

        grid.add_row(
            table.NONE if first is None else told(first),
            told(verdict),
            table.made_by(trial),
        )
        return grid

    @property
    def whereabouts(self) -> str:
        """Where the best program lies, or the command that writes it."""
        if self.best_path is not None:
            return f"the program is in {self.best_path}"
        return f"to write the program: kernelevo export {word(self.folder)}"

    def summary(self) -> str:
        """What to do with it, in words."""
        show = f"kernelevo show {word(self.folder)}"
        if self.best is None:
            found = f"nothing correct was found; see why: {show}"
        else:
            found = f"{self.whereabouts}; every trial: {show}"
            if self.best.program.origin.proposer == SEED:
                found = f"nothing better than what the search began with was found: {found}"
        return "\n".join((*self.hindrances, found))

    def to_json(self) -> dict[str, Any]:
        """Return the object that ``show --json`` prints: ``run`` and ``trials``.

        A trial's ``final`` is its verdict in fresh processes, null where it was not judged again.
        """
        run = {
            "folder": str(self.folder),
            "task": self.task.name,
            "named": named(self.task),
            "options": {k: v for k, v in self.task.options.items() if k != "reference"},
            "settings": self.settings,
            "live": is_live(self.task),
            "timed": self.task.is_timed,
            "state": self.state,
            "created": self.created,
            "searched_seconds": self.searched,
            "preparation_seconds": self.prepared,
            "best": self.best.number if self.best else None,
            "verdict": self.evaluation.to_json() if self.evaluation else None,
            "confirmed": self.is_confirmed,
            "lost_calls": self.lost_calls,
            "hindrances": list(self.hindrances),
            "out": sorted(self.out),
            "draws": draws(self.trials),
        }
        final = {number: verdict.to_json() for number, verdict in self.confirmed.items()}
        trials = [
            {**t.to_json(), "opinion": self.opinions.get(t.number), "final": final.get(t.number)}
            for t in self.trials
        ]
        if self.objectives.metrics:
            run["objectives"] = self.objectives.to_json()
            run["pareto_front"] = [t.number for t in self.front]
        return {"run": run, "trials": trials}

    def to_html(self) -> str:
        """Return the run as one self-contained HTML page."""
        source = listing(self.program) if self.program else None
        run = self.to_json()["run"]
        return run_page(run, self.trials, source, orders(self.folder), again=needed(self.settings))

    def _repr_html_(self) -> str:
        # what programs and models wrote is text: no markup, no links, no emoji
        console = Console(record=True, file=io.StringIO(), width=160, markup=False, emoji=False)
        console.print(self.table())
        for text in self.hindrances:
            console.print(text, highlight=False)
        if self.front:
            console.print(table.front_table(self.front, self.objectives))
        rows = console.export_html(inline_styles=True, code_format="<pre>{code}</pre>")
        curve = best_so_far(self.standing, self.objectives, timed=self.task.is_timed)
        return f'<div style="max-width:56rem">{rows}{curve}</div>'


def _hindrances(store: RunStore) -> tuple[str, ...]:
    """Return what proposers that cannot work on the module complained of, each once."""
    told = (row.data for row in store.events(kind="complaint") if row.data.get("graphless"))
    return tuple(dict.fromkeys(table.printable_lines(str(data["text"])) for data in told))


def _as_weighed(store: RunStore) -> Task:
    """The task, its objectives with the weights that people gave them last."""
    task, changes = store.task, store.events(kind="objective")
    if not changes:
        return task
    objectives = objectives_of(task.options).after(change.data for change in changes)
    return dataclasses.replace(task, options={**task.options, OPTION: objectives.to_json()})


def _nothing(result: Result) -> BadSetting:
    return BadSetting(
        "there is no correct program yet",
        why="\n".join((*result.hindrances, f"{len(result.trials)} trials, none of them passed")),
        now="kernelevo show prints why each one failed",
    )


def _times(ours: Any, ratio: Any) -> float | None:
    return ours * ratio if isinstance(ours, float | int) and isinstance(ratio, float | int) else None
