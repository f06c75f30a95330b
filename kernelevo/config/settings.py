"""Settings of one run: what flags, a TOML file and the environment together say."""

from __future__ import annotations

import json
import math
import os
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from kernelevo.config import lists
from kernelevo.config.combinations import asks_endpoint, refuse_idle
from kernelevo.config.models import ModelTable, refuse_secrets
from kernelevo.errors import BadSetting, StoreError, closest

DEVICES = ("cpu", "cuda")
SIZES = ("small", "full", "v0")
POLICIES = ("any", "no-aten")
EXECUTORS = ("inline", "process", "ray")
MOST_ISLANDS = 10_000
SAMPLERS = ("adaptive", "topk", "random", "best_of_n", "refine")
# what may be switched off in the population, each by a flag of its own
SWITCHES = (
    "no_cold_start",
    "no_islands",
    "no_clusters",
    "no_elites",
    "no_migration",
    "no_restart",
    "no_shares",
    "no_pressure",
    "no_distant",
)
# proposers that need no language model, in the order in which they are first asked
MODEL_FREE = ("rewrite", "compiler", "crossover", "tune")
# those for programs in general; they take the place of the former where a task is no PyTorch module
GENERAL = ("tune", "constants", "mutate", "recombine")
PROPOSERS = (*MODEL_FREE, *GENERAL[1:], "llm", "mailbox")


@dataclass(frozen=True)
class Settings:
    """One run's settings; every field but ``models`` has a flag of the same name on ``kernelevo run``.

    Args:
        budget: what the search may use: ``90s``, ``30m``, ``2h``, ``200`` (trials), ``$5``, ``tokens:200k``,
            ``device:60s``, or several with commas; always text, also where it is a number alone.
        device: ``cpu`` or ``cuda``.
        size: form of a bundled task; None means ``small`` on cpu and ``full`` on cuda.
        seed: seed of every random choice of the search (the judge's own seeds are secret).
        proposers: who proposes; a list, on the command line with commas. Usually for PyTorch modules
            ``rewrite`` (rewrites of the captured graph), ``compiler`` (the code that Inductor generates),
            ``crossover`` (parts of two programs) and ``tune`` (the numbers of a ``TUNE`` table), for all
            other tasks ``tune``, ``constants`` (numbers in the text), ``mutate`` (the syntax tree) and
            ``recombine`` (two programs); beside them ``llm`` with a model, ``mailbox`` with a folder.
        model: name of a language model, or several with commas, for the proposer ``llm``.
        base_url: an OpenAI-compatible endpoint, without a password or query; None means the one of the
            ``openai`` package.
        mailbox: folder in which the proposer ``mailbox`` leaves prompts and looks for replies.
        repairs: how often a program of a model that failed is sent back with its error; 0 never.
        repair_model: who mends; the proposer's models if None.
        judge_model: who reviews correct programs; nobody if None.
        summary_model: who sums up what was learned; nobody if None.
        max_tokens: longest reply.
        reply_timeout: longest wait for one reply, in seconds; None means 600 for an endpoint, and for a
            mailbox as long as the run lasts. A prompt there stays open: the next ask is that one again.
        replay: a record of replies that answers instead of any model, by the hash of the prompt.
        replay_loosely: take recorded replies in their order where a prompt is not in the record.
        models: tables of single models by name; their keys stand below.
        prompts: folder whose Markdown files replace our prompts and personas, or add to them.
        prompt_tokens: what a prompt may take; sections give way beyond it.
        elsewhere: folder in which programs are left for another machine to judge, and its results looked for.
        no_knowledge: neither look notes up nor learn any from this run.
        executor: where evaluations run: ``inline``, ``process`` or ``ray``.
        ray_address: the Ray cluster; None means the one of this machine, else a new one on this machine.
        workers: how many programs may be judged at the same time; a machine judges one kernel at a time, so
            that more are refused there. None means 1, on Ray every place that the cluster offers.
        thinkers: how many programs may be thought of at the same time; None means as many as are judged, and
            at least 2.
        policy: ``any``, or ``no-aten``: no PyTorch compute in ``forward``.
        deterministic: ask n sees exactly the verdicts of trials up to n - window.
        window: that distance.
        out: folder of the run; None means a new one under ``runs/``.
        islands: number of islands; None means 1, with a cold start only where a proposer can be steered (a
            model, a mailbox).
        sampler: who becomes a parent: ``adaptive`` (of a cluster, pressed as diversity allows), ``topk`` (one
            of the best), ``random``, ``best_of_n`` (always the first), ``refine`` (always the best).
        programs: files or folders of your own programs that join at the start: a list, as ``proposers`` is.
        no_cold_start: no lines at the start, steered to different regions.
        no_islands: one island.
        no_clusters: an island is one cluster; the default, since clusters did not pay on the landscapes.
        no_elites: no elite pool: no parents, inspirations or fresh starts from it; the default likewise.
        no_migration: islands send each other nothing.
        no_restart: an island without gains does not start anew.
        no_shares: every island gets as many asks.
        no_pressure: the temperature stays in the middle.
        no_distant: a second parent may come from the same cluster.

    Raises:
        BadSetting: for a value outside the lists above.
    """

    budget: str = "5m"
    device: str = "cpu"
    size: str | None = None
    seed: int = 0
    proposers: tuple[str, ...] = MODEL_FREE
    model: str | None = None
    base_url: str | None = None
    mailbox: str | None = None
    repairs: int = 1
    repair_model: str | None = None
    judge_model: str | None = None
    summary_model: str | None = None
    max_tokens: int = 16_384
    reply_timeout: float | None = None
    replay: str | None = None
    replay_loosely: bool = False
    models: Mapping[str, Any] = field(default_factory=dict)
    prompts: str | None = None
    prompt_tokens: int = 24_000
    elsewhere: str | None = None
    no_knowledge: bool = False
    executor: str = "process"
    ray_address: str | None = None
    workers: int | None = None
    thinkers: int | None = None
    policy: str = "any"
    deterministic: bool = False
    window: int = 4
    out: str | None = None
    islands: int | None = None
    sampler: str = "adaptive"
    programs: tuple[str, ...] = ()
    no_cold_start: bool = False
    no_islands: bool = False
    no_clusters: bool = True
    no_elites: bool = True
    no_migration: bool = False
    no_restart: bool = False
    no_shares: bool = False
    no_pressure: bool = False
    no_distant: bool = False

    def __post_init__(self) -> None:
        _one_of("device", self.device, DEVICES)
        if self.size is not None:
            _one_of("size", self.size, SIZES)
        _one_of("policy", self.policy, POLICIES)
        _one_of("sampler", self.sampler, SAMPLERS)
        _one_of("executor", self.executor, EXECUTORS)
        if self.ray_address is not None and self.executor != "ray":
            raise BadSetting(
                f"there is an address of a Ray cluster, and the executor is {self.executor}",
                now="--executor ray, or leave --ray-address away",
            )
        object.__setattr__(self, "proposers", tuple(self.proposers))
        object.__setattr__(self, "programs", tuple(self.programs))
        if not self.proposers:
            raise BadSetting("no proposer is named", now=f"--proposers {','.join(MODEL_FREE)}")
        for name in self.proposers:
            _one_of("proposers", name, PROPOSERS)
            if self.proposers.count(name) > 1:
                raise BadSetting(f"the proposer {name} is named twice", now="name each of them once")
        if "llm" in self.proposers and not (self.model or self.replay):
            raise BadSetting(
                "the proposer 'llm' needs a model",
                why="no --model was given and KERNELEVO_MODEL is not set",
                now="--model NAME (and --base-url URL for an endpoint of your own)",
            )
        if "mailbox" in self.proposers and not self.mailbox:
            raise BadSetting(
                "the proposer 'mailbox' needs a folder",
                why="no --mailbox was given",
                now="--mailbox FOLDER; prompts appear there as files, replies are read from there",
            )
        for name, table in self.models.items():
            ModelTable.read(name, table)
        if self.base_url is not None:
            refuse_secrets("base_url", self.base_url)
        if self.deterministic and self.judge_model:
            raise BadSetting(
                "a deterministic run cannot have a judge model",
                why="its opinions come when they come, and briefs would depend on that",
                now="leave --judge-model or --deterministic out",
            )
        self._check_amounts()

    def _check_amounts(self) -> None:
        wait = self.reply_timeout
        if self.repairs < 0:
            raise BadSetting(f"repairs cannot be below 0, as {self.repairs} is", now="--repairs 0 or more")
        if wait is not None and not 0 < wait < math.inf:
            what = f"a time-out for replies cannot be {wait:g} s: 0, less, or without end"
            raise BadSetting(what, now="--reply-timeout with seconds above 0")
        for name in ("workers", "thinkers", "window", "islands", "prompt_tokens", "max_tokens"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise BadSetting(f"{name} must be at least 1, not {value}", now="give a whole number from 1")
        if (self.islands or 1) > MOST_ISLANDS:
            raise BadSetting(f"islands must be at most {MOST_ISLANDS}", now="a handful is usual")

    def to_json(self) -> dict[str, Any]:
        """Return the settings as plain data, None fields left out."""
        data = {k: list(v) if isinstance(v, tuple) else v for k, v in asdict(self).items()}
        return {k: v for k, v in data.items() if v is not None and (k != "models" or v)}

    def to_toml(self) -> str:
        """Return the settings as the text of a ``config.toml`` that ``from_toml`` reads back."""
        # strings, numbers, booleans and lists of them are written alike in JSON and TOML, except for DEL
        data = self.to_json()
        tables = data.pop("models", {})
        lines = ["[run]", *_lines(data)]
        for name, table in tables.items():
            lines += ["", f"[models.{json.dumps(name, ensure_ascii=False)}]", *_lines(table)]
        return "\n".join([*lines, ""]).replace("\x7f", "\\u007f")

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Settings:
        """Rebuild settings from ``to_json``; an unknown key is an error that names the nearest one."""
        known = {f.name for f in fields(cls)}
        for key in data:
            if key not in known:
                raise BadSetting(
                    f"there is no setting {key!r}",
                    why=closest(key, known),
                    now="use one of these, or leave it out",
                )
        return cls(**{k: _checked(cls, k, v) for k, v in data.items()})


def settings_of_run(data: Mapping[str, Any]) -> Settings:
    """Rebuild the settings that a run recorded.

    Raises:
        StoreError: if this version cannot take them: another one began the run.
    """
    try:
        return Settings.from_json(data)
    except BadSetting as error:
        raise StoreError(
            "the run has settings of another version of kernelevo.",
            why=f"{error.what}; {error.why}".removesuffix("; "),
            now="go on with it in the version that began it; kernelevo show reads it in this one",
        ) from error


def load_settings(
    flags: Mapping[str, Any],
    *,
    file: Path | None = None,
    environ: Mapping[str, str] = MappingProxyType(os.environ),
) -> Settings:
    """Combine a TOML file, the environment and flags; a later one wins.

    Args:
        flags: values given on the command line or by a caller; None means not given.
        file: a TOML file with a ``[run]`` table.
        environ: ``KERNELEVO_MODEL`` is read, and ``KERNELEVO_BASE_URL`` for a run that asks a model there;
            keys never are.

    Raises:
        BadSetting: for a file that cannot be read, an unknown key or a wrong value.
    """
    data = _read(file) if file else {}
    named = bool(flags.get("model") or data.get("model"))  # for this run, which the environment does not know
    if environ.get("KERNELEVO_MODEL"):
        data["model"] = environ["KERNELEVO_MODEL"]
    data.update({k: v for k, v in flags.items() if v is not None})
    settings = _absolute(Settings.from_json(data))
    if "proposers" not in data:
        settings = replace(settings, proposers=_implied(settings, named=named))
    address = environ.get("KERNELEVO_BASE_URL")
    if address and flags.get("base_url") is None and asks_endpoint(settings):
        settings = replace(settings, base_url=_text("base_url", address))
    refuse_idle(flags, settings)
    return settings


def _implied(settings: Settings, *, named: bool) -> tuple[str, ...]:
    """Return the proposers of a run for which none are named; ``named``: a model is, for this run."""
    proposers = settings.proposers
    if settings.replay and not named:
        proposers = ("llm",)
    elif settings.model:
        proposers = (*proposers, "llm")
    return (*proposers, "mailbox") if settings.mailbox else proposers


def _absolute(settings: Settings) -> Settings:
    """Return settings whose files and folders are found from any working folder: a run may be resumed."""
    named = {name: getattr(settings, name) for name in ("mailbox", "prompts", "replay", "elsewhere")}
    found: dict[str, Any] = {name: _place(path) for name, path in named.items() if path}
    return replace(settings, **found, programs=tuple(map(_place, settings.programs)))


def _place(path: str) -> str:
    return os.path.abspath(os.path.expanduser(path))


def _read(file: Path) -> dict[str, Any]:
    try:
        document = tomllib.loads(file.read_text("utf-8-sig"))
    except FileNotFoundError as error:
        raise BadSetting(f"the configuration file {file} does not exist", now="check the path") from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadSetting(
            f"the configuration file {file} cannot be read",
            why=str(error),
            now="correct it: it is TOML, a section [run] with a line for each setting",
        ) from error
    for section in document:
        if section not in ("run", "models"):
            raise BadSetting(
                f"{file}: there is no section [{section}]",
                why="known: [run], [models.NAME]",
                now="use one of these sections",
            )
    if not isinstance(document.get("run", {}), dict):
        raise BadSetting(
            f"{file}: run is no table", why="settings stand under a line [run]", now="write [run]"
        )
    tables = {"models": document["models"]} if "models" in document else {}
    return {**document.get("run", {}), **tables}


def _lines(data: Mapping[str, Any]) -> list[str]:
    return [f"{k} = {json.dumps(v, ensure_ascii=False)}" for k, v in data.items()]


_KINDS: dict[str, tuple[type[Any], ...]] = {
    "seed": (int,),
    "workers": (int,),
    "thinkers": (int,),
    "window": (int,),
    "deterministic": (bool,),
    "no_knowledge": (bool,),
    "islands": (int,),
    "prompt_tokens": (int,),
    "repairs": (int,),
    "max_tokens": (int,),
    "reply_timeout": (int, float),
    "replay_loosely": (bool,),
    "models": (Mapping,),
    **dict.fromkeys(SWITCHES, (bool,)),
    "proposers": (list, tuple),
    "programs": (list, tuple),
}


_NAMES: dict[type[Any], str] = {
    str: "text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    list: "a list",
    tuple: "a tuple of texts",
    Mapping: "a table",
}


def _checked(cls: type[Settings], key: str, value: Any) -> Any:
    kinds = _KINDS.get(key, (str,))
    if isinstance(value, os.PathLike) and kinds == (str,):
        value = os.fspath(value)
    if isinstance(value, str) and list in kinds:
        value = (lists.paths if key == "programs" else lists.names)(value)  # as on the command line
    if value is None and (kinds == (str,) or key in ("islands", "workers", "thinkers", "reply_timeout")):
        return None
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
        wanted = " or ".join(_NAMES[kind] for kind in kinds)
        where = "correct it where it was given: the call, or the configuration file"
        now = f'write {key} = "{value}"' if kinds == (str,) else where
        raise BadSetting(f"{key} must be {wanted}, not {value!r}", now=now)
    if isinstance(value, (list, tuple)):
        return tuple(_text(key, str(item)) for item in value)
    return _text(key, value) if isinstance(value, str) else value


def _text(key: str, value: str) -> str:
    if not value and key in ("model", "judge_model", "summary_model", "base_url"):
        raise BadSetting(f"{key} cannot be empty", now="give its name or address, or leave it out")
    try:
        value.encode()
    except UnicodeEncodeError as error:  # bytes of a path that are not UTF-8, as Python reads them
        raise BadSetting(
            f"{key} cannot be {value!r}",
            why="it has bytes that are no UTF-8 text, which config.toml and the report could not name",
            now="rename the file or folder",
        ) from error
    return value


def _one_of(name: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise BadSetting(f"{name} cannot be {value!r}", why=closest(value, known), now="use one of these")
