"""Fused rows beside eager and torch.compile, call by call in one process.

Usage: ``python -m benchmarks.bench_fused_rows [threads]``. Judge the ratios; times are CPU time on one
thread (which other processes disturb little) and wall time on more.
"""

from __future__ import annotations

import sys
import time

import torch
import torch.nn.functional as F
from torch import nn

from kernelevo.graphs.applying import apply_one
from kernelevo.graphs.capture import capture
from kernelevo.graphs.rewrites.fused_rows import FusedRows

ROUNDS, SECONDS = 15, 0.01  # rounds, and about how long one contestant runs in each


class Stream(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm = nn.LayerNorm(768)

    def forward(self, x, y):
        x = x + y
        return x, self.norm(x)


class Scaled(nn.Module):
    def forward(self, x):
        return torch.softmax(x * 0.125, -1)


class Biased(nn.Module):
    def __init__(self):
        super().__init__()
        self.bias = nn.Parameter(torch.randn(3072))

    def forward(self, x):
        return F.gelu(x + self.bias, approximate="tanh")


class Pooled(nn.Module):
    def forward(self, x):
        return F.avg_pool2d(F.relu(x), 2)


CASES = {
    "x + y and its layer norm, 1024 x 768": (Stream(), (torch.randn(1024, 768), torch.randn(1024, 768))),
    "softmax of scaled scores, 4096 x 512": (Scaled(), (torch.randn(4096, 512),)),
    "bias and tanh-GELU, 1024 x 3072": (Biased(), (torch.randn(1024, 3072),)),
    "ReLU and 2 x 2 means, 8 x 64 x 64 x 64": (Pooled(), (torch.randn(8, 64, 64, 64),)),
}


def main(threads: int) -> None:
    torch.set_num_threads(threads)
    clock = time.process_time if threads == 1 else time.perf_counter
    for name, (module, inputs) in CASES.items():
        captured = capture(module, inputs)
        assert apply_one(captured, FusedRows()).places == 1
        rivals = {"eager": module, "compile": torch.compile(module), "fused": captured.gm}
        taken: dict[str, list[float]] = {key: [] for key in rivals}
        with torch.no_grad():
            for _ in range(ROUNDS):
                for key, rival in rivals.items():
                    rival(*inputs)
                    begin, count = clock(), 0
                    while clock() - begin < SECONDS:
                        rival(*inputs)
                        count += 1
                    taken[key].append((clock() - begin) / count)
        best = {key: sorted(times)[len(times) // 4] for key, times in taken.items()}
        told = ", ".join(f"{best[key] / best['fused']:.2f} x {key}" for key in ("eager", "compile"))
        print(f"{name}: {best['fused'] * 1e3:.3f} ms, {told}", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2)
