"""The cuda-graph rewrite: which modules it takes, and printed programs that follow changes when replayed."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from kernelevo.backends import graphed
from kernelevo.graphs.applying import apply_reported
from kernelevo.graphs.capture import capture
from kernelevo.graphs.dispatch import capture_each, print_dispatch
from kernelevo.graphs.harvest.triton import harvest_triton
from kernelevo.graphs.printing import print_program
from kernelevo.graphs.rewrites import REWRITES
from kernelevo.kernels.programs.guard import read
from tests.backends.replaying import Replaying
from tests.few import few
from tests.graphs.compositions import composition
from tests.graphs.programs import difference, load

# calls of C++ on the CPU are not seen by a recorder that hears of torch's operations only
NATIVE = {"recurrent-cells", "recurrent-scan"}
ON_CUDA = [r.name for r in REWRITES if "cuda" in getattr(r, "devices", ("cuda",)) and r.name not in NATIVE]


@pytest.fixture
def recorder(monkeypatch: pytest.MonkeyPatch) -> Replaying:
    made = Replaying()
    monkeypatch.setattr(graphed, "CudaRecorder", lambda: made)
    return made


class Function(nn.Module):
    def __init__(self, function, *layers):
        super().__init__()
        self.function, self.layers = function, nn.ModuleList(layers)

    def forward(self, x):
        return self.function(self.layers, x)


TAKEN = [
    (nn.Sequential(nn.Linear(4, 6), nn.ReLU()), torch.randn(3, 4)),
    (nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6)), torch.randn(3, 4)),  # running statistics
    (nn.Sequential(nn.Linear(4, 6), nn.Dropout(0.5)).eval(), torch.randn(3, 4)),
    (Function(lambda m, x: F.scaled_dot_product_attention(x, x, x)), torch.randn(2, 5, 4)),
    (Function(lambda m, x: m[0](x)[0], nn.LSTM(4, 3)), torch.randn(2, 5, 4)),
    (Function(lambda m, x: x[torch.tensor([0, 2])] * 2), torch.randn(3, 4)),
]
LEFT = [
    (nn.Sequential(nn.Linear(4, 6), nn.Dropout(0.5)), torch.randn(3, 4)),
    (Function(lambda m, x: F.scaled_dot_product_attention(x, x, x, dropout_p=0.1)), torch.randn(2, 5, 4)),
    (Function(lambda m, x: x + torch.rand_like(x)), torch.randn(3, 4)),
    (Function(lambda m, x: (x * 2, x)), torch.randn(3, 4)),
    (Function(lambda m, x: (x * 2, m[0].weight), nn.Linear(4, 4)), torch.randn(3, 4)),
    (nn.Identity(), torch.randn(3, 4)),
]


@pytest.mark.parametrize(("module", "x"), TAKEN)
def test_taken_and_replayed(module, x, tmp_path, recorder) -> None:
    captured = capture(module, (x,))
    (applied,) = apply_reported(captured, ["cuda-graph"])
    assert applied.places == 1
    text = print_program(captured)
    assert "import kernelevo" in text and "    @kernelevo.graphed\n    def forward(self, " in text
    assert read(text) == read(text.replace("    @kernelevo.graphed\n", ""))  # no less declared than without
    program = load(text, tmp_path, module)
    assert difference(captured, program) == "" and recorder.replays == 1


@pytest.mark.parametrize(("module", "x"), LEFT)
def test_left_alone(module, x) -> None:
    captured = capture(module, (x,))
    (applied,) = apply_reported(captured, ["cuda-graph"])
    assert (applied.places, applied.refused, captured.graphed) == (0, "", False)


def test_it_is_last_and_is_rolled_back_with_the_rest() -> None:
    assert [r.name for r in REWRITES][-1] == "cuda-graph"
    captured = capture(nn.Sequential(nn.Linear(4, 6), nn.ReLU()), (torch.randn(3, 4),))
    twin = captured.copy()
    apply_reported(twin, ["cuda-graph"])
    assert twin.graphed and not captured.graphed and twin.copy().graphed
    assert apply_reported(twin, ["cuda-graph"])[0].places == 0


@pytest.mark.parametrize("seed", few(range(4), 1))
def test_after_all_other_rewrites_for_cuda(seed, tmp_path, recorder) -> None:
    module, inputs = composition(seed)
    captured = capture(module, inputs)
    fired = [a.name for a in apply_reported(captured, ON_CUDA) if a.places]
    program = load(print_program(captured), tmp_path, module)
    assert difference(captured, program) == ""
    assert (recorder.replays > 0) is ("cuda-graph" in fired)
    for change in (1.5, -1.0):  # weights that were packed for the graph follow
        with torch.no_grad():
            for parameter in program.parameters():
                parameter.mul_(change)
            module.load_state_dict(program.state_dict())
            for _ in range(2):
                torch.manual_seed(0)
                found = program(*inputs)
                torch.manual_seed(0)
                torch.testing.assert_close(found, module(*inputs), atol=1e-4, rtol=1e-4)


def test_each_kind_of_call_has_its_own_graph(tmp_path, recorder) -> None:
    module = nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 2))
    captures = capture_each(module, [(torch.randn(rows, 4),) for rows in (3, 5)])
    for captured in captures:
        apply_reported(captured, ON_CUDA)
    text = print_dispatch(captures)
    assert text.count("@kernelevo.graphed") == 2
    program = load(text, tmp_path, module)
    with torch.no_grad():
        for rows in (3, 5, 3, 5, 3):
            x = torch.randn(rows, 4)
            torch.testing.assert_close(program(x), module(x))
    assert (recorder.records, recorder.replays) == (2, 3)


def test_the_other_mode_is_refused_though_recorded(tmp_path, recorder) -> None:
    module, x = nn.Sequential(nn.Linear(4, 6), nn.BatchNorm1d(6)).eval(), torch.randn(3, 4)
    captured = capture(module, (x,))
    apply_reported(captured, ["cuda-graph"])
    program = load(print_program(captured), tmp_path, module)
    with torch.no_grad():
        for _ in range(3):
            program(x)
        program.train()
        with pytest.raises(RuntimeError, match="evaluation mode only"):
            program(x)


@pytest.mark.slow
def test_a_harvest_of_a_graphed_module_is_graphed() -> None:
    captured = capture(nn.Sequential(nn.Linear(32, 16), nn.ReLU()), (torch.randn(8, 32),))
    plain = print_program(harvest_triton(captured))
    apply_reported(captured, ["cuda-graph"])
    text = print_program(harvest_triton(captured))
    assert "@kernelevo.graphed" not in plain and "_harvest_run" in plain
    assert text.replace("    @kernelevo.graphed\n", "").replace("import kernelevo\n", "") == plain.replace(
        "import kernelevo\n", ""
    )
