"""Summary: a language model's notes on a finished run."""

from __future__ import annotations

from collections.abc import Sequence

from kernelevo.llm import Message, Models, Purpose
from kernelevo.proposers.prompt_files import PromptFiles

MOST = 5
_LONGEST = 500


def summary_prompt(
    task: str, device: str, table: str, prompts: PromptFiles | None = None
) -> tuple[Message, ...]:
    """Return what a summariser is sent.

    Args:
        task: name of the task.
        device: name of the device.
        table: the steps that helped, one a line, with trial and gain.
        prompts: prompt files; ours by default.
    """
    prompts = prompts or PromptFiles.load()
    text = prompts.fill("summary.md", {"task": task, "device": device, "table": table})
    return (Message("system", prompts.fill("system.md", {}).strip()), Message("user", text))


async def summarise(models: Models, messages: Sequence[Message]) -> list[str]:
    """Return what a model takes from a run's table, one sentence or two for each note; at most five.

    The reply may be as long as the model's may be: what a reasoning model thinks before it counts too.

    Args:
        models: who answers, in the role ``summariser``.
        messages: from :func:`summary_prompt`.

    Raises:
        EndpointError: if there is no reply.
    """
    answer = await models.ask(messages, Purpose("summariser"), temperature=0.2)
    lines = (line.strip() for line in answer.reply.answer.splitlines())
    notes = (line[2:].strip() for line in lines if line.startswith(("- ", "* ")))
    return [note[:_LONGEST] for note in notes if len(note.split()) >= 5][:MOST]
