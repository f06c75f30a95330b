"""Compiled code: what a program had torch.compile make while it was built, found again where it is judged.

Inductor finds code that it has made by a folder, writes a lock beside it even to read, and asks compilers for
their version and the CPU for its vectors before it looks anything up. In the run stage no process can be
started and the build's folder is read-only. So what is asked of tools is asked in the zygote, and each run
works on a copy of the build's folder, made by the bound process itself.
"""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import torch

from kernelevo.device.groups import Registration
from kernelevo.sandbox.zygote import Zygote

VARIABLE = "TORCHINDUCTOR_CACHE_DIR"
NEW_CODE = (
    "torch.compile wanted to make new code in a judged call, where no compiler can be started: it finds only "
    "what it made in the one forward of the build. Compile with dynamic=False for the shapes, the train or "
    "eval mode and the settings of that call alone, and let nothing that differs from call to call (a "
    "counter, a global) decide what is compiled"
)
_FROM_INDUCTOR = re.compile(
    r"InductorError|torch\._inductor|torch\._dynamo|BackendCompilerFailed|CppCompileError"
)
_NO_PROCESS = re.compile(r"\[Errno 1\]|Operation not permitted|PermissionError|[Rr]ead-only file system")


def made_in(folder: Path) -> bool:
    """Tell whether a build left code of Inductor's in its folder."""
    made = folder / "inductor"
    return made.is_dir() and any(made.iterdir())


def tools(root: Path) -> Path:
    """Return the folder, in a build cache, for what the tools make that Inductor asks: a header, tests."""
    return root / "inductor" / torch.__version__


def let_zygote_ask(zygote: Zygote, kept: Path, *, on_device: bool) -> None:
    """Let a zygote ask tools what Inductor asks of them, once; it rests while something is timed.

    Args:
        zygote: whose children are to know the answers.
        kept: where what the tools make is kept (see ``tools``).
        on_device: whether its children compute on a device.

    Raises:
        SandboxError: if that fails, which is no program's fault.
    """
    with Registration(zygote.pid, "torch.compile's tools"):
        zygote.warm_inductor(kept, on_device=on_device)


def settle(folder: Path) -> None:
    """Copy the build's code to where this process may write; runs in the child, bound already.

    Args:
        folder: the program's, from its build.
    """
    source, target = folder / "inductor", Path(os.environ.get(VARIABLE, folder / "inductor"))
    if target != source and source.is_dir() and not target.exists():
        shutil.copytree(source, target, symlinks=True, ignore=shutil.ignore_patterns("*.lock"))


def wanted_new(text: str) -> bool:
    """Tell whether an exception's text says that torch.compile wanted to compile in the run stage."""
    return bool(_FROM_INDUCTOR.search(text) and _NO_PROCESS.search(text))
