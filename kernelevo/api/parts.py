"""Putting the parts of a run together: store, islands, proposers, workers, engine."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from kernelevo.api import casting
from kernelevo.api.baggage import baggage
from kernelevo.api.casting import AHEAD, HOSTED, KERNEL, SERIAL
from kernelevo.api.language import Language, in_rows, language, prompt_files, speaks
from kernelevo.api.loading import LOADER
from kernelevo.api.lore import consultant
from kernelevo.api.workplace import Workplace, workplace
from kernelevo.config import MAILBOX, SWITCHES, Settings
from kernelevo.core import (
    BaselineReady,
    Event,
    Notice,
    Proposer,
    SearchEnded,
    SearchStarted,
    Task,
    TrialEnded,
)
from kernelevo.core.events import Listener
from kernelevo.device import smi
from kernelevo.device.facts import cpu_facts
from kernelevo.device.groups import Registration
from kernelevo.device.priority import LAST, prioritise
from kernelevo.engine import Budget, Engine, Outcome, Schedule, booked, run_engine, used_so_far
from kernelevo.engine.reviewing import Reviewing
from kernelevo.evaluators.elsewhere import relayed
from kernelevo.evaluators.reviewer import Reviewer
from kernelevo.executors import GenerationHost
from kernelevo.llm import Models
from kernelevo.population import DEFAULT, Islands
from kernelevo.store import RunStore
from kernelevo.tasks import objectives_of

DEVICE = "device:0"
RELAY = "kernelevo.evaluators.elsewhere:relay"
WORKER_LOG = "workers.log"

ISLANDS = 1  # best mean rank of benchmarks/engine/landscapes.py on its development seeds


@dataclass(frozen=True)
class Plan:
    """A run that is about to start or to go on.

    Args:
        store: its store, open for writing.
        settings: its settings.
        budget: what it may use in all, earlier sittings included.
        listeners: told of every event.
        loader: ``"module:function"`` that makes the evaluator from the task; another one than ours may keep
            what it was told, as ``benchmarks/engine/kernel_ablation.py`` does.
    """

    store: RunStore
    settings: Settings
    budget: Budget
    listeners: Sequence[Listener] = ()
    loader: str = LOADER


def carry_out(plan: Plan) -> Outcome:
    """Run a plan to the end of its budget; every process it started is gone afterwards."""
    folder = plan.store.folder
    talk = language(plan.settings, plan.budget) if speaks(plan.settings) else None
    with _workers(plan, folder, talk) as (place, host, proposers):
        reviews: list[Reviewing] = []
        engine = Engine(
            plan.store,
            proposers,
            place.executor,
            plan.budget,
            islands=population(plan.store.task, plan.settings),
            loader=RELAY if plan.settings.elsewhere is not None else plan.loader,
            device=DEVICE,
            seed=plan.settings.seed,
            facts=known_facts(plan.settings),
            consult=consultant(plan.store.task, plan.settings, plan.store if talk is not None else None),
            schedule=schedule_of(plan.settings, place),
            listeners=(*plan.listeners, _busy_while_searching(host), _pass_on(reviews)),
        )
        if talk is not None:
            talk.listen(in_rows(lambda row: booked(engine, row)), lambda text: engine.say(Notice(text)))
            if talk.models.has("judge"):
                reviewer = Reviewer(talk.models, plan.store.task, prompt_files(plan.settings))
                reviews.append(Reviewing(engine, reviewer))
        with (
            relayed(Path(plan.settings.elsewhere), plan.store.task)
            if plan.settings.elsewhere
            else contextlib.nullcontext()
        ):
            return run_engine(engine, talk.aclose if talk is not None else None)


def schedule_of(settings: Settings, place: Workplace) -> Schedule:
    """Return how much happens at a time; as many programs are thought of as are judged, and at least two."""
    return Schedule(
        thinkers=settings.thinkers or max(2, place.builders),
        builders=place.builders,
        measurers=place.measurers,
        apart=place.apart,
        deterministic=settings.deterministic,
        window=settings.window,
        leaves=settings.elsewhere is not None,
    )


def population(task: Task, settings: Settings) -> Islands:
    """Return the empty population that these settings ask for.

    Proposers that need no model cannot be steered to a region: without others, and without a wish for
    islands, there is no cold start.
    """
    steered = any(name not in HOSTED for name in casting.cast(task, settings))
    count = settings.islands or ISLANDS
    switches = {name.removeprefix("no_"): not getattr(settings, name) for name in SWITCHES}
    switches["cold_start"] &= steered or settings.islands is not None
    personas = prompt_files(settings).personas(KERNEL if task.evaluator == KERNEL else "general")
    directions = tuple(p.direction for p in personas)
    policy = replace(DEFAULT, sampler=settings.sampler, **switches)
    objectives = objectives_of(task.options)
    return Islands(count, policy=policy, directions=directions, objectives=objectives)


def known_facts(settings: Settings) -> dict[str, Any]:
    """Return what is known of the device that judges; of another machine's there is nothing to tell."""
    if settings.elsewhere is not None:
        return {"name": "that of another machine, which is not known here"}
    return device_facts(settings.device)


def device_facts(device: str) -> dict[str, Any]:
    """Return what a program's author has to know of the device, as far as this process can tell.

    A GPU is asked by the driver's tool, so that CUDA is not started here.
    """
    if device != "cpu":
        return {"name": smi.named()}
    facts = cpu_facts()
    shown = {k: facts[k] for k in ("name", "architecture", "cores")}
    caches = {level: f"{size >> 10} KiB" for level, size in facts["caches"].items()}
    return {**shown, "vector extensions": ", ".join(facts["features"]), "caches of core 0": caches}


def mended(store: RunStore) -> dict[str, int]:
    """Return how many repairs were answered, by program; a resumed run does not ask for more than it may.

    One whose reply was lost with a killed run, or that fell into an outage, is asked for again.
    """
    asked = Counter(call.trial for call in store.calls(role="repair") if call.state == "answered")
    return {trial.program.id: asked[trial.number] for trial in store.trials(raw=True) if asked[trial.number]}


def total_budget(store: RunStore, text: str) -> Budget:
    """Return a budget of this much beyond what a run has used already."""
    return Budget.parse(text).plus(used_so_far(store))


@contextlib.contextmanager
def _workers(
    plan: Plan, folder: Path, talk: Language | None
) -> Iterator[tuple[Workplace, GenerationHost, list[Proposer]]]:
    log = folder / WORKER_LOG
    settings = plan.settings
    # generation computes on the cores that are measured: it is stopped while a measurement holds the lease
    on_cpu = settings.device == "cpu"
    task = plan.store.task
    files = baggage(task) if settings.executor == "ray" else None
    place = workplace(settings, staged=task.evaluator == KERNEL, device=DEVICE, log=log, files=files)
    try:
        host = GenerationHost(
            log=log, on_start=_yield_to_the_judge if on_cpu else None, start=place.generation
        )
        try:
            yield place, host, list(_proposers(plan, host, talk))
        finally:
            host.close()
    finally:
        place.executor.close()


def _pass_on(reviews: Sequence[Reviewing]) -> Listener:
    """The reviewing listens to the engine that it is made for."""

    def listen(event: Event) -> None:
        for review in reviews:
            review.listen(event)

    return listen


def _busy_while_searching(host: GenerationHost) -> Listener:
    """Start the host after the first verdict, and end it with the search.

    That verdict is what people wait for: importing torch for the proposers is not to slow it down. Nor is
    what they still think when nobody asks any more, while winners are judged. A module without a graph has no
    first verdict: there a baseline says that the reference is ready, so that proposers find out before the
    search, and not at its cost, that there is nothing for them.
    """

    started = False

    def listen(event: Event) -> None:
        nonlocal started
        if isinstance(event, (TrialEnded, BaselineReady, SearchStarted)) and not started:
            started = True
            host.start()
        elif isinstance(event, SearchEnded):
            host.rest()

    return listen


def refuse_idle(task: Task, settings: Settings) -> None:
    """Refuse a run in which nobody could propose anything, before its folder is made.

    Raises:
        BadSetting: if every proposer is one for PyTorch modules and the task is something else, or for
            prompts that cannot be used.
    """
    prompt_files(settings)  # refused here rather than at the first prompt
    casting.refuse_idle(task, settings)


def _yield_to_the_judge(pgid: int) -> None:
    """Let the generation process rest while programs are timed, and come last while they are checked.

    A busy process beside a program's two threads on two cores made checks eight times as long: whoever waits
    for a thread that does not run waits at each parallel region. The registration ends by itself when the
    group's leader ends.
    """
    Registration(pgid, "generation")
    prioritise(pgid, LAST)


def _proposers(plan: Plan, host: GenerationHost, talk: Language | None) -> Iterator[Proposer]:
    task, settings = plan.store.task, plan.settings
    for name in casting.cast(task, settings):
        if name in HOSTED:
            factory, parents = HOSTED[name]
            options = {"task": task} if name in AHEAD else {}
            yield host.proposer(name, factory, options, parents=parents, serial=name in SERIAL)
        elif talk is not None:
            models = talk.mailbox if name == MAILBOX else talk.models
            assert models is not None  # Settings refuses mailbox without a folder
            yield _asking(name, models, plan)


def _asking(name: str, models: Models, plan: Plan) -> Proposer:
    from kernelevo.proposers.asking import LLMProposer
    from kernelevo.proposers.writing import FileWriter

    settings = plan.settings
    writer = FileWriter(prompt_files(settings), tokens=settings.prompt_tokens)
    return LLMProposer(models, writer, name=name, repairs=settings.repairs, mended=mended(plan.store))
