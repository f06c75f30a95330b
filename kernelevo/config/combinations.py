"""Combinations: settings that were given and would do nothing beside others, which is refused."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from kernelevo.config.models import MAILBOX
from kernelevo.errors import BadSetting

if TYPE_CHECKING:
    from kernelevo.config.settings import Settings

_Rule = tuple[str, Callable[["Settings"], bool], str, str]


def asks_endpoint(settings: Settings) -> bool:
    """Whether a run with these settings asks a model at the endpoint that is the run's own."""
    if settings.replay is not None:
        return False
    named = [settings.judge_model, settings.summary_model]
    named += [settings.model, settings.repair_model] if "llm" in settings.proposers else []
    names = [name.strip() for several in named if several for name in several.split(",")]
    return any(name and name != MAILBOX and not _has_its_own(name, settings) for name in names)


def _has_its_own(name: str, settings: Settings) -> bool:
    return bool(settings.models.get(name, {}).get("base_url"))


def _writes(settings: Settings) -> bool:
    """Whether a run asks anybody, in a mailbox too, for programs."""
    return "llm" in settings.proposers or "mailbox" in settings.proposers


def _asks(settings: Settings) -> bool:
    return _writes(settings) or bool(settings.judge_model or settings.summary_model)


def _several(settings: Settings) -> bool:
    """Whether there is more than one island."""
    return not settings.no_islands and (settings.islands or 1) > 1


def _may_start_cold(settings: Settings) -> bool:
    """Whether a run may begin with steered lines: an author can be steered, or islands are wished for."""
    return _writes(settings) or settings.islands is not None


_ONE_ISLAND = "there is one island in this run"
_MORE_ISLANDS = "ask for several with islands"
_NOBODY = "no model and no mailbox is asked for anything in this run"
_NO_AUTHOR = "no model and no mailbox is asked for programs in this run"
_NAME_ONE = "name a model with model, or a folder with mailbox"
_RULES: tuple[_Rule, ...] = (
    (
        "model",
        lambda s: "llm" in s.proposers,
        "the proposer llm, which asks it, is not among those named",
        "add llm to the proposers",
    ),
    (
        "replay",
        lambda s: "llm" in s.proposers or bool(s.judge_model or s.summary_model),
        "the proposer llm, which reads it, is not among those named",
        "add llm to the proposers",
    ),
    (
        "base_url",
        asks_endpoint,
        "no model is asked there: none is named, or each has an endpoint of its own, or a record answers",
        "name a model with model",
    ),
    (
        "repair_model",
        lambda s: "llm" in s.proposers,
        "it mends programs of the proposer llm, which is not among those named",
        "name a model with model",
    ),
    ("repairs", _writes, _NO_AUTHOR, _NAME_ONE),
    ("prompt_tokens", _writes, _NO_AUTHOR, _NAME_ONE),
    ("max_tokens", _asks, _NOBODY, _NAME_ONE),
    ("reply_timeout", _asks, _NOBODY, _NAME_ONE),
    (
        "islands",
        lambda s: not s.no_islands or s.islands == 1,
        "no_islands makes one island of them",
        "leave no_islands out",
    ),
    (
        "mailbox",
        lambda s: "mailbox" in s.proposers,
        "the proposer mailbox, which writes there, is not among those named",
        "add mailbox to the proposers",
    ),
    (
        "replay_loosely",
        lambda s: s.replay is not None,
        "it says how recorded replies are found, and none are given",
        "give the record with replay",
    ),
    (
        "window",
        lambda s: s.deterministic,
        "it is for deterministic runs",
        "add deterministic",
    ),
    (
        "thinkers",
        lambda s: not s.deterministic or s.thinkers == 1,
        "the asks of a deterministic run come one by one",
        "leave one of the two",
    ),
    (
        "workers",
        lambda s: s.executor != "inline" or s.workers == 1,
        "the executor inline works in this one process",
        "take another executor",
    ),
    (
        "no_islands",
        lambda s: s.islands is not None,  # beside a number it may only say the same again
        _ONE_ISLAND,
        _MORE_ISLANDS,
    ),
    ("no_migration", _several, _ONE_ISLAND, _MORE_ISLANDS),
    ("no_restart", _several, "the only island of a run never starts anew", _MORE_ISLANDS),
    ("no_shares", _several, "the only island gets every ask", _MORE_ISLANDS),
    (
        "no_distant",  # a pinned parent may be of another island, or of another line of a cold start
        lambda s: not s.no_clusters or _several(s) or (_may_start_cold(s) and not s.no_cold_start),
        "all programs are of one cluster",
        "cluster them with clusters",
    ),
    (
        "no_cold_start",
        _may_start_cold,
        "nobody in this run can be steered to a region, so that it has no cold start",
        "name a model with model, or a number of islands with islands",
    ),
)


def idle(given: Mapping[str, Any], settings: Settings) -> tuple[str, str, str] | None:
    """Return the first of what is given that would do nothing: its name, why, and what to do; None if none.

    Args:
        given: flags or keywords, as for :func:`refuse_idle`.
        settings: what came of everything together.
    """
    usual = {field.name: field.default for field in fields(settings)}
    for name, holds, why, now in _RULES:
        value = given.get(name)
        if value and value != usual[name] and not holds(settings):
            return name, why, now
    return None


def refuse_idle(given: Mapping[str, Any], settings: Settings) -> None:
    """Refuse what a person has just asked for and would not get.

    Args:
        given: flags or keywords, None and False where there are none; those with their usual values (as where
            all settings are handed on) ask for nothing. What a file or the environment says may be meant for
            other runs.
        settings: what came of everything together.

    Raises:
        BadSetting: for the first of them that would do nothing.
    """
    found = idle(given, settings)
    if found is not None:
        name, why, now = found
        flag = "--" + name.replace("_", "-")
        raise BadSetting(f"{flag} would do nothing here", why=why, now=f"{now}, or leave {flag} out")
