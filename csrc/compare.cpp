// One pass over an output and its oracle: largest errors, violations of the tolerance, non-finite masks.
// Plain C ABI; called from kernelevo/backends/native.py. Single-threaded on purpose: the caller may be a
// process in which no OpenMP worker may exist.
#include <cmath>
#include <cstdint>
#include <cstring>

namespace {

struct Result {
  double max_abs;       // over pairs that are both finite
  double max_rel;       // likewise, where the oracle is not 0
  double worst;         // largest error / allowed error
  int64_t worst_index;  // first place of it, -1 if there is no error
  int64_t violations;   // finite pairs with error > max(atol + rtol * |oracle|, slack)
  int64_t mismatches;   // NaN against a number, infinity against another value
  int64_t not_finite;   // pairs of which one at least is not finite
};

inline double widen(double x) { return x; }
inline double widen(float x) { return static_cast<double>(x); }

struct Bfloat16 {
  uint16_t bits;
};
inline double widen(Bfloat16 x) {
  const uint32_t bits = static_cast<uint32_t>(x.bits) << 16;
  float f;
  std::memcpy(&f, &bits, 4);
  return f;
}

struct Half {
  uint16_t bits;
};
inline double widen(Half x) {
  const uint32_t sign = static_cast<uint32_t>(x.bits & 0x8000u) << 16, rest = x.bits & 0x7fffu;
  uint32_t bits = sign | ((rest << 13) + (112u << 23));
  if (rest >= 0x7c00u) bits = sign | 0x7f800000u | ((rest & 0x3ffu) << 13);  // infinity, NaN
  float f;
  std::memcpy(&f, &bits, 4);
  if (rest < 0x400u) {  // subnormal: mantissa * 2^-24
    f = static_cast<float>(rest) * 0x1p-24f;
    return sign ? -f : f;
  }
  return f;
}

constexpr int64_t kBlock = 4096;
constexpr double kLittleLess = 1.0 - 0x1p-50;  // so that a product never rounds to what a quotient exceeds

struct Rule {
  double atol, rtol, slack;

  double allowed(double size) const {
    const double tolerance = atol + rtol * size;
    return tolerance > slack ? tolerance : slack;
  }
};

// Whether a block holds nothing that would change the result: no error beyond the largest ones so far, absolute,
// relative and in units of what is allowed, no violation, and all of it finite. Without a division or a branch,
// so that it runs at the speed of memory; nearly every block of an answer is such a one.
template <typename T, typename Exact>
bool adds_nothing(const T* out, const Exact* oracle, int64_t n, const Rule& rule, const Result& r) {
  const double rel = r.max_rel * kLittleLess, worst = r.worst * kLittleLess;
  int64_t adds = 0;
  for (int64_t i = 0; i < n; ++i) {
    const double a = widen(out[i]), b = widen(oracle[i]), size = std::fabs(b), error = std::fabs(a - b);
    const double allowed = rule.allowed(size);
    const bool known = (error < rel * size) & (error < worst * allowed);
    const bool within = (error <= r.max_abs) & (error <= allowed);  // false for what is not finite
    adds |= !(within & (known | (error == 0.0)));
  }
  return adds == 0;
}

template <typename T, typename Exact>
void add(const T* out, const Exact* oracle, int64_t begin, int64_t end, const Rule& rule, Result& r) {
  for (int64_t i = begin; i < end; ++i) {
    const double a = widen(out[i]), b = widen(oracle[i]), size = std::fabs(b);
    if (!(std::fabs(a) <= __DBL_MAX__ && size <= __DBL_MAX__)) {
      r.not_finite += 1;
      r.mismatches += !(a == b) && !(a != a && b != b);
      continue;
    }
    const double error = std::fabs(a - b);
    if (error == 0.0) continue;
    const double allowed = rule.allowed(size), ratio = error / allowed;
    r.violations += error > allowed;
    if (error > r.max_abs) r.max_abs = error;
    if (size > 0.0 && error / size > r.max_rel) r.max_rel = error / size;
    if (ratio > r.worst) {
      r.worst = ratio;
      r.worst_index = i;
    }
  }
}

template <typename T, typename Exact>
void compare(const T* out, const Exact* oracle, int64_t n, const Rule& rule, Result* result) {
  Result r{0, 0, 0, -1, 0, 0, 0};
  for (int64_t begin = 0; begin < n; begin += kBlock) {
    const int64_t end = begin + kBlock < n ? begin + kBlock : n;
    if (!adds_nothing(out + begin, oracle + begin, end - begin, rule, r)) add(out, oracle, begin, end, rule, r);
  }
  *result = r;
}

}  // namespace

extern "C" {

#define KERNELEVO_COMPARE(NAME, TYPE, EXACT)                                                                 \
  void kernelevo_compare_##NAME(const void* out, const void* oracle, int64_t n, double atol, double rtol,    \
                                double slack, void* result) {                                                \
    compare(static_cast<const TYPE*>(out), static_cast<const EXACT*>(oracle), n, Rule{atol, rtol, slack},    \
            static_cast<Result*>(result));                                                                   \
  }

KERNELEVO_COMPARE(f32_f64, float, double)
KERNELEVO_COMPARE(f32_f32, float, float)
KERNELEVO_COMPARE(f64_f64, double, double)
KERNELEVO_COMPARE(f64_f32, double, float)
KERNELEVO_COMPARE(bf16_f64, Bfloat16, double)
KERNELEVO_COMPARE(bf16_f32, Bfloat16, float)
KERNELEVO_COMPARE(f16_f64, Half, double)
KERNELEVO_COMPARE(f16_f32, Half, float)
}
