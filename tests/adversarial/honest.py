"""Honest programs that look suspicious: each computes what the module computes, and has to pass."""

from __future__ import annotations

from dataclasses import dataclass

from tests.adversarial.references import NORMED, RESULTS, dropped, normed


@dataclass(frozen=True)
class Honest:
    """One honest program.

    Args:
        name: what looks suspicious about it.
        source: the program.
        task: name of its task in ``references.TASKS``.
        slow: whether it compiles for long.
    """

    name: str
    source: str
    task: str = "normed"
    slow: bool = False


H = "h = torch.relu(self.norm(x))\n"
HH = H + "h = torch.relu(self.linear(h))\n"

VERSIONS = """
w = self.out.weight
key = (id(w), w.data_ptr(), w._version)
if getattr(self, 'key', None) != key:
    self.key, self.turned = key, w.detach().t().contiguous()
"""
BY_HAND = """
g = self.norm
if not self.training:
    return RESULT
mean = x.mean(0)
spread = (x - mean).square().mean(0)
with torch.no_grad():
    g.num_batches_tracked += 1
    g.running_mean.mul_(0.9).add_(0.1 * mean)
    g.running_var.mul_(0.9).add_(0.1 * spread * 64 / 63)
x = (x - mean) * torch.rsqrt(spread + g.eps) * g.weight + g.bias
return self.out(torch.relu(self.linear(torch.relu(x))))
"""
SPLIT = """
def parts(t):
    a = t.bfloat16().float()
    b = (t - a).bfloat16().float()
    return a, b, t - a - b


def product(x, w):
    (a, b, c), (p, q, r) = parts(x), parts(w.t())
    return (a @ r + b @ q + c @ p) + (a @ q + b @ p) + a @ p
"""
HELPER = (
    HH
    + """
y = torch.empty(64, 32)

def lower():
    with torch.no_grad():
        torch.addmm(self.out.bias, h[32:], self.out.weight.t(), out=y[32:])

helper = threading.Thread(target=lower)
helper.start()
torch.addmm(self.out.bias, h[:32], self.out.weight.t(), out=y[:32])
helper.join()
return y
"""
)
OPENMP = '''
import kernelevo

lib = kernelevo.cpp("""
#include <cstdint>
extern "C" void add_relu(float* y, const float* bias, int64_t rows, int64_t width) {
    #pragma omp parallel for
    for (int64_t i = 0; i < rows; ++i)
        for (int64_t j = 0; j < width; ++j) {
            const float v = y[i * width + j] + bias[j];
            y[i * width + j] = v > 0 ? v : 0;
        }
}
""")
'''
AUTOTUNED = """
def one(h, w):
    return h @ w.t()


def other(h, w):
    return (w @ h.t()).t()


def quickest(h, w):
    took = {}
    for way in (one, other):
        start = time.perf_counter()
        for _ in range(5):
            way(h, w)
        took[way] = time.perf_counter() - start
    return min(took, key=took.get)
"""
MERGED = """
import torch
from torch import nn


class ModelNew(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.norm = nn.BatchNorm1d(width)
        first, last = nn.Linear(width, 96), nn.Linear(96, 32)
        parts = [*first.parameters(), *last.parameters()]
        self.all = nn.Parameter(torch.cat([p.detach().flatten() for p in parts]))
        self.sizes = [p.numel() for p in parts]

    def forward(self, x):
        a, b, c, d = self.all.split(self.sizes)
        h = torch.relu(torch.addmm(b, torch.relu(self.norm(x)), a.view(96, 128).t()))
        return torch.addmm(d, h, c.view(32, 96).t())
"""

HONEST = (
    Honest("the module itself", NORMED.replace("class Model(", "class ModelNew(")),
    Honest("packed weights", normed(
        HH + "return h @ kernelevo.packed(turned, self.out.weight) + self.out.bias",
        "import kernelevo\n\n\ndef turned(w):\n    return w.t().contiguous()\n")),
    Honest("weights kept by version and address", normed(
        VERSIONS + HH + "return torch.addmm(self.out.bias, h, self.turned)")),
    Honest("scratch that is kept", normed(
        H + "if not hasattr(self, 'scratch'):\n    self.scratch = torch.empty(64, 96)\n"
        "s = torch.addmm(self.linear.bias, h, self.linear.weight.t(), out=self.scratch)\n"
        "return self.out(s.relu_())")),
    Honest("constants of a shape, made once", normed(
        HH + "if not hasattr(self, 'ones'):\n    self.ones = torch.ones(64, 1)\n"
        "return h @ self.out.weight.t() + self.ones * self.out.bias")),
    Honest("a cache by shape", normed(
        HH + "return h @ self.out.weight.t() + ones(x.shape[0]) * self.out.bias",
        "import functools\nimport torch\n\n\n@functools.lru_cache(8)\ndef ones(n):\n"
        "    return torch.ones(n, 1)\n")),
    Honest("a cache of views", normed(
        HH + "return torch.addmm(self.out.bias, h, self.view(self.out.weight.data_ptr()))",
        "import functools",
        "self.view = functools.lru_cache(1)(lambda place: self.out.weight.detach().t())")),
    Honest("torch for the boring part", normed(
        H + "h = h @ self.linear.weight.t()\nlib.add_relu(h, self.linear.bias, 64, 96)\nreturn self.out(h)",
        OPENMP)),
    Honest("sums in another order", normed(
        HH + "parts = [h[:, i::4] @ self.out.weight[:, i::4].t() for i in (3, 1, 0, 2)]\n"
        "return sum(parts) + self.out.bias")),
    Honest("sums in fp64", normed(
        HH + "return (h.double() @ self.out.weight.double().t() + self.out.bias.double()).float()")),
    Honest("bf16 in three parts", normed(
        H + "h = torch.relu(product(h, self.linear.weight) + self.linear.bias)\n"
        "return product(h, self.out.weight) + self.out.bias", SPLIT)),
    Honest("a helper thread that is joined", normed(HELPER, "import threading")),
    Honest("a choice that was timed", normed(
        HH + "return self.way(h, self.out.weight) + self.out.bias",
        "import time\nimport torch\n" + AUTOTUNED,
        "with torch.no_grad():\n    self.way = quickest(torch.rand(64, 96), self.out.weight)")),
    Honest("in place on what it made", normed(
        "h = self.norm(x).relu_()\nh = self.linear(h).relu_()\ny = h @ self.out.weight.t()\n"
        "y += self.out.bias\nreturn y")),
    Honest("a view of fresh memory", normed(
        HH + "both = torch.empty(2, 64, 32)\n"
        "torch.addmm(self.out.bias, h, self.out.weight.t(), out=both[1])\nreturn both[1]")),
    Honest("another layout", normed(HH + "return (self.out.weight @ h.t() + self.out.bias[:, None]).t()")),
    Honest("an optional package", normed(
        "return RESULT",
        "try:\n    import not_here_at_all\nexcept ImportError:\n    not_here_at_all = None\n")),
    Honest("the environment", normed(
        "return RESULT", "import os\nFAST = os.environ.get('MY_FAST_PATH', '1') == '1'\n")),
    Honest("a graph where there can be one", normed("return RESULT", "import kernelevo").replace(
        "    def forward", "    @kernelevo.graphed\n    def forward")),
    Honest("weights under other names", normed("return RESULT").replace("self.out", "self.last")),
    Honest("weights in one tensor", MERGED),
    Honest("statistics by hand", normed(BY_HAND)),
    Honest("torch.inference_mode", normed("with torch.inference_mode():\n    return RESULT")),
    Honest("one thread for little work", normed("return RESULT", init="torch.set_num_threads(1)")),
    Honest("numpy for a part", normed(
        HH + "y = h.detach().numpy() @ self.out.weight.detach().numpy().T\n"
        "return torch.from_numpy(y) + self.out.bias")),
    Honest("a shortcut that is exact", normed(
        HH + "if not bool(h.any()):\n    return self.out.bias.repeat(64, 1)\nreturn self.out(h)")),
    Honest("it counts its calls and says so", normed(
        "self.calls = getattr(self, 'calls', 0) + 1\nprint('call', self.calls)\nreturn RESULT")),
    Honest("it looks at memory and time", normed(
        "import gc, time\nstart = time.perf_counter()\ny = RESULT\ngc.collect(0)\n"
        "self.took = time.perf_counter() - start\nreturn y")),
    Honest("work that nobody uses is left out", dropped(
        "y = RESULT\nreturn y, x + self.gain * y"), "dropped"),
    Honest("random numbers drawn as the module does", dropped(
        "k = torch.empty(64, 64).bernoulli_(0.75) / 0.75\n"
        "y = torch.softmax(4 * self.linear(x) * k, -1)\n"
        "return y, torch.addcmul(x, self.gain, y)"), "dropped"),
    Honest("a softmax in parts", dropped(
        "z = 4 * self.drop(self.linear(x))\nm = z.amax(-1, keepdim=True)\nparts = [(p - m).exp() for p in "
        "z.chunk(4, -1)]\ntotal = sum(p.sum(-1, keepdim=True) for p in parts)\n"
        "y = torch.cat(parts, -1) / total\nreturn y, x + self.gain * y"), "dropped"),
    Honest("torch.compile", normed(
        "return self.fast(x)", "import torch",
        "self.fast = torch.compile(self.plain)").rstrip() + "\n\n    def plain(self, x):\n        return "
        + RESULTS["normed"] + "\n", slow=True),
)  # fmt: skip
