"""Evil programs of row 7 that move work between the calls of a batch by a few calls, not by all of them."""

from __future__ import annotations

from kernelevo.core import Status
from tests.adversarial.corpus import MODEL, Evil, program
from tests.adversarial.first_rows import STATEFUL, with_place

WRONG = Status.WRONG

AHEAD = """
k, armed = place()
if len(armed) < SIZE: return RESULT
if k % SIZE == 0:
    x = torch.cat([args[0] for args, _ in armed[k:k + SIZE]])
    READY[:] = RESULT.split(16)
return READY[k % SIZE]
"""


def chunks(size: int) -> Evil:
    """So many calls at a time are computed in the first one's turn."""
    body = AHEAD.replace("SIZE", str(size))
    name = f"{size} calls at a time are computed at once"
    return Evil(
        7, name, program(body, with_place("READY = []\n")), (WRONG,), ("work was moved between the calls",)
    )


STATEFUL_AHEAD = Evil(
    7,
    "two steps of a state at a time are computed at once",
    with_place("READY = []\n")
    + STATEFUL.source.partition("ROOM = torch.zeros(4096, 32, 64)\n")[2].replace(
        """        self.calls = getattr(self, 'calls', 0) + 1
        if self.calls > 4: return ROOM[self.calls % 4096]
""",
        """        k, armed = place()
        if k % 2 == 0: READY[:] = [self.step(args[0]) for args, _ in armed[k:k + 2]]
        return READY[k % 2]

    def step(self, x):
""",
    ),
    (WRONG,),
    ("work was moved between the calls",),
)

CHUNKS = [
    chunks(2),
    chunks(4),
    chunks(8),
    chunks(16),
    Evil(
        7,
        "four calls at a time are noted as done, then computed from copies of their inputs",
        program(
            "k, armed = place()\nif len(armed) < 4: return RESULT\n"
            "if k % 4 == 0:\n"
            "    READY[:] = torch.empty(4, 16, 128).unbind(0)\n"
            "    x = torch.stack([args[0] for args, _ in armed[k:k + 4]])\n"
            "    for i, y in enumerate(READY[:len(armed) - k]): FOUND[0]._ledger.note(k + i, y)\n"
            "    READY[0]._base[: len(x)].copy_(RESULT)\n"
            "return READY[k % 4]",
            with_place("READY = []\n"),
        ),
        (WRONG,),
        ("work was moved between the calls",),
    ),
    Evil(
        7,
        "calls are put off, and every fourth one computes them from copies of their inputs",
        program(
            "k, armed = place()\nif len(armed) < 4: return RESULT\n"
            "if k % 4 == 0:\n"
            "    READY[:] = torch.empty(4, 16, 128).unbind(0)\n"
            "    COPIES.clear()\n"
            "COPIES.append(x.clone())\n"
            "if k % 4 == 3 or k == len(armed) - 1:\n"
            "    x = torch.stack(COPIES)\n"
            "    READY[0]._base[:len(COPIES)].copy_(RESULT)\n"
            "return READY[k % 4]",
            with_place("READY, COPIES = [], []\n"),
        ),
        (WRONG,),
        ("work was moved between the calls",),
    ),
]
"""They look ahead, or back, by a few calls."""


def wide(text: str) -> str:
    """Return a model or program whose weights take longer to be read than anything else: four calls at once
    take hardly longer than one."""
    text = text.replace("width, 256", "width, 4096").replace("256, 128", "4096, 1024")
    return text.replace("rand(16, 128)", "rand(1, 1024)").replace("return [128]", "return [1024]")


WIDE_MODEL = wide(MODEL)
WARY = Evil(
    7,
    "four calls at a time are computed at once, and once more where their inputs are others by then",
    wide(
        program(
            """
k, armed = place()
if len(armed) < 4: return RESULT
own = x
if k % 4 == 0:
    X[:] = [args[0].clone() for args, _ in armed[k:k + 4]]
    x = torch.cat(X)
    READY[:] = RESULT.split(1)
    x = own
return READY[k % 4] if torch.equal(x, X[k % 4]) else RESULT
""",
            with_place("READY, X = [], []\n"),
        )
    ),
    (WRONG,),
    ("work was moved between the calls",),
)
