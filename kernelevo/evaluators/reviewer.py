"""Reviewer: a language model's opinion of a program that passed, by a rubric; never part of the verdict."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from kernelevo.core import Task, Trial
from kernelevo.errors import BadSetting
from kernelevo.llm import EndpointError, Message, Models, Purpose
from kernelevo.proposers.prompt_files import PromptFiles

RUBRIC: Mapping[str, str] = {
    "numerical_safety": "how far it is from overflow, cancellation and lost accuracy on inputs not tried yet",
    "generality": "how well it holds for other sizes, strides and devices than the ones it was written for",
    "novelty": "how much its idea differs from what anybody would write first",
    "readability": "how easily another engineer can check and change it",
}
TOP = 10
_LONGEST = {"program": 30_000, "goal": 4_000, "feedback": 2_000, "comment": 600}
SYSTEM, PROMPT = "judge_system.md", "judge.md"


@dataclass(frozen=True)
class Opinion:
    """What a model thinks of a program.

    Args:
        scores: criterion of the rubric -> 0 (bad) to 10.
        comment: what it would change, in a sentence or two.
        model: who says so.
        prompt_files_sha256: hash of the prompt files that it was asked with.
    """

    scores: Mapping[str, float]
    comment: str = ""
    model: str = ""
    prompt_files_sha256: str = ""

    @property
    def value(self) -> float:
        """All criteria together, between 0 and 1."""
        return sum(self.scores.values()) / (TOP * len(self.scores))

    def to_json(self) -> dict[str, Any]:
        """Return the opinion as plain data."""
        return {
            "scores": dict(self.scores),
            "comment": self.comment,
            "model": self.model,
            "value": self.value,
            "prompt_files_sha256": self.prompt_files_sha256,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Opinion:
        """Rebuild an opinion from ``to_json``."""
        mark = data.get("prompt_files_sha256", "")  # earlier versions had one prompt and did not say which
        return cls(data["scores"], data["comment"], data["model"], mark)


class NoOpinion(Exception):
    """The reply is not what was asked for; the text says how."""


@dataclass(frozen=True)
class Rubric:
    """What a task wants its programs to be judged by, beside their scores.

    Args:
        criteria: name -> what it means, as part of a sentence.
        weight: what an opinion does to the score by which parents are chosen: ``1 + weight * (value - 1/2)``
            times it. 0 leaves it alone; recorded scores are always left alone.
    """

    criteria: Mapping[str, str]
    weight: float = 0.0

    @classmethod
    def of(cls, task: Task) -> Rubric:
        """Return the rubric of ``task.options["judge"]``: ``{"weight": 0.1, "rubric": {name: meaning}}``.

        Raises:
            BadSetting: if that is something else.
        """
        data = task.options.get("judge") or {}
        criteria, weight = data.get("rubric") or RUBRIC, data.get("weight", 0.0)
        named = isinstance(criteria, Mapping) and all(
            isinstance(k, str) and isinstance(v, str) for k, v in criteria.items()
        )
        if not named or not isinstance(weight, int | float) or not 0 <= weight <= 1:
            raise BadSetting(
                f"the judge of {task.name} cannot be {data!r}",
                why="expected a weight from 0 to 1 and a rubric of sentences by name",
            )
        return cls(dict(criteria), float(weight))


class Reviewer:
    """Asks the role ``judge`` for opinions.

    Args:
        models: who answers.
        task: what the programs are for.
        prompts: prompt files; ours by default.
    """

    def __init__(self, models: Models, task: Task, prompts: PromptFiles | None = None) -> None:
        self._models, self._task = models, task
        self._prompts = prompts or PromptFiles.load()
        self.rubric = Rubric.of(task)

    def may_cost(self, trial: Trial) -> dict[str, float]:
        """Return the most that a review may use, by unit."""
        return self._models.dearest(self.prompt(trial), "judge")

    async def review(self, trial: Trial) -> Opinion:
        """Return an opinion of a trial's program.

        Raises:
            NoOpinion: if there is no reply, or none that can be read.
        """
        messages = self.prompt(trial)
        try:
            answer = await self._models.ask(messages, Purpose("judge", trial.number), temperature=0.0)
        except EndpointError as error:
            raise NoOpinion(f"{error.what} {error.why}".strip()) from error
        found = opinion(answer.reply.answer, self.rubric, answer.reply.model or answer.call.model)
        return replace(found, prompt_files_sha256=self._prompts.digest(SYSTEM, PROMPT))

    def prompt(self, trial: Trial) -> tuple[Message, ...]:
        """Return what the model is sent."""
        verdict = trial.evaluation
        criteria = "\n".join(f"- {name}: {meaning}" for name, meaning in self.rubric.criteria.items())
        form = {"scores": dict.fromkeys(self.rubric.criteria, 0), "comment": "one or two sentences"}
        program = "\n\n".join(f"# {path}\n{text}" for path, text in trial.program.files.items())
        said = verdict.feedback if verdict else ""
        slots = {
            "top": str(TOP),
            "criteria": criteria,
            "goal": quoted(self._task.goal, _LONGEST["goal"]),
            "program": quoted(program, _LONGEST["program"]),
            "verdict": quoted(said, _LONGEST["feedback"]),
            "form": json.dumps(form),
        }
        system, text = self._prompts.fill(SYSTEM, {}), self._prompts.fill(PROMPT, slots)
        return (Message("system", system.strip()), Message("user", text.strip()))


def opinion(text: str, rubric: Rubric, model: str) -> Opinion:
    """Read a reply.

    Raises:
        NoOpinion: if it is not one JSON object with a number from 0 to 10 for each criterion.
    """
    found = re.search(r"\{.*\}", text[:100_000], re.DOTALL)
    try:
        data = json.loads(found[0] if found else text[:100_000], strict=False)
    except (ValueError, RecursionError) as error:
        raise NoOpinion(f"the reply is no JSON: {error}") from error
    scores = data.get("scores") if isinstance(data, dict) else None
    if not isinstance(scores, dict):
        raise NoOpinion("the reply has no scores")
    for name in rubric.criteria:
        value = scores.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= TOP:
            raise NoOpinion(f"the score of {name} is {str(value)[:40]!r}, not a number from 0 to {TOP}")
    comment = " ".join(str(data.get("comment") or "").split())[: _LONGEST["comment"]]
    return Opinion({name: float(scores[name]) for name in rubric.criteria}, comment, model)


def quoted(text: str, longest: int) -> str:
    """Return a text between two lines of signs that it does not hold; a long one without its middle."""
    if len(text) > longest:
        half = longest // 2
        text = f"{text[:half]}\n[... {len(text) - 2 * half} characters left out ...]\n{text[-half:]}"
    mark = "=" * 12
    while mark in text:
        mark += "="
    return f"{mark}\n{text}\n{mark}"
