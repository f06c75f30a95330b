// CUDA on the host: lets the text of a CUDA kernel compile as C++20 and run on the CPU, for its values.
//
// A block is one operating-system thread, its CUDA threads are fibers that hand over at barriers and
// shuffles, so all blocks of a grid are alive together and barriers over the whole grid work. Covered is
// what the project's kernels use; anything else does not compile. Two orders of running the fibers show
// missing barriers as wrong values. What is not modelled: caches, weak memory order between blocks, divergence
// within a shuffle (all lanes of a warp must take part), limits of registers.
//
// Few headers, since every kernel's text is compiled with this one; the rest is in cuda_on_host.cpp.
#pragma once

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define __global__
#define __device__
#define __host__
#define __constant__
#define __forceinline__ inline
#define __shared__ thread_local  // a block is a thread; inside a function this is static, too
#define __launch_bounds__(...)

struct dim3 {
  unsigned x = 1, y = 1, z = 1;
};
struct alignas(8) float2 {
  float x, y;
};
struct alignas(16) float4 {
  float x, y, z, w;
};
inline float2 make_float2(float x, float y) { return {x, y}; }
inline float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }

extern thread_local dim3 threadIdx, blockIdx, blockDim, gridDim;
constexpr int warpSize = 32;

// Dynamic shared memory, which kernels declare as `extern __shared__ float4 shared[];`.
constexpr size_t kSharedBytes = 256 << 10;
extern thread_local float4 shared[kSharedBytes / sizeof(float4)];

namespace cuda_on_host {

unsigned lane();
uint64_t shuffle_bits(uint64_t bits, unsigned source);  // the source's bits; the own ones if it is no lane

// Called by instructions that take addresses of global memory only, as __ldg.
void require_global(const void* at);

// What a launch did wrong. It must keep to the `bytes` of dynamic shared memory that it asks for; they hold NaN
// at first, as anything may lie there on a device.
enum Fault { kNone, kBeyondShared, kSharedAsGlobal };

// Runs a kernel, given as a function and what it is called with.
Fault launch(dim3 grid, dim3 block, size_t bytes, bool backwards, void (*kernel)(const void*), const void* given);

template <typename T>
T shuffle(T value, unsigned source) {
  static_assert(sizeof(T) <= 8);
  uint64_t bits = 0;
  memcpy(&bits, &value, sizeof(T));
  bits = shuffle_bits(bits, source);
  memcpy(&value, &bits, sizeof(T));
  return value;
}

}  // namespace cuda_on_host

void __syncthreads();
void __nanosleep(unsigned);
inline void __syncwarp(unsigned = ~0u) { cuda_on_host::shuffle(0, 0); }
inline void __threadfence() { __atomic_thread_fence(__ATOMIC_SEQ_CST); }

template <typename T>
T __shfl_sync(unsigned, T value, int source) {
  return cuda_on_host::shuffle(value, source);
}
template <typename T>
T __shfl_xor_sync(unsigned, T value, int mask) {
  return cuda_on_host::shuffle(value, cuda_on_host::lane() ^ mask);
}
template <typename T>
T __shfl_down_sync(unsigned, T value, unsigned by) {
  return cuda_on_host::shuffle(value, cuda_on_host::lane() + by);
}

// Atomics take whole numbers only, as the builtins do.
template <typename T>
T atomicAdd(T* at, T by) {
  return __atomic_fetch_add(at, by, __ATOMIC_SEQ_CST);
}
template <typename T>
T atomicExch(T* at, T value) {
  return __atomic_exchange_n(at, value, __ATOMIC_SEQ_CST);
}
template <typename T>
T atomicCAS(T* at, T expected, T value) {
  __atomic_compare_exchange_n(at, &expected, value, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
  return expected;
}

template <typename T>
T __ldg(const T* at) {
  cuda_on_host::require_global(at);
  return *at;
}
template <typename T>
T __ldcg(const T* at) {
  cuda_on_host::require_global(at);
  return *at;
}
template <typename T>
void __stcg(T* at, T value) {
  cuda_on_host::require_global(at);
  *at = value;
}

template <typename T>
T min(T a, T b) {
  return b < a ? b : a;
}
template <typename T>
T max(T a, T b) {
  return a < b ? b : a;
}
inline float __fmul_rn(float a, float b) { return a * b; }
inline float __int_as_float(int bits) {
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}
