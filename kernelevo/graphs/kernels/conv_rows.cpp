// Products and direct sums of channels-last images (see conv_tile.cpp).
namespace {

// Bands of rows of results, each of one image, and the rows that it reads.
struct Bands {
  struct Pair { int64_t y, x; };
  Pair size, stride, padding;
  int64_t rows, columns, padded, row, high, of_image, count;

  Bands(const Map& map, int64_t batch, Pair size, Pair stride, Pair padding, int64_t wanted)
      : size(size), stride(stride), padding(padding), rows((map.height + 2 * padding.y - size.y) / stride.y + 1),
        columns((map.width + 2 * padding.x - size.x) / stride.x + 1), padded(map.width + 2 * padding.x),
        row(padded * map.channels) {
    const int64_t fair = (rows * batch + omp_get_max_threads() - 1) / omp_get_max_threads();
    high = std::min({wanted, fair, rows});
    of_image = (rows + high - 1) / high;
    count = batch * of_image;
  }

  int64_t floats() const { return ((high - 1) * stride.y + size.y) * row; }
  int64_t first_row(int64_t band) const { return band % of_image * high; }
  int64_t first_place(int64_t band) const { return (band / of_image * rows + first_row(band)) * columns; }

  // Gathers what a band reads; returns its number of rows.
  int64_t gather(const Map& map, int64_t band, float* to) const {
    const int64_t first = first_row(band), here = std::min(high, rows - first);
    map.gather(band / of_image, first * stride.y - padding.y, (here - 1) * stride.y + size.y, padding.x, padded, to);
    return here;
  }
};

}  // namespace

// Weights are panels of [size_y][size_x][channels][kPanel]; of the last channels' panel, only whole vectors are there.
extern "C" int64_t conv_rows_panel() { return kPanel; }
extern "C" int64_t conv_rows_lanes() { return kLanes; }

// 1x1 without padding.
extern "C" void conv_rows_product(const float* x, const int64_t* parts, int64_t count, const float* affine,
                                  int64_t affine_act, const float* w, const float* bias, int64_t act, float* y,
                                  double* moments, int64_t batch, int64_t height, int64_t width, int64_t channels,
                                  int64_t out, int64_t stride_y, int64_t stride_x) {
  const Map map(x, parts, count, affine, affine_act, false, height, width, channels);
  const int64_t rows = (height - 1) / stride_y + 1, columns = (width - 1) / stride_x + 1;
  const int64_t places = batch * rows * columns, chunks = (places + kChunk - 1) / kChunk;
  const int64_t panels = (out + kPanel - 1) / kPanel;
  const bool gathers = affine || parts || stride_y > 1 || stride_x > 1;
  Moments seen(moments, chunks, out);
  want_huge_pages(y, places * out);
#pragma omp parallel
  {
    Buffer gathered = gathers ? buffer(kChunk * channels) : nullptr;
    int64_t held = -1;
#pragma omp for schedule(static)
    for (int64_t item = 0; item < chunks * panels; ++item) {
      const int64_t chunk = item / panels, o = item % panels * kPanel;
      const int64_t first = places * chunk / chunks, inside = places * (chunk + 1) / chunks - first;
      for (int64_t p = 0; gathers && chunk != held && p < inside; ++p) {
        const int64_t line = (first + p) / columns, at = (first + p) % columns * stride_x;
        const int64_t place = (line / rows * height + line % rows * stride_y) * width + at;
        map.take_place(place, gathered.get() + p * channels);
      }
      held = chunk;
      const float* from = gathers ? gathered.get() : x + first * channels;
      const Target to{y + first * out + o, out, bias ? bias + o : nullptr, act};
      multiply(inside, Operand{from, channels, 1, 0, channels}, w + o * channels, to, out - o);
      seen.add(chunk, to.y, inside, out, o, std::min(kPanel, out - o));
    }
  }
  seen.finish();
}

// Any size and stride. planar: x has its channels first.
extern "C" void conv_rows_direct(const float* x, const int64_t* parts, int64_t count, const float* affine,
                                 int64_t affine_act, int64_t planar, const float* w, const float* bias, int64_t act,
                                 float* y, double* moments, int64_t batch, int64_t height, int64_t width,
                                 int64_t channels, int64_t out, int64_t size_y, int64_t size_x, int64_t stride_y,
                                 int64_t stride_x, int64_t padding_y, int64_t padding_x) {
  const Map map(x, parts, count, affine, affine_act, planar != 0, height, width, channels);
  const Bands bands(map, batch, {size_y, size_x}, {stride_y, stride_x}, {padding_y, padding_x},
                    std::max<int64_t>(8, channels * out / 8192));
  const int64_t columns = bands.columns, row = bands.row;
  Moments seen(moments, bands.count, out);
  want_huge_pages(y, batch * bands.rows * columns * out);
#pragma omp parallel
  {
    Buffer gathered = buffer(bands.floats());
#pragma omp for
    for (int64_t band = 0; band < bands.count; ++band) {
      const int64_t height_here = bands.gather(map, band, gathered.get());
      float* to = y + bands.first_place(band) * out;
      for (int64_t o = 0; o < out; o += kPanel)
        for (int64_t r = 0; r < height_here; ++r) {
          const Operand in{gathered.get() + r * stride_y * row, stride_x * channels, size_y, row, size_x * channels};
          const Target target{to + r * columns * out + o, out, bias ? bias + o : nullptr, act};
          multiply(columns, in, w + o * size_y * size_x * channels, target, out - o);
        }
      seen.add(band, to, height_here * columns, out, 0, out);
    }
  }
  seen.finish();
}

// One filter for each channel. w: [size_y][size_x][channels].
extern "C" void conv_rows_depthwise(const float* x, const int64_t* parts, int64_t count, const float* affine,
                                    int64_t affine_act, const float* w, const float* bias, int64_t act, float* y,
                                    double* moments, int64_t batch, int64_t height, int64_t width, int64_t channels,
                                    int64_t size_y, int64_t size_x, int64_t stride_y, int64_t stride_x,
                                    int64_t padding_y, int64_t padding_x) {
  const Map map(x, parts, count, affine, affine_act, false, height, width, channels);
  const Bands bands(map, batch, {size_y, size_x}, {stride_y, stride_x}, {padding_y, padding_x}, 4);
  const int64_t columns = bands.columns, row = bands.row;
  Moments seen(moments, bands.count, channels);
  want_huge_pages(y, batch * bands.rows * columns * channels);
#pragma omp parallel
  {
    Buffer gathered = buffer(bands.floats());
#pragma omp for
    for (int64_t band = 0; band < bands.count; ++band) {
      const int64_t height_here = bands.gather(map, band, gathered.get());
      float* to = y + bands.first_place(band) * channels;
      for (int64_t r = 0; r < height_here; ++r)
        for (int64_t c = 0; c < channels; c += kLanes) {
          const int64_t n = lanes(channels - c);
          const vfloat begin = bias ? take(bias + c, n) : vfloat{};
          for (int64_t p = 0; p < columns; p += 4) {  // four places: their sums do not wait for one another
            const int64_t last = std::min<int64_t>(4, columns - p) - 1;
            const float* from = gathered.get() + r * stride_y * row + p * stride_x * channels + c;
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
              if (k <= last) put(to + (r * columns + p + k) * channels + c, activate(sums[k], act), n);
          }
        }
      seen.add(band, to, height_here * columns, channels, 0, channels);
    }
  }
  seen.finish();
}
