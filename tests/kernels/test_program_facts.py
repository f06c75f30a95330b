"""Registers, spills and shared memory reach metrics and feedback, also of programs that fail."""

import pytest

from kernelevo.backends import registry
from kernelevo.core import Program, Status
from tests.kernels.conftest import candidate

pytestmark = pytest.mark.skipif(registry.BACKENDS[1].missing() is not None, reason="no NVRTC")

# a program on the CPU that compiles for a device as it is built, so that a build's folder holds an image
COMPILES = '''
from kernelevo.backends import nvrtc

SOURCE = r"""
extern "C" __global__ void __launch_bounds__(1024, 2) crowded(const float* x, float* y) {
  float v[40], t = threadIdx.x;
  for (int i = 0; i < 40; ++i) v[i] = x[i * 1024 + threadIdx.x];
  #pragma unroll
  for (int i = 0; i < 40; ++i) for (int k = 0; k < 40; ++k) t = t * v[i] + v[k];
  for (int i = 0; i < 40; ++i) y[i * 1024 + threadIdx.x] = v[i] * t;
}
"""
nvrtc.compile_cubin(SOURCE, arch="sm_90")
'''


@pytest.mark.slow
def test_a_right_programs_kernels_are_told(judge):
    found = judge.measure(judge.prepare(Program.single(COMPILES + candidate("return RESULT"))))
    assert found.status is Status.OK, found.feedback
    (kernel,) = found.metrics["kernels"]
    assert (kernel["name"], kernel["language"], kernel["registers"], kernel["arch"]) == (
        "crowded", "cuda", 32, 90,
    )  # fmt: skip
    assert kernel["spill_bytes"] > 0 and f"crowded spills {kernel['spill_bytes']} bytes" in found.feedback


def test_a_failed_programs_kernels_are_told(judge):
    body = (
        "raise RuntimeError('out of resource: shared memory, Required: 262144, Hardware limit: 232448. "
        "Reducing block sizes or `num_stages` may help.')"
    )
    found = judge.prepare(Program.single(COMPILES + candidate(body))).verdict
    assert found.status is Status.BUILD_FAILED and found.metrics["kernels"][0]["registers"] == 32
    assert "takes more than the device has" in found.feedback and "crowded 32 registers" in found.feedback


@pytest.mark.slow
def test_vectors_that_the_machine_does_not_have_are_told(judge):
    text = candidate("return RESULT") + '\nSOURCE = "typedef float V __attribute__((vector_size(256)));"\n'
    found = judge.measure(judge.prepare(Program.single(text)))
    assert found.status is Status.OK, found.feedback
    assert "vector_size(256) is wider than this machine's vectors" in found.feedback.splitlines()[-1]
