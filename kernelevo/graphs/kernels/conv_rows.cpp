// Products and direct sums of channels-last images (see conv_tile.cpp).
namespace {

constexpr int64_t kNarrow = 32;      // columns that a part of a row has at least
constexpr int64_t kSpan = 1 << 15;  // floats of a sequence that are gathered at once

// Bands of rows of results, each of one image, and the rows that it reads. Where there are fewer rows than threads,
// or one long one as of sequences, a band is a part of one row.
struct Bands {
  struct Pair { int64_t y, x; };
  struct Band { int64_t image, y, rows, x, columns; };
  Pair size, stride, padding;
  int64_t rows, columns, high, down, across, span, row, count;

  Bands(const Map& map, int64_t batch, Pair size, Pair stride, Pair padding, int64_t wanted)
      : size(size), stride(stride), padding(padding), rows((map.height + 2 * padding.y - size.y) / stride.y + 1),
        columns((map.width + 2 * padding.x - size.x) / stride.x + 1) {
    const int64_t threads = omp_get_max_threads(), lines = rows * batch;
    high = std::min({wanted, (lines + threads - 1) / threads, rows});
    down = (rows + high - 1) / high;
    const int64_t fair = lines < threads ? (threads + lines - 1) / lines : 1;
    const int64_t fitting = rows == 1 ? columns * stride.x * map.channels / kSpan : 1;
    across = std::max<int64_t>(1, std::min(std::max(fair, fitting), columns / kNarrow));
    span = ((columns + across - 1) / across - 1) * stride.x + size.x;
    row = span * map.channels;
    count = batch * down * across;
  }

  Band operator[](int64_t number) const {
    const int64_t part = number % across, line = number / across, y = line % down * high;
    const int64_t x = columns * part / across;
    return {line / down, y, std::min(high, rows - y), x, columns * (part + 1) / across - x};
  }

  int64_t floats() const { return ((high - 1) * stride.y + size.y) * row; }
  int64_t first_place(const Band& band) const { return (band.image * rows + band.y) * columns + band.x; }

  // Gathers what a band reads.
  void gather(const Map& map, const Band& band, float* to) const {
    map.gather(band.image, band.y * stride.y - padding.y, (band.rows - 1) * stride.y + size.y,
               band.x * stride.x - padding.x, span, to);
  }
};

}  // namespace

// Weights are panels of [size_y][size_x][channels][kPanel]; of the last channels' panel, only whole vectors are there.
extern "C" int64_t conv_rows_panel() { return kPanel; }
extern "C" int64_t conv_rows_lanes() { return kLanes; }

// 1x1 without padding.
extern "C" int64_t conv_rows_product(const float* x, const int64_t* parts, int64_t count, const float* affine,
                                     int64_t affine_step, int64_t affine_act, const float* w, const float* bias,
                                     int64_t act, float* y, double* moments, int64_t batch, int64_t height,
                                     int64_t width, int64_t channels, int64_t out, int64_t stride_y,
                                     int64_t stride_x) {
  const Map map(x, parts, count, {affine, affine_step}, affine_act, false, height, width, channels);
  const int64_t rows = (height - 1) / stride_y + 1, columns = (width - 1) / stride_x + 1;
  const int64_t places = batch * rows * columns, chunks = (places + kChunk - 1) / kChunk;
  const int64_t panels = (out + kPanel - 1) / kPanel;
  const bool gathers = affine || parts || stride_y > 1 || stride_x > 1;
  const Buffers buffers(gathers ? kChunk * channels : 0);
  if (!buffers) return kNoMemory;
  Moments seen(moments, chunks, out);
  want_huge_pages(y, places * out);
#pragma omp parallel
  {
    float* const gathered = buffers.own();
    int64_t held = -1;
#pragma omp for schedule(static)
    for (int64_t item = 0; item < chunks * panels; ++item) {
      const int64_t chunk = item / panels, o = item % panels * kPanel;
      const int64_t first = places * chunk / chunks, inside = places * (chunk + 1) / chunks - first;
      for (int64_t p = 0; gathers && chunk != held && p < inside; ++p) {
        const int64_t line = (first + p) / columns, at = (first + p) % columns * stride_x;
        const int64_t image = line / rows, place = (image * height + line % rows * stride_y) * width + at;
        map.take_place(image, place, gathered + p * channels);
      }
      held = chunk;
      const float* from = gathers ? gathered : x + first * channels;
      const Target to{y + first * out + o, out, bias ? bias + o : nullptr, act};
      multiply(inside, Operand{from, channels, 1, 0, channels}, w + o * channels, to, out - o);
      seen.add(chunk, to.y, inside, out, o, std::min(kPanel, out - o));
    }
  }
  seen.finish();
  return kDone;
}

// Any size and stride. planar: x has its channels first.
extern "C" int64_t conv_rows_direct(const float* x, const int64_t* parts, int64_t count, const float* affine,
                                    int64_t affine_step, int64_t affine_act, int64_t planar, const float* w,
                                    const float* bias, int64_t act, float* y, double* moments, int64_t batch,
                                    int64_t height, int64_t width, int64_t channels, int64_t out, int64_t size_y,
                                    int64_t size_x, int64_t stride_y, int64_t stride_x, int64_t padding_y,
                                    int64_t padding_x) {
  const Map map(x, parts, count, {affine, affine_step}, affine_act, planar != 0, height, width, channels);
  const Bands bands(map, batch, {size_y, size_x}, {stride_y, stride_x}, {padding_y, padding_x},
                    std::max<int64_t>(8, channels * out / 8192));
  const int64_t row = bands.row;
  const Buffers buffers(bands.floats());
  if (!buffers) return kNoMemory;
  Moments seen(moments, bands.count, out);
  want_huge_pages(y, batch * bands.rows * bands.columns * out);
#pragma omp parallel
  {
    float* const gathered = buffers.own();
#pragma omp for
    for (int64_t number = 0; number < bands.count; ++number) {
      const Bands::Band band = bands[number];
      bands.gather(map, band, gathered);
      float* to = y + bands.first_place(band) * out;
      for (int64_t o = 0; o < out; o += kPanel)
        for (int64_t r = 0; r < band.rows; ++r) {
          const Operand in{gathered + r * stride_y * row, stride_x * channels, size_y, row, size_x * channels};
          const Target target{to + r * bands.columns * out + o, out, bias ? bias + o : nullptr, act};
          multiply(band.columns, in, w + o * size_y * size_x * channels, target, out - o);
        }
      seen.add(number, to, band.rows * band.columns, out, 0, out);
    }
  }
  seen.finish();
  return kDone;
}

// One filter for each channel. w: [size_y][size_x][channels].
extern "C" int64_t conv_rows_depthwise(const float* x, const int64_t* parts, int64_t count, const float* affine,
                                       int64_t affine_step, int64_t affine_act, const float* w, const float* bias,
                                       int64_t act, float* y, double* moments, int64_t batch, int64_t height,
                                       int64_t width, int64_t channels, int64_t size_y, int64_t size_x,
                                       int64_t stride_y, int64_t stride_x, int64_t padding_y, int64_t padding_x) {
  const Map map(x, parts, count, {affine, affine_step}, affine_act, false, height, width, channels);
  const Bands bands(map, batch, {size_y, size_x}, {stride_y, stride_x}, {padding_y, padding_x}, 4);
  const int64_t row = bands.row;
  const Buffers buffers(bands.floats());
  if (!buffers) return kNoMemory;
  Moments seen(moments, bands.count, channels);
  want_huge_pages(y, batch * bands.rows * bands.columns * channels);
#pragma omp parallel
  {
    float* const gathered = buffers.own();
#pragma omp for
    for (int64_t number = 0; number < bands.count; ++number) {
      const Bands::Band band = bands[number];
      bands.gather(map, band, gathered);
      float* to = y + bands.first_place(band) * channels;
      for (int64_t r = 0; r < band.rows; ++r)
        for (int64_t c = 0; c < channels; c += kLanes) {
          const int64_t n = lanes(channels - c);
          const vfloat begin = bias ? take(bias + c, n) : vfloat{};
          for (int64_t p = 0; p < band.columns; p += 4) {  // four places: their sums do not wait for one another
            const int64_t last = std::min<int64_t>(4, band.columns - p) - 1;
            const float* from = gathered + r * stride_y * row + p * stride_x * channels + c;
            vfloat sums[4] = {begin, begin, begin, begin};
            int64_t place[4];
            for (int64_t k = 0; k < 4; ++k) place[k] = std::min(k, last) * stride_x * channels;
            for (int64_t i = 0; i < size_y; ++i)
              for (int64_t j = 0; j < size_x; ++j) {
                const vfloat weight = take(w + (i * size_x + j) * channels + c, n);
#pragma GCC unroll 4
                for (int64_t k = 0; k < 4; ++k)
                  sums[k] = fma(take(from + i * row + j * channels + place[k], n), weight, sums[k]);
              }
#pragma GCC unroll 4
            for (int64_t k = 0; k < 4; ++k)
              if (k <= last) put(to + (r * bands.columns + p + k) * channels + c, activate(sums[k], act), n);
          }
        }
      seen.add(number, to, band.rows * band.columns, channels, 0, channels);
    }
  }
  seen.finish();
  return kDone;
}
