"""Lore: what runs take from the knowledge base, and what they leave there."""

from __future__ import annotations

import asyncio
import dataclasses
import datetime
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from kernelevo.api.result import Result
from kernelevo.config import Settings
from kernelevo.core import Task
from kernelevo.core.readable import readable
from kernelevo.device.facts import cpu_facts
from kernelevo.engine import Budget, Meter, used_so_far
from kernelevo.errors import BadSetting, KernelEvoError
from kernelevo.knowledge import Consultant, KnowledgeBase, Lookup, Note, default_path, distil
from kernelevo.knowledge.distil import KERNEL, SUMMARY, gains, table
from kernelevo.store import RunStore

if TYPE_CHECKING:
    from kernelevo.api.language import Language
    from kernelevo.llm import Message
    from kernelevo.store import CallRow

Say = Callable[[str], None]


def consultant(task: Task, settings: Settings, store: RunStore | None = None) -> Consultant | None:
    """Return who looks notes up for a run's briefs; nobody if the settings want none.

    A run that is replayed from recorded replies is told what the recorded one was told, whatever was learnt
    since, from that run too: else its prompts would be others.

    Args:
        task: of the run.
        settings: of the run.
        store: where it is kept what was looked up; None keeps nothing.

    Raises:
        BadSetting: if the record has notes that cannot be read.
        StoreError: if the knowledge base cannot be read.
    """
    if settings.no_knowledge:
        return None
    recorded = _recorded(Path(settings.replay)) if settings.replay is not None else []
    keep = None if store is None else lambda lookup: store.add_lookup(lookup.to_json())
    return Consultant(KnowledgeBase(default_path()), task, recorded=recorded, keep=keep)


def _recorded(file: Path) -> list[Lookup]:
    from kernelevo.llm import Record

    found = []
    for number, data in Record.read(file).lookups:
        try:
            found.append(Lookup.from_json(data))
        except ValueError as error:
            raise BadSetting(
                f"line {number} of {file} is damaged.", why=str(error), now="export the replies again"
            ) from error
    return found


def learn(
    result: Result, settings: Settings, budget: Budget | None = None, say: Say = lambda _: None
) -> list[Note]:
    """Distil a finished run into notes, for searches to come; a run without gains leaves none.

    With a language model the summariser writes them; without one, and where it fails or the budget has no
    room for its call, they are what the steps were called. Each carries trials and measured gains.

    Args:
        result: the run.
        settings: of the run.
        budget: what the run may use in all; that of the settings if None.
        say: told why there is no summary, where one was wanted.

    Raises:
        StoreError, Unwritable: if the knowledge base cannot be written.
    """
    if settings.no_knowledge:
        return []
    run = readable(_named(result))
    task = dataclasses.replace(result.task, name=readable(result.task.name))
    # what was banned, or refuted when it was timed again, is no example
    steps = gains(run, result.standing, parity=task.evaluator == KERNEL)
    if not steps:
        return []
    device = _device(result)
    sentences: Sequence[str] = []
    if settings.summary_model:
        limits = budget or Budget.parse(settings.budget)
        sentences = _summary(result, device, table(steps), settings, limits, say)
    base = KnowledgeBase(default_path())  # as it is now: while a model was asked, other runs may have ended
    notes = distil(run, task, result.standing, device, known=base.notes(), sentences=sentences)
    for note in notes:
        base.add(note)
    if sentences:  # of a run that went on: what was summed up before is told anew
        new, source = {note.id for note in notes}, notes[0].source
        for old in [n for n in base.notes() if n.id.startswith(SUMMARY) and n.source == source]:
            if old.id not in new:
                base.remove(old.id)
    return notes


def _named(result: Result) -> str:
    """Return a run's name among all that the base hears of: those of a series all lie in folders ``run``."""
    name = result.folder.resolve().name  # of "." as well
    if not result.created:
        return name
    when = datetime.datetime.fromtimestamp(result.created).isoformat(" ", "seconds")
    return f"{name} of {when}"


def _device(result: Result) -> str:
    metrics = result.best.evaluation.metrics if result.best and result.best.evaluation else {}
    return str(metrics.get("device") or cpu_facts()["name"] or "an unknown processor")


def _summary(
    result: Result, device: str, rows: str, settings: Settings, budget: Budget, say: Say
) -> Sequence[str]:
    """Ask the summariser; a model that fails costs the sentences, never the run that it would describe."""
    from kernelevo.api.language import language, prompt_files
    from kernelevo.proposers.summary import summary_prompt

    try:
        talk = language(settings, budget)
        messages = summary_prompt(readable(result.task.name), device, rows, prompt_files(settings))
        wanted = talk.models.dearest(messages, "summariser")
        with RunStore.open(result.folder) as store:
            meter = Meter(budget, used_so_far(store))
            lack = "" if meter.reserve(wanted) else meter.shortage(wanted)
            if not lack:
                notes = asyncio.run(_asked(talk, messages, store))
                if notes:
                    return notes
                lack = "the reply held no note"
            store.append_event("no summary", {"reason": lack})
    except KernelEvoError as error:
        lack = f"{error.what} {error.why}".strip()
    say(f"there is no summary of this run: {lack}")
    return []


async def _asked(talk: Language, messages: Sequence[Message], store: RunStore) -> Sequence[str]:
    from kernelevo.api.language import in_rows
    from kernelevo.proposers.summary import summarise

    def book(row: CallRow) -> Callable[[CallRow], None]:
        number = store.add_call(row)
        return lambda ended: store.end_call(number, ended)

    talk.listen(in_rows(book))
    try:
        return await summarise(talk.models, messages)
    finally:
        await talk.aclose()
