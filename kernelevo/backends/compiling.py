"""Running a C++ compiler: its limit of time, its errors, its words without the folders of this machine."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

from kernelevo.backends import compiler_log, source_tree
from kernelevo.errors import BuildError, ToolchainMissing

COMPILE_SECONDS = 300


def run(words: list[str], scratch: Path) -> None:
    """Run a compiler in a folder.

    Args:
        words: the executable and its arguments.
        scratch: where it runs, and what it may call temporary.

    Raises:
        BuildError: if it says that something is wrong; ``log`` holds its words.
        ToolchainMissing: if it does not run.
    """
    environment = {**os.environ, "LC_ALL": "C", "TMPDIR": str(scratch)}
    try:
        done = subprocess.run(
            words, cwd=scratch, capture_output=True, text=True, errors="replace", timeout=COMPILE_SECONDS,
            check=False, env=environment,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise BuildError(
            f"the C++ source did not compile within {COMPILE_SECONDS} s", now="make it simpler"
        ) from error
    except OSError as error:
        raise ToolchainMissing(
            f"{words[0]} does not run",
            why=str(error),
            now="kernelevo doctor says which compilers are there and how to get one",
        ) from error
    if done.returncode != 0:
        log = _without_folders(done.stderr or done.stdout, scratch)
        why, log = compiler_log.first_error(log), compiler_log.shortened(log)
        raise BuildError("the C++ source does not compile", why=why, log=log)


def _without_folders(log: str, scratch: Path) -> str:
    """Cut the folders of this machine off the compiler's words."""
    log = log.replace(f"{scratch}/", "").replace(f"{source_tree.include()}/", "")
    return re.sub(r"\S*/site-packages/torch/include/", "", log)
