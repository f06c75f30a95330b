"""Row window: pooling over windows of an image whose pixels are computed on the way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from torch import fx

from kernelevo.graphs.matching import arguments, aten, is_op, pair, shape
from kernelevo.graphs.rows.layout import Layout
from kernelevo.graphs.rows.program import Step

SERIAL = 8192  # floats; below, waking the other threads costs more than they save


@dataclass(frozen=True)
class Window:
    """Pooling over rectangles: size, stride and padding as (rows, columns); the mean, or the largest."""

    size: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int]
    mean: bool


def read_window(node: fx.Node) -> Window | None:
    """Return the windows of a pooling, or None where they are of different sizes or overhang."""
    if not is_op(node, aten.avg_pool2d.default, aten.max_pool2d.default, aten.adaptive_avg_pool2d.default):
        return None
    given = arguments(node)
    height, width = shape(given["self"])[-2:]
    if is_op(node, aten.adaptive_avg_pool2d.default):
        rows, columns = given["output_size"]
        if not rows or not columns or height % rows or width % columns:
            return None
        size = (height // rows, width // columns)
        return Window(size, size, (0, 0), True)
    size = pair(given["kernel_size"])
    stride = pair(given["stride"]) if given["stride"] else size
    padding = pair(given["padding"])
    mean = is_op(node, aten.avg_pool2d.default)
    if given["ceil_mode"] or pair(given.get("dilation", 1)) != (1, 1):
        return None
    if mean and (given["divisor_override"] is not None or (any(padding) and not given["count_include_pad"])):
        return None
    return Window(size, stride, padding, mean)


def window_loops(node: fx.Node, laid: Layout, steps: Mapping[str, Step], pooled: str) -> Iterator[str]:
    """Yield the loops: one row of results at a time, its input rows first folded into a line in cache.

    Args:
        node: a pooling that ``read_window`` reads.
        laid: rows of the image; the operands' pointers are ``a0``, ``a1``, ..., the result's is ``y0``.
        steps: what is computed for each pixel.
        pooled: name of the value that is pooled.
    """
    window = read_window(node)
    assert window is not None
    height, (out_height, out_width) = shape(arguments(node)["self"])[-2], shape(node)[-2:]
    start = "0.0f" if window.mean else "-__builtin_inff()"
    padded = f"kInner + {2 * window.padding[1] + window.size[1]}"
    yield f"  constexpr int64_t kHeight = {height}, kOutHeight = {out_height}, kOutWidth = {out_width};"
    yield f"#pragma omp parallel if (kRows * kInner >= {SERIAL})"
    yield "  {"
    yield f"    float* const padded = new float[{padded}];"
    yield f"    for (int64_t i = 0; i < {padded}; ++i) padded[i] = {start};"
    yield f"    float* const line = padded + {window.padding[1]};"
    yield "#pragma omp for schedule(static)"
    yield "    for (int64_t task = 0; task < kRows / kHeight * kOutHeight; ++task) {"
    yield f"      const int64_t top = task % kOutHeight * {window.stride[0]} - {window.padding[0]};"
    yield "      const int64_t first = top < 0 ? 0 : top;"
    yield f"      const int64_t last = top + {window.size[0]} < kHeight ? top + {window.size[0]} : kHeight;"
    yield "      for (int64_t y = first; y < last; ++y) {"
    yield "        const int64_t r = task / kOutHeight * kHeight + y;"
    for number in range(len(laid.along)):
        yield f"        const float* const p{number} = a{number}{laid.offset(number, 'r')};"
    for step in steps.values():
        if step.kind == "column":
            yield f"        const vfloat {step.name} = {step.text};"
    yield "        const auto pixels = [&](int64_t i, auto part) {"
    for step in steps.values():
        if step.kind in ("load", "vector"):
            text = f"load(p{step.text} + i, part)" if step.kind == "load" else step.text
            yield f"          const vfloat {step.name} = {text};"
    yield f"          return {pooled};"
    yield "        };"
    folded = "load(line + i, part) + {}" if window.mean else "larger(load(line + i, part), {})"
    yield "        if (y == first)"
    yield "          sweep(kInner, [&](int64_t i, auto part) { store(line + i, pixels(i, part), part); });"
    yield "        else"
    yield "          sweep(kInner, [&](int64_t i, auto part) {"
    yield f"            store(line + i, {folded.format('pixels(i, part)')}, part);"
    yield "          });"
    yield "      }"
    yield from _across(window, start)
    yield "    }"
    yield "    delete[] padded;"
    yield "  }"


def _across(window: Window, start: str) -> Iterator[str]:
    """Yield the loop that folds the line's columns into one row of results."""
    share = f" * {1.0 / (window.size[0] * window.size[1])!r}f" if window.mean else ""
    yield "      float* const out = y0 + task * kOutWidth;"
    yield "      for (int64_t x = 0; x < kOutWidth; ++x) {"
    yield f"        const float* const from = padded + x * {window.stride[1]};"
    yield f"        float folded = {start};"
    step = "folded += from[k];" if window.mean else "folded = larger(folded, from[k]);"
    yield f"        for (int64_t k = 0; k < {window.size[1]}; ++k) {step}"
    yield f"        out[x] = folded{share};"
    yield "      }"
