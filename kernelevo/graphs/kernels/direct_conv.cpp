// Convolution of few input channels, stride 1, straight from a padded strip of rows, with bias and ReLU.
//
// With few input channels the sum per output is short, and libraries lose their time to layout changes and
// to the page faults of large outputs. Here a thread copies the few input rows it needs into a padded strip
// (a few KiB), and writes its part of the output once.
// Names in capitals are numbers of the program's TUNE table, given by the compiler's flags; 0: by the width of vectors.
#include <kernelevo/math.h>
#include <kernelevo/pages.h>

#include <algorithm>
#include <vector>

namespace {

using namespace kernelevo;

constexpr int kChannels = DIRECT_CONV_CHANNELS;    // output channels of a register tile
// Vectors of output pixels beside them.
constexpr int kVectors = DIRECT_CONV_VECTORS ? DIRECT_CONV_VECTORS : kLanes == 16 ? 2 : 1;
constexpr int kPixels = kVectors * kLanes;
constexpr int64_t kStripRows = DIRECT_CONV_ROWS;   // output rows that share a strip

struct Conv {
  const float *x, *weight, *bias;  // weight: [channel block][in][ky][kx][kChannels], zeros beyond the last channel
  float* y;                        // first of our channels in the output
  int64_t batch, in, height, width, out, kernel_y, kernel_x, pad_y, pad_x, out_height, out_width;
  int64_t out_channels;            // of the whole output, ours are `out` of them
  int64_t strip_width;             // floats of a row of the strip
  bool with_relu;
};

// Rows [first, first + rows) of the padded input of image `b`, all channels, into `strip`.
void fill_strip(const Conv& c, int64_t b, int64_t first, int64_t rows, float* strip) {
  for (int64_t i = 0; i < c.in; ++i)
    for (int64_t r = 0; r < rows; ++r) {
      float* to = strip + (i * rows + r) * c.strip_width;
      std::fill(to, to + c.strip_width, 0.0f);
      const int64_t row = first + r - c.pad_y;
      if (row < 0 || row >= c.height) continue;
      const float* from = c.x + ((b * c.in + i) * c.height + row) * c.width;
      std::copy(from, from + c.width, to + c.pad_x);
    }
}

// kChannels x kPixels outputs of one row; `at` points into the strip at the window's first element.
inline void tile(const Conv& c, const float* at, int64_t strip_rows, const float* weight, vfloat (&sums)[kChannels][kVectors]) {
  for (int64_t i = 0; i < c.in; ++i)
    for (int64_t ky = 0; ky < c.kernel_y; ++ky) {
      const float* row = at + (i * strip_rows + ky) * c.strip_width;
      for (int64_t kx = 0; kx < c.kernel_x; ++kx, weight += kChannels) {
        vfloat pixel[kVectors];
        for (int v = 0; v < kVectors; ++v) pixel[v] = load(row + kx + v * kLanes);
#pragma GCC unroll kChannels
        for (int o = 0; o < kChannels; ++o)
          for (int v = 0; v < kVectors; ++v) sums[o][v] = fma(splat(weight[o]), pixel[v], sums[o][v]);
      }
    }
}

void write_tile(const Conv& c, const vfloat (&sums)[kChannels][kVectors], int64_t channels, float* y, int64_t pixels) {
  for (int64_t o = 0; o < channels; ++o)
    for (int v = 0; v < kVectors; ++v) {
      const int64_t left = std::min<int64_t>(kLanes, pixels - v * kLanes);
      if (left <= 0) break;
      float* to = y + o * c.out_height * c.out_width + v * kLanes;
      const vfloat value = c.with_relu ? relu(sums[o][v]) : sums[o][v];
      if (left == kLanes) store(to, value);
      else store_part(to, value, left);
    }
}

// All channels of the output rows [first, first + rows) of image `b`.
void strip_outputs(const Conv& c, int64_t b, int64_t first, int64_t rows, float* strip) {
  const int64_t strip_rows = rows + c.kernel_y - 1;
  fill_strip(c, b, first, strip_rows, strip);
  const int64_t block_size = c.in * c.kernel_y * c.kernel_x * kChannels;
  for (int64_t o = 0; o < c.out; o += kChannels) {
    const int64_t channels = std::min<int64_t>(kChannels, c.out - o);
    for (int64_t r = 0; r < rows; ++r) {
      float* y = c.y + ((b * c.out_channels + o) * c.out_height + first + r) * c.out_width;
      for (int64_t x = 0; x < c.out_width; x += kPixels) {
        vfloat sums[kChannels][kVectors];
        for (int64_t k = 0; k < kChannels; ++k)
          for (auto& sum : sums[k]) sum = splat(c.bias && k < channels ? c.bias[o + k] : 0.0f);
        tile(c, strip + r * c.strip_width + x, strip_rows, c.weight + o / kChannels * block_size, sums);
        write_tile(c, sums, channels, y + x, c.out_width - x);
      }
    }
  }
}

}  // namespace

extern "C" int64_t channel_block() { return kChannels; }

// y[:, channel : channel + out] = relu?(convolution of x); y has `out_channels` channels in all.
extern "C" void direct_conv(const float* x, const float* weight, const float* bias, float* y, int64_t channel,
                            int64_t out_channels, int64_t batch, int64_t in, int64_t height, int64_t width,
                            int64_t out, int64_t kernel_y, int64_t kernel_x, int64_t pad_y, int64_t pad_x,
                            int64_t with_relu) {
  const int64_t out_height = height + 2 * pad_y - kernel_y + 1, out_width = width + 2 * pad_x - kernel_x + 1;
  const int64_t whole = (out_width + kPixels - 1) / kPixels * kPixels;
  const int64_t strip_width = std::max(whole + kernel_x - 1, width + 2 * pad_x);
  const Conv c{x,        weight,   bias,  y + channel * out_height * out_width,
               batch,    in,       height, width, out, kernel_y, kernel_x, pad_y, pad_x, out_height, out_width,
               out_channels, strip_width, with_relu != 0};
  if (channel == 0) want_huge_pages(y, batch * out_channels * out_height * out_width);
  const int64_t strips = (out_height + kStripRows - 1) / kStripRows;
#pragma omp parallel
  {
    std::vector<float> strip(in * (kStripRows + kernel_y - 1) * strip_width);
#pragma omp for DIRECT_CONV_SCHEDULE
    for (int64_t item = 0; item < batch * strips; ++item) {
      const int64_t first = item % strips * kStripRows;
      strip_outputs(c, item / strips, first, std::min(kStripRows, out_height - first), strip.data());
    }
  }
}
