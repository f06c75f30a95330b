// Device code of the judge's instruments: a kernel that holds a stream, a stamp of every multiprocessor's
// clock, and a gatherer of scattered bytes. Compiled by NVRTC; needs no header.

__device__ static unsigned long long now_ns() {
  unsigned long long ns;
  asm volatile("mov.u64 %0, %%globaltimer;" : "=l"(ns));
  return ns;
}

// Holds its stream until the host has raised the flag to `ticket` or more, or until `limit_ns` are over:
// a host that died or forgot never leaves a device hanging. One thread.
extern "C" __global__ void spin(const unsigned int* flag, unsigned int ticket, unsigned long long limit_ns) {
  const volatile unsigned int* seen = flag;  // host memory: read anew each time
  const unsigned long long begin = now_ns();
  // tickets are compared by their distance, so that they may wrap around
  while (static_cast<int>(*seen - ticket) < 0 && now_ns() - begin < limit_ns) __nanosleep(100);
}

// Writes (nanoseconds, cycles, multiprocessor) to row blockIdx.x of `out`. Launched with one warp a block and
// at least as many blocks as there are multiprocessors: clocks of different ones do not agree, so only those
// seen by two stamps are compared.
extern "C" __global__ void stamp(unsigned long long* out) {
  if (threadIdx.x != 0) return;
  unsigned int processor;
  asm volatile("mov.u32 %0, %%smid;" : "=r"(processor));
  const unsigned long long ns = now_ns();
  const unsigned long long cycles = clock64();
  unsigned long long* row = out + 3ull * blockIdx.x;
  row[0] = ns;
  row[1] = cycles;
  row[2] = processor;
}

// Copies `count` pieces, each a row (address, bytes, offset in `out`) of `table`, into one buffer.
extern "C" __global__ void gather(const unsigned long long* table, unsigned char* out, int count) {
  for (int piece = blockIdx.x; piece < count; piece += gridDim.x) {
    const unsigned char* from = reinterpret_cast<const unsigned char*>(table[3ull * piece]);
    const unsigned long long bytes = table[3ull * piece + 1];
    unsigned char* to = out + table[3ull * piece + 2];
    for (unsigned long long i = threadIdx.x; i < bytes; i += blockDim.x) to[i] = from[i];
  }
}
