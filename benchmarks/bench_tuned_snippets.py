"""TUNE entries of rewrites' snippets: each choice alone and the best ones together, against the usual values.

All forms of a module run in every round, in changing order. The table gives the shortest call of all rounds
and two ratios of usual / this: of the shortest calls, and the median over the rounds. On a busy machine the
first is the one to read. ``usual again`` is the same program a second time: what it is off 1 is noise.
"""

from __future__ import annotations

import argparse
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from kernelevo.backends.candidate import load_candidate
from kernelevo.backends.tune import read_table, with_values
from kernelevo.graphs.applying import apply_rewrites
from kernelevo.graphs.capture import capture
from kernelevo.graphs.printing import print_program

Made = tuple[nn.Module, tuple[torch.Tensor, ...]]
Values = Mapping[str, Any]


class Attention(nn.Module):
    """relu(q k^T) v, causal or not."""

    def __init__(self, causal: bool) -> None:
        super().__init__()
        self.causal = causal

    def forward(self, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
        """[batch, heads, rows, size] each."""
        scores = q @ k.transpose(-2, -1) * 0.1
        if self.causal:
            hidden = torch.ones(q.shape[2], q.shape[2], dtype=torch.bool).triu(1)
            scores = scores.masked_fill(hidden, float("-inf"))
        return torch.relu(scores) @ v


class Branches(nn.Module):
    """A squeezed image and two branches."""

    def __init__(self, channels: int, squeezed: int, out: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels, squeezed, 1)
        self.one, self.three = nn.Conv2d(squeezed, out, 1), nn.Conv2d(squeezed, out, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[batch, channels, height, width] -> [batch, 2 out, height, width]."""
        x = F.relu(self.first(x))
        return torch.cat([F.relu(self.one(x)), F.relu(self.three(x))], 1)


def attention(batch: int, heads: int, rows: int, size: int, causal: bool) -> Made:
    return Attention(causal), tuple(torch.randn(batch, heads, rows, size) for _ in range(3))


def recurrent(kind: type[nn.GRU] | type[nn.LSTM], batch: int, steps: int, hidden: int) -> Made:
    return kind(16, hidden, batch_first=True), (torch.randn(batch, steps, 16),)


def chain(shape: tuple[int, ...], *layers: nn.Module) -> Made:
    return nn.Sequential(*layers), (torch.randn(*shape),)


def lenet(batch: int, channels: tuple[int, int]) -> Made:
    a, b = channels
    pool = [nn.ReLU(), nn.MaxPool2d(2)]
    return chain((batch, 1, 28, 28), nn.Conv2d(1, a, 5), *pool, nn.Conv2d(a, b, 5), nn.ReLU())


CASES: dict[str, tuple[str, Callable[[], Made]]] = {
    "attention 1x12x1024x64 causal": ("relu-attention", lambda: attention(1, 12, 1024, 64, True)),
    "attention 4x12x256x64 causal": ("relu-attention", lambda: attention(4, 12, 256, 64, True)),
    "attention 2x8x512x32": ("relu-attention", lambda: attention(2, 8, 512, 32, False)),
    "attention 8x4x100x96": ("relu-attention", lambda: attention(8, 4, 100, 96, False)),
    "batchnorm 16x64x56x56": (
        "batchnorm-relu",
        lambda: chain((16, 64, 56, 56), nn.BatchNorm2d(64), nn.ReLU()),
    ),
    "batchnorm 8x128x28x28": (
        "batchnorm-relu",
        lambda: chain((8, 128, 28, 28), nn.BatchNorm2d(128), nn.ReLU()),
    ),
    "batchnorm 4x32x192x192": (
        "batchnorm-relu",
        lambda: chain((4, 32, 192, 192), nn.BatchNorm2d(32), nn.ReLU()),
    ),
    "direct 4x3x128x128 -> 64, 3x3": (
        "direct-convolution",
        lambda: chain((4, 3, 128, 128), nn.Conv2d(3, 64, 3, padding=1), nn.ReLU()),
    ),
    "direct 32x1x28x28 -> 20, 5x5": (
        "direct-convolution",
        lambda: chain((32, 1, 28, 28), nn.Conv2d(1, 20, 5), nn.ReLU()),
    ),
    "direct 2x6x224x224 -> 24, 1x1": (
        "direct-convolution",
        lambda: chain((2, 6, 224, 224), nn.Conv2d(6, 24, 1), nn.ReLU()),
    ),
    "lanes 256 images, 6 and 16": ("small-convolutions", lambda: lenet(256, (6, 16))),
    "lanes 1024 images, 8 and 20": ("small-convolutions", lambda: lenet(1024, (8, 20))),
    "branches 2x64x112x112, 8 and 32": (
        "convolution-branches",
        lambda: (Branches(64, 8, 32), (torch.randn(2, 64, 112, 112),)),
    ),
    "branches 8x48x64x64, 12 and 48": (
        "convolution-branches",
        lambda: (Branches(48, 12, 48), (torch.randn(8, 48, 64, 64),)),
    ),
    "GRU 10x64, hidden 256": ("recurrent-cells", lambda: recurrent(nn.GRU, 10, 64, 256)),
    "GRU 2x128, hidden 96": ("recurrent-cells", lambda: recurrent(nn.GRU, 2, 128, 96)),
    "LSTM 16x32, hidden 128": ("recurrent-cells", lambda: recurrent(nn.LSTM, 16, 32, 128)),
}


def milliseconds(run: Callable[[], object], seconds: float) -> float:
    """Shortest call within about ``seconds``: what a busy machine disturbs least."""
    times: list[float] = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(times) < 3:
        start = time.perf_counter_ns()
        run()
        times.append((time.perf_counter_ns() - start) / 1e6)
    return min(times)


def measured(
    forms: Mapping[str, nn.Module], inputs: tuple[torch.Tensor, ...], rounds: int
) -> dict[str, list[float]]:
    """Shortest call of each form in each round, milliseconds."""
    found: dict[str, list[float]] = {name: [] for name in forms}
    order, rng = list(forms), random.Random(0)
    with torch.no_grad():
        for form in forms.values():
            form(*inputs)
        for _ in range(rounds):
            rng.shuffle(order)
            for name in order:
                found[name].append(milliseconds(lambda form=forms[name]: form(*inputs), 0.012))  # type: ignore[misc]
    return found


def ratios(found: Mapping[str, list[float]]) -> dict[str, tuple[float, float]]:
    """Usual / form: of the shortest calls of all rounds, and the median over the rounds."""
    usual = found["usual"]
    return {
        name: (min(usual) / min(times), statistics.median(u / t for u, t in zip(usual, times, strict=True)))
        for name, times in found.items()
    }


def lines(name: str, rewrite: str, make: Callable[[], Made], rounds: int, folder: Path) -> Iterator[str]:
    """Yield the rows of one case: each choice alone, then the best choices together."""
    torch.manual_seed(0)
    module, inputs = make()
    captured = capture(module, inputs)
    if not apply_rewrites(captured, [rewrite]):
        raise SystemExit(f"{rewrite} does not match {name}")
    text = print_program(captured)

    def form(values: Values) -> nn.Module:
        made = load_candidate(with_values(text, values, keep_choices=True), folder)()
        made.load_state_dict(module.state_dict())
        return made.train(module.training)

    alone = {f"{e} = {c}": (e, c) for e, choices in read_table(text).items() for c in choices[1:]}
    forms = {"usual": form({}), "usual again": form({})}
    found = measured(forms | {n: form({e: c}) for n, (e, c) in alone.items()}, inputs, rounds)
    gained = ratios(found)
    # entries are not independent: the best choices come together one after the other, in order of their gain
    best: dict[str, Any] = {}
    together: dict[str, nn.Module] = {}
    for label, (entry, choice) in sorted(alone.items(), key=lambda item: -gained[item[0]][0]):
        if gained[label][0] > 1.01 and entry not in best and len(best) < 3:
            best[entry] = choice
            together[", ".join(f"{e} = {c}" for e, c in best.items())] = form(best)
    again = measured(forms | together, inputs, rounds)
    for label, (shortest, median) in gained.items():
        yield f"| {name} | {label} | {min(found[label]):.3f} | {shortest:.3f} | {median:.3f} |"
    for label, (shortest, median) in list(ratios(again).items())[1:]:
        yield f"| {name} | again: {label} | {min(again[label]):.3f} | {shortest:.3f} | {median:.3f} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("words", nargs="*", help="only the cases whose name begins with one of these")
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads, {given.rounds} rounds\n")
    print("| module | form | ms | usual / this | median |\n|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as folder:
        for name, (rewrite, make) in CASES.items():
            if not given.words or name.startswith(tuple(given.words)):
                for line in lines(name, rewrite, make, given.rounds, Path(folder)):
                    print(line, flush=True)


if __name__ == "__main__":
    main()
