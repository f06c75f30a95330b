"""Who a sandboxed child is: an unprivileged user where possible, without capabilities in any case."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

from kernelevo.sandbox import landlock
from kernelevo.sandbox.syscalls import (
    PR_CAP_AMBIENT,
    PR_CAPBSET_DROP,
    PR_SET_DUMPABLE,
    PR_SET_SECUREBITS,
    prctl,
    set_capabilities,
)

NOBODY = 65534
_DAC_READ_SEARCH = 2  # number of the capability that reads past file modes; Landlock still binds it
_AMBIENT_RAISE = 2
_NO_SETUID_FIXUP = 1 << 2

# "kept": not root already; "nobody": full drop; "nobody+read": drop that keeps the reading capability,
# under Landlock; "root-": root's user id without any capability
Identity = Literal["kept", "nobody", "nobody+read", "root-"]

WORDS: dict[str, str] = {
    "kept": "own user, which is not root",
    "nobody": f"user {NOBODY}, no capabilities",
    "nobody+read": f"user {NOBODY} with the reading capability alone (the interpreter lies in a folder "
    "closed to others); Landlock decides what it reads",
    "root-": "root's user id without any capability (another user could not read the interpreter)",
}


def needed_paths() -> list[str]:
    """Return what every child must be able to read: interpreter, standard library, packages, build cache."""
    roots = [sys.executable, os.__file__, __file__, *sys.path]
    torch = sys.modules.get("torch")
    if torch is not None and torch.__file__:
        roots.append(torch.__file__)
    # compilers read the build cache, which lies below a home that may be closed to others (root's is)
    roots.append(os.environ.get("KERNELEVO_CACHE") or os.path.expanduser("~root/.cache/kernelevo"))
    return [os.path.realpath(p) for p in roots if p and os.path.exists(p)]


def choose(paths: Iterable[str]) -> Identity:
    """Return the weakest identity that can still read ``paths``, found by trying in a forked child.

    Must be called while one thread runs (in the zygote).
    """
    if os.geteuid() != 0:
        return "kept"
    wanted = list(paths)
    if _can("nobody", wanted):
        return "nobody"
    if landlock.abi() >= 1 and _can("nobody+read", wanted):
        return "nobody+read"
    return "root-"


def _can(identity: Identity, paths: list[str]) -> bool:
    pid = os.fork()
    if pid == 0:
        try:
            become(identity)
            for path in paths:
                os.close(os.open(path, os.O_RDONLY))
            os._exit(0)
        except OSError:
            os._exit(1)
        finally:
            os._exit(2)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def give(folder: Path, identity: Identity) -> None:
    """Make a scratch folder and what is in it belong to the child's user; links are not followed."""
    if not identity.startswith("nobody"):
        return
    os.chown(folder, NOBODY, NOBODY, follow_symlinks=False)
    for root, folders, files in os.walk(folder):
        for name in [*folders, *files]:
            os.chown(os.path.join(root, name), NOBODY, NOBODY, follow_symlinks=False)


def become(identity: Identity) -> None:
    """Turn this process into that identity, for ever.

    Raises:
        OSError: if the kernel refuses; never go on then.
    """
    if identity == "kept":
        return
    keep = identity == "nobody+read"
    if keep:
        # without it access(2) forgets the capability, and compilers ask by access(2) whether TMPDIR is usable
        prctl(PR_SET_SECUREBITS, _NO_SETUID_FIXUP)
    for capability in range(64):
        try:
            if not (keep and capability == _DAC_READ_SEARCH):
                prctl(PR_CAPBSET_DROP, capability)
        except OSError:
            break  # past the last capability of this kernel, or not ours to drop
    if identity == "root-":
        set_capabilities(0)
        return
    os.setgroups([])
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, NOBODY)
    if keep:
        set_capabilities(1 << _DAC_READ_SEARCH)
        prctl(PR_CAP_AMBIENT, _AMBIENT_RAISE, _DAC_READ_SEARCH)  # compilers it starts need it too
    prctl(PR_SET_DUMPABLE, 1)  # a change of user clears it, and then /proc/self is closed to us
