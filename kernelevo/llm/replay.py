"""ReplayClient: answers from a record of earlier calls, by the hash of the prompt."""

from __future__ import annotations

import json
from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kernelevo.errors import BadSetting
from kernelevo.llm.client import EndpointError, Message, ModelRefused, Reply, Turn, Usage, prompt_hash

LOOKED_UP = "looked_up"
"""Key of a line that is no reply, but what the run was told by its knowledge base."""
FORM = "one JSON object a line with prompt_sha256 and reply (role, model, finish, tokens_in, tokens_out too)"


@dataclass(frozen=True)
class Recorded:
    """One recorded reply."""

    prompt_sha256: str
    role: str
    model: str
    reply: Reply


class Record:
    """Recorded replies, each given once; prompts that were asked several times have several.

    Args:
        replies: in the order in which they came.
        name: where they are from, for messages.
        lookups: what the run looked up in its notes, as plain data, each with the number of its line.
    """

    def __init__(
        self,
        replies: Iterable[Recorded],
        name: str = "the record",
        lookups: Iterable[tuple[int, Any]] = (),
    ) -> None:
        self.name, self.lookups = name, tuple(lookups)
        self.replies = tuple(replies)
        self._by_hash: dict[tuple[str, str], deque[int]] = defaultdict(deque)
        self._by_role: dict[str, deque[int]] = defaultdict(deque)
        self._given: set[int] = set()
        for index, recorded in enumerate(self.replies):
            self._by_hash[recorded.role, recorded.prompt_sha256].append(index)
            self._by_role[recorded.role].append(index)

    @classmethod
    def read(cls, file: Path) -> Record:
        """Read a file with one JSON object a line.

        Raises:
            BadSetting: if it cannot be read, a line is damaged, or it holds no reply.
        """
        try:
            text = file.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise BadSetting(
                f"the record {file} cannot be read.", why=str(error), now="check the path"
            ) from error
        # not splitlines: a reply may hold U+2028 and its like, which do not end a line of JSON
        lines = [(n, line) for n, line in enumerate(text.split("\n"), 1) if line.strip()]
        rows = [(n, json_of(file, n, line)) for n, line in lines]
        record = cls(
            [_recorded(data, file, n) for n, data in rows if LOOKED_UP not in data],
            str(file),
            [(n, data[LOOKED_UP]) for n, data in rows if LOOKED_UP in data],
        )
        if not record.replies:
            raise BadSetting(
                f"the record {file} holds no reply.",
                why=f"expected {FORM}",
                now="make one of a run that a model took part in: kernelevo export RUN --replies FILE",
            )
        return record

    def take(self, prompt_sha256: str, *roles: str) -> Recorded | None:
        """Return the next reply to a prompt of these roles that was not given yet."""
        for role in roles:
            waiting = self._by_hash.get((role, prompt_sha256), deque())
            while waiting:
                index = waiting.popleft()
                if index not in self._given:
                    self._given.add(index)
                    return self.replies[index]
        return None

    def next(self, *roles: str) -> Recorded | None:
        """Return the first reply of these roles that was not given yet, whatever its prompt was."""
        first: int | None = None
        for role in roles:
            waiting = self._by_role.get(role, deque())
            while waiting and waiting[0] in self._given:
                waiting.popleft()
            if waiting and (first is None or waiting[0] < first):
                first = waiting[0]
        if first is None:
            return None
        self._given.add(first)
        return self.replies[first]

    def left(self, *roles: str) -> int:
        """How many replies of these roles were not given yet."""
        return sum(r.role in roles and i not in self._given for i, r in enumerate(self.replies))


class ReplayClient:
    """Answers the prompts of some roles from a record; nothing is sent anywhere.

    Args:
        record: where replies come from; several clients may share one.
        roles: whose prompts these are; several where one model answered for them, as the proposer's does for
            a program that is mended.
        loose: give the next reply of these roles where no recorded prompt is equal (prompts hold measured
            times, which are never the same again).
    """

    unbilled = True  # nothing is sent, so nothing is guessed where the record does not say

    def __init__(self, record: Record, *roles: str, loose: bool = False) -> None:
        self._record, self._roles, self._loose = record, roles or ("proposer",), loose

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
        """Return the recorded reply; see ``Client.complete``.

        Raises:
            EndpointError: if there is none for this prompt.
            ModelRefused: if all are given.
        """
        wanted = prompt_hash(messages)
        found = self._record.take(wanted, *self._roles)
        if found is None and self._loose:
            found = self._record.next(*self._roles)
        if found is not None:
            return found.reply
        who = " and ".join(self._roles)
        if not self._record.left(*self._roles):
            raise ModelRefused(
                f"All replies of {self._record.name} for the {who} are used up.",
                why=f"it holds {sum(r.role in self._roles for r in self._record.replies)}",
                now="record more, or give the run a budget of fewer trials",
            )
        missing = EndpointError(
            f"{self._record.name} has no reply to this prompt.",
            why=f"prompt {wanted[:16]} of the {who} is not among its {len(self._record.replies)}: "
            "the task, a setting, a template or a measured figure is another one, or a note, which records "
            "of earlier versions do not hold",
            now="--replay-loosely takes recorded replies in their order instead; if the recorded run had no "
            "notes, so does one with --no-knowledge",
        )
        missing.everywhere = "proposer" in self._roles  # what would come after it is another run
        raise missing


def json_of(file: Path, number: int, line: str) -> Mapping[str, Any]:
    """Read one line of a file of JSON objects.

    Raises:
        BadSetting: if it is none, with the line's number.
    """
    try:
        data = json.loads(line)
    except ValueError as error:
        raise BadSetting(
            f"line {number} of {file} is damaged.",
            why=f"it is not JSON: {error}",
            now="restore the file; a line that was cut off at its end can be deleted",
        ) from error
    if not isinstance(data, dict):
        raise BadSetting(
            f"line {number} of {file} is damaged.",
            why=f"it is no object: {line[:80]}",
            now="take the line out, or export the record again: kernelevo export RUN --replies FILE",
        )
    return data


def _recorded(data: Mapping[str, Any], file: Path, number: int) -> Recorded:
    mark, reply = data.get("prompt_sha256"), data.get("reply")
    counts = [data.get(name) for name in ("tokens_in", "tokens_out", "tokens_cached")]
    odd = [c for c in counts if c is not None and (not isinstance(c, int) or c < 0)]
    if not isinstance(mark, str) or not isinstance(reply, str) or odd:
        raise BadSetting(
            f"line {number} of {file} is damaged.",
            why=f"expected {FORM}",
            now="take the line out, or export the record again: kernelevo export RUN --replies FILE",
        )
    model = str(data.get("model", ""))
    answer = Reply(reply, Usage(*counts), 0.0, str(data.get("finish") or "stop"), model)
    return Recorded(mark, str(data.get("role", "proposer")), model, answer)
