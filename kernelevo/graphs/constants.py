"""Constants: values that are in no ``state_dict``, as text of a program."""

from __future__ import annotations

import base64
import math
import re
import zlib

import torch

from kernelevo.errors import CaptureError

LIMIT = 256 * 1024  # characters of one embedded constant
UNPACK = """
def unpacked(text, shape, dtype):
    \"\"\"Return a tensor from its bytes, which are compressed and written in base 85.\"\"\"
    import base64
    import zlib

    content = bytearray(zlib.decompress(base64.b85decode(text)))
    return torch.frombuffer(content, dtype=dtype).reshape(shape).clone()
"""
_SMALL = 64  # elements that are written as a list


def embedded(name: str, tensor: torch.Tensor) -> str:
    """Return an expression whose value is bit for bit ``tensor``, on the CPU.

    Raises:
        CaptureError: if it takes more than 256 KiB of text.
    """
    value = tensor.detach().cpu().contiguous()
    for text in _formulas(value):
        made = eval(text, {"torch": torch, "inf": math.inf, "nan": math.nan})  # our own formula
        if made.shape == value.shape and made.dtype == value.dtype and torch.equal(_bits(made), _bits(value)):
            return re.sub(r"\b(inf|nan)\b", r'float("\1")', text)
    # masks of windows, tables of positions: many numbers, of which few differ
    packed = base64.b85encode(zlib.compress(_bits(value).numpy().tobytes(), 9)).decode()
    if len(packed) > LIMIT:
        raise CaptureError(
            f"the constant {name!r} of shape {tuple(tensor.shape)} is too large to be part of a program",
            why="it is neither a parameter nor a persistent buffer, and no simple formula gives its values",
            now="register it as a persistent buffer",
        )
    return f'unpacked("{packed}", {tuple(value.shape)}, {value.dtype})'


def _bits(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.contiguous().reshape(-1).view(torch.uint8)


def _formulas(value: torch.Tensor) -> list[str]:
    """Return guesses at a short expression, cheapest first."""
    shape, dtype = tuple(value.shape), value.dtype
    guesses: list[str] = []
    if not value.numel():
        return [f"torch.zeros({shape}, dtype={dtype})"]
    first = value.reshape(-1)[0].item()
    guesses.append(f"torch.full({shape}, {first!r}, dtype={dtype})")
    if value.numel() <= _SMALL:
        guesses.append(f"torch.tensor({value.tolist()!r}, dtype={dtype})")
    if value.dim() == 1 and not dtype.is_complex and dtype != torch.bool and value.numel() > 1:
        step = value[1].item() - first
        if step and math.isfinite(step):
            guesses.append(
                f"torch.arange({first!r}, {first + (value.numel() - 0.5) * step!r}, {step!r}, dtype={dtype})"
            )
    if value.dim() >= 2 and value.shape[-1] > 1:
        for which, diagonal in (("tril", 0), ("triu", 1), ("triu", 0), ("tril", -1)):
            corner = value[(0,) * (value.dim() - 2)]
            inside = corner[-1, 0].item() if which == "tril" else corner[0, -1].item()
            outside = corner[0, -1].item() if which == "tril" else corner[-1, 0].item()
            ones = f"torch.{which}(torch.ones({shape}, dtype=torch.bool), {diagonal})"
            choices = [f"torch.tensor({v!r}, dtype={dtype})" for v in (inside, outside)]
            guesses.append(f"torch.where({ones}, {choices[0]}, {choices[1]})")
    return guesses
