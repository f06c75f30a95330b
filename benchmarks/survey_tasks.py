"""Survey the bundled tasks: how far fp32 is from fp64, and how far the output moves with the input.

Both are in tolerances of 1e-5 + 1e-5 * |fp64|, the largest over all elements. ``error`` above 1 means that
plain fp32 misses a tolerance of 1e-5 (above about 1e3 nobody can pass). ``spread`` (the output for redrawn
inputs) or ``zeros`` (the output for all-zeros inputs) below 1 means that the task does not see its input.

Usage: ``python benchmarks/survey_tasks.py [--size small] [NAME ...]``; a name may carry a variant.
"""

from __future__ import annotations

import argparse

import torch
from torch import Tensor, nn

from kernelevo.backends.reference import load_reference
from kernelevo.tasks import bundled, load_task

TOLERANCE = 1e-5
REPAIRED = (
    "kernelbench:3/3@he",
    "kernelbench:3/7@he",
    "kernelbench:3/11@he",
    "kernelbench:3/12@he",
    "kernelbench:3/18@he",
    "kernelbench:3/24@excite",
    "kernelbench:3/28@batchfirst",
)


def output(module: nn.Module, inputs: list[Tensor]) -> Tensor:
    """Run one forward on a fresh seed: some references draw random state inside it."""
    torch.manual_seed(1)
    with torch.no_grad():
        return module(*inputs).double()


def survey(name: str, size: str) -> dict[str, float]:
    reference = load_reference(load_task(name, size=size).options["reference"])
    inputs = list(reference.inputs(1))
    exact = output(reference.build(1).double(), [x.double() for x in inputs])
    scale = TOLERANCE + TOLERANCE * exact.abs()

    def distance(to: list[Tensor]) -> float:
        return float(((output(reference.build(1), to) - exact).abs() / scale).max())

    return {
        "error": distance(inputs),
        "spread": distance(list(reference.inputs(2))),
        "zeros": distance([torch.zeros_like(x) for x in inputs]),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", default="small")
    parser.add_argument("names", nargs="*", default=[*bundled(), *REPAIRED])
    options = parser.parse_args()
    torch.set_num_threads(2)
    print(f"{'task':30}" + "".join(f"{title:>14}" for title in ("error", "spread", "zeros")))
    for name in options.names:
        found = survey(name, options.size)
        print(f"{name:30}" + "".join(f"{value:14.4g}" for value in found.values()), flush=True)


if __name__ == "__main__":
    main()
