"""Starting runs, going on with them, reading them."""

from __future__ import annotations

import dataclasses
import datetime
import itertools
import os
from collections.abc import Sequence
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any, TypeAlias, overload

from kernelevo.api import run_folder
from kernelevo.api.apart import apart
from kernelevo.api.casting import KERNEL
from kernelevo.api.check import read_program
from kernelevo.api.language import refuse_unspendable
from kernelevo.api.loading import find_task, refuse_early
from kernelevo.api.lore import learn
from kernelevo.api.parts import Plan, carry_out, refuse_idle, total_budget
from kernelevo.api.result import Result
from kernelevo.api.workplace import need_ray, refuse_workers
from kernelevo.config import Settings, load_settings, settings_of_run
from kernelevo.core import Notice, Program, Task
from kernelevo.core.events import Listener
from kernelevo.engine import Budget, Outcome
from kernelevo.engine.replay import SEED
from kernelevo.engine.running import finishing
from kernelevo.errors import BadSetting, KernelEvoError, RunNotFound, StoreError, refused
from kernelevo.store import CONFIG_FILE, RunStore, find_run, glance
from kernelevo.store import list_runs as run_folders
from kernelevo.tasks import objectives_of

if TYPE_CHECKING:
    from torch import nn

    from kernelevo.api.hotspots import Stitched
    from kernelevo.kernels.hotspots import Hotspot

TaskLike: TypeAlias = "str | os.PathLike[str] | Task"
REPORT = "report.html"


def run_task(task: TaskLike, settings: Settings, *, listener: Listener | None = None) -> Result:
    """Search for a faster program for a task until the budget is spent.

    Args:
        task: a name as on the command line, a path, or a task.
        settings: of the run; they are stored with it.
        listener: told of every event.

    Raises:
        TaskNotFound, BadProgram: for a task that is not there or cannot be read.
        BadSetting: for a budget that is none.
        StoreError, Unwritable: if the run folder cannot be used, or not be written.
        MachineError: if this machine cannot judge the task.
    """
    budget = Budget.parse(settings.budget)
    task = _accepted(task, settings)
    folder = run_folder.choose(settings, task.name)
    with run_folder.given_up(folder):
        return _start(task, settings, budget, folder, listener)


def _accepted(task: TaskLike, settings: Settings) -> Task:
    if isinstance(task, os.PathLike):
        task = os.fspath(task)
    if isinstance(task, str):
        task = find_task(task, settings)
    if not isinstance(task, Task):
        raise BadSetting(
            f"{task!r:.80} is no task",
            why="a task is a name, as kernelevo run takes it, a path, or a kernelevo.Task",
            now='e.g. evolve("tsp.py:tour"), where tour is an evaluator of that file; a live module is for '
            "kernelevo.optimize(module, inputs)",
        )
    _refuse(task, settings)
    if settings.elsewhere is not None:  # its own first programs would have to be judged before anything else
        return dataclasses.replace(task, seeds=())
    return task


def _refuse(task: Task, settings: Settings) -> None:
    """Refuse what could not begin, before anything is recorded."""
    refuse_idle(task, settings)
    refuse_unspendable(settings, Budget.parse(settings.budget))
    objectives_of(task.options)  # refuses what makes no sense, before there is a folder
    _own_programs(settings)
    refuse_workers(settings, staged=task.evaluator == KERNEL)
    if settings.elsewhere is not None:
        return  # nothing is judged here
    if settings.executor == "ray":
        need_ray()  # the device and the memory are those of other machines
    else:
        refuse_early(task)


def _own_programs(settings: Settings) -> list[Program]:
    """Read the programs that a person wants to join.

    Raises:
        BadProgram: if one of them cannot be read.
    """
    return [read_program(Path(os.path.expanduser(path))) for path in settings.programs]


def claim_folder(task: str, settings: Settings) -> Path:
    """Make the folder of a run that is to be started in another process; nothing is written there yet.

    Raises:
        KernelEvoError: whatever :func:`run_task` would refuse before it begins.
    """
    Budget.parse(settings.budget)
    folder = run_folder.choose(settings, _accepted(task, settings).name)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise refused(f"the run folder {folder} cannot be made.", error) from error
    return folder


@overload
def optimize(module: nn.Module, inputs: Any, *, hotspots: int, **more: Any) -> Stitched: ...


@overload
def optimize(module: nn.Module, inputs: Any, *, hotspots: None = None, **more: Any) -> Result: ...


def optimize(
    module: nn.Module,
    inputs: Any,
    *,
    budget: str = "5m",
    weights: Sequence[float] | None = None,
    hotspots: int | None = None,
    listener: Listener | None = None,
    progress: bool = True,
    **settings: Any,
) -> Result | Stitched:
    """Make a live module faster; ``result.module()`` is the drop-in replacement, for calls without gradients.

    Args:
        module: any ``nn.Module`` on the CPU; it keeps its mode and is not changed.
        inputs: one tensor; a tuple, the arguments of ``forward``; a dict of them by name; or a list of such
            input sets.
        budget: ``"90s"``, ``"30m"``, ``"200"`` (trials), ``"$5"``, or several with commas.
        weights: how much each input set counts in the score (a weighted geometric mean).
        hotspots: for a large model: profile it, make so many of its costliest groups of alike submodules
            faster, and put them back; returns a ``Stitched`` with the gain of the whole model. The budget is
            shared among them.
        listener: told of every event; None prints the live report if ``progress``.
        progress: whether to print the live report and the table.
        settings: any field of ``config.Settings``, e.g. ``seed=1`` or ``model="..."``.

    Warns:
        FixedInputWarning: for an input whose values are all the same; the result is used with these alone.

    Raises:
        BadSetting: for settings that make no sense.
        BadProgram: for a module that cannot be pickled.
        MachineError: if this machine cannot judge it.
    """
    chosen = load_settings({"budget": budget, **settings})
    limits = Budget.parse(chosen.budget)
    if chosen.size is not None:
        raise BadSetting(
            f"size {chosen.size!r} would do nothing for a live module",
            why="sizes are forms of the tasks that come along",
            now="leave size out: the inputs say how large it is",
        )
    if hotspots is not None:
        if weights is not None:
            raise BadSetting("weights and hotspots do not go together", now="give one of them")
        if chosen.device != "cpu":
            raise BadSetting(
                f"hotspots are for the CPU, not for {chosen.device}",
                why="the model that its parts are tried in stays there",
                now="optimize a submodule with device='cuda', and put result.module() in its place",
            )
        return _hotspots(module, inputs, hotspots, chosen, limits, listener, progress=progress)
    return _one(module, inputs, weights, chosen, limits, listener, progress=progress, stacklevel=3)


def _one(
    module: nn.Module,
    inputs: Any,
    weights: Sequence[float] | None,
    chosen: Settings,
    limits: Budget,
    listener: Listener | None,
    *,
    progress: bool,
    stacklevel: int | None = None,
) -> Result:
    """Make one module faster; warn of fixed inputs if a ``stacklevel`` says whose call that is."""
    from kernelevo.tasks.module import freeze, input_sets, warn_of_fixed

    folder = run_folder.choose(chosen, type(module).__name__)
    with run_folder.given_up(folder):
        task = freeze(module, inputs, folder, weights=weights, device=chosen.device, policy=chosen.policy)
        _refuse(task, chosen)
        if stacklevel is not None:
            warn_of_fixed(input_sets(inputs, module), stacklevel=stacklevel)
        if not progress or listener is not None:
            return _start(task, chosen, limits, folder, listener)
        return _shown(task, chosen, limits, folder)


def _shown(task: Task, chosen: Settings, limits: Budget, folder: Path) -> Result:
    """Search with the live report, and print the table."""
    from rich.console import Console

    from kernelevo.report.live import LiveReport

    console = Console(highlight=False, markup=False, emoji=False)
    with LiveReport(console, budget=chosen.budget) as report:
        result = _start(task, chosen, limits, folder, report)
    console.print(result.table())
    for text in result.hindrances:
        console.print(text, soft_wrap=True)
    return result


def _hotspots(
    module: nn.Module,
    inputs: Any,
    count: int,
    chosen: Settings,
    limits: Budget,
    listener: Listener | None,
    *,
    progress: bool,
) -> Stitched:
    from rich.console import Console

    from kernelevo.api.hotspots import stitch
    from kernelevo.tasks.module import input_sets, warn_of_fixed

    sets, names = input_sets(inputs, module), itertools.count(1)
    warn_of_fixed(sets, stacklevel=3)

    def search(part: nn.Module, spot: Hotspot, budget: str) -> Result:
        out = str(Path(chosen.out) / f"{next(names)}-{spot.kind}") if chosen.out else chosen.out
        own = dataclasses.replace(chosen, budget=budget, out=out)
        return _one(part, spot.inputs, spot.weights, own, Budget.parse(budget), listener, progress=progress)

    whole = stitch(module, sets, count, limits, search)
    if progress:
        Console(highlight=False, markup=False, emoji=False).print(whole.table())
    return whole


def evolve(task: TaskLike, *, listener: Listener | None = None, **settings: Any) -> Result:
    """Search for better programs for any task.

    Args:
        task: a name as on the command line (``"kernelbench:3/13"``, ``"tsp.py:tour"``), a path, or a task.
        listener: told of every event.
        settings: those of ``kernelevo run``, by name; see the page on settings.

    Raises:
        KernelEvoError: as ``kernelevo run`` does, each with what, why, and what to do.
    """
    return run_task(task, load_settings(settings), listener=listener)


def resume(run: str | Path, *, budget: str | None = None, listener: Listener | None = None) -> Result:
    """Go on with a run; its stored settings hold.

    Args:
        run: folder, name or ``@last``.
        budget: a new budget beyond what was used; None goes on with what is left of the old one. A run that
            came to its end is returned as it is then, unless an order waits in it.
        listener: told of every event.

    Raises:
        RunNotFound: if there is none.
        StoreError: if it is damaged, or another process is writing it.
    """
    folder = find_run(str(run))

    def go_on() -> Result:
        with RunStore.open(folder) as store:
            settings = settings_of_run(store.settings)
            if not budget and settings.elsewhere is None and _is_over(store):
                if listener:
                    more = f"kernelevo resume {quote(str(run))} --budget 60s"
                    listener(Notice(f"the run has ended, and no order waits in it; to search on: {more}"))
                return Result.read(folder)
            limits = total_budget(store, budget) if budget else Budget.parse(settings.budget)
            if budget:
                refuse_unspendable(settings, limits)
                # written down: it holds against earlier orders, and for whoever resumes without one
                store.append_event("budget", {"limits": dict(limits.limits), "text": str(limits)})
            outcome = carry_out(Plan(store, settings, limits, [listener] if listener else []))
        return _finished(folder, outcome, settings, listener)

    with finishing():
        return apart(go_on)


def _is_over(store: RunStore) -> bool:
    """Whether a run came to its end, and nothing that was ordered or proposed since waits in it."""
    waits = any(order.effect is None for order in store.commands()) or store.drafts()
    return store.state == "done" and not waits


def load_run(run: str | Path) -> Result:
    """Read a run, also while it is being written; see ``Result.read``."""
    return Result.read(run)


def list_runs(root: Path) -> list[dict[str, Any]]:
    """Return one row of plain data for each run in a folder, the newest first; a damaged one says so."""
    rows = []
    for folder in reversed(run_folders(root)):
        try:
            seen = glance(folder)
        except (StoreError, RunNotFound) as error:
            rows.append(_row(folder, "?", f"unreadable: {error.what}", 0, None, 0.0))
            continue
        rows.append(_row(folder, seen["task"], seen["state"], seen["trials"], seen["best"], seen["created"]))
    return rows


def _row(
    folder: Path, task: str, state: str, trials: int, best: float | None, created: float
) -> dict[str, Any]:
    started = datetime.datetime.fromtimestamp(created).isoformat(" ", "minutes") if created else None
    return {
        "run": folder.name,
        "task": task,
        "state": state,
        "trials": trials,
        "best": best,
        "started": started,
    }


def _start(task: Task, settings: Settings, budget: Budget, folder: Path, listener: Listener | None) -> Result:
    def begin() -> Result:
        with RunStore.create(folder, task, settings.to_json()) as store:
            # without its own folder, so that the file can be given to another run
            run_folder.write(folder / CONFIG_FILE, dataclasses.replace(settings, out=None).to_toml())
            for program in _own_programs(settings):
                given = {"files": dict(program.files), "language": program.language}
                store.append_command(run_folder.STARTER, "submit", given)
            if listener:
                listener(Notice("preparing the reference and the judge"))
            outcome = carry_out(Plan(store, settings, budget, [listener] if listener else []))
        return _finished(folder, outcome, settings, listener)

    with finishing():
        return apart(begin)


def _finished(folder: Path, outcome: Outcome, settings: Settings, listener: Listener | None) -> Result:
    """Read a run that ended; leave its best program and its report beside the store, and what it teaches.

    Raises:
        KernelEvoError: what every proposer failed of, if nothing was proposed because of it.
    """
    result = Result.read(folder)
    aside = run_folder.lay_down(result)
    if aside is not None and listener:
        listener(Notice(f"{result.place.name} was none of this run's programs; it is {aside.name} now"))
    run_folder.write(folder / REPORT, result.to_html())
    proposed = any(trial.program.origin.proposer != SEED for trial in result.trials)
    if outcome.failure is not None and not proposed:
        raise outcome.failure
    try:
        learnt = learn(result, settings, outcome.budget, lambda text: listener and listener(Notice(text)))
        words = f"learnt {len(learnt)} note(s); kernelevo knowledge list" if learnt else ""
    except KernelEvoError as error:  # the run is recorded: what it teaches is not worth losing that
        words = f"nothing was learnt from this run: {error}"
    if words and listener:
        listener(Notice(words))
    return result
