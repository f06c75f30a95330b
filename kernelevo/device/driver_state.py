"""Driver: why torch has no CUDA device here, in a sentence; found out without starting CUDA in this process.

``cuDriverGetVersion`` is the one call of libcuda that needs no initialisation: it makes no context, so a
process that asked may still fork.
"""

from __future__ import annotations

import ctypes
import os
from dataclasses import dataclass
from pathlib import Path

_LIBRARIES = ("libcuda.so.1", "/usr/lib/wsl/lib/libcuda.so.1")
_MODULE = Path("/sys/module/nvidia/version")
_DEVICES = Path("/dev")


@dataclass(frozen=True)
class DriverState:
    """What is known of the driver.

    Args:
        runtime: the CUDA version that torch was built for, such as ``"13.0"``; None for a CPU build.
        torch: torch's own version.
        library: whether the driver's library (libcuda) is there.
        supports: the newest CUDA that it knows, such as ``(13, 0)``; None where it does not say.
        module: version of the kernel's module, such as ``"580.65.06"``; None where it is not loaded.
        devices: whether there is a device node (``/dev/nvidia0``, WSL's ``/dev/dxg``).
        visible: ``CUDA_VISIBLE_DEVICES``, None if it is not set.
    """

    runtime: str | None
    torch: str
    library: bool
    supports: tuple[int, int] | None
    module: str | None
    devices: bool
    visible: str | None

    @property
    def trouble(self) -> str:
        """Why torch cannot have a device, what and what now; an empty text if nothing speaks against it.

        Within one major version of CUDA a driver serves newer runtimes too, so the major versions decide.
        """
        if self.runtime is None:
            card = " (a driver is here)" if self.library else ""
            return (
                f"torch {self.torch} is a CPU build{card}: install a CUDA build of torch, "
                "see https://pytorch.org/get-started/locally"
            )
        if not self.library:
            if self.module:
                return (
                    f"the kernel has NVIDIA's driver {self.module}, but this environment lacks libcuda.so.1: "
                    "start the container with the NVIDIA runtime (docker run --gpus all)"
                )
            return (
                "no NVIDIA driver is installed (libcuda.so.1 is not there): install one, or in a container "
                "start it with --gpus all"
            )
        needed = int(self.runtime.split(".")[0])
        if self.supports is not None and self.supports[0] < needed:
            knows = f"{self.supports[0]}.{self.supports[1]}"
            return (
                f"the NVIDIA driver is too old: {self.module or 'it'} knows CUDA {knows}, and torch "
                f"{self.torch} needs CUDA {needed}: update the driver, or install torch for CUDA "
                f"{self.supports[0]}"
            )
        if not self.devices:
            return (
                "the driver's library is here, but there is no device: no card, the module nvidia is not "
                "loaded, or the container was started without --gpus all"
            )
        if self.visible is not None and self.visible.split(",")[0].strip() in ("", "-1", "NoDevFiles"):
            return f"CUDA_VISIBLE_DEVICES is {self.visible!r}, which hides every device: unset it"
        return ""


def driver_state() -> DriverState:
    """Look at the driver, the device nodes and torch's build; imports torch, starts nothing."""
    import torch

    library = _library()
    return DriverState(
        runtime=torch.version.cuda,
        torch=torch.__version__,
        library=library is not None,
        supports=_supports(library),
        module=_module(),
        devices=(_DEVICES / "dxg").exists() or any(_DEVICES.glob("nvidia[0-9]*")),
        visible=os.environ.get("CUDA_VISIBLE_DEVICES"),
    )


def outdated_build(capability: tuple[int, int], built: list[str]) -> str:
    """Say why torch's own kernels do not run on a device, or return an empty text.

    Args:
        capability: of the device, such as ``(9, 0)``.
        built: what torch was compiled for, such as ``["sm_80", "sm_90", "compute_90"]``.
    """
    major, minor = capability
    for name in built:
        kind, _, number = name.partition("_")
        digits = number.rstrip("af")
        if not digits.isdigit():
            continue
        there = (int(digits[:-1]), int(digits[-1]))
        # code for a device runs on later ones of its major version, PTX on all later ones
        if (kind == "sm" and there[0] == major and there[1] <= minor) or (
            kind == "compute" and there <= capability
        ):
            return ""
    if not built:
        return ""
    return (
        f"this torch has no kernels for sm_{major}{minor} (it has {', '.join(built)}): install a build of "
        "torch for this card, or use the CPU"
    )


def _library() -> ctypes.CDLL | None:
    for name in _LIBRARIES:
        try:
            return ctypes.CDLL(name)
        except OSError:
            continue
    return None


def _supports(library: ctypes.CDLL | None) -> tuple[int, int] | None:
    """Return the driver's CUDA version; None where it does not say (a stub library says 0)."""
    if library is None or not hasattr(library, "cuDriverGetVersion"):
        return None
    number = ctypes.c_int(0)
    if library.cuDriverGetVersion(ctypes.byref(number)) != 0 or number.value <= 0:
        return None
    return number.value // 1000, number.value % 1000 // 10


def _module() -> str | None:
    try:
        return _MODULE.read_text(encoding="ascii", errors="replace").strip() or None
    except OSError:
        return None
