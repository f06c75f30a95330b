"""Lore: what runs take from the knowledge base, and what they leave there."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from kernelevo.api.result import Result
from kernelevo.config import Settings
from kernelevo.core import Task
from kernelevo.device.facts import cpu_facts
from kernelevo.engine import Budget
from kernelevo.errors import KernelEvoError
from kernelevo.knowledge import Consultant, KnowledgeBase, Note, default_path, distil
from kernelevo.knowledge.distil import gains, table
from kernelevo.store import RunStore

if TYPE_CHECKING:
    from kernelevo.llm import Call


def consultant(task: Task, settings: Settings) -> Consultant | None:
    """Return who looks notes up for a run's briefs; nobody if the settings want none.

    Raises:
        StoreError: if the knowledge base cannot be read.
    """
    return None if settings.no_knowledge else Consultant(KnowledgeBase(default_path()), task)


def learn(result: Result, settings: Settings) -> list[Note]:
    """Distil a finished run into notes, for searches to come; a run without gains leaves none.

    With a language model the summariser writes them, without one (or where it fails) they are what the steps
    were called. Each carries trials and measured gains.

    Args:
        result: the run.
        settings: of the run.

    Raises:
        StoreError, Unwritable: if the knowledge base cannot be written.
    """
    if settings.no_knowledge:
        return []
    base = KnowledgeBase(default_path())
    steps = gains(result.folder.name, result.trials)
    if not steps:
        return []
    device = _device(result)
    sentences = _summary(result, device, table(steps), settings) if settings.summary_model else []
    notes = distil(
        result.folder.name, result.task, result.trials, device, known=base.notes(), sentences=sentences
    )
    for note in notes:
        base.add(note)
    return notes


def _device(result: Result) -> str:
    metrics = result.best.evaluation.metrics if result.best and result.best.evaluation else {}
    return str(metrics.get("device") or cpu_facts()["name"] or "an unknown processor")


def _summary(result: Result, device: str, rows: str, settings: Settings) -> Sequence[str]:
    """Ask the summariser; a model that fails costs the sentences, never the run that it would describe."""
    from kernelevo.api.language import language
    from kernelevo.proposers.summary import summarise

    try:
        talk = language(settings, Budget.parse(settings.budget))
        with RunStore.open(result.folder) as store:
            talk.listen(lambda call: _written(store, call))
            return asyncio.run(summarise(talk.models, result.task.name, device, rows))
    except KernelEvoError:
        return []


def _written(store: RunStore, call: Call) -> None:
    from kernelevo.api.language import row_of

    store.add_call(row_of(call))
