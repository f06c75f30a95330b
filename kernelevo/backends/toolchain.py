"""Compilers and what else builds kernels: where they are, their versions, what the processor can do."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import os
import platform
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

from kernelevo.backends.cache import BuildCache, digest
from kernelevo.errors import ToolchainMissing

TRITON_FUSION = "TRITON_DEFAULT_FP_FUSION"
_WRAPPERS = ("ccache", "sccache", "buildcache", "distcc", "icecc", "colorgcc")


@dataclass(frozen=True)
class Compiler:
    """A C++ compiler with ``-march=native`` spelled out.

    Args:
        path: the executable.
        kind: ``"gcc"`` or ``"clang"``.
        version: its own words, one line.
        arch_flags: what to pass for this processor.
        arch: what those flags stand for, feature by feature: part of every cache key.
    """

    path: str
    kind: str
    version: str
    arch_flags: tuple[str, ...]
    arch: str

    def has(self, feature: str) -> bool:
        """Whether code for this processor may use a feature, by gcc's name (``"avx512f"``)."""
        return f"-m{feature}" in self.arch.split() or f"+{feature}" in self.arch.split()

    @property
    def vector_bytes(self) -> int:
        """Bytes of this processor's widest vector registers, as ``kernelevo/math.h`` takes them."""
        return 64 if self.has("avx512f") else 32 if self.has("avx") else 16


@dataclass(frozen=True)
class Tool:
    """Something installed: its name, where it is, its version."""

    name: str
    path: str
    version: str


@cache
def compiler() -> Compiler:
    """Return the C++ compiler of this machine: ``$CXX``, g++, clang++ or c++, the first that is there.

    What it says about this processor is asked once and kept in the build cache, so that the sandbox's run
    stage, which may not start programs, knows it too.

    Raises:
        ToolchainMissing: if there is none.
        BuildRefused: in the run stage, if it was never asked before.
    """
    path = _compiler_path()
    stat = os.stat(path)
    key = digest("words of a compiler", path, stat.st_size, stat.st_mtime_ns, _processor())
    folder = BuildCache.here().get(
        key, lambda scratch: _ask(path, scratch), what="the compiler's description"
    )
    data = json.loads((folder / "compiler.json").read_text())
    return Compiler(**{**data, "arch_flags": tuple(data["arch_flags"])})


def _compiler_path() -> str:
    tried = [os.environ.get("CXX") or "", "g++", "clang++", "c++"]
    for name in filter(None, tried):
        found = _executable(name)
        if found:
            return os.path.realpath(found) if os.path.basename(found) in ("c++", "g++") else found
    raise ToolchainMissing(
        "no C++ compiler is installed",
        why="looked for $CXX, g++, clang++ and c++ on the PATH",
        now="install one (Debian, Ubuntu: apt install g++), or use programs without kernelevo.cpp",
    )


def _executable(name: str) -> str | None:
    """Return the first executable of that name on the PATH that is no link to a wrapper, as ccache's are."""
    for folder in os.get_exec_path():
        found = shutil.which(name, path=folder)
        if found and os.path.basename(os.path.realpath(found)) not in _WRAPPERS:
            return found
    return None


def _ask(path: str, folder: Path) -> None:
    version, *_ = _words([path, "--version"]).splitlines() or [""]
    if not version:
        raise ToolchainMissing(f"{path} does not say its version", now="set CXX to a g++ or clang++")
    kind = "clang" if "clang" in version.lower() else "gcc"
    told = _words([path, "-march=native", "-###", "-E", "-x", "c++", os.devnull])
    line = next((part for part in told.splitlines() if "cc1" in part), "")
    if kind == "gcc":
        # words, not pieces of them: a folder may be called team-models
        words = shlex.split(line.replace("--param ", "--param="))
        flags = [word for word in words if word.startswith(("-m", "--param="))]
        data = Compiler(path, kind, version, tuple(flags), " ".join(flags))
    else:  # clang's features are not flags of its driver: pass native, key by what it stands for
        features = re.findall(r'"-target-(?:cpu|feature)" "([^"]+)"', line)
        data = Compiler(path, kind, version, ("-march=native",), " ".join(features))
    if not data.arch:
        raise ToolchainMissing(
            f"{path} does not say what -march=native means",
            why=told[-500:],
            now="set CXX to a g++ or clang++",
        )
    (folder / "compiler.json").write_text(json.dumps(asdict(data)))


def _words(command: list[str]) -> str:
    """Return all that a short command prints."""
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env={**os.environ, "LC_ALL": "C"},
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ToolchainMissing(
            f"{command[0]} does not run",
            why=str(error),
            now="kernelevo doctor says which compilers are there and how to get one",
        ) from error
    return done.stdout + done.stderr


@cache
def _processor() -> str:
    """Return what tells this machine's processor from another's: a home folder may be shared."""
    try:
        text = Path("/proc/cpuinfo").read_text()
    except OSError:
        return platform.processor() or platform.machine()
    first = text.split("\n\n", 1)[0]
    wanted = ("model name", "cpu family", "model", "stepping", "flags", "Features", "CPU part")
    lines = [line for line in first.splitlines() if line.split(":")[0].strip() in wanted]
    return digest("processor", lines)


def nvcc() -> Tool | None:
    """Return the CUDA compiler driver, or None."""
    path = shutil.which("nvcc") or _first(Path("/usr/local/cuda/bin/nvcc"))
    if not path:
        return None
    found = re.search(r"release ([\d.]+)", _words([path, "--version"]))
    return Tool("nvcc", path, found.group(1) if found else "?")


def package(name: str, module: str) -> Tool | None:
    """Return an installed Python package, without importing it, or None."""
    try:
        spec = importlib.util.find_spec(module)
        version = importlib.metadata.version(name)
    except (ImportError, ValueError):  # PackageNotFoundError is an ImportError
        return None
    where = spec and (spec.origin or next(iter(spec.submodule_search_locations or []), ""))
    return Tool(name, where or "", version) if spec else None


def nvrtc() -> Tool | None:
    """Return the runtime compiler for CUDA (the wheel's, else the toolkit's), or None."""
    for name in ("nvidia-cuda-nvrtc", "nvidia-cuda-nvrtc-cu12"):
        try:
            version = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
        return Tool(name, "", version)
    # the longest name has the whole version: others are links to it, and its code is kept by that
    found = sorted(Path("/usr/local/cuda/lib64").glob("libnvrtc.so*"), key=lambda p: (-len(p.name), p.name))
    path = _first(*found)
    return Tool("libnvrtc", path, path.split(".so.")[-1] if ".so." in path else "?") if path else None


def ninja() -> Tool | None:
    """Return the ninja build tool (the wheel's, else the one on the PATH), or None."""
    found = package("ninja", "ninja")
    path = shutil.which("ninja")
    if path is None and found is not None:  # an environment that is not activated
        path = _first(Path(found.path).parent / "data" / "bin" / "ninja", *_scripts("ninja"))
    return (
        Tool("ninja", path, found.version if found else _words([path, "--version"]).strip()) if path else None
    )


def _scripts(name: str) -> tuple[Path, ...]:
    import sysconfig

    return (Path(sysconfig.get_path("scripts")) / name,)


def triton() -> Tool | None:
    """Return the installed Triton, or None."""
    return package("triton", "triton")


def cuda_headers() -> Path | None:
    """Return a folder with ``cuda_fp16.h`` and ``mma.h``: the CUDA wheels', Triton's own, or a toolkit's."""
    candidates: list[Path] = []
    spec = importlib.util.find_spec("nvidia")
    for root in (spec.submodule_search_locations or []) if spec else []:
        candidates += [Path(root) / "cu13" / "include", Path(root) / "cuda_runtime" / "include"]
    found = package("triton", "triton")
    if found:
        candidates.append(Path(found.path).parent / "backends" / "nvidia" / "include")
    for root in filter(None, (os.environ.get("CUDA_HOME"), os.environ.get("CUDA_PATH"), "/usr/local/cuda")):
        candidates.append(Path(root) / "include")
    good = (p for p in candidates if (p / "cuda_fp16.h").is_file() and (p / "mma.h").is_file())
    return next(good, None)


def nvidia_tool(name: str) -> str | None:
    """Return the path of ``cuobjdump``, ``ptxas`` or ``nvdisasm``: Triton's own copy first, or None."""
    found = package("triton", "triton")
    inside = Path(found.path).parent / "backends" / "nvidia" / "bin" / name if found else None
    return _first(*filter(None, [inside])) or shutil.which(name) or _first(Path("/usr/local/cuda/bin") / name)


def facts() -> dict[str, str | None]:
    """Return what is here, by name, for ``doctor``: version and place, or None for what is missing."""
    finders: dict[str, Callable[[], Tool | None]] = {
        "nvcc": nvcc,
        "nvrtc": nvrtc,
        "triton": triton,
        "ninja": ninja,
        "cuda-core": lambda: package("cuda-core", "cuda.core"),
        "cupy": lambda: package("cupy-cuda13x", "cupy") or package("cupy-cuda12x", "cupy"),
    }
    told: dict[str, str | None] = {}
    try:
        told["c++"] = f"{compiler().version} ({compiler().path})"
    except ToolchainMissing:
        told["c++"] = None
    for name, find in finders.items():
        tool = find()
        told[name] = f"{tool.version} {tool.path}".strip() if tool else None
    headers = cuda_headers()
    told["cuda headers"] = str(headers) if headers else None
    return told


def _first(*paths: Path) -> str:
    return next((str(p) for p in paths if p.exists()), "")
