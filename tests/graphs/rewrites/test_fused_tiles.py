"""Fused tiles: interpreted against fp64, compiled without a device, what they replace and what they leave."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from kernelevo.backends.reference import load_reference
from kernelevo.backends.triton import compile_source
from kernelevo.backends.tune import values_in_use
from kernelevo.graphs.applying import apply_one, apply_reported
from kernelevo.graphs.capture import capture
from kernelevo.graphs.dispatch import capture_each
from kernelevo.graphs.printing import print_program
from kernelevo.graphs.rewrites import REWRITES
from kernelevo.graphs.rewrites.fused_tiles import FusedRowsGpu
from kernelevo.graphs.tiles.batch_moments import SNIPPET
from kernelevo.graphs.tiles.code import TUNE
from kernelevo.tasks.load import load_task
from tests.few import few
from tests.graphs.compositions import composition
from tests.graphs.firing import draw
from tests.graphs.programs import difference, load
from tests.graphs.tile_values import CASES, Function, Images, Normed, Pooled, activations, pair, scores

SMALL = {"ROWS_TILE": 64, "ROWS_WHOLE": 16, "MOMENTS_TILE": 64, "MOMENTS_PROGRAMS": 4096}
PLAIN = ("normed 17", "far from zero", "far images", "extreme scores", "extreme activations", "pooled")
CUT = ("gated 17", "sums", "broadcasts", "images in training", "images", "vectors in training")


def interpreted(folder: Path, tune: dict[str, int], *names: str) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "tests.graphs.tile_values", str(folder), repr(tune), *names],
        capture_output=True, text=True, check=False, cwd=Path(__file__).parents[3],
        env={**os.environ, "TRITON_INTERPRET": "1"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.mark.parametrize(
    ("tune", "names"),
    [
        ({}, PLAIN),
        pytest.param(SMALL, CUT, marks=pytest.mark.slow),
        pytest.param({}, tuple(CASES), marks=pytest.mark.slow),
        pytest.param(SMALL, tuple(n for n in CASES if not n.startswith("long")), marks=pytest.mark.slow),
    ],
)
def test_values_by_the_interpreter(tune, names, tmp_path):
    """Tails, broadcasts, strides, NaN, infinity, data far from zero: no worse than PyTorch against fp64."""
    interpreted(tmp_path, tune, *names)


def fused(module: nn.Module, inputs: tuple[torch.Tensor, ...]):
    captured = capture(module, inputs)
    applied = apply_one(captured, FusedRowsGpu())
    assert applied.refused == ""
    return captured, applied.places


def compiled(text: str, folder: Path, arch: str, warps: int) -> None:
    for kernel in compile_source(text, folder, arch=arch, options={"num_warps": warps}).values():
        assert kernel.cubin
        if kernel.usage is not None:
            assert kernel.usage.local == 0, kernel.name
            assert kernel.usage.registers < 255, kernel.name


def single(x, y):
    return torch.tanh(x), F.layer_norm(y, (12,)), F.batch_norm(x, None, None, training=True)


WIDE = {  # with the warps that the wrapper launches them with
    "images": (lambda: Images(8).train(), pair(2, 8, 56, 56), 4),
    "images in evaluation": (lambda: Images(8).eval(), pair(2, 8, 14, 14), 4),
    "pooled": (lambda: Pooled(3).train(), pair(2, 3, 56, 56), 4),
    "short rows": (lambda: Normed(96), pair(4, 64, 96), 4),
    "rows in registers": (lambda: Normed(8192), pair(2, 8192), 16),
    "looped rows": (lambda: Normed(16384), pair(64, 16384), 4),
    "looped scores": (lambda: Function(scores), pair(64, 9000), 4),
}


QUICK = {("images", "sm_90"), ("short rows", "sm_100")}


@pytest.mark.parametrize(
    ("name", "arch"),
    [
        pytest.param(n, a, marks=[] if (n, a) in QUICK else pytest.mark.slow)
        for n, a in itertools.product(WIDE, ("sm_80", "sm_90", "sm_100"))
    ],
)
def test_kernels_compile_without_spills(name, arch, tmp_path):
    made, inputs, warps = WIDE[name]
    captured, _ = fused(made(), inputs)
    compiled(print_program(captured), tmp_path, arch, warps)


@pytest.mark.parametrize("arch", ["sm_80", "sm_90", "sm_100"])
@pytest.mark.slow
def test_every_activation_compiles(arch, tmp_path):
    captured, _ = fused(Function(activations), pair(64, 500))
    compiled(print_program(captured), tmp_path, arch, 4)


@pytest.mark.parametrize(
    ("module", "inputs", "places"),
    [
        (Images(6).train(), pair(2, 6, 5, 5), 2),
        (Normed(40), pair(3, 5, 40), 1),
        (Function(lambda x, y: (torch.relu(x.t() + y.t()) * 2).sum(0)), pair(6, 12), 0),
        (Function(single), pair(6, 12), 0),
        (Function(lambda x, y: torch.softmax(x * y, -1)), pair(2, 40_000), 0),
        (Function(lambda x, y: torch.relu(x + y)), tuple(t.double() for t in pair(6, 12)), 0),
        (Function(lambda x, y: torch.relu(x + y)), pair(1, 1), 1),
    ],
)  # fmt: skip
def test_what_it_replaces_and_that_programs_are_right_off_the_gpu(module, inputs, places, tmp_path):
    captured, found = fused(module, inputs)
    assert found == places
    assert difference(captured, load(print_program(captured), tmp_path, module)) == ""


def test_inputs_in_another_layout_than_at_capture(tmp_path):
    module, (x, y) = Normed(12), pair(4, 6, 12)
    program = load(print_program(fused(module, (x, y))[0]), tmp_path, module)
    other = [t.transpose(0, 1).contiguous().transpose(0, 1) for t in (x, y)]
    torch.testing.assert_close(program(*other), module(x, y))
    with pytest.raises(ValueError, match="other shapes"):
        program(x[:2], y[:2])


def test_moments_off_the_gpu_are_pytorchs_own():
    x, running = draw(5, 3, 4, 4) * 2 + 7, (draw(3), draw(3, seed=1).abs())
    moments = SNIPPET.function("batch_moments")
    mine, theirs = [[t.clone() for t in running] for _ in range(2)]
    counter = torch.tensor(4)
    off, scale, shift = moments(x, None, None, *mine, 0.25, 1e-3, counter).view(3, 1, 3, 1, 1)
    assert counter == 5
    y = F.batch_norm(x, *theirs, training=True, momentum=0.25, eps=1e-3)
    assert all(map(torch.equal, mine, theirs))
    torch.testing.assert_close((x - off) * scale + shift, y, atol=1e-6, rtol=1e-6)


def test_equal_regions_share_their_text_and_views_are_not_made():
    class Gates(nn.Module):
        def forward(self, x, y):
            for _ in range(3):
                x = (torch.sigmoid(x[:, :8]) * y[:, 0:1]).cumsum(-1)
                x = torch.cat([x, x], 1)
            return x

    captured, places = fused(Gates(), pair(4, 16))
    assert (places, len(captured.snippets)) == (3, 1)
    assert not any("slice" in str(node.target) for node in captured.graph.nodes)


@pytest.mark.slow
def test_the_table_is_what_programs_read(tmp_path):
    captured, _ = fused(Images(4).train(), pair(2, 4, 8, 8))
    text = print_program(captured)
    assert {k: values_in_use(text)[k] for k in TUNE} == {k: v[0] for k, v in TUNE.items()}


@pytest.mark.parametrize("seed", few(range(6), 1))
def test_on_random_compositions(seed, tmp_path):
    module, inputs = composition(seed)
    captured = capture(module, inputs)
    if seed % 2:
        apply_reported(captured, [r.name for r in REWRITES if r.name.startswith(("split", "no-op", "dead"))])
    applied = apply_one(captured, FusedRowsGpu())
    assert applied.refused == ""
    assert difference(captured, load(print_program(captured), tmp_path, module)) == ""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("task", "places"),
    [("kernelbench:3/13", 1), ("kernelbench:3/8", 2), ("kernelbench:3/28", 12), ("kernelbench:3/31", 1)],
)
def test_it_fires_on_bundled_tasks(task, places):
    reference = load_reference(load_task(task, size="small").options["reference"])
    (captured,) = capture_each(reference.build(0), reference.input_sets())
    applied = apply_one(captured, FusedRowsGpu())
    assert (applied.places, applied.refused) == (places, "")
