"""A small world: families of programs that share operations, and islands that are told of them."""

from collections.abc import Sequence

from kernelevo.core import Evaluation, Origin, Program, Trial, Verdict
from kernelevo.population import Islands

OPERATIONS = ("relu", "matmul", "softmax", "conv2d", "cumsum", "fft")


def source(family: int, variant: int) -> str:
    """Text of one of a family: the same two operations, variants differ in one step and in a number."""
    name = OPERATIONS[family % len(OPERATIONS)]
    steps = "\n".join(f"    x = torch.{name}(x, {n})" for n in range(4))
    last = f"    x = x.{name}_{variant % 3}()\n    return x + {variant}\n"
    return f"import torch\n\ndef {name}_all(x):\n{steps}\n{last}"


def family_of(verdict: Verdict) -> int:
    return next(n for n, name in enumerate(OPERATIONS) if f"torch.{name}" in verdict.program.source)


def told(
    islands: Islands, rows: Sequence[tuple[int, int, float]], *, first: int = 0, island: int = 0
) -> Islands:
    """Tell (family, variant, score) one after the other."""
    for number, (family, variant, score) in enumerate(rows, first):
        program = Program.single(source(family, variant), origin=Origin("stub"))
        islands.tell(Trial(number, program, Evaluation.ok(score), island=island))
    return islands
