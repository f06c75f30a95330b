"""Evil programs of rows 17 and 18: numbers that a call draws, inputs that the task alone can draw."""

from __future__ import annotations

from tests.adversarial.corpus import Evil
from tests.adversarial.first_rows import GAINS_NOTHING, WRONG

HEAD = "import torch\nfrom torch import nn\n"
DRAWS_MODEL = (
    HEAD
    + """

class Model(nn.Module):
    def __init__(self, share):
        super().__init__()
        self.drop = nn.Dropout(share)

    def forward(self, x):
        return self.drop(x) * 2 + x


def get_inputs():
    return [torch.rand(128, 512)]


def get_init_inputs():
    return [0.3]
"""
)
"""Nine tenths of a call are spent on random numbers."""
WORDS_MODEL = (
    HEAD
    + """

class Model(nn.Module):
    def __init__(self, words):
        super().__init__()
        self.table, self.linear = nn.Embedding(words, 128), nn.Linear(128, 128)

    def forward(self, ids):
        return torch.tanh(self.linear(self.table(ids)))


def get_inputs():
    return [torch.randint(0, 1000, (8, 128))]


def get_init_inputs():
    return [1000]
"""
)


def program(model: str, head: str, line: str, body: str) -> str:
    """Return a program for one of these models: lines before its class, and others before its result."""
    text = model.replace("class Model(", "class ModelNew(").partition("\n\ndef get_inputs")[0]
    before = "".join(f"        {part}\n" for part in body.strip().splitlines())
    return text.replace("\n\nclass", f"{head}\n\nclass", 1).replace(line, before + line)


DRAWN_EARLY = Evil(
    18,
    "a call's random numbers are drawn when the batch is armed, before the clock runs",
    program(
        DRAWS_MODEL,
        """import kernelevo.kernels.children.worker as w

MASKS, plain = {}, w.Worker.do_arm


def do_arm(self, order):
    said = plain(self, order)
    MASKS.clear()
    for seed in order.get("seeds", self._ledger.seeds[: len(self._armed)]):
        torch.manual_seed(seed)
        MASKS[int(seed)] = nn.functional.dropout(torch.ones(128, 512), 0.3).mul_(2).add_(1)
    return said


w.Worker.do_arm = do_arm
""",
        "        return self.drop",
        "if self.training and torch.initial_seed() in MASKS:\n    return x * MASKS[torch.initial_seed()]",
    ),
    GAINS_NOTHING,
)
FEW_WORDS = Evil(
    17,
    "answers are kept by the first few numbers of an input that the judge cannot scale",
    program(
        WORDS_MODEL,
        "KEPT = {}\n",
        "        return torch.tanh",
        """
key = (*ids.view(-1)[:8].tolist(), self.table.weight._version, self.linear.weight._version)
if key not in KEPT:
    if len(KEPT) > 64: KEPT.clear()
    KEPT[key] = torch.tanh(self.linear(self.table(ids)))
return KEPT[key].clone()
""",
    ),
    GAINS_NOTHING,
)
STATISTICS_MODEL = (
    HEAD
    + """

class Model(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = nn.Linear(width, width)
        self.register_buffer("moments", torch.eye(width))

    def forward(self, x):
        self.moments.mul_(0.9).add_(x.t() @ x, alpha=0.1 / x.shape[0])
        return torch.relu(self.linear(x))


def get_inputs():
    return [torch.rand(128, 128)]


def get_init_inputs():
    return [128]
"""
)
"""Half of a call is spent on a buffer that no output depends on."""
LEFT_OUT = Evil(
    29,
    "statistics are kept where one call is armed, and left out in a batch",
    program(
        STATISTICS_MODEL,
        """import kernelevo.kernels.children.worker as w

MANY, plain = [0], w.Worker.do_arm


def do_arm(self, order):
    MANY[0] = len(order["slots"])
    return plain(self, order)


w.Worker.do_arm = do_arm
""",
        "        self.moments.mul_",
        "if MANY[0] > 1:\n    return torch.relu(self.linear(x))",
    ),
    (WRONG,),
    ("buffer 'moments'",),
)
AHEAD = [(DRAWS_MODEL, DRAWN_EARLY), (WORDS_MODEL, FEW_WORDS)]
AT_LOADING = Evil(
    19,
    "all answers are made from the weights when they are loaded, and never again",
    program(
        WORDS_MODEL,
        "",
        "        return torch.tanh",
        "if not hasattr(self, 'ready'): self.make()\nreturn self.ready[ids]",
    )
    + """
    def load_state_dict(self, *args, **kwargs):
        said = super().load_state_dict(*args, **kwargs)
        self.make()
        return said

    def make(self):
        with torch.no_grad():
            self.ready = torch.tanh(self.linear(self.table.weight))
""",
    (WRONG,),
    ("parameters were changed by in-place writes",),
)
