"""Task: what is to be made better, as plain data that any process can read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kernelevo.core.program import Program


@dataclass(frozen=True)
class Task:
    """One thing to optimise.

    Args:
        name: what a user types, e.g. ``"kernelbench:3/13"``.
        goal: the aim in words; goes into prompts.
        seeds: programs to start from; may be empty where an evaluator makes its own.
        evaluator: registered name of the evaluator, e.g. ``"kernel"``.
        options: plain JSON data for the evaluator and the proposers.
    """

    name: str
    goal: str
    seeds: tuple[Program, ...] = ()
    evaluator: str = "kernel"
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_timed(self) -> bool:
        """Whether its scores are ratios of times; other evaluators may use the same names for anything."""
        return self.evaluator == "kernel"

    @property
    def digest(self) -> str:
        """Hash of everything that a verdict depends on (evaluator and options)."""
        text = json.dumps([self.evaluator, self.options], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def to_json(self) -> dict[str, Any]:
        """Return this task as plain data."""
        return {
            "name": self.name,
            "goal": self.goal,
            "seeds": [s.to_json() for s in self.seeds],
            "evaluator": self.evaluator,
            "options": dict(self.options),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Task:
        """Rebuild a task from ``to_json``."""
        return cls(
            data["name"],
            data["goal"],
            tuple(Program.from_json(s) for s in data["seeds"]),
            data["evaluator"],
            data["options"],
        )
