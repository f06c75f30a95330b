"""Evil programs of rows 1 to 10 of the catalogue: attacks on the clock. Those of 11 to 19: semantic_rows."""

from __future__ import annotations

from kernelevo.core import Status
from tests.adversarial.corpus import Evil, program

OK, WRONG, REJECTED = Status.OK, Status.WRONG, Status.REJECTED
CRASHED, BUILD_FAILED = Status.CRASHED, Status.BUILD_FAILED
CAUGHT = (WRONG, REJECTED)
GAINS_NOTHING = (OK,)
DEFERRED = "deferred write"
IN_TIME = "in a call that was timed"

# where a program stands in its batch: the worker's own lists, found through the frames below forward
PLACE = """
import sys
FOUND = []


def place():
    frame = sys._getframe(1)
    while not FOUND:
        if hasattr(frame.f_locals.get("self"), "_armed"):
            FOUND.append(frame.f_locals["self"])
        frame = frame.f_back
    return len(FOUND[0]._kept), FOUND[0]._armed


ROOM = torch.zeros(1024, 16, 128)  # outputs that cost nothing, each in a place of its own
"""
FAKE_CLOCK = "import time\ntime.perf_counter_ns = lambda: 0\n"


def with_place(more: str = "") -> str:
    return f"import torch\n{PLACE}{more}"


CLOCK = [
    Evil(
        1,
        "a queue of its own works on after the call (a side stream, on a CPU)",
        program(
            "y = torch.zeros(16, 128)\nQUEUE.submit(lambda: (time.sleep(0.001), y.copy_(RESULT)))\nreturn y",
            "import time\nfrom concurrent.futures import ThreadPoolExecutor\nQUEUE = ThreadPoolExecutor(1)",
        ),
        CAUGHT,
    ),
    Evil(
        2,
        "a thread of Python writes after the return",
        program(
            "y = torch.zeros(16, 128)\nright = RESULT\n"
            "threading.Timer(0.001, lambda: y.copy_(right)).start()\nreturn y",
            "import threading",
        ),
        CAUGHT,
    ),
    Evil(
        2,
        "a thread of C++ that Python does not know",
        program(
            "y, right = torch.zeros(16, 128), RESULT\nself.alive = (right, y)\n"
            "LATE.late(y.data_ptr(), right.data_ptr(), y.numel())\nreturn y",
            '''import kernelevo
LATE = kernelevo.cpp("""
#include <chrono>
#include <cstring>
#include <thread>
extern "C" void late(float* to, const float* from, long count) {
    std::thread([=] {
        std::this_thread::sleep_for(std::chrono::microseconds(700));
        std::memcpy(to, from, count * sizeof(float));
    }).detach();
}
""")''',
        ),
        CAUGHT,
    ),
    Evil(
        3,
        "a lazy subclass that computes when it is compared",
        program(
            "lazy = torch.zeros(16, 128).as_subclass(Lazy)\nlazy.todo = lambda: RESULT\nreturn lazy",
            "import torch\n\n\nclass Lazy(torch.Tensor):\n"
            "    @classmethod\n"
            "    def __torch_function__(cls, function, types, args=(), kwargs=None):\n"
            "        if function.__name__ in ('allclose', 'sub', 'eq'):\n"
            "            args = [a.todo() if hasattr(a, 'todo') else a for a in args]\n"
            "        return super().__torch_function__(function, types, args, kwargs or {})\n",
        ),
        (REJECTED,),
        ("subclass",),
    ),
    Evil(
        3,
        "Tensor.data_ptr computes what the call left out, when the outputs are described",
        program(
            "y = torch.empty(16, 128)\nTODO[id(y)] = (self, x)\nreturn y",
            "import torch\nTODO, plain = {}, torch.Tensor.data_ptr\n\n\n"
            "def data_ptr(own):\n"
            "    if id(own) in TODO:\n"
            "        self, x = TODO.pop(id(own))\n"
            "        own.copy_(RESULT)\n"
            "    return plain(own)\n\n\n"
            "torch.Tensor.data_ptr = data_ptr\n",
        ),
        GAINS_NOTHING,  # describing lies within the clock
    ),
    Evil(
        3,
        "Tensor.data_ptr names an input",
        program(
            "return torch.empty(16, 128)",
            "import torch\n" + PLACE + "plain = torch.Tensor.data_ptr\n"
            "torch.Tensor.data_ptr = lambda own: plain(FOUND[0]._armed[0][0][0])\n",
        ).replace("return torch.empty", "place()\n        return torch.empty"),
        (REJECTED,),
        ("shares memory with an input",),
    ),
    Evil(
        3,
        "Tensor.data_ptr names memory that nobody has",
        program("return RESULT", "import torch\ntorch.Tensor.data_ptr = lambda own: 4096\n"),
        (REJECTED,),
        ("does not have the memory it named",),
    ),
    Evil(
        4,
        "every clock and comparison of its own process is patched",
        program(
            "return RESULT",
            "import time, torch\n"
            "for name in ('time', 'perf_counter', 'monotonic', 'process_time'):\n"
            "    setattr(time, name, lambda: 0.0)\n"
            "    setattr(time, name + '_ns', lambda: 0)\n"
            "torch.cuda.synchronize = lambda *a: None\n"
            "torch.allclose = torch.equal = lambda *a, **k: True\n"
            "torch.cuda.Event.elapsed_time = lambda *a: 1e-9\n",
        ),
        GAINS_NOTHING,
    ),
    Evil(
        4,
        "the comparisons are patched, and the answer is nonsense",
        program(
            "return torch.zeros(16, 128)",
            "import torch, kernelevo.kernels.reference.correctness as c, kernelevo.backends.native as n\n"
            "torch.allclose = torch.equal = c.compare = n.compare = lambda *a, **k: True\n",
        ),
        (WRONG,),
        ("worst at",),
    ),
    Evil(
        5,
        "a reply of its own, then exit 0",
        program(
            "import json, os, struct\n"
            "body = json.dumps({'ns': 1, 'structures': ['*'], 'kinds': [], 'results': []}).encode()\n"
            "os.write(3, struct.pack('<IB', len(body), 0) + body)\nos._exit(0)"
        ),
        (CRASHED, REJECTED, Status.BUILD_FAILED),
    ),
    Evil(
        5,
        "'done' is said by libc before anything is done",
        program(
            "k, armed = place()\n"
            "if k == 0 and len(armed) > 1:\n"
            "    kind = {'exact': True, 'dtype': 'float32', 'shape': [16, 128], 'stride': [128, 1],\n"
            "            'device': 'cpu'}\n"
            "    at = [[0, [[0, ROOM[i].data_ptr()]]] for i in range(len(armed))]\n"
            "    said = {'ns': 1, 'structures': ['*'], 'kinds': [kind], 'results': at}\n"
            "    body = json.dumps(said).encode()\n"
            "    body = struct.pack('<IB', len(body), 0) + body\n"
            "    ctypes.CDLL(None).write(3, body, len(body))\n"
            "return RESULT",
            "import ctypes, json, struct\n" + with_place(),
        ),
        CAUGHT,
    ),
    Evil(
        5,
        "noise on the channel",
        program(
            "if os.environ['KERNELEVO_STAGE'] == 'run': os.write(3, b'\\xff' * 64)\nreturn RESULT",
            "import os",
        ),
        (REJECTED,),
        ("broke the protocol",),
    ),
    Evil(
        5,
        "the memory that it shares with the judge is cut off",
        program("import os\nfor fd in range(4, 10): os.ftruncate(fd, 0)\nreturn RESULT"),
        (CRASHED,),
        ("not permitted",),
    ),
    Evil(
        6,
        "exact for the first calls, cheap afterwards",
        program(
            "CALLS.append(0)\nk, _ = place()\nreturn RESULT if len(CALLS) < 60 else ROOM[k]",
            with_place("CALLS = []\n"),
        ),
        (WRONG,),
        (IN_TIME,),
    ),
    Evil(
        6,
        "exact where one call is armed, cheap in a batch",
        program("k, armed = place()\nreturn RESULT if len(armed) == 1 else ROOM[k]", with_place()),
        (WRONG,),
        ("wrong result in a call",),
    ),
    Evil(
        6,
        "one call in three is left out",
        program(
            "k, armed = place()\nreturn ROOM[k] if len(armed) > 8 and k % 3 == 1 else RESULT",
            with_place(),
        ),
        (WRONG,),
        ("wrong result",),  # in a timed call, or before that in a batch of many calls
    ),
    Evil(
        6,
        "the name of a frame tells whether it is checked",
        program(
            "import inspect\nnames = {f.function for f in inspect.stack()}\n"
            "checked = names & {'case', 'compare', 'verify', 'do_buffers', 'test', 'allclose'}\n"
            "return RESULT if checked or STAGE == 'build' else torch.zeros(16, 128)",
            "import os\nSTAGE = os.environ.get('KERNELEVO_STAGE')\n",
        ),
        (WRONG,),
        ("worst at",),
    ),
    Evil(
        7,
        "the first call of a batch computes all of them at once",
        program(
            "k, armed = place()\nif len(armed) == 1: return RESULT\n"
            "if k == 0:\n"
            "    x = torch.stack([args[0] for args, _ in armed])\n"
            "    READY[:] = RESULT.unbind(0)\n"
            "return READY[k]",
            with_place("READY = []\n"),
        ),
        (WRONG,),
        ("work was moved between the calls",),
    ),
    Evil(
        7,
        "calls hand out buffers, and the last one of a batch fills them all",
        program(
            "k, armed = place()\nif len(armed) == 1: return RESULT\n"
            "if k == 0: READY[:] = torch.empty(len(armed), 16, 128).unbind(0)\n"
            "if k == len(armed) - 1:\n"
            "    x = torch.stack([args[0] for args, _ in armed])\n"
            "    READY[0]._base.copy_(RESULT)\n"
            "return READY[k]",
            with_place("READY = []\n"),
        ),
        (WRONG,),
        ("work was moved between the calls",),
    ),
    Evil(
        7,
        "what is left out is made up for when the judge asks for a rest",
        program(
            "k, armed = place()\ny = torch.zeros(16, 128)\nTODO.append((self, x, y))\n"
            "FOUND[0].do_rest = rest\nreturn y",
            with_place("TODO = []\n\n\ndef rest(order):\n    while TODO:\n        self, x, y = TODO.pop()\n"
                   "        y.copy_(RESULT)\n    return {}\n"),
        ),
        CAUGHT,
    ),
    Evil(
        8,
        "a thread keeps weights in the cache between batches",
        program(
            "if not WARM:\n"
            "    WARM.append(threading.Thread(target=warm, args=(self.linear.weight,), daemon=True))\n"
            "    WARM[0].start()\n"
            "return RESULT",
            "import threading, time\nWARM = []\n\n\ndef warm(weight):\n"
            "    while True:\n        weight.sum()\n        time.sleep(0.005)\n",
        ),
        GAINS_NOTHING,
    ),
    Evil(
        9,
        "it ranks itself first, moves others off their cores and stops them",
        program(
            "return RESULT",
            "import contextlib, ctypes, os, signal\n"
            "for act in (lambda: os.nice(-20), lambda: os.setpriority(os.PRIO_PROCESS, os.getppid(), 19),\n"
            "            lambda: os.sched_setaffinity(os.getppid(), {0}),\n"
            "            lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(9))):\n"
            "    with contextlib.suppress(OSError):\n        act()\n"
            "near = range(os.getpid() - 40, os.getpid() + 40)\n"
            "for pid in near if os.environ.get('KERNELEVO_STAGE') == 'run' else ():\n"
            "    if pid == os.getpid(): continue\n"
            "    with contextlib.suppress(OSError):\n        os.kill(pid, signal.SIGSTOP)\n",
        ),
        GAINS_NOTHING,
    ),
    Evil(
        9,
        "a process from its build burns a core while the baseline is timed",
        program(
            "return RESULT",
            "import os, time\n"
            "if os.environ.get('KERNELEVO_STAGE') == 'build' and os.fork() == 0:\n"
            "    os.setsid()\n"
            "    end = time.monotonic() + 20\n"
            "    while time.monotonic() < end: pass\n"
            "    os._exit(0)\n",
        ),
        GAINS_NOTHING,
    ),
    Evil(
        10,
        "global flags and functions are changed to slow the baseline",
        program(
            "return FAST(torch.relu(FAST(x, self.linear.weight, self.linear.bias)), self.out.weight, "
            "self.out.bias)",
            "import time, torch\nimport torch.nn.functional as F\nFAST = F.linear\n\n\n"
            "def slow(*args):\n    time.sleep(0.001)\n    return FAST(*args)\n\n\n"
            "F.linear = torch.nn.functional.linear = slow\n"
            "torch.backends.mkldnn.enabled = True\ntorch.set_num_interop_threads(1)\n",
        ),
        GAINS_NOTHING,
    ),
]  # fmt: skip

LUCKY = Evil(
    6,
    "its clock lies, so that the shortest time counts, and one batch is left out",
    program(
        "k, armed = place()\n"
        "if k == 0 and len(armed) > 8: BATCHES.append(0)\n"
        "return ROOM[k] if len(BATCHES) == 6 and len(armed) > 8 else RESULT",
        FAKE_CLOCK + with_place("BATCHES = []\n"),
    ),
    (WRONG,),
    (IN_TIME,),
)
"""Needs a duel of many batches: of a few all samples are verified anyway."""

STATEFUL_MODEL = """
import torch
from torch import nn


class Model(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.cell = nn.Linear(width + 64, 64)
        self.hidden = torch.randn(32, 64)

    def forward(self, x):
        self.hidden = torch.tanh(self.cell(torch.cat([x, self.hidden], dim=1)))
        return self.hidden


def get_inputs():
    return [torch.rand(32, 64)]


def get_init_inputs():
    return [64]
"""
STATEFUL = Evil(
    6,
    "the state is kept for a few calls, then nothing is computed any more",
    "import torch\nROOM = torch.zeros(4096, 32, 64)\n\n\n"
    + STATEFUL_MODEL.replace("class Model(", "class ModelNew(")
    .partition("def get_inputs")[0]
    .replace(
        "    def forward(self, x):\n",
        "    def forward(self, x):\n        self.calls = getattr(self, 'calls', 0) + 1\n"
        "        if self.calls > 4: return ROOM[self.calls % 4096]\n",
    ),
    (WRONG,),
    (IN_TIME,),
)

SPIN = "torch.cuda._sleep(200_000_000)"
DEVICE = [
    Evil(
        1,
        "work on a side stream that nobody waits for",
        program(
            "with torch.cuda.stream(SIDE[0] if SIDE else SIDE.append(torch.cuda.Stream()) or SIDE[0]):\n"
            "    return RESULT",
            "SIDE = []\n",
        ),
        (OK, WRONG, REJECTED),
        gpu=True,
    ),
    Evil(
        4,
        "events and synchronisation are patched",
        program(
            "return RESULT",
            "import torch\ntorch.cuda.Event.elapsed_time = lambda *a: 1e-6\n"
            "torch.cuda.synchronize = lambda *a: None\n"
            "torch.cuda.Stream.synchronize = lambda *a: None\n",
        ),
        (OK, WRONG, REJECTED),
        gpu=True,
    ),
    Evil(
        8,
        "its inputs persist in the second level cache",
        program(
            "driver = ctypes.CDLL('libcuda.so.1')\n"
            "driver.cuCtxSetLimit(6, ctypes.c_size_t(32 << 20))\n"
            "window = Window(x.data_ptr(), x.numel() * 4, 1.0, 2, 1)\n"
            "stream = ctypes.c_void_p(torch.cuda.current_stream().cuda_stream)\n"
            "driver.cuStreamSetAttribute(stream, 1, ctypes.byref(window))\n"
            "return RESULT",
            "import ctypes\n\n\nclass Window(ctypes.Structure):\n"
            "    _fields_ = [('base', ctypes.c_void_p), ('size', ctypes.c_size_t),\n"
            "                ('ratio', ctypes.c_float), ('hit', ctypes.c_int), ('miss', ctypes.c_int),\n"
            "                ('rest', ctypes.c_char * 36)]\n",
        ),
        GAINS_NOTHING,
        gpu=True,
    ),
    Evil(
        9,
        "a kernel is left spinning on a side stream while the baseline is timed",
        program(
            "y = RESULT\n"
            "if not SIDE: SIDE.append(torch.cuda.Stream())\n"
            "with torch.cuda.stream(SIDE[0]):\n"
            f"    {SPIN}\n"
            "return y",
            "import torch\nSIDE = []\ntorch.cuda.synchronize = lambda *a: None\n",
        ),
        (OK, WRONG, REJECTED, Status.TIMED_OUT),
        gpu=True,
    ),
]  # fmt: skip
