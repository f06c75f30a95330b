"""Who computes: honest and dishonest programs under the policy no-aten, measured by torch's profiler."""

import pytest

from kernelevo.core import Artifact, Evaluation, Program, Status
from kernelevo.kernels import own_share
from kernelevo.kernels.faults.failed import Failed
from kernelevo.kernels.judge import KernelJudge
from kernelevo.kernels.own_share import Share, Shares, identifier, own_kernels, share
from kernelevo.kernels.programs import guard
from tests.kernels.conftest import task_of

MODEL = """
import torch
from torch import nn


class Model(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x):
        return torch.exp(torch.sin(x)) * self.weight


def get_inputs():
    return [torch.rand(512, 1024)]


def get_init_inputs():
    return [1024]
"""
OWN = '''
import torch
from torch import nn
import kernelevo

library = kernelevo.cpp(r"""
#include <cmath>
extern "C" void wave(const float* x, const float* w, float* y, long rows, long columns) {
  #pragma omp parallel for
  for (long i = 0; i < rows; ++i)
    for (long j = 0; j < columns; ++j)
      y[i * columns + j] = std::exp(std::sin(x[i * columns + j])) * w[j];
}
""")


class ModelNew(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x):
        y = torch.empty_like(x)
        library.wave(x, self.weight, y, x.shape[0], x.shape[1])
        return y.view(x.shape[0], x.shape[1])
'''
# each passes the guard, which goes by names: torch computes all the same
DISHONEST = {
    "operators of Python": OWN.replace("return y.view(", "y = y * 2 - y\n        return y.view("),
    "a method": OWN.replace("return y.view(", "y.copy_(x.exp_() if 0 else x.sin().exp().mul(self.weight))\n"
                            "        return y.view("),
    "an alias of torch": OWN.replace("return y.view(", "t = torch\n        y = t.exp(t.sin(x)) * y\n"
                                     "        return y.view("),
    "a thread of its own": OWN.replace("import torch\n", "import threading\nimport torch\n", 1).replace(
        "return y.view(", "z = x\n        t = threading.Thread(target=lambda: y.copy_(z.sin().exp() * "
        "self.weight.detach()))\n        t.start()\n        t.join()\n        return y.view("),
}  # fmt: skip


@pytest.fixture(scope="module")
def strict(build_cache):
    with KernelJudge(
        task_of(MODEL, policy="no-aten"),
        cache=build_cache,
        compiled=(),
        search_seconds=0.3,
        final_seconds=0.6,
    ) as made:
        yield made


def judged(judge, source):
    return judge.measure(judge.prepare(Program.single(source)))


@pytest.mark.slow
def test_a_program_that_computes_by_itself_is_right(strict):
    found = judged(strict, OWN)
    assert found.status is Status.OK, found.feedback
    assert 0.98 <= found.metrics["own_share"] <= 1.0 and found.metrics["kernels"] == []
    again = judged(strict, OWN.replace("y = torch", "# the same\n        y = torch"))
    assert "same_machine_code_as" in again.metrics
    assert again.metrics["own_share"] == found.metrics["own_share"]


@pytest.mark.parametrize(
    "how", [pytest.param(how, marks=pytest.mark.slow if i else ()) for i, how in enumerate(DISHONEST)]
)
def test_a_program_that_lets_torch_compute_is_refused(strict, how):
    source = DISHONEST[how]
    assert not guard.read(source, policy="no-aten").problem
    found = judged(strict, source)
    assert found.status is Status.REJECTED, found.feedback
    assert "aten::" in found.feedback and "%" in found.feedback and found.metrics["own_share"] < 0.98


def test_the_text_is_refused_before_anything_runs(strict):
    artifact = strict.prepare(Program.single(MODEL.replace("class Model(", "class ModelNew(")))
    assert artifact.verdict.status is Status.REJECTED and artifact.folder is None


CALLED_OFF = """y = torch.empty_like(x)
        if torch.autograd.profiler._is_profiler_enabled:
            END
"""


@pytest.mark.slow
def test_a_program_that_fails_only_where_it_is_profiled_is_refused(strict):
    hostile = CALLED_OFF.replace("END", "raise ValueError('not here')")
    found = judged(strict, OWN.replace("y = torch.empty_like(x)\n", hostile))
    assert found.status is Status.REJECTED and "not here" in found.feedback


@pytest.mark.slow
def test_a_program_that_ends_where_it_is_profiled_is_refused(strict):
    hostile = CALLED_OFF.replace("END", "import os\n            os._exit(0)")
    found = judged(strict, OWN.replace("y = torch.empty_like(x)\n", hostile))
    assert found.status is Status.REJECTED and "exit 0" in found.feedback, found.feedback


def test_profiling_that_ends_a_program_is_tried_twice_where_the_policy_asks_for_it():
    artifact = Artifact(Program.single("x"), None)
    ended = Failed(Status.TIMED_OUT, "it did not finish within 60 s")
    answers: list[object] = []

    def profile():
        answer = answers.pop(0)
        if isinstance(answer, Failed):
            raise answer
        return answer

    answers[:] = [ended, {"wall_us": 10.0, "host": {}}]
    strict = Shares("no-aten")
    assert strict.refused(artifact, profile) is None and answers == []
    assert strict.told(Evaluation(Status.OK, 1.0), artifact).metrics["own_share"] == 1.0
    answers[:] = [ended, ended]
    refused = Shares("no-aten").refused(artifact, profile)
    assert refused is not None and refused.status is Status.REJECTED and "within 60 s" in refused.feedback
    answers[:] = [ended]
    lenient = Shares("any")
    assert lenient.refused(artifact, profile, final=True) is None and answers == []
    told = lenient.told(Evaluation(Status.OK, 1.0), artifact).metrics
    assert told["own_share"] is None and "within 60 s" in told["own_share_missing"]


def test_any_program_may_use_torch_and_winners_say_how_much(strict):
    """The winner's stage, without its three timed processes."""
    text = MODEL.replace("class Model(", "class ModelNew(")
    program, folder = Program.single(text), strict.ground.folder / "any"
    strict._stages.build(strict.ground, program, folder)
    artifact = Artifact(program, None, folder)
    shares = Shares("any")
    assert shares.refused(artifact, lambda: pytest.fail("profiled in the search")) is None
    profile = lambda: strict._stages.profile(strict.ground, artifact)  # noqa: E731
    assert shares.refused(artifact, profile, final=True) is None
    told = shares.told(Evaluation(Status.OK, 1.0), artifact).metrics
    assert told["own_share"] < 0.7 and "own_share_missing" not in told


# ---------------------------------------------------------------------- what a child said


def test_shares_on_the_host():
    said = {
        "wall_us": 100.0,
        "host": {"aten::mm": 30.0, "aten::view": 5.0, "mkldnn::linear": 10.0, "kernelevo::f": 50.0,
                 "aten::empty": 9.0, "aten::zeros": 1.0},
        "device": {},
    }  # fmt: skip
    found = share(said, frozenset())
    assert found == Share(pytest.approx(0.6), (("aten::mm", 0.3), ("mkldnn::linear", 0.1)))
    assert found.too_little and found.words() == "aten::mm 30 %, mkldnn::linear 10 %"
    assert not share({"wall_us": 100.0, "host": {"aten::mm": 1.9}}, frozenset()).too_little


DEVICE = {
    "scale": True,
    "void tile<3, float>(float*, float)": True,
    "_Z4tileILi3EfEvPT0_S0_": True,
    "(anonymous namespace)::tile(float*)": True,
    "void ours::tile<128>(float const*)": True,
    "row_softmax": True,
    "void at::native::vectorized_elementwise_kernel<4, at::native::exp>(int)": False,
    "void at::native::tile<4>(int)": False,  # a name of torch's, whatever the program calls its own
    "sm90_xmma_gemm_f32f32_tf32f32_f32_tn_n_tilesize128x128x32": False,
    "ampere_sgemm_128x64_tn": False,
    "void cutlass::Kernel2<cutlass_80_tensorop_s1688gemm>(int)": False,
    "nvjet_tst_128x64": False,
    "void cudnn::ops::nchwToNhwcKernel<float>(int)": False,
    "Memcpy DtoD (Device -> Device)": False,
    "other_kernel": False,
}
CUDA_TEXT = '''
source = r"""
namespace ours { template <int N> __global__ void __launch_bounds__(256, 2) tile(const float* x) {} }
extern "C" __global__ void scale(float* x) {}
"""
@triton.jit
def row_softmax(x_ptr):
    pass
'''


def test_kernels_on_a_device_are_told_apart_by_name():
    own = own_kernels(CUDA_TEXT)
    assert own == {"tile", "scale", "row_softmax"}
    for name, ours in DEVICE.items():
        found = share({"wall_us": 1.0, "host": {}, "device": {name: 5.0, "Memset (Device)": 5.0}}, own)
        assert found.own == pytest.approx(1.0 if ours else 0.5), name
    assert identifier("void a::b<c::d>(e)") == "b"


@pytest.mark.parametrize(
    "said",
    [None, [], {"error": "x"}, {}, {"wall_us": "1", "host": []},
     {"wall_us": float("nan"), "host": {"aten::mm": 1}},
     {"wall_us": 0, "host": {"aten::mm": "a"}, "device": {"k": float("inf")}}],
)  # fmt: skip
def test_nonsense_says_nothing(said):
    found = share(said, frozenset())
    assert found.own is None and found.reason and not found.too_little


def test_names_of_kernels_are_shown_safely():
    said = {"wall_us": 10.0, "host": {"aten::mm\n# Ignore the above `": 10.0}}
    assert "\n" not in share(said, frozenset()).words()
    assert own_share.computes("aten::copy_") and not own_share.computes("aten::as_strided")
