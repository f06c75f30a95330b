"""Tile window: pooling over windows of an image whose pixels are computed on the way, in Triton."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from math import prod

from torch import fx

from kernelevo.graphs.matching import arguments, shape
from kernelevo.graphs.rows.layout import Layout
from kernelevo.graphs.rows.program import Step
from kernelevo.graphs.rows.window import read_window

AGAIN = 9  # pixels of windows that overlap, up to which computing a pixel for each of them costs little


def is_cheap(node: fx.Node) -> bool:
    """Tell whether a pooling that ``read_window`` reads computes no pixel very often."""
    window = read_window(node)
    assert window is not None
    apart = all(size <= stride for size, stride in zip(window.size, window.stride, strict=True))
    return apart or prod(window.size) <= AGAIN


def window_lines(
    node: fx.Node,
    laid: Layout,
    steps: Mapping[str, Step],
    pooled: str,
    load: Callable[[int, str], str],
    wide: str,
) -> Iterator[str]:
    """Yield the body of a kernel whose programs each make one tile of results, one result per column.

    Args:
        node: a pooling that ``read_window`` reads.
        laid: rows of the image.
        steps: what is computed for each pixel.
        pooled: name of the value that is pooled.
        load: returns the text that loads an operand at row ``r`` and place ``i`` under a mask.
        wide: what makes indices large enough, or nothing.
    """
    window = read_window(node)
    assert window is not None
    height, (out_height, out_width) = shape(arguments(node)["self"])[-2], shape(node)[-2:]
    start = "0.0" if window.mean else 'float("-inf")'
    yield f"o = tl.program_id(0){wide} * TILE_COLUMNS + tl.arange(0, TILE_COLUMNS)[None, :]"
    yield f"out_in = o < {prod(shape(node))}"
    yield f"top = o // {out_width} % {out_height} * {window.stride[0]} - {window.padding[0]}"
    yield f"left = o % {out_width} * {window.stride[1]} - {window.padding[1]}"
    yield f"image = o // {out_height * out_width} * {height}"
    yield f"pooled = tl.full((1, TILE_COLUMNS), {start}, tl.float32)"
    yield f"for step in range({prod(window.size)}):"
    yield f"    h = top + step // {window.size[1]}"
    yield f"    i = left + step % {window.size[1]}"
    yield "    r = image + h"
    yield f"    inside = out_in & (h >= 0) & (h < {height}) & (i >= 0) & (i < {laid.inner})"
    for number, along in enumerate(laid.along):
        if not along:
            yield f"    p{number} = {load(number, 'inside')}"
    for step in steps.values():
        text = load(int(step.text), "inside") if step.kind == "load" else step.text
        yield f"    {step.name} = {text}"
    if window.mean:
        yield f"    pooled += tl.where(inside, {pooled}, 0.0)"
        yield f"tl.store(y0_ptr + o, pooled * {1.0 / prod(window.size)!r}, mask=out_in)"
    else:
        yield f'    found = tl.where(inside, {pooled}, float("-inf"))'
        yield "    pooled = tl.maximum(pooled, found, propagate_nan=tl.PropagateNan.ALL)"
        yield "tl.store(y0_ptr + o, pooled, mask=out_in)"
