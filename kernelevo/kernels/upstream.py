"""Upstream's rule: a program judged as KernelBench judges, beside our verdict and never part of it.

After its evaluator (``eval_kernel_against_ref`` and ``get_tolerance_for_precision``): both modules are made
after seed 42, five draws of inputs, ``allclose`` with an absolute and relative tolerance of 1e-4 (fp32) or
1e-2 (half precision, and everything in its first form), reference and program in one process; the mean of up
to a hundred calls after three warm-ups, against eager as PyTorch ships it. So a program that cheats can pass
here: the figures are good for comparison with published tables alone.
"""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch.utils import _pytree as pytree

from kernelevo.backends.cache import default_root
from kernelevo.backends.candidate import adopt, load_candidate
from kernelevo.backends.reference import Reference, load_reference
from kernelevo.backends.seeding import seeded
from kernelevo.core import Program
from kernelevo.device.lease import Lease
from kernelevo.errors import KernelEvoError, MachineError
from kernelevo.kernels.children.supervisor import started
from kernelevo.sandbox import scratch, stock
from kernelevo.sandbox.channel import PeerFault, PeerTimeout
from kernelevo.sandbox.limits import Limits

SEED, TRIALS, WARM_UPS, CALLS = 42, 5, 3, 100
EVAL_TRIALS = 2  # upstream never asks for eval mode
LOOSE, TIGHT = 1e-2, 1e-4
_LARGEST = 1e300  # of the numbers of a row
PATIENCE = 300.0
_SECONDS = 0.5  # for the calls of one side: a slow module is called fewer times
_FLUSH = 256 << 20
ENTRY = "kernelevo.kernels.upstream:serve"


def judge_as_upstream(
    spec: Mapping[str, Any],
    program: Program,
    device: str,
    *,
    threads: int,
    built: Path | None = None,
    patience: float = PATIENCE,
) -> dict[str, Any]:
    """Return what upstream's rule says of a program; its own process says it.

    Args:
        spec: the reference, as in a task's options.
        program: what is judged.
        device: ``"cpu"`` or ``"cuda"``.
        threads: of torch.
        built: what a judge has built the program to (``Artifact.folder``), in which its process then works;
            None where there is nothing, and all that it compiles is compiled now.
        patience: seconds that it may take.

    Returns:
        ``correct`` (at upstream's tolerance for the dtype today), ``correct_loose`` (at 1e-2),
        ``correct_eval`` (at 1e-2, both modules in eval mode), ``speedup`` over eager, ``latency_ms`` and
        ``eager_ms`` (None where it is not correct at 1e-2 in train mode), ``tolerance``, ``weights`` (``by
        seed``, ``loaded``), and ``problem``, a text where it failed.
    """
    folder = scratch.temporary("upstream")
    folder.chmod(0o711)
    inside, root = built or folder / "child", default_root()
    limits = Limits(
        "build", inside, cuda=device != "cpu",
        read_only=(root,) if root.is_dir() else (),
        environ={
            "KERNELEVO_CACHE": str(inside / "cache"),
            "KERNELEVO_CACHE_SHARED": str(root),
            "TORCHINDUCTOR_CACHE_DIR": str(inside / "inductor"),
            "TRITON_CACHE_DIR": str(inside / "triton"),
            "TORCH_EXTENSIONS_DIR": str(inside / "extensions"),
        },
    )  # fmt: skip
    payload = {
        "reference": dict(spec),
        "source": program.source,
        "beside": program.beside,
        "device": device,
        "folder": str(inside),
    }
    try:
        # the judge's kind: where that one is kept, this is it
        zygote = started(threads, device, root)
        try:
            with Lease(device), zygote.spawn(ENTRY, payload, limits=limits) as child:
                try:
                    said = child.channel.recv(patience)
                except PeerTimeout as error:
                    child.kill("no answer in time")
                    raise MachineError(
                        f"upstream's rule was not told in {patience:.0f} s",
                        why="some thirty calls of the module and of the program are made for it",
                        now="nothing: our own verdict stands",
                    ) from error
                except PeerFault as error:
                    child.kill("no answer")
                    return {**NOTHING, "problem": f"its process gave no answer: {error.what}"[:300]}
        finally:
            stock.give_back(zygote)
        return _sane(said)
    finally:
        scratch.remove(folder)


NOTHING: dict[str, Any] = {
    "correct": False,
    "correct_loose": False,
    "correct_eval": False,
    "speedup": None,
    "latency_ms": None,
    "eager_ms": None,
    "tolerance": None,
    "weights": None,
    "problem": "",
}


def _sane(said: Any) -> dict[str, Any]:
    """Take of an answer what has the right type; the program's process may send anything."""
    if not isinstance(said, Mapping):
        return {**NOTHING, "problem": "its process sent something that is no answer"}
    told = dict(NOTHING)
    for name in told:
        value = said.get(name)
        if name.startswith("correct"):
            told[name] = value is True
        elif name in ("weights", "problem"):
            told[name] = str(value)[:300] if value is not None else None
        elif isinstance(value, float) and 0 < value < _LARGEST:
            told[name] = value
    return told


def serve(channel: Any, payload: dict[str, Any], fds: dict[str, int]) -> None:
    """Run in the child: send one answer."""
    try:
        channel.send(_judge(payload))
    except Exception as error:  # what a program raises is an answer
        what = error.what if isinstance(error, KernelEvoError) else str(error)
        channel.send({**NOTHING, "problem": f"{type(error).__name__}: {what}"[:300]})


def _judge(payload: dict[str, Any]) -> dict[str, Any]:
    reference = load_reference(payload["reference"])
    kind = load_candidate(payload["source"], Path(payload["folder"]), payload["beside"])
    device = payload["device"]
    init, named = reference.init_args(SEED), reference.init_kwargs(SEED)
    model = reference.build(SEED)
    told = dict(NOTHING)
    with seeded(SEED):
        ours = kind(*init, **named)
    told["weights"] = "by seed"
    close = _close(reference, model.to(device), ours.to(device), device)
    if not close["correct_loose"]:  # ours draw in another order; what load_state_dict gives them counts too
        try:
            loaded, _ = adopt(kind, reference.build(SEED), init, named, SEED)
        except KernelEvoError:
            loaded = None
        if loaded is not None:
            model = reference.build(SEED).to(device)
            again = _close(reference, model, loaded.to(device), device)
            if again["correct_loose"] or (again["correct_eval"] and not close["correct_eval"]):
                ours, close, told["weights"] = loaded, again, "loaded"
    told |= close
    if told["correct_loose"]:
        args = _drawn(reference, SEED, device)
        eager, own = _times((model.train(), ours.train()), args, device)
        told |= {"eager_ms": eager * 1e3, "latency_ms": own * 1e3, "speedup": eager / own}
    return told


def _drawn(reference: Reference, seed: int, device: str) -> tuple[Any, ...]:
    args = reference.inputs(seed)
    return tuple(a.to(device) if isinstance(a, torch.Tensor) else a for a in args)


def _close(reference: Reference, model: Any, ours: Any, device: str) -> dict[str, Any]:
    """Tell by some draws whether two modules agree: by today's tolerance, and by 1e-2 in either mode."""
    draw = random.Random(SEED)
    seeds = [draw.getrandbits(31) for _ in range(TRIALS)]
    found = {"correct": True, "correct_loose": True, "correct_eval": True, "tolerance": TIGHT}
    # in this order: train mode moves running statistics
    for mode, count in (("correct_eval", EVAL_TRIALS), ("correct_loose", TRIALS)):
        model.train(mode == "correct_loose")
        ours.train(mode == "correct_loose")
        for seed in seeds[:count]:
            right = _answer(model, reference, seed, device)
            try:
                got = _answer(ours, reference, seed, device)
            except Exception:  # upstream itself never asks for eval mode: a program may be for training alone
                if mode == "correct_loose":
                    raise
                got = []
            if mode == "correct_loose":
                half = any(isinstance(r, torch.Tensor) and r.dtype.itemsize == 2 for r in right)
                found["tolerance"] = LOOSE if half else TIGHT
                found["correct"] = found["correct"] and _alike(got, right, LOOSE if half else TIGHT)
                if found["correct"]:
                    continue  # what is close by the tighter tolerance is so by the other
            if not _alike(got, right, LOOSE):
                found[mode] = False
                break
    return found


def _answer(module: Any, reference: Reference, seed: int, device: str) -> list[Any]:
    args = _drawn(reference, seed, device)
    with torch.no_grad(), seeded(seed):
        return pytree.tree_leaves(module(*args))


def _alike(got: list[Any], right: list[Any], tolerance: float) -> bool:
    """Tell whether every tensor has its shape and is close, in the sense of ``allclose``."""
    if len(got) != len(right):
        return False
    for a, b in zip(got, right, strict=True):
        if not isinstance(b, torch.Tensor):
            continue
        if not isinstance(a, torch.Tensor) or a.shape != b.shape:
            return False
        if not torch.allclose(a.to(b.device, b.dtype), b, rtol=tolerance, atol=tolerance):
            return False
    return True


def _times(sides: tuple[Any, Any], args: tuple[Any, ...], device: str) -> tuple[float, float]:
    """Return the mean seconds of either side's calls after its warm-ups, on a device each behind a flush.

    Unlike upstream the two take turns, so that what else happens on the machine meets both.
    """
    flush = torch.empty(_FLUSH, dtype=torch.int8, device=device) if device != "cpu" else None
    spent: tuple[list[float], list[float]] = ([], [])
    with torch.no_grad():
        for module in sides:
            for _ in range(WARM_UPS):
                module(*args)
        end = time.monotonic() + 2 * _SECONDS
        while len(spent[0]) < CALLS and (not spent[0] or time.monotonic() < end):
            for module, times in zip(sides, spent, strict=True):
                times.append(_one(module, args, flush))
    return sum(spent[0]) / len(spent[0]), sum(spent[1]) / len(spent[1])


def _one(module: Any, args: tuple[Any, ...], flush: torch.Tensor | None) -> float:
    if flush is None:
        began = time.perf_counter()
        module(*args)
        return time.perf_counter() - began
    flush.zero_()
    first: Any = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
    last: Any = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
    first.record()
    module(*args)
    last.record()
    torch.cuda.synchronize()
    return float(first.elapsed_time(last)) / 1e3
