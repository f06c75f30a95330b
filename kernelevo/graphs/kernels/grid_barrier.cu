// A barrier over all blocks of a grid, which must be resident together (a cooperative launch).
//
// state: [blocks arrived, generation, whether a wait was given up, unused]; zero before the first use, and
// left fit for the next launch on the same stream. Two launches that may run at the same time need two.
#ifndef GRID_SPINS
#define GRID_SPINS (1u << 22)  // polls, each a read of L2: seconds; only a broken launch waits so long
#endif

// Waits until every block has come here. Writes of all blocks before it are visible after it to loads past
// L1 (__ldcg). Returns false, to all threads of the block, once any block has given up: results are void, and
// those of every later launch too, until somebody sets the state to zero again.
// With `stay` false the block says that it came, and does not wait.
__device__ inline bool grid_wait(unsigned* state, unsigned blocks, bool stay = true) {
  __shared__ int passed;
  __syncthreads();
  if (threadIdx.x == 0) {
    volatile unsigned* now = state;
    __threadfence();
    const unsigned generation = now[1];
    if (atomicAdd(state, 1u) == blocks - 1) {
      now[0] = 0;
      __threadfence();
      now[1] = generation + 1;
    } else if (stay) {
      unsigned spins = 0;
      while (now[1] == generation && now[2] == 0) {
        if (++spins == GRID_SPINS) now[2] = 1;
        if (spins % 64 == 0) __nanosleep(20);
      }
    }
    __threadfence();
    passed = now[2] == 0;
  }
  __syncthreads();
  return passed != 0;
}
