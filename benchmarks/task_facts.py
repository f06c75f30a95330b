"""Print the manifest's figures of every bundled task and size: FLOPs, minimum bytes, peak bytes.

Everything is counted on the meta device, so nothing is allocated and nothing runs. FLOPs are those of matrix
products and convolutions, 2 per multiply-add. Minimum bytes are what any program must move: every input,
every parameter that the output needs, and the output, each once. Peak bytes are what one eager forward
holds at most.

Usage: ``python benchmarks/task_facts.py [NAME ...]``; the lines belong into
``kernelbench_tasks/manifest.toml``.
"""

from __future__ import annotations

import sys
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

from kernelevo.backends.reference import load_reference
from kernelevo.backends.taskfile import sizes
from kernelevo.tasks import bundled, load_task
from kernelevo.tasks.memory import peak_bytes

#: Parameters that no output needs.
UNREAD = {
    "kernelbench:3/36": ("fc.",),
    "kernelbench:3/37": ("fc.",),
    "kernelbench:3/49": ("C",),
    "kernelbench:3/50": ("c_proj.",),
}


def nbytes(values: Any) -> int:
    return sum(v.numel() * v.element_size() for v in tree_leaves(values) if isinstance(v, Tensor))


def count(name: str, size: str) -> dict[str, int]:
    """Return the figures of one task at one size."""
    reference = load_reference(load_task(name, size=size).options["reference"])
    with torch.device("meta"), torch.no_grad():
        module, inputs = reference.build(0), reference.inputs(0)
        with FlopCounterMode(display=False) as flops:
            output = module(*inputs)
        del output
        peak = peak_bytes(module, inputs)
        output = module(*inputs)
    unread = UNREAD.get(name, ())
    read = [p for key, p in module.named_parameters() if not key.startswith(unread or ("\0",))]
    return {
        "flops": flops.get_total_flops(),
        "min_bytes": nbytes(inputs) + nbytes(read) + nbytes(output),
        "peak_bytes": peak,
    }


def main() -> None:
    for name in sys.argv[1:] or bundled():
        print(f'[tasks."{name}"]')
        for size in sizes(bundled()[name].text):
            figures = ", ".join(f"{key} = {value}" for key, value in count(name, size).items())
            print(f"sizes.{size} = {{ {figures} }}", flush=True)


if __name__ == "__main__":
    main()
