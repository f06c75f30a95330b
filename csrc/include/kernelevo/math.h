// Vectors of floats and the transcendental functions that PyTorch modules need.
//
// One source for AVX-512, AVX2 and everything else: GCC's vector extension picks the instructions,
// `kLanes` (16, 8 or 4) the width. Few intrinsics are used, and only where the compiler finds none itself.
// Accuracy against fp64 is stated per function and held by tests/graphs/test_math_header.py.
#pragma once

#include <stdint.h>
#include <string.h>

#if defined(__AVX512F__) || defined(__AVX__)
#include <immintrin.h>
#endif

namespace kernelevo {

#if defined(__AVX512F__)
constexpr int kLanes = 16;
constexpr int kVectorRegisters = 32;
#elif defined(__AVX__)
constexpr int kLanes = 8;
constexpr int kVectorRegisters = 16;
#else
constexpr int kLanes = 4;
constexpr int kVectorRegisters = 16;
#endif

typedef float vfloat __attribute__((vector_size(4 * kLanes)));
typedef int32_t vint __attribute__((vector_size(4 * kLanes)));
// The same, at any address that a float may have.
typedef float vfloat_unaligned __attribute__((vector_size(4 * kLanes), aligned(4), may_alias));

inline vfloat load(const float* from) { return *reinterpret_cast<const vfloat_unaligned*>(from); }
inline void store(float* to, vfloat x) { *reinterpret_cast<vfloat_unaligned*>(to) = x; }

// x - 0 keeps the sign of -0, x + 0 would not; both compile to one broadcast.
inline vfloat splat(float x) { return x - vfloat{}; }

// The first `count` (0..kLanes) lanes; the others read as 0 and are not touched in memory.
inline vfloat load_part(const float* from, int64_t count) {
#if defined(__AVX512F__)
  return (vfloat)_mm512_maskz_loadu_ps((__mmask16)((1u << count) - 1u), from);
#elif defined(__AVX__)
  alignas(32) static const int32_t whole[16] = {-1, -1, -1, -1, -1, -1, -1, -1};  // then zeros
  return (vfloat)_mm256_maskload_ps(from, _mm256_loadu_si256((const __m256i*)(whole + 8 - count)));
#else
  vfloat x{};
  memcpy(&x, from, sizeof(float) * (size_t)count);
  return x;
#endif
}

inline void store_part(float* to, vfloat x, int64_t count) {
#if defined(__AVX512F__)
  _mm512_mask_storeu_ps(to, (__mmask16)((1u << count) - 1u), (__m512)x);
#elif defined(__AVX__)
  if (count == kLanes) return store(to, x);
  // in halves: a masked store takes some twenty cycles on older AMD processors
  __m128 part = _mm256_castps256_ps128((__m256)x);
  if (count & 4) {
    _mm_storeu_ps(to, part);
    part = _mm256_extractf128_ps((__m256)x, 1);
    to += 4;
  }
  if (count & 2) {
    _mm_storel_pi((__m64*)to, part);
    part = _mm_movehl_ps(part, part);
    to += 2;
  }
  if (count & 1) _mm_store_ss(to, part);
#else
  memcpy(to, &x, sizeof(float) * (size_t)count);
#endif
}

inline vint bits(vfloat x) { return (vint)x; }
inline vfloat from_bits(vint x) { return (vfloat)x; }

inline vfloat fma(vfloat a, vfloat b, vfloat c) {
#if defined(__AVX512F__)
  return (vfloat)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
#elif defined(__AVX__) && defined(__FMA__)
  return (vfloat)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
#else
  return a * b + c;
#endif
}

// The operand `b` comes back where either is NaN, as maxps does: so relu(x) = max(0, x) keeps NaN.
inline vfloat max(vfloat a, vfloat b) {
#if defined(__AVX512F__)
  return (vfloat)_mm512_max_ps((__m512)a, (__m512)b);
#elif defined(__AVX__)
  return (vfloat)_mm256_max_ps((__m256)a, (__m256)b);
#else
  return a > b ? a : b;
#endif
}

inline vfloat min(vfloat a, vfloat b) {
#if defined(__AVX512F__)
  return (vfloat)_mm512_min_ps((__m512)a, (__m512)b);
#elif defined(__AVX__)
  return (vfloat)_mm256_min_ps((__m256)a, (__m256)b);
#else
  return a < b ? a : b;
#endif
}

inline vfloat abs(vfloat x) { return from_bits(bits(x) & 0x7fffffff); }

// |magnitude| with the sign of `sign`.
inline vfloat copysign(vfloat magnitude, vfloat sign) {
  return from_bits((bits(magnitude) & 0x7fffffff) | (bits(sign) & (int32_t)0x80000000u));
}

inline vfloat sqrt(vfloat x) {
#if defined(__AVX512F__)
  return (vfloat)_mm512_sqrt_ps((__m512)x);
#elif defined(__AVX__)
  return (vfloat)_mm256_sqrt_ps((__m256)x);
#else
  for (int i = 0; i < kLanes; ++i) x[i] = __builtin_sqrtf(x[i]);
  return x;
#endif
}

// Sums are taken in pairs, so the rounding error grows with log2(kLanes).
inline float sum(vfloat x) {
  float lane[kLanes];
  memcpy(lane, &x, sizeof lane);
  for (int width = kLanes / 2; width; width /= 2)
    for (int i = 0; i < width; ++i) lane[i] += lane[i + width];
  return lane[0];
}

// NaN in any lane gives NaN.
inline float largest(vfloat x) {
  float best = x[0];
  for (int i = 1; i < kLanes; ++i) best = (x[i] > best || x[i] != x[i]) ? x[i] : best;
  return best;
}

// c[0] + x * (c[1] + x * (...)), highest power last.
template <int N>
inline vfloat polynomial(vfloat x, const float (&c)[N]) {
  vfloat y = splat(c[N - 1]);
  for (int i = N - 2; i >= 0; --i) y = fma(y, x, splat(c[i]));
  return y;
}

// x * 2^n for whole n in [-300, 300]; two factors, since 2^n alone may over- or underflow.
inline vfloat scale_by_power(vfloat x, vfloat n) {
#if defined(__AVX512F__)
  return (vfloat)_mm512_scalef_ps((__m512)x, (__m512)n);
#else
  const vint whole = __builtin_convertvector(n, vint);
  const vint half = whole >> 1;
  return x * from_bits((half + 127) << 23) * from_bits((whole - half + 127) << 23);
#endif
}

// e^x within 2 ulp, denormal results included (they round twice: within 1 of their ulp).
inline vfloat exp(vfloat x) {
  constexpr float kLog2e = 1.44269504f, kLn2High = 0.693145752f, kLn2Low = 1.42860677e-6f;
  constexpr float kUnderflow = -104.0f, kOverflow = 89.0f;  // beyond these the result is 0 or infinity
  constexpr float kRound = 12582912.0f;                      // 1.5 * 2^23: adding it rounds to whole numbers
  constexpr float kTerms[] = {0.5f,           1.666666716e-1f, 4.166625440e-2f,
                              8.333266713e-3f, 1.394728431e-3f, 1.991710451e-4f};
  const vfloat bounded = min(splat(kOverflow), max(splat(kUnderflow), x));  // in this order NaN stays NaN
  const vfloat n = (bounded * kLog2e + kRound) - kRound;
  const vfloat r = fma(n, splat(-kLn2Low), fma(n, splat(-kLn2High), bounded));
  const vfloat y = fma(r * r, polynomial(r, kTerms), r) + 1.0f;
  return scale_by_power(y, n);
}

// tanh within 3 ulp. Near 0 an own polynomial: 1 - 2 / (e^2x + 1) alone would cancel there.
inline vfloat tanh(vfloat x) {
  constexpr float kSmall = 0.6f;
  constexpr float kTerms[] = {-3.333333135e-1f, 1.333324760e-1f,  -5.395247415e-2f,
                              2.173443511e-2f,  -8.267078549e-3f, 2.231052378e-3f};
  const vfloat size = abs(x);
  const vfloat z = x * x;
  const vfloat near = fma(size * z, polynomial(z, kTerms), size);
  const vfloat far = 1.0f - 2.0f / (exp(size + size) + 1.0f);
  return copysign(size < kSmall ? near : far, x);
}

// 1 / (1 + e^-x) within 3 ulp, also where the result is tiny.
inline vfloat sigmoid(vfloat x) {
  const vfloat e = exp(from_bits(bits(x) | (int32_t)0x80000000u));  // e^-|x| never overflows
  return (x < 0.0f ? e : splat(1.0f)) / (e + 1.0f);
}

// 1 - erf(x) for x >= 0, within 8 ulp (relative error 5e-7): u = 1 / (1 + 0.4 x), e^(-x^2) u P(u).
inline vfloat erfc_positive(vfloat x) {
  constexpr float kTerms[] = {2.257036716e-1f, 2.250152081e-1f,  2.143912762e-1f, 1.321537346e-1f,
                              2.648822665e-1f, -2.709399760e-1f, 5.312481523e-1f, -4.866454601e-1f,
                              1.928294152e-1f, -2.863826975e-2f};
  constexpr float kZeroFrom = 10.5f;  // e^-110 is 0 as a float; infinity must not meet infinity below
  const vfloat t = min(splat(kZeroFrom), x);
  const vfloat u = 1.0f / fma(splat(0.4f), t, splat(1.0f));
  const vfloat square = t * t;
  const vfloat lost = fma(t, t, -square);  // what rounding dropped from t^2 (0 without fma)
  const vfloat decay = exp(-square);
  return fma(-decay, lost, decay) * u * polynomial(u, kTerms);
}

// erf within 4 ulp.
inline vfloat erf(vfloat x) {
  constexpr float kSmall = 0.9f;
  constexpr float kTerms[] = {1.128379226e+0f, -3.761263788e-1f, 1.128378883e-1f,  -2.686588466e-2f,
                              5.222585984e-3f, -8.511322667e-4f, 1.150199678e-4f, -1.046883699e-5f};
  const vfloat size = abs(x);
  const vfloat z = x * x;
  return size < kSmall ? x * polynomial(z, kTerms) : copysign(1.0f - erfc_positive(size), x);
}

// x * Phi(x), the GELU of approximate="none": absolute error 1e-7 |x|; no cancellation for negative x.
inline vfloat gelu(vfloat x) {
  constexpr float kSqrtHalf = 0.707106781f;
  const vfloat tail = 0.5f * erfc_positive(abs(x) * kSqrtHalf);
  const vfloat cdf = x < 0.0f ? tail : 1.0f - tail;
  // -infinity * 0 would be NaN; PyTorch gives NaN there too, so nothing is special-cased.
  return x * cdf;
}

// 0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))), the GELU of approximate="tanh", as x * sigmoid(2 inner).
inline vfloat gelu_tanh(vfloat x) {
  constexpr float kTwiceSqrt2OverPi = 1.595769122f, kCubic = 0.044715f;
  return x * sigmoid(kTwiceSqrt2OverPi * fma(x * x * kCubic, x, x));
}

inline vfloat relu(vfloat x) { return max(splat(0.0f), x); }
inline vfloat silu(vfloat x) { return x * sigmoid(x); }

}  // namespace kernelevo
