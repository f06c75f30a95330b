"""CUDA sources on the CPU: the interface of ``kernelevo.cuda``, with tensors that lie on the CPU."""

from __future__ import annotations

import ctypes
import functools
import hashlib
import itertools
import math
import subprocess
import tempfile
from pathlib import Path
from types import SimpleNamespace

import torch

from kernelevo.backends import signatures
from kernelevo.backends.cuda import _CTYPES

HERE = Path(__file__).parent
# -O0: compiling takes longer than running
FLAGS = ("-std=c++20", "-O0", "-pthread", "-fno-gnu-unique")
WARNINGS = ("-Wall", "-Wno-unknown-pragmas", "-Wno-unused", "-Werror")


@functools.cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="cuda-on-host-")


def _compile(text: Path, *options: str) -> Path:
    library = text.with_suffix(".so")
    command = ["g++", *FLAGS, *WARNINGS, f"-I{HERE}", "-shared", "-fPIC"]
    command += [str(text), *options, "-o", str(library)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[:4000]
    return library


@functools.cache
def _runtime() -> Path:
    """Build once what all kernels run on."""
    text = Path(_folder().name) / "libcuda_on_host.cpp"
    text.write_text((HERE / "cuda_on_host.cpp").read_text())
    return _compile(text, "-O2")


@functools.cache
def _library(source: str, options: tuple[str, ...]) -> ctypes.CDLL:
    """Build a source with one launcher per kernel."""
    launchers = "".join(map(_launcher, signatures.parse_kernels(source).values()))
    digest = hashlib.sha256(repr((source, options)).encode()).hexdigest()[:16]
    text = Path(_folder().name) / f"{digest}.cpp"
    text.write_text(f'#include "cuda_on_host.h"\n{source}\n{launchers}')
    runtime = _runtime()
    return ctypes.CDLL(str(_compile(text, *options, str(runtime), f"-Wl,-rpath,{runtime.parent}")))


def _launcher(kernel: signatures.Signature) -> str:
    declared = [(p.text.rpartition(p.name)[0], p.name) for p in kernel.parameters]
    parameters = "".join(f", {kind} {name}" for kind, name in declared)
    given = ", ".join(name for _, name in declared)
    return f"""
extern "C" int launch_{kernel.name}(const unsigned* s, size_t bytes, bool backwards{parameters}) {{
  const auto call = [&] {{ {kernel.name}({given}); }};
  using Call = decltype(call);
  return cuda_on_host::launch({{s[0], s[1], s[2]}}, {{s[3], s[4], s[5]}}, bytes, backwards,
                              [](const void* p) {{ (*static_cast<const Call*>(p))(); }}, &call);
}}
"""


class HostKernel:
    """One kernel; launched as on a device, or with all blocks at once, which is always so here."""

    def __init__(self, module: HostCuda, name: str) -> None:
        self.module, self.name = module, name

    def __getitem__(self, launch):
        grid, block, *rest = launch
        return HostLaunch(self, grid, block, rest[0] if rest else 0)


class HostLaunch:
    def __init__(self, kernel: HostKernel, grid, block, smem: int) -> None:
        self.kernel, self.smem = kernel, smem
        self.sizes = [
            n for size in (grid, block) for n in (*(size if isinstance(size, tuple) else (size,)), 1, 1)[:3]
        ]

    def together(self, *values) -> bool:
        self(*values)
        return True

    def __call__(self, *values) -> None:
        module = self.kernel.module
        known = module.signatures[self.kernel.name].parameters
        assert len(known) == len(values)
        passed = [_passed(p, v) for p, v in zip(known, values, strict=True)]
        sizes = (ctypes.c_uint * 6)(*self.sizes)
        launch = getattr(_library(module.source, module.options), f"launch_{self.kernel.name}")
        launch.restype = ctypes.c_int
        module.launches.append((self.kernel.name, tuple(self.sizes), self.smem))
        fault = launch(sizes, ctypes.c_size_t(self.smem), ctypes.c_bool(module.backwards), *passed)
        beyond = f"wrote beyond its {self.smem} bytes of shared memory"
        said = ("", beyond, "took an address of shared memory for one of global memory")[fault]
        assert not fault, f"{self.kernel.name} {said}"


def _passed(parameter: signatures.Parameter, value):
    if not parameter.pointer:
        return _CTYPES[parameter.type](value)
    if value is None:
        return ctypes.c_void_p(None)
    assert value.is_contiguous() and value.dtype in (getattr(torch, str(parameter.type), None), torch.float32)
    return ctypes.c_void_p(value.data_ptr())


class HostCuda:
    """Stands in for the module that ``kernelevo.cuda`` returns.

    Args:
        source: CUDA text.
        options: macros.
        backwards: whether the threads of a block take turns from the last to the first.
    """

    def __init__(self, source: str, options=(), *, backwards: bool = False) -> None:
        self.source, self.options, self.backwards = source, tuple(options), backwards
        self.signatures = signatures.parse_kernels(source)
        self.launches: list[tuple[str, tuple[int, ...], int]] = []

    def __getattr__(self, name: str) -> HostKernel:
        return HostKernel(self, name)


class Device:
    """Runs the functions of a snippet as on a GPU of a few small multiprocessors, by the emulation.

    Args:
        snippet: the snippet; its text reads ``TUNE``.
        prefix: what the names of its launching functions begin with.
        tune: values in place of the first choices.
        multiprocessors, shared: what the GPU is said to have (bytes per block).
    """

    def __init__(self, snippet, prefix, tune=None, *, multiprocessors=4, shared=99 << 10, backwards=False):
        import kernelevo
        from kernelevo.graphs.snippet import PREAMBLE

        self.modules: list[HostCuda] = []
        text = snippet.text.replace("not x.is_cuda", "False").replace("gates[0].is_cuda", "True")
        assert "is_cuda" not in text
        table = {entry: list(choices) for entry, choices in snippet.tune.items()}
        table |= {entry: [value] for entry, value in (tune or {}).items()}
        assert table.keys() == snippet.tune.keys()
        namespace = {"TUNE": table, "__name__": "emulated"}
        exec(compile(PREAMBLE + text, f"<emulated {snippet.name}>", "exec"), namespace)

        def cuda(source, *, options=()):
            self.modules.append(HostCuda(source, options, backwards=backwards))
            return self.modules[-1]

        self.barrier = torch.zeros(4, dtype=torch.int32)
        namespace["kernelevo"] = SimpleNamespace(cuda=cuda, packed=kernelevo.packed)
        namespace[f"{prefix}_device"] = lambda device: (multiprocessors, shared)
        namespace[f"{prefix}_barrier"] = lambda device: self.barrier
        self.namespace = namespace

    @property
    def launches(self) -> list[tuple[str, tuple[int, ...], int]]:
        """Every launch so far: kernel, grid and block, bytes of shared memory."""
        return list(itertools.chain.from_iterable(module.launches for module in self.modules))

    def __getitem__(self, name: str):
        """Return a function of the snippet."""
        return self.namespace[name]


def worst(found: torch.Tensor, exact: torch.Tensor) -> float:
    """Return the largest error in units of 1e-5 + 1e-5 |exact|; NaN counts as infinite."""
    assert found.shape == exact.shape
    error = ((found.double() - exact).abs() / (1e-5 + 1e-5 * exact.abs())).max().item()
    return math.inf if math.isnan(error) else error
