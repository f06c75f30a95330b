"""Linting a task: what it would let through, what nobody could pass, and what its module wastes."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from kernelevo.api.loading import free_bytes
from kernelevo.backends import taskfile
from kernelevo.config import Settings
from kernelevo.core import Task
from kernelevo.errors import BadProgram, BadSetting, CaptureError, KernelEvoError, NotEnoughMemory
from kernelevo.tasks import load_task, refuse_if_too_large

if TYPE_CHECKING:
    from kernelevo.graphs.unused import Unused
    from kernelevo.kernels.cases.lint import Conduct, Finding
    from kernelevo.kernels.cases.pool import Pool

BATCHES = ("BATCH", "BATCH_SIZE", "batch_size")
"""What a task file calls the constant that may be cut, ours and KernelBench's."""
_SEED = 0  # no program is judged here: nothing needs to be secret, and a finding should repeat


@dataclass(frozen=True)
class Cut:
    """A batch made smaller than the task's, so that the oracle fits into the memory."""

    name: str
    before: int
    now: int

    def to_json(self) -> dict[str, Any]:
        """Return this as plain data."""
        return {"name": self.name, "from": self.before, "to": self.now}


@dataclass(frozen=True)
class Linted:
    """What was found out about one task.

    Args:
        task: the task as asked for.
        finding: whether it is fair, and why not.
        conduct: what forward does besides computing.
        unused: what no output depends on; None where the module cannot be captured as a graph.
        unknown: why ``unused`` is None, or an empty text.
        cut: the smaller batch it was measured with, None where that of the task was.
        variants: the same of each variant that the task's file has (none if the task is one itself).
    """

    task: Task
    finding: Finding
    conduct: Conduct
    unused: Unused | None
    unknown: str = ""
    cut: Cut | None = None
    variants: tuple[Linted, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return this as plain data; what does not exist is null."""
        finite = {k: _finite(v) for k, v in self.finding.to_json().items()}
        return {
            "task": self.task.name,
            "size": self.task.options["size"],
            "device": self.task.options["device"],
            "batch_cut": self.cut and self.cut.to_json(),
            **finite,
            "conduct": self.conduct.to_json(),
            "unused": self.unused and self.unused.to_json(),
            "unused_unknown": self.unknown or None,
            "variants": [v.to_json() for v in self.variants],
        }


def _finite(value: Any) -> Any:
    """JSON has no infinities and no NaN: an error that is not finite is no number."""
    return None if isinstance(value, float) and not abs(value) < float("inf") else value


def lint(task_name: str, settings: Settings, *, say: Callable[[str], None] = lambda _: None) -> Linted:
    """Lint a task, and the variants that its file has.

    Args:
        task_name: a task whose reference is a PyTorch module.
        settings: device and size are used.
        say: told what is being done.

    Raises:
        TaskNotFound, BadSetting, BadProgram: for the task.
        MachineError: if its device is not here.
        NotEnoughMemory: if it does not fit, and has no batch that could be cut.
    """
    task = _load(task_name, settings)
    spec = task.options["reference"]
    found = _linted(task, say)
    if spec["variant"] is not None:
        return found
    names = [f"{task.name}@{v}" for v in taskfile.variants(spec["text"], spec["filename"])]
    return replace(found, variants=tuple(_linted(_load(name, settings), say) for name in names))


def _load(name: str, settings: Settings) -> Task:
    task = load_task(name, size=settings.size, device=settings.device)
    if task.options.get("reference") is None:
        raise BadSetting(
            f"{task.name} is an evaluator; lint is for tasks whose reference is a PyTorch module.",
            now="name a module: model.py:ClassName",
        )
    return task


def _linted(task: Task, say: Callable[[str], None]) -> Linted:
    from kernelevo.kernels.cases.lint import conduct
    from kernelevo.kernels.cases.lint import lint as look
    from kernelevo.kernels.children.place import device_of

    device = device_of(task.options)
    fitted, cut = fit(task, free_bytes(task))
    if cut is not None:
        say(f"{task.name}: {cut.name} cut from {cut.before} to {cut.now}, to fit the memory")
    say(f"{task.name}: evaluating it in fp32 and in fp64")
    try:
        pool = _pool(fitted, device)
        finding, behaviour = look(pool), conduct(pool)
    except KernelEvoError:
        raise
    except Exception as error:
        raise BadProgram(
            f"{task.name} cannot be run on its own inputs",
            why=f"{type(error).__name__}: {error}",
            now="correct the module, or what get_inputs() and get_init_inputs() return",
        ) from error
    say(f"{task.name}: looking for work that nobody uses")
    unused, unknown = _unused(pool, device)
    return Linted(task, finding, behaviour, unused, unknown, cut)


def _pool(task: Task, device: str) -> Pool:
    from kernelevo.backends.reference import load_reference
    from kernelevo.kernels.cases.pool import Pool

    return Pool(load_reference(task.options["reference"]), random.Random(_SEED), device)


def _unused(pool: Pool, device: str) -> tuple[Unused | None, str]:
    from torch import Tensor
    from torch.utils._pytree import tree_map

    from kernelevo.graphs.capture import capture
    from kernelevo.graphs.unused import unused

    case = pool.first
    args = tree_map(lambda v: v.to(device) if isinstance(v, Tensor) else v, case.args)
    try:
        return unused(capture(pool.build(case.parameters.seed).to(device), args)), ""
    except CaptureError as error:
        return None, str(error)


def fit(task: Task, free: int | None) -> tuple[Task, Cut | None]:
    """Return the task with its batch halved until it fits into the free memory.

    Args:
        task: a kernel task; only size ``full`` is cut, the others are somebody's choice.
        free: free memory of its device in bytes; None if nobody can tell (then nothing is cut).

    Raises:
        NotEnoughMemory: if it fits with no batch, or has no constant that is called one.
    """
    if free is None:
        return task, None
    try:
        refuse_if_too_large(task, free)
        return task, None
    except NotEnoughMemory:
        spec = task.options["reference"]
        if spec["size"] != taskfile.FULL:
            raise
        given = _batch(spec)
        if given is None:
            raise
    name, before = given
    now = before
    while True:
        now //= 2
        smaller = _with_batch(task, name, now)
        try:
            refuse_if_too_large(smaller, free)
        except NotEnoughMemory:
            if now <= 1:
                raise
            continue
        return smaller, Cut(name, before, now)


def _batch(spec: dict[str, Any]) -> tuple[str, int] | None:
    """Return the batch constant of a task file and its value; None where it has none to cut."""
    import ast

    tree = taskfile.parse(spec["text"], spec["filename"])
    for node in tree.body:
        if not (isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)):
            continue
        name = next((t.id for t in node.targets if isinstance(t, ast.Name) and t.id in BATCHES), None)
        if name and isinstance(node.value.value, int) and node.value.value > 1:
            return name, node.value.value
    return None


def _with_batch(task: Task, name: str, batch: int) -> Task:
    """Return a task of a name of its own, since what the manifest knows holds for the whole batch."""
    spec = dict(task.options["reference"])
    spec["text"] = taskfile.with_constants(spec["text"], {name: batch}, spec["filename"])
    return replace(task, name=f"{task.name} with {name} {batch}", options={**task.options, "reference": spec})
