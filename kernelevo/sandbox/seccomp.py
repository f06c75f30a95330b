"""Seccomp filters written as raw BPF: which system calls a stage of the sandbox refuses (x86-64)."""

from __future__ import annotations

import ctypes
import errno
import struct
from collections.abc import Iterable
from typing import Literal

from kernelevo.sandbox.syscalls import (
    PR_SET_CHILD_SUBREAPER,
    PR_SET_DUMPABLE,
    PR_SET_NO_NEW_PRIVS,
    PR_SET_PDEATHSIG,
    PR_SET_SECCOMP,
    is_x86_64,
    prctl,
    syscall,
)

_ARCH_X86_64 = 0xC000003E
_X32_BIT = 0x40000000
_LD, _JEQ, _JGE, _JSET, _RET = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _KILL, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
_OFFSET_NR, _OFFSET_ARCH, _OFFSET_ARG0, _OFFSET_ARG1 = 0, 4, 16, 24
_CLONE_THREAD = 0x00010000
_CLONE_NAMESPACES = 0x7E020000  # new mount, cgroup, UTS, IPC, user, PID and network namespaces
_SECCOMP_MODE_FILTER = 2
# by this call the processor goes on speculating: on some kernels a filter would make a program slower than
# the baselines, which have none, and nothing secret lies in its process
_SECCOMP, _SET_MODE_FILTER, _SPEC_ALLOW = 317, 1, 4

# number of each refused call on x86-64
NETWORK = {
    "socket": 41, "connect": 42, "accept": 43, "sendto": 44, "sendmsg": 46, "bind": 49, "listen": 50,
    "socketpair": 53, "accept4": 288, "sendmmsg": 307,
}  # fmt: skip
# the CUDA driver starts only where it can bind a Unix socket of its own and listen to it. Nobody who is bound
# by this filter may connect or send to one; that a name is taken, two programs can still tell each other
DRIVER = ("socket", "bind", "listen", "accept", "accept4")
_AF_UNIX = 1
SPYING = {
    "ptrace": 101, "process_vm_readv": 310, "process_vm_writev": 311, "kcmp": 312, "pidfd_send_signal": 424,
    "pidfd_open": 434, "pidfd_getfd": 438, "process_madvise": 440, "process_mrelease": 448,
    "perf_event_open": 298, "bpf": 321, "userfaultfd": 323, "lookup_dcookie": 212, "syslog": 103,
}  # fmt: skip
KERNEL = {
    "mount": 165, "umount2": 166, "chroot": 161, "pivot_root": 155, "unshare": 272, "setns": 308,
    "add_key": 248, "request_key": 249, "keyctl": 250, "init_module": 175, "delete_module": 176,
    "finit_module": 313, "open_by_handle_at": 304, "name_to_handle_at": 303, "io_uring_setup": 425,
    "io_uring_enter": 426, "io_uring_register": 427, "open_tree": 428, "move_mount": 429, "fsopen": 430,
    "fsconfig": 431, "fsmount": 432, "fspick": 433, "mount_setattr": 442, "kexec_load": 246,
    "kexec_file_load": 320, "swapon": 167, "swapoff": 168, "reboot": 169, "sethostname": 170,
    "setdomainname": 171, "iopl": 172, "ioperm": 173, "quotactl": 179, "quotactl_fd": 443, "acct": 163,
    "settimeofday": 164, "clock_settime": 227, "clock_adjtime": 305, "adjtimex": 159, "fanotify_init": 300,
    "vhangup": 153, "modify_ldt": 154,
}  # fmt: skip
# named memory, queues and semaphores outlive a process: one child could leave values for the next
LASTING = {
    "shmget": 29, "shmat": 30, "shmctl": 31, "semget": 64, "semop": 65, "semctl": 66, "semtimedop": 220,
    "msgget": 68, "msgsnd": 69, "msgrcv": 70, "msgctl": 71, "mq_open": 240, "mq_unlink": 241,
}  # fmt: skip
# so do the mode, owner, times and attributes of a file, and Landlock keeps nobody from changing them where
# the file is their user's: a program could shut that user's home, or leave itself a number. Linkers and
# copies ask for modes and times of their own files, so it seems to work and does nothing;
# attributes are seldom there
MARKING = {
    "chmod": 90, "fchmod": 91, "chown": 92, "fchown": 93, "lchown": 94, "utime": 132, "utimes": 235,
    "fchownat": 260, "futimesat": 261, "fchmodat": 268, "utimensat": 280, "fchmodat2": 452,
    "file_setattr": 469,
}  # fmt: skip
ATTRIBUTES = {
    "setxattr": 188, "lsetxattr": 189, "fsetxattr": 190, "removexattr": 197, "lremovexattr": 198,
    "fremovexattr": 199, "setxattrat": 463, "removexattrat": 466,
}  # fmt: skip
# memory behind a descriptor that nothing maps is neither private nor resident: no limit of ours counts it.
# glibc and libffi know kernels without it; a device's driver may not, so it stays where there is a device
UNCOUNTED = {"memfd_create": 319, "memfd_secret": 447}
# these reach every process of the same user, whatever Landlock says: another candidate that is being timed,
# and where nobody is root the judge itself
SLOWING = {
    "setpriority": 141, "sched_setparam": 142, "sched_setscheduler": 144, "sched_setattr": 314,
    "ioprio_set": 251, "migrate_pages": 256, "move_pages": 279,
}  # fmt: skip
RUN_ONLY = {"fork": 57, "vfork": 58, "execve": 59, "execveat": 322, "tkill": 200}
# leaving the process group: refused in the run stage; in the build stage it seems to work and does nothing
# (ninja asks for it), so that one killpg ends all that a candidate has started, in one instant
ESCAPES = {"setpgid": 109, "setsid": 112}
_CLONE, _CLONE3, _PRCTL = 56, 435, 157
# first argument must be this process. In the build stage compilers signal their own children, and Landlock
# keeps signals inside from its version 6 on, all but those to everybody at once, which are refused here;
# limits and affinity it does not keep: there a process may name itself, as 0, alone
_KILL_CALL, _EVERYBODY = 62, 0xFFFFFFFF  # which is -1
_OWN_SIGNALS_ONLY = (_KILL_CALL, 234, 129, 297)  # kill, tgkill, rt_sigqueueinfo, rt_tgsigqueueinfo
_OWN_PROCESS_ONLY = (302, 203)  # prlimit64, sched_setaffinity
# who is told by a signal, of any number, that a descriptor is ready: the kernel sends it, past what is said
# above, and before Landlock's version 6 nobody else looks whom it is for
_FCNTL, _IOCTL = 72, 16
_F_SETOWN, _F_SETOWN_EX, _FIOSETOWN, _SIOCSPGRP = 8, 15, 0x8901, 0x8902
# a file's flags and hints, further marks that outlive a process
_F_SET_RW_HINT, _F_SET_FILE_RW_HINT = 1036, 1038
_FS_IOC_SETFLAGS, _FS_IOC_SETVERSION, _FS_IOC_FSSETXATTR = 0x40086602, 0x40087602, 0x401C5820
_REFUSED_REQUESTS = {
    _FCNTL: (_F_SETOWN, _F_SETOWN_EX, _F_SET_RW_HINT, _F_SET_FILE_RW_HINT),
    _IOCTL: (_FIOSETOWN, _SIOCSPGRP, _FS_IOC_SETFLAGS, _FS_IOC_SETVERSION, _FS_IOC_FSSETXATTR),
}
# these would hide the process from its judge, or let it outlive its zygote
_REFUSED_PRCTL = (PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_CHILD_SUBREAPER)

FilterStage = Literal["build", "run"]


def supported() -> str:
    """Return an empty string, or the reason why filters cannot be used here."""
    return "" if is_x86_64() else "the filter's system call numbers are those of x86-64"


def _instruction(code: int, k: int, jump_true: int = 0, jump_false: int = 0) -> bytes:
    return struct.pack("<HBBI", code, jump_true, jump_false, k)


def _refuse(number: int, code: int = errno.EPERM) -> bytes:
    return _instruction(_JEQ, number, 0, 1) + _instruction(_RET, _ERRNO | code)


def program(stage: FilterStage, pid: int, *, cuda: bool = False) -> bytes:
    """Return the filter of a stage as BPF instructions, eight bytes each.

    Args:
        stage: ``"build"`` leaves fork and exec to compilers; ``"run"`` allows new threads only.
        pid: the process that will be bound; in the run stage it may signal nobody else.
        cuda: whether it uses a device, whose driver makes memory behind descriptors and Unix sockets.
    """
    code = (
        _instruction(_LD, _OFFSET_ARCH) + _instruction(_JEQ, _ARCH_X86_64, 1, 0) + _instruction(_RET, _KILL)
    )
    code += _instruction(_LD, _OFFSET_NR) + _instruction(_JGE, _X32_BIT, 0, 1)
    code += _instruction(_RET, _ERRNO | errno.EPERM)
    granted = {NETWORK[name] for name in DRIVER} if cuda else set()
    for table in (NETWORK, SPYING, KERNEL, LASTING, SLOWING):
        for number in table.values():
            code += b"" if number in granted else _refuse(number)
    if cuda:
        own_host = _instruction(_JEQ, _AF_UNIX, 1, 0) + _instruction(_RET, _ERRNO | errno.EPERM)
        code += _on_argument(NETWORK["socket"], own_host + _instruction(_RET, _ALLOW))
    for number in () if cuda else UNCOUNTED.values():
        code += _refuse(number, errno.ENOSYS)
    code += _on_argument(_PRCTL, _all_but(_REFUSED_PRCTL))
    for number, options in _REFUSED_REQUESTS.items():
        code += _on_argument(number, _all_but(options), _OFFSET_ARG1)
    for number in MARKING.values():
        code += _refuse(number, 0)
    for number in ATTRIBUTES.values():
        code += _refuse(number, errno.EOPNOTSUPP)
    for number in ESCAPES.values():
        code += _refuse(number, errno.EPERM if stage == "run" else 0)
    code += _refuse(_CLONE3, errno.ENOSYS)  # glibc then falls back to clone, whose flags we can read
    code += _on_argument(_CLONE, _clone_rule(stage))
    own = (
        _instruction(_JEQ, pid, 2, 0)
        + _instruction(_JEQ, 0, 1, 0)
        + _instruction(_RET, _ERRNO | errno.EPERM)
        + _instruction(_RET, _ALLOW)
    )
    for number in _OWN_PROCESS_ONLY:
        code += _on_argument(number, own)
    code += _signal_rule(stage, own)
    for number in RUN_ONLY.values() if stage == "run" else ():
        code += _refuse(number)
    return code + _instruction(_RET, _ALLOW)


def _signal_rule(stage: FilterStage, own: bytes) -> bytes:
    if stage == "run":
        return b"".join(_on_argument(number, own) for number in _OWN_SIGNALS_ONLY)
    return _on_argument(_KILL_CALL, _all_but([_EVERYBODY]))


def _clone_rule(stage: FilterStage) -> bytes:
    refuse, allow = _instruction(_RET, _ERRNO | errno.EPERM), _instruction(_RET, _ALLOW)
    if stage == "run":
        return _instruction(_JSET, _CLONE_THREAD, 1, 0) + refuse + allow
    return _instruction(_JSET, _CLONE_NAMESPACES, 0, 1) + refuse + allow


def _all_but(options: Iterable[int]) -> bytes:
    """Refuse these values of the argument that was loaded, allow any other."""
    return b"".join(_refuse(option) for option in options) + _instruction(_RET, _ALLOW)


def _on_argument(number: int, body: bytes, offset: int = _OFFSET_ARG0) -> bytes:
    """Run ``body`` on the low word of one argument of one call, the first if not said otherwise.

    Every path of it must return.
    """
    load = _instruction(_LD, offset)
    return _instruction(_JEQ, number, 0, (len(load) + len(body)) // 8) + load + body


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_void_p)]


def enforce(stage: FilterStage, pid: int, *, cuda: bool = False) -> bool:
    """Bind this thread and its future children for ever; False where the architecture is not known.

    Raises:
        OSError: if the kernel refuses the filter; never go on then.
    """
    if supported():
        return False
    code = program(stage, pid, cuda=cuda)
    holder = ctypes.create_string_buffer(code, len(code))
    prctl(PR_SET_NO_NEW_PRIVS, 1)
    fprog = _Program(len(code) // 8, ctypes.addressof(holder))
    try:
        syscall(_SECCOMP, _SET_MODE_FILTER, _SPEC_ALLOW, ctypes.addressof(fprog))
    except OSError as error:
        if error.errno not in (errno.ENOSYS, errno.EINVAL):
            raise
        prctl(PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.addressof(fprog))
    return True
