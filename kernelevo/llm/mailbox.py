"""MailboxClient: prompts as Markdown files in a folder, answered by whoever writes the reply file.

A person, a chat tool or another program reads ``prompt-<hash>.md`` and writes ``reply-<hash>.md`` beside it.
The name is the hash of the request, so a run that is resumed finds the reply that came in the meantime, and
nothing is ever asked twice.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from kernelevo.errors import BadSetting
from kernelevo.llm.client import Message, Reply, ReplyTimeout, Usage, digest
from kernelevo.llm.retry import Sleep

_HOW = """<!-- Answer by writing a file named {reply} in this folder: the whole answer, with the program
in one fenced python block. To save it in one step, write another name first and rename it. -->

"""


class MailboxClient:
    """Asks through files.

    Args:
        folder: where prompts and replies lie; made if missing.
        timeout: longest wait for one reply, in seconds; None waits for as long as the run lasts.
        poll: seconds between two looks.
        settle: seconds that a reply file must stay unchanged before it is read, so that a file still being
            written is left alone.
        sleep: how to wait.
        clock: seconds that only go up.

    Raises:
        BadSetting: if the folder cannot be made.
    """

    def __init__(
        self,
        folder: Path,
        *,
        timeout: float | None = None,
        poll: float = 0.5,
        settle: float = 1.0,
        sleep: Sleep = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise BadSetting(
                f"The mailbox folder {folder} cannot be made.", why=str(error), now="name another folder"
            ) from error
        self.folder = folder
        self.timeout, self._poll, self._settle = timeout, poll, settle
        self._sleep, self._clock = sleep, clock

    async def complete(
        self,
        messages: Sequence[Message],
        *,
        model: str = "",
        temperature: float | None = None,
        max_tokens: int | None = None,
        seed: int | None = None,
    ) -> Reply:
        """Write the prompt, wait for the reply file and return it; see ``Client.complete``.

        Raises:
            ReplyTimeout: no reply in time. The prompt stays; asking again later finds a late reply.
        """
        name = digest(messages, model=model, seed=seed)[:16]
        prompt, reply = self.folder / f"prompt-{name}.md", self.folder / f"reply-{name}.md"
        if not prompt.exists():
            _write(prompt, _HOW.format(reply=reply.name) + _markdown(messages))
        begin = self._clock()
        seen: tuple[int, int] | None = None
        since = begin
        while True:
            now, stamp = self._clock(), _stamp(reply)
            if stamp != seen:
                seen, since = stamp, now
            if stamp is not None and now - since >= self._settle:
                text = reply.read_bytes().decode("utf-8", errors="replace")
                return Reply(text, Usage(), now - begin, model="mailbox")
            if self.timeout is not None and now - begin >= self.timeout and stamp is None:
                raise ReplyTimeout(
                    f"Nobody answered {prompt.name} within {self.timeout:g} s.",
                    why=f"looked for {reply}",
                    now="write the reply; the next ask finds it",
                )
            await self._sleep(self._poll)

    def waiting(self) -> list[Path]:
        """Return the prompts that have no reply yet, oldest first."""
        prompts = self.folder.glob("prompt-*.md")
        open_ = [p for p in prompts if _stamp(p.with_name("reply" + p.name.removeprefix("prompt"))) is None]
        return sorted(open_, key=lambda p: (p.stat().st_mtime_ns, p.name))


def _markdown(messages: Sequence[Message]) -> str:
    return (
        "\n\n".join(m.content if m.role == "user" else f"*{m.role}*\n\n{m.content}" for m in messages) + "\n"
    )


def _stamp(path: Path) -> tuple[int, int] | None:
    """Return size and time of a file that has content, else None."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return (status.st_size, status.st_mtime_ns) if status.st_size else None


def _write(path: Path, text: str) -> None:
    """Write in one step: a reader sees the whole file or none."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)
