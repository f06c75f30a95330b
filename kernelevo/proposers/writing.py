"""Writer: what makes a prompt out of a brief and a persona; ours works with the prompt files."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from kernelevo.core import Brief, Verdict
from kernelevo.llm import Message
from kernelevo.proposers.briefing import KERNEL, TOKENS, persona_for, render
from kernelevo.proposers.prompt_files import PromptFiles

ANYONE = "anyone"


@dataclass(frozen=True)
class Prompt:
    """What a model is sent.

    Args:
        messages: of the conversation.
        temperature: how varied replies may be; None leaves it to the endpoint.
        details: plain data for the program's origin (hash of the template, notes that were used).
    """

    messages: tuple[Message, ...]
    temperature: float | None = None
    details: Mapping[str, Any] = field(default_factory=dict)


class Writer(Protocol):
    """Writes prompts. All of it is pure: equal arguments, equal prompts."""

    def personas(self, brief: Brief) -> Sequence[str]:
        """Return the names of those who may take this brief on, at least one."""
        ...

    def write(self, brief: Brief, persona: str) -> Prompt:
        """Return the prompt for a brief."""
        ...

    def repair(self, brief: Brief, failed: Verdict, persona: str) -> Prompt:
        """Return the prompt that shows a failed program with its error and asks for a mended one."""
        ...


class FileWriter:
    """Writes with prompt files: the persona whose direction a brief asks for, else any of its kind.

    Args:
        prompts: the files; ours by default.
        tokens: what a prompt may take by estimate.
    """

    def __init__(self, prompts: PromptFiles | None = None, *, tokens: int = TOKENS) -> None:
        self.prompts, self.tokens = prompts or PromptFiles.load(), tokens

    def personas(self, brief: Brief) -> Sequence[str]:
        """Return the names of those who may take this brief on."""
        known = self.prompts.personas(_kind(brief))
        steered = persona_for(brief, known)
        if steered is not None:
            return (steered.name,)
        return tuple(p.name for p in known) or (ANYONE,)

    def write(self, brief: Brief, persona: str) -> Prompt:
        """Return the prompt for a brief."""
        speaker = next((p for p in self.prompts.personas(_kind(brief)) if p.name == persona), None)
        rendered = render(brief, self.prompts, speaker, tokens=self.tokens)
        details: dict[str, Any] = {
            "prompt_files_sha256": rendered.files,
            "prompt_tokens_estimate": rendered.tokens,
        }
        if rendered.dropped:
            details["dropped"] = dict(rendered.dropped)
        return Prompt(rendered.messages, speaker.temperature if speaker else None, details)

    def repair(self, brief: Brief, failed: Verdict, persona: str) -> Prompt:
        """Return the prompt for the failed program alone, with what the judge said of it.

        A reply that held no program has nothing to show: what the brief builds on is shown with its reason.
        """
        if is_refusal(failed):
            failures = (failed, *(v for v in brief.failures if v.program.id != failed.program.id))
            shown = dataclasses.replace(brief, inspirations=(), failures=failures, direction="")
            return self.write(shown, persona)
        shown = dataclasses.replace(
            brief, parents=(failed,), inspirations=(), failures=(), direction="", lineage=()
        )
        return self.write(shown, persona)


def is_refusal(failed: Verdict) -> bool:
    """Whether a program only stands for a reply that held none, and fails with the reason."""
    return bool(failed.program.origin.refusal)


def _kind(brief: Brief) -> str:
    return KERNEL if brief.task.evaluator == KERNEL else "general"
