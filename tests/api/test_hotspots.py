"""optimize(model, inputs, hotspots=n): parts of real models become faster, and so do the models."""

import copy
import io
import time
from dataclasses import dataclass
from types import SimpleNamespace

import pytest
import torch
from rich.console import Console
from torch import nn

import kernelevo
from kernelevo.api.hotspots import _fitting, stitch
from kernelevo.core import Evaluation, Origin, Program, Trial
from kernelevo.device.statistics import Estimate
from kernelevo.engine import Budget
from kernelevo.errors import BadProgram, BadSetting, InputError, NotEnoughMemory
from kernelevo.kernels import stitching
from kernelevo.kernels.dropin.optimized import FallbackWarning, Optimized

SETTINGS = {"proposers": ["rewrite"], "progress": False, "seed": 1}


class Attention(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.qkv, self.out, self.heads = nn.Linear(width, 3 * width), nn.Linear(width, width), heads

    def forward(self, x):
        b, t, c = x.shape
        q, k, v = (p.view(b, t, self.heads, -1).transpose(1, 2) for p in self.qkv(x).split(c, -1))
        weights = (q @ k.transpose(-2, -1) * (c // self.heads) ** -0.5).softmax(-1)
        return self.out((weights @ v).transpose(1, 2).reshape(b, t, c))


class Layer(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.one, self.two = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = Attention(width, 4)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):
        x = x + self.attention(self.one(x))
        return x + self.down(nn.functional.gelu(self.up(self.two(x)), approximate="tanh"))


class Encoder(nn.Module):
    def __init__(self, width: int = 128, depth: int = 3) -> None:
        super().__init__()
        self.embedding = nn.Embedding(100, width)
        self.layers = nn.ModuleList(Layer(width) for _ in range(depth))
        self.norm = nn.LayerNorm(width)

    def forward(self, tokens):
        x = self.embedding(tokens)
        for layer in self.layers:
            x = layer(x)
        return self.norm(x)


def block(channels: int) -> nn.Sequential:
    return nn.Sequential(
        nn.BatchNorm2d(channels), nn.ReLU(), nn.Conv2d(channels, channels, 1), nn.AvgPool2d(2)
    )


class Dense(nn.Module):
    """Three transition layers of a DenseNet in training mode, and a classifier."""

    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.Sequential(block(32), block(32), block(32))
        self.head = nn.Linear(32, 10)

    def forward(self, x):
        return self.head(self.blocks(x).mean((2, 3)))


def test_a_count_that_is_none_is_refused(elsewhere):
    for count in (0, -1, 1.5, True):
        with pytest.raises(BadSetting, match="hotspots"):
            kernelevo.optimize(Encoder(), torch.randint(0, 100, (1, 4)), hotspots=count, budget="1s")
    with pytest.raises(BadSetting, match="weights"):
        kernelevo.optimize(Dense(), torch.rand(1, 32, 8, 8), hotspots=1, weights=[1.0], budget="1s")
    with pytest.raises(BadSetting, match="for the CPU"):
        kernelevo.optimize(Dense(), torch.rand(1, 32, 8, 8), hotspots=1, device="cuda", budget="1s")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("model", "inputs"),
    [
        (Encoder().eval(), torch.randint(0, 100, (4, 128))),
        (Dense(), torch.rand(4, 32, 96, 96)),
    ],
    ids=["transformer", "convolutions"],
)
def test_two_real_models_gain_as_a_whole(model, inputs, elsewhere):
    before = {k: v.clone() for k, v in model.state_dict().items()}
    whole = kernelevo.optimize(model, inputs, hotspots=2, budget="24s", **SETTINGS)
    assert any(part.replaced for part in whole.parts), [p.kept_for for p in whole.parts]
    assert len(whole.parts[0].paths) == 3
    fast = whole.module()
    assert list(fast.state_dict()) == list(before) and fast.training == model.training
    assert all(torch.equal(v, before[k]) for k, v in model.state_dict().items())
    assert whole.error <= max(1e-4, 4 * whole.reference_error)
    assert whole.speedup > 0.9  # at least no loss: a busy machine can tell no more
    with torch.no_grad():
        torch.testing.assert_close(fast(inputs), model(inputs), rtol=1e-4, atol=1e-4)


class Feed(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.linear = nn.Linear(width, width)

    def forward(self, x):
        return x + torch.tanh(self.linear(x))


class Tied(nn.Module):
    """A language model in small: one layer for all depths, a head that holds the embedding's weight."""

    def __init__(self, words: int = 1000, width: int = 256) -> None:
        super().__init__()
        self.embedding = nn.Embedding(words, width)
        self.layers = nn.ModuleList([Feed(width)] * 3)
        self.head = nn.Linear(width, words, bias=False)
        self.head.weight = self.embedding.weight

    def forward(self, tokens):
        x = self.embedding(tokens)
        for layer in self.layers:
            x = layer(x)
        return self.head(x)


PROGRAMS = {
    "Feed": """
import torch
from torch import nn


class ModelNew(nn.Module):
    calls = 0

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(256, 256)

    def forward(self, x):
        type(self).calls += 1
        return self.linear(x).tanh_().add_(x)
""",
    "Linear": """
import torch
from torch import nn


class ModelNew(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(1000, 256))

    def forward(self, x):
        return x @ self.weight.t()
""",
}


def search_result(*found: tuple[float, str]):
    """A search that is over: programs with their scores, the best first."""
    verdicts = [Evaluation.ok(score, score_low=score - 0.1, score_high=score + 0.1) for score, _ in found]
    programs = [
        Program.single(text, origin=Origin("rewrite", f"idea {n}")) for n, (_, text) in enumerate(found)
    ]
    trials = [Trial(n, p, v) for n, (p, v) in enumerate(zip(programs, verdicts, strict=True))]
    return SimpleNamespace(
        evaluation=verdicts[0],
        program=programs[0],
        standing=trials,
        confirmed={},
        hindrances=(),
        state="done",
    )


def found_at_once(part, spot, budget):
    """A search that knows the winner."""
    return search_result((2.0, PROGRAMS[spot.kind]))


def test_shared_layers_and_tied_weights_stay_what_they_are(elsewhere, build_cache, monkeypatch):
    monkeypatch.setenv("KERNELEVO_CACHE", str(build_cache))
    monkeypatch.setattr(stitching, "gain", lambda *_, **__: Estimate(1.5, 1.4, 1.6, 6))
    torch.manual_seed(2)
    model, tokens = Tied().eval(), torch.randint(0, 1000, (8, 64))
    whole = stitch(model, [(tokens,)], 2, Budget.parse("2s"), found_at_once)
    parts = {part.kind: part for part in whole.parts}
    assert parts["Feed"].paths == parts["Feed"].replaced == ("layers.0", "layers.1", "layers.2")
    assert parts["Linear"].paths == parts["Linear"].replaced == ("head",)

    fast = whole.module()
    assert list(fast.state_dict()) == list(model.state_dict())
    assert [n for n, _ in fast.named_parameters()] == [n for n, _ in model.named_parameters()]
    assert fast.head.weight is fast.embedding.weight
    assert isinstance(fast.layers[0], Optimized) and len(set(fast.layers)) == 1
    plain = copy.deepcopy(model)
    with torch.no_grad():
        torch.testing.assert_close(fast(tokens), plain(tokens), rtol=1e-4, atol=1e-4)
        assert type(fast.layers[2]._program).calls == 3  # every depth runs the program
    with pytest.warns(FallbackWarning, match="gradient"):
        fast(tokens).square().mean().backward()
    plain(tokens).square().mean().backward()
    for one in (fast, plain):
        torch.optim.SGD(one.parameters(), lr=0.1).step()
        with torch.no_grad():
            one.embedding.weight.mul_(0.5)
            one.layers[1].linear.weight.mul_(2.0)
    with torch.no_grad():
        torch.testing.assert_close(fast(tokens), plain(tokens), rtol=1e-4, atol=1e-4)
        assert not torch.allclose(fast(tokens), model(tokens), rtol=1e-2, atol=1e-2)


WAITS = """
import time

import torch
from torch import nn


class ModelNew(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(16, 16)

    def forward(self, x):
        time.sleep({seconds})
        return {result}
"""


def waiting(seconds: float, result: str = "self.linear(x).relu_()") -> str:
    return WAITS.format(seconds=seconds, result=result)


class Waiting(nn.Module):
    """Two alike layers that take 4 ms each."""

    class Layer(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = nn.Linear(16, 16)

        def forward(self, x):
            time.sleep(0.004)
            return torch.relu(self.linear(x))

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(Waiting.Layer(), Waiting.Layer())

    def forward(self, x):
        return self.layers(x)


@pytest.fixture
def quick(monkeypatch, build_cache):
    monkeypatch.setenv("KERNELEVO_CACHE", str(build_cache))
    monkeypatch.setattr(stitching, "BLOCK_SECONDS", 0.01)


def placed(found):
    model = Waiting().eval()
    whole = stitch(model, [(torch.rand(4, 16),)], 1, Budget.parse("2s"), lambda *_: found)
    return whole, whole.parts[0]


def test_the_program_that_gains_most_in_the_model_is_put_there_not_the_best_alone(elsewhere, quick):
    found = search_result((3.0, waiting(0.008)), (2.0, waiting(0.0)), (1.5, waiting(0.002)))
    whole, part = placed(found)
    assert part.program is found.standing[1].program and part.replaced == ("layers.0", "layers.1")
    assert part.inside is not None and part.inside.low > 1.5 and whole.speedup > 1.5
    assert whole.module().layers[0]._made is part.program


def test_what_wins_alone_and_not_in_the_model_stays_out_and_is_told(elsewhere, quick):
    whole, part = placed(search_result((3.0, waiting(0.008))))
    assert part.program is None and part.replaced == () and part.kept_for == "faster alone, not in the model"
    assert part.inside is not None and part.inside.high < 1
    assert isinstance(whole.module().layers[0], Waiting.Layer)
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(whole.table())
    assert f"{part.inside.ratio:.2f}" in console.export_text()


@pytest.mark.slow
def test_a_wrong_program_and_one_that_is_not_surely_faster_are_not_tried(elsewhere, quick):
    _, part = placed(search_result((3.0, waiting(0.0, "self.linear(x)"))))
    assert part.inside is None and part.kept_for == "wrong in layers.1: values differ"
    _, part = placed(search_result((1.05, waiting(0.0))))
    assert part.inside is None and part.kept_for == "nothing surely faster was found"
    one, same, other = waiting(0.008), waiting(0.001), waiting(0.002)
    found = search_result((3.0, one), (2.0, same), (1.05, other))
    found.standing[1] = Trial(1, Program.single(same, origin=Origin("rewrite", "idea 0")), found.evaluation)
    _, part = placed(found)  # the second has the first one's idea, the third may be slower
    assert part.program is None and part.kept_for == "faster alone, not in the model"


class Late(Waiting.Layer):
    """A layer of another kind."""


def test_a_submodule_that_cannot_be_judged_does_not_take_the_others_along(elsewhere, quick):
    model = Waiting().eval()
    model.layers.append(Late())

    def search(part, spot, budget):
        if spot.kind == "Late":
            raise BadProgram("it cannot be pickled")
        return search_result((2.0, waiting(0.0)))

    whole = stitch(model, [(torch.rand(4, 16),)], 2, Budget.parse("2s"), search)
    told = {part.kind: (part.kept_for, len(part.replaced)) for part in whole.parts}
    assert told == {"Layer": ("", 2), "Late": ("it cannot be pickled", 0)}
    console = Console(width=200, record=True, file=io.StringIO())
    console.print(whole.table())
    assert "it cannot be pickled" in console.export_text()


def of_two_kinds(search):
    model = Waiting().eval()
    model.layers.append(Late())
    return stitch(model, [(torch.rand(4, 16),)], 2, Budget.parse("2s"), search)


def test_a_machine_that_fails_one_search_does_not_take_the_others_along(elsewhere, quick):
    def search(part, spot, budget):
        if spot.kind == "Late":
            raise NotEnoughMemory("its tensors do not fit")
        return search_result((2.0, waiting(0.0)))

    told = {part.kind: (part.kept_for, len(part.replaced)) for part in of_two_kinds(search).parts}
    assert told == {"Layer": ("", 2), "Late": ("its tensors do not fit", 0)}

    def none(part, spot, budget):
        raise NotEnoughMemory("its tensors do not fit")

    with pytest.raises(NotEnoughMemory, match="do not fit"):
        of_two_kinds(none)


def test_a_search_that_is_stopped_ends_the_whole_with_what_is_there(elsewhere, quick):
    """Ctrl-C ends one search gently; whoever presses it wants no other one begun, and loses nothing."""
    searched = []

    def search(part, spot, budget):
        searched.append(spot.kind)
        found = search_result((2.0, waiting(0.0)))
        found.state = "stopped"
        return found

    whole = of_two_kinds(search)
    assert searched == ["Layer"]
    assert [(p.kept_for, len(p.replaced)) for p in whole.parts] == [("", 2), ("stopped before its turn", 0)]


NORMED = """
import torch
from torch import nn


class ModelNew(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.utils.weight_norm(nn.Linear(16, 16))

    def forward(self, x):
        return self.linear(x).relu_()
"""


@pytest.mark.filterwarnings("ignore:.*weight_norm:FutureWarning")
def test_a_model_with_weights_that_have_a_history_is_copied_and_left_as_it_is(elsewhere, quick):
    """The old ``weight_norm`` leaves such ones as plain attributes: ``copy.deepcopy`` refuses them."""
    model, x = Waiting().eval(), torch.rand(4, 16)
    for layer in model.layers:
        nn.utils.weight_norm(layer.linear)
    model(x)
    held = [layer.linear.weight for layer in model.layers]
    searched = []

    def search(part, spot, budget):
        searched.append(part)
        return search_result((2.0, NORMED))

    whole = stitch(model, [(x,)], 1, Budget.parse("2s"), search)
    assert whole.parts[0].replaced == ("layers.0", "layers.1")
    assert len(searched) == 1 and torch.equal(searched[0].linear.weight, held[0])
    with torch.no_grad():
        torch.testing.assert_close(whole.module()(x), model(x))
        assert all(layer.linear.weight_g.requires_grad for layer in whole.module().layers)
    model(x).sum().backward()
    assert all(layer.linear.weight_v.grad is not None for layer in model.layers)
    assert all(weight.grad_fn is not None for weight in held)


@dataclass
class Out:
    values: torch.Tensor


class Wrapped(Waiting):
    def forward(self, x):
        return Out(self.layers(x))


def test_a_model_whose_answers_cannot_be_compared_is_refused_before_anything_is_searched():
    def search(part, spot, budget):
        pytest.fail("searched in vain")

    x = torch.rand(4, 16)
    with pytest.raises(InputError, match="forward returns a Out"):
        stitch(Wrapped().eval(), [(x,)], 1, Budget.parse("2s"), search)
    with pytest.raises(BadProgram, match="Waiting cannot be run on these inputs"):
        stitch(Waiting().eval(), [(x,), (x[:, 1:],)], 1, Budget.parse("2s"), search)


class Counts(nn.Module):
    def __init__(self):
        super().__init__()
        self.calls = 0

    def forward(self, x):
        self.calls += 1
        return x.relu_()


def test_a_part_whose_calls_change_more_than_a_program_does_stays_as_it_is():
    spot = SimpleNamespace(paths=["0"], inputs=[(torch.rand(3),)])
    found, why = _fitting(nn.Sequential(Counts()), spot, Program.single("class ModelNew: pass"))
    assert not found and "a call changes calls" in why
