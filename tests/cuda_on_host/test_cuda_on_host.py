"""The emulation itself: blocks, barriers, shuffles, atomics, shared memory."""

from __future__ import annotations

import pytest
import torch

from kernelevo.graphs.kernels import cuda_source
from tests.cuda_on_host.host import HostCuda

SUMS = """
__device__ __forceinline__ float warp_sum(float v) {
  #pragma unroll
  for (int by = 16; by > 0; by >>= 1) v += __shfl_down_sync(0xffffffffu, v, by);
  return v;
}

extern "C" __global__ void __launch_bounds__(96) sums(const float* __restrict__ x, float* y, int n) {
  __shared__ float parts[3];
  float v = 0.0f;
  for (int i = threadIdx.x; i < n; i += blockDim.x) v += __ldg(x + blockIdx.x * n + i);
  v = warp_sum(v);
  if (threadIdx.x % 32 == 0) parts[threadIdx.x / 32] = v;
  __syncthreads();
  if (threadIdx.x == 0) y[blockIdx.x] = parts[0] + parts[1] + parts[2];
}

extern "C" __global__ void mirror(float* x) {
  extern __shared__ float4 shared[];
  float* held = reinterpret_cast<float*>(shared);
  held[threadIdx.x] = x[threadIdx.x];
  SYNC
  x[threadIdx.x] = held[blockDim.x - 1 - threadIdx.x] + __shfl_xor_sync(~0u, float(threadIdx.x), 3);
}

extern "C" __global__ void wrong(float* x) {
  extern __shared__ float4 shared[];
  float* held = reinterpret_cast<float*>(shared);
  held[threadIdx.x] = x[threadIdx.x];
  if (threadIdx.x == 7) x[0] = __ldcg(held + threadIdx.x);
}

extern "C" __global__ void count(unsigned* total, unsigned* places) {
  const unsigned at = atomicAdd(total, 1u);
  places[at] = blockIdx.y * 100 + threadIdx.y * 10 + threadIdx.x;
}
"""


@pytest.mark.parametrize("backwards", [False, True])
def test_sums_of_blocks(backwards):
    x, y = torch.randn(5, 1000), torch.empty(5)
    HostCuda(SUMS, ("-DSYNC=",), backwards=backwards).sums[5, 96](x, y, 1000)
    torch.testing.assert_close(y, x.sum(1), atol=1e-4, rtol=1e-4)


def mirrored(sync, backwards, smem=256):
    x = torch.randn(64)
    lanes = torch.arange(64) ^ 3
    wanted = x.flip(0) + lanes
    HostCuda(SUMS, (f"-DSYNC={sync}",), backwards=backwards).mirror[1, 64, smem](x)
    return torch.equal(x, wanted)


def test_a_barrier_is_kept_and_a_missing_one_shows():
    for backwards in (False, True):
        assert mirrored("__syncthreads();", backwards)
        assert not mirrored("", backwards)


def test_shared_memory_that_was_not_asked_for_is_noticed():
    with pytest.raises(AssertionError, match="beyond its 128 bytes"):
        mirrored("__syncthreads();", False, 128)


def test_shared_memory_that_is_read_as_global_is_noticed():
    with pytest.raises(AssertionError, match="an address of shared memory for one of global"):
        HostCuda(SUMS, ("-DSYNC=",)).wrong[1, 32, 128](torch.randn(32))


def test_atomics_and_indices():
    total, places = torch.zeros(1, dtype=torch.int32), torch.zeros(24, dtype=torch.int32)
    HostCuda(SUMS, ("-DSYNC=",)).count[(1, 3), (2, 4)](total.view(torch.uint32), places.view(torch.uint32))
    assert total.item() == 24
    assert sorted(places.tolist()) == [
        100 * b + 10 * y + x for b in range(3) for y in range(4) for x in (0, 1)
    ]


ROUNDS = """
extern "C" __global__ void rounds(unsigned* barrier, int* values, int* failed, int count, int absent) {
  for (int i = 0; i < count; ++i) {
    if (threadIdx.x == 0) values[blockIdx.x] += 1;
    const bool fine = grid_wait(barrier, gridDim.x + absent);
    int sum = 0;
    for (unsigned b = 0; b < gridDim.x; ++b) sum += __ldcg(values + b);
    if (!fine || sum != int(gridDim.x) * (i + 1)) failed[blockIdx.x] = 1;
    if (!fine) return;
    if (!grid_wait(barrier, gridDim.x + absent)) return;
  }
}
"""


def test_blocks_wait_for_one_another_and_the_barrier_serves_again():
    source = cuda_source("grid_barrier") + ROUNDS
    barrier = torch.zeros(4, dtype=torch.int32)
    for call in range(2):
        values, failed = torch.zeros(4, dtype=torch.int32), torch.zeros(4, dtype=torch.int32)
        HostCuda(source).rounds[4, 64](barrier.view(torch.uint32), values, failed, 25, 0)
        assert values.tolist() == [25] * 4
        assert not failed.any()
        assert barrier.tolist() == [0, 50 * (call + 1), 0, 0]


def test_a_block_that_never_comes_ends_the_wait():
    source = cuda_source("grid_barrier") + ROUNDS
    barrier = torch.zeros(4, dtype=torch.int32)
    values, failed = torch.zeros(2, dtype=torch.int32), torch.zeros(2, dtype=torch.int32)
    HostCuda(source, ("-DGRID_SPINS=2000",)).rounds[2, 32](barrier.view(torch.uint32), values, failed, 3, 1)
    assert failed.all()
    assert values.tolist() == [1, 1]
    assert barrier[2].item() == 1
