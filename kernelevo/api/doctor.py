"""What this machine can do, what is missing and how to get it."""

from __future__ import annotations

import importlib.metadata
import os
import sqlite3
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kernelevo.sandbox.tier import SandboxTier

PACKAGES = (
    ("torch", "the subject matter", "pip install kernelevo"),
    ("triton", "Triton programs", "pip install triton"),
    ("ninja", "load_inline programs", "pip install ninja"),
    ("openai", "language models (proposer llm)", "pip install openai"),
    ("ray", "evaluations on many machines (--executor ray)", "pip install 'kernelevo[ray]'"),
    ("optuna", "the tuner (proposer tune)", "pip install optuna"),
    ("libcst", "proposers that work on Python's syntax", "pip install libcst"),
    ("cloudpickle", "live modules (kernelevo.optimize)", "pip install cloudpickle"),
    ("cuda-core", "CUDA programs (NVRTC)", "pip install 'kernelevo[cuda13]'"),
    ("nicegui", "the live page (kernelevo serve)", "pip install 'kernelevo[ui]'"),
    ("matplotlib", "the charts of bench.html", "pip install 'kernelevo[plot]'"),
    ("scikit-learn", "the machine-learning pack", "pip install 'kernelevo[ml]'"),
    ("python-flint", "the problem uncertainty", "pip install 'kernelevo[math]'"),
)

ENDPOINT = ("OPENAI_API_KEY", "KERNELEVO_BASE_URL", "OPENAI_BASE_URL")
"""Variables that name a language model's endpoint; one of one's own may need no key."""
TRUNCATES_FROM = 3
"""The first Landlock that knows truncation."""


def examine() -> dict[str, Any]:
    """Look at this machine; costs a few seconds (torch is imported, forbidden acts are tried).

    Returns:
        ``{"checks": [{"name", "ok", "says"}], "cpu", "cuda", "sandbox"}``: a list of rows, and facts.
    """
    from kernelevo.backends.cache import BuildCache
    from kernelevo.backends.pruning import VARIABLE, limit
    from kernelevo.backends.registry import BACKENDS
    from kernelevo.device.driver_state import driver_state
    from kernelevo.device.facts import cpu_facts, cuda_facts
    from kernelevo.sandbox.tier import probe

    cpu, trouble, tier = cpu_facts(), driver_state().trouble, probe()
    cuda = None if trouble else cuda_facts()  # which starts CUDA: not with a driver that cannot
    checks = [_check("python", sys.version_info >= (3, 11), sys.version.split()[0])]
    checks.append(_check("cpu", True, _processor(cpu)))
    checks.append(_check("memory", True, _memory(cpu["memory_bytes"])))
    checks.append(_gpu(cuda, trouble))
    for backend in BACKENDS:
        missing = backend.missing() or backend.launches()
        checks.append(_check(f"{backend.language} programs", missing is None, missing or "ready"))
    checks += [_package(*row) for row in PACKAGES]
    checks.append(_cupy())
    checks.append(_sandbox(tier))
    checks.append(_bubblewrap(tier.facts))
    cache = BuildCache()
    held = f"{cache.size() / 1e9:.1f} of {limit() / 1e9:g} GB ({VARIABLE}) in {cache.root}"
    checks.append(_check("build cache", True, f"{held}; may be deleted while nothing runs"))
    checks.append(_check("store", True, f"SQLite {sqlite3.sqlite_version}"))
    checks.append(_endpoint())
    return {"checks": checks, "cpu": cpu, "cuda": cuda, "sandbox": tier.to_json()}


def _endpoint() -> dict[str, Any]:
    """Return the row about a language model's endpoint, by the environment; nothing is asked of it."""
    there = [name for name in ENDPOINT if os.environ.get(name)]
    says = f"{' and '.join(there)} set" if there else "no key and no base URL: model-free proposers only"
    return _check("model endpoint", bool(there), says)


def _processor(cpu: Mapping[str, Any]) -> str:
    """Say what it is, how many cores are used, and where a container's quota is why there are no more."""
    says, quota = f"{cpu['name']}, {cpu['cores']} cores", cpu["cpu_quota"]
    if quota is None:
        return says
    return f"{says}: control groups grant {quota:.3g} of {cpu['cores_online']}, in whole cores"


def _memory(nbytes: int | None) -> str:
    """Say how much there is, and what is done where a virtual machine's host takes back what is free."""
    from kernelevo.device.allowance import memory_left
    from kernelevo.device.host_memory import is_taken_back

    says, left = "size unknown" if nbytes is None else f"{nbytes / 1e9:.1f} GB", memory_left()
    says += "" if left is None else f", of which control groups grant {left / 1e9:.1f} GB more"
    taken = "; the host takes back what is free: huge pages are asked for again before timed batches"
    return says + taken * is_taken_back()


def _gpu(cuda: dict[str, Any] | None, trouble: str) -> dict[str, Any]:
    """Return the row about the device: its name, or why there is none and what to do."""
    if cuda is None:
        why = trouble or "torch sees none, though driver and device are there: run nvidia-smi"
        return _check("gpu", False, f"no CUDA device, C++ programs on the CPU only; {why}")
    import torch

    from kernelevo.device.driver_state import outdated_build

    major, minor = (int(part) for part in cuda["capability"].split("."))
    lacking = outdated_build((major, minor), torch.cuda.get_arch_list())
    return _check("gpu", not lacking, f"{cuda['name']}, {cuda['arch']}{'; ' + lacking if lacking else ''}")


def _sandbox(tier: SandboxTier) -> dict[str, Any]:
    """Return the row about the sandbox: what it refused, and what this kernel's Landlock has no right for."""
    version, identity = tier.facts["landlock"], tier.facts["identity"]
    says = f"every forbidden act was refused; Landlock {version}, {identity}"
    if not tier.complete:
        says = "allowed: " + "; ".join(tier.gaps)
    if version < TRUNCATES_FROM:
        says += (
            f"; Landlock {version} cannot forbid that a program truncates files which its user may write: "
            f"that needs version {TRUNCATES_FROM} (Linux 6.2)"
        )
    return _check("sandbox", tier.complete, says)


def _bubblewrap(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the row about bubblewrap: whether it is here, and what binds programs in its stead."""
    path = facts["bubblewrap"]
    used = f"not used: programs are bound by Landlock ({facts['landlock']}) and seccomp ({facts['seccomp']})"
    return _check("bubblewrap", True, f"{path or 'not installed'}; {used}")


def _check(name: str, ok: bool, says: str) -> dict[str, Any]:
    return {"name": name, "ok": ok, "says": says}


def _cupy() -> dict[str, Any]:
    from kernelevo.backends import toolchain

    wheels = ("cupy-cuda13x", "cupy-cuda12x")
    found = next(filter(None, (toolchain.package(wheel, "cupy") for wheel in wheels)), None)
    what_for = "for programs with cupy.RawKernel, and cuBLAS called directly"
    if found is None:
        return _check("cupy", False, f"missing, {what_for}: pip install 'kernelevo[cuda13]'")
    return _check("cupy", True, f"{found.name} {found.version}, {what_for}")


def _package(name: str, what_for: str, how: str) -> dict[str, Any]:
    try:
        return _check(name, True, f"{importlib.metadata.version(name)}, for {what_for}")
    except importlib.metadata.PackageNotFoundError:
        return _check(name, False, f"missing, for {what_for}: {how}")
