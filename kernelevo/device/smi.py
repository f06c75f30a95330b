"""What ``nvidia-smi`` says of a device: clocks, power, modes, other processes; never changes any of it.

torch does not tell these, and no figure means much without them. A value that the tool does not know is None.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Sequence
from typing import Any

_SECONDS = 20.0
# field of nvidia-smi -> our key and how to read it
_FIELDS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "driver_version": ("driver", str),
    "mig.mode.current": ("mig", lambda text: text == "Enabled"),
    "ecc.mode.current": ("ecc", lambda text: text == "Enabled"),
    "compute_mode": ("compute_mode", str),
    "persistence_mode": ("persistence", lambda text: text == "Enabled"),
    "pstate": ("performance_state", str),
    "clocks.sm": ("sm_mhz", float),
    "clocks.max.sm": ("sm_max_mhz", float),
    "clocks.mem": ("memory_mhz", float),
    "clocks.max.mem": ("memory_max_mhz", float),
    "power.draw": ("power_watts", float),
    "power.limit": ("power_limit_watts", float),
    "temperature.gpu": ("celsius", float),
}
# renamed by newer drivers, and a field that a driver does not know spoils the whole answer
_REASONS = ("clocks_event_reasons.active", "clocks_throttle_reasons.active")
_UNKNOWN = ("N/A", "[N/A]", "[Not Supported]", "[Unknown Error]", "[Insufficient Permissions]", "")
_BITS = {
    0x1: "idle", 0x2: "application clocks", 0x4: "power limit", 0x8: "hardware slowdown", 0x10: "sync boost",
    0x20: "thermal limit (software)", 0x40: "thermal limit (hardware)", 0x80: "power brake",
    0x100: "display clocks",
}  # fmt: skip

Run = Callable[[Sequence[str]], str | None]


def run(arguments: Sequence[str]) -> str | None:
    """Return what ``nvidia-smi`` prints; None if it is missing, fails or hangs."""
    try:
        done = subprocess.run(
            ["nvidia-smi", *arguments], capture_output=True, text=True, timeout=_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None


def visible_device(index: int) -> str:
    """Return what nvidia-smi calls the ``index``-th device that CUDA shows to this process."""
    shown = [name.strip() for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if name.strip()]
    return shown[index] if index < len(shown) else str(index)


def state(index: int = 0, run: Run = run) -> dict[str, Any]:
    """Return a device's state as nvidia-smi tells it; empty if there is no such tool.

    Keys: ``driver``, ``mig``, ``ecc``, ``persistence`` (true, false), ``compute_mode``,
    ``performance_state``, ``sm_mhz``, ``sm_max_mhz``, ``memory_mhz``, ``memory_max_mhz``, ``power_watts``,
    ``power_limit_watts``, ``celsius``, ``slowed_by`` (a list of reasons), ``processes`` (how many compute on
    it).
    """
    device = f"--id={visible_device(index)}"
    values = _ask(run, list(_FIELDS), device)
    if values is None:
        return {}
    found = {key: _read(read, value) for (key, read), value in zip(_FIELDS.values(), values, strict=True)}
    reasons = next((told[0] for name in _REASONS if (told := _ask(run, [name], device))), None)
    found["slowed_by"] = _reasons(reasons)
    apps = run(["--query-compute-apps=pid", "--format=csv,noheader,nounits", device])
    found["processes"] = None if apps is None else len([line for line in apps.splitlines() if line.strip()])
    return found


def named(run: Run = run) -> str | None:
    """Return name, compute capability and memory of the first visible device; None without the tool."""
    told = _ask(run, ["name", "compute_cap", "memory.total"], f"--id={visible_device(0)}")
    return None if told is None else f"{told[0]}, compute capability {told[1]}, {told[2]} MiB"


def _ask(run: Run, fields: Sequence[str], device: str) -> list[str] | None:
    told = run([f"--query-gpu={','.join(fields)}", "--format=csv,noheader,nounits", device])
    values = [value.strip() for value in (told or "").strip().split(",")]
    return values if len(values) == len(fields) and values != [""] else None


def _read(read: Callable[[str], Any], text: str) -> Any:
    if text in _UNKNOWN:
        return None
    try:
        return read(text)
    except ValueError:
        return None


def _reasons(text: str | None) -> list[str] | None:
    try:
        bits = int(text or "", 16)
    except ValueError:
        return None
    return [word for bit, word in _BITS.items() if bits & bit]
