"""ModelTable: what a TOML file says of a language model under ``[models.NAME]``."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from kernelevo.errors import BadSetting, closest

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
MAILBOX = "mailbox"
RECORD = "record"


@dataclass(frozen=True)
class ModelTable:
    """One model's table; everything may be left out.

    Args:
        served: its name at the endpoint, if that is not the table's.
        base_url: its endpoint, if that is not the run's; an address without a name, a password or a query.
        key_variable: environment variable with the key. Keys themselves are never settings.
        input: dollars per million tokens of a prompt.
        output: dollars per million tokens of a reply.
        cached: dollars per million tokens of a prompt that the endpoint had in its cache.
        concurrency: requests at a time.
        requests_per_minute: requests in a minute.
        tokens_per_minute: tokens in a minute.
        max_tokens: longest reply.
        timeout: longest time for one request, in seconds.
        attempts: tries of one request, the first included.
    """

    served: str | None = None
    base_url: str | None = None
    key_variable: str | None = None
    input: float | None = None
    output: float | None = None
    cached: float | None = None
    concurrency: int | None = None
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    max_tokens: int | None = None
    timeout: float | None = None
    attempts: int | None = None

    @classmethod
    def read(cls, name: str, data: object) -> ModelTable:
        """Read one table.

        Raises:
            BadSetting: for an unknown key or a value of the wrong kind.
        """
        if not isinstance(data, Mapping):
            raise BadSetting(
                f"[models] {name} must be a table",
                why=f"it is {data!r}",
                now="write it as a section: [models.NAME]",
            )
        known = {f.name for f in fields(cls)}
        for key, value in data.items():
            if key not in known:
                raise BadSetting(
                    f"[models.{name}]: there is no setting {key!r}",
                    why=closest(key, known),
                    now="use one of these, or take the line out",
                )
            _check(name, key, value)
        table = cls(**data)
        if (table.input is None) != (table.output is None):
            raise BadSetting(
                f"[models.{name}] has half a price", why="input and output go together", now="name both"
            )
        return table


def refuse_secrets(setting: str, address: str) -> None:
    """Refuse an endpoint's address in which a password or a key may stand.

    Args:
        setting: how the setting is called, for the message; the address itself is not shown.
        address: of an endpoint.

    Raises:
        BadSetting: for a name before the host, a query or a fragment.
    """
    if re.search("[@?#]", address):
        raise BadSetting(
            f"{setting} may only be an address: no name or password before the host, nothing after ? or #",
            why="keys are read from the environment and never written down; a run keeps its settings",
            now='export OPENAI_API_KEY=..., or name another variable: key_variable = "NAME" in [models.NAME]',
        )


def _check(name: str, key: str, value: Any) -> None:
    if key == "key_variable":
        if not (isinstance(value, str) and _VARIABLE.fullmatch(value)):
            raise BadSetting(  # the value is not shown: it may be the key itself
                f"[models.{name}]: key_variable is not the name of an environment variable",
                why="keys are read from the environment and never written down; a run keeps its settings",
                now=f'export NAME=..., and write key_variable = "NAME" under [models.{name}]',
            )
        return
    if key in ("served", "base_url"):
        right = isinstance(value, str) and bool(value)
    elif key in ("input", "output", "cached", "timeout"):
        number = isinstance(value, int | float) and not isinstance(value, bool)
        right = number and 0 <= value < math.inf and (value > 0 or key != "timeout")
    else:
        right = isinstance(value, int) and not isinstance(value, bool) and value >= 1
    if not right:
        raise BadSetting(f"[models.{name}]: {key} cannot be {value!r}", now="correct the value in the file")
    if key == "base_url":
        refuse_secrets(f"[models.{name}]: base_url", value)
