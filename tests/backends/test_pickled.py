"""References from live modules."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from kernelevo.backends import pickled
from kernelevo.backends.reference import load_reference
from kernelevo.errors import BadProgram, TaskNotFound


def reference(
    tmp_path: Path, module: nn.Module, inputs: list[tuple[object, ...]]
) -> pickled.PickledReference:
    pickled.write(tmp_path / "m.pkl", module, inputs)
    loaded = load_reference({"kind": "pickle", "path": str(tmp_path / "m.pkl")})
    assert isinstance(loaded, pickled.PickledReference)
    return loaded


def test_a_live_module_comes_back_with_its_weights_and_inputs(tmp_path: Path) -> None:
    class Local(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(3, 3)

        def forward(self, x: torch.Tensor, scale: float) -> torch.Tensor:
            return self.fc(x) * scale

    live, x = Local().eval(), torch.randn(2, 3)
    back = reference(tmp_path, live, [(x, 2.0), (torch.randn(5, 3), 3.0)])
    built = back.build(7)
    assert torch.equal(built(x, 2.0), live(x, 2.0)) and not built.training
    assert torch.equal(back.inputs(0)[0], x) and back.inputs(0)[1] == 2.0 and back.sets == 2
    assert back.inputs(1)[0].shape == (5, 3) and back.inputs(1)[1] == 3.0
    assert not torch.equal(back.inputs(2)[0], x)
    built.fc.weight.data.zero_()
    assert back.build(7).fc.weight.abs().sum() > 0
    assert back.init_args(0) == [] and back.module_name


SCRIPT = """
import sys
from pathlib import Path

import torch
from kernelevo.backends import pickled
from layers_of_a_script import Doubled

pickled.write(Path(sys.argv[1]), Doubled(), [(torch.ones(2),)])
"""
BESIDE_IT = """
from torch import nn

class Doubled(nn.Module):
    def forward(self, x):
        from more_of_a_script import twice
        return twice(x)
"""


def test_a_class_from_a_file_beside_the_script_is_found_by_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker, or the process that resumes a run, does not import from the folder of that script."""
    for name, text in {
        "script.py": SCRIPT,
        "layers_of_a_script.py": BESIDE_IT,
        "more_of_a_script.py": "def twice(x):\n    return x * 2\n",
    }.items():
        (tmp_path / name).write_text(text)
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, str(tmp_path / "script.py"), str(tmp_path / "m.pkl")]
    subprocess.run(command, env=environ, check=True)
    monkeypatch.setattr(sys, "path", list(sys.path))
    try:
        built = pickled.PickledReference(tmp_path / "m.pkl").build(0)
        assert built(torch.ones(2)).tolist() == [2.0, 2.0]
        assert sys.path[-1] == str(tmp_path) and not any("-packages" in p for p in pickled._own_paths())
    finally:
        for name in ("layers_of_a_script", "more_of_a_script"):
            sys.modules.pop(name, None)


def test_errors(tmp_path: Path) -> None:
    with pytest.raises(TaskNotFound, match="not there"):
        pickled.PickledReference(tmp_path / "absent")
    (tmp_path / "bad").write_bytes(b"nonsense")
    with pytest.raises(BadProgram, match="cannot be read back"):
        pickled.PickledReference(tmp_path / "bad")
    with pytest.raises(BadProgram, match="no inputs"):
        pickled.write(tmp_path / "x", nn.Identity(), [])
    locked = nn.Identity()
    locked.generator = (i for i in range(3))
    with pytest.raises(BadProgram, match="cannot be pickled"):
        pickled.write(tmp_path / "x", locked, [()])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16, torch.float16])
def test_floating_draws_keep_mean_and_spread(dtype: torch.dtype) -> None:
    given_ = (torch.randn(4000) * 3 + 2).to(dtype)
    torch.manual_seed(0)
    spreads = [pickled.resemble(given_).double() for _ in range(8)]
    assert all(s.shape == given_.shape for s in spreads)
    assert all(1.0 < s.std() < 5.0 for s in spreads)
    assert len({s.sum().item() for s in spreads}) == 8


def test_one_sign_stays_and_non_finite_stays() -> None:
    given_ = torch.rand(100) + 0.5
    given_[3], given_[4] = float("inf"), float("nan")
    for seed in range(6):
        torch.manual_seed(seed)
        drawn = pickled.resemble(given_)
        assert torch.isinf(drawn[3]) and torch.isnan(drawn[4])
        rest = torch.cat([drawn[:3], drawn[5:]])
        assert (rest >= 0.5).all() and torch.isfinite(rest).all()


@settings(max_examples=40, deadline=None)
@given(
    values=st.lists(st.integers(-5, 50), min_size=1, max_size=60),
    dtype=st.sampled_from(
        [torch.int64, torch.int32, torch.uint8, torch.bool, torch.float32, torch.complex64]
    ),
)
def test_draws_stay_in_range_and_keep_the_layout(values: list[int], dtype: torch.dtype) -> None:
    given_ = torch.tensor([abs(v) for v in values] * 2).view(2, -1).t().to(dtype)
    drawn = pickled.resemble(given_)
    assert (drawn.shape, drawn.dtype, drawn.stride()) == (given_.shape, given_.dtype, given_.stride())
    if not dtype.is_complex:
        assert drawn.min() >= given_.min() and drawn.max() <= given_.max()


def test_integers_up_to_the_largest_are_drawn() -> None:
    """Padding is often marked by the largest number, which the generator itself cannot draw."""
    largest = torch.iinfo(torch.int64).max
    given_ = torch.tensor([largest - 9, largest, 5])
    assert (pickled.resemble(given_) >= 5).all()
    pair = torch.tensor([largest - 1, largest])
    assert torch.equal(pickled.resemble(pair), pair)


def test_strides_of_nested_and_channels_last_inputs_stay(tmp_path: Path) -> None:
    x = torch.randn(2, 3, 4, 4).to(memory_format=torch.channels_last)
    back = reference(tmp_path, nn.Identity(), [({"x": [x]}, None)])
    for seed in (0, 1):
        drawn = back.inputs(seed)[0]["x"][0]
        assert drawn.stride() == x.stride()


IN_MAIN = """
import sys
from pathlib import Path

import torch
from torch import nn

SCALE = 3.0


def activation(x):
    return torch.tanh(x) * SCALE


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 4)

    def forward(self, x):
        return activation(torch.relu(self.linear(x)))


if __name__ == "__main__":
    from kernelevo.backends import pickled

    pickled.write(Path(sys.argv[1]), nn.Sequential(Block(), Block()), [(torch.rand(2, 4),)])
"""


def test_classes_of_a_script_are_compiled_and_exported_in_another_process(tmp_path: Path) -> None:
    """Dynamo looks globals up by the name of their module, and ``__main__`` is another one here."""
    (tmp_path / "script.py").write_text(IN_MAIN)
    environ = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    command = [sys.executable, str(tmp_path / "script.py"), str(tmp_path / "m.pkl")]
    subprocess.run(command, env=environ, cwd="/", check=True)
    one, two = (pickled.PickledReference(tmp_path / "m.pkl") for _ in range(2))
    (x,) = one.inputs(0)
    for module in (one.build(0), two.build(0)):
        with torch.no_grad():
            expected = module(x)
            assert torch.equal(torch.compile(module, backend="eager", fullgraph=True)(x), expected)
            assert torch.equal(torch.export.export(module, (x,), strict=True).module()(x), expected)
    again = reference(tmp_path, two.build(0), [(x,)]).build(0)
    with torch.no_grad():
        assert torch.equal(torch.compile(again, backend="eager", fullgraph=True)(x), expected)
