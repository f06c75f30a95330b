"""Arguments: one form of a call, whether its arguments are given by position or by name."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import nn

_BY_POSITION = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


@dataclass(frozen=True)
class Parameters:
    """What a module's forward takes by position.

    Args:
        names: in their order.
        defaults: values of those that may be left out.
        passes_on: whether it takes any other name too (``**kwargs``).
    """

    names: tuple[str, ...]
    defaults: Mapping[str, Any]
    passes_on: bool = False

    @classmethod
    def of(cls, module: nn.Module) -> Parameters:
        """Read them from the signature; none where there is no signature to read."""
        try:
            found = inspect.signature(module.forward).parameters.values()
        except (TypeError, ValueError):  # a forward in C++, e.g. of a scripted module
            return cls((), {})
        taken = [p for p in found if p.kind in _BY_POSITION]
        return cls(
            tuple(p.name for p in taken),
            {p.name: p.default for p in taken if p.default is not p.empty},
            any(p.kind is p.VAR_KEYWORD for p in found),
        )

    def by_position(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[Any, ...] | None:
        """Return a call's arguments by position, with defaults for those left out before the last one given.

        What is only passed on (``**kwargs``) and is None counts as left out: models hand such names down
        through all their layers.

        Returns:
            None if a name is unknown, given twice or taken by name only, or an argument is missing.
        """
        if self.passes_on:
            kwargs = {k: v for k, v in kwargs.items() if k in self.names or v is not None}
        if not kwargs:
            return tuple(args)
        left = self.names[len(args) :]
        known = {**self.defaults, **kwargs}
        if any(name not in left for name in kwargs) or any(name not in known for name in left):
            return None
        given = left[: 1 + max(left.index(name) for name in kwargs)]
        return (*args, *(known[name] for name in given))
