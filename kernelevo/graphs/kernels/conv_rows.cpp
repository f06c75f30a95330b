namespace {

// B^T d B for a row of tiles: 4 gathered rows -> 16 planes of (tile, channel).
void transform_inputs(const float* rows, int64_t padded, int64_t tiles, int64_t channels, float* v, int64_t plane) {
  const int64_t row = padded * channels;
  for (int64_t c = 0; c < channels; c += kLanes) {
    const int64_t n = lanes(channels - c);
    const float* from = rows + c;
    vfloat d[4][4];  // of the four columns of a tile; the last two are the first two of the next tile
    const auto column = [&](int j) {
      const vfloat a = take(from, n), b = take(from + row, n), e = take(from + 2 * row, n);
      d[0][j] = a - e;
      d[1][j] = b + e;
      d[2][j] = e - b;
      d[3][j] = b - take(from + 3 * row, n);
      from += channels;
    };
    column(2);
    column(3);
    for (int64_t t = 0; t < tiles; ++t) {
#pragma GCC unroll 4
      for (int i = 0; i < 4; ++i) {
        d[i][0] = d[i][2];
        d[i][1] = d[i][3];
      }
      column(2);
      column(3);
      float* to = v + t * channels + c;
#pragma GCC unroll 4
      for (int i = 0; i < 4; ++i, to += 4 * plane) {
        put(to, d[i][0] - d[i][2], n);
        put(to + plane, d[i][1] + d[i][2], n);
        put(to + 2 * plane, d[i][2] - d[i][1], n);
        put(to + 3 * plane, d[i][1] - d[i][3], n);
      }
    }
  }
}

// A^T m A for a row of tiles: 16 planes of (tile, channel) -> one or two rows of the image.
void transform_outputs(const float* m, int64_t plane, int64_t apart, int64_t tiles, const Target& to, int64_t channels,
                       int64_t height, int64_t width) {
  for (int64_t c = 0; c < channels; c += kLanes) {
    const int64_t n = lanes(channels - c);
    const vfloat bias = to.bias ? take(to.bias + c, n) : vfloat{};
    const auto out = [&](float* at, vfloat x) { put(at, activate(x + bias, to.act), n); };
    for (int64_t t = 0; t < tiles; ++t) {
      const float* from = m + t * apart + c;
      vfloat s[2][4];
#pragma GCC unroll 4
      for (int j = 0; j < 4; ++j) {
        const vfloat a = load(from + j * plane), b = load(from + (4 + j) * plane), e = load(from + (8 + j) * plane);
        s[0][j] = a + b + e;
        s[1][j] = b - e - load(from + (12 + j) * plane);
      }
      for (int64_t i = 0; i < height; ++i) {
        float* at = to.y + (i * width + 2 * t) * to.apart + c;
        out(at, s[i][0] + s[i][1] + s[i][2]);
        if (2 * t + 1 < width) out(at + to.apart, s[i][1] - s[i][2] - s[i][3]);
      }
    }
  }
}

}  // namespace

// Weights are panels of [size_y][size_x][channels][kPanel]; of the last channels' panel, only whole vectors are there.
extern "C" int64_t conv_rows_panel() { return kPanel; }
extern "C" int64_t conv_rows_lanes() { return kLanes; }

// 3x3, stride 1. w: 16 planes of panels. y: [batch][height'][width'][out].
extern "C" void conv_rows_winograd(const float* x, const int64_t* parts, int64_t count,
    const float* affine, int64_t affine_act, const float* w,
                                   const float* bias, int64_t act, float* y, double* moments, int64_t batch,
                                   int64_t height, int64_t width, int64_t channels, int64_t out, int64_t padding_y,
                                   int64_t padding_x) {
  const Part whole{x, channels};
  const Map map{parts ? (const Part*)parts : &whole, parts ? count : 1, affine, affine_act, false, height, width, channels};
  const int64_t rows = height + 2 * padding_y - 2, columns = width + 2 * padding_x - 2;
  const int64_t across = (columns + 1) / 2, down = (rows + 1) / 2, padded = 2 * across + 2;
  const int64_t lines = batch * down, wide = rounded(out), panels = (out + kPanel - 1) / kPanel;
  // Small weights: each thread takes lines of tiles, some 28 (more, where weights are larger), through all steps
  // in its own cache. Large ones that few tiles need: the threads share the products, and read each weight once.
  const int64_t all_bytes = lines * across * (channels + wide) * 64;
  const bool shared = channels * out * 64 > kLarge && all_bytes <= kShared;
  const int64_t wanted = std::max<int64_t>(28, channels * out / 1024);
  const int64_t fair = std::max<int64_t>(1, lines / omp_get_max_threads());
  const int64_t high = shared ? lines : std::min((wanted + across - 1) / across, fair);
  const int64_t in_plane = high * across * channels + kLanes, out_plane = high * across * wide + kLanes;
  Moments seen(moments, lines, out);

  const auto transform = [&](int64_t line, float* gathered, float* to) {
    map.gather(line / down, 2 * (line % down) - padding_y, 4, padding_x, padded, gathered);
    transform_inputs(gathered, padded, across, channels, to, in_plane);
  };
  const auto product = [&](int64_t item, int64_t count, const float* from, float* to) {
    const int64_t plane = item / panels, o = item % panels * kPanel;
    const Operand in{from + plane * in_plane, channels, 1, 0, channels};
    const Target target{to + plane * out_plane + o, wide, nullptr, kNone};
    multiply(count * across, in, w + (plane * wide + o) * channels, target, wide - o);
  };
  const auto finish = [&](int64_t line, const float* from) {
    const int64_t row = 2 * (line % down), valid = std::min<int64_t>(2, rows - row);
    float* to = y + (line / down * rows + row) * columns * out;
    transform_outputs(from, out_plane, wide, across, Target{to, out, bias, act}, out, valid, columns);
    seen.add(line, to, valid * columns, out, 0, out);
  };

  Buffer all_in, all_out;
  if (shared) {
    all_in = buffer(16 * in_plane);
    all_out = buffer(16 * out_plane);
  }
#pragma omp parallel
  {
    Buffer gathered = buffer(4 * padded * channels);
    if (shared) {
#pragma omp for
      for (int64_t line = 0; line < lines; ++line)
        transform(line, gathered.get(), all_in.get() + line * across * channels);
#pragma omp for
      for (int64_t i = 0; i < 16 * panels; ++i) product(i, lines, all_in.get(), all_out.get());
#pragma omp for
      for (int64_t line = 0; line < lines; ++line) finish(line, all_out.get() + line * across * wide);
    } else {
      Buffer in = buffer(16 * in_plane), products = buffer(16 * out_plane);
#pragma omp for
      for (int64_t first = 0; first < lines; first += high) {
        const int64_t count = std::min(high, lines - first);
        for (int64_t i = 0; i < count; ++i) transform(first + i, gathered.get(), in.get() + i * across * channels);
        for (int64_t i = 0; i < 16 * panels; ++i) product(i, count, in.get(), products.get());
        for (int64_t i = 0; i < count; ++i) finish(first + i, products.get() + i * across * wide);
      }
    }
  }
  seen.finish();
}

// 1x1 without padding.
extern "C" void conv_rows_product(const float* x, const int64_t* parts, int64_t count,
    const float* affine, int64_t affine_act, const float* w,
                                  const float* bias, int64_t act, float* y, double* moments, int64_t batch,
                                  int64_t height, int64_t width, int64_t channels, int64_t out, int64_t stride_y,
                                  int64_t stride_x) {
  const Part whole{x, channels};
  const Map map{parts ? (const Part*)parts : &whole, parts ? count : 1, affine, affine_act, false, height, width, channels};
  const int64_t rows = (height - 1) / stride_y + 1, columns = (width - 1) / stride_x + 1;
  const int64_t places = batch * rows * columns, chunks = (places + kChunk - 1) / kChunk;
  const int64_t panels = (out + kPanel - 1) / kPanel;
  const bool gathers = affine || parts || stride_y > 1 || stride_x > 1;
  Moments seen(moments, chunks, out);
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
extern "C" void conv_rows_direct(const float* x, const int64_t* parts, int64_t count,
    const float* affine, int64_t affine_act, int64_t planar,
                                 const float* w, const float* bias, int64_t act, float* y, double* moments,
                                 int64_t batch, int64_t height, int64_t width, int64_t channels, int64_t out,
                                 int64_t size_y, int64_t size_x, int64_t stride_y, int64_t stride_x,
                                 int64_t padding_y, int64_t padding_x) {
  const Part whole{x, channels};
  const Map map{parts ? (const Part*)parts : &whole, parts ? count : 1, affine, affine_act, planar != 0, height, width, channels};
  const int64_t rows = (height + 2 * padding_y - size_y) / stride_y + 1;
  const int64_t columns = (width + 2 * padding_x - size_x) / stride_x + 1;
  const int64_t padded = width + 2 * padding_x, row = padded * channels;
  const int64_t wanted = std::max<int64_t>(8, channels * out / 8192);
  const int64_t fair = (rows * batch + omp_get_max_threads() - 1) / omp_get_max_threads();
  const int64_t high = std::min({wanted, fair, rows}), blocks = (rows + high - 1) / high;
  Moments seen(moments, batch * blocks, out);
#pragma omp parallel
  {
    Buffer gathered = buffer(((high - 1) * stride_y + size_y) * row);
#pragma omp for
    for (int64_t block = 0; block < batch * blocks; ++block) {
      const int64_t image = block / blocks, first = block % blocks * high, count = std::min(high, rows - first);
      map.gather(image, first * stride_y - padding_y, (count - 1) * stride_y + size_y, padding_x, padded,
                 gathered.get());
      float* to = y + (image * rows + first) * columns * out;
      for (int64_t o = 0; o < out; o += kPanel)
        for (int64_t r = 0; r < count; ++r) {
          const Operand in{gathered.get() + r * stride_y * row, stride_x * channels, size_y, row, size_x * channels};
          const Target target{to + r * columns * out + o, out, bias ? bias + o : nullptr, act};
          multiply(columns, in, w + o * size_y * size_x * channels, target, out - o);
        }
      seen.add(block, to, count * columns, out, 0, out);
    }
  }
  seen.finish();
}

// One filter for each channel. w: [size_y][size_x][channels].
extern "C" void conv_rows_depthwise(const float* x, const int64_t* parts, int64_t count,
    const float* affine, int64_t affine_act, const float* w,
                                    const float* bias, int64_t act, float* y, double* moments, int64_t batch,
                                    int64_t height, int64_t width, int64_t channels, int64_t size_y, int64_t size_x,
                                    int64_t stride_y, int64_t stride_x, int64_t padding_y, int64_t padding_x) {
  const Part whole{x, channels};
  const Map map{parts ? (const Part*)parts : &whole, parts ? count : 1, affine, affine_act, false, height, width, channels};
  const int64_t rows = (height + 2 * padding_y - size_y) / stride_y + 1;
  const int64_t columns = (width + 2 * padding_x - size_x) / stride_x + 1;
  const int64_t padded = width + 2 * padding_x, row = padded * channels;
  const int64_t fair = (rows * batch + omp_get_max_threads() - 1) / omp_get_max_threads();
  const int64_t high = std::min({(int64_t)4, fair, rows}), blocks = (rows + high - 1) / high;
  Moments seen(moments, batch * blocks, channels);
#pragma omp parallel
  {
    Buffer gathered = buffer(((high - 1) * stride_y + size_y) * row);
#pragma omp for
    for (int64_t block = 0; block < batch * blocks; ++block) {
      const int64_t image = block / blocks, first = block % blocks * high, count = std::min(high, rows - first);
      map.gather(image, first * stride_y - padding_y, (count - 1) * stride_y + size_y, padding_x, padded,
                 gathered.get());
      float* to = y + (image * rows + first) * columns * channels;
      for (int64_t r = 0; r < count; ++r)
        for (int64_t c = 0; c < channels; c += kLanes) {
          const int64_t n = lanes(channels - c);
          const vfloat begin = bias ? take(bias + c, n) : vfloat{};
          for (int64_t p = 0; p < columns; p += 4) {  // four places: their sums do not wait for one another
            const int64_t last = std::min<int64_t>(4, columns - p) - 1;
            const float* from = gathered.get() + r * stride_y * row + p * stride_x * channels + c;
            vfloat sums[4] = {begin, begin, begin, begin};
            for (int64_t i = 0; i < size_y; ++i)
              for (int64_t j = 0; j < size_x; ++j) {
                const vfloat weight = take(w + (i * size_x + j) * channels + c, n);
#pragma GCC unroll 4
                for (int64_t k = 0; k < 4; ++k)
                  sums[k] = fma(take(from + i * row + (j + std::min(k, last) * stride_x) * channels, n), weight, sums[k]);
              }
            for (int64_t k = 0; k <= last; ++k)
              put(to + (r * columns + p + k) * channels + c, activate(sums[k], act), n);
          }
        }
      seen.add(block, to, count * columns, channels, 0, channels);
    }
  }
  seen.finish();
}
