"""Harvested programs against eager and torch.compile, in interleaved rounds.

Prints a Markdown table of ratios; parity with torch.compile (0.98-1.01) is the aim of the plain harvest.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import torch
from torch import nn

from kernelevo.graphs.capture import capture
from kernelevo.graphs.harvest.cpp import harvest, variants


def transformer() -> tuple[nn.Module, tuple[torch.Tensor, ...]]:
    layers = [nn.LayerNorm(256), nn.Linear(256, 512), nn.GELU(approximate="tanh"), nn.Linear(512, 256)]
    return nn.Sequential(*layers, nn.BatchNorm1d(256), nn.ReLU()), (torch.randn(2048, 256),)


def convolution() -> tuple[nn.Module, tuple[torch.Tensor, ...]]:
    layers = [nn.Conv2d(3, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.Conv2d(32, 16, 1), nn.ReLU()]
    return nn.Sequential(*layers, nn.AvgPool2d(2)), (torch.randn(8, 3, 96, 96),)


def small() -> tuple[nn.Module, tuple[torch.Tensor, ...]]:
    return nn.Sequential(nn.Linear(64, 64), nn.Tanh(), nn.Linear(64, 64), nn.Softmax(-1)), (
        torch.randn(16, 64),
    )


CASES = {"LN-MLP-BN 2048x256": transformer, "conv-BN-pool 8x3x96x96": convolution, "small MLP 16x64": small}


def milliseconds(run: Callable[[], object], seconds: float = 0.15) -> float:
    """Shortest call within about ``seconds``: what a busy machine disturbs least."""
    times: list[float] = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(times) < 3:
        start = time.perf_counter_ns()
        run()
        times.append((time.perf_counter_ns() - start) / 1e6)
    return min(times)


def measured(make: Callable[[], tuple[nn.Module, tuple[torch.Tensor, ...]]], rounds: int) -> dict[str, float]:
    """Median over the rounds of each form's shortest call, all forms in every round."""
    torch.manual_seed(0)
    module, inputs = make()
    captured = capture(module, inputs)
    forms: dict[str, nn.Module] = {"eager": module, "torch.compile": torch.compile(module)}
    forms |= {v.name: harvest(captured, v).gm for v in variants(captured)}
    found: dict[str, list[float]] = {name: [] for name in forms}
    with torch.no_grad():
        for form in forms.values():
            for _ in range(3):
                form(*inputs)
        for _ in range(rounds):
            for name, form in forms.items():
                found[name].append(milliseconds(lambda form=form: form(*inputs)))  # type: ignore[misc]
    return {name: statistics.median(times) for name, times in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    given = parser.parse_args()
    rounds = given.rounds
    torch.set_num_threads(given.threads)
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, {rounds} rounds\n")
    print("| module | form | ms | torch.compile / this |\n|---|---|---|---|")
    for name, make in CASES.items():
        times = measured(make, rounds)
        for form, ms in times.items():
            print(f"| {name} | {form} | {ms:.3f} | {times['torch.compile'] / ms:.2f} |", flush=True)


if __name__ == "__main__":
    main()
