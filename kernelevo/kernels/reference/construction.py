"""Construction: the reference built from seeds, and random draws that no other thread has had a part in.

Torch's random state is the process's own. Our threads take turns (``TURN``), but whoever calls us may draw in
one of theirs, and what is built or drawn meanwhile comes out otherwise than its seed says.
"""

from __future__ import annotations

import copy
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import BuiltinFunctionType, FunctionType
from typing import Any, Protocol, TypeVar

import torch
from torch import nn

from kernelevo.backends.candidate import plain_tensors
from kernelevo.backends.seeding import TURN
from kernelevo.errors import MachineError

T = TypeVar("T")
_TRIES = 20
_REST = 0.01  # seconds before another try, times its number
_COSTLY = 0.1  # seconds of a constructor from which on modules are copied


class Builds(Protocol):
    """Builds the reference module from a seed."""

    def build(self, seed: int) -> nn.Module:
        """Return a new module on the CPU; equal seeds give equal weights."""
        ...


def attempts() -> Iterator[None]:
    """Yield before each try of something that another thread may disturb.

    Raises:
        MachineError: after twenty tries.
    """
    for number in range(_TRIES):
        time.sleep(number * _REST)
        yield
    raise MachineError(
        "the reference comes out otherwise each time, though it is seeded alike",
        why="its constructor or forward draws from a source that seeding torch, numpy and random does not "
        "reach, or another thread of this process keeps drawing from torch's random state",
        now="draw with torch alone; let other threads rest, or run kernelevo in a process of its own",
    )


def until_alike(run: Callable[[], T], alike: Callable[[T, T], bool], known: Sequence[T] = ()) -> T:
    """Run until a run that follows a rest in which nobody drew is like one before it; return it.

    Whoever draws again and again may disturb two runs alike, but seldom without drawing in the rest before
    the second.

    Args:
        run: what another thread may disturb.
        alike: compares two runs.
        known: runs that have just ended.

    Raises:
        MachineError: if no two are.
    """
    seen, left = list(known), torch.get_rng_state()
    for number, _ in enumerate(attempts()):
        if number == 0 and seen:
            continue  # no rest comes before the first
        quiet = torch.equal(left, torch.get_rng_state())
        found = run()
        if quiet and any(alike(one, found) for one in seen):
            return found
        seen.append(found)
        left = torch.get_rng_state()
    raise AssertionError("attempts() ends by raising")


def named_weights(module: nn.Module) -> dict[str, tuple[str, bool, torch.Tensor]]:
    """Return name -> (kind, requires_grad, tensor) of all that a module holds."""
    found: dict[str, tuple[str, bool, torch.Tensor]] = {}
    saved = module.state_dict(keep_vars=True)
    parameters = dict(module.named_parameters(remove_duplicate=False))
    for name, value in parameters.items():
        found[name] = ("parameter", value.requires_grad, value.detach())
    for name, held in module.named_buffers(remove_duplicate=False):
        found[name] = ("buffer" if name in saved else "unsaved buffer", False, held.detach())
    for name, plain in plain_tensors(module).items():
        found[name] = ("plain", False, plain.detach())
    return found


class Construction:
    """Builds the reference; for seeds that it is told to hold, always with the same values.

    Args:
        source: who builds.
    """

    def __init__(self, source: Builds) -> None:
        self._source = source
        self._held: dict[int, dict[str, torch.Tensor]] = {}
        self._originals: dict[int, nn.Module] = {}

    def hold(self, seed: int) -> None:
        """Build until two modules are equal, and remember their values; once for a seed."""
        with TURN:
            if seed in self._held:
                return
            start = time.monotonic()
            found = until_alike(lambda: self._source.build(seed), lambda a, b: _equal(_values(a), _values(b)))
            # a source may hand its tensors out again
            if time.monotonic() - start > 2 * _COSTLY and _is_data(found):
                original = self._originals[seed] = copy.deepcopy(found)
                self._held[seed] = _values(original)
            else:
                self._held[seed] = {name: value.clone() for name, value in _values(found).items()}

    def build(self, seed: int) -> nn.Module:
        """Return a new module; one that differs from what is held for its seed is built again.

        Where the constructor of a held seed is slow and the module is nothing but data, it is copied.

        Raises:
            MachineError: if it differs every time.
        """
        if seed in self._originals:
            return copy.deepcopy(self._originals[seed])
        held = self._held.get(seed)
        with TURN:
            for _ in attempts():
                module = self._source.build(seed)
                if held is None or _equal(_values(module), held):
                    return module
        raise AssertionError("attempts() ends by raising")

    def weights(self, seed: int) -> Mapping[str, torch.Tensor]:
        """Return by name what a new module holds, to be read only; nothing is built for a seed that is held.

        Raises:
            MachineError: as ``build``.
        """
        held = self._held.get(seed)
        return _values(self.build(seed)) if held is None else held


def _is_data(module: nn.Module) -> bool:
    """Tell whether a deep copy of a module is as good as the module: code in it could hold the original.

    A closure or bound method goes on with what it was made with, and tensors that share memory would not
    share it in the copy.
    """
    seen: dict[int, Any] = {}

    def plain(value: Any) -> bool:
        if id(value) in seen:
            return True
        seen[id(value)] = value
        if isinstance(value, nn.Module):
            kinds = [kind for kind in type(value).__mro__ if kind not in (nn.Module, object)]
            return not any(name in vars(kind) for kind in kinds for name in _COPYING) and plain(vars(value))
        if isinstance(value, FunctionType):
            return not value.__closure__ and plain(value.__defaults__) and plain(value.__kwdefaults__)
        if type(value) in (torch.Tensor, nn.Parameter):
            return bool(value.is_leaf) and value.grad is None
        if type(value) in (dict, OrderedDict):
            return all(map(plain, value)) and all(map(plain, value.values()))
        if type(value) in (list, tuple, set, frozenset):
            return all(map(plain, value))
        return isinstance(value, _PLAIN)

    if not plain(module):
        return False
    places = [v.untyped_storage().data_ptr() for v in seen.values() if isinstance(v, torch.Tensor)]
    return len(set(places)) == len(places)


_COPYING = ("__deepcopy__", "__copy__", "__reduce_ex__", "__reduce__", "__getstate__")
_PLAIN = (
    bool, int, float, complex, str, bytes, type(None), type, BuiltinFunctionType,
    torch.dtype, torch.device, torch.Size, torch.memory_format, torch.layout,
)  # fmt: skip


def _values(module: nn.Module) -> dict[str, torch.Tensor]:
    return {name: value for name, (_, _, value) in named_weights(module).items()}


def _equal(one: dict[str, torch.Tensor], two: dict[str, torch.Tensor]) -> bool:
    return one.keys() == two.keys() and all(same(value, two[name]) for name, value in one.items())


def same(a: torch.Tensor, b: torch.Tensor) -> bool:
    """Tell whether two tensors of one shape and type hold the same values, NaN being NaN."""
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    return torch.equal(a, b) or (a.is_floating_point() and torch.equal(a.nan_to_num(), b.nan_to_num()))
