// kernelevo.h: what a C++ program may include. Header-only, no torch headers.
//
//   #include <kernelevo.h>
//   extern "C" void scale(const float* x, float* y, int64_t n) { ... }
//
// kernelevo/math.h holds vectorised exp, tanh, sigmoid, GELU and friends.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(_OPENMP)
#include <omp.h>
#endif

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#if __has_include(<kernelevo/math.h>)
#include <kernelevo/math.h>
#endif
