"""The comparison with the oracle, in C++; numpy stands in for it.

It is built once per machine with ninja into the build cache and called through ctypes. Nothing here imports
torch. Where it cannot be built (no compiler, no ninja, the run stage of the sandbox) numpy gives the same
results, slower; :func:`missing` says why.
"""

from __future__ import annotations

import ctypes
import os
import subprocess
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from kernelevo.backends import source_tree, toolchain
from kernelevo.backends.cache import BuildCache, digest
from kernelevo.errors import MachineError, ToolchainMissing

SOURCE = "compare.cpp"
FLAGS = ("-O3", "-std=c++20", "-fPIC", "-fno-math-errno", "-fno-trapping-math", "-ffp-contract=off")
SUFFIX = {"float32": "f32", "float64": "f64", "bfloat16": "bf16", "float16": "f16"}


@dataclass(frozen=True)
class Comparison:
    """What one pass over an output and its oracle found.

    Args:
        count: number of elements.
        max_abs_error: largest |out - oracle| over pairs that are both finite.
        max_rel_error: largest |out - oracle| / |oracle| over finite pairs with oracle != 0.
        violations: finite pairs with |out - oracle| > max(atol + rtol * |oracle|, slack).
        mismatches: pairs where NaN or infinity stands against another value.
        not_finite: pairs of which one at least is NaN or infinite.
        worst: largest error in units of what is allowed at its place; at most 1 if nothing is violated.
        worst_index: flat index of the first such place, None if there is no error.
    """

    count: int
    max_abs_error: float
    max_rel_error: float
    violations: int
    mismatches: int
    not_finite: int
    worst: float
    worst_index: int | None

    @property
    def passed(self) -> bool:
        """Whether nothing is violated and the non-finite masks are equal."""
        return self.violations == 0 and self.mismatches == 0


class _Result(ctypes.Structure):
    _fields_ = [
        ("max_abs", ctypes.c_double),
        ("max_rel", ctypes.c_double),
        ("worst", ctypes.c_double),
        ("worst_index", ctypes.c_int64),
        ("violations", ctypes.c_int64),
        ("mismatches", ctypes.c_int64),
        ("not_finite", ctypes.c_int64),
    ]


def compare(
    out: np.ndarray[Any, Any],
    oracle: np.ndarray[Any, Any],
    atol: float,
    rtol: float,
    slack: float = 0.0,
    *,
    dtype: str | None = None,
) -> Comparison:
    """Compare an output with what it should be, in one pass; all arithmetic is fp64.

    Args:
        out: any real dtype; complex values are compared part by part.
        oracle: the same shape, float64 (complex128 for complex outputs) or float32.
        atol: absolute tolerance.
        rtol: relative tolerance, times |oracle|.
        slack: errors up to this pass whatever the tolerance says.
        dtype: ``"bfloat16"`` where ``out`` holds its bits as uint16, which numpy cannot tell; else None.

    Raises:
        ValueError: for different shapes.
    """
    if out.shape != oracle.shape:
        raise ValueError(f"shapes differ: output {out.shape}, oracle {oracle.shape}")
    if np.iscomplexobj(out) or np.iscomplexobj(oracle):
        out, oracle = (np.ascontiguousarray(a, dtype=np.complex128).view(np.float64) for a in (out, oracle))
        return compare(out, oracle, atol, rtol, slack)
    kind, single = dtype or out.dtype.name, oracle.dtype == np.float32
    exact = np.ascontiguousarray(oracle, dtype=np.float32 if single else np.float64)
    library = _library()
    if library is None:
        return _compare_in_numpy(_widened(out, kind), _widened(exact, exact.dtype.name), atol, rtol, slack)
    if kind not in SUFFIX:
        out, kind = out.astype(np.float64), "float64"
    given, result = np.ascontiguousarray(out), _Result()
    function = getattr(library, f"kernelevo_compare_{SUFFIX[kind]}_{SUFFIX[exact.dtype.name]}")
    function(given.ctypes.data, exact.ctypes.data, given.size, atol, rtol, slack, ctypes.byref(result))
    return Comparison(
        given.size, result.max_abs, result.max_rel, result.violations, result.mismatches, result.not_finite,
        result.worst, result.worst_index if result.worst_index >= 0 else None,
    )  # fmt: skip


def _widened(out: np.ndarray[Any, Any], kind: str) -> np.ndarray[Any, Any]:
    if kind == "bfloat16":
        out = (out.astype(np.uint32) << 16).view(np.float32)
    with np.errstate(invalid="ignore"):  # a signalling NaN is a NaN
        return np.ascontiguousarray(out, dtype=np.float64)


def _compare_in_numpy(
    out: np.ndarray[Any, Any], oracle: np.ndarray[Any, Any], atol: float, rtol: float, slack: float
) -> Comparison:
    a, b = out.ravel(), oracle.ravel()
    finite = np.isfinite(a) & np.isfinite(b)
    apart = ~finite & ~((a == b) | (np.isnan(a) & np.isnan(b)))
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        error = np.where(finite, np.abs(a - b), 0.0)
        size = np.where(finite, np.abs(b), 0.0)
        allowed = np.maximum(atol + rtol * size, slack)
        ratio = np.where(error > 0, error / allowed, 0.0)
        rel = np.where(size > 0, error / np.where(size > 0, size, 1.0), 0.0)
    worst = float(ratio.max(initial=0.0))
    return Comparison(
        a.size, float(error.max(initial=0.0)), float(rel.max(initial=0.0)), int((error > allowed).sum()),
        int(apart.sum()), int((~finite).sum()), worst, int(ratio.argmax()) if worst > 0 else None,
    )  # fmt: skip


def missing() -> str | None:
    """Return None if the native pieces are in use, else why numpy stands in."""
    return _loaded()[1]


def _library() -> ctypes.CDLL | None:
    return _loaded()[0]


@cache
def _loaded() -> tuple[ctypes.CDLL | None, str | None]:
    try:
        library = ctypes.CDLL(str(_built() / "kernelevo_native.so"))
    except (MachineError, OSError, subprocess.SubprocessError) as error:
        return None, f"the native comparison is not built, numpy is used: {error}"
    pointer, real, integer = ctypes.c_void_p, ctypes.c_double, ctypes.c_int64
    for out, exact in product(SUFFIX.values(), ("f64", "f32")):
        function = getattr(library, f"kernelevo_compare_{out}_{exact}")
        function.argtypes = [pointer, pointer, integer, real, real, real, pointer]
        function.restype = None
    return library, None


def _built() -> Path:
    compiler = toolchain.compiler()
    text = (source_tree.csrc() / SOURCE).read_text()
    key = digest("native", text, FLAGS, compiler.version, compiler.arch)
    return BuildCache.here().get(key, _build, what="the native comparison")


def _build(scratch: Path) -> None:
    """Write a build.ninja and run it."""
    compiler, ninja = toolchain.compiler(), toolchain.ninja()
    if ninja is None:
        raise ToolchainMissing("ninja is not installed", now="pip install ninja")
    lines = [
        f"cxx = {compiler.path}",
        f"flags = {' '.join([*FLAGS, *compiler.arch_flags])}",
        "rule shared\n  command = $cxx $flags -shared $in -o $out",
        f"build kernelevo_native.so: shared {_escaped(source_tree.csrc() / SOURCE)}",
    ]
    (scratch / "build.ninja").write_text("\n".join(lines) + "\n")
    environment = {**os.environ, "LC_ALL": "C", "TMPDIR": str(scratch)}
    done = subprocess.run(
        [ninja.path], cwd=scratch, capture_output=True, text=True, timeout=300, check=False, env=environment
    )
    if done.returncode != 0:
        raise ToolchainMissing(
            "the native comparison does not compile here",
            why=(done.stdout + done.stderr)[-1500:],
            now="report this with the compiler's version; numpy is used meanwhile",
        )


def _escaped(path: Path) -> str:
    return str(path).replace("$", "$$").replace(" ", "$ ").replace(":", "$:")
