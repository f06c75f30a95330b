// A monotonic clock in nanoseconds, and a walk that pushes everything else out of the caches.
#include <cstdint>
#include <ctime>

extern "C" {

int64_t kernelevo_now(void) {
  timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<int64_t>(t.tv_sec) * 1000000000 + t.tv_nsec;
}

// Writes one word of every cache line; the value differs each time so that no store is silent.
void kernelevo_flush(void* memory, int64_t bytes, int64_t value) {
  volatile char* p = static_cast<volatile char*>(memory);
  for (int64_t i = 0; i + 8 <= bytes; i += 64) *reinterpret_cast<volatile int64_t*>(p + i) = value + i;
}
}
