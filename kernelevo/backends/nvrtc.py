"""CUDA text -> cubin, by NVRTC through cuda.core: no driver, no torch headers, kept in the build cache."""

from __future__ import annotations

import importlib
import io
import json
import re
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kernelevo.backends import compiler_log, signatures, toolchain
from kernelevo.backends.cache import BuildCache, digest
from kernelevo.backends.included import included
from kernelevo.errors import BadSetting, BuildError, ToolchainMissing

# option -> keyword of cuda.core's ProgramOptions and its value
_SWITCHES: dict[str, tuple[str, Any]] = {
    "--use_fast_math": ("use_fast_math", True),
    "-use_fast_math": ("use_fast_math", True),
    "--fmad=false": ("fma", False),
    "--fmad=true": ("fma", True),
    "--ftz=true": ("ftz", True),
    "--restrict": ("restrict", True),
    "-lineinfo": ("lineinfo", True),
    "--lineinfo": ("lineinfo", True),
    "--extra-device-vectorization": ("extra_device_vectorization", True),
}


@dataclass(frozen=True)
class Usage:
    """What one kernel takes of a multiprocessor: registers per thread, bytes of the rest."""

    registers: int
    stack: int
    shared: int
    local: int


@dataclass(frozen=True)
class Cubin:
    """Compiled device code.

    Args:
        code: the ELF image.
        arch: e.g. ``"sm_90"``.
        names: kernel or name expression -> its name in the image.
        log: what ptxas said (registers, spills, shared memory).
    """

    code: bytes
    arch: str
    names: Mapping[str, str]
    log: str

    @property
    def spills(self) -> int:
        """Bytes of registers spilled by all kernels together."""
        return sum(int(n) for n in re.findall(r"(\d+) bytes spill", self.log))

    def usage(self) -> dict[str, Usage]:
        """Return each kernel's resources, by its name in the image (see :func:`usage`)."""
        return usage(self.code)


def compile_cubin(
    source: str,
    *,
    arch: str = "sm_90",
    name_expressions: Sequence[str] = (),
    options: Sequence[str] = (),
    cache: BuildCache | None = None,
) -> Cubin:
    """Compile CUDA C++ for one architecture, or find it compiled. Needs no GPU and no driver.

    Args:
        source: device code; ``<cuda_fp16.h>``, ``<cuda_bf16.h>`` and ``<mma.h>`` are found where Triton, the
            CUDA wheels or a toolkit are installed.
        arch: e.g. ``"sm_90"``, ``"sm_90a"``.
        name_expressions: instances of templates, e.g. ``"tile<128>"``.
        options: ``-DNAME=VALUE``, ``-IFOLDER``, ``-std=c++20``, ``--maxrregcount=64`` and the switches
            ``--use_fast_math --fmad=false --ftz=true --restrict -lineinfo --extra-device-vectorization``.
        cache: where it is looked for and kept; None means that of this process. Its key holds the text, the
            options, the compiler's version and the text of every header included, and no path: what one
            machine built another with the same versions finds.

    Raises:
        BuildError: if it does not compile; ``log`` holds the compiler's words.
        BuildRefused: in the run stage of the sandbox, if it is not built yet.
        ToolchainMissing: without cuda.core and NVRTC.
        BadSetting: for an option that is not known.
    """
    names = (*_plain_kernels(source), *name_expressions)
    headers = toolchain.cuda_headers()
    settings = _settings(options, headers)
    version = [
        t.version if t else "" for t in (toolchain.nvrtc(), toolchain.package("cuda-core", "cuda.core"))
    ]
    folders = settings["include_path"]
    flags = sorted((name, value) for name, value in settings.items() if name != "include_path")
    key = digest("cubin", source, arch, names, flags, version, included(source, folders))

    def build(scratch: Path) -> None:
        found = _compile(source, arch, names, settings)
        (scratch / "kernel.cubin").write_bytes(found.code)
        (scratch / "names.json").write_text(json.dumps({"names": dict(found.names), "log": found.log}))

    folder = (cache or BuildCache.here()).get(key, build, what="a CUDA source")
    told = json.loads((folder / "names.json").read_text())
    return Cubin((folder / "kernel.cubin").read_bytes(), arch, told["names"], told["log"])


def _plain_kernels(source: str) -> tuple[str, ...]:
    """Return the kernels at file scope that are no templates: their names can be asked for as they are."""
    return tuple(
        name for name in signatures.parse_kernels(source) if not signatures.is_template(source, name)
    )


def _settings(options: Sequence[str], headers: Path | None) -> dict[str, Any]:
    settings: dict[str, Any] = {"std": "c++17"}
    macros: list[tuple[str, str]] = []
    folders = [str(headers)] if headers else []
    for option in options:
        name, _, value = option.partition("=")
        if option in _SWITCHES:
            keyword, given = _SWITCHES[option]
            settings[keyword] = given
        elif option.startswith("-D"):
            macros.append((name[2:], value or "1"))
        elif option.startswith("-I"):
            folders.append(option[2:])
        elif name in ("-std", "--std"):
            settings["std"] = value
        elif name in ("-maxrregcount", "--maxrregcount") and value.isdigit():
            settings["max_register_count"] = int(value)
        else:
            raise BadSetting(
                f"kernelevo.cuda does not know the option {option!r}",
                why=f"known: -D, -I, -std=, --maxrregcount=, {', '.join(_SWITCHES)}",
                now="use one of these, or leave it out",
            )
    return {**settings, "define_macro": macros, "include_path": folders}


def _core() -> Any:
    """Return cuda.core (its older releases call it experimental)."""
    for name in ("cuda.core", "cuda.core.experimental"):
        try:
            module = importlib.import_module(name)
        except ImportError:
            continue
        if hasattr(module, "Program"):
            return module
    raise ToolchainMissing(
        "CUDA sources cannot be compiled: cuda.core is not installed",
        why="kernelevo.cuda compiles with NVRTC through cuda.core",
        now='pip install "kernelevo[cuda13]" (or [cuda12])',
    )


def _compile(source: str, arch: str, names: Sequence[str], settings: Mapping[str, Any]) -> Cubin:
    core = _core()
    given = {k: v for k, v in settings.items() if v not in ([], ())}
    log = io.StringIO()
    try:
        options = core.ProgramOptions(arch=arch, ptxas_options=["-v"], name="kernel.cu", **given)
        program = core.Program(source, "c++", options)
        code = program.compile("cubin", name_expressions=tuple(names), logs=log)
    except ImportError as error:
        raise ToolchainMissing(
            "NVRTC is not installed", why=str(error), now="pip install nvidia-cuda-nvrtc"
        ) from error
    except Exception as error:  # the compiler's error class is private and moves between releases
        words = str(error) if log.getvalue() in str(error) else f"{error}\n{log.getvalue()}"
        compiled = "NVRTC_ERROR_COMPILATION" in words  # which cannot open a header that is not there
        absent = "not found" in words.lower() or "cannot open" in words.lower()
        if "nvrtc" in words.lower() and absent and not compiled:
            raise ToolchainMissing(
                "NVRTC cannot be loaded", why=words[:500], now="pip install nvidia-cuda-nvrtc"
            ) from error
        said = re.sub(r"\S*/site-packages/", "", words)
        why, said = compiler_log.first_error(said), compiler_log.shortened(said)
        raise BuildError("the CUDA source does not compile", why=why, log=said) from error
    mapping = {str(k): v.decode() if isinstance(v, bytes) else str(v) for k, v in code.symbol_mapping.items()}
    return Cubin(bytes(code.code), arch, mapping, log.getvalue())


def usage(cubin: bytes) -> dict[str, Usage]:
    """Return the resources of every kernel of a cubin, as cuobjdump tells them (about 5 ms).

    On sm_90 and later 1 KiB of shared memory that the system reserves is counted in.

    Raises:
        ToolchainMissing: without cuobjdump (it lies in Triton's wheel and in every toolkit).
    """
    tool = toolchain.nvidia_tool("cuobjdump")
    if tool is None:
        raise ToolchainMissing("cuobjdump is not installed", now="install triton, or a CUDA toolkit")
    with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
        file.write(cubin)
        file.flush()
        command = [tool, "-res-usage", file.name]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    pattern = r"Function (\S+):\s*\n?\s*REG:(\d+) STACK:(\d+) SHARED:(\d+) LOCAL:(\d+)"
    rows = re.findall(pattern, done.stdout + done.stderr)
    return {name: Usage(*(int(n) for n in numbers)) for name, *numbers in rows}
