"""MailboxClient: prompts as Markdown files in a folder, answered by whoever writes the reply file.

A person, a chat tool or another program reads ``prompt-<hash>.md`` and writes ``reply-<hash>.md`` beside it.
The name is the hash of the request: who asks the very same again, later or in a run that is resumed, finds
the reply that came in the meantime.
"""

from __future__ import annotations

import asyncio
import codecs
import contextlib
import math
import os
import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from kernelevo.errors import BadSetting
from kernelevo.llm.client import Message, Reply, ReplyTimeout, Turn, Usage, digest
from kernelevo.llm.retry import Sleep

_UNFINISHED = (".tmp", ".part", ".partial", ".crdownload", ".download", ".swp", ".bak", "~")
_TICK = 2.0
"""Seconds that the coarsest clock of a file system takes for one: a change within them may leave no mark."""
_ANYWAY = 30.0
"""Seconds after which a folder is listed though it does not say that it changed; some never do."""
_NAME = re.compile(r"reply-([0-9a-f]{16})")
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
        self._listing = _Listing(folder, clock)

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
        self._listing.look()
        for stray in self._listing.strays:
            if stray not in self._noticed and _stamp(path := self.folder / stray) is not None:
                self._tell(path, "is a reply to no prompt of this folder: is its name that of its prompt?")
        others = [other for other in self._listing.replies.get(name, ()) if other != wanted.name]
        mine = [path for path in (wanted, *map(self.folder.joinpath, others)) if _stamp(path) is not None]
        for path in mine[1:]:
            self._tell(path, f"is a second reply to one prompt and is not read; {mine[0].name} is")
        return mine[0] if mine else wanted

    def _tell(self, path: Path, what: str) -> None:
        if path.name not in self._noticed:
            self._noticed.add(path.name)
            self.notice(f"mailbox: {path.name} {what}")


class _Listing:
    """Names of the replies in a folder, read again only where it may have changed.

    A folder's time changes with its names, but by the ticks of its file system's clock, which may be another
    machine's. So a list is good only if it was made a tick after that time was first seen, by our clock.

    Args:
        folder: to be listed.
        clock: seconds that only go up.
    """

    def __init__(self, folder: Path, clock: Callable[[], float]) -> None:
        self._folder, self._clock = folder, clock
        self.replies: dict[str, list[str]] = {}
        """By the mark of their prompt, in the order of their names; some may be empty yet."""
        self.strays: list[str] = []
        """Those to no prompt of this folder."""
        self._changed: int | None = None
        self._since = self._read = -math.inf

    def look(self) -> None:
        """Bring the lists up to date."""
        now, changed = self._clock(), self._time()
        if changed != self._changed or self._since == -math.inf:
            self._changed, self._since = changed, now
        elif self._read - self._since >= _TICK and now - self._read < _ANYWAY:
            return
        self._read = now
        try:
            names = set(os.listdir(self._folder))
        except OSError:  # as if it were empty: it may come back
            names = set()
        self.replies, self.strays = {}, []
        for name in sorted(n for n in names if n.startswith("reply")):
            if name.lower().endswith(_UNFINISHED):  # still being written, by their names
                continue
            named = _NAME.match(name)
            if named:
                self.replies.setdefault(named[1], []).append(name)
            if not named or f"prompt-{named[1]}.md" not in names:
                self.strays.append(name)

    def _time(self) -> int | None:
        try:
            return self._folder.stat().st_mtime_ns
        except OSError:
            return None


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
