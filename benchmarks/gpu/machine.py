"""Machine: what figures were measured on, so that no two machines or versions are mixed in one record."""

from __future__ import annotations

import datetime
import hashlib
import importlib.metadata
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
# what decides a figure: a bare machine may have no git, and a checkout may be edited
SOURCES = ("kernelevo", "csrc", "kernelbench_tasks", "benchmarks/gpu")
KINDS = {".py", ".toml", ".cpp", ".cc", ".c", ".h", ".hpp", ".cu", ".cuh"}


def facts() -> dict[str, Any]:
    """Return what a record says of its machine, versions and sources."""
    import torch

    from kernelevo.backends import toolchain

    found = device()
    return {
        "date": datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "device": found["name"],
        "driver": found["state"].get("driver") or found["driver"],
        "commit": commit(),
        "sources": digest(ROOT),
        "torch": torch.__version__,
        "cuda": torch.version.cuda,
        "triton": version("triton"),
        "python": sys.version.split()[0],
        "tools": toolchain.facts(),
    }


def device() -> dict[str, Any]:
    """Return what torch and nvidia-smi say of the first CUDA device.

    Raises:
        MachineError: if there is none.
    """
    from kernelevo.device.facts import cuda_facts
    from kernelevo.errors import MachineError

    found = cuda_facts()
    if found is None:
        raise MachineError(
            "there is no CUDA device: nothing can be measured here",
            why="torch.cuda.is_available() is false",
            now="run `make gpu` on a machine with a GPU and a CUDA build of torch",
        )
    return found


def commit() -> str | None:
    """Return the commit that is checked out; None outside a git checkout."""
    return output(["git", "rev-parse", "HEAD"])


def digest(root: Path) -> str:
    """Return a short name for the state of the files that decide a figure."""
    total = hashlib.sha256()
    for folder in SOURCES:
        for path in sorted(p for p in (root / folder).rglob("*") if p.suffix in KINDS and p.is_file()):
            content = hashlib.sha256(path.read_bytes()).hexdigest()
            total.update(f"{path.relative_to(root).as_posix()}\0{content}\n".encode())
    return total.hexdigest()[:16]


def version(package: str) -> str | None:
    """Return an installed package's version; None if it is not there."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def output(command: list[str]) -> str | None:
    """Return what a command prints; None if it is missing, fails or hangs."""
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
