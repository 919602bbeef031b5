// Normalisation. Channels are tasks of their own where each has a run of memory (inner > 1), and tiles of
// channels where they are neighbours (inner = 1), so that both read whole cache lines.
#include "kernels/norm.h"

#include <cmath>

#include "kernels/parallel.h"

namespace penlight::kernels::PENLIGHT_ISA {

namespace {

constexpr int64_t kLanes = 16;     // accumulators of a run
constexpr int64_t kBlock = 512;    // elements added up plainly before joining a sum in double precision
constexpr int64_t kTile = 256;     // neighbouring channels of a task
constexpr int64_t kGrain = 16384;  // elements of a task

// The sum of f(0) ... f(n - 1), in an order that depends on n alone.
template <class C, class F>
[[gnu::always_inline]] inline double run_sum(int64_t n, F f) {
  double total = 0;
  for (int64_t begin = 0; begin < n; begin += kBlock) {
    const int64_t end = begin + kBlock < n ? begin + kBlock : n;
    C lanes[kLanes] = {};
    int64_t i = begin;
    for (; i + kLanes <= end; i += kLanes)
      for (int64_t j = 0; j < kLanes; ++j) lanes[j] += f(i + j);
    for (int64_t j = 0; i < end; ++i, ++j) lanes[j] += f(i);
    for (int64_t j = 0; j < kLanes; ++j) total += static_cast<double>(lanes[j]);
  }
  return total;
}

// Calls channel(c) for every channel, or tile(c, width) for every tile of neighbouring channels.
template <class Channel, class Tile>
void walk(const ChannelShape& s, const Channel& channel, const Tile& tile) {
  if (s.inner > 1) {
    const int64_t values = s.samples * s.inner;
    parallel::parallel_for(s.channels, values ? kGrain / values : 1, [&](int64_t begin, int64_t end) {
      for (int64_t c = begin; c < end; ++c) channel(c);
    });
  } else {
    parallel::parallel_for(s.channels, kTile, [&](int64_t begin, int64_t end) { tile(begin, end - begin); });
  }
}

template <class T>
void moments_of(const ChannelShape& s, const T* x, double* mean, double* variance) {
  using C = compute_t<T>;
  const double count = static_cast<double>(s.samples) * static_cast<double>(s.inner);
  const auto channel = [&](int64_t c) {
    double sum = 0, squares = 0;
    for (int64_t i = 0; i < s.samples; ++i) {
      const T* run = x + (i * s.channels + c) * s.inner;
      sum += run_sum<C>(s.inner, [=](int64_t j) { return C(run[j]); });
    }
    mean[c] = sum / count;
    const C middle = C(mean[c]);
    for (int64_t i = 0; i < s.samples; ++i) {
      const T* run = x + (i * s.channels + c) * s.inner;
      squares += run_sum<C>(s.inner, [=](int64_t j) { return (C(run[j]) - middle) * (C(run[j]) - middle); });
    }
    // The squares were taken from the mean as rounded to C.
    const double off = mean[c] - static_cast<double>(middle);
    const double value = squares / count - off * off;
    variance[c] = value < 0 ? 0 : value;
  };
  const auto tile = [&](int64_t begin, int64_t width) {
    double sum[kTile] = {}, squares[kTile] = {};
    for (int64_t i = 0; i < s.samples; ++i)
      for (int64_t j = 0; j < width; ++j) sum[j] += static_cast<double>(C(x[i * s.channels + begin + j]));
    for (int64_t j = 0; j < width; ++j) sum[j] /= count;
    for (int64_t i = 0; i < s.samples; ++i)
      for (int64_t j = 0; j < width; ++j) {
        const double d = static_cast<double>(C(x[i * s.channels + begin + j])) - sum[j];
        squares[j] += d * d;
      }
    for (int64_t j = 0; j < width; ++j) {
      mean[begin + j] = sum[j];
      variance[begin + j] = squares[j] / count;
    }
  };
  walk(s, channel, tile);
}

// y[i] = f(i, c) over runs of a channel c, or over the channels of a sample.
template <class F>
void each(const ChannelShape& s, const F& f) {
  if (s.inner > 1) {
    parallel::parallel_for(s.samples * s.channels, kGrain / s.inner, [&](int64_t begin, int64_t end) {
      for (int64_t run = begin; run < end; ++run) f.run(run * s.inner, s.inner, run % s.channels);
    });
  } else {
    parallel::parallel_for(s.samples, kGrain / (s.channels ? s.channels : 1),
                           [&](int64_t begin, int64_t end) {
                             for (int64_t i = begin; i < end; ++i) f.across(i * s.channels, s.channels);
                           });
  }
}

template <class T>
struct Affine {
  using C = compute_t<T>;
  const T* x;
  const double *mean, *scale, *shift;
  T* y;
  void run(int64_t at, int64_t n, int64_t c) const {
    const C m = C(mean[c]), a = C(scale[c]), b = C(shift[c]);
    const T* from = x + at;
    T* to = y + at;
#pragma GCC ivdep
    for (int64_t i = 0; i < n; ++i) to[i] = T((C(from[i]) - m) * a + b);
  }
  void across(int64_t at, int64_t channels) const {
    const T* from = x + at;
    T* to = y + at;
#pragma GCC ivdep
    for (int64_t c = 0; c < channels; ++c) to[c] = T((C(from[c]) - C(mean[c])) * C(scale[c]) + C(shift[c]));
  }
};

template <class T>
struct Gradient {
  using C = compute_t<T>;
  const T *g, *x;
  const double *mean, *a, *b, *c;
  T* result;
  void run(int64_t at, int64_t n, int64_t channel) const {
    const C m = C(mean[channel]), u = C(a[channel]), v = C(b[channel]), w = C(c[channel]);
    const T *gi = g + at, *xi = x + at;
    T* to = result + at;
#pragma GCC ivdep
    for (int64_t i = 0; i < n; ++i) to[i] = T(u * C(gi[i]) + (v * (C(xi[i]) - m) + w));
  }
  void across(int64_t at, int64_t channels) const {
    const T *gi = g + at, *xi = x + at;
    T* to = result + at;
#pragma GCC ivdep
    for (int64_t j = 0; j < channels; ++j)
      to[j] = T(C(a[j]) * C(gi[j]) + (C(b[j]) * (C(xi[j]) - C(mean[j])) + C(c[j])));
  }
};

template <class T>
void sums_of(const ChannelShape& s, const T* g, const T* x, const double* mean, double* sum,
             double* product) {
  using C = compute_t<T>;
  const auto channel = [&](int64_t c) {
    const C middle = C(mean[c]);
    double total = 0, products = 0;
    for (int64_t i = 0; i < s.samples; ++i) {
      const int64_t at = (i * s.channels + c) * s.inner;
      const T *gi = g + at, *xi = x + at;
      total += run_sum<C>(s.inner, [=](int64_t j) { return C(gi[j]); });
      products += run_sum<C>(s.inner, [=](int64_t j) { return C(gi[j]) * (C(xi[j]) - middle); });
    }
    sum[c] = total;
    product[c] = products;
  };
  const auto tile = [&](int64_t begin, int64_t width) {
    for (int64_t j = 0; j < width; ++j) sum[begin + j] = product[begin + j] = 0;
    for (int64_t i = 0; i < s.samples; ++i)
      for (int64_t j = begin; j < begin + width; ++j) {
        const double gradient = static_cast<double>(C(g[i * s.channels + j]));
        sum[j] += gradient;
        product[j] += gradient * (static_cast<double>(C(x[i * s.channels + j])) - mean[j]);
      }
  };
  walk(s, channel, tile);
}

template <class T>
void rows_of(int64_t rows, int64_t n, const T* x, const T* weight, const T* bias, double eps, T* y,
             double* mean, double* rstd) {
  using C = compute_t<T>;
  parallel::parallel_for(rows, n ? kGrain / n : 1, [=](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const T* from = x + row * n;
      T* to = y + row * n;
      mean[row] = run_sum<C>(n, [=](int64_t i) { return C(from[i]); }) / static_cast<double>(n);
      const C middle = C(mean[row]);
      const double squares =
          run_sum<C>(n, [=](int64_t i) { return (C(from[i]) - middle) * (C(from[i]) - middle); });
      const double off = mean[row] - static_cast<double>(middle);
      const double variance = squares / static_cast<double>(n) - off * off;
      rstd[row] = 1 / std::sqrt((variance < 0 ? 0 : variance) + eps);
      const C scale = C(rstd[row]);
      if (weight && bias) {
#pragma GCC ivdep
        for (int64_t i = 0; i < n; ++i) to[i] = T((C(from[i]) - middle) * scale * C(weight[i]) + C(bias[i]));
      } else if (weight) {
#pragma GCC ivdep
        for (int64_t i = 0; i < n; ++i) to[i] = T((C(from[i]) - middle) * scale * C(weight[i]));
      } else {
#pragma GCC ivdep
        for (int64_t i = 0; i < n; ++i)
          to[i] = T(bias ? (C(from[i]) - middle) * scale + C(bias[i]) : (C(from[i]) - middle) * scale);
      }
    }
  });
}

template <class T>
void rows_gradient_of(int64_t rows, int64_t n, const T* g, const T* x, const T* weight, const double* mean,
                      const double* rstd, T* result) {
  using C = compute_t<T>;
  parallel::parallel_for(rows, n ? kGrain / n : 1, [=](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const T *gi = g + row * n, *xi = x + row * n;
      T* to = result + row * n;
      const C middle = C(mean[row]), scale = C(rstd[row]);
      const auto weighted = [=](int64_t i) { return weight ? C(gi[i]) * C(weight[i]) : C(gi[i]); };
      const double count = static_cast<double>(n);
      const C sum = C(run_sum<C>(n, weighted) / count);
      const C product =
          C(run_sum<C>(n, [=](int64_t i) { return weighted(i) * ((C(xi[i]) - middle) * scale); }) / count);
#pragma GCC ivdep
      for (int64_t i = 0; i < n; ++i)
        to[i] = T(scale * (weighted(i) - sum - (C(xi[i]) - middle) * scale * product));
    }
  });
}

// A task sums a tile of columns over all rows.
template <class T>
void rows_sums_of(int64_t rows, int64_t n, const T* g, const T* x, const double* mean, const double* rstd,
                  double* weight, double* bias) {
  using C = compute_t<T>;
  parallel::parallel_for(n, 64, [=](int64_t begin, int64_t end) {
    for (int64_t j = begin; j < end; ++j) weight[j] = bias[j] = 0;
    for (int64_t row = 0; row < rows; ++row) {
      const T *gi = g + row * n, *xi = x + row * n;
      const double middle = mean[row], scale = rstd[row];
#pragma GCC ivdep
      for (int64_t j = begin; j < end; ++j) {
        const double gradient = static_cast<double>(C(gi[j]));
        weight[j] += gradient * ((static_cast<double>(C(xi[j])) - middle) * scale);
        bias[j] += gradient;
      }
    }
  });
}

template <class Body>
void visit_floating(DType dtype, const Body& body) {
  switch (dtype) {
    case DType::f64:
      return body(TypeTag<double>{});
    case DType::f16:
      return body(TypeTag<Half>{});
    case DType::bf16:
      return body(TypeTag<BFloat16>{});
    default:
      return body(TypeTag<float>{});
  }
}

void channel_moments(DType dtype, const ChannelShape& shape, const void* x, double* mean, double* variance) {
  visit_floating(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    moments_of(shape, static_cast<const T*>(x), mean, variance);
  });
}

void channel_affine(DType dtype, const ChannelShape& shape, const void* x, const double* mean,
                    const double* scale, const double* shift, void* y) {
  visit_floating(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    each(shape, Affine<T>{static_cast<const T*>(x), mean, scale, shift, static_cast<T*>(y)});
  });
}

void channel_sums(DType dtype, const ChannelShape& shape, const void* g, const void* x, const double* mean,
                  double* sum, double* product) {
  visit_floating(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    sums_of(shape, static_cast<const T*>(g), static_cast<const T*>(x), mean, sum, product);
  });
}

void channel_gradient(DType dtype, const ChannelShape& shape, const void* g, const void* x,
                      const double* mean, const double* a, const double* b, const double* c, void* result) {
  visit_floating(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    each(shape, Gradient<T>{static_cast<const T*>(g), static_cast<const T*>(x), mean, a, b, c,
                            static_cast<T*>(result)});
  });
}

void rows(DType dtype, int64_t count, int64_t n, const void* x, const void* weight, const void* bias,
          double eps, void* y, double* mean, double* rstd) {
  visit_floating(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    rows_of(count, n, static_cast<const T*>(x), static_cast<const T*>(weight), static_cast<const T*>(bias),
            eps, static_cast<T*>(y), mean, rstd);
  });
}

void rows_gradient(DType dtype, int64_t count, int64_t n, const void* g, const void* x, const void* weight,
                   const double* mean, const double* rstd, void* result) {
  visit_floating(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    rows_gradient_of(count, n, static_cast<const T*>(g), static_cast<const T*>(x),
                     static_cast<const T*>(weight), mean, rstd, static_cast<T*>(result));
  });
}

void rows_sums(DType dtype, int64_t count, int64_t n, const void* g, const void* x, const double* mean,
               const double* rstd, double* weight, double* bias) {
  visit_floating(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    rows_sums_of(count, n, static_cast<const T*>(g), static_cast<const T*>(x), mean, rstd, weight, bias);
  });
}

}  // namespace

extern const NormKernels norm_kernels = {
    channel_moments, channel_affine, channel_sums, channel_gradient, rows, rows_gradient, rows_sums};

}  // namespace penlight::kernels::PENLIGHT_ISA
