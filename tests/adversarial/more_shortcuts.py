"""Shortcuts that later reviews found: they hold near fresh parameters, or while weights and results stay.

Like those of ``shortcut_rows``: for each kind there is an honest program that looks like it.
"""

from __future__ import annotations

from kernelevo.core import Status
from tests.adversarial.shortcut_rows import FOLD, FOLDED, Shortcut, program, task

FORGETS = task(
    """    def __init__(self, width):
        super().__init__()
        self.cell = nn.LSTM(width, 16, batch_first=True)

    def forward(self, x):
        return self.cell(x)[0][:, -1]
""",
    "torch.rand(8, 96, 12)",
    "12",
)
"""With fresh gates, of one half or so, what lies forty steps back counts for less than 1e-10."""
SPREAD = task(
    """    def __init__(self, width):
        super().__init__()
        self.linear = nn.Linear(width, width)

    def forward(self, x):
        apart = x - x.mean(-1, keepdim=True)
        return self.linear(apart * torch.rsqrt(apart.square().mean(-1, keepdim=True) + 1e-20))
""",
    "torch.rand(16, 128)",
    "128",
)
MIXTURE = task(
    """    def __init__(self, width):
        super().__init__()
        self.linear = nn.Linear(width, 100)
        self.shares = nn.Parameter(torch.full((100,), 0.01))

    def forward(self, x):
        return torch.logsumexp(self.linear(x) + torch.log(self.shares), -1)
""",
    "torch.rand(64, 32)",
    "32",
)
"""Shares that some noise makes negative, where their logarithm is none."""
CODES = task(
    """    def __init__(self, width):
        super().__init__()
        self.register_buffer("codes", torch.randn(64, width))
        self.linear = nn.Linear(width, width)

    def forward(self, x):
        return torch.cdist(self.linear(x), self.codes)
""",
    "torch.rand(32, 24)",
    "24",
)
PAIR = task(
    """    def __init__(self, width):
        super().__init__()
        self.linear = nn.Linear(width, 256)

    def forward(self, x):
        y = torch.relu(self.linear(x))
        return y, y + 0
""",
    "torch.rand(32, 64)",
    "64",
)
PLAIN = task(
    """    def __init__(self, width):
        super().__init__()
        self.linear = nn.Linear(width, 256)

    def forward(self, x):
        return torch.relu(self.linear(x))
""",
    "torch.rand(32, 64)",
    "64",
)
NORMED = task(
    """    def __init__(self, width):
        super().__init__()
        self.linear, self.norm = nn.Linear(width, 64), nn.BatchNorm1d(64)
        self.norm.running_mean.normal_()
        self.norm.running_var.uniform_(0.5, 2.0)
        self.eval()

    def forward(self, x):
        return torch.relu(self.norm(self.linear(x)))
""",
    "torch.rand(32, 48)",
    "48",
)
"""A trained normalisation, whose statistics an adaptation to other data replaces by themselves."""
SUMS = task(
    """    def forward(self, x):
        return torch.logsumexp(x, -1)
""",
    "4 * torch.rand(64, 128)",
)
_KEYED = """key = [{key} for p in self.parameters()]
if getattr(self, 'key', None) != key:
{fold}    self.key, self.folded = key, (w, b)
return F.linear(x, *self.folded)
"""
_NORM_FOLD = """    scale = self.norm.weight * torch.rsqrt(self.norm.running_var + self.norm.eps)
    w = self.linear.weight * scale[:, None]
    b = (self.linear.bias - self.norm.running_mean) * scale + self.norm.bias
"""
_FOLDED_NORM = """tensors = {tensors}
key = [(p.data_ptr(), p._version) for p in tensors]
if getattr(self, 'key', None) != key:
{fold}    self.key, self.folded = key, (w, b)
return torch.relu(F.linear(x, *self.folded))
"""
_CAREFUL = """apart = x - x.mean(-1, keepdim=True)
return self.linear(apart * torch.rsqrt(apart.square().mean(-1, keepdim=True) + 1e-20))
"""
_QUICK = """    mean = x.mean(-1, keepdim=True)
    spread = x.square().mean(-1, keepdim=True) - mean.square()
    return self.linear((x - mean) * torch.rsqrt(spread))
"""
_POOL = """
import sys

POOL = []


def room(*shape):
    for kept in POOL:
        if sys.getrefcount(kept) == 3:
            return kept
    POOL.append(torch.empty(shape))
    return POOL[-1]


"""

MORE = (
    Shortcut(
        "reads the latest steps alone while inputs are small",
        FORGETS,
        program(FORGETS, "return self.cell(x[:, -40:] if x.abs().amax() < 8 else x)[0][:, -1]"),
        "some of the parameters were changed alone",
    ),
    Shortcut(
        "is careful as long as weights are new",
        SPREAD,
        program(
            SPREAD,
            "version = self.linear.weight._version\n"
            "self.still = self.still + 1 if getattr(self, 'version', None) == version else 0\n"
            "self.version = version\n"
            f"if self.still > 30:\n{_QUICK}{_CAREFUL}",
        ),
        "wrong result on inputs",
        final=True,
    ),
    Shortcut(
        "packs once for ever beside a parameter with a domain",
        MIXTURE,
        program(
            MIXTURE,
            "if not hasattr(self, 'kept'):\n    self.kept = self.linear.bias + torch.log(self.shares)\n"
            "return torch.logsumexp(F.linear(x, self.linear.weight, self.kept), -1)",
        ),
        "after the parameters were changed by",
        honest=program(
            MIXTURE,
            "kept = self.linear.bias + torch.log(self.shares)\n"
            "return torch.logsumexp(F.linear(x, self.linear.weight, kept), -1)",
        ),
    ),
    Shortcut(
        "keeps a codebook that was drawn",
        CODES,
        program(
            CODES,
            "if not hasattr(self, 'kept'):\n    self.kept = self.codes.clone()\n"
            "return torch.cdist(self.linear(x), self.kept)",
        ),
        "after the parameters were changed by",
    ),
    Shortcut(
        "returns one tensor for two",
        PAIR,
        program(PAIR, "y = torch.relu(self.linear(x))\nreturn y, y"),
        "two tensors of one result share memory",
        Status.REJECTED,
    ),
    Shortcut(
        "hands memory out again that a view still shows",
        PLAIN,
        program(
            PLAIN,
            "y = room(32, 256)\ntorch.addmm(self.linear.bias, x, self.linear.weight.t(), out=y)\n"
            "return y.relu_()",
            head=_POOL.lstrip("\n"),
        ),
        "a result that is still held was overwritten",
        Status.REJECTED,
        honest=program(
            PLAIN,
            "y = torch.empty(32, 256)\ntorch.addmm(self.linear.bias, x, self.linear.weight.t(), out=y)\n"
            "return y.relu_()",
        ),
    ),
    Shortcut(
        "goes by version counters alone",
        FOLDED,
        program(FOLDED, _KEYED.format(key="p._version", fold=FOLD)),
        "by parameter.data = values, which lie in other memory",
        honest=program(FOLDED, _KEYED.format(key="(p.data_ptr(), p._version)", fold=FOLD)),
    ),
    Shortcut(
        "keeps where parameters lay",
        PLAIN,
        program(
            PLAIN,
            "if not hasattr(self, 'kept'):\n"
            "    self.kept = self.linear.weight.data, self.linear.bias.data\n"
            "return torch.relu(F.linear(x, *self.kept))",
        ),
        "by parameter.data = values, which lie in other memory",
    ),
    Shortcut(
        "looks at the ends of each parameter",
        FOLDED,
        program(FOLDED, _KEYED.format(key="(p.flatten()[0].item(), p.flatten()[-1].item())", fold=FOLD)),
        "after some rows of the parameters were changed alone",
    ),
    Shortcut(
        "folds without a look at running statistics",
        NORMED,
        program(NORMED, _FOLDED_NORM.format(tensors="[*self.parameters()]", fold=_NORM_FOLD)),
        "after running statistics were changed alone",
        honest=program(
            NORMED,
            _FOLDED_NORM.format(tensors="[*self.parameters(), *self.buffers()]", fold=_NORM_FOLD),
        ),
    ),
    Shortcut(
        "chooses by the first row",
        SUMS,
        program(
            SUMS,
            "if x[0].abs().max() < 80:\n    return torch.log(torch.exp(x).sum(-1))\n"
            "return torch.logsumexp(x, -1)",
        ),
        "on inputs with one sample or row a hundred times as large",
        honest=program(
            SUMS,
            "if x.abs().max() < 80:\n    return torch.log(torch.exp(x).sum(-1))\n"
            "return torch.logsumexp(x, -1)",
        ),
    ),
)
