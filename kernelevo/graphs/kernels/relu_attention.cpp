// Attention whose weights are relu(scale * q k^T) instead of a softmax, causal or not, without storing them.
//
// One task is a tile of queries of one head. Its scores against a tile of keys stay in the first-level cache:
// product, ReLU, then product with the values. Keys are transposed once per head, so that both products read
// whole vectors. Sums over keys are kept per tile, which keeps the rounding error near that of a BLAS.
// Names in capitals are numbers of the program's TUNE table, given by the compiler's flags; 0: by the width of vectors.
#include <kernelevo/math.h>

#include <algorithm>
#include <vector>

namespace {

using namespace kernelevo;

// Queries whose sums are in registers at once, and vectors of keys (or of values) beside them.
constexpr int kRows = RELU_ATTENTION_ROWS ? RELU_ATTENTION_ROWS : kLanes == 16 ? 8 : 4;
constexpr int kVectors = RELU_ATTENTION_VECTORS;

// Strides in floats; the innermost one is 1.
struct Operand {
  const float* data;
  int64_t batch, head, row;
  const float* at(int64_t b, int64_t h) const { return data + b * batch + h * head; }
};

constexpr int64_t padded(int64_t n) { return (n + kVectors * kLanes - 1) / (kVectors * kLanes) * (kVectors * kLanes); }

// Queries, and keys, of one tile; keys are read in whole vectors.
constexpr int64_t kQueries = RELU_ATTENTION_QUERIES;
constexpr int64_t kKeys = padded(RELU_ATTENTION_KEYS);

// out[r][c] (+)= sum over k of left[r][k] * right[k][c], for kRows rows and kVectors vectors of columns.
template <bool kAdd>
inline void multiply(const float* left, int64_t left_row, const float* right, int64_t right_row, int64_t length,
                     float* out, int64_t out_row) {
  vfloat sums[kRows][kVectors] = {};
  for (int64_t k = 0; k < length; ++k) {
    vfloat column[kVectors];
    for (int c = 0; c < kVectors; ++c) column[c] = load(right + k * right_row + c * kLanes);
#pragma GCC unroll kRows
    for (int r = 0; r < kRows; ++r) {
      const vfloat value = splat(left[r * left_row + k]);
#pragma GCC unroll kVectors
      for (int c = 0; c < kVectors; ++c) sums[r][c] = fma(value, column[c], sums[r][c]);
    }
  }
#pragma GCC unroll kRows
  for (int r = 0; r < kRows; ++r)
#pragma GCC unroll kVectors
    for (int c = 0; c < kVectors; ++c) {
      float* to = out + r * out_row + c * kLanes;
      store(to, kAdd ? load(to) + sums[r][c] : sums[r][c]);
    }
}

// Scores of one tile become weights; keys behind the query's own position count nothing if causal.
void weigh(float* scores, int64_t rows, int64_t width, int64_t keys, int64_t query, int64_t key, float scale,
           bool causal) {
  for (int64_t r = 0; r < rows; ++r) {
    float* row = scores + r * width;
    for (int64_t c = 0; c < width; c += kLanes) store(row + c, relu(load(row + c) * scale));
    const int64_t visible = causal ? std::min(keys, query + r - key + 1) : keys;
    for (int64_t c = std::max<int64_t>(visible, 0); c < width; ++c) row[c] = 0.0f;
  }
}

// Everything of one head that all of its query tiles read.
struct Head {
  std::vector<float> keys, values;  // keys: [size][padded keys]; values: [keys][padded size]
  void pack(const float* k, int64_t k_row, const float* v, int64_t v_row, int64_t count, int64_t size,
            int64_t value_size) {
    const int64_t key_width = padded(count), value_width = padded(value_size);
    keys.assign(size * key_width, 0.0f);
    values.assign(count * value_width, 0.0f);
    for (int64_t begin = 0; begin < count; begin += kLanes)
      for (int64_t d = 0; d < size; ++d)
        for (int64_t j = begin; j < std::min(begin + kLanes, count); ++j)
          keys[d * key_width + j] = k[j * k_row + d];
    for (int64_t j = 0; j < count; ++j) std::copy_n(v + j * v_row, value_size, values.data() + j * value_width);
  }
};

struct Scratch {
  std::vector<float> queries, scores, sums;
};

void attend(const float* q, int64_t q_row, const Head& head, float* out, int64_t out_row, int64_t first,
            int64_t rows, int64_t keys, int64_t size, int64_t value_size, float scale, bool causal, Scratch& s) {
  const int64_t key_width = padded(keys), value_width = padded(value_size);
  const int64_t filled = (rows + kRows - 1) / kRows * kRows;
  s.queries.assign(filled * size, 0.0f);
  s.sums.assign(filled * value_width, 0.0f);
  s.scores.resize(filled * kKeys);
  for (int64_t r = 0; r < rows; ++r) std::copy_n(q + (first + r) * q_row, size, s.queries.data() + r * size);
  const int64_t end = causal ? std::min(keys, first + rows) : keys;
  for (int64_t key = 0; key < end; key += kKeys) {
    const int64_t count = std::min(kKeys, end - key), width = padded(count);
    for (int64_t r = 0; r < filled; r += kRows)
      for (int64_t c = 0; c < width; c += kVectors * kLanes)
        multiply<false>(s.queries.data() + r * size, size, head.keys.data() + key + c, key_width, size,
                        s.scores.data() + r * width + c, width);
    weigh(s.scores.data(), filled, width, count, first, key, scale, causal);
    for (int64_t r = 0; r < filled; r += kRows)
      for (int64_t c = 0; c < value_width; c += kVectors * kLanes)
        multiply<true>(s.scores.data() + r * width, width, head.values.data() + key * value_width + c, value_width,
                       count, s.sums.data() + r * value_width + c, value_width);
  }
  for (int64_t r = 0; r < rows; ++r) std::copy_n(s.sums.data() + r * value_width, value_size, out + (first + r) * out_row);
}

}  // namespace

// q [batch, heads, queries, size], k [batch, heads, keys, size], v [batch, heads, keys, value_size], each with
// the strides given; out [batch, queries, heads, value_size], contiguous.
extern "C" void relu_attention_forward(const float* q, const float* k, const float* v, float* out, int64_t batch,
                                       int64_t heads, int64_t queries, int64_t keys, int64_t size,
                                       int64_t value_size, int64_t q_batch, int64_t q_head, int64_t q_row,
                                       int64_t k_batch, int64_t k_head, int64_t k_row, int64_t v_batch,
                                       int64_t v_head, int64_t v_row, float scale, int64_t causal) {
  const Operand query{q, q_batch, q_head, q_row}, key{k, k_batch, k_head, k_row}, value{v, v_batch, v_head, v_row};
  const int64_t tiles = (queries + kQueries - 1) / kQueries, out_row = heads * value_size;
  const int64_t chunk = RELU_ATTENTION_CHUNK ? RELU_ATTENTION_CHUNK : tiles;  // 0: all tiles of a head
#pragma omp parallel
  {
    Head head;
    Scratch scratch;
    int64_t packed = -1;
#pragma omp for schedule(dynamic, chunk)
    for (int64_t task = 0; task < batch * heads * tiles; ++task) {
      // late tiles of a causal head are the long ones: begin with them
      const int64_t which = task / tiles, tile = tiles - 1 - task % tiles, b = which / heads, h = which % heads;
      if (packed != which) {
        head.pack(key.at(b, h), k_row, value.at(b, h), v_row, keys, size, value_size);
        packed = which;
      }
      const int64_t first = tile * kQueries, rows = std::min(kQueries, queries - first);
      attend(query.at(b, h), q_row, head, out + b * queries * out_row + h * value_size, out_row, first, rows, keys,
             size, value_size, scale, causal != 0, scratch);
    }
  }
}
