"""Lookup: what a run asked its knowledge base and what that answered, kept with the run for its replays."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from kernelevo.knowledge.note import Note


@dataclass(frozen=True)
class Lookup:
    """One question to the knowledge base.

    Args:
        words: what was searched for.
        notes: what was found, the best first, as it read then.
        since: number of the first trial that was told so; a run that is resumed later may ask a base that has
            changed, and get another answer from there on.
    """

    words: str
    notes: tuple[Note, ...]
    since: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {"words": self.words, "since": self.since, "notes": [note.to_json() for note in self.notes]}

    @classmethod
    def from_json(cls, data: Any) -> Lookup:
        """Rebuild it from ``to_json``.

        Raises:
            ValueError: if that is none.
        """
        try:
            words, since = data["words"], data["since"]
            notes = tuple(Note.from_json(note) for note in data["notes"])
        except (TypeError, KeyError, AttributeError) as error:
            raise ValueError(f"it holds no look-up of notes: {type(error).__name__}: {error}") from error
        texts = [words, *(text for n in notes for text in (n.id, n.title, n.text, n.sample, n.source))]
        if not all(isinstance(text, str) for text in texts) or not isinstance(since, int):
            raise ValueError("it holds no look-up of notes: words are texts, and since is a number")
        return cls(words, notes, since)


class Lookups:
    """Answers that a run got, to be given again.

    Args:
        recorded: in the order in which they were given.
    """

    def __init__(self, recorded: Iterable[Lookup] = ()) -> None:
        self._by_words: dict[str, list[Lookup]] = defaultdict(list)
        for lookup in recorded:
            self._by_words[lookup.words].append(lookup)

    def find(self, words: str, number: int) -> tuple[Note, ...] | None:
        """Return what a trial of this number was told of these words; None if nobody asked for them."""
        known = self._by_words.get(words)
        if not known:
            return None
        told = [lookup for lookup in known if lookup.since <= number]
        return (told[-1] if told else known[0]).notes
