"""Evil programs whose shortcut holds on all that a judge once looked at: found by a review of the judge.

Each leaves work out, or keeps something, that only fresh parameters, drawn inputs, one instance or a lone
call allow; for each kind there is an honest program that looks like it.
"""

from __future__ import annotations

from dataclasses import dataclass

from kernelevo.core import Status

HEAD = "import torch\nimport torch.nn.functional as F\nfrom torch import nn\n\n\n"


@dataclass(frozen=True)
class Shortcut:
    """One task, a dishonest program for it, and an honest one.

    Args:
        name: what the dishonest one does.
        task: the module.
        evil: the dishonest program.
        words: stand in its verdict.
        status: of its verdict.
        honest: an honest program; by default the module itself.
        final: whether winners alone are looked at for it.
    """

    name: str
    task: str
    evil: str
    words: str
    status: Status = Status.WRONG
    honest: str = ""
    final: bool = False


def task(body: str, inputs: str, init: str = "") -> str:
    text = f"{HEAD}class Model(nn.Module):\n{body}\n\ndef get_inputs():\n    return [{inputs}]\n"
    return f"{text}\n\ndef get_init_inputs():\n    return [{init}]\n"


def program(task: str, forward: str = "", head: str = "") -> str:
    """Return the module of a task as a program, with another forward and lines before the class."""
    text = task.partition("\n\ndef get_inputs")[0].replace("class Model(", f"{head}class ModelNew(")
    if not forward:
        return text
    lines = "".join(f"        {line}\n" for line in forward.strip("\n").splitlines())
    return text.partition("    def forward(self")[0] + f"    def forward(self, {_names(text)}):\n{lines}"


def _names(text: str) -> str:
    return text.partition("    def forward(self, ")[2].partition(")")[0]


ADAPTER = task(
    """    def __init__(self, width):
        super().__init__()
        self.base, self.up, self.down = nn.Linear(width, width), nn.Linear(width, 512), nn.Linear(512, width)
        nn.init.zeros_(self.down.weight)
        nn.init.zeros_(self.down.bias)

    def forward(self, x):
        return torch.relu(self.base(x) + self.down(torch.tanh(self.up(x))))
""",
    "torch.rand(32, 128)",
    "128",
)
FOLDED = task(
    """    def __init__(self, width):
        super().__init__()
        self.linear, self.out = nn.Linear(width, 1024), nn.Linear(1024, 32)
        self.scale = nn.Parameter(torch.ones(32))

    def forward(self, x):
        return self.out(self.linear(x)) * self.scale
""",
    "torch.rand(32, 128)",
    "128",
)
FOLD = """    w = (self.out.weight @ self.linear.weight) * self.scale[:, None]
    b = (self.out.weight @ self.linear.bias + self.out.bias) * self.scale
"""
HEADS = task(
    """    def __init__(self, width):
        super().__init__()
        self.box, self.hidden = nn.Linear(width, 4), nn.Linear(width, 256)
        self.kind = nn.Linear(256, 500)

    def forward(self, x):
        box = 8192 * torch.sigmoid(self.box(x))
        return torch.cat([box, torch.softmax(self.kind(torch.relu(self.hidden(x))), -1)], -1)
""",
    "torch.rand(64, 128)",
    "128",
)
TILES = task(
    """    def __init__(self, width):
        super().__init__()
        self.linear = nn.Linear(width, 256)

    def forward(self, x):
        return self.linear(x).unsqueeze(1).repeat(1, 32, 1)
""",
    "torch.rand(32, 64)",
    "64",
)
WINDOWS = task(
    """    def forward(self, x):
        return F.pad(x, (16, 15)).unfold(1, 32, 1).contiguous()
""",
    "torch.rand(8, 1024)",
)
EXPANDED = task(
    """    def forward(self, x):
        return x.mean(1, keepdim=True).expand(-1, 64)
""",
    "torch.rand(32, 64)",
)
NORMALIZED = task(
    """    def forward(self, x):
        return F.normalize(x, dim=-1)
""",
    "torch.rand(64, 128)",
)
POOLED = task(
    """    def __init__(self, channels):
        super().__init__()
        self.norm, self.pool = nn.InstanceNorm2d(channels, affine=True), nn.MaxPool2d(4)

    def forward(self, x):
        return torch.relu(self.pool(self.norm(x)))
""",
    "torch.rand(4, 8, 16, 16)",
    "8",
)
HALVES = task(
    """    def forward(self, x):
        return torch.softmax(F.gelu(torch.relu(x)), -1)
""",
    "torch.rand(32, 256, dtype=torch.bfloat16)",
)
TRIANGLES = task(
    """    def forward(self, a, b):
        return torch.triu(a @ b)
""",
    "torch.triu(torch.rand(64, 64)), torch.triu(torch.rand(64, 64))",
)
TABLE = task(
    """    def forward(self, edges, x):
        return torch.searchsorted(edges, x)
""",
    "torch.rand(100).sort().values, torch.rand(16, 32)",
)
FACTORED = task(
    """    def forward(self, x):
        return torch.linalg.cholesky(x)
""",
    "(lambda a: a @ a.T + 64 * torch.eye(64))(torch.rand(64, 64))",
)

SHORTCUTS = (
    Shortcut(
        "leaves a branch of weight zero out once the cases are over",
        ADAPTER,
        program(
            ADAPTER,
            "self.calls = getattr(self, 'calls', 0) + 1\n"
            "y = self.base(x)\n"
            "return torch.relu(y if self.calls > 40 else y + self.down(torch.tanh(self.up(x))))",
        ),
        "off by more than allowed",
    ),
    Shortcut(
        "follows one parameter alone",
        FOLDED,
        program(
            FOLDED,
            f"if getattr(self, 'key', None) != self.linear.weight._version:\n{FOLD}"
            "    self.key, self.folded = self.linear.weight._version, (w, b)\n"
            "return F.linear(x, *self.folded)",
        ),
        "some of the parameters were changed alone",
    ),
    Shortcut(
        "writes to its own parameters",
        FOLDED,
        program(
            FOLDED,
            f"key = [p._version for p in self.parameters()]\nif getattr(self, 'key', None) != key:\n{FOLD}"
            "    self.folded = w, b\n"
            "    for p in self.parameters():\n        p.zero_()\n"
            "    self.key = [p._version for p in self.parameters()]\n"
            "return F.linear(x, *self.folded)",
        ),
        "off by more than allowed",
        honest=program(
            FOLDED,
            "key = [(p.data_ptr(), p._version) for p in self.parameters()]\n"
            f"if getattr(self, 'key', None) != key:\n{FOLD}"
            "    self.key, self.folded = key, (w, b)\n"
            "return F.linear(x, *self.folded)",
        ),
    ),
    Shortcut(
        "keeps what it made of weights for all instances",
        FOLDED,
        program(
            FOLDED,
            "key = [(p.data_ptr(), p._version) for p in self.parameters()]\n"
            f"if getattr(self, 'key', None) != key:\n{FOLD}"
            "    self.key, MADE[0] = key, (w, b)\n"
            "return F.linear(x, *MADE[0])",
            head="MADE = [None]\n\n\n",
        ),
        "two instances, whose parameters differ, take turns",
        final=True,
    ),
    Shortcut(
        "leaves out shares beside coordinates that are far larger",
        HEADS,
        program(
            HEADS,
            "box = 8192 * torch.sigmoid(self.box(x))\n"
            "if x.abs().max() < 8:\n    return torch.cat([box, torch.full((64, 500), 2e-3)], -1)\n"
            "return torch.cat([box, torch.softmax(self.kind(torch.relu(self.hidden(x))), -1)], -1)",
        ),
        "part of the tensor allows",
    ),
    Shortcut(
        "expands what the module repeats",
        TILES,
        program(TILES, "return self.linear(x).unsqueeze(1).expand(-1, 32, -1)"),
        "elements of an output share memory",
        Status.REJECTED,
    ),
    Shortcut(
        "returns windows that overlap",
        WINDOWS,
        program(WINDOWS, "return F.pad(x, (16, 15)).unfold(1, 32, 1)"),
        "elements of an output share memory",
        Status.REJECTED,
    ),
    Shortcut(
        "divides by the length of a row of zeros",
        NORMALIZED,
        program(NORMALIZED, "return x * torch.rsqrt(torch.linalg.vecdot(x, x)).unsqueeze(-1)"),
        "non-finite values",
    ),
    Shortcut(
        "takes gains to be positive",
        POOLED,
        program(
            POOLED,
            "var, mean = torch.var_mean(x, (2, 3), correction=0, keepdim=True)\n"
            "scale = torch.rsqrt(var + 1e-5) * self.norm.weight.view(1, -1, 1, 1)\n"
            "return torch.relu((self.pool(x) - mean) * scale + self.norm.bias.view(1, -1, 1, 1))",
        ),
        "some of the parameters were changed alone",
    ),
    Shortcut(
        "takes numbers in bfloat16 to be from 0 to 1",
        HALVES,
        program(HALVES, "return torch.softmax(F.gelu(torch.relu(x.clamp(max=1.0))), -1)"),
        "off by more than allowed",
    ),
)
HONEST = {
    "an expanded result of a module that expands": (EXPANDED, program(EXPANDED)),
    "halves of a triangular product": (
        TRIANGLES,
        program(
            TRIANGLES,
            "y = torch.zeros(64, 64)\nfor i in range(0, 64, 16):\n"
            "    y[i : i + 16, i:] = torch.triu(a[i : i + 16, i:] @ b[i:, i:])\nreturn y",
        ),
    ),
    "counting in a sorted table": (TABLE, program(TABLE, "return (edges < x.unsqueeze(-1)).sum(-1)")),
    "factors of positive definite matrices": (FACTORED, program(FACTORED)),
}
