"""Kept: ratios to eager that took too long to measure in a run, one file per device.

``max-autotune`` of a whole network compiles for minutes. Its seconds relative to eager's are measured once
(``make gpu PART=autotune``) and kept; a judge times eager beside the program and multiplies.
"""

from __future__ import annotations

import datetime
import hashlib
import json
import math
import os
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from kernelevo.core import Task
from kernelevo.errors import InputError
from kernelevo.kernels.baselines.baseline import WAYS, Name
from kernelevo.kernels.children.setting import Setting
from kernelevo.kernels.reference.correctness import Precision

FOLDER = "KERNELEVO_BASELINES"
"""Environment variable that names the folder; without it the one that kernelevo was delivered with."""


@dataclass(frozen=True)
class Ratio:
    """One kept ratio.

    Args:
        task: the task's name, for people.
        baseline: which baseline.
        slowdown: its seconds / eager's seconds, positive.
        low: lower end of its 95 % interval; None where there is none.
        high: upper end.
        precision: its class, as measured.
        date: ISO day.
        commit: of kernelevo; None outside a checkout.
    """

    task: str
    baseline: str
    slowdown: float
    low: float | None
    high: float | None
    precision: Precision
    date: str
    commit: str | None = None


class KeptRatios:
    """The ratios of one device, by key (see ``key``).

    Args:
        path: the file; it need not exist.

    Raises:
        InputError: if it is not such a file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._entries = _read(path)

    @classmethod
    def of_device(cls, name: str, folder: Path | None = None) -> KeptRatios:
        """Open the file of a device by its name, e.g. ``NVIDIA H100 80GB HBM3``."""
        plain = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
        return cls((folder or default_folder()) / f"{plain}.json")

    def find(self, key: str) -> Ratio | None:
        """Return what is known under a key."""
        return self._entries.get(key)

    def put(self, key: str, ratio: Ratio) -> None:
        """Keep a ratio; the file is replaced as a whole, so that a crash leaves the old one."""
        if not (ratio.slowdown > 0 and math.isfinite(ratio.slowdown)):
            raise ValueError(f"a slowdown is positive and finite, got {ratio.slowdown}")
        self._entries = {**_read(self.path), key: ratio}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        partial = self.path.with_suffix(f".{os.getpid()}")
        rows = {k: asdict(v) for k, v in sorted(self._entries.items())}
        partial.write_text(json.dumps(rows, indent=1) + "\n", "utf-8")
        partial.replace(self.path)


def kept_ratios(task: Task, setting: Setting) -> dict[Name, Ratio]:
    """Return what is kept for a task on the device that it is judged on; nothing on the CPU.

    There the compiler's own cache makes a second preparation short, and a ratio depends on the memory.
    """
    if not setting.on_device:
        return {}
    known = KeptRatios.of_device(torch.cuda.get_device_name(setting.device))
    found = {name: known.find(key_of(task, setting, name)) for name in WAYS}
    return {name: ratio for name, ratio in found.items() if ratio is not None}


def key_of(task: Task, setting: Setting, name: Name) -> str:
    """Return the key of a task's baseline with the versions that are installed."""
    import triton

    versions = {"torch": torch.__version__, "triton": triton.__version__}
    return key(task.digest, setting.inputs.to_json(), name, versions)


def key(digest: str, inputs: Any, baseline: str, versions: Mapping[str, str]) -> str:
    """Name what a ratio holds for: a task's content, shapes, the baseline, versions that decide its code."""
    facts = json.dumps([digest, inputs, baseline, dict(versions)], sort_keys=True)
    return hashlib.sha256(facts.encode()).hexdigest()[:24]


def today() -> str:
    """Return the date as it is kept."""
    return datetime.datetime.now(datetime.UTC).date().isoformat()


def default_folder() -> Path:
    """Return the folder of kept ratios: the environment's, the checkout's or the package's own."""
    if os.environ.get(FOLDER):
        return Path(os.environ[FOLDER])
    package = Path(__file__).resolve().parents[2]
    checkout = package.parent / "benchmarks" / "baselines"
    return checkout if (package.parent / "benchmarks").is_dir() else package / "_baselines"


def _read(path: Path) -> dict[str, Ratio]:
    try:
        rows = json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise _unreadable(path, str(error)) from error
    try:
        found = {k: Ratio(**row) for k, row in rows.items()}
        if not all(math.isfinite(r.slowdown) and r.slowdown > 0 for r in found.values()):
            raise ValueError("a slowdown that is not positive")
    except (AttributeError, TypeError, ValueError) as error:
        raise _unreadable(path, str(error)) from error
    return found


def _unreadable(path: Path, why: str) -> InputError:
    return InputError(
        f"{path} is no file of kept baselines",
        why=why,
        now=f"restore it, remove it (it is measured again by `make gpu PART=autotune`), or point {FOLDER} "
        "to another folder",
    )
