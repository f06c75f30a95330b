"""Briefing: a brief as the text that a model reads, what does not change first, within a budget of tokens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from kernelevo.backends.taskfile import overrides, with_constants
from kernelevo.core import Attempt, Brief, Program, Task, Verdict
from kernelevo.core.objectives import OPTION, Objectives
from kernelevo.llm import Message
from kernelevo.proposers.answering import answer, fenced, room
from kernelevo.proposers.prompt_files import Persona, PromptFiles

TOKENS = 24_000
"""What a prompt may take by default."""
KERNEL = "kernel"
BYTES_PER_TOKEN = 3
"""Of program text common tokenizers make 3.2 to 4 bytes a token; the estimate is on the safe side."""
DROPPED = ("inspirations", "profile", "lineage", "failures", "knowledge", "hints")
"""The order in which sections give way, each from its last entry on, where a prompt is over its budget.
Then programs are shortened in their middle, the parents' first, the reference last; the rest always stays."""
#: Longest text of each kind, in characters.
LONGEST = {"source": 40_000, "feedback": 4_000, "failure": 1_200, "artifact": 2_500, "inspiration": 8_000}
SHORTEST = 600
_FAILURES = 4
# facts of the judge's own conduct, of no use to an author
_UNSHOWN = frozenset(
    ("recorded_score", "build_seconds", "form", "sandbox", "cases", "timed_outputs_verified", "timed_blocks",
     "dropped_blocks", "disturbed_blocks", "clock_disagreements", "roofline_missing", "weights", "defences")
)  # fmt: skip
_PROFILE = ("roofline_fraction", "roofline_ms", "roofline_bound", "launch_bound", "own_share", "kernels",
            "latency_ms", "peak_memory_mb")  # fmt: skip


@dataclass(frozen=True)
class Rendered:
    """A prompt, and how it came to be.

    Args:
        messages: to be sent.
        tokens: estimate of their size.
        files: hash of the prompt files used.
        dropped: section -> how many of its entries were left out; for ``parents`` and ``task`` how many
            characters of the longest program.
    """

    messages: tuple[Message, ...]
    tokens: int
    files: str
    dropped: Mapping[str, int]


def render(
    brief: Brief,
    prompts: PromptFiles | None = None,
    persona: Persona | None = None,
    *,
    tokens: int = TOKENS,
) -> Rendered:
    """Return the prompt for a brief; equal arguments give equal text.

    Args:
        brief: what is known.
        prompts: the files; ours by default.
        persona: who answers; None says nothing about it.
        tokens: what the prompt may take by estimate. Below what the fixed parts take they are all there is.
    """
    prompts = prompts or PromptFiles.load()
    kind = KERNEL if brief.task.evaluator == KERNEL else "general"
    sections = {name: list(entries) for name, entries in _sections(brief).items()}
    sizes = {"parents": LONGEST["source"], "task": LONGEST["source"]}
    dropped: dict[str, int] = {}
    while True:
        messages = _messages(brief, prompts, persona, kind, sections, sizes)
        used = estimate(messages)
        if used <= tokens:
            break
        full = next((name for name in DROPPED if sections[name]), None)
        if full is not None:
            sections[full].pop()
            dropped[full] = dropped.get(full, 0) + 1
            continue
        cut = next((name for name in ("parents", "task") if sizes[name] > SHORTEST), None)
        if cut is None:
            break
        longest = _longest(brief, cut)
        sizes[cut] = max(SHORTEST, min(sizes[cut], longest) * 3 // 4)
        if longest > sizes[cut]:
            dropped[cut] = longest - sizes[cut]
    names = ["system.md", f"{kind}.md"]
    own = f"personas/{kind}/{persona.name}.md" if persona else ""
    names += [own] if own in prompts.digests else []
    return Rendered(messages, used, prompts.digest(*names), dropped)


def estimate(messages: Sequence[Message]) -> int:
    """Return how many tokens messages take, about; rather too many than too few."""
    return sum(-(-len(m.content.encode()) // BYTES_PER_TOKEN) for m in messages)


def persona_for(brief: Brief, personas: Sequence[Persona]) -> Persona | None:
    """Return the persona whose direction the brief asks for; None where it asks for none of theirs."""
    return next((p for p in personas if p.direction == brief.direction), None)


def _messages(
    brief: Brief,
    prompts: PromptFiles,
    persona: Persona | None,
    kind: str,
    sections: Mapping[str, Sequence[str]],
    sizes: Mapping[str, int],
) -> tuple[Message, ...]:
    task = brief.task
    facts = {name: fact for name, fact in brief.facts.items() if name != OPTION}
    order = _order(brief)
    programs = _programs(brief)
    known = persona is not None and persona.direction == brief.direction
    slots = {
        "goal": task.goal,
        "device": _facts({"device": task.options.get("device", "cpu"), **facts}),
        "persona": persona.text if persona else "You weigh all of the above, and change what promises most.",
        "parents": _parents(brief, sizes["parents"]),
        "direction": f"Stay within this direction:\n\n- {brief.direction}"
        if brief.direction and not known
        else "",
        **{name: "\n\n".join((_TITLES[name], *sections[name])) if sections[name] else "" for name in DROPPED},
    }
    slots["answer"] = answer(
        programs[0] if programs else None, sizes["parents"], kernel=kind == KERNEL, by_score=not order
    )
    if kind == KERNEL:
        slots["aim"] = _speed(order)
        slots["task"] = _reference(task, sizes["task"])
        slots["policy"] = (
            " for allocation and launching only: all compute must be in your own kernels."
            if task.options.get("policy") == "no-aten"
            else "."
        )
    else:
        slots["aim"] = _score(programs[0] if programs else None, order)
    system = prompts.fill("system.md", {}).strip()
    # half a surrogate pair, which an evaluator's feedback may hold, can be neither counted nor sent
    text = prompts.fill(f"{kind}.md", slots).encode(errors="replace").decode()
    return (Message("system", system), Message("user", text))


_TITLES = {
    "hints": "Hints from the person who watches this run:",
    "knowledge": "Notes that may help here (others wrote them; check that they apply):",
    "failures": "These attempts did not pass. Do not repeat their mistakes:",
    "inspirations": "Good programs of other kinds, for ideas to combine with:",
    "lineage": "How we came here, and what was tried from here. Do not try again what did not help, and do "
    "not put back what was taken out:",
    "profile": "Where the time of the first program above goes:",
}


def _sections(brief: Brief) -> dict[str, list[str]]:
    return {
        "hints": ["\n".join(f"- {line}" for line in brief.hints)] if brief.hints else [],
        "knowledge": list(brief.knowledge),
        "failures": [_failure(v) for v in brief.failures[:_FAILURES]],
        "inspirations": [_verdict(v, "", LONGEST["inspiration"]) for v in brief.inspirations],
        "lineage": [_attempt(a) for a in brief.lineage],
        "profile": _profile(brief.parents[0]) if brief.parents else [],
    }


def _programs(brief: Brief) -> list[Program]:
    """Return what is built on: the parents, or the task's own programs where nothing has passed."""
    return [v.program for v in brief.parents] or list(brief.task.seeds)


def _order(brief: Brief) -> str:
    """Say what makes the order of programs; nothing where it is the score."""
    objectives = Objectives.of(brief.task.options)
    # people may have changed the weights since the task was made
    return "" if objectives.by_score else str(brief.facts.get(OPTION) or objectives.sentence())


def _score(program: Program | None, order: str) -> str:
    """Say what a program of any kind is meant to be."""
    language = program.language if program else "python"
    several = program is not None and len(program.files) > 1
    form = "A program of several files" if several else "One complete file"
    form = f"{form} in {language}, in the form of the program below, that"
    if order:
        return f"{form} ranks higher.\nThe score alone does not rank programs: {order}."
    return f"{form} gets a higher score from the\nevaluator."


def _speed(order: str) -> str:
    """Say what a kernel is meant to be."""
    score = "score\n  is the time of the fastest of these divided by yours."
    return (
        f"The {score}\n  It alone does not rank programs: {order}."
        if order
        else f"Higher is better: the {score}"
    )


def _longest(brief: Brief, name: str) -> int:
    """Return the characters of the longest program in a section."""
    if name == "task":
        spec = brief.task.options.get("reference", {})
        return len(str(spec.get("text") or spec.get("classes") or ""))
    return max((sum(map(len, program.files.values())) for program in _programs(brief)), default=0)


def _reference(task: Task, longest: int) -> str:
    """Show the reference with the constants of the chosen size in place; of a live module its own classes."""
    spec = task.options.get("reference", {})
    if spec.get("kind") != "source":
        live = "The reference is a live module; its structure is printed above."
        if not spec.get("classes"):
            return f"{live} There is no text of classes of its own to show."
        return f"{live} Its own classes, as they are written:\n\n{fenced(spec['classes'], 'python', longest)}"
    name = spec.get("filename") or "task.py"
    values = overrides(spec["text"], spec.get("size") or "full", spec.get("variant"), name)
    text = fenced(with_constants(spec["text"], values, name), "python", longest)
    return f"The reference module, exactly as it will be built:\n\n{text}"


def _parents(brief: Brief, longest: int) -> str:
    parents, seeds = brief.parents, brief.task.seeds
    if not (parents or seeds):
        return "There is no program yet. Write the first one."
    if not parents:
        titles = ["The program to start from", *["Another one"] * (len(seeds) - 1)]
        shown = zip(titles, seeds, strict=True)
        return "\n\n".join(f"{title}, which did not pass:\n\n{_program(p, longest)}" for title, p in shown)
    titles = ["Improve on this program", *["Take over what is good in this one"] * (len(parents) - 1)]
    return "\n\n".join(_verdict(v, title, longest) for v, title in zip(parents, titles, strict=True))


def _verdict(verdict: Verdict, title: str, longest: int) -> str:
    evaluation = verdict.evaluation
    known = {
        k: v
        for k, v in evaluation.metrics.items()
        if v is not None and not isinstance(v, list) and v != "" and k not in _UNSHOWN
    }
    score = "no score" if evaluation.score is None else f"score {evaluation.score:.4g}"
    head = f"{title} (status {evaluation.status}, {score}):" if title else f"- With {score}:"
    parts = [head, _program(verdict.program, longest)]
    if not title:
        return "\n\n".join(parts)
    if known:
        parts.append("Measured:\n\n" + _facts(known))
    if evaluation.feedback:
        parts.append("The judge says:\n\n" + fenced(evaluation.feedback, "", LONGEST["feedback"]))
    return "\n\n".join([*parts, *_artifacts(verdict)])


def _program(program: Program, longest: int) -> str:
    """Show every file of a program; those of several under their paths, which share the room."""
    if len(program.files) == 1:
        return fenced(program.source, program.language, longest)
    shown = [f"It has {len(program.files)} files."]
    for path, text in program.files.items():
        suffix = PurePosixPath(path).suffix.removeprefix(".")
        label = "python" if suffix == "py" else suffix
        shown.append(f"`{path}`:\n\n{fenced(text, label, room(program, longest))}")
    return "\n\n".join(shown)


def _artifacts(verdict: Verdict) -> list[str]:
    """What compilers and sanitizers said; a profile has a section of its own."""
    kept = {k: v for k, v in verdict.evaluation.artifacts.items() if v.strip() and k != "profile"}
    return [f"{name}:\n\n{fenced(text, '', LONGEST['artifact'])}" for name, text in kept.items()]


def _failure(verdict: Verdict) -> str:
    said = verdict.evaluation.feedback or "(the judge gave no reason)"
    idea = verdict.program.origin.idea or verdict.program.origin.proposer
    text = f"- {idea} ended as {verdict.evaluation.status}:\n\n{fenced(said, '', LONGEST['failure'])}"
    return "\n\n".join([text, *_artifacts(verdict)])


def _attempt(attempt: Attempt) -> str:
    score = "" if attempt.score is None else f" {attempt.score:.4g}"
    gain = "" if attempt.before is None else f", from {attempt.before:.4g}"
    lead = "On the way" if attempt.ancestor else "Tried from here"
    text = f"- {lead}, #{attempt.number}: {attempt.idea or attempt.proposer} ({attempt.status}{score}{gain})"
    if attempt.removed:
        text += "; it took out:\n\n" + fenced("\n".join(attempt.removed), "", LONGEST["failure"])
    return text


def _profile(verdict: Verdict) -> list[str]:
    metrics = verdict.evaluation.metrics
    known = {k: metrics[k] for k in _PROFILE if metrics.get(k) not in (None, [])}
    parts = [_facts(known)] if {"roofline_fraction", "own_share", "kernels"} & set(known) else []
    text = verdict.evaluation.artifacts.get("profile", "").strip()
    return [*parts, fenced(text, "", LONGEST["artifact"])] if text else parts


def _facts(facts: Mapping[str, Any]) -> str:
    return "\n".join(f"- {key}: {_short(value)}" for key, value in facts.items() if value is not None)


def _short(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list) and value and isinstance(value[0], Mapping):
        return "; ".join(", ".join(f"{k} {_short(v)}" for k, v in row.items()) for row in value[:6])
    if isinstance(value, Mapping):
        return ", ".join(f"{k} {_short(v)}" for k, v in value.items())
    return str(value)
