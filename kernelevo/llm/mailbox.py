"""MailboxClient: prompts as Markdown files in a folder, answered by whoever writes the reply file.

A person, a chat tool or another program reads ``prompt-<hash>.md`` and writes ``reply-<hash>.md`` beside it.
The name is the hash of the request: who asks the very same again, later or in a run that is resumed, finds
the reply that came in the meantime.
"""

from __future__ import annotations

import asyncio
import codecs
import contextlib
import os
import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from kernelevo.errors import BadSetting
from kernelevo.llm.client import Message, Reply, ReplyTimeout, Turn, Usage, digest
from kernelevo.llm.retry import Sleep

_UNFINISHED = (".tmp", ".part", ".partial", ".crdownload", ".download", ".swp", ".bak", "~")
_HOW = """<!-- Answer by writing a file named {reply} in this folder: the whole answer, with the program
in one fenced block. To save it in one step, write another name first (such as {reply}.tmp) and rename it. -->

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

    What lies in the folder and cannot be used (a reply to no prompt, a second reply) is told to ``notice``,
    once, with its name; nothing is ever deleted.

    Raises:
        BadSetting: if the folder cannot be made.
    """

    unbilled = True  # where nobody counts tokens, none are guessed: a person may answer

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
        self.notice: Callable[[str], None] = lambda text: None
        self._noticed: set[str] = set()

    async def complete(
        self,
        messages: Sequence[Message],
        *,
        model: str = "",
        temperature: float | None = None,
        max_tokens: int | None = None,
        seed: int | None = None,
        again: Turn | None = None,
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
        wanted = reply
        while True:
            reply = self._reply_to(name, wanted)
            now, stamp = self._clock(), _stamp(reply)
            if stamp != seen:
                seen, since = stamp, now
            if stamp is not None and now - since >= self._settle:
                text = _decoded(reply.read_bytes())
                return Reply(text, Usage(), now - begin, model="mailbox")
            if self.timeout is not None and now - begin >= self.timeout and stamp is None:
                raise ReplyTimeout(
                    f"Nobody answered {prompt.name} within {self.timeout:g} s.",
                    why=f"looked for {reply}",
                    now="write the reply; the next ask finds it",
                )
            await self._sleep(self._poll)

    def _reply_to(self, name: str, wanted: Path) -> Path:
        """Return the reply to a prompt; tell of files that are nobody's, or one too many."""
        found: dict[str, list[Path]] = {}
        for path in self._written():
            if _stamp(path) is not None:
                named = re.match(r"reply-([0-9a-f]{16})", path.name)
                found.setdefault(named[1] if named else "", []).append(path)
        for mark, paths in found.items():
            if not mark or not (self.folder / f"prompt-{mark}.md").exists():
                for path in paths:
                    self._tell(
                        path, "is a reply to no prompt of this folder: is its name that of its prompt?"
                    )
        mine = sorted(found.get(name, []), key=lambda path: path != wanted)
        for path in mine[1:]:
            self._tell(path, f"is a second reply to one prompt and is not read; {mine[0].name} is")
        return mine[0] if mine else wanted

    def _written(self) -> list[Path]:
        """Return the replies, those left out whose names say that they are still being written."""
        return [p for p in sorted(self.folder.glob("reply*")) if not p.name.lower().endswith(_UNFINISHED)]

    def _tell(self, path: Path, what: str) -> None:
        if path.name not in self._noticed:
            self._noticed.add(path.name)
            self.notice(f"mailbox: {path.name} {what}")


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


def _decoded(raw: bytes) -> str:
    """Return the text of a file as editors write them: UTF-8, or UTF-16 with its mark."""
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        with contextlib.suppress(UnicodeDecodeError):
            return raw.decode("utf-16")
    return raw.decode("utf-8-sig", errors="replace")


def _write(path: Path, text: str) -> None:
    """Write in one step: a reader sees the whole file or none."""
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)
