"""Distil: what a finished run teaches, as notes with the trials that show it."""

from __future__ import annotations

import hashlib
import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from kernelevo.core import Task, Trial, listing
from kernelevo.knowledge.kinds import kinds_of_task
from kernelevo.knowledge.note import RUN, Evidence, Note

WORTH = 1.05
"""A step counts from this gain on, and only if both scores' intervals, where there are any, are apart."""
MOST = 4
"""Notes of one run."""
SAMPLE = 6_000
KERNEL = "kernel"
SUMMARY = "summary"
"""How the ids of a summariser's notes begin."""


def gains(run: str, trials: Sequence[Trial], *, parity: bool = True) -> list[tuple[Trial, Evidence]]:
    """Return the steps of a run that helped, the largest gain first.

    A step's gain is over the program that it was made from. Without one, or where that had no score, it is
    over parity. It is the ratio of the scores; over one below 0, as a cost with its sign turned has, 1 and
    the difference as a share of it. Over a score of 0 there is none.

    Args:
        run: name of the run.
        trials: all of it.
        parity: whether a score of 1 is parity, as a kernel's is; else such a step has gained nothing.
    """
    first = _first(trials)
    found = []
    for trial in first.values():
        verdict = trial.evaluation
        if verdict is None or verdict.score is None or verdict.fidelity != "full":
            continue
        low, high = (_number(verdict.metrics.get(k)) for k in ("score_low", "score_high"))
        if "score_low" in verdict.metrics and low is None:
            continue  # a time without an interval was disturbed, and is no evidence
        before = _before(trial, first)
        base, above = (1.0, 1.0) if parity else (math.inf, math.inf)
        if before is not None and before.evaluation and before.score is not None:
            base = above = before.score
            above = _number(before.evaluation.metrics.get("score_high")) or above
        gain = _gain(verdict.score, base)
        if gain >= WORTH and (low is None or low > above) and trial.program.origin.proposer != "seed":
            found.append((trial, Evidence(run, trial.number, round(gain, 4), low, high)))
    return sorted(found, key=lambda pair: -pair[1].gain)


def _gain(score: float, base: float) -> float:
    """Return the ratio of two scores, or what stands for it where the one before is not above 0."""
    if base > 0:
        return score / base
    return 1.0 + (score - base) / -base if base < 0 else 0.0


def _first(trials: Sequence[Trial]) -> dict[str, Trial]:
    """Return the first trial of each program."""
    first: dict[str, Trial] = {}
    for trial in trials:
        first.setdefault(trial.program.id, trial)
    return first


def _before(trial: Trial, first: Mapping[str, Trial]) -> Trial | None:
    """Return the trial of the program that one was made from, if it had a score."""
    before = first.get(trial.program.parents[0]) if trial.program.parents else None
    return before if before is not None and before.score is not None else None


def distil(
    run: str,
    task: Task,
    trials: Sequence[Trial],
    device: str,
    *,
    known: Iterable[Note] = (),
    sentences: Sequence[str] = (),
) -> list[Note]:
    """Return the notes of a run; none where nothing was gained.

    Without a model a note is what the proposers called their steps: rewrites that were applied, or the idea
    of a reply. The same step on another task adds its evidence to the note that is there.

    Args:
        run: name of the run.
        task: what was optimised.
        trials: all trials of the run.
        device: its name, e.g. of the processor.
        known: notes that are there already.
        sentences: what a summariser wrote instead, one note each; the evidence is the best steps'.
    """
    steps = gains(run, trials, parity=task.evaluator == KERNEL)
    if not steps:
        return []
    kind = str(task.options.get("device", "cpu")).partition(":")[0]
    kinds = kinds_of_task(task)
    scope: dict[str, Any] = {
        "devices": (kind,) if task.evaluator == KERNEL else (),
        "kinds": kinds,
        "source": f"measured in run {run} of {task.name} on {device}",
        "origin": RUN,
    }
    symptoms = f"{' '.join(kinds)} worked measured {task.name} {device}"
    if sentences:
        best = tuple(evidence for _, evidence in steps[:3])
        return [
            Note(_id(SUMMARY, run, text), text[:100], symptoms, text, evidence=best, **scope)
            for text in sentences[:MOST]
        ]
    groups: dict[str, list[tuple[Trial, Evidence]]] = defaultdict(list)
    for trial, evidence in steps:
        groups[_label(trial)].append((trial, evidence))
    old = {note.id: note for note in known if note.origin == RUN}
    # two folders may have an evaluator.py each: what names it has its whole path
    own = task.name if task.evaluator == KERNEL else task.evaluator
    family, first = " ".join(kinds) or own, _first(trials)
    named = f" ({', '.join(kinds)})" if kinds else ""
    notes = []
    for label, members in list(groups.items())[:MOST]:
        trial, evidence = members[0]
        id = _id("worked", kind, family, label)
        over = "the program before it" if _before(trial, first) else "the fastest baseline"
        text = (
            f"{label} gained x{evidence.gain:.3g} over {over}, on {task.name}"
            f"{named} on {device}, in run {run}, trial {evidence.trial}."
        )
        title = f"{label} on {' and '.join(kinds[:3]) or task.name}"
        sample, language = _sample(trial)
        note = Note(id, title, symptoms, text, evidence=tuple(e for _, e in members), **scope)
        note = replace(note, sample=sample, language=language)
        notes.append(note.united(old.get(id, note)))
    return notes


def table(trials: Sequence[tuple[Trial, Evidence]], most: int = 12) -> str:
    """Return steps as lines for a summariser."""
    return "\n".join(
        f"- #{t.number} x{e.gain:.3g} (score {t.score:.3g}): {_label(t)}" for t, e in trials[:most]
    )


def _label(trial: Trial) -> str:
    details: Mapping[str, Any] = trial.program.origin.details
    names = details.get("rewrites")
    tuned = details.get("tuned") if trial.program.origin.proposer == "tune" else None
    if tuned:
        return "tuned values " + ", ".join(f"{k}={v!r}" for k, v in sorted(tuned.items()))
    if names:
        return " + ".join(map(str, names))
    return (trial.program.origin.idea or trial.program.origin.proposer)[:160]


def _sample(trial: Trial) -> tuple[str, str]:
    """Programs of models and people are worth showing; those of our own rewrites can be made again."""
    text = listing(trial.program)
    if trial.program.origin.details.get("rewrites") or len(text) > SAMPLE:
        return "", ""
    return text, trial.program.language


def _id(*parts: str) -> str:
    return f"{parts[0]}-{hashlib.sha256('/'.join(parts).encode()).hexdigest()[:12]}"


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, float | int) and not isinstance(value, bool) else None
