"""A winner before the judge, on a small module: that every step of its hearing runs on a device, and passes.

The module has running statistics and a recurrent layer: buffers are compared after batches, cuDNN's layer is
evaluated in fp64, and its weights are far below what keeps a second instance away.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from unittest import mock

from kernelevo.core import Evaluation, Program, Status, Task
from kernelevo.kernels.baselines.baseline import Name
from kernelevo.kernels.children.session import Session
from kernelevo.kernels.judge import FRESH_PROCESSES, KernelJudge
from kernelevo.kernels.timing import remembered, unseen

TEXT = """
import torch
from torch import nn


class Model(nn.Module):
    def __init__(self, width, hidden):
        super().__init__()
        self.norm = nn.BatchNorm1d(width)
        self.layer = nn.LSTM(width, hidden, batch_first=True)
        self.out = nn.Linear(hidden, width)

    def forward(self, x):
        y, _ = self.layer(self.norm(x.transpose(1, 2)).transpose(1, 2))
        return self.out(y[:, -1])


def get_inputs():
    return [torch.rand(64, 24, 128)]


def get_init_inputs():
    return [128, 96]
"""
PROGRAM = (
    TEXT.partition("\n\ndef get_inputs")[0]
    .replace("class Model(", "class ModelNew(")
    .replace("self.norm(x.transpose(1, 2)).transpose(1, 2)", "self.norm(x.flatten(0, 1)).view_as(x)")
)
STEPS = {
    "parameters are read back",
    "a second instance is made",
    "the first instance is called again",
    "buffers are compared after a batch",
    "unseen inputs are timed",
}


def steps(device: str, seconds: float = 3.0) -> tuple[Evaluation, set[str]]:
    """Finalize an honest program.

    Args:
        device: ``"cuda"`` or ``"cpu"``.
        seconds: of timing, over all processes.

    Returns:
        The verdict, and which of ``STEPS`` were taken on the way.
    """
    spec = {"kind": "source", "text": TEXT, "filename": "task.py", "size": "full", "entry": "Model"}
    task = Task("judged", "passes every step", options={"reference": spec, "device": device})
    taken: set[str] = set()
    orders = {"parameters": "parameters are read back", "back": "the first instance is called again"}

    def asked(result: Any, session: Session, do: str, **more: Any) -> str:
        return "a second instance is made" if more.get("beside") else orders.get(do, "")

    def compared(result: Any, *given: Any) -> str:
        return "" if result is None else "buffers are compared after a batch"

    def timed(result: Any, run: Any, stream: Any, *given: Any) -> str:
        return "unseen inputs are timed" if stream.windows else ""

    with ExitStack() as stack:
        watched = ((Session, "ask", asked), (remembered, "batch", compared), (unseen, "look", timed))
        for owner, name, step in watched:
            told = _telling(getattr(owner, name), step, taken)
            stack.enter_context(mock.patch.object(owner, name, told))
        cache = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        compiled: tuple[Name, ...] = () if device == "cpu" else ("graphed",)
        judge = KernelJudge(task, cache=cache, compiled=compiled, final_seconds=seconds)
        stack.enter_context(judge)
        found = judge.finalize(judge.prepare(Program.single(PROGRAM)))
    return found, taken


def _telling(function: Callable[..., Any], step: Callable[..., str], taken: set[str]) -> Callable[..., Any]:
    """Return a function that does the same and takes down which step that was."""

    def call(*given: Any, **more: Any) -> Any:
        result = function(*given, **more)
        taken.update(filter(None, [step(result, *given, **more)]))
        return result

    return call


def problem(found: Evaluation, taken: set[str]) -> str:
    """Say what is wrong with the verdict on an honest program; an empty text if nothing is."""
    if found.status is not Status.OK:
        return f"an honest program is {found.status}: {found.feedback}"
    processes = found.metrics.get("processes")
    if not isinstance(processes, int) or processes < FRESH_PROCESSES:
        return f"it was timed in {processes} processes"
    return f"never seen: {', '.join(sorted(STEPS - taken))}" if STEPS - taken else ""


def judge_finalizes_a_winner() -> None:
    """An honest program passes every step of a winner's hearing."""
    wrong = problem(*steps("cuda"))
    assert not wrong, wrong


CHECKS: tuple[Callable[[], None], ...] = (judge_finalizes_a_winner,)
