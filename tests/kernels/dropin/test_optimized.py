"""The drop-in's contract, clause by clause."""

import copy
import importlib
import io
import pickle
import sys
import warnings

import cloudpickle
import pytest
import torch
from torch import nn

from kernelevo.core import Program
from kernelevo.errors import InputError
from kernelevo.kernels.dropin.optimized import FallbackWarning, Optimized
from kernelevo.kernels.dropin.signature import Signature
from kernelevo.kernels.dropin.traced import output_spec
from tests.kernels.references import KeepsState

SOURCE = """
import torch
from torch import nn


class ModelNew(nn.Module):
    calls = 0

    def __init__(self, *init_args, **init_kwargs):
        super().__init__()
        self.norm = nn.BatchNorm1d(16)
        self.linear = nn.Linear(16, 8)

    def forward(self, x):
        type(self).calls += 1
        return torch.nn.functional.linear(torch.relu(self.norm(x)), self.linear.weight, self.linear.bias)
"""


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm = nn.BatchNorm1d(16)
        self.linear = nn.Linear(16, 8)
        self.note = "mine"

    def forward(self, x):
        return self.linear(torch.relu(self.norm(x)))


@pytest.fixture
def net():
    torch.manual_seed(0)
    return Net()


def test_arguments_by_name_run_the_program_too(net, fast):
    x = torch.rand(4, 16)
    twin = copy.deepcopy(net)
    with torch.no_grad():
        assert torch.allclose(fast(x), twin(x), atol=1e-6)
        calls = type(fast._program).calls
        assert torch.allclose(fast(x=x), twin(x), atol=1e-6)
        assert type(fast._program).calls == calls + 1
        with pytest.raises(TypeError, match="other"), pytest.warns(FallbackWarning):
            fast(other=x)


@pytest.fixture
def fast(net, tmp_path):
    return Optimized(net, Program.single(SOURCE), [Signature.of(net, (torch.rand(4, 16),))], folder=tmp_path)


def ran(fast):
    """How often the program itself ran."""
    return 0 if fast._program is None else type(fast._program).calls


def agrees(fast, reference, x, *, by_program=True):
    before = ran(fast)
    with torch.no_grad(), warnings.catch_warnings():
        if by_program:
            warnings.simplefilter("error")
        else:
            warnings.simplefilter("ignore")
        got = fast(x)
        assert torch.equal(got, reference(x))
    assert ran(fast) >= 1 if by_program else ran(fast) == before


def test_it_computes_the_same_with_the_same_state_dict_keys(fast, net):
    twin = copy.deepcopy(net)
    assert list(fast.state_dict()) == list(twin.state_dict())
    assert [n for n, _ in fast.named_parameters()] == [n for n, _ in twin.named_parameters()]
    agrees(fast, twin, torch.rand(4, 16))
    for key, value in fast.state_dict().items():  # running statistics moved alike
        assert torch.equal(value, twin.state_dict()[key]), key
    assert fast.note == "mine" and "proven" in repr(fast)
    with pytest.raises(AttributeError):
        _ = fast.not_there


def test_it_follows_later_changes_of_its_parameters(fast):
    x = torch.rand(4, 16)
    agrees(fast, copy.deepcopy(fast.original), x)
    with torch.no_grad():
        fast.linear.weight.mul_(2)
    agrees(fast, copy.deepcopy(fast.original), x)
    fast.load_state_dict({k: v * 0.5 if v.is_floating_point() else v for k, v in fast.state_dict().items()})
    agrees(fast, copy.deepcopy(fast.original), x)
    fast.linear.weight = nn.Parameter(torch.rand(8, 16))
    agrees(fast, copy.deepcopy(fast.original), x)
    fast.original.linear = nn.Linear(16, 8)
    agrees(fast, copy.deepcopy(fast.original), x)
    fast.linear = nn.Linear(16, 8)
    agrees(fast, copy.deepcopy(fast.original), x)
    fast.linear.weight.data = torch.ones(8, 16)
    agrees(fast, copy.deepcopy(fast.original), x)


def test_train_and_eval(fast, net, tmp_path):
    x = torch.rand(4, 16)
    fast.eval()
    assert not fast.original.training and not fast.norm.training
    agrees(fast, copy.deepcopy(fast.original), x, by_program=False)  # proven in train mode only
    fast.train()
    agrees(fast, copy.deepcopy(fast.original), x)
    fast.norm.eval()
    agrees(fast, copy.deepcopy(fast.original), x, by_program=False)
    still = copy.deepcopy(net).eval()
    other = Optimized(still, Program.single(SOURCE), [Signature.of(still, (x,))], folder=tmp_path)
    agrees(other, copy.deepcopy(still), x)


def test_to(fast):
    fast.to(torch.float64)
    assert fast.linear.weight.dtype is torch.float64
    agrees(fast, copy.deepcopy(fast.original), torch.rand(4, 16).double(), by_program=False)
    fast.to(torch.float32)
    agrees(fast, copy.deepcopy(fast.original), torch.rand(4, 16))


def test_deepcopy_has_its_own_weights(fast):
    agrees(fast, copy.deepcopy(fast.original), torch.rand(4, 16))
    twin = copy.deepcopy(fast)
    assert isinstance(twin, Optimized) and twin.linear.weight is not fast.linear.weight
    with torch.no_grad():
        twin.linear.weight.zero_()
    agrees(twin, copy.deepcopy(twin.original), torch.rand(4, 16))
    agrees(fast, copy.deepcopy(fast.original), torch.rand(4, 16))
    assert not torch.equal(fast.linear.weight, twin.linear.weight)


@pytest.mark.parametrize("module", [pickle, cloudpickle])
def test_pickling(fast, module, monkeypatch, tmp_path):
    monkeypatch.setenv("KERNELEVO_CACHE", str(tmp_path))
    agrees(fast, copy.deepcopy(fast.original), torch.rand(4, 16))
    again = pickle.loads(module.dumps(fast))
    assert isinstance(again, Optimized)
    agrees(again, copy.deepcopy(fast.original), torch.rand(4, 16))


def test_torch_save(fast, monkeypatch, tmp_path):
    monkeypatch.setenv("KERNELEVO_CACHE", str(tmp_path))
    file = io.BytesIO()
    torch.save(fast, file)
    file.seek(0)
    again = torch.load(file, weights_only=False)
    agrees(again, copy.deepcopy(fast.original), torch.rand(4, 16))


def test_it_falls_back_with_one_warning_when_a_gradient_is_needed(fast):
    x = torch.rand(4, 16)
    with pytest.warns(FallbackWarning, match="gradient") as seen:
        fast(x).sum().backward()
        fast(x)
    assert len(seen) == 1 and ran(fast) == 0
    assert fast.linear.weight.grad is not None
    with torch.inference_mode():
        fast(x)
    assert ran(fast) == 1


def test_it_falls_back_under_autocast(fast):
    with (
        torch.no_grad(),
        torch.autocast("cpu", dtype=torch.bfloat16),
        pytest.warns(FallbackWarning, match="auto"),
    ):
        assert fast(torch.rand(4, 16)).dtype is torch.bfloat16


@pytest.mark.parametrize(
    "x",
    [torch.rand(5, 16), torch.rand(16, 4).t(), torch.rand(4, 16)[:, ::1].expand(4, 16).t().contiguous().t()],
    ids=["shape", "stride", "stride again"],
)
def test_it_falls_back_for_what_was_not_proven(fast, x):
    twin = copy.deepcopy(fast.original)
    with torch.no_grad(), pytest.warns(FallbackWarning, match="proven on float32") as seen:
        for _ in range(2):
            assert torch.equal(fast(x), twin(x))
    assert len(seen) == 1 and ran(fast) == 0


def test_it_falls_back_for_another_dtype(fast):
    fast.half()
    x, twin = torch.rand(4, 16).half(), copy.deepcopy(fast.original)
    with torch.no_grad(), pytest.warns(FallbackWarning, match=r"it is float16\[4, 16\]") as seen:
        for _ in range(2):
            assert torch.equal(fast(x), twin(x))
    assert len(seen) == 1 and ran(fast) == 0


def test_it_falls_back_for_weights_of_another_dtype(fast):
    fast.norm.double()  # the inputs are as proven
    with torch.no_grad(), pytest.warns(FallbackWarning, match=r"not of the proven kind; see norm\.") as seen:
        for _ in range(2):
            with pytest.raises(RuntimeError):  # what the original does with them
                fast(torch.rand(4, 16))
    assert len(seen) == 1 and ran(fast) == 0


def test_it_falls_back_on_another_device(fast):
    agrees(fast, copy.deepcopy(fast.original), torch.rand(4, 16))
    fast.to("meta")
    assert all(value.is_meta for value in fast.state_dict().values())
    with torch.no_grad(), pytest.warns(FallbackWarning, match="on meta") as seen:
        for _ in range(2):
            got = fast(torch.rand(4, 16, device="meta"))
    assert got.is_meta and got.shape == (4, 8) and len(seen) == 1 and ran(fast) == 0


def test_it_comes_back_from_another_device(fast):
    twin = copy.deepcopy(fast.original)
    fast.to("cpu")
    agrees(fast, twin, torch.rand(4, 16))
    fast.to_empty(device="meta").to_empty(device="cpu")
    fast.load_state_dict(twin.state_dict())
    agrees(fast, twin, torch.rand(4, 16))


def test_each_reason_is_told_once(fast):
    x = torch.rand(4, 16)
    with pytest.warns(FallbackWarning) as seen:
        for _ in range(2):
            fast(x)
            with torch.no_grad():
                fast(x[:3])
                with torch.autocast("cpu", dtype=torch.bfloat16):
                    fast(x)
    told = [str(warning.message) for warning in seen]
    assert len(told) == 3
    assert all("the original Net runs instead of the optimised program" in text for text in told)
    for words in ("gradient", "it is float32[3, 16]", "autocast"):
        assert sum(words in text for text in told) == 1, told


def test_it_falls_back_for_another_dtype_and_nesting(fast):
    with torch.no_grad(), pytest.warns(FallbackWarning), pytest.raises(RuntimeError):
        fast(torch.rand(4, 16).double())
    with torch.no_grad(), pytest.warns(FallbackWarning, match="nested"), pytest.raises(AttributeError):
        fast([torch.rand(4, 16)])


def test_a_program_that_cannot_be_loaded_leaves_the_original(net, tmp_path):
    x = torch.rand(4, 16)
    faulty = Program.single("raise OSError('no compiler')")
    broken = Optimized(net, faulty, [Signature.of(net, (x,))], folder=tmp_path)
    with torch.no_grad(), pytest.warns(FallbackWarning, match="cannot be loaded") as seen:
        assert torch.equal(broken(x), copy.deepcopy(net)(x))
        broken(x)
    assert len(seen) == 1


def test_other_names_are_refused(net, tmp_path):
    x = torch.rand(4, 16)
    renamed = SOURCE.replace("self.linear", "self.last")
    other = Optimized(net, Program.single(renamed), [Signature.of(net, (x,))], folder=tmp_path)
    with torch.no_grad(), pytest.warns(FallbackWarning, match="other names"):
        other(x)


def test_state_in_plain_attributes_is_refused():
    with pytest.raises(InputError, match="plain attributes"):
        Signature.of(KeepsState(), (torch.rand(4, 8),))


def test_an_outer_compile_accepts_it_as_one_operator(fast):
    graphs = []

    def backend(graph, inputs):
        graphs.append(graph)
        return graph.forward

    x = torch.rand(4, 16)
    twin = copy.deepcopy(fast.original)
    compiled = torch.compile(lambda v: fast(v) + 1, backend=backend, fullgraph=True)
    with torch.no_grad():
        assert torch.equal(compiled(x), twin(x) + 1)
    (graph,) = graphs
    assert any("kernelevo" in str(node.target) for node in graph.graph.nodes)
    assert ran(fast) >= 1
    for key, value in fast.state_dict().items():
        assert torch.equal(value, twin.state_dict()[key]), key


def test_an_outer_compile_says_when_it_traces_the_original(fast):
    compiled = torch.compile(lambda v: fast(v) + 1, backend="eager", fullgraph=True)
    x = torch.rand(6, 16)
    twin = copy.deepcopy(fast.original)
    with torch.no_grad(), pytest.warns(FallbackWarning, match="not of a kind it was proven on"):
        torch.testing.assert_close(compiled(x), twin(x) + 1)
    assert ran(fast) == 0


def test_a_number_that_a_call_returns_is_never_taken_for_a_constant(net):
    """The operator that stands for a traced call returns tensors alone."""

    class Sums(nn.Module):
        def forward(self, x):
            return x * 2, float(x.sum())

    x = torch.rand(4, 16)
    assert output_spec(Signature.of(net, (x,))) == "one"
    assert output_spec(Signature.of(Sums(), (x,))) is None


def test_an_outer_compile_keeps_buffers_right_when_functionalised(fast):
    x = torch.rand(4, 16)
    twin = copy.deepcopy(fast.original)
    compiled = torch.compile(lambda v: fast(v) * 2, backend="aot_eager", fullgraph=True)
    with torch.no_grad():
        for _ in range(2):
            assert torch.allclose(compiled(x), twin(x) * 2)
    for key, value in fast.state_dict().items():
        assert torch.allclose(value, twin.state_dict()[key]), key


def test_its_operator_has_a_right_fake(fast):
    """What torch.library itself checks of an operator: schema, fake implementation, tracing."""
    x = torch.rand(4, 16)
    agrees(fast, copy.deepcopy(fast.original), x)
    proven = fast._proven[0]
    named = dict(fast.named_buffers())
    arguments = (
        fast._number,
        0,
        [x],
        [p.detach() for p in fast.parameters()],
        [named[name].clone() for name in proven.mutated],
    )
    checks = ("test_schema", "test_faketensor")
    torch.library.opcheck(torch.ops.kernelevo.run.default, arguments, test_utils=checks)


@pytest.mark.slow
def test_an_outer_compile_by_inductor_accepts_it(fast):
    x = torch.rand(4, 16)
    twin = copy.deepcopy(fast.original)
    compiled = torch.compile(lambda v: torch.sigmoid(fast(v * 2) + 1), fullgraph=True)
    with torch.no_grad():
        for _ in range(2):
            torch.testing.assert_close(compiled(x), torch.sigmoid(twin(x * 2) + 1), rtol=1e-6, atol=1e-6)
    assert ran(fast) >= 2
    for key, value in fast.state_dict().items():
        torch.testing.assert_close(value, twin.state_dict()[key])


def test_an_outer_compile_traces_the_original_for_training(fast):
    compiled = torch.compile(fast, backend="aot_eager")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        compiled(torch.rand(4, 16)).sum().backward()
    assert fast.linear.weight.grad is not None and ran(fast) == 0


def test_a_program_of_several_files_leaves_the_names_of_its_modules_to_others(net, tmp_path, monkeypatch):
    ours = tmp_path / "ours"
    ours.mkdir()
    (ours / "scale_it.py").write_text("FACTOR = 'mine'\n")
    monkeypatch.setattr(sys, "path", [str(ours), *sys.path])
    path, writes = [*sys.path], sys.dont_write_bytecode
    entry = SOURCE.replace("import torch\n", "import torch\nimport scale_it\n", 1)
    entry = entry.replace("calls += 1\n", "calls += 1\n        from shift_it import SHIFT\n")
    entry = entry.replace("return torch", "return SHIFT + scale_it.FACTOR * torch")
    x = torch.randn(4, 16)
    proven = [Signature.of(net, (x,))]
    for factor in (2.0, 3.0):  # the second program's modules have the names of the first one's
        beside = {"scale_it.py": f"FACTOR = {factor}\n", "shift_it.py": "SHIFT = 1.0\n"}
        program = Program({"program.py": entry, **beside})
        fast = Optimized(net, program, proven, folder=tmp_path / "programs")
        monkeypatch.delitem(sys.modules, "shift_it", raising=False)
        with torch.no_grad(), warnings.catch_warnings():
            warnings.simplefilter("error")
            torch.testing.assert_close(fast(x), 1.0 + factor * net(x))
        assert importlib.import_module("scale_it").FACTOR == "mine"
        assert sys.path[: len(path)] == path and sys.dont_write_bytecode == writes
        del sys.modules["scale_it"]


IMAGES = """
import torch
from torch import nn


class ModelNew(nn.Module):
    calls = 0

    def __init__(self, *init_args, **init_kwargs):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 1)

    def forward(self, x):
        type(self).calls += 1
        y = torch.nn.functional.conv2d(x, self.conv.weight, self.conv.bias)
        return y.contiguous(memory_format=torch.channels_last), y.flatten(1)
"""


class Images(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 1)

    def forward(self, x):
        y = self.conv(x)
        return y, y.flatten(1)


def test_results_have_the_strides_of_the_original_s(tmp_path):
    torch.manual_seed(1)
    module, x = Images().eval(), torch.rand(2, 3, 5, 6)
    fast = Optimized(module, Program.single(IMAGES), [Signature.of(module, (x,))], folder=tmp_path)
    with torch.no_grad():
        images, rows = fast(x)
        wanted, _ = module(x)
        assert images.stride() == wanted.stride()
        assert torch.equal(images.view(2, -1), wanted.view(2, -1)) and torch.equal(rows, wanted.flatten(1))
    assert ran(fast) == 1
    state = [p.detach() for p in fast.parameters()]
    checks = ("test_schema", "test_faketensor")
    torch.library.opcheck(
        torch.ops.kernelevo.run.default, (fast._number, 0, [x], state, []), test_utils=checks
    )


class Addressed(nn.Module):
    def forward(self, x):
        return x * 2


ADDRESSES = """
import torch
from torch import nn


class ModelNew(nn.Module):
    seen = []

    def forward(self, x):
        self.seen.append((x.data_ptr() % 64, x.stride()))
        return x * 2
"""


@pytest.mark.parametrize("step", [1, 2])
def test_parts_of_tensors_come_to_lie_where_programs_were_proven(step, tmp_path):
    """Aligned loads end a process on a part that begins between: all inputs of a judge are aligned."""
    whole = torch.arange(101.0)
    module, args = Addressed(), (torch.rand(200)[::step][:50],)
    fast = Optimized(module, Program.single(ADDRESSES), [Signature.of(module, args)], folder=tmp_path)
    with torch.no_grad():
        result = fast(whole[1:][::step][:50])
    torch.testing.assert_close(result, whole[1:][::step][:50] * 2)
    assert fast._program.seen == [(0, (step,))]
