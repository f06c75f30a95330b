"""How much memory judging a task takes, and the refusal of a task that is larger than the machine."""

from __future__ import annotations

import weakref
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kernelevo.core import Task
from kernelevo.errors import KernelEvoError, NotEnoughMemory
from kernelevo.tasks import library

if TYPE_CHECKING:
    from torch import nn

#: Share of the free memory that a task may take.
SHARE = 0.6
#: The fp64 oracle takes twice the reference's bytes, the candidate's process about once.
COPIES = 3


@dataclass(frozen=True)
class MemoryNeed:
    """Estimate of what a task needs.

    Args:
        peak: most bytes alive during one eager fp32 forward: parameters, buffers, inputs, intermediate
            results.
    """

    peak: int

    @property
    def judging(self) -> int:
        """Bytes needed at once while a program is checked against the oracle."""
        return COPIES * self.peak


def estimate(task: Task) -> MemoryNeed | None:
    """Estimate a task's memory without allocating it; None where it is not a kernel task or not known.

    A bundled task is looked up in the manifest. Any other file is executed (so: only what the user trusts)
    and its module run on the meta device, which imports torch; one that cannot run there (shapes that depend
    on values, say) is not known. A pickled module is not estimated.

    Raises:
        InputError: if the file cannot be executed.
    """
    spec = task.options.get("reference")
    if not spec or spec.get("kind") != "source":
        return None
    sizes = library.facts(task.name).get("sizes", {})
    if spec["size"] in sizes:
        return MemoryNeed(int(sizes[spec["size"]]["peak_bytes"]))
    try:
        return _on_meta(spec)
    except KernelEvoError:
        raise
    except Exception:  # whatever the module does not like about a device without values
        return None


def refuse_if_too_large(task: Task, free: int) -> None:
    """Refuse a task that needs more than 60 % of the free memory of its device.

    Args:
        task: any task; one whose need is not known passes.
        free: free memory, in bytes.

    Raises:
        NotEnoughMemory: with both figures.
    """
    need = estimate(task)
    if need is None or need.judging <= SHARE * free:
        return
    size = task.options.get("size", "full")
    raise NotEnoughMemory(
        f"{task.name} at size {size!r} needs about {need.judging / 1e9:.1f} GB, "
        f"and {free / 1e9:.1f} GB are free.",
        why=f"one forward holds {need.peak / 1e9:.1f} GB, and checking it against fp64 takes about "
        f"{COPIES} times that; at most {SHARE:.0%} of the free memory may be used",
        now="use a smaller size (--size small), free memory, or use a larger machine",
    )


def peak_bytes(module: nn.Module, inputs: tuple[Any, ...] | list[Any]) -> int:
    """Return the most bytes alive during one forward without gradients.

    On the meta device nothing is allocated and nothing computed.
    """
    import torch
    from torch.utils._python_dispatch import TorchDispatchMode
    from torch.utils._pytree import tree_leaves

    alive: set[int] = set()
    now = peak = 0

    def forget(key: int, size: int) -> None:
        nonlocal now
        alive.discard(key)
        now -= size

    def count(value: object) -> None:
        nonlocal now, peak
        if not isinstance(value, torch.Tensor):
            return
        storage = value.untyped_storage()
        if storage._cdata not in alive:
            alive.add(storage._cdata)
            now += storage.nbytes()
            peak = max(peak, now)
            weakref.finalize(storage, forget, storage._cdata, storage.nbytes())

    class Watch(TorchDispatchMode):  # type: ignore[no-untyped-call]
        @classmethod
        def _should_skip_dynamo(cls) -> bool:
            return False  # torch's compiler takes 1 to 3 s to import

        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            result = func(*args, **(kwargs or {}))
            for leaf in tree_leaves(result):
                count(leaf)
            return result

    for held in (*module.parameters(), *module.buffers(), *tree_leaves(inputs)):
        count(held)
    with torch.no_grad(), Watch():  # type: ignore[no-untyped-call]
        module(*inputs)
    return peak


def _on_meta(spec: dict[str, Any]) -> MemoryNeed:
    import torch

    from kernelevo.backends.reference import load_reference

    reference = load_reference(spec)
    with torch.device("meta"):
        return MemoryNeed(peak_bytes(reference.build(0), reference.inputs(0)))
