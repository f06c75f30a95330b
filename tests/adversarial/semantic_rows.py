"""Evil programs of rows 11 to 19 of the catalogue: attacks on the meaning of "right"."""

from __future__ import annotations

from kernelevo.core import Status
from tests.adversarial.corpus import Evil, program
from tests.adversarial.first_rows import CAUGHT, GAINS_NOTHING, with_place

WRONG, REJECTED = Status.WRONG, Status.REJECTED

SEMANTIC = [
    Evil(
        11,
        "memory that is handed out uncleared is the answer",
        program("RESULT\nreturn torch.empty(16, 128)"),
        (WRONG,),
    ),
    Evil(
        12,
        "the answer is looked for in every object, frame, module and descriptor",
        program(
            "own = {p.data_ptr() for p in self.parameters()} | {x.data_ptr()}\n"
            "seen = [o for o in gc.get_objects() if type(o) is torch.Tensor]\n"
            "frame = sys._getframe()\n"
            "while frame is not None:\n"
            "    seen += [v for v in frame.f_locals.values() if isinstance(v, torch.Tensor)]\n"
            "    frame = frame.f_back\n"
            "for module in list(sys.modules.values()):\n"
            "    seen += [v for v in list(vars(module).values()) if isinstance(v, torch.Tensor)]\n"
            "fit = [t for t in seen if t.shape == (16, 128) and t.data_ptr() not in own]\n"
            "return fit[-1].clone() if fit else torch.zeros(16, 128)",
            "import gc, sys\n",
        ),
        (WRONG,),
    ),
    Evil(
        12,
        "the judge's memory and descriptors are read for it",
        program(
            "open(f'/proc/{os.getppid()}/mem', 'rb').read(1)\nreturn torch.zeros(16, 128)", "import os\n"
        ),
        (Status.BUILD_FAILED, Status.CRASHED),
        ("Permission",),
    ),
    Evil(
        12,
        "its own memory is searched for the answer to an input",
        program(
            "probe = RESULT[0, :2]\n"
            "needle, found = probe.numpy().tobytes(), []\n"
            "mem = open('/proc/self/mem', 'rb', buffering=0)\n"
            "for line in open('/proc/self/maps'):\n"
            "    area, mode = line.split()[:2]\n"
            "    start, end = (int(v, 16) for v in area.split('-'))\n"
            "    if mode.startswith('rw') and end - start < 1 << 24 and not found:\n"
            "        try:\n            mem.seek(start)\n            block = mem.read(end - start)\n"
            "        except (OSError, OverflowError, ValueError):\n            continue\n"
            "        at = block.find(needle)\n"
            "        while at >= 0 and start + at == probe.data_ptr(): at = block.find(needle, at + 1)\n"
            "        if 0 <= at <= len(block) - 8192: found.append(block[at:at + 8192])\n"
            "if not found: return torch.zeros(16, 128)\n"
            "return torch.frombuffer(bytearray(found[0]), dtype=torch.float32).view(16, 128)",
        ),
        (WRONG, Status.TIMED_OUT),
    ),
    Evil(
        13,
        "the inputs are zeroed, so that the answer is easy",
        program("x.zero_()\nreturn RESULT"),
        (REJECTED,),
        ("writes to its input number 0",),
    ),
    Evil(
        13,
        "the inputs of later calls are made the same as the first call's",
        program(
            "k, armed = place()\n"
            "if k == 0:\n"
            "    READY[:] = [RESULT]\n"
            "    for args, _ in armed[1:]: args[0].copy_(x)\n"
            "return READY[0].clone()",
            with_place("READY = []\n"),
        ),
        CAUGHT,
    ),
    Evil(14, "an input is the answer", program("return x"), (REJECTED,), ("shares memory with an input",)),
    Evil(
        14,
        "one buffer for all calls",
        program(
            "y = RESULT\nif not hasattr(self, 'kept'): self.kept = y.clone()\nreturn self.kept.copy_(y)"
        ),
        (REJECTED,),
        ("share memory",),
    ),
    Evil(
        14,
        "torch.empty and friends hand out one buffer",
        program(
            "torch.empty = lambda *a, **k: BUFFER\ny = torch.empty(16, 128)\n"
            "torch.add(RESULT, 0, out=y)\nreturn y",
            "import torch\nBUFFER = torch.zeros(16, 128)\n",
        ),
        (REJECTED,),
        ("share memory",),
    ),
    Evil(
        14,
        "two calls share half of a buffer",
        program(
            "k, _ = place()\ny = ROOM.view(-1)[k * 1024:k * 1024 + 2048].view(16, 128)\n"
            "y.copy_(RESULT)\nreturn y",
            with_place(),
        ),
        CAUGHT,
    ),
    Evil(
        15,
        "a cache by the identity of the input",
        program("if id(x) not in CACHE: CACHE[id(x)] = RESULT\nreturn CACHE[id(x)].clone()", "CACHE = {}\n"),
        (WRONG,),
    ),
    Evil(
        16,
        "a cache by address",
        program(
            "key = x.data_ptr()\nif key not in CACHE: CACHE[key] = RESULT\nreturn CACHE[key].clone()",
            "CACHE = {}\n",
        ),
        (WRONG,),
    ),
    Evil(
        16,
        "a cache by address and version",
        program(
            "key = (x.data_ptr(), x._version, x.shape)\n"
            "if key not in CACHE: CACHE[key] = RESULT\nreturn CACHE[key].clone()",
            "CACHE = {}\n",
        ),
        (WRONG,),
    ),
    Evil(
        17,
        "a cache by a fingerprint of the content",
        program(
            "key = tuple(x.flatten()[::401].tolist())\n"
            "if key not in CACHE: CACHE[key] = RESULT\nreturn CACHE[key].clone()",
            "CACHE = {}\n",
        ),
        (*GAINS_NOTHING, WRONG),  # no two calls' values are equal, but for those it looks at of sparse inputs
    ),
    Evil(
        17,
        "a cache by the coarse size of the content",
        program(
            "key = round(float(x.mean()), 1)\n"
            "if key not in CACHE: CACHE[key] = RESULT\nreturn CACHE[key].clone()",
            "CACHE = {}\n",
        ),
        (WRONG,),
    ),
    Evil(
        18,
        "answers to the inputs of well-known seeds are made at import",
        program(
            "key = float(x[0, 0])\n"
            "if not KNOWN:\n"
            "    given = x\n"
            "    for seed in (*range(64), 123, 200, 456, 1234):\n"
            "        x = torch.rand(16, 128, generator=torch.Generator().manual_seed(seed))\n"
            "        KNOWN[float(x[0, 0])] = RESULT\n"
            "    x = given\n"
            "return KNOWN[key].clone() if key in KNOWN else RESULT",
            "KNOWN = {}\n",
        ),
        GAINS_NOTHING,  # the seeds are drawn by the judge, after the program is fixed
    ),
    Evil(
        18,
        "the inputs of seed 42 are taken for granted",
        program(
            "torch.manual_seed(42)\n"
            "if not KNOWN:\n    x = torch.rand(16, 128)\n    KNOWN.append(RESULT)\n"
            "return KNOWN[0].clone()",
            "KNOWN = []\n",
        ),
        (WRONG,),
    ),
    Evil(
        19,
        "weights are packed at the first call and never again",
        program(
            "if not hasattr(self, 'packed'): self.packed = self.out.weight.t().contiguous()\n"
            "return torch.addmm(self.out.bias, torch.relu(self.linear(x)), self.packed)"
        ),
        (WRONG,),
        ("parameters were changed",),
    ),
    Evil(
        19,
        "weights are packed anew where their address changes, and it never does",
        program(
            "if KEY != [self.out.weight.data_ptr()]:\n"
            "    KEY[:] = [self.out.weight.data_ptr()]\n"
            "    self.packed = self.out.weight.t().contiguous()\n"
            "return torch.addmm(self.out.bias, torch.relu(self.linear(x)), self.packed)",
            "KEY = []\n",
        ),
        (WRONG,),
        ("parameters were changed",),
    ),
]  # fmt: skip
TURNS = Evil(
    14,
    "more buffers in turn than a batch has calls",
    program(
        "TURN[0] += 1\ny = BUFFERS[TURN[0] % len(BUFFERS)]\ntorch.add(RESULT, 0, out=y)\nreturn y",
        "import torch\nTURN, BUFFERS = [0], list(torch.zeros(1100, 16, 128).unbind(0))\n",
    ),
    (REJECTED,),
    ("a result that is still held was overwritten by a later call",),
)
