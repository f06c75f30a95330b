"""Calls a program over and over: every result has to have the bits of the first one.

    python -m benchmarks.gpu.repeat PROGRAM TASK [--size v0] [--device cuda] [--seconds 60]

A barrier between blocks that does not hold shows as a result that differs now and then; the few hundred calls
of the judge may miss it. Nothing is timed and nothing is a verdict: the program runs here, with the module's
weights, on inputs whose place in memory changes from call to call. Calls come in bursts within which nothing
waits for the device: what one launch leaves meets the next one at once. Where the module draws numbers, each
call is seeded. Ends with 1 where a result differs from the first one or is far from that of the module, 2 for
bad input, 3 without the device.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch.utils import _pytree as pytree

from benchmarks.shelves import distance, leaves
from kernelevo.api.check import read_program
from kernelevo.backends.candidate import adopt, load_candidate
from kernelevo.backends.reference import load_reference
from kernelevo.backends.seeding import seed_torch
from kernelevo.errors import KernelEvoError, MachineError
from kernelevo.tasks import load_task

SEED = 0
BURST, ROOM = 16, 8 << 30
"""Calls that follow one another before a result is looked at, and bytes that all their tensors may take."""
FAR = 1e-3
"""Share of the module's largest value that no other order of sums makes."""


def main(given: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("program", type=Path)
    parser.add_argument("task")
    parser.add_argument("--size", default="v0")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--seconds", type=float, default=60.0)
    told = parser.parse_args(given)
    try:
        calls, differing, far = repeated(told.program, told.task, told.size, told.device, told.seconds)
    except KernelEvoError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    print(f"{calls} calls, {differing} unlike the first one, {far:.1e} from the module at most")
    return int(differing > 0 or far > FAR)


def repeated(program: Path, task: str, size: str, device: str, seconds: float) -> tuple[int, int, float]:
    """Call a program for some seconds, three times at least.

    Returns:
        How many calls there were behind the first one, how many gave other bits, and the largest distance of
        any from the module, as a share of the module's largest value.

    Raises:
        KernelEvoError: if there is no such task, program or device, or the program does not fit the task.
    """
    if device != "cpu" and not torch.cuda.is_available():
        raise MachineError("there is no CUDA device", now="--device cpu calls programs for the CPU")
    reference = load_reference(load_task(task, size=size, device=device).options["reference"])
    module = reference.build(SEED)
    with tempfile.TemporaryDirectory() as folder, torch.no_grad():
        made = load_candidate(read_program(program).source, Path(folder))
        told = reference.init_args(SEED), reference.init_kwargs(SEED)
        new = adopt(made, module, *told, SEED).module.to(device)
        module.to(device)
        state = {name: tensor.clone() for name, tensor in new.state_dict().items()}
        inputs = _copied(reference.inputs(SEED), device)
        seed_torch(SEED)
        before, wanted = _random(device), module(*_copied(inputs, device))
        draws = not _same(_random(device), before)
        seed_torch(SEED)
        first = _copied(new(*_copied(inputs, device)), device)  # a program might hand out one place each time
        moves = not _same(new.state_dict(), state)

        def call(given: Any) -> Any:
            if draws:
                seed_torch(SEED)
            if moves:
                new.load_state_dict(state)  # running statistics begin anew
            return new(*given)

        taken = sum(t.nbytes for t in (*leaves(inputs), *leaves(first)))
        burst = max(1, min(BURST, ROOM // max(taken, 1)))
        far, calls, differing = distance(first, wanted), 0, 0
        end = time.monotonic() + seconds
        while calls < 2 or time.monotonic() < end:
            between = torch.empty(1 + calls % 7 * 100_003, device=device)  # what comes next lies elsewhere
            given = [_copied(inputs, device) for _ in range(burst)]
            for found in [call(each) for each in given]:
                if not _same(found, first):
                    differing += 1
                    far = max(far, distance(found, wanted))
            calls += burst
            del between, given
    return calls, differing, far


def _same(some: Any, others: Any) -> bool:
    return all(torch.equal(a, b) for a, b in zip(leaves(some), leaves(others), strict=True))


def _random(device: str) -> list[torch.Tensor]:
    """Return the state of the generators that a call may draw from."""
    return [torch.get_rng_state(), *([] if device == "cpu" else [torch.cuda.get_rng_state(device)])]


def _copied(inputs: Any, device: str) -> Any:
    return pytree.tree_map(lambda x: x.to(device, copy=True) if isinstance(x, torch.Tensor) else x, inputs)


if __name__ == "__main__":
    sys.exit(main())
