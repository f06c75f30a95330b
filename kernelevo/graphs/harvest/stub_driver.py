"""StubDriver: a CUDA device that Inductor and Triton believe in, to generate code without one."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from types import SimpleNamespace
from typing import Any
from unittest import mock

CAPABILITY = {"sm_80": (8, 0), "sm_90": (9, 0), "sm_100": (10, 0)}
_PROCESSORS = {"sm_80": 108, "sm_90": 132, "sm_100": 148}
_SHARED = {"sm_80": 166_912, "sm_90": 232_448, "sm_100": 232_448}


def properties(arch: str) -> SimpleNamespace:
    """Return what ``torch.cuda.get_device_properties`` says of the data-centre card of that architecture."""
    major, minor = CAPABILITY[arch]
    return SimpleNamespace(
        name=f"stub {arch}", major=major, minor=minor, multi_processor_count=_PROCESSORS[arch], warp_size=32,
        regs_per_multiprocessor=65536, max_threads_per_multi_processor=2048, max_threads_per_block=1024,
        shared_memory_per_block=49152, shared_memory_per_block_optin=_SHARED[arch],
        shared_memory_per_multiprocessor=_SHARED[arch] + 1024, L2_cache_size=50 << 20,
        total_memory=80 << 30, gcnArchName="", is_integrated=0,
    )  # fmt: skip


class StubDriver:
    """What Triton asks of an active driver while code is generated."""

    def __init__(self, arch: str) -> None:
        major, minor = CAPABILITY[arch]
        self._capability, self._shared = major * 10 + minor, _SHARED[arch]
        shared = {"max_shared_mem": self._shared}
        self.utils = SimpleNamespace(get_device_properties=lambda device: shared)

    def get_current_target(self) -> Any:
        """Return the compilation target."""
        from triton.backends.compiler import GPUTarget

        return GPUTarget("cuda", self._capability, 32)

    def get_current_device(self) -> int:
        """Return the number of the device."""
        return 0

    def get_current_stream(self, device: int = 0) -> int:
        """Return the default stream."""
        return 0

    @staticmethod
    def is_active() -> bool:
        """Say that this driver may be used."""
        return True


@contextmanager
def pretended(arch: str) -> Iterator[None]:
    """Pretend a CUDA device of ``arch`` inside the ``with`` block; no kernel may be run there."""
    import torch
    import triton
    from torch._dynamo.device_interface import CudaInterface
    from torch._inductor.fx_passes import joint_graph, post_grad

    known = properties(arch)
    answers: Mapping[str, Any] = {
        "is_available": lambda *a, **k: True,
        "device_count": lambda *a, **k: 1,
        "current_device": lambda *a, **k: 0,
        "get_device_properties": lambda *a, **k: known,
        "get_device_capability": lambda *a, **k: (known.major, known.minor),
        "get_compute_capability": lambda *a, **k: known.major * 10 + known.minor,
        "is_triton_capable": lambda *a, **k: True,
        "raise_if_triton_unavailable": lambda *a, **k: None,
        "synchronize": lambda *a, **k: None,
        "is_bf16_supported": lambda *a, **k: True,
        "get_rng_state": lambda *a, **k: torch.zeros(16, dtype=torch.uint8),
        "set_rng_state": lambda *a, **k: None,
        "_lazy_init": lambda *a, **k: None,
        "_exchange_device": lambda *a, **k: 0,
        "_maybe_exchange_device": lambda *a, **k: 0,
    }
    before = triton.runtime.driver._active if hasattr(triton.runtime.driver, "_active") else None
    with ExitStack() as stack:
        for owner in (torch.cuda, CudaInterface, CudaInterface.Worker):
            for name, answer in answers.items():
                if hasattr(owner, name):
                    kept: Any = answer if owner is torch.cuda else staticmethod(answer)
                    stack.enter_context(mock.patch.object(owner, name, kept))
        for passes in (joint_graph, post_grad):  # their patterns are traced on the device: let it be the CPU
            here = functools.partial(_on_cpu, passes.lazy_init)
            stack.enter_context(mock.patch.object(passes, "lazy_init", here))
        triton.runtime.driver.set_active(StubDriver(arch))
        _forget_devices()
        try:
            yield
        finally:
            triton.runtime.driver._active = before
            _forget_devices()


def _forget_devices() -> None:
    """Clear what torch remembers of whether Triton works here: before us of no device, after us of ours."""
    from torch.utils import _triton

    for known in vars(_triton).values():
        if hasattr(known, "cache_clear"):
            known.cache_clear()


def _on_cpu(prepare: Any, *devices: Any) -> Any:
    """Call ``prepare`` as a CPU compilation would: it remembers its arguments and must not run twice."""
    import torch

    return prepare(*(torch.device("cpu") if device is not None else None for device in devices))
