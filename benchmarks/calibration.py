"""Calibration: does the judge's rule let honest arithmetic pass, and does it name a precision rightly?

Honest fp32 products whose sums run in twenty orders, over shapes and input distributions, are held to the
judge's own rule with the judge's own measure of PyTorch's error; so are products whose operands were rounded
as reduced-precision units round them.

Usage: ``python -m benchmarks.calibration [--all] [--seed N] [--out benchmarks/results/NAME.json]``
"""

from __future__ import annotations

import argparse
import json
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch
from torch import Tensor, nn

from benchmarks.summation import ORDERS, PRECISIONS
from kernelevo.backends.seeding import seeded
from kernelevo.kernels.cases.case import Case, Group
from kernelevo.kernels.cases.pool import Pool
from kernelevo.kernels.reference.correctness import compare, precision
from kernelevo.kernels.reference.gaps import Report

SHAPES = (
    (8, 64, 8), (64, 96, 48), (1, 512, 64), (33, 257, 31),
    (96, 512, 32), (16, 1024, 24), (24, 2048, 16), (128, 128, 128),
)  # fmt: skip
"""Rows, summed length and columns of the products; with twenty orders that makes 160 trials."""
DRAWS = ("rand", "randn")
VISIBLE = ("normal", "signed")
"""Distributions whose sums cancel and are large enough for a rounding to show. Where all terms are positive,
PyTorch's own error grows with the sum while those of rounded operands average out, and over some hundred
terms bf16x3 is rightly called as accurate as fp32."""


class Affine(nn.Module):
    """``bias + a @ b`` on three inputs."""

    def forward(self, a: Tensor, b: Tensor, bias: Tensor) -> Tensor:
        return torch.addmm(bias, a, b)


class Product:
    """A reference for the judge's pool: one affine product of a shape.

    Args:
        shape: rows, summed length, columns.
        draw: ``"rand"`` or ``"randn"``.
    """

    def __init__(self, shape: tuple[int, int, int], draw: str) -> None:
        self.shape, self._draw = shape, getattr(torch, draw)

    def build(self, seed: int) -> nn.Module:
        return Affine()

    def inputs(self, seed: int) -> tuple[Tensor, Tensor, Tensor]:
        m, k, n = self.shape
        with seeded(seed):
            return self._draw(m, k), self._draw(k, n), self._draw(n)


@dataclass(frozen=True)
class Trial:
    """One honest product held to the rule.

    Args:
        order: how its sums ran.
        shape: rows, summed length, columns.
        distribution: of the inputs.
        error: its largest distance from fp64.
        e_ref: PyTorch's own, as the judge measures it.
        passed: whether the judge accepts it.
        meets_gate: whether it is within 1e-5 + 1e-5 |oracle|.
        label: the precision class that the judge names.
    """

    order: str
    shape: tuple[int, int, int]
    distribution: str
    error: float
    e_ref: float
    passed: bool
    meets_gate: bool
    label: str


def pools(seed: int) -> Iterator[Pool]:
    """Yield a filled pool for every shape; every second one draws standard normal values."""
    for i, shape in enumerate(SHAPES):
        pool = Pool(Product(shape, DRAWS[i % 2]), random.Random(f"{seed}/{i}"))
        pool.fill()
        yield pool


def reorderings(seed: int, *, everywhere: bool = False) -> list[Trial]:
    """Try every order on every shape: 160 trials.

    Args:
        seed: of inputs and of random orders.
        everywhere: under every input distribution that the reference bears (some 1270 trials), not one
            in turn.
    """
    trials, rng = [], random.Random(seed)
    for pool in pools(seed):
        groups = [group for group in pool.groups if group.cases]
        for i, (name, order) in enumerate(ORDERS.items()):
            chosen = groups if everywhere else [groups[(i + len(trials)) % len(groups)]]
            for group in chosen:
                case = rng.choice(group.cases)
                a, b, bias = case.args
                trials.append(_trial(name, order(a, b, bias, rng), pool, group, case))
    return trials


def classes(seed: int) -> list[Trial]:
    """Try every precision on every shape, under the distributions that show it."""
    return [
        _trial(name, product(*case.args), pool, group, case)
        for pool in pools(seed)
        for group in pool.groups
        if group.distribution in VISIBLE
        for case in group.cases[:1]
        for name, (product, _) in PRECISIONS.items()
    ]


def _trial(name: str, value: Tensor, pool: Pool, group: Group, case: Case) -> Trial:
    report = judged(value, group, case)
    label = precision(report, None if report.fine else pool.e_tf32(group))
    (rows, summed), columns = case.args[0].shape, case.args[1].shape[1]
    return Trial(
        name,
        (rows, summed, columns),
        case.distribution,
        report.max_abs,
        report.e_ref,
        report.ok,
        report.meets_gate,
        label,
    )


def judged(value: Tensor, group: Group, case: Case) -> Report:
    """Compare a product as the judge compares a program's output."""
    truth = case.truth
    answer = replace(truth.ref32, leaves=(value,))
    return compare(answer, truth.ref32, truth.oracle, group.e_ref, group.e_buffers)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--all", action="store_true", help="every order under every distribution")
    parser.add_argument("--out", type=Path, help="write the trials as JSON")
    options = parser.parse_args(arguments)
    honest = reorderings(options.seed, everywhere=options.all)
    rounded = classes(options.seed)
    passed = sum(t.passed for t in honest)
    print(f"honest fp32 sums accepted: {passed} of {len(honest)}")
    print(f"  a fixed tolerance of 1e-5 accepts {sum(t.meets_gate for t in honest)}\n")
    print(f"{'order':24}{'accepted':>10}{'worst error / PyTorch own':>28}")
    for name in ORDERS:
        own = [t for t in honest if t.order == name]
        worst = max(t.error / t.e_ref for t in own if t.e_ref)
        print(f"{name:24}{sum(t.passed for t in own):>6} / {len(own):<3}{worst:>25.2f}")
    print(f"\n{'arithmetic':12}{'expected':>16}   named")
    for name, (_, expected) in PRECISIONS.items():
        named = Counter(t.label for t in rounded if t.order == name)
        print(f"{name:12}{expected:>16}   " + ", ".join(f"{n} x {label}" for label, n in named.items()))
    if options.out:
        data = {
            "seed": options.seed,
            "torch": torch.__version__,
            "threads": torch.get_num_threads(),
            "reorderings": [asdict(t) for t in honest],
            "classes": [asdict(t) for t in rounded],
        }
        options.out.write_text(json.dumps(data).replace('{"order"', '\n{"order"') + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
