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

// A table's first row of five words belongs to the kernel; the others are (from, factors, to, count, factor),
// the last one the bits of a float. Writes count floats from[i] * factors[i] * factor, each product rounded,
// or count bytes as they are where there are no factors, or zeros where there is nothing to write from.
extern "C" __global__ void fill(unsigned long long* table, int count) {
  for (int piece = blockIdx.x; piece < count; piece += gridDim.x) {
    const unsigned long long* row = table + 5ull * (piece + 1);
    const unsigned long long n = row[3];
    if (row[1] != 0) {
      const float* from = reinterpret_cast<const float*>(row[0]);
      const float* factors = reinterpret_cast<const float*>(row[1]);
      float* to = reinterpret_cast<float*>(row[2]);
      const float factor = __int_as_float(static_cast<int>(row[4]));
      for (unsigned long long i = threadIdx.x; i < n; i += blockDim.x) {
        const float value = __fmul_rn(from[i], factors[i]);
        to[i] = factor == 1.0f ? value : __fmul_rn(value, factor);
      }
    } else {
      const unsigned char* from = reinterpret_cast<const unsigned char*>(row[0]);
      unsigned char* to = reinterpret_cast<unsigned char*>(row[2]);
      const bool wide = (row[0] | row[2]) % 16 == 0;
      const unsigned long long quads = wide ? n / 16 : 0;
      for (unsigned long long i = threadIdx.x; i < quads; i += blockDim.x)
        reinterpret_cast<float4*>(to)[i] =
            from == nullptr ? make_float4(0, 0, 0, 0) : reinterpret_cast<const float4*>(from)[i];
      for (unsigned long long i = 16 * quads + threadIdx.x; i < n; i += blockDim.x)
        to[i] = from == nullptr ? 0 : from[i];
    }
  }
}

// Rows are (one, other, unused, bytes, unused); counts into the table's first word who differs somewhere.
extern "C" __global__ void differ(unsigned long long* table, int count) {
  for (int piece = blockIdx.x; piece < count; piece += gridDim.x) {
    const unsigned long long* row = table + 5ull * (piece + 1);
    const unsigned char* one = reinterpret_cast<const unsigned char*>(row[0]);
    const unsigned char* other = reinterpret_cast<const unsigned char*>(row[1]);
    const unsigned long long n = row[3];
    const unsigned long long words = (row[0] | row[1]) % 8 == 0 ? n / 8 : 0;
    bool apart = false;
    for (unsigned long long i = threadIdx.x; i < words; i += blockDim.x)
      apart |= reinterpret_cast<const unsigned long long*>(one)[i] !=
               reinterpret_cast<const unsigned long long*>(other)[i];
    for (unsigned long long i = 8 * words + threadIdx.x; i < n; i += blockDim.x) apart |= one[i] != other[i];
    if (apart) atomicAdd(table, 1ull);
  }
}
