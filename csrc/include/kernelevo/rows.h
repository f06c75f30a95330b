// Sweeps over a row of floats, for generated code: whole vectors first, then the part that is left.
//
// A body takes the place `i` and a `part`, Whole or Part, which `load`, `store`, `head` and the sums take in
// turn, so that the text of a body is written once and whole vectors carry no masks.
#pragma once

#include <kernelevo/math.h>
#include <kernelevo/pages.h>
#include <stdint.h>

namespace kernelevo {

constexpr int kTogether = 4;  // vectors whose sum is taken in fp32 before it is added up in fp64

// A full vector, and which of kTogether successive ones it is; -1 if it stands alone.
template <int kPlace = -1>
struct Whole {};
struct Part {
  int64_t count;  // 1..kLanes - 1 lanes are meant
};

template <int kPlace>
inline vfloat load(const float* from, Whole<kPlace>) { return load(from); }
inline vfloat load(const float* from, Part part) { return load_part(from, part.count); }
template <int kPlace>
inline void store(float* to, vfloat x, Whole<kPlace>) { store(to, x); }
inline void store(float* to, vfloat x, Part part) { store_part(to, x, part.count); }

// x, with `rest` in the lanes that are not meant.
template <int kPlace>
inline vfloat head(vfloat x, float, Whole<kPlace>) { return x; }
inline vfloat head(vfloat x, float rest, Part part) {
  vint lane;
  for (int i = 0; i < kLanes; ++i) lane[i] = i;
  return lane < (int32_t)part.count ? x : splat(rest);
}

template <typename Body>
inline void sweep(int64_t count, Body body) {
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) body(i, Whole<>{});
  if (i < count) body(i, Part{count - i});
}

// The same for bodies with sums, kTogether vectors at a time.
template <typename Body>
inline void sweep_sums(int64_t count, Body body) {
  static_assert(kTogether == 4);
  int64_t i = 0;
  for (; i + kTogether * kLanes <= count; i += kTogether * kLanes) {
    body(i, Whole<0>{});
    body(i + kLanes, Whole<1>{});
    body(i + 2 * kLanes, Whole<2>{});
    body(i + 3 * kLanes, Whole<3>{});
  }
  for (; i + kLanes <= count; i += kLanes) body(i, Whole<>{});
  if (i < count) body(i, Part{count - i});
}

// A sum in fp64 of pairs of pairs taken in fp32: long rows stay accurate, and equal numbers add up exactly
// (doubling never rounds), so that a constant row is its own mean.
struct Sum {
  typedef double vdouble __attribute__((vector_size(4 * kLanes)));
  typedef float vhalf __attribute__((vector_size(2 * kLanes)));
  vdouble low{}, high{};
  vfloat first{}, second{};

  void flush(vfloat x) {
    vhalf halves[2];
    memcpy(halves, &x, sizeof x);
    low += __builtin_convertvector(halves[0], vdouble);
    high += __builtin_convertvector(halves[1], vdouble);
  }

  template <int kPlace>
  void add(vfloat x, Whole<kPlace>) {
    if constexpr (kPlace == 0) first = x;
    if constexpr (kPlace == 1) first += x;
    if constexpr (kPlace == 2) second = x;
    if constexpr (kPlace == 3) flush(first + (second + x));
    if constexpr (kPlace < 0) flush(x);
  }
  void add(vfloat x, Part part) { flush(head(x, 0.0f, part)); }

  double total() const {
    const vdouble both = low + high;
    double lane[kLanes / 2];
    memcpy(lane, &both, sizeof lane);
    for (int width = kLanes / 4; width; width /= 2)
      for (int i = 0; i < width; ++i) lane[i] += lane[i + width];
    return lane[0];
  }
};

// A sum of squares that are taken in fp64, so that those of small numbers do not vanish, nor those of large ones grow
// to infinity. Successive vectors go to sums of their own, which need not wait for one another.
struct Squares {
  Sum sums[2];

  template <int kPlace>
  void add(vfloat x, Whole<kPlace>) { add(x, sums[kPlace & 1]); }
  void add(vfloat x, Part part) { add(head(x, 0.0f, part), sums[0]); }
  double total() const { return sums[0].total() + sums[1].total(); }

 private:
  static void add(vfloat x, Sum& to) {
    Sum::vhalf halves[2];
    memcpy(halves, &x, sizeof x);
    const auto low = __builtin_convertvector(halves[0], Sum::vdouble);
    const auto high = __builtin_convertvector(halves[1], Sum::vdouble);
    to.low += low * low;
    to.high += high * high;
  }
};

// Sum of squares around the mean, from the sums of d and of d^2; d are differences from about the mean, so
// that little cancels. Rounding must not make it negative; NaN stays NaN.
inline double spread(double squares, double sum, int64_t count) {
  const double around = squares - sum * sum / (double)count;
  return around < 0 ? 0 : around;
}

// The larger and the smaller one; NaN in either gives NaN, as PyTorch's maxima and minima do.
inline vfloat larger(vfloat a, vfloat b) { return (b > a) | (b != b) ? b : a; }
inline vfloat smaller(vfloat a, vfloat b) { return (b < a) | (b != b) ? b : a; }
inline float larger(float a, float b) { return b > a || b != b ? b : a; }

}  // namespace kernelevo
