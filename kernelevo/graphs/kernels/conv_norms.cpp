// Batch normalisations of channels-last images: their statistics, scale and shift, and what is stored.

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

// Scale and shift of a batch normalisation; without moments those of the running statistics, which move on otherwise.
extern "C" void conv_rows_norm(const double* moments, int64_t count, const float* weight, const float* bias,
                               float* running_mean, float* running_var, float* affine, int64_t channels,
                               double momentum, double epsilon) {
  float *scale = affine, *shift = affine + channels;
  const auto set = [&](const auto* mean, const auto* variance) {
    for (int64_t c = 0; c < channels; ++c) {
      const double factor = (weight ? weight[c] : 1.0f) / __builtin_sqrt(variance[c] + epsilon);
      scale[c] = (float)factor;
      shift[c] = (float)((bias ? bias[c] : 0.0f) - mean[c] * factor);
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
extern "C" void conv_rows_apply(const float* x, const float* affine, const float* other, const float* other_affine,
                                int64_t act, float* y, int64_t places, int64_t channels) {
  want_huge_pages(y, places * channels);
#pragma omp parallel for if (places * channels > 8192)
  for (int64_t p = 0; p < places; ++p)
    for (int64_t c = 0; c < channels; c += kLanes) {
      const int64_t n = lanes(channels - c), at = p * channels + c;
      vfloat value = fma(take(x + at, n), take(affine + c, n), take(affine + channels + c, n));
      if (other) {
        const vfloat beside = take(other + at, n);
        value += other_affine ? fma(beside, take(other_affine + c, n), take(other_affine + channels + c, n)) : beside;
      }
      put(y + at, activate(value, act), n);
    }
}
