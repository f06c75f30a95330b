// One pass over an output and its fp64 oracle: largest errors, violations of the tolerance, non-finite masks.
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

constexpr int kLanes = 8;
constexpr int64_t kBlock = 4096;  // the index of the worst error is looked for block by block

template <typename T>
void compare(const T* out, const double* oracle, int64_t n, double atol, double rtol, double slack,
             Result* result) {
  Result r{0, 0, 0, -1, 0, 0};
  for (int64_t begin = 0; begin < n; begin += kBlock) {
    const int64_t end = begin + kBlock < n ? begin + kBlock : n;
    double abs_[kLanes] = {}, rel_[kLanes] = {}, worst_[kLanes] = {};
    int64_t bad_[kLanes] = {}, apart_[kLanes] = {};
    for (int64_t i = begin; i < end; i += kLanes) {
      const int lanes = end - i < kLanes ? static_cast<int>(end - i) : kLanes;
      for (int l = 0; l < lanes; ++l) {
        const double a = widen(out[i + l]), b = oracle[i + l], size = std::fabs(b);
        const bool finite = std::fabs(a) <= __DBL_MAX__ && size <= __DBL_MAX__;
        const double error = finite ? std::fabs(a - b) : 0.0;
        const double tolerance = atol + rtol * (finite ? size : 0.0);
        const double allowed = tolerance > slack ? tolerance : slack;
        const double rel = (finite && size > 0.0) ? error / size : 0.0;
        const double ratio = error > 0.0 ? error / allowed : 0.0;
        abs_[l] = error > abs_[l] ? error : abs_[l];
        rel_[l] = rel > rel_[l] ? rel : rel_[l];
        worst_[l] = ratio > worst_[l] ? ratio : worst_[l];
        bad_[l] += error > allowed;
        apart_[l] += !finite && !(a == b) && !(a != a && b != b);
      }
    }
    double worst = 0;
    for (int l = 0; l < kLanes; ++l) {
      r.max_abs = abs_[l] > r.max_abs ? abs_[l] : r.max_abs;
      r.max_rel = rel_[l] > r.max_rel ? rel_[l] : r.max_rel;
      worst = worst_[l] > worst ? worst_[l] : worst;
      r.violations += bad_[l];
      r.mismatches += apart_[l];
    }
    if (worst > r.worst) {
      r.worst = worst;
      for (int64_t i = begin; i < end; ++i) {
        const double a = widen(out[i]), b = oracle[i], error = std::fabs(a - b);
        const double tolerance = atol + rtol * std::fabs(b);
        const double allowed = tolerance > slack ? tolerance : slack;
        if (error <= __DBL_MAX__ && error > 0.0 && error / allowed >= worst) {
          r.worst_index = i;
          break;
        }
      }
    }
  }
  *result = r;
}

}  // namespace

extern "C" {

void kernelevo_compare_f32(const float* out, const double* oracle, int64_t n, double atol, double rtol,
                           double slack, void* result) {
  compare(out, oracle, n, atol, rtol, slack, static_cast<Result*>(result));
}

void kernelevo_compare_f64(const double* out, const double* oracle, int64_t n, double atol, double rtol,
                           double slack, void* result) {
  compare(out, oracle, n, atol, rtol, slack, static_cast<Result*>(result));
}

void kernelevo_compare_bf16(const void* out, const double* oracle, int64_t n, double atol, double rtol,
                            double slack, void* result) {
  compare(static_cast<const Bfloat16*>(out), oracle, n, atol, rtol, slack, static_cast<Result*>(result));
}

void kernelevo_compare_f16(const void* out, const double* oracle, int64_t n, double atol, double rtol,
                           double slack, void* result) {
  compare(static_cast<const Half*>(out), oracle, n, atol, rtol, slack, static_cast<Result*>(result));
}
}
