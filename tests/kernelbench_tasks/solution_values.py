"""Run by test_solutions in a process of its own: a Triton solution's values in the interpreter, as JSON."""

import importlib.util
import json
import sys
from pathlib import Path

import torch

from kernelevo.tasks import bundled

SHAPES = {
    "kernelbench:3/13": ([32, 64], [(2, 32, 16, 16)], [(3, 32, 13, 71)]),
    "ops/softmax": ([], [(3, 128)], [(2, 100)]),
    "ops/gemm": ([], [(130, 96), (96, 140)], [(65, 33), (33, 17)]),
}


def load(path: Path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def worst(name: str, path: Path, training: bool) -> float:
    """Return the largest distance from fp64 over outputs and buffers of two calls, in tolerances."""
    init, *cases = SHAPES[name]
    torch.manual_seed(0)
    reference = load(bundled()[name].path).Model(*init).train(training)
    for parameter in reference.parameters():
        torch.nn.init.normal_(parameter)
    candidate = load(path).ModelNew(*init).train(training)
    candidate.load_state_dict(reference.state_dict(), strict=True)
    exact = reference.double()
    found = 0.0
    for shapes in cases:
        inputs = [torch.randn(shape) * 3 + 5 for shape in shapes]
        with torch.no_grad():
            pairs = [(candidate(*inputs), exact(*(x.double() for x in inputs)))]
        pairs += list(zip(candidate.buffers(), exact.buffers(), strict=True))
        for ours, theirs in pairs:
            found = max(found, float(((ours - theirs).abs() / (1e-5 + 1e-5 * theirs.abs())).max()))
    return found


def main() -> None:
    name, path = sys.argv[1], Path(sys.argv[2])
    json.dump([worst(name, path, training) for training in (True, False)], sys.stdout)


if __name__ == "__main__":
    main()
