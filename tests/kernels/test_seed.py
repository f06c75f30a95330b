from pathlib import Path

import torch
from torch import nn

from kernelevo.backends import pickled
from kernelevo.backends.candidate import load_candidate
from kernelevo.backends.reference import load_reference
from kernelevo.core import Program
from kernelevo.kernels import judge as judging
from kernelevo.kernels.judge import KernelJudge
from kernelevo.kernels.seed import seed_text, seeds
from tests.kernels.conftest import MODEL, task_of

FILE = """
import torch
from torch import nn
WIDTH = 64
SIZES = {"small": {"WIDTH": 8}}
class Model(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.layer = nn.Linear(width, WIDTH)
    def forward(self, x):
        return torch.relu(self.layer(x))
def get_init_inputs():
    return [WIDTH]
def get_inputs():
    return [torch.randn(3, WIDTH)]
"""


def test_a_task_file_is_its_own_seed_at_its_size(tmp_path: Path) -> None:
    spec = {"kind": "source", "text": FILE, "filename": "t.py", "size": "small", "variant": None}
    reference = load_reference(spec)
    module = reference.build(0)
    made = load_candidate(seed_text(spec), tmp_path)(8)
    made.load_state_dict(module.state_dict())
    (x,) = reference.inputs(1)
    assert x.shape == (3, 8)
    assert torch.equal(made(x), module(x))


def test_a_live_module_is_printed(tmp_path: Path) -> None:
    module = nn.Sequential(nn.Linear(5, 7), nn.Tanh()).eval()
    x = torch.randn(2, 5)
    pickled.write(tmp_path / "m.pkl", module, [(x,)])
    text = seed_text({"kind": "pickle", "path": str(tmp_path / "m.pkl")})
    made = load_candidate(text, tmp_path / "build")()
    made.load_state_dict(module.state_dict())
    torch.testing.assert_close(made(x), module(x))


def test_a_live_module_with_several_input_sets_is_one_program(tmp_path: Path) -> None:
    module = nn.Sequential(nn.Flatten(0), nn.Unflatten(0, (-1, 4)), nn.Linear(4, 3)).eval()
    sets = [(torch.randn(2, 4),), (torch.randn(5, 4),)]
    pickled.write(tmp_path / "m.pkl", module, sets)
    text = seed_text({"kind": "pickle", "path": str(tmp_path / "m.pkl"), "sets": 2, "weights": [0.5, 0.5]})
    made = load_candidate(text, tmp_path / "build")()
    made.load_state_dict(module.state_dict())
    for (x,) in sets:
        torch.testing.assert_close(made(x), module(x))


class Branches(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(x) if x.sum() > 0 else -x


def test_a_module_without_a_graph_is_no_seed_and_it_is_told_why(tmp_path: Path) -> None:
    pickled.write(tmp_path / "m.pkl", Branches(), [(torch.randn(2, 5),)])
    news: list[dict[str, str]] = []
    assert seeds({"kind": "pickle", "path": str(tmp_path / "m.pkl")}, news) == ()
    (told,) = news
    assert told["kind"] == "graphless" and told["what"] == "Branches cannot be captured as one graph"
    assert "torch.export said: " in told["why"] and "--model NAME" in told["now"]


def test_a_judge_asks_for_them_once(monkeypatch):
    asked = []
    monkeypatch.setattr(judging, "seeds", lambda spec, news: asked.append(spec) or (Program.single("x = 1"),))
    with KernelJudge(task_of(MODEL), compiled=()) as judge:
        assert judge.seeds() is judge.seeds() and len(asked) == 1
        assert judge._is_reference(Program.single("x = 1")) and len(asked) == 1
