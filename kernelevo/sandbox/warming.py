"""Warming: what a zygote does once, so that no child has to: first operators, and questions to tools.

Inductor and Triton ask compilers for their version, the CPU for its vectors and so on before they look
anything up. Asked here, before any program's byte and outside of the limits, in which no process can be
started, the answers are known to every child; and no child imports Inductor anew (1.5 s) or makes its
precompiled header again (5 s).
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_INDUCTOR_CACHE = "TORCHINDUCTOR_CACHE_DIR"


def operators() -> None:
    """Run the first matmul and convolution here, on one thread, so that no child pays their set-up."""
    import torch

    with torch.no_grad():
        x = torch.ones(2, 4, 8, 8)
        torch.nn.functional.conv2d(x, torch.ones(4, 4, 3, 3)).relu()
        torch.nn.functional.linear(torch.ones(8, 8), torch.ones(8, 8), torch.ones(8))


def inductor(kept: str, *, on_device: bool) -> None:
    """Import Inductor and let it ask its tools.

    Args:
        kept: folder for what the tools make (a header, tests of vectors, a toy's code: 150 MB), found there
            by later zygotes.
        on_device: whether children compile for a device. Tracing would start CUDA's driver in this process,
            whose children could then not start it: the tools are asked without a toy, and what is cached of
            the device stays unknown.
    """
    import torch

    with _kept_in(kept), _no_cuda():
        codecache = importlib.import_module("torch._inductor.codecache")
        config: Any = importlib.import_module("torch._inductor.config")
        config.compile_threads = 1
        if importlib.util.find_spec("tqdm") is not None:
            # Inductor shows progress through tqdm, which would start a monitor thread that outlives the bar
            importlib.import_module("tqdm").tqdm.monitor_interval = 0
        if on_device:
            importlib.import_module("torch._inductor.compile_fx")
            importlib.import_module("torch._inductor.cpu_vec_isa").pick_vec_isa()
            compiler = importlib.import_module("torch._inductor.cpp_builder").get_cpp_compiler()
            codecache.get_compiler_version_info(compiler)
            return
        with torch.no_grad():
            toy = torch.nn.Sequential(torch.nn.Linear(8, 8), torch.nn.ReLU())
            torch.compile(toy)(torch.ones(4, 8))
        torch._dynamo.reset()  # what tools answered stays known; the toy's own code does not


@contextmanager
def _kept_in(folder: str) -> Iterator[None]:
    """Let Inductor keep its code and, if it is first imported here, its header in a folder."""
    os.makedirs(folder, exist_ok=True)
    temporary, cache = tempfile.tempdir, os.environ.get(_INDUCTOR_CACHE)
    tempfile.tempdir = folder
    os.environ[_INDUCTOR_CACHE] = os.path.join(folder, "code")
    try:
        importlib.import_module("torch._inductor.codecache")  # takes the header's folder down
        tempfile.tempdir = temporary
        yield
    finally:
        tempfile.tempdir = temporary
        if cache is None:
            del os.environ[_INDUCTOR_CACHE]
        else:
            os.environ[_INDUCTOR_CACHE] = cache


@contextmanager
def _no_cuda() -> Iterator[None]:
    """Let nothing start CUDA's driver: it brings threads, and no fork of such a process can use it."""
    import torch

    def refused() -> None:
        raise RuntimeError("CUDA is not to be started in a process that is forked")

    known: tuple[Any, Any] = torch.cuda.is_available, torch.cuda._lazy_init
    torch.cuda.is_available, torch.cuda._lazy_init = lambda: False, refused
    try:
        yield
    finally:
        torch.cuda.is_available, torch.cuda._lazy_init = known


def triton(arch: int) -> list[str]:
    """Let Triton ask here what it asks of tools before it looks up a kernel that it has built already.

    Args:
        arch: the device's, as Triton names it, e.g. 90.

    Returns:
        What this version of Triton, on this machine, does not answer.
    """
    questions: tuple[tuple[str, str, tuple[int, ...]], ...] = (
        ("triton.runtime.build", "platform_key", ()),
        ("triton.runtime.cache", "triton_key", ()),
        ("triton.backends.nvidia.compiler", "get_ptxas_version", (arch,)),
        ("triton.backends.nvidia.driver", "library_dirs", ()),
    )
    missing = []
    for module, name, given in questions:
        try:
            getattr(importlib.import_module(module), name)(*given)
        except Exception as error:  # a program that needs the answer will say so itself
            missing.append(f"{module}.{name}: {type(error).__name__}: {error}"[:200])
    return missing
