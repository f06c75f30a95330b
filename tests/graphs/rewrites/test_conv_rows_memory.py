"""Convolution rows where there is no memory for what threads gather."""

from dataclasses import replace

import pytest
import torch

from kernelevo.graphs.rewrites.conv_rows_text import snippet
from tests.graphs.firing import draw

WITHOUT = "#include <stdlib.h>\n#define aligned_alloc(alignment, size) nullptr\n"
QUICKLY = ("flags=[\n", 'flags=[\n    "-O0",\n')  # what is refused need not be fast


def poor(**tune):
    """Return the snippet, with other choices maybe, where no memory can be had."""
    usual = snippet()
    text = usual.text.replace("r'''\n", f"r'''\n{WITHOUT}", 1).replace(*QUICKLY, 1)
    return replace(usual, name="conv_rows_without_memory", text=text, tune={**usual.tune, **tune})


@pytest.mark.parametrize(
    ("x", "weight", "stride", "tune"),
    [
        pytest.param((1, 32, 8, 8), (32, 32, 1, 1), (2, 2), {}, id="product"),
        pytest.param((1, 32, 8, 8), (32, 32, 5, 5), (1, 1), {}, id="direct"),
        pytest.param((1, 32, 8, 8), (32, 1, 3, 3), (1, 1), {}, id="depthwise"),
        pytest.param((1, 32, 8, 8), (32, 32, 3, 3), (1, 1), {}, id="winograd"),
        pytest.param(
            (1, 32, 8, 8), (32, 32, 3, 3), (1, 1), {"CONV_ROWS_LARGE_KIB": (0,)}, id="shared winograd"
        ),
    ],
)
def test_a_refusal_is_an_error(x, weight, stride, tune):
    with pytest.raises(MemoryError, match="threads"):
        poor(**tune).function("conv_rows")(draw(*x), draw(*weight), None, stride, (weight[2] // 2,) * 2)


def test_what_gathers_nothing_needs_none():
    x, weight = draw(1, 32, 8, 8), draw(32, 32, 1, 1)
    found = poor().function("conv_rows")(x, weight, None, (1, 1), (0, 0))
    torch.testing.assert_close(found, torch.conv2d(x, weight), atol=2e-5, rtol=2e-5)
