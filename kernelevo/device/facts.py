"""Facts about this machine's devices, as the kernel and torch state them; what is unknown is None."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from statistics import median
from typing import Any

from kernelevo.device import allowance, smi

_CPUINFO = Path("/proc/cpuinfo")
_CPU = Path("/sys/devices/system/cpu")
# the vector and matrix extensions that decide which kernels can run or be fast
_SHOWN = (
    "sse4_2", "avx", "avx2", "fma", "f16c", "avx_vnni", "avx512f", "avx512bw", "avx512vl", "avx512dq",
    "avx512_vnni", "avx512_bf16", "avx512_fp16", "amx_tile", "amx_bf16", "amx_int8", "asimd", "sve",
)  # fmt: skip


def cpu_facts() -> dict[str, Any]:
    """Return facts about the processor.

    Keys: ``name``, ``architecture``, ``features`` (vector extensions), ``cores`` (that this process can keep
    busy), ``cores_online``, ``cpu_quota`` (cores that its control groups grant; None without a quota),
    ``caches`` (level and kind -> bytes, of core 0), ``memory_bytes``, ``memory_available_bytes`` (to this
    process), ``governor``, ``max_mhz``, ``virtual`` (a hypervisor is present).
    """
    info = _cpuinfo()
    flags = set((info.get("flags") or info.get("Features") or "").split())
    return {
        "name": info.get("model name") or info.get("Processor") or platform.processor() or None,
        "architecture": platform.machine(),
        "features": [name for name in _SHOWN if name in flags],
        "cores": allowance.cores(),
        "cores_online": os.cpu_count(),
        "cpu_quota": allowance.cpu_quota(),
        "caches": _caches(),
        "memory_bytes": _meminfo("MemTotal"),
        "memory_available_bytes": _least(_meminfo("MemAvailable"), allowance.memory_left()),
        "governor": _text(_CPU / "cpu0/cpufreq/scaling_governor"),
        "max_mhz": _mhz(_text(_CPU / "cpu0/cpufreq/cpuinfo_max_freq")),
        "virtual": "hypervisor" in flags,
    }


def core_clock() -> float | None:
    """Return the median clock of the cores usable by this process, in MHz; None where the kernel tells none.

    It is the clock of this moment. A virtual machine often tells its nominal one.
    """
    usable = os.sched_getaffinity(0)
    told = [(found.get("processor", ""), found.get("cpu MHz", "")) for found in _processors()]
    # Linux writes "Unknown" where it cannot tell a core's clock
    clocks = [
        float(mhz) for core, mhz in told if core.isdecimal() and int(core) in usable and mhz[:1].isdigit()
    ]
    return median(clocks) if clocks else None


def cuda_facts(index: int = 0) -> dict[str, Any] | None:
    """Return facts about one CUDA device as torch states them; None if torch or the device is not there.

    It starts CUDA in this process: never call it in a zygote.

    Keys: ``name``, ``capability`` (such as ``"9.0"``), ``arch`` (``"sm_90"``), ``memory_bytes``,
    ``multiprocessors``, ``l2_bytes``, ``warp_size``, ``shared_bytes_per_block``, ``driver``, ``runtime``,
    and ``state`` (see ``smi.state``).
    """
    try:
        import torch
    except ImportError:
        return None
    if not torch.cuda.is_available() or index >= torch.cuda.device_count():
        return None
    found = torch.cuda.get_device_properties(index)
    return {
        "name": found.name,
        "capability": f"{found.major}.{found.minor}",
        "arch": f"sm_{found.major}{found.minor}",
        "memory_bytes": found.total_memory,
        "multiprocessors": found.multi_processor_count,
        "l2_bytes": getattr(found, "L2_cache_size", None),
        "warp_size": getattr(found, "warp_size", None),
        "shared_bytes_per_block": getattr(found, "shared_memory_per_block_optin", None),
        "driver": _text(Path("/sys/module/nvidia/version")),
        "runtime": torch.version.cuda,
        "state": smi.state(index),
    }


def _cpuinfo() -> dict[str, str]:
    """Return the first processor's block of /proc/cpuinfo."""
    return next(iter(_processors()), {})


def _processors() -> list[dict[str, str]]:
    """Return what /proc/cpuinfo says, a block for each processor."""
    blocks = (_text(_CPUINFO) or "").split("\n\n")
    lines = ([line.partition(":") for line in block.splitlines() if ":" in line] for block in blocks)
    return [{name.strip(): value.strip() for name, _, value in block} for block in lines if block]


def _caches() -> dict[str, int]:
    found = {}
    for folder in sorted((_CPU / "cpu0/cache").glob("index*")):
        level, kind, size = (_text(folder / name) for name in ("level", "type", "size"))
        if level and kind and size:
            suffix = {"Data": "d", "Instruction": "i"}.get(kind, "")
            found[f"L{level}{suffix}"] = _bytes(size)
    return found


def _bytes(text: str) -> int:
    scale = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}.get(text[-1:], 1)
    return int(text.rstrip("KMG")) * scale


def _mhz(kilohertz: str | None) -> float | None:
    return int(kilohertz) / 1000 if kilohertz and kilohertz.isdigit() else None


def _meminfo(name: str) -> int | None:
    for line in (_text(Path("/proc/meminfo")) or "").splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    return None


def _least(*amounts: int | None) -> int | None:
    return min((amount for amount in amounts if amount is not None), default=None)


def _text(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return None
