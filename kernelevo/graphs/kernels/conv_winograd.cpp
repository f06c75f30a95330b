// Winograd's algorithm (see conv_tile.cpp): an image's tiles at some points, a product at each, results from these.
namespace {

// Along one axis: M + 2 inputs -> values at as many points; products there -> M outputs.
template <int M> struct Points;

template <> struct Points<2> {  // 0, 1, -1, infinity
  static void in(const vfloat* d, vfloat* at) {
    at[0] = d[0] - d[2];
    at[1] = d[2] + d[1];
    at[2] = d[2] - d[1];
    at[3] = d[1] - d[3];
  }
  static void out(const vfloat* m, vfloat* y) {
    y[0] = m[0] + m[1] + m[2];
    y[1] = m[1] - m[2] - m[3];
  }
};

template <> struct Points<4> {  // 0, a, -a, b, -b, infinity; a a = 1 / 2, b b = 2: they round least
  static constexpr float a = 0.70710678118654752f, b = 1.41421356237309505f;
  static void in(const vfloat* d, vfloat* at) {
    const vfloat even_a = d[4] - 2.0f * d[2], odd_a = a * (d[3] - 2.0f * d[1]);
    const vfloat even_b = d[4] - 0.5f * d[2], odd_b = b * (d[3] - 0.5f * d[1]);
    at[0] = d[0] + d[4] - 2.5f * d[2];
    at[1] = even_a + odd_a;
    at[2] = even_a - odd_a;
    at[3] = even_b + odd_b;
    at[4] = even_b - odd_b;
    at[5] = d[1] + d[5] - 2.5f * d[3];
  }
  static void out(const vfloat* m, vfloat* y) {
    const vfloat even_a = m[1] + m[2], odd_a = a * (m[1] - m[2]), even_b = m[3] + m[4], odd_b = b * (m[3] - m[4]);
    y[0] = m[0] + even_a + even_b;
    y[1] = odd_a + odd_b;
    y[2] = 0.5f * even_a + 2.0f * even_b;
    y[3] = 0.5f * odd_a + 2.0f * odd_b + m[5];
  }
};

// A row of tiles: M + 2 gathered rows -> (M + 2)^2 planes of (tile, channel).
template <int M>
void transform_inputs(const float* rows, int64_t padded, int64_t tiles, int64_t channels, float* planes,
                      int64_t plane) {
  constexpr int N = M + 2;
  const int64_t row = padded * channels;
  for (int64_t t = 0; t < tiles; ++t, rows += M * channels)
    for (int64_t c = 0; c < channels; c += kLanes) {
      const int64_t n = lanes(channels - c);
      vfloat down[N][N], across[N];
#pragma GCC unroll 6
      for (int j = 0; j < N; ++j) {
        vfloat column[N];
#pragma GCC unroll 6
        for (int i = 0; i < N; ++i) column[i] = take(rows + i * row + j * channels + c, n);
        Points<M>::in(column, down[j]);
      }
      float* to = planes + t * channels + c;
#pragma GCC unroll 6
      for (int i = 0; i < N; ++i) {
        vfloat line[N];
#pragma GCC unroll 6
        for (int j = 0; j < N; ++j) line[j] = down[j][i];
        Points<M>::in(line, across);
#pragma GCC unroll 6
        for (int j = 0; j < N; ++j) put(to + (i * N + j) * plane, across[j], n);
      }
    }
}

// (M + 2)^2 planes of (tile, channel) -> a row of tiles: `height` rows of `width` places.
template <int M>
void transform_outputs(const float* planes, int64_t plane, int64_t apart, int64_t tiles, const Target& to,
                       int64_t channels, int64_t height, int64_t width) {
  constexpr int N = M + 2;
  for (int64_t t = 0; t < tiles; ++t)
    for (int64_t c = 0; c < channels; c += kLanes) {
      const int64_t n = lanes(channels - c);
      const vfloat bias = to.bias ? take(to.bias + c, n) : vfloat{};
      const float* from = planes + t * apart + c;
      vfloat down[N][M], made[M];
#pragma GCC unroll 6
      for (int j = 0; j < N; ++j) {
        vfloat column[N];
#pragma GCC unroll 6
        for (int i = 0; i < N; ++i) column[i] = load(from + (i * N + j) * plane);
        Points<M>::out(column, down[j]);
      }
#pragma GCC unroll 4
      for (int i = 0; i < M; ++i) {
        if (i >= height) break;
        vfloat line[N];
#pragma GCC unroll 6
        for (int j = 0; j < N; ++j) line[j] = down[j][i];
        Points<M>::out(line, made);
#pragma GCC unroll 4
        for (int j = 0; j < M; ++j)
          if (t * M + j < width) put(to.y + (i * width + t * M + j) * to.apart + c, activate(made[j] + bias, to.act), n);
      }
    }
}

// 3x3, stride 1, in tiles of M x M results.
template <int M>
int64_t winograd(const Map& map, const float* w, Target to, double* moments, int64_t batch, int64_t out,
                 int64_t padding_y, int64_t padding_x) {
  constexpr int64_t planes = (M + 2) * (M + 2);
  const int64_t height = map.height, width = map.width, channels = map.channels;
  const int64_t rows = height + 2 * padding_y - 2, columns = width + 2 * padding_x - 2;
  const int64_t across = (columns + M - 1) / M, down = (rows + M - 1) / M, padded = M * across + 2;
  const int64_t lines = batch * down, wide = rounded(out), panels = (out + kPanel - 1) / kPanel;
  want_huge_pages(to.y, batch * rows * columns * out);
  // Small weights: each thread takes lines of tiles, some 28 (more, where weights are larger), through all steps
  // in its own cache. Large ones that few tiles need: the threads share the products, and read each weight once.
  const int64_t all_bytes = lines * across * (channels + wide) * planes * 4;
  const bool shared = channels * out * planes * 4 > kLarge && all_bytes <= kShared;
  const int64_t wanted = std::max<int64_t>(M == 2 ? 28 : 14, channels * out / 1024);
  const int64_t threads = omp_get_max_threads();
  const int64_t most = std::max<int64_t>(1, kShared / (across * (channels + wide) * planes * 4));
  const int64_t tallest = std::min((wanted + across - 1) / across, most), fitting = (lines + tallest - 1) / tallest;
  const int64_t blocks = shared ? 1 : std::min(lines, (fitting + threads - 1) / threads * threads);
  const int64_t high = (lines + blocks - 1) / blocks;
  const int64_t in_plane = high * across * channels + kLanes, out_plane = high * across * wide + kLanes;
  Moments seen(moments, lines, out);

  const auto transform = [&](int64_t line, float* gathered, float* in) {
    map.gather(line / down, M * (line % down) - padding_y, M + 2, -padding_x, padded, gathered);
    transform_inputs<M>(gathered, padded, across, channels, in, in_plane);
  };
  const auto product = [&](int64_t item, int64_t count, const float* from, float* made) {
    const int64_t plane = item / panels, o = item % panels * kPanel;
    const Operand in{from + plane * in_plane, channels, 1, 0, channels};
    const Target target{made + plane * out_plane + o, wide, nullptr, kNone};
    multiply(count * across, in, w + (plane * wide + o) * channels, target, wide - o);
  };
  const auto finish = [&](int64_t line, const float* from) {
    const int64_t row = M * (line % down), valid = std::min<int64_t>(M, rows - row);
    const Target here{to.y + (line / down * rows + row) * columns * out, out, to.bias, to.act};
    transform_outputs<M>(from, out_plane, wide, across, here, out, valid, columns);
    seen.add(line, here.y, valid * columns, out, 0, out);
  };

  Buffer all_in, all_out;
  if (shared) {
    all_in = buffer(planes * in_plane);
    all_out = buffer(planes * out_plane);
  }
  const Buffers gathers((M + 2) * padded * channels);
  const Buffers own_in(shared ? 0 : planes * in_plane), own_out(shared ? 0 : planes * out_plane);
  if ((shared && !(all_in && all_out)) || !gathers || !own_in || !own_out) return kNoMemory;
#pragma omp parallel
  {
    float *const gathered = gathers.own(), *const in = own_in.own(), *const products = own_out.own();
    if (shared) {
#pragma omp for
      for (int64_t line = 0; line < lines; ++line)
        transform(line, gathered, all_in.get() + line * across * channels);
#pragma omp for
      for (int64_t i = 0; i < planes * panels; ++i) product(i, lines, all_in.get(), all_out.get());
#pragma omp for
      for (int64_t line = 0; line < lines; ++line) finish(line, all_out.get() + line * across * wide);
    } else {
#pragma omp for
      for (int64_t block = 0; block < blocks; ++block) {
        const int64_t first = lines * block / blocks, count = lines * (block + 1) / blocks - first;
        for (int64_t i = 0; i < count; ++i) transform(first + i, gathered, in + i * across * channels);
        for (int64_t i = 0; i < planes * panels; ++i) product(i, count, in, products);
        for (int64_t i = 0; i < count; ++i) finish(first + i, products + i * across * wide);
      }
    }
  }
  seen.finish();
  return kDone;
}

}  // namespace

// 3x3, stride 1. side: 2 or 4, of a tile. w: (side + 2)^2 planes of panels. y: [batch][height'][width'][out].
extern "C" int64_t conv_rows_winograd(const float* x, const int64_t* parts, int64_t count, const float* affine,
                                      int64_t affine_step, int64_t affine_act, int64_t side, const float* w,
                                      const float* bias, int64_t act, float* y, double* moments, int64_t batch,
                                      int64_t height, int64_t width, int64_t channels, int64_t out, int64_t padding_y,
                                      int64_t padding_x) {
  const Map map(x, parts, count, {affine, affine_step}, affine_act, false, height, width, channels);
  const auto run = side == 4 ? winograd<4> : winograd<2>;
  return run(map, w, Target{y, out, bias, act}, moments, batch, out, padding_y, padding_x);
}
