// What runs CUDA kernels on the host: blocks as threads, their CUDA threads as fibers. See cuda_on_host.h.
#include "cuda_on_host.h"

#include <sched.h>
#include <ucontext.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <memory>
#include <thread>
#include <vector>

thread_local dim3 threadIdx, blockIdx, blockDim, gridDim;
thread_local float4 shared[kSharedBytes / sizeof(float4)];

namespace cuda_on_host {
namespace {

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
  bool misused = false;  // some address of shared memory went where global ones go
  void (*kernel)(const void*) = nullptr;
  const void* given = nullptr;
};

thread_local Block* block;

Fiber& self() { return block->fibers[block->current]; }

void hand_over() { swapcontext(&self().context, &block->scheduler); }

void wait(Barrier& barrier, unsigned count) {
  const unsigned generation = barrier.generation;
  if (++barrier.arrived == count) {
    barrier.arrived = 0;
    ++barrier.generation;
  }
  while (barrier.generation == generation) hand_over();
}

void enter() {
  block->kernel(block->given);
  self().done = true;
  hand_over();
}

void run_block(Block& own, dim3 grid, dim3 size, dim3 at, bool backwards) {
  const size_t count = size_t(size.x) * size.y * size.z;
  constexpr size_t kStack = 64 << 10;
  own.fibers = std::vector<Fiber>(count);
  own.warps = std::vector<Warp>((count + 31) / 32);
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

}  // namespace

unsigned lane() { return self().lane; }

uint64_t shuffle_bits(uint64_t bits, unsigned source) {
  Fiber& fiber = self();
  uint64_t* slots = fiber.warp->slots[fiber.shuffles++ % 2];
  slots[fiber.lane] = bits;
  const size_t first = block->current / 32 * 32;
  wait(fiber.warp->barrier, unsigned(std::min<size_t>(32, block->fibers.size() - first)));
  return slots[source < 32 ? source : fiber.lane];
}

void require_global(const void* at) {
  const auto* first = reinterpret_cast<const char*>(shared);
  if (at >= first && at < first + kSharedBytes) block->misused = true;
}

Fault launch(dim3 grid, dim3 size, size_t bytes, bool backwards, void (*kernel)(const void*), const void* given) {
  if (bytes > kSharedBytes) return kBeyondShared;
  std::atomic<Fault> fault = kNone;
  std::vector<std::thread> blocks;
  for (unsigned i = 0; i < grid.x * grid.y * grid.z; ++i)
    blocks.emplace_back([=, &fault] {
      std::memset(shared, 0xff, sizeof shared);
      Block own;
      own.kernel = kernel, own.given = given;
      run_block(own, grid, size, {i % grid.x, i / grid.x % grid.y, i / grid.x / grid.y}, backwards);
      const auto* all = reinterpret_cast<const unsigned char*>(shared);
      if (!std::all_of(all + bytes, all + kSharedBytes, [](int c) { return c == 0xff; })) fault = kBeyondShared;
      if (own.misused) fault = kSharedAsGlobal;
    });
  for (auto& thread : blocks) thread.join();
  return fault;
}

}  // namespace cuda_on_host

void __syncthreads() {
  cuda_on_host::wait(cuda_on_host::block->barrier, unsigned(cuda_on_host::block->fibers.size()));
}

// Spinning threads sleep: here that lets the other blocks and the block's own fibers go on.
void __nanosleep(unsigned) {
  sched_yield();
  cuda_on_host::hand_over();
}
