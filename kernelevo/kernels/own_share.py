"""OwnShare: how much of a program's compute time its own kernels take, and how much torch's operators.

Measured by torch.profiler in a child of its own (``profiling``), in calls that nothing else depends on. On
the CPU: the operators' own time over the wall time of forward; launching and Python count as the program's.
On CUDA: the time of kernels that are not the program's own over the time of all kernels.

What a hostile program can do: it shares the process with the profiler, so it may forge every number here,
notice that it is profiled and compute otherwise, or call a vendor's library past torch (``dlopen``,
``at::native`` functions in C++), which no profiler of torch names. So of the two gates of the policy
``no-aten`` neither is proof: the text is read first (``guard``, before anything runs), then this share
decides, and what both miss a person finds in the text. The numbers never touch a score.
"""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from kernelevo.backends.kernel_facts import plain_name, printable
from kernelevo.core import Artifact, Evaluation, Program, Status
from kernelevo.kernels.faults import rules
from kernelevo.kernels.faults.failed import Failed
from kernelevo.kernels.verdict import NAMES

LIMIT = 0.02
"""Largest share of compute that the policy ``no-aten`` leaves to torch's operators."""
_NAMED = 12
_SPACES = ("aten::", "prims::", "mkldnn::", "mkl::", "quantized::", "onednn::", "_quantized::", "sparse::")
# views, allocation (filling included: zeros are what a kernel adds to) and questions; a copy is compute
_LAUNCHING = {
    "alias", "as_strided", "chunk", "contiguous", "clone", "detach", "detach_", "diagonal", "empty",
    "empty_like", "empty_strided", "expand", "expand_as", "fill_", "flatten", "full", "full_like",
    "is_contiguous", "is_nonzero", "item", "lift_fresh", "_local_scalar_dense", "movedim", "narrow",
    "new_empty", "new_empty_strided", "new_zeros", "numpy_T", "ones", "ones_like", "permute", "_pin_memory",
    "_reshape_alias", "reshape", "resize_", "resolve_conj", "resolve_neg", "result_type", "select", "set_",
    "size", "slice", "split", "split_with_sizes", "squeeze", "stride", "swapaxes", "swapdims", "t", "to",
    "_to_copy", "transpose", "unbind", "unflatten", "unfold", "_unsafe_view", "unsqueeze", "view", "view_as",
    "zero_", "zeros", "zeros_like",
}  # fmt: skip
_LIBRARY = re.compile(
    r"^(at|at_cuda\w*|cub|cutlass\w*|cublas\w*|cudnn\w*|thrust|c10|flash\w*|pytorch_flash|fmha\w*|nvjet\w*"
    r"|ampere_\w*|volta_\w*|turing_\w*|hopper_\w*|sm\d+_\w*|Memcpy|gemv\w*|gemm\w*|dot_kernel)(::|$|\b)"
)


@dataclass(frozen=True)
class Share:
    """Who computes.

    Args:
        own: share of the program's own code, 0 to 1; None where it is not known.
        others: share of each operator or foreign kernel by name, the largest first.
        reason: why it is not known.
        fails: whether the program raises, or its process ends or hangs, where it is profiled.
    """

    own: float | None
    others: tuple[tuple[str, float], ...] = ()
    reason: str = ""
    fails: bool = False

    @property
    def too_little(self) -> bool:
        """Whether the policy ``no-aten`` refuses it."""
        return self.own is not None and 1.0 - self.own > LIMIT

    def words(self) -> str:
        """Name the operators and their shares."""
        return ", ".join(f"{name} {100 * part:.3g} %" for name, part in self.others[:_NAMED])


class Shares:
    """The shares of one judge's programs, each measured once.

    Args:
        policy: the task's; ``"no-aten"`` measures every program, any other only winners.
    """

    def __init__(self, policy: str) -> None:
        self._strict = policy == "no-aten"
        self._known: dict[str, Share] = {}

    def refused(
        self, artifact: Artifact, profile: Callable[[], Any], *, final: bool = False
    ) -> Evaluation | None:
        """Measure where the policy or the end of a run asks for it; return the verdict if that refuses.

        Args:
            artifact: a built program.
            profile: runs the program in a child of its own and returns what it says.
            final: whether a winner is judged.
        """
        program = artifact.program
        if artifact.verdict is not None or not (self._strict or final):
            return None
        if program.id not in self._known:
            self._known[program.id] = self._profiled(program, profile)
        found = self._known[program.id]
        if self._strict and found.fails:
            text = (
                f"the policy is no-aten, and the program fails where its calls are profiled: {found.reason}"
            )
            return Failed(Status.REJECTED, rules.OWN_KERNELS.broken(text)).verdict(**_nothing(None))
        if not self._strict or not found.too_little:
            return None
        assert found.own is not None
        text = (
            f"the policy is no-aten, and torch computes {100 * (1 - found.own):.3g} % of forward (allowed: "
            f"{100 * LIMIT:.3g} %): {found.words()}"
        )
        return Failed(Status.REJECTED, rules.OWN_KERNELS.broken(text)).verdict(**_nothing(found.own))

    def _profiled(self, program: Program, profile: Callable[[], Any]) -> Share:
        """Profile a program; where that ends it and the policy asks, once more: machines may be busy."""
        for last in (not self._strict, True):
            try:
                return share(profile(), own_kernels(*program.files.values()))
            except Failed as failed:
                if last:
                    return Share(None, reason=failed.saw, fails=True)
        raise AssertionError("unreachable")

    def forget(self, program: Program) -> None:
        """Let a program be measured anew if it comes again."""
        self._known.pop(program.id, None)

    def told(self, verdict: Evaluation, artifact: Artifact) -> Evaluation:
        """Return a verdict with the metric ``own_share``, or with the reason why it is not known."""
        found = self._known.get(artifact.program.id)
        if found is None:
            return verdict
        metrics = {**verdict.metrics, "own_share": found.own}
        if found.reason:
            metrics["own_share_missing"] = found.reason[:200]
        return replace(verdict, metrics=metrics)


def _nothing(own: float | None) -> dict[str, Any]:
    """Return every verdict's metrics, of which only this one is known."""
    return {**dict.fromkeys(NAMES), "own_share": own}


# ---------------------------------------------------------------------- the parent's side


def share(said: Any, own: frozenset[str]) -> Share:
    """Turn what a profiled child said into shares.

    Args:
        said: ``{"wall_us", "host": {operator: us}, "device": {kernel: us}}``, plain data of an untrusted
            process.
        own: identifiers of the program's own device kernels.
    """
    if not isinstance(said, Mapping) or "error" in said:
        reason = str(said.get("error") if isinstance(said, Mapping) else "no answer")
        return Share(None, reason=reason, fails=isinstance(said, Mapping) and said.get("fails") is True)
    host, device = times(said.get("host")), times(said.get("device"))
    if device:
        total = sum(device.values())
        foreign = {n: t for n, t in device.items() if not n.startswith("Memset") and not is_own(n, own)}
    else:
        wall = said.get("wall_us")
        total = float(wall) if isinstance(wall, int | float) and math.isfinite(wall) else 0.0
        foreign = {n: t for n, t in host.items() if computes(n)}
    if total <= 0:
        return Share(None, reason="no time was measured")
    ordered = sorted(foreign.items(), key=lambda pair: -pair[1])
    parts = tuple((printable(name), min(1.0, spent / total)) for name, spent in ordered)
    return Share(max(0.0, 1.0 - sum(foreign.values()) / total), parts)


def times(given: Any) -> dict[str, float]:
    """Return what a child says took time, by name; what is no time is left out."""
    if not isinstance(given, Mapping):
        return {}
    return {
        str(name): float(spent)
        for name, spent in given.items()
        if isinstance(spent, int | float) and math.isfinite(spent) and spent > 0
    }


def computes(operator: str) -> bool:
    """Whether an operator of torch computes, rather than allocates or makes a view."""
    space = next((s for s in _SPACES if operator.startswith(s)), None)
    return space is not None and operator.removeprefix(space) not in _LAUNCHING


def of_torch(operator: str) -> bool:
    """Whether an operator is one of torch's, that computes or not."""
    return operator.startswith(_SPACES)


def own_kernels(*texts: str) -> frozenset[str]:
    """Return the identifiers of the device kernels that a program's files define, in whatever language."""
    found: set[str] = set()
    for text in texts:
        found.update(re.findall(r"__global__\b[^;{}]*?\b(\w+)\s*\(", _without_bounds(text)))
        try:
            tree = ast.parse(text)
        except (SyntaxError, ValueError):  # not Python: the entry was read before
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef) and any(
                "jit" in ast.unparse(d) for d in node.decorator_list
            ):
                found.add(node.name)
    return frozenset(found)


def _without_bounds(source: str) -> str:
    return re.sub(r"__(launch_bounds|cluster_dims|maxnreg|block_size)__\s*\([^)]*\)", " ", source)


def identifier(kernel: str) -> str:
    """Return the bare name of a device kernel as a profiler tells it: no type, no arguments, no namespace."""
    return _qualified(kernel).rpartition("::")[2]


def _qualified(kernel: str) -> str:
    name = plain_name(kernel.strip()).replace("(anonymous namespace)", "(anonymous)")
    head = re.split(r"[<(](?!anonymous)", name, maxsplit=1)[0].strip()
    return head.rpartition(" ")[2]


def is_own(kernel: str, own: frozenset[str]) -> bool:
    """Whether a kernel is the program's.

    A name of the program's own text, unless it is one of torch's or a vendor's: those may be borrowed.
    """
    qualified = _qualified(kernel).removeprefix("(anonymous)::")
    return _LIBRARY.match(qualified) is None and identifier(kernel) in own
