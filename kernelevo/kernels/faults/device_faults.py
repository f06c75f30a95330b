"""Device faults: what a GPU's error means for a program, and what its author can do about it.

Errors reach the judge as texts: of torch (``torch.AcceleratorError: CUDA error: ...``, before 2.9 a
``RuntimeError``), of the driver's API, of Triton, of what a dying process printed. The texts come from the
program's process, so nobody has to believe them: they choose words and the kind of failure, never a score,
and none of them makes a failure the machine's (a program could print it to be tried for ever).

A *sticky* fault leaves the process without a working device: each later call fails alike, whatever it does.
Since every program has processes of its own, and a context belongs to one process, it ends there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from kernelevo.core import Status


@dataclass(frozen=True)
class DeviceFault:
    """One kind of failure on a device.

    Args:
        name: a few words.
        status: the verdict on a program that ends like this.
        why: what usually causes it.
        now: what to do about it.
        codes: numbers of the driver's and the runtime's API (they are the same from 100 on).
        names: what the two APIs call them, without ``CUDA_ERROR_`` and ``cudaError``.
        phrases: what both say in words.
        sticky: whether the process is of no more use.
    """

    name: str
    status: Status
    why: str
    now: str
    codes: tuple[int, ...]
    names: tuple[str, ...] = ()
    phrases: tuple[str, ...] = ()
    sticky: bool = False

    @property
    def sentence(self) -> str:
        """What, why and what now, in one paragraph."""
        end = "; its process could not use the device any more and was ended" if self.sticky else ""
        return f"device fault: {self.name}{end}. {_begun(self.why)}. {_begun(self.now)}."


def _begun(text: str) -> str:
    return text[:1].upper() + text[1:]


_BOUNDS = "check every index against the tensor's size, masks of the last tile, and strides of what is passed"
_HERE = "The module itself runs on this device, so the program disturbs it (CUDA_VISIBLE_DEVICES, a fork)"

FAULTS: tuple[DeviceFault, ...] = (
    DeviceFault(
        "no driver or no device", Status.CRASHED,
        "CUDA found none in the program's process",
        f"{_HERE}; `kernelevo doctor` tells what this machine has",
        (3, 34, 100, 101), ("NOT_INITIALIZED", "STUB_LIBRARY", "NO_DEVICE", "INVALID_DEVICE",
                            "InitializationError", "StubLibrary", "NoDevice", "InvalidDevice"),
        ("initialization error", "no CUDA-capable device is detected", "invalid device ordinal",
         "CUDA driver is a stub library"),
    ),
    DeviceFault(
        "the driver is older than the CUDA runtime", Status.CRASHED,
        "what the program loads was built for a newer CUDA than the driver of this machine knows",
        "use torch's own CUDA version, or a newer driver; `kernelevo doctor` tells both versions",
        (35, 803, 804), ("InsufficientDriver", "SYSTEM_DRIVER_MISMATCH", "COMPAT_NOT_SUPPORTED_ON_DEVICE",
                         "SystemDriverMismatch", "CompatNotSupportedOnDevice"),
        ("CUDA driver version is insufficient for CUDA runtime version",
         "system has unsupported display driver / cuda driver combination",
         "forward compatibility was attempted on non supported HW"),
    ),
    DeviceFault(
        "no kernel for this device's architecture", Status.BUILD_FAILED,
        "the code was compiled for another architecture, or by a newer compiler than the driver knows",
        "leave the architecture to kernelevo.cuda or Triton, or add this device's to TORCH_CUDA_ARCH_LIST "
        "or -gencode",
        (98, 200, 209, 218, 222, 500),
        ("NO_BINARY_FOR_GPU", "INVALID_IMAGE", "INVALID_PTX", "UNSUPPORTED_PTX_VERSION", "NOT_FOUND",
         "NoKernelImageForDevice", "InvalidKernelImage", "InvalidPtx", "UnsupportedPtxVersion",
         "InvalidDeviceFunction", "SymbolNotFound"),
        ("no kernel image is available for execution on the device", "device kernel image is invalid",
         "a PTX JIT compilation failed", "the provided PTX was compiled with an unsupported toolchain",
         "invalid device function", "named symbol not found"),
    ),
    DeviceFault(
        "a launch takes more than the device has", Status.BUILD_FAILED,
        "a block asks for more shared memory, registers or threads than a multiprocessor gives one",
        "use smaller tiles, fewer stages or fewer threads, or __launch_bounds__ with fewer registers",
        (701, 720),
        ("LAUNCH_OUT_OF_RESOURCES", "LaunchOutOfResources", "COOPERATIVE_LAUNCH_TOO_LARGE",
         "CooperativeLaunchTooLarge"),
        ("too many resources requested for launch", "too many blocks in cooperative launch"),
    ),
    DeviceFault(
        "an argument of a launch is refused", Status.CRASHED,
        "the grid, the block, the dynamic shared memory or a pointer is outside of what the device allows",
        "a block has at most 1024 threads, y and z of a grid at most 65535; more than 48 KiB of dynamic "
        "shared memory must be asked for, and no more than the device's limit",
        (1, 9), ("INVALID_VALUE", "InvalidValue", "InvalidConfiguration"),
        ("invalid argument", "invalid configuration argument"),
    ),
    DeviceFault(
        "out of device memory", Status.CRASHED,
        "tensors and workspaces of the program do not fit beside its inputs and outputs",
        "reuse buffers, or work in smaller pieces",
        (2,), ("OUT_OF_MEMORY", "MemoryAllocation"), ("out of memory",),
    ),
    DeviceFault(
        "an illegal address was read or written", Status.CRASHED,
        "a kernel touched memory outside of its tensors", _BOUNDS,
        (700, 714, 717, 718),
        ("ILLEGAL_ADDRESS", "HARDWARE_STACK_ERROR", "INVALID_ADDRESS_SPACE", "INVALID_PC",
         "IllegalAddress", "HardwareStackError", "InvalidAddressSpace", "InvalidPc"),
        ("an illegal memory access was encountered", "hardware stack error",
         "operation not supported on global/shared address space", "invalid program counter"),
        sticky=True,
    ),
    DeviceFault(
        "a misaligned address was read or written", Status.CRASHED,
        "a vector load (float4, half2, cp.async, TMA) needs an address that is a multiple of its size",
        "Check offsets and row lengths before widening a load; rows need not begin at a multiple of 16 bytes",
        (716,), ("MISALIGNED_ADDRESS", "MisalignedAddress"), ("misaligned address",), sticky=True,
    ),
    DeviceFault(
        "a kernel ran too long and was ended", Status.TIMED_OUT,
        "a loop that does not end, a barrier that some threads never reach, or a display's watchdog",
        "Let every thread of a block reach every barrier, and bound every loop",
        (702,), ("LAUNCH_TIMEOUT", "LaunchTimeout"), ("the launch timed out and was terminated",),
        sticky=True,
    ),
    DeviceFault(
        "an assertion failed on the device", Status.CRASHED,
        "assert, tl.device_assert, or torch's own check of an index",
        "The line is in the log where CUDA could print it; look for an index out of range",
        (710,), ("ASSERT", "Assert"), ("device-side assert triggered",), sticky=True,
    ),
    DeviceFault(
        "a kernel failed", Status.CRASHED,
        "an instruction that this device refuses, or an error without a better name",
        f"If inline assembly is used, check what it needs; else {_BOUNDS}",
        (715, 719, 721), ("ILLEGAL_INSTRUCTION", "LAUNCH_FAILED", "IllegalInstruction", "LaunchFailure",
                         "TENSOR_MEMORY_LEAK", "TensorMemoryLeak"),
        ("an illegal instruction was encountered", "unspecified launch failure",
         "tensor memory not completely freed"),
        sticky=True,
    ),
    DeviceFault(
        "the device is in trouble or in use", Status.CRASHED,
        "another process holds it alone, or its memory reported an error",
        "Judge the program again; look at nvidia-smi (compute mode, ECC errors, Xid in the kernel's log)",
        (46, 214, 220, 226, 802, 999),
        ("DEVICE_UNAVAILABLE", "ECC_UNCORRECTABLE", "NVLINK_UNCORRECTABLE", "CONTAINED", "SYSTEM_NOT_READY",
         "UNKNOWN", "DevicesUnavailable", "ECCUncorrectable", "NvlinkUncorrectable", "Contained",
         "SystemNotReady", "Unknown"),
        ("CUDA-capable device(s) is/are busy or unavailable", "uncorrectable ECC error encountered",
         "uncorrectable NVLink error detected during the execution", "system not yet initialized",
         "Invalid access of peer GPU memory over nvlink or a hardware error", "unknown error"),
        sticky=True,
    ),
)  # fmt: skip

_BY_CODE = {code: fault for fault in FAULTS for code in fault.codes}
_BY_NAME = {name: fault for fault in FAULTS for name in fault.names}
_BY_PHRASE = {phrase: fault for fault in FAULTS for phrase in fault.phrases}
_DEVICE, _DRIVER, _LAUNCH, _MEMORY = _BY_CODE[100], _BY_CODE[35], _BY_CODE[701], _BY_CODE[2]
# sentences that stand for themselves
_WHOLE: tuple[tuple[str, DeviceFault], ...] = (
    (r"The NVIDIA driver on your system is too old", _DRIVER),
    (r"Found no NVIDIA driver on your system", _DEVICE),
    (r"No CUDA GPUs are available", _DEVICE),
    (r"CUDA driver initialization failed", _DEVICE),
    (r"Torch not compiled with CUDA enabled", _DEVICE),
    (r"Cannot re-initialize CUDA in forked subprocess", _DEVICE),
    (r"torch sees no CUDA device", _DEVICE),
    (r"\b0 active drivers \(", _DEVICE),
    (r"out of resource: [a-z ]+, Required: \d+, Hardware limit: \d+", _LAUNCH),
    (r"CUDA error 1 while giving \S+ \d+ bytes of shared memory", _LAUNCH),
    (r"CUDA out of memory\.", _MEMORY),
    (r"\bCUBLAS_STATUS_ALLOC_FAILED\b", _MEMORY),
)
_CODE = re.compile(r"\bCUDA error (\d+)(?: while\b|\))|\bcode=(\d+)\(cudaError")
_NAME = re.compile(r"\bCUDA_ERROR_([A-Z0-9_]+)|\bcudaError([A-Z]\w+)")
_AFTER = r"(?:CUDA (?:driver )?error|Triton Error \[CUDA\]|CUDA kernel failed)\s*:\s*"
_PHRASE = re.compile(_AFTER + "(" + "|".join(map(re.escape, sorted(_BY_PHRASE, key=len, reverse=True))) + ")")


def find(text: str) -> DeviceFault | None:
    """Return the device fault that a text tells of, or None.

    Words that could mean something else (``out of memory``, ``invalid argument``) count only where CUDA or
    Triton says them.
    """
    for pattern, fault in _WHOLE:
        if re.search(pattern, text):
            return fault
    for found in _CODE.finditer(text):
        known = _BY_CODE.get(int(found[1] or found[2]))
        if known is not None:
            return known
    for found in _NAME.finditer(text):
        named = _BY_NAME.get(found[1] or found[2])
        if named is not None:
            return named
    said = _PHRASE.search(text)
    return _BY_PHRASE[said[1]] if said else None


def hang(seconds: float) -> str:
    """Return what is to be said of a program on a device that did not finish in time."""
    return (
        f"the program did not finish within {seconds:.3g} s on the device and was killed. "
        f"{_begun(_BY_CODE[702].why)}. {_begun(_BY_CODE[702].now)}."
    )
