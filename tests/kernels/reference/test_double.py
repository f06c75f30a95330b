"""Modules in fp64: a program is held to what fp64 rounds, and fp32 anywhere inside is refused."""

import math

import pytest
import torch
from torch import nn

from kernelevo.core import Program, Status
from kernelevo.kernels.cases.pool import Pool
from kernelevo.kernels.judge import KernelJudge
from kernelevo.kernels.reference.correctness import compare, precision, tolerance
from kernelevo.kernels.reference.double import turned
from kernelevo.kernels.reference.oracle import evaluate, observe
from tests.few import few
from tests.kernels.conftest import task_of

MODEL = """
import torch
import torch.nn.functional as F
from torch import nn


class Model(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.first = nn.Linear(width, 96, dtype=torch.float64)
        self.norm = nn.LayerNorm(96, dtype=torch.float64)
        self.last = nn.Linear(96, 32, dtype=torch.float64)

    def forward(self, x):
        return self.last(torch.relu(self.norm(self.first(x))))


def get_inputs():
    return [torch.rand(64, 128, dtype=torch.float64)]


def get_init_inputs():
    return [128]
"""
RESULT = "self.last(torch.relu(self.norm(self.first(x))))"
RIGHT = {
    "as it is": "return RESULT",
    "in another order": (
        "a, b = x.split([50, 78], 1)\nu, v = self.first.weight.split([50, 78], 1)\n"
        "y = self.first.bias + b @ v.t() + a @ u.t()\n"
        "off = y - y.flip(1).cumsum(1)[:, -1:] / 96\n"
        "y = off * ((off * off).cumsum(1)[:, -1:] / 96 + self.norm.eps).rsqrt() * self.norm.weight\n"
        "return self.last(torch.relu(y + self.norm.bias))"
    ),
}
WRONG = {
    "all of it": (
        "y = F.linear(x.float(), self.first.weight.float(), self.first.bias.float())\n"
        "y = F.layer_norm(y, (96,), self.norm.weight.float(), self.norm.bias.float())\n"
        "y = F.linear(torch.relu(y), self.last.weight.float(), self.last.bias.float())\n"
        "return y.double()"
    ),
    "a statistic": (
        "y = self.first(x)\noff = y - y.float().mean(1, keepdim=True)\n"
        "y = off * (off.square().mean(1, keepdim=True) + self.norm.eps).rsqrt()\n"
        "return self.last(torch.relu(y * self.norm.weight + self.norm.bias))"
    ),
    "one operand": (
        "y = torch.relu(self.norm(self.first(x)))\n"
        "return F.linear(y, self.last.weight.float().double(), self.last.bias)"
    ),
}


@pytest.fixture(scope="module")
def judge(tmp_path_factory):
    cache = tmp_path_factory.mktemp("cache")
    with KernelJudge(task_of(MODEL), cache=cache, compiled=(), search_seconds=0.2) as made:
        yield made


def verdict(judge, body):
    source = MODEL.replace("class Model(", "class ModelNew(").partition("def get_inputs")[0]
    lines = "".join(f"        {line}\n" for line in body.replace("RESULT", RESULT).splitlines())
    return judge.measure(judge.prepare(Program.single(source.replace(f"        return {RESULT}\n", lines))))


@pytest.mark.parametrize("name", few(RIGHT, 1))
def test_honest_fp64_passes(judge, name):
    found = verdict(judge, RIGHT[name])
    assert found.status is Status.OK, found.feedback
    m = found.metrics
    assert m["precision"] == "float64" and m["meets_1e-5"] is True
    assert m["oracle_error"] < 1e-13 < 4 * m["reference_oracle_error"] < 1e-9


@pytest.mark.parametrize("name", WRONG)
def test_fp32_inside_is_refused_and_the_rule_is_named(judge, name):
    found = verdict(judge, WRONG[name])
    assert found.status is Status.WRONG and found.score is None, found.feedback
    assert "a module in fp64 is held to 1e-11 of each value" in found.feedback
    assert "computes in fp64 from its inputs to its outputs" in found.feedback


def test_the_task_is_fair(judge):
    assert judge.lint().fair, judge.lint()


# ---------------------------------------------------------------------- the rule


class Of(nn.Module):
    """A module that is a function."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, *args):
        return self.function(*args)


def report(reference, program, *args):
    """Hold one function against another, by the rule."""
    with Pool.turn:
        truth = evaluate(lambda: Of(reference), None, args, 1)
        found = observe(Of(program), args, 1)
    return compare(found, truth.ref32, truth.oracle, truth.e_ref, truth.e_buffers)


def drawn(*shape, dtype=torch.float64):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(3), dtype=dtype)


def last(x):
    """A sum, one value after the other, from the end."""
    return x.flip(-1).cumsum(-1)[..., -1]


def hidden(x):
    return x.masked_fill(torch.eye(x.shape[0], dtype=torch.bool), -1e9)


def by_definition(x):
    n = x.shape[-1]
    turns = torch.arange(n).outer(torch.arange(n)) % n
    angles = turns.double() * (-2 * math.pi / n)
    return x.to(torch.complex128) @ torch.polar(torch.ones_like(angles), angles)


FUNCTIONS = {
    "a long sum": (lambda x: x.sum(1), last, lambda x: x.float().sum(1).double(), drawn(16, 20_000)),
    "a value far from all others": (
        lambda x: hidden(x @ x.t()),
        lambda x: hidden(last(x.unsqueeze(1) * x)),
        lambda x: hidden((x.float() @ x.float().t()).double()),
        drawn(16, 64),
    ),
    "small values": (
        lambda x: x.sum(1) * 1e-20,
        lambda x: last(x * 1e-20),
        lambda x: x.float().sum(1).double() * 1e-20,
        drawn(16, 64),
    ),
    "what is left of a difference": (
        lambda x: x - x.mean(1, keepdim=True),
        lambda x: x - last(x).unsqueeze(1) / x.shape[1],
        lambda x: x - x.float().mean(1, keepdim=True),
        drawn(16, 64) + 1000.25,
    ),
    "complex values": (
        torch.fft.fft,
        by_definition,
        lambda x: torch.fft.fft(x.float()).to(torch.complex128),
        drawn(16, 60),
    ),
    "a number of Python's": (
        lambda x: float(x.mean()),
        lambda x: float(last(x)) / x.numel(),
        lambda x: float(x.float().mean()),
        drawn(200) + 0.5,
    ),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_sums_in_another_order_pass_and_fp32_does_not(name):
    reference, right, wrong, x = FUNCTIONS[name]
    good = report(reference, right, x)
    assert good.ok and good.fine and precision(good, None) == "float64", good.explain()
    bad = report(reference, wrong, x)
    assert not bad.ok and "1e-11 of each value" in bad.explain() and not bad.fine


def off(by):
    return lambda x: x.sum(1).double() + by


MIXED = {
    "fp32, with sums in fp64": (lambda x: x.double().sum(1).float(), lambda x: x.sum(1), torch.float32),
    "fp32, with an fp64 output": (lambda x: x.sum(1).double(), off(5e-6), torch.float32),
    "fp64, with an fp32 output": (lambda x: x.sum(1).float(), lambda x: x.float().sum(1), torch.float64),
    "fp64, with sums in fp32": (lambda x: x.float().sum(1).double(), off(5e-6), torch.float64),
    "fp64, with a step": (
        lambda x: x.sum(1) + (x[:, 0] > 0.1),
        lambda x: off(5e-6)(x) + (x[:, 0] > 0.1),
        torch.float64,
    ),
}


@pytest.mark.parametrize("name", MIXED)
def test_what_is_not_fp64_throughout_is_held_to_1e_5(name):
    reference, program, dtype = MIXED[name]
    x = drawn(16, 64).to(dtype)
    x[0, 0] = 0.1  # at the step
    found = report(reference, program, x)
    assert found.ok and found.meets_gate, found.explain()
    bad = report(reference, lambda x: program(x) + 2e-3, x)
    assert not bad.ok and "1e-11" not in bad.explain()


def test_the_tolerance_is_told():
    exact = torch.tensor([0.0, 1.0, 100.0], dtype=torch.float64)
    assert tolerance(exact, 1e-12, wide=True).tolist() == pytest.approx([4e-12, 1e-11, 1e-9], rel=1e-9, abs=0)
    coarse = tolerance(exact, 1e-6, wide=True)  # no rounding of fp64's
    assert torch.equal(coarse, tolerance(exact, 1e-6)) and coarse[0] == 1e-5


def test_only_the_last_bit_is_turned_over():
    x = torch.tensor([0.1, -2.5e-9, 1 / 3, 0.0, 7.0, -1e18, math.inf, math.nan], dtype=torch.float64)
    moved = turned(x)
    gap = (moved - x)[:3].abs()
    ulp = (torch.nextafter(x[:3].abs(), torch.tensor(math.inf, dtype=torch.float64)) - x[:3].abs()).abs()
    assert torch.equal(gap, ulp)
    assert torch.equal(moved[3:].nan_to_num(5.0), x[3:].nan_to_num(5.0))
    assert torch.equal(turned(moved)[:3], x[:3])
    both = torch.complex(x[:3], x[3:6])
    assert torch.equal(turned(both), torch.complex(moved[:3], moved[3:6]))
    short = drawn(4).float()
    assert turned(short) is short and turned(None) is None
