"""Run by test_solutions in a process of its own: a Triton solution's values in the interpreter, as JSON."""

import copy
import importlib.util
import json
import sys
from pathlib import Path

import torch

from kernelevo.tasks import bundled

SHAPES = {
    "kernelbench:3/31": ([64, 4], [(1, 64, 8, 8)], [(2, 64, 4, 24)]),
    "kernelbench:3/43": ([64, 2, 0.0, 0.0, 40], [(2, 32, 64)], [(1, 40, 64)]),
    "kernelbench:3/44": ([64, 2, 0.0, 0.0, 40], [(2, 32, 64)], [(1, 40, 64)]),
    "kernelbench:3/46": ([16, 64, 8], [(2, 30, 64)], [(3, 17, 64)]),
    "kernelbench:3/47": ([16, 64, 0], [(2, 30, 64)], [(3, 17, 64)]),
    "kernelbench:3/50": ([64, 2, 40], [(2, 32, 64)], [(1, 40, 64)]),
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
    plain = load(bundled()[name].path).Model(*init).train(training)
    for parameter in plain.parameters():
        if len(init) < 3:  # an attention's softmax is one-hot with weights of that size
            torch.nn.init.normal_(parameter)
    kind = load(path).ModelNew
    if hasattr(kind, "fits"):
        kind.fits = lambda self, *_: self.training  # its kernels, though the tensors lie on the CPU
    candidate = kind(*init).train(training)
    candidate.load_state_dict(plain.state_dict(), strict=True)
    exact = copy.deepcopy(plain).double()
    found = 0.0
    for shapes in cases:
        inputs = [torch.randn(shape) * 3 + 5 for shape in shapes]
        with torch.no_grad():
            triples = [(candidate(*inputs), plain(*inputs), exact(*(x.double() for x in inputs)))]
        triples += list(zip(candidate.buffers(), plain.buffers(), exact.buffers(), strict=True))
        for ours, own, theirs in triples:
            least = 4 * (own - theirs).abs().max()
            allowed = torch.maximum(1e-5 + 1e-5 * theirs.abs(), least)
            found = max(found, float(((ours - theirs).abs() / allowed).max()))
    return found


def main() -> None:
    name, path = sys.argv[1], Path(sys.argv[2])
    json.dump([worst(name, path, training) for training in (True, False)], sys.stdout)


if __name__ == "__main__":
    main()
