"""Entries that run inside sandboxed test children: honest ones first, then the attacks."""

import ctypes
import errno
import fcntl
import importlib
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time


def echo(channel, payload, fds):
    """Send the payload back, and print it."""
    print("printed", payload)
    channel.send({"payload": payload, "fds": fds, "cwd": os.getcwd(), "environ": dict(os.environ)})


def pipe(channel, payload, fds):
    os.write(fds["out"], b"through a named descriptor")


def wait(channel, payload, fds):
    channel.send("ready")
    channel.recv()


def leave(channel, payload, fds):
    sys.exit(payload["code"])


def raise_error(channel, payload, fds):
    raise ValueError("a candidate's own mistake")


def loop(channel, payload, fds):
    channel.send("ready")
    while True:
        pass


def kill_itself(channel, payload, fds):
    os.kill(os.getpid(), payload["signal"])
    time.sleep(60)


def segfault(channel, payload, fds):
    ctypes.string_at(8)


def threads(channel, payload, fds):
    """Start threads that go on counting after the answer, and say where the counter is."""
    counter = (ctypes.c_int64 * 1)()

    def count():
        while True:
            counter[0] += 1

    for _ in range(payload["count"]):
        threading.Thread(target=count, daemon=True).start()
    channel.send({"address": ctypes.addressof(counter)})
    channel.recv()


def breed(channel, payload, fds):
    """Start and end short-lived threads as fast as possible, for ever."""
    channel.send("ready")
    while True:
        threading.Thread(target=time.sleep, args=(0.0005,)).start()


def attempt(channel, payload, fds):
    """Try each named forbidden act; send what happened: "allowed" or the error's name."""
    channel.send({name: _outcome(ACTS[name], payload) for name in payload["acts"]})


def _outcome(act, payload):
    try:
        act(payload)
    except OSError as error:
        return f"{type(error).__name__}"
    return "allowed"


def _fork(payload):
    if os.fork() == 0:
        os._exit(0)


def _execve(payload):
    os.execve("/bin/true", ["true"], {})


def _libc(name, *args):
    libc = ctypes.CDLL(None, use_errno=True)
    if getattr(libc, name)(*args) < 0:
        raise OSError(ctypes.get_errno(), name)


def _raw(number, *args):
    _libc("syscall", ctypes.c_long(number), *map(ctypes.c_long, args))


def _read_other(payload):
    _, address = payload["secret"]
    buffer = ctypes.create_string_buffer(8)
    local = (ctypes.c_size_t * 2)(ctypes.addressof(buffer), 8)
    remote = (ctypes.c_size_t * 2)(address, 8)
    _libc("process_vm_readv", payload["parent"], local, ctypes.c_long(1), remote, ctypes.c_long(1), 0)


def _open(path, mode="rb"):
    def act(payload):
        with open(path.format(**payload), mode) as file:
            file.read(1) if mode == "rb" else file.write("x")

    return act


def _listen(p):
    """Do what the CUDA driver does when it starts."""
    with socket.socket(socket.AF_UNIX) as here:
        here.bind(b"\0kernelevo-test-%d" % os.getpid())
        here.listen()


def _connect(p):
    with socket.socket(socket.AF_UNIX) as here:
        here.connect("anywhere")


def _send(p):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as here:
        here.sendto(b"x", "anywhere")


ACTS = {
    "listen": _listen,
    "connect": _connect,
    "send": _send,
    "fork": _fork,
    "execve": _execve,
    "vfork": lambda p: _raw(58),
    "clone a process": lambda p: _raw(56, signal.SIGCHLD, 0, 0, 0, 0),
    "clone3": lambda p: _raw(435, 0, 0),
    "x32 fork": lambda p: _raw(0x40000000 + 57),
    "subprocess": lambda p: subprocess.run(["true"], check=True),
    "socket": lambda p: socket.socket().close(),
    "socketpair": lambda p: socket.socketpair(),
    "ptrace parent": lambda p: _raw(101, 16, p["parent"], 0, 0),
    "read parent memory": _read_other,
    "kill parent": lambda p: os.kill(p["parent"], signal.SIGUSR1),
    "kill zygote": lambda p: os.kill(p["zygote"], signal.SIGKILL),
    "stop a sibling": lambda p: os.kill(p["sibling"], signal.SIGSTOP),
    "kill everyone": lambda p: os.kill(-1, signal.SIGUSR1),
    "thread-kill parent": lambda p: _raw(234, p["parent"], p["parent"], signal.SIGUSR1),
    "pidfd of parent": lambda p: os.pidfd_open(p["parent"]),
    "limit a sibling": lambda p: _raw(302, p["sibling"], 7, 0, 0),
    "pin a sibling": lambda p: os.sched_setaffinity(p["sibling"], os.sched_getaffinity(0)),
    "slow a sibling": lambda p: os.setpriority(os.PRIO_PROCESS, p["sibling"], 1),
    "limit the parent": lambda p: _raw(302, p["parent"], 7, 0, 0),
    "setsid": lambda p: os.setsid(),
    "setpgid": lambda p: os.setpgid(0, p["zygote"]),
    "priority": lambda p: os.setpriority(os.PRIO_PROCESS, 0, 5),
    "hide (dumpable)": lambda p: _libc("prctl", 4, 0, 0, 0, 0),
    "outlive the zygote": lambda p: _libc("prctl", 1, 0, 0, 0, 0),
    "parent environ": _open("/proc/{parent}/environ"),
    "zygote environ": _open("/proc/{zygote}/environ"),
    "parent memory file": _open("/proc/{parent}/mem"),
    "password file": _open("/etc/passwd"),
    "outside file": _open("{outside}"),
    "write outside": _open("{outside}.new", "w"),
    "write to own package": _open(__file__ + ".new", "w"),
    "write shared memory": _open("/dev/shm/kernelevo-test", "w"),
    "list processes": lambda p: os.listdir("/proc"),
    "become root": lambda p: os.setresuid(0, 0, 0),
    "mount": lambda p: _raw(165, 0, 0, 0, 0, 0),
    "userfaultfd": lambda p: _raw(323, 0),
    "lasting memory": lambda p: _raw(29, 4711, 4096, 0o1666),
    "lasting queue": lambda p: _raw(68, 4711, 0o1666),
    "new namespace": lambda p: _raw(56, 0x10000000 | signal.SIGCHLD, 0, 0, 0, 0),
    "new namespace (clone3)": lambda p: _raw(435, 0, 0),
    "hide memory": lambda p: os.close(os.memfd_create("hidden")),
    "io_uring": lambda p: _raw(425, 1, 0),
    "signal a sibling by a descriptor": lambda p: fcntl.fcntl(3, fcntl.F_SETOWN, p["sibling"]),
    "signal a thread by a descriptor": lambda p: fcntl.fcntl(3, 15, struct.pack("ii", 0, p["sibling"])),
    "signal a sibling by a socket": lambda p: fcntl.ioctl(3, 0x8901, struct.pack("i", p["sibling"])),
}


def look(channel, payload, fds):
    """Import modules by name, and try to read files of a folder."""
    found = {"imported": [], "read": []}
    for name in payload["modules"]:
        try:
            importlib.import_module(name)
        except ImportError:
            continue
        found["imported"].append(name)
    for name in payload["files"]:
        try:
            open(os.path.join(payload["folder"], name), "rb").close()
        except OSError:
            continue
        found["read"].append(name)
    channel.send(found)


def flood_output(channel, payload, fds):
    channel.send("ready")
    while True:
        os.write(1, b"x" * 65536)


def close_output(channel, payload, fds):
    os.closerange(1, 3)
    channel.send("ready")
    channel.recv()


def flood_channel(channel, payload, fds):
    while True:
        os.write(channel.fileno(), b"\xff" * 65536)


def close_channel(channel, payload, fds):
    os.close(channel.fileno())
    time.sleep(60)


def eat_memory(channel, payload, fds):
    """Take private memory until something stops it."""
    channel.send("ready")
    hoard = []
    while True:
        hoard.append(bytearray(b"x") * (8 << 20))


def eat_shared_memory(channel, payload, fds):
    """Take memory that RLIMIT_DATA does not count."""
    import mmap

    channel.send("ready")
    hoard = []
    while True:
        piece = mmap.mmap(-1, 8 << 20)
        piece.write(b"x" * len(piece))
        hoard.append(piece)
        time.sleep(0.002)


def fill_disk(channel, payload, fds):
    """Take disk until something stops it, a file after the other, open files without a name if asked for."""
    channel.send("ready")
    held = []
    for number in range(1000):
        held.append(os.open(f"full-{number}", os.O_CREAT | os.O_RDWR))
        if payload["unnamed"]:
            os.unlink(f"full-{number}")
        os.posix_fallocate(held[-1], 0, 64 << 20)
        time.sleep(0.01)


def escape(channel, payload, fds):
    """In the build stage: leave a process behind in a session of its own."""
    pid = os.fork()
    if pid == 0:
        os.setsid()
        if os.fork() == 0:
            time.sleep(300)
        os._exit(0)
    os.waitpid(pid, 0)
    grandchild = subprocess.Popen(["sleep", "300"])
    channel.send({"group": grandchild.pid})
    if payload["stay"]:
        channel.recv()


def compile_c(channel, payload, fds):
    """Build and open a C++ library, as the build stage must be able to."""
    with open("t.cpp", "w") as file:
        file.write('extern "C" int answer() { return 42; }')
    subprocess.run(["g++", "-shared", "-fPIC", "-o", "t.so", "t.cpp"], check=True)
    channel.send(ctypes.CDLL("./t.so").answer())


def parallel_torch(channel, payload, fds):
    import torch

    x = torch.ones(1 << 18)
    convolved = torch.nn.functional.conv2d(torch.ones(1, 4, 32, 32), torch.ones(4, 4, 3, 3))
    channel.send([float((x + x).sum()), float(convolved[0, 0, 0, 0]), torch.get_num_threads()])


def thread_bomb(channel, payload, fds):
    channel.send("ready")
    while True:
        try:
            threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
        except RuntimeError:
            time.sleep(0.01)


def fork_bomb(channel, payload, fds):
    """Fork for ever; in the run stage the first fork already fails."""
    while True:
        try:
            if os.fork() == 0:
                os.setsid()
        except BlockingIOError:
            time.sleep(0.01)


def stamp(channel, payload, fds):
    """Send the time at which the entry began."""
    channel.send(time.monotonic_ns())


def mark(channel, payload, fds):
    """Change all that is known of a file of one's own; send whether it is as before, and what came of it."""
    with open("own", "w", encoding="ascii") as file:
        file.write("x")
        os.fchmod(file.fileno(), 0o751)
    before = os.stat("own")
    os.chmod("own", 0o777)
    os.utime("own", ns=(5, 7))
    os.chown("own", os.getuid(), os.getgid())
    after = os.stat("own")
    try:
        os.setxattr("own", "user.left", b"1")
        said = "left"
    except OSError as error:
        said = errno.errorcode[error.errno]
    flags = []
    for request in (0x40086602, 0x401C5820):  # a file's flags, as chattr sets them
        with open("own", "rb") as file:
            try:
                fcntl.ioctl(file, request, bytes(64))
                flags.append("left")
            except OSError as error:
                flags.append(errno.errorcode[error.errno])
    kept = ("st_mode", "st_mtime_ns", "st_uid")
    channel.send(
        {"same": [getattr(before, k) == getattr(after, k) for k in kept], "xattr": said, "flags": flags}
    )


_OPENMP = """
#include <omp.h>
extern "C" int team() { int n = 0;
#pragma omp parallel reduction(+:n)
  n += 1;
  return n; }
"""


def build_library(channel, payload, fds):
    """Build stage: an OpenMP library, by ninja as torch's own extension builder would."""
    folder = payload["cache"]
    with open(f"{folder}/team.cpp", "w") as file:
        file.write(_OPENMP)
    with open(f"{folder}/build.ninja", "w") as file:
        file.write(
            "rule cc\n  command = g++ -O2 -shared -fPIC -fopenmp -o $out $in\nbuild team.so: cc team.cpp\n"
        )
    subprocess.run([payload["ninja"], "-C", folder], check=True, stdout=subprocess.DEVNULL)
    channel.send("built")


def run_library(channel, payload, fds):
    """Run stage: open what the build stage made, beside torch, on every thread."""
    import torch

    team = ctypes.CDLL(payload["cache"] + "/team.so").team()
    rows = torch.ones(1 << 18).sum().item()
    with torch.no_grad():
        lstm = torch.nn.LSTM(8, 16, batch_first=True)(torch.ones(2, 5, 8))[0].shape
        attention = torch.nn.functional.scaled_dot_product_attention(*[torch.ones(1, 2, 16, 8)] * 3).sum()
    channel.send([team, rows, list(lstm), float(attention)])


def compile_torch(channel, payload, fds):
    import torch

    with torch.no_grad():
        module = torch.nn.Sequential(torch.nn.Linear(8, 16), torch.nn.GELU(), torch.nn.Linear(16, 4))
        x = torch.ones(3, 8)
        difference = (torch.compile(module)(x) - module(x)).abs().max()
    channel.send(float(difference))


STUB = """
#include <Python.h>
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "stub", NULL, -1, NULL};
PyMODINIT_FUNC PyInit_stub(void) { return PyModule_Create(&module); }
"""


def use_triton(channel, payload, fds):
    """Compile a kernel for a device that is not here and a C module like Triton's launcher; or find both."""
    try:
        import triton
        from triton.backends.compiler import GPUTarget
        from triton.compiler import ASTSource
        from triton.runtime.build import compile_module_from_src

        from tests.sandbox.triton_kernel import add

        kinds = {"x": "*fp32", "y": "*fp32", "n": "i32", "BLOCK": "constexpr"}
        source = ASTSource(add, kinds, {"BLOCK": 64})
        made = triton.compile(source, target=GPUTarget("cuda", 90, 32))
        stub = compile_module_from_src(STUB, "stub")
        channel.send({"cubin": len(made.asm["cubin"]), "stub": stub.__name__})
    except Exception as error:
        channel.send({"error": f"{type(error).__name__}: {error}"})
