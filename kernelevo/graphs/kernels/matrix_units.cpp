// Products on the processor's matrix units (AMX) at the accuracy of fp32.
//
// The units multiply bfloat16 and add up in fp32. An fp32 number is the sum of three bfloat16 ones but for
// 2^-27 of itself: the first is the number rounded, the next what that left, and so on. Of the nine products
// of two numbers' parts the six largest are taken; what is left out is 2^-26 of the product, less than fp32
// rounds (G. Henry, P. Tang, A. Heinecke, arXiv 1904.06376). The units take 16 times what vector units do, so that six
// products are still faster than one.
//
// A tile is 16 rows of 64 bytes. One of x holds 16 rows and 32 inner places; one of the weight 16 columns and 32
// inner places as 16 pairs of them. Both lie in memory as [block of 32][step of 32][part][half][tile].
#include <kernelevo/math.h>
#include <omp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#if defined(__AMX_BF16__) && defined(__AVX512BF16__)
#include <sys/syscall.h>
#include <unistd.h>
#define KERNELEVO_MATRIX_UNITS 1
#else
#define KERNELEVO_MATRIX_UNITS 0
#endif

namespace {

using namespace kernelevo;

constexpr int64_t kBlock = 32;                  // rows, columns and inner places of two tiles
constexpr int64_t kParts = 3;
constexpr int64_t kTile = 512;                  // numbers of a tile
constexpr int64_t kStep = kParts * 2 * kTile;   // numbers of one step of a block
constexpr int64_t kSteps = MATRIX_UNITS_STEPS;        // steps whose parts of x stay in a core's cache
constexpr int64_t kHeight = MATRIX_UNITS_ROWS;        // blocks of rows that take turns with a block of the weight

int64_t blocks(int64_t size) { return (size + kBlock - 1) / kBlock; }

#if KERNELEVO_MATRIX_UNITS

// Ask the system for the units' registers; once for all threads.
bool permitted() {
  static const bool granted = syscall(SYS_arch_prctl, 0x1023 /* ARCH_REQ_XCOMP_PERM */, 18 /* tile data */) == 0;
  return granted;
}

struct alignas(64) Shapes {
  uint8_t palette = 1, start = 0, reserved[14] = {};
  uint16_t bytes[16] = {};
  uint8_t rows[16] = {};
};

// Gives a thread its tiles, and takes them back: as long as it has them each switch of the thread saves 8 KB more.
struct Tiles {
  Tiles() {
    Shapes shapes;
    for (int tile = 0; tile < 8; ++tile) shapes.bytes[tile] = 64, shapes.rows[tile] = 16;
    _tile_loadconfig(&shapes);
  }
  ~Tiles() { _tile_release(); }
};

// Memory of a thread, kept for the next call: pages that are new each time cost as much as the work.
char* scratch(int which, int64_t bytes) {
  struct Memory {
    char* start = nullptr;
    int64_t size = 0;
    ~Memory() { free(start); }
  };
  static thread_local Memory kept[2];
  Memory& own = kept[which];
  if (own.size < bytes) {
    free(own.start);
    own.size = (bytes + 4095) / 4096 * 4096;
    own.start = static_cast<char*>(aligned_alloc(4096, own.size));
  }
  return own.start;
}

inline __m512 widened(__m256i half) {
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(half), 16));
}

// Writes the three parts of 32 numbers, each a row of a tile. Of what is not finite they make NaN.
inline void split(const float* from, __mmask16 low_in, __mmask16 high_in, uint16_t* to, int64_t apart) {
  __m512 low = _mm512_maskz_loadu_ps(low_in, from), high = _mm512_maskz_loadu_ps(high_in, from + 16);
  for (int64_t part = 0; part < kParts; ++part) {
    const __m512i rounded = (__m512i)_mm512_cvtne2ps_pbh(high, low);
    _mm512_storeu_si512(to + part * apart, rounded);
    if (part + 1 == kParts) break;
    low = _mm512_sub_ps(low, widened(_mm512_castsi512_si256(rounded)));
    high = _mm512_sub_ps(high, widened(_mm512_extracti64x4_epi64(rounded, 1)));
  }
}

inline __mmask16 lanes(int64_t count) {
  return count >= 16 ? 0xffff : count <= 0 ? 0 : static_cast<__mmask16>((1u << count) - 1);
}

// Splits a block of 32 rows; rows and inner places that are not there are zeros.
void split_rows(const float* x, int64_t stride, int64_t rows, int64_t inner, uint16_t* to) {
  for (int64_t step = 0; step * kBlock < inner; ++step, to += kStep) {
    const int64_t left = inner - step * kBlock;
    const __mmask16 low = lanes(left), high = lanes(left - 16);
    for (int64_t row = 0; row < kBlock; ++row) {
      const bool there = row < rows;
      const float* from = there ? x + row * stride + step * kBlock : x;
      split(from, there ? low : 0, there ? high : 0, to + row / 16 * kTile + row % 16 * 32, 2 * kTile);
    }
  }
}

// Turns a tile whose rows are columns of the weight into one whose rows are pairs of inner places.
void turn(uint16_t* tile) {
  uint32_t rows[256];
  memcpy(rows, tile, sizeof rows);
  const __m512i places = _mm512_mullo_epi32(
      _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0), _mm512_set1_epi32(16));
  for (int pair = 0; pair < 16; ++pair)
    _mm512_storeu_si512(tile + pair * 32, _mm512_i32gather_epi32(places, rows + pair, 4));
}

// One step of 32 inner places: the smallest products first. a and b: the parts of 32 rows and 32 columns.
inline void step(const uint16_t* a, const uint16_t* b) {
#define LOAD(first, second, from, part)              \
  _tile_loadd(first, from + (part)*2 * kTile, 64);   \
  _tile_loadd(second, from + ((part)*2 + 1) * kTile, 64)
#define MULTIPLY()          \
  _tile_dpbf16ps(0, 4, 6);  \
  _tile_dpbf16ps(1, 4, 7);  \
  _tile_dpbf16ps(2, 5, 6);  \
  _tile_dpbf16ps(3, 5, 7)
  LOAD(4, 5, a, 0);
  LOAD(6, 7, b, 2);
  MULTIPLY();
  LOAD(6, 7, b, 1);
  MULTIPLY();
  LOAD(4, 5, a, 1);
  MULTIPLY();
  LOAD(6, 7, b, 0);
  MULTIPLY();
  LOAD(4, 5, a, 2);
  MULTIPLY();
  LOAD(4, 5, a, 0);
  MULTIPLY();
#undef LOAD
#undef MULTIPLY
}

// Sums of 32 rows and 32 columns over some steps, on top of those in sums unless they are the first.
inline void product(const uint16_t* a, const uint16_t* b, int64_t steps, bool first, float* sums, int64_t stride) {
  const int64_t bytes = stride * 4;
  if (first) {
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
  } else {
    _tile_loadd(0, sums, bytes);
    _tile_loadd(1, sums + 16, bytes);
    _tile_loadd(2, sums + 16 * stride, bytes);
    _tile_loadd(3, sums + 16 * stride + 16, bytes);
  }
  for (int64_t s = 0; s < steps; ++s) step(a + s * kStep, b + s * kStep);
  _tile_stored(0, sums, bytes);
  _tile_stored(1, sums + 16, bytes);
  _tile_stored(2, sums + 16 * stride, bytes);
  _tile_stored(3, sums + 16 * stride + 16, bytes);
}

// Writes post(sums + bias); returns whether all sums are finite.
template <class Post>
bool finish(const float* sums, int64_t stride, const float* bias, float* y, int64_t y_stride, int64_t rows,
            int64_t columns, Post post) {
  vfloat most = {};
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t start = 0; start < columns; start += kLanes) {
      const int64_t count = columns - start < kLanes ? columns - start : kLanes;
      vfloat value = load(sums + row * stride + start);
      most = fma(value, splat(0.0f), most);  // NaN from then on, where one is not finite
      if (bias) value = value + load_part(bias + start, count);
      store_part(y + row * y_stride + start, post(value), count);
    }
  return sum(most) == 0.0f;
}

bool finish(int64_t post, const float* sums, int64_t stride, const float* bias, float* y, int64_t y_stride,
            int64_t rows, int64_t columns) {
  const auto by = [&](auto function) { return finish(sums, stride, bias, y, y_stride, rows, columns, function); };
  switch (post) {
    case 1: return by([](vfloat x) { return relu(x); });
    case 2: return by([](vfloat x) { return tanh(x); });
    case 3: return by([](vfloat x) { return sigmoid(x); });
    case 4: return by([](vfloat x) { return silu(x); });
    case 5: return by([](vfloat x) { return gelu(x); });
    case 6: return by([](vfloat x) { return gelu_tanh(x); });
    default: return by([](vfloat x) { return x; });
  }
}

#endif

}  // namespace

// Whether this build and this machine have the units.
extern "C" int64_t matrix_units_here() {
#if KERNELEVO_MATRIX_UNITS
  return permitted();
#else
  return 0;
#endif
}

// Numbers that the parts of a weight take.
extern "C" int64_t matrix_units_size(int64_t columns, int64_t inner) { return blocks(columns) * blocks(inner) * kStep; }

// Splits a weight, column c and inner place k at c * column_stride + k, into parts for the units.
extern "C" void matrix_units_pack(const float* weight, int64_t column_stride, int16_t* packed, int64_t columns, int64_t inner) {
#if KERNELEVO_MATRIX_UNITS
  uint16_t* const to = reinterpret_cast<uint16_t*>(packed);
  const int64_t size = blocks(inner) * kStep;
#pragma omp parallel for
  for (int64_t block = 0; block < blocks(columns); ++block) {
    const int64_t start = block * kBlock, there = columns - start < kBlock ? columns - start : kBlock;
    split_rows(weight + start * column_stride, column_stride, there, inner, to + block * size);
    for (int64_t tile = 0; tile < size / kTile; ++tile) turn(to + block * size + tile * kTile);
  }
#endif
}

// y = post(x weight^T + bias) for rows of x. Returns whether it could: not where a product is no finite number, or a
// part of one is not (fp32 might say infinity there, and not NaN).
extern "C" int64_t matrix_units_linear(const float* x, int64_t x_stride, const int16_t* packed, const float* bias, float* y, int64_t y_stride, int64_t rows, int64_t columns, int64_t inner, int64_t post) {
#if KERNELEVO_MATRIX_UNITS
  const uint16_t* const weight = reinterpret_cast<const uint16_t*>(packed);
  const int64_t steps = blocks(inner), wide = blocks(columns), high = blocks(rows);
  const int64_t groups = (high + kHeight - 1) / kHeight, threads = omp_get_max_threads();
  // few groups of rows are cut across the columns too, so that every thread has as much to do
  const int64_t cuts = groups % threads == 0 || groups >= 8 * threads ? 1 : wide < threads ? wide : threads;
  bool finite = true;
#pragma omp parallel reduction(&& : finite)
  {
    const Tiles tiles;
    const int64_t most_steps = steps < kSteps ? steps : kSteps, most_wide = (wide + cuts - 1) / cuts;
    const bool whole = steps <= kSteps;
    const int64_t stride = whole ? kBlock : most_wide * kBlock, tall = high < kHeight ? high : kHeight;
    const int64_t a_size = tall * most_steps * kStep;
    uint16_t* const a = reinterpret_cast<uint16_t*>(scratch(0, a_size * 2));
    float* const sums = reinterpret_cast<float*>(scratch(1, (whole ? 1 : tall) * kBlock * stride * 4));
#pragma omp for schedule(dynamic)
    for (int64_t task = 0; task < groups * cuts; ++task) {
      const int64_t top = task / cuts * kHeight, bottom = top + kHeight < high ? top + kHeight : high;
      const int64_t left = task % cuts * wide / cuts, right = (task % cuts + 1) * wide / cuts;
      for (int64_t begin = 0; begin < steps; begin += kSteps) {
        const int64_t here = steps - begin < kSteps ? steps - begin : kSteps;
        const bool last = begin + here == steps;
        for (int64_t row = top; row < bottom; ++row) {
          const int64_t in = inner - begin * kBlock < here * kBlock ? inner - begin * kBlock : here * kBlock;
          const int64_t there = rows - row * kBlock < kBlock ? rows - row * kBlock : kBlock;
          split_rows(x + row * kBlock * x_stride + begin * kBlock, x_stride, there, in, a + (row - top) * here * kStep);
        }
        for (int64_t column = left; column < right; ++column)
          for (int64_t row = top; row < bottom; ++row) {
            float* const at = whole ? sums : sums + (row - top) * kBlock * stride + (column - left) * kBlock;
            product(a + (row - top) * here * kStep, weight + (column * steps + begin) * kStep, here, begin == 0, at, stride);
            if (!last) continue;
            const int64_t r = row * kBlock, c = column * kBlock;
            finite &= finish(post, at, stride, bias ? bias + c : nullptr, y + r * y_stride + c, y_stride,
                   rows - r < kBlock ? rows - r : kBlock, columns - c < kBlock ? columns - c : kBlock);
          }
      }
    }
  }
  return finite;
#else
  return 0;
#endif
}
