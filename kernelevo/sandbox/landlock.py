"""Landlock by three raw system calls: which files a process may read, execute or write from now on."""

from __future__ import annotations

import os
import stat
import struct
from collections.abc import Iterable
from dataclasses import dataclass

from kernelevo.sandbox.syscalls import PR_SET_NO_NEW_PRIVS, prctl, syscall

# the numbers are the same on every architecture (added after the tables were unified)
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION_FLAG = 1
_RULE_PATH_BENEATH = 1

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1, 2, 4, 8
TRUNCATE, IOCTL_DEV = 1 << 14, 1 << 15
_ALL_BY_ABI = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 4: (1 << 15) - 1, 5: (1 << 16) - 1}
_FILE_RIGHTS = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV

READ = READ_FILE | READ_DIR
READ_EXECUTE = READ | EXECUTE
READ_WRITE = READ_FILE | WRITE_FILE | IOCTL_DEV
EVERYTHING = (1 << 16) - 1


def abi() -> int:
    """Return the kernel's Landlock version; 0 where there is none."""
    try:
        return syscall(_CREATE_RULESET, None, 0, _VERSION_FLAG)
    except OSError:
        return 0


@dataclass(frozen=True)
class Rule:
    """What is granted beneath one path.

    Args:
        path: a file or folder; one that does not exist is skipped.
        rights: an or of this module's rights.
    """

    path: str
    rights: int


class Ruleset:
    """A set of grants, opened while the process still has its rights, enforced later.

    Args:
        rules: the grants; everything else about files is refused.
    """

    def __init__(self, rules: Iterable[Rule]) -> None:
        self.abi = abi()
        self._fd = -1
        if self.abi < 1:
            return
        handled = _ALL_BY_ABI[min(self.abi, 5)]
        # file rights; TCP bind and connect (ABI 4); abstract sockets and signals to outside (ABI 6)
        size = 8 if self.abi < 4 else 16 if self.abi < 6 else 24
        attributes = struct.pack("<QQQ", handled, 3, 3)[:size]
        self._fd = syscall(_CREATE_RULESET, attributes, size, 0)
        for rule in rules:
            self._add(rule, handled)

    def _add(self, rule: Rule, handled: int) -> None:
        try:
            fd = os.open(rule.path, os.O_PATH | os.O_CLOEXEC)
        except (FileNotFoundError, NotADirectoryError, PermissionError):
            return  # not there, or not ours to grant
        try:
            rights = rule.rights & handled
            if not stat.S_ISDIR(os.fstat(fd).st_mode):
                rights &= _FILE_RIGHTS
            if rights:
                syscall(_ADD_RULE, self._fd, _RULE_PATH_BENEATH, struct.pack("<QI", rights, fd), 0)
        finally:
            os.close(fd)

    def enforce(self) -> bool:
        """Bind this thread and all its future children for ever; False where the kernel has no Landlock.

        Raises:
            OSError: if the kernel has Landlock and refuses; never go on then.
        """
        if self._fd < 0:
            return False
        prctl(PR_SET_NO_NEW_PRIVS, 1)
        syscall(_RESTRICT_SELF, self._fd, 0)
        os.close(self._fd)
        self._fd = -1
        return True
