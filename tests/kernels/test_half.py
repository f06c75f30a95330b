"""Half precision from task to verdict: the same rule, with the module's own dtype's error."""

import pytest

from kernelevo.core import Program, Status
from kernelevo.kernels.judge import KernelJudge
from tests.few import few
from tests.kernels.conftest import task_of

MODEL = """
import torch
import torch.nn.functional as F
from torch import nn


class Model(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.first = nn.Linear(width, 96, dtype=torch.DTYPE)
        self.norm = nn.LayerNorm(96, dtype=torch.DTYPE)
        self.last = nn.Linear(96, 32, dtype=torch.DTYPE)

    def forward(self, x):
        return self.last(torch.relu(self.norm(self.first(x))))


def get_inputs():
    return [torch.rand(64, 128).to(torch.DTYPE)]


def get_init_inputs():
    return [128]
"""
RESULT = "self.last(torch.relu(self.norm(self.first(x))))"
RIGHT = {
    "as it is": "return RESULT",
    "in fp32, then rounded": (
        "y = F.linear(x.float(), self.first.weight.float(), self.first.bias.float())\n"
        "y = F.layer_norm(y, (96,), self.norm.weight.float(), self.norm.bias.float())\n"
        "y = F.linear(torch.relu(y), self.last.weight.float(), self.last.bias.float())\n"
        "return y.to(x.dtype)"
    ),
    "in another order": (
        "a, b = x.split([50, 78], 1)\nu, v = self.first.weight.split([50, 78], 1)\n"
        "y = self.first.bias + b @ v.t() + a @ u.t()\nreturn self.last(torch.relu(self.norm(y)))"
    ),
}
WRONG = {
    "operands rounded to fp8": (
        "q = lambda t: t.float().to(torch.float8_e4m3fn).to(x.dtype)\n"
        "y = torch.relu(self.norm(F.linear(x, q(self.first.weight), self.first.bias)))\n"
        "return F.linear(q(y), q(self.last.weight), self.last.bias)"
    ),
    "three bits of the mantissa lost": "y = RESULT\nreturn (y.view(torch.int16) & -8).view(y.dtype)",
    "a bias left out": (
        "return F.linear(torch.relu(self.norm(self.first(x))), self.last.weight)"
    ),
    "weights kept from the first call": (
        "if not hasattr(self, 'kept'): self.kept = self.last.weight.clone()\n"
        "return F.linear(torch.relu(self.norm(self.first(x))), self.kept, self.last.bias)"
    ),
    "another dtype": "return RESULT.float()",
}  # fmt: skip


@pytest.fixture(scope="module", params=["bfloat16", pytest.param("float16", marks=pytest.mark.slow)])
def dtype(request):
    return request.param


@pytest.fixture(scope="module")
def judge(dtype, tmp_path_factory):
    cache = tmp_path_factory.mktemp("cache")
    with KernelJudge(
        task_of(MODEL.replace("DTYPE", dtype)),
        cache=cache,
        compiled=(),
        search_seconds=0.2,
        final_seconds=0.3,
    ) as made:
        yield made


def verdict(judge, dtype, body):
    source = MODEL.replace("DTYPE", dtype).replace("class Model(", "class ModelNew(")
    lines = "".join(f"        {line}\n" for line in body.replace("RESULT", RESULT).splitlines())
    source = source.partition("def get_inputs")[0].replace(f"        return {RESULT}\n", lines)
    return judge.measure(judge.prepare(Program.single(source)))


@pytest.mark.parametrize("name", few(RIGHT, ["in fp32, then rounded"]))
def test_an_honest_program_passes(judge, dtype, name):
    found = verdict(judge, dtype, RIGHT[name])
    assert found.status is Status.OK, found.feedback
    m = found.metrics
    assert m["precision"] == dtype and m["meets_1e-5"] is False
    assert 1e-5 < m["oracle_error"] <= 4 * m["reference_oracle_error"]


@pytest.mark.parametrize("name", WRONG)
def test_a_worse_program_fails(judge, dtype, name):
    found = verdict(judge, dtype, WRONG[name])
    assert found.status is Status.WRONG and found.score is None, found.feedback
    if "dtype" in name:
        assert f"expected {dtype}[64, 32]" in found.feedback and "got float32" in found.feedback
    else:
        assert f"PyTorch's own {dtype} error" in found.feedback or "parameters" in found.feedback


def test_bfloat16_is_too_coarse_for_a_float16_module(judge, dtype):
    """Rounding the result alone moves it by half a step, which may lie within PyTorch's own error."""
    body = (
        "rounded = lambda t: t.bfloat16().to(x.dtype)\n"
        "y = torch.relu(rounded(self.norm(rounded(self.first(x)))))\n"
        "return rounded(F.linear(y, rounded(self.last.weight), self.last.bias))"
    )
    found = verdict(judge, dtype, body)
    assert found.status is (Status.WRONG if dtype == "float16" else Status.OK), found.feedback


def test_the_seed_passes_and_the_task_is_fair(judge, dtype):
    (seed,) = judge.seeds()
    found = judge.measure(judge.prepare(seed))
    assert found.status is Status.OK and found.metrics["precision"] == dtype, found.feedback
    assert judge.lint().fair, judge.lint()
