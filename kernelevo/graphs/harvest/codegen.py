"""Inductor's code generation: a flat graph in, the generated text out; nothing is compiled or loaded."""

from __future__ import annotations

import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any
from unittest import mock

import torch
from torch.fx import GraphModule, Interpreter

from kernelevo.graphs.execution import TURN
from kernelevo.graphs.harvest.opaque import HarvestError
from kernelevo.graphs.matching import draws

_ONE_AT_A_TIME = threading.Lock()  # Inductor keeps global state, and two of its methods are patched here
_ALWAYS: Mapping[str, Any] = {
    "fx_graph_cache": False,  # a hit would skip code generation
    "fallback_random": True,  # draws like eager's for equal seeds
    "cpp_wrapper": False,
    "memory_planning": False,
    "compile_threads": 1,
}


@dataclass(frozen=True)
class Generated:
    """Text that Inductor generated, and the width in bits of the vectors in it (0: none)."""

    text: str
    vector_bits: int


class _Text(BaseException):
    """Carries the text out of Inductor before it compiles anything."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text


def generate(
    module: GraphModule,
    examples: Sequence[torch.Tensor],
    options: Mapping[str, Any],
    *,
    seconds: float,
    clock: Callable[[], float] = time.monotonic,
) -> Generated:
    """Return the text that Inductor generates for ``module``.

    Args:
        module: flat graph: tensors in, tuple of tensors out.
        examples: its inputs; only their shapes, strides and types count.
        options: settings of ``torch._inductor.config``, e.g. ``{"cpp.simdlen": 256}``.
        seconds: time limit; checked at every node, so it is kept within about a second.
        clock: monotonic clock in seconds.

    Raises:
        HarvestError: if Inductor refuses, takes too long or makes more than one graph.
    """
    from torch._inductor import config
    from torch._inductor.compile_fx import compile_fx
    from torch._inductor.graph import GraphLowering

    def catch(text: str) -> None:
        raise _Text(text)

    with _ONE_AT_A_TIME, ExitStack() as stack:
        stack.enter_context(warnings.catch_warnings())
        warnings.simplefilter("ignore")  # advice to users of torch.compile
        if any(map(draws, module.graph.nodes)):
            stack.enter_context(TURN)  # tracing puts the random state back that others would be drawing from
        stack.enter_context(torch.no_grad())
        stack.enter_context(config.patch({**_ALWAYS, **options}))
        stack.enter_context(_deadline(clock() + seconds, clock, seconds))
        stack.enter_context(mock.patch.object(GraphLowering, "save_output_code", staticmethod(catch)))
        try:
            compile_fx(module, list(examples))
        except _Text as found:
            from torch._inductor.cpu_vec_isa import pick_vec_isa

            return Generated(found.text, pick_vec_isa().bit_width())
        except HarvestError:
            raise
        except Exception as error:  # Inductor raises whatever its passes raise
            cause = _told(error)
            if cause is not None:
                raise cause from error
            raise HarvestError(
                "Inductor cannot compile this module", why=f"{type(error).__name__}: {str(error)[:500]}"
            ) from error
        finally:
            torch._dynamo.reset()
    raise HarvestError("Inductor generated no code", why="the graph computes nothing")


def _told(error: BaseException) -> HarvestError | None:
    """Return our own error inside one that Inductor wrapped."""
    seen: BaseException | None = error
    while seen is not None:
        inner = getattr(seen, "inner_exception", None)
        if isinstance(inner, HarvestError):
            return inner
        if isinstance(seen, HarvestError):
            return seen
        seen = seen.__cause__ or seen.__context__
    return None


@contextmanager
def _deadline(end: float, clock: Callable[[], float], seconds: float) -> Iterator[None]:
    """Raise at the next node or fusion decision of this thread after ``end``."""
    from torch._inductor.scheduler import Scheduler

    owner = threading.get_ident()
    run_node, can_fuse = Interpreter.run_node, Scheduler.can_fuse

    def check() -> None:
        if threading.get_ident() == owner and clock() > end:
            raise HarvestError(
                f"generating code took longer than {seconds:g} s",
                why="an unrolled loop makes thousands of nodes",
                now="rewrite the loop first, or allow more time",
            )

    def node(self: Any, n: Any) -> Any:
        check()
        return run_node(self, n)

    def fuse(self: Any, *args: Any, **kwargs: Any) -> Any:
        check()
        return can_fuse(self, *args, **kwargs)

    with (
        mock.patch.object(Interpreter, "run_node", node),
        mock.patch.object(Scheduler, "can_fuse", fuse),
    ):
        yield
