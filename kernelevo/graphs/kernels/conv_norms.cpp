// Normalisations of channels-last images: their statistics, scale and shift, and what is stored.

// [mean, biased variance] of each channel of [places][channels].
extern "C" void conv_rows_moments(const float* x, double* moments, int64_t places, int64_t channels) {
  const int64_t chunks = (places + kChunk - 1) / kChunk;
  Moments seen(moments, chunks, channels);
#pragma omp parallel for
  for (int64_t chunk = 0; chunk < chunks; ++chunk) {
    const int64_t first = places * chunk / chunks, count = places * (chunk + 1) / chunks - first;
    seen.add(chunk, x + first * channels, count, channels, 0, channels);
  }
  seen.finish();
}

// The same of each image, [images][2][channels].
extern "C" void conv_rows_image_moments(const float* x, double* moments, int64_t batch, int64_t places,
                                        int64_t channels) {
  const int64_t chunks = (places + kChunk - 1) / kChunk;
  std::vector<Moments> seen;
  seen.reserve(batch);
  for (int64_t image = 0; image < batch; ++image) seen.emplace_back(moments + image * 2 * channels, chunks, channels);
#pragma omp parallel for
  for (int64_t item = 0; item < batch * chunks; ++item) {
    const int64_t image = item / chunks, chunk = item % chunks;
    const int64_t first = places * chunk / chunks, count = places * (chunk + 1) / chunks - first;
    seen[image].add(chunk, x + (image * places + first) * channels, count, channels, 0, channels);
  }
#pragma omp parallel for if (batch > 1 && batch * chunks * channels > 16384)
  for (int64_t image = 0; image < batch; ++image) seen[image].finish();
}

// Scale and shift of a group normalisation, [images][2][channels], by each image's own moments.
extern "C" void conv_rows_group(const double* moments, const float* weight, const float* bias, float* affine,
                                int64_t batch, int64_t channels, int64_t groups, double epsilon) {
  const int64_t size = channels / groups;
  for (int64_t item = 0; item < batch * groups; ++item) {
    const int64_t image = item / groups, first = item % groups * size;
    const double *means = moments + image * 2 * channels + first, *variances = means + channels;
    float *scale = affine + image * 2 * channels + first, *shift = scale + channels;
    double mean = 0, variance = 0;
    for (int64_t c = 0; c < size; ++c) mean += means[c];
    mean /= (double)size;
    for (int64_t c = 0; c < size; ++c) variance += variances[c] + (means[c] - mean) * (means[c] - mean);
    const double spread = __builtin_sqrt(variance / (double)size + epsilon);
    for (int64_t c = 0; c < size; ++c) {
      const double factor = (weight ? weight[first + c] : 1.0f) / spread;
      scale[c] = (float)factor;
      shift[c] = (float)((bias ? bias[first + c] : 0.0f) - mean * scale[c]);  // by what x is multiplied with
    }
  }
}

// Scale and shift of a batch normalisation; without moments those of the running statistics, which move on otherwise.
extern "C" void conv_rows_norm(const double* moments, int64_t count, const float* weight, const float* bias,
                               float* running_mean, float* running_var, float* affine, int64_t channels,
                               double momentum, double epsilon) {
  float *scale = affine, *shift = affine + channels;
  const auto set = [&](const auto* mean, const auto* variance) {
    for (int64_t c = 0; c < channels; ++c) {
      const double factor = (weight ? weight[c] : 1.0f) / __builtin_sqrt(variance[c] + epsilon);
      scale[c] = (float)factor;
      shift[c] = (float)((bias ? bias[c] : 0.0f) - (double)mean[c] * scale[c]);
    }
  };
  if (!moments) return set(running_mean, running_var);
  const double *mean = moments, *variance = moments + channels;
  const double unbiased = count > 1 ? (double)count / (double)(count - 1) : 1.0;
  if (running_mean)
    for (int64_t c = 0; c < channels; ++c) {
      running_mean[c] += (float)(momentum * (mean[c] - running_mean[c]));
      running_var[c] += (float)(momentum * (variance[c] * unbiased - running_var[c]));
    }
  set(mean, variance);
}

// y = x * scale + shift [+ other, with or without a scale and a shift], through an activation.
extern "C" void conv_rows_apply(const float* x, const float* affine, int64_t affine_step, const float* other,
                                const float* other_affine, int64_t other_step, int64_t act, float* y, int64_t batch,
                                int64_t of_image, int64_t channels) {
  const int64_t places = batch * of_image;
  const Affine own{affine, affine_step}, others{other_affine, other_step};
  want_huge_pages(y, places * channels);
#pragma omp parallel for if (places * channels > 8192)
  for (int64_t p = 0; p < places; ++p) {
    const float *scale = own.of(p / of_image), *other_scale = others.of(p / of_image);
    for (int64_t c = 0; c < channels; c += kLanes) {
      const int64_t n = lanes(channels - c), at = p * channels + c;
      vfloat value = fma(take(x + at, n), take(scale + c, n), take(scale + channels + c, n));
      if (other) {
        const vfloat beside = take(other + at, n);
        value += others ? fma(beside, take(other_scale + c, n), take(other_scale + channels + c, n)) : beside;
      }
      put(y + at, activate(value, act), n);
    }
  }
}
