"""Task files small enough for a test, and programs for them."""

MODULE = '''"""Product, ReLU, softmax."""
import torch
from torch import nn


class Model(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = nn.Linear(width, 32)

    def forward(self, x):
        return torch.softmax(torch.relu(self.linear(x)), dim=1)


def get_inputs():
    return [torch.rand(16, 64)]


def get_init_inputs():
    return [64]
'''

TOUR = '''"""A task with an evaluator of its own."""
from kernelevo.evaluators import evaluator


@evaluator("tour", seed="ANSWER = 3\\n")
def tour(source: str) -> float:
    """Raise ANSWER."""
    scope = {}
    exec(source, scope)
    return float(scope["ANSWER"])
'''

RESULT = "torch.softmax(torch.relu(self.linear(x)), dim=1)"


def program(body: str = "return RESULT") -> str:
    """A program for MODULE with this body of forward; RESULT stands for the right answer."""
    text = MODULE.partition("def get_inputs")[0].replace("class Model(", "class ModelNew(")
    lines = "".join(f"        {line}\n" for line in body.replace("RESULT", RESULT).splitlines())
    return text.replace(f"        return {RESULT}\n", lines)
