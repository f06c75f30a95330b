"""Split dot: the parts of Triton kernels that multiply fp32 tiles on a GPU's matrix units at fp32 accuracy.

Two ways, each measured ``fp32-accurate``: TF32 operands (10 bits of mantissa) in two parts and three
products, or bf16 operands (7 bits) in three parts and six products; those left out are below fp32's own
rounding. Two bf16 parts with three products are not enough (16 bits), so there is no such way. Either way the
product of one step is added to the sum by the plain units, which round where the matrix units truncate.

Corrections that are not numbers (an infinite operand has no small part) are dropped: the product of the large
parts then says what the result is. A finite operand above the largest bf16 or TF32 (3.39e38) counts as
infinite.
"""

from __future__ import annotations

WAYS = ("tf32x3", "bf16x6")

_DOT = '''
@triton.jit
def {name}_dot(a, b, total, WAY: tl.constexpr):
    """Return total + a @ b for fp32 tiles."""
    if WAY == "bf16x6":
        high_a, high_b = a.to(tl.bfloat16), b.to(tl.bfloat16)
        rest_a, rest_b = a - high_a.to(tl.float32), b - high_b.to(tl.float32)
        middle_a, middle_b = rest_a.to(tl.bfloat16), rest_b.to(tl.bfloat16)
        low_a = (rest_a - middle_a.to(tl.float32)).to(tl.bfloat16)
        low_b = (rest_b - middle_b.to(tl.float32)).to(tl.bfloat16)
        small = tl.dot(middle_a, middle_b)
        small = tl.dot(low_a, high_b, small)
        small = tl.dot(high_a, low_b, small)
        small = tl.dot(middle_a, high_b, small)
        small = tl.dot(high_a, middle_b, small)
        small = tl.where(small == small, small, 0.0)
        total = total + tl.dot(high_a, high_b, small)
    else:
        total = tl.dot(a, b, total, input_precision=WAY)
    return total
'''

_POST = '''
@triton.jit
def {name}_post(y, POST: tl.constexpr):
    """Return an activation of y."""
    if POST == "relu":
        y = tl.where(y < 0.0, 0.0, y)
    elif POST == "sigmoid":
        y = 1.0 / (1.0 + tl.exp(-y))
    elif POST == "silu":
        y = y / (1.0 + tl.exp(-y))
    elif POST == "tanh":
        y = 1.0 - 2.0 / (1.0 + tl.exp(2.0 * y))
    elif POST == "gelu":
        y = 0.5 * y * (1.0 + tl.erf(y * 0.7071067811865476))
    elif POST == "gelu_tanh":
        y = y / (1.0 + tl.exp(-1.5957691216057308 * (y + 0.044715 * y * y * y)))
    return y


def _{name}_gelu_tanh(y):
    return F.gelu(y, approximate="tanh")


_{name}_posts = {{
    "none": lambda y: y, "relu": torch.relu, "sigmoid": torch.sigmoid, "silu": F.silu, "tanh": torch.tanh,
    "gelu": F.gelu, "gelu_tanh": _{name}_gelu_tanh,
}}
'''

IMPORTS = "\nimport triton\nimport triton.language as tl\n\n"


def dot_text(name: str) -> str:
    """Return the device function ``NAME_dot(a, b, total, WAY)``."""
    return _DOT.format(name=name)


def post_text(name: str) -> str:
    """Return the device function ``NAME_post(y, POST)`` and the table ``_NAME_posts`` of PyTorch's own."""
    return _POST.format(name=name)
