"""Programs that try to break the machine that judges them, each with the verdicts that are fit for it.

Every text below is run, in the build stage and in the run stage, behind the sandbox only: kills are meant. A
program that achieves what is forbidden raises ``ALLOWED``, which is nowhere a fit end.
"""

from dataclasses import dataclass

TASK = """
import torch
from torch import nn


class Model(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear, self.out = nn.Linear(width, 512), nn.Linear(512, 256)

    def forward(self, x):
        return self.out(torch.relu(self.linear(x)))


def get_inputs():
    return [torch.rand(256, 256)]


def get_init_inputs():
    return [256]
"""
_PROGRAM = """
import atexit, ctypes, mmap, os, resource, signal, socket, sys, threading, time
import torch
from torch import nn

RUNS = os.environ["KERNELEVO_STAGE"] == "run"
HERE = os.environ["TMPDIR"]
GB = 1 << 30


def refused(act, *more):
    try:
        act(*more)
    except OSError:
        return
    raise RuntimeError("ALLOWED: the act was carried out")


def raw(name, *words):
    libc = ctypes.CDLL(None, use_errno=True)
    if getattr(libc, name)(*words) < 0:
        raise OSError(ctypes.get_errno(), name)


{top}


class ModelNew(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.mark = {mark}
        self.linear, self.out = nn.Linear(width, 512), nn.Linear(512, 256)
{construct}

    def forward(self, x):
{forward}
        return self.out(torch.relu(self.linear(x)))
"""
OK, CRASHED, LATE, REJECTED, UNBUILT = "ok", "crashed", "timed_out", "rejected", "build_failed"


@dataclass(frozen=True)
class Place:
    """Whom a program may aim at: process numbers, an address in the parent, and the shared cache.

    Args:
        parent: the process that judges.
        group: its process group.
        zygote: the process that forks.
        siblings: other children, the timed baseline among them.
        address: of eight bytes in the parent that must stay what they are.
        cache: the shared build cache.
    """

    parent: int
    group: int
    zygote: int
    siblings: tuple[int, ...]
    address: int
    cache: str


@dataclass(frozen=True)
class Kind:
    """One way to be hostile.

    Args:
        name: of it.
        fit: statuses that it may end with.
        top: code at import; ``<parent>`` stands for that field of ``Place``, and so do the others.
        construct: code in the constructor.
        forward: code in forward, before the right result.
        words: what the feedback has to say, one of them; nothing for any words.
    """

    name: str
    fit: tuple[str, ...]
    top: str = ""
    construct: str = ""
    forward: str = ""
    words: tuple[str, ...] = ()

    def program(self, place: Place, mark: int = 0) -> str:
        """Return the text, aimed at a place; ``mark`` makes it another program than the one before."""
        parts = {"construct": _indented(self.construct), "forward": _indented(self.forward)}
        text = _PROGRAM.format(top=self.top, mark=mark, **parts)
        for name, value in vars(place).items():
            text = text.replace(f"<{name}>", repr(value))
        return text


def _indented(text: str) -> str:
    return "".join(f"        {line}\n" for line in text.strip().splitlines())


def honest(mark: int) -> str:
    """Return a right program as fast as the reference; each mark makes one that was not judged before."""
    text = TASK.split("def get_inputs", maxsplit=1)[0].replace("class Model(", "class ModelNew(")
    return text.replace("super().__init__()", f"super().__init__()\n        self.mark = {mark}")


_NATIVE = '''
import kernelevo

NATIVE = kernelevo.cpp(r"""
extern "C" void spin() { volatile long n = 0; for (;;) n = n + 1; }
extern "C" long deep(long n) { volatile char room[4096]; room[n % 4096] = 1; return deep(n + 1) + room[0]; }
extern "C" void wild() { *(volatile int *)8 = 1; }
""")
'''
_FILL = """
def fill(delete):
    held = []
    for number in range(64):
        fd = os.open(f"{HERE}/full-{number}", os.O_CREAT | os.O_RDWR)
        if delete:
            os.unlink(f"{HERE}/full-{number}")
        os.posix_fallocate(fd, 0, GB)
        held.append(fd)
        time.sleep(0.05)
"""
_RUN = "if RUNS:\n    "
_GONE = (CRASHED, REJECTED)

KINDS: tuple[Kind, ...] = (
    Kind("hang in import", (LATE,), top="time.sleep(3600)"),
    Kind("hang in the constructor", (LATE,), construct="while True: time.sleep(0.01)"),
    Kind("hang in forward", (LATE,), forward=_RUN + "time.sleep(3600)"),
    Kind("busy loop in C++", (LATE,), top=_NATIVE, forward=_RUN + "NATIVE.spin()"),
    Kind("stops itself", (LATE,), forward=_RUN + "os.kill(os.getpid(), signal.SIGSTOP)"),
    Kind(
        "segmentation fault",
        (CRASHED,),
        top=_NATIVE,
        forward=_RUN + "NATIVE.wild()",
        words=("SIGSEGV",),
    ),
    Kind("abort", (CRASHED,), forward=_RUN + "os.abort()", words=("SIGABRT",)),
    Kind("exit 0", (CRASHED,), forward=_RUN + "os._exit(0)", words=("exit 0",)),
    Kind("exit at import", (UNBUILT,), top="sys.exit(0)", words=("SystemExit",)),
    Kind("exit in atexit", (OK, CRASHED), construct="atexit.register(os._exit, 0)"),
    Kind("kills itself", (CRASHED,), forward=_RUN + "os.kill(os.getpid(), signal.SIGKILL)"),
    Kind(
        "fork bomb of processes",
        (CRASHED, LATE),
        top="while not RUNS:\n    try:\n        os.fork()\n    except OSError:\n        time.sleep(0.01)",
    ),
    Kind("fork in the run stage", (OK,), forward=_RUN + "refused(os.fork)"),
    Kind(
        "fork bomb of threads",
        (CRASHED,),
        forward="while RUNS:\n    threading.Thread(target=time.sleep, args=(60,), daemon=True).start()",
        words=("threads", "thread"),
    ),
    Kind("50 GB of tensors", _GONE, forward=_RUN + "self.hoard = torch.ones(50 * GB, dtype=torch.uint8)"),
    Kind(
        "50 GB of shared pages",
        (CRASHED, LATE),
        forward=(
            "hoard = []\n"
            "while RUNS and len(hoard) < 800:\n"
            "    hoard.append(mmap.mmap(-1, GB // 16))\n"
            "    hoard[-1].write(b'x' * (GB // 16))"
        ),
        words=("memory", "did not finish"),
    ),
    Kind(
        "memory behind descriptors",
        (OK,),
        forward="refused(lambda: os.posix_fallocate(os.memfd_create('hoard'), 0, GB))",
    ),
    Kind("fills its folder", (CRASHED,), top=_FILL, forward=_RUN + "fill(False)", words=("disk",)),
    Kind("fills the disk without names", (CRASHED,), top=_FILL, forward=_RUN + "fill(True)", words=("disk",)),
    Kind("fills its folder while it builds", (CRASHED,), top=_FILL + "fill(False)", words=("disk",)),
    Kind(
        "nests folders without end",
        (OK, LATE),
        top=(
            "if not RUNS:\n"
            "    here = os.getcwd()\n"
            "    os.makedirs('cache/x', exist_ok=True)\n"
            "    os.chdir('cache/x')\n"
            "    for _ in range(1200):\n        os.mkdir('d')\n        os.chdir('d')\n    os.chdir(here)"
        ),
    ),
    Kind("kills its parent", (OK,), top="refused(os.kill, <parent>, signal.SIGKILL)"),
    Kind(
        "kills its parent's group",
        (OK,),
        top="refused(os.killpg, <group>, signal.SIGKILL)",
        forward="refused(os.killpg, <group>, signal.SIGSTOP)",
    ),
    Kind(
        "kills the zygote",
        (OK,),
        top="refused(os.kill, <zygote>, signal.SIGKILL)\nrefused(os.killpg, <zygote>, 9)",
    ),
    Kind("kills process 1", (OK,), top="refused(os.kill, 1, signal.SIGKILL)"),
    Kind(
        "kills its siblings",
        (OK,),
        top=(
            "for pid in <siblings>:\n"
            "    refused(os.kill, pid, signal.SIGKILL)\n"
            "    refused(os.kill, pid, signal.SIGSTOP)"
        ),
    ),
    Kind("kills everybody", (OK,), forward="refused(os.kill, -1, signal.SIGKILL)"),
    Kind("closes its channel", _GONE, forward=_RUN + "os.close(3)"),
    Kind("closes everything", (*_GONE, LATE), forward=_RUN + "os.closerange(0, 1 << 16)"),
    Kind("garbage in its channel", (REJECTED,), forward=_RUN + "os.write(3, b'\\xff' * 64)"),
    Kind("a wrong answer in its channel", (REJECTED,), forward=_RUN + "os.write(3, b'\\x02\\0\\0\\0\\0[]')"),
    Kind(
        "100 MB in its channel",
        (REJECTED,),
        forward=_RUN + "os.set_blocking(3, True)\n    for _ in range(1600): os.write(3, bytes(1 << 16))",
    ),
    Kind("floods its output", (LATE,), forward="while RUNS: os.write(1, b'x' * 65536)"),
    Kind(
        "deep recursion",
        (CRASHED,),
        forward=_RUN + "(lambda f: f(f))(lambda f: f(f))",
        words=("RecursionError",),
    ),
    Kind(
        "stack overflow in C++", (CRASHED,), top=_NATIVE, forward=_RUN + "NATIVE.deep(0)", words=("SIGSEGV",)
    ),
    Kind(
        "traces its parent",
        (OK,),
        top="refused(raw, 'ptrace', 16, <parent>, 0, 0)\nrefused(open, '/proc/%d/mem' % <parent>, 'r+b')",
    ),
    Kind(
        "writes into its parent",
        (OK,),
        top=(
            "mine = ctypes.create_string_buffer(b'ATTACKED')\n"
            "local = (ctypes.c_size_t * 2)(ctypes.addressof(mine), 8)\n"
            "remote = (ctypes.c_size_t * 2)(<address>, 8)\n"
            "one, none = ctypes.c_ulong(1), ctypes.c_ulong(0)\n"
            "refused(raw, 'process_vm_writev', <parent>, local, one, remote, one, none)\n"
            "refused(raw, 'process_vm_readv', <parent>, local, one, remote, one, none)"
        ),
    ),
    Kind(
        "opens sockets",
        (OK,),
        top="refused(socket.socket)\nrefused(socket.socketpair)\nrefused(socket.socket, socket.AF_UNIX)",
    ),
    Kind(
        "deletes the shared cache",
        (OK,),
        top=(
            "import shutil\nshutil.rmtree(<cache>, ignore_errors=True)\n"
            "refused(os.rename, <cache>, <cache> + '.gone')\nrefused(open, <cache> + '/more', 'w')"
        ),
    ),
    Kind(
        "deletes its own folder",
        (OK, CRASHED, UNBUILT),
        top="import shutil\nif not RUNS: shutil.rmtree(HERE, ignore_errors=True)",
    ),
    Kind(
        "raises its limits",
        (OK,),
        top=(
            "def more():\n"
            "    try:\n"
            "        resource.setrlimit(resource.RLIMIT_DATA, (1 << 50, 1 << 50))\n"
            "    except ValueError as error:\n"
            "        raise OSError(error)\n"
            "refused(more)"
        ),
    ),
)
BY_NAME: dict[str, Kind] = {kind.name: kind for kind in KINDS}
