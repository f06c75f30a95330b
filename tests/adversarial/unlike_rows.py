"""Evil programs of row 6 that are careful with single calls, as cases are, and careless in batches.

In batches they leave out only what the inputs of timed calls never ask for, so all that is timed is right.
"""

from __future__ import annotations

from kernelevo.core import Status
from tests.adversarial.corpus import Evil
from tests.adversarial.first_rows import PLACE

HEAD = "import torch\nfrom torch import nn\n"
SPREAD_MODEL = (
    HEAD
    + """

class Model(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = nn.Linear(width, width)

    def forward(self, x):
        apart = x - x.mean(-1, keepdim=True)
        return self.linear(apart * torch.rsqrt(apart.square().mean(-1, keepdim=True) + 1e-20))


def get_inputs():
    return [torch.rand(16, 128)]


def get_init_inputs():
    return [128]
"""
)
"""Rows of equal size, however small their deviations are: sums of squares that cancel show there alone."""
SHARES_MODEL = (
    HEAD
    + """

class Model(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.norm, self.linear = nn.LayerNorm(width), nn.Linear(width, 1024)

    def forward(self, x):
        return torch.softmax(self.linear(self.norm(x)), -1)


def get_inputs():
    return [torch.rand(16, 128)]


def get_init_inputs():
    return [128]
"""
)
"""Shares of a thousandth, whatever the inputs are: of what 1e-5 allows there, no product needs ten bits."""


def honest(model: str) -> str:
    """Return the module itself as a program."""
    return model.replace("class Model(", "class ModelNew(").partition("\n\ndef get_inputs")[0]


def careless(model: str, lines: str, head: str = "") -> str:
    """Return a program that does these lines in batches, and is the module where one call is armed."""
    text = honest(model).replace("\n\nclass", f"\n{PLACE.partition('ROOM =')[0]}{head}\n\nclass", 1)
    body = "".join(f"            {line}\n" for line in lines.strip().splitlines())
    first = "        k, armed = place()\n        if len(armed) > 1:\n"
    return text.replace("    def forward(self, x):\n", f"    def forward(self, x):\n{first}{body}")


CANCELS = Evil(
    6,
    "the variance of a row is taken from its sums in batches",
    careless(
        SPREAD_MODEL,
        "mean = x.mean(-1, keepdim=True)\n"
        "spread = (x.square().mean(-1, keepdim=True) - mean.square()).clamp_min(0)\n"
        "return self.linear((x - mean) * torch.rsqrt(spread + 1e-20))",
    ),
    (Status.WRONG,),
    ("nearly constant rows, in a batch of many calls",),
)
COARSE = Evil(
    24,
    "operands are cut to ten bits in batches",
    careless(
        SHARES_MODEL,
        "h, w = cut(self.norm(x)), cut(self.linear.weight)\n"
        "return torch.softmax(h @ w.t() + self.linear.bias, -1)",
        "\n\ndef cut(t):\n    return (t.view(torch.int32) & -8192).view(torch.float32)\n",
    ),
    (Status.OK, Status.WRONG),
)
