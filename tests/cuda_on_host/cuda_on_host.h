// CUDA on the host: lets the text of a CUDA kernel compile as C++20 and run on the CPU, for its values.
//
// A block is one operating-system thread, its CUDA threads are fibers that hand over at barriers and
// shuffles, so all blocks of a grid are alive together and barriers over the whole grid work. Covered is
// what the project's kernels use; anything else does not compile. Two orders of running the fibers
// (`backwards`) show missing barriers as wrong values. What is not modelled: caches, weak memory order
// between blocks, divergence within a shuffle (all lanes of a warp must take part), limits of registers.
#pragma once

#include <sched.h>
#include <ucontext.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

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

inline thread_local dim3 threadIdx, blockIdx, blockDim, gridDim;
constexpr int warpSize = 32;

// Dynamic shared memory: kernels declare `extern __shared__ float4 shared[];`, one array of this size.
constexpr size_t kSharedBytes = 256 << 10;
inline thread_local float4 shared[kSharedBytes / sizeof(float4)];

namespace cuda_on_host {

struct Barrier {
  unsigned arrived = 0, generation = 0;
};

struct Warp {
  Barrier barrier;
  uint64_t slots[2][32];  // of this shuffle and of the one before, which some lanes may still read
};

struct Fiber {
  ucontext_t context;
  std::unique_ptr<char[]> stack;
  dim3 index;
  unsigned lane = 0, shuffles = 0;
  Warp* warp = nullptr;
  bool done = false;
};

// One block: its fibers take turns in a fixed order, forwards or backwards.
struct Block {
  std::vector<Fiber> fibers;
  std::vector<Warp> warps;
  Barrier barrier;
  ucontext_t scheduler;
  size_t current = 0;
  const std::function<void()>* body = nullptr;
};

inline thread_local Block* block;

inline Fiber& self() { return block->fibers[block->current]; }

inline void hand_over() { swapcontext(&self().context, &block->scheduler); }

inline void wait(Barrier& barrier, unsigned count) {
  const unsigned generation = barrier.generation;
  if (++barrier.arrived == count) {
    barrier.arrived = 0;
    ++barrier.generation;
  }
  while (barrier.generation == generation) hand_over();
}

inline void enter() {
  (*block->body)();
  self().done = true;
  hand_over();
}

inline void run_block(dim3 grid, dim3 size, dim3 at, bool backwards, const std::function<void()>& body) {
  const size_t count = size_t(size.x) * size.y * size.z;
  constexpr size_t kStack = 64 << 10;
  Block own;
  own.fibers = std::vector<Fiber>(count);
  own.warps = std::vector<Warp>((count + 31) / 32);
  own.body = &body;
  block = &own;
  blockIdx = at, blockDim = size, gridDim = grid;
  for (size_t i = 0; i < count; ++i) {
    Fiber& fiber = own.fibers[i];
    fiber.stack.reset(new char[kStack]);
    fiber.index = {unsigned(i % size.x), unsigned(i / size.x % size.y), unsigned(i / size.x / size.y)};
    fiber.lane = i % 32;
    fiber.warp = &own.warps[i / 32];
    getcontext(&fiber.context);
    fiber.context.uc_stack = {fiber.stack.get(), 0, kStack};
    fiber.context.uc_link = nullptr;
    makecontext(&fiber.context, enter, 0);
  }
  for (size_t left = count; left > 0;) {
    for (size_t turn = 0; turn < count; ++turn) {
      own.current = backwards ? count - 1 - turn : turn;
      Fiber& fiber = own.fibers[own.current];
      if (fiber.done) continue;
      threadIdx = fiber.index;
      swapcontext(&own.scheduler, &fiber.context);
      left -= fiber.done;
    }
  }
}

// Runs a kernel; returns whether it kept to the `bytes` of dynamic shared memory it asked for. Shared
// memory holds NaN at first, as anything may lie there on a device.
inline bool launch(dim3 grid, dim3 size, size_t bytes, bool backwards, const std::function<void()>& body) {
  if (bytes > kSharedBytes) return false;
  std::atomic<bool> kept = true;
  std::vector<std::thread> blocks;
  for (unsigned z = 0; z < grid.z; ++z)
    for (unsigned y = 0; y < grid.y; ++y)
      for (unsigned x = 0; x < grid.x; ++x)
        blocks.emplace_back([=, &kept, &body] {
          std::memset(shared, 0xff, sizeof shared);
          run_block(grid, size, {x, y, z}, backwards, body);
          const auto* all = reinterpret_cast<const unsigned char*>(shared);
          if (!std::all_of(all + bytes, all + kSharedBytes, [](int c) { return c == 0xff; })) kept = false;
        });
  for (auto& thread : blocks) thread.join();
  return kept;
}

template <typename T>
T shuffle(T value, unsigned source) {
  static_assert(sizeof(T) <= 8);
  Fiber& fiber = self();
  uint64_t* slots = fiber.warp->slots[fiber.shuffles++ % 2];
  std::memcpy(&slots[fiber.lane], &value, sizeof(T));
  const size_t first = block->current / 32 * 32;
  wait(fiber.warp->barrier, unsigned(std::min<size_t>(32, block->fibers.size() - first)));
  std::memcpy(&value, &slots[source < 32 ? source : fiber.lane], sizeof(T));
  return value;
}

}  // namespace cuda_on_host

inline void __syncthreads() { cuda_on_host::wait(cuda_on_host::block->barrier, cuda_on_host::block->fibers.size()); }
inline void __syncwarp(unsigned = ~0u) { cuda_on_host::shuffle(0, 0); }
inline void __threadfence() { std::atomic_thread_fence(std::memory_order_seq_cst); }
// Spinning threads sleep: here that lets the other blocks and the block's own fibers go on.
inline void __nanosleep(unsigned) {
  sched_yield();
  cuda_on_host::hand_over();
}
[[noreturn]] inline void __trap() { std::abort(); }

template <typename T>
T __shfl_sync(unsigned, T value, int source) {
  return cuda_on_host::shuffle(value, source);
}
template <typename T>
T __shfl_xor_sync(unsigned, T value, int mask) {
  return cuda_on_host::shuffle(value, cuda_on_host::self().lane ^ mask);
}
template <typename T>
T __shfl_down_sync(unsigned, T value, unsigned by) {
  return cuda_on_host::shuffle(value, cuda_on_host::self().lane + by);
}

template <typename T>
T atomicAdd(T* at, T by) {
  return std::atomic_ref<T>(*at).fetch_add(by);
}
template <typename T>
T atomicExch(T* at, T value) {
  return std::atomic_ref<T>(*at).exchange(value);
}
template <typename T>
T atomicCAS(T* at, T expected, T value) {
  std::atomic_ref<T>(*at).compare_exchange_strong(expected, value);
  return expected;
}

template <typename T>
T __ldg(const T* at) {
  return *at;
}
template <typename T>
T __ldcg(const T* at) {
  return *at;
}
template <typename T>
void __stcg(T* at, T value) {
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
inline float __int_as_float(int bits) {
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}
