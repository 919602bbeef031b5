// Normalisation. Channels are tasks of their own where each has a run of memory (inner > 1), and tiles of
// channels where they are neighbours (inner = 1), so that both read whole cache lines.
#include "kernels/norm.h"

#include <cmath>

#include "kernels/parallel.h"
#include "kernels/run_sum.h"

namespace penlight::kernels::PENLIGHT_ISA {

namespace {

constexpr int64_t kPart = 4096;    // elements of a run whose moments are found at a time, in the cache
constexpr int64_t kTile = 128;     // neighbouring channels or columns of a task
constexpr int64_t kRows = 32;      // rows of a tile added up plainly before joining sums in double precision
constexpr int64_t kGrain = 16384;  // elements of a task

// Calls body(first, last) for blocks of rows.
template <class Body>
[[gnu::always_inline]] inline void tile_rows(int64_t rows, const Body& body) {
  for (int64_t first = 0; first < rows; first += kRows)
    body(first, first + kRows < rows ? first + kRows : rows);
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

// The number of values seen, their mean, and the sum of their squared distances from it.
struct Moments {
  double count = 0, mean = 0, squares = 0;

  // Takes in more values by their own moments (Chan, Golub and LeVeque 1983).
  void join(double more, double their_mean, double their_squares) {
    const double share = more / (count + more), step = their_mean - mean;
    squares += their_squares + step * step * count * share;
    mean += step * share;
    count += more;
  }
};

// A part at a time, so that the second look finds it in the cache.
template <class T>
void join_run(Moments& moments, const T* x, int64_t n) {
  using C = compute_t<T>;
  for (int64_t begin = 0; begin < n; begin += kPart) {
    const int64_t count = n - begin < kPart ? n - begin : kPart;
    const T* part = x + begin;
    const double of = static_cast<double>(count);
    const double mean = run_sum<C>(count, [=](int64_t i) { return C(part[i]); }) / of;
    const C middle = C(mean);
    const double squares =
        run_sum<C>(count, [=](int64_t i) { return (C(part[i]) - middle) * (C(part[i]) - middle); });
    // The squares were taken from the mean as rounded to C.
    const double off = mean - static_cast<double>(middle), value = squares - of * off * off;
    moments.join(of, mean, value < 0 ? 0 : value);
  }
}

template <class T>
void moments_of(const ChannelShape& s, const T* x, double* mean, double* variance) {
  using C = compute_t<T>;
  const double count = static_cast<double>(s.samples) * static_cast<double>(s.inner);
  const auto channel = [&](int64_t c) {
    Moments moments;
    for (int64_t i = 0; i < s.samples; ++i) join_run(moments, x + (i * s.channels + c) * s.inner, s.inner);
    mean[c] = moments.mean;
    variance[c] = moments.squares / count;
  };
  const auto tile = [&](int64_t begin, int64_t width) {
    Moments moments[kTile];
    tile_rows(s.samples, [&](int64_t first, int64_t last) {
      C sum[kTile] = {}, square[kTile] = {};
      for (int64_t i = first; i < last; ++i) {
        const T* row = x + i * s.channels + begin;
        for (int64_t j = 0; j < width; ++j) sum[j] += C(row[j]);
      }
      const double rows = static_cast<double>(last - first);
      for (int64_t j = 0; j < width; ++j) sum[j] /= C(rows);
      for (int64_t i = first; i < last; ++i) {
        const T* row = x + i * s.channels + begin;
        for (int64_t j = 0; j < width; ++j) square[j] += (C(row[j]) - sum[j]) * (C(row[j]) - sum[j]);
      }
      for (int64_t j = 0; j < width; ++j)
        moments[j].join(rows, static_cast<double>(sum[j]), static_cast<double>(square[j]));
    });
    for (int64_t j = 0; j < width; ++j) {
      mean[begin + j] = moments[j].mean;
      variance[begin + j] = moments[j].squares / count;
    }
  };
  walk(s, channel, tile);
}

// y[i] = f(i, c) over runs of a channel c, or over tiles of the channels of some samples.
template <class F>
void each(const ChannelShape& s, const F& f) {
  if (s.inner > 1) {
    parallel::parallel_for(s.samples * s.channels, kGrain / s.inner, [&](int64_t begin, int64_t end) {
      for (int64_t run = begin; run < end; ++run) f.run(run * s.inner, s.inner, run % s.channels);
    });
  } else {
    parallel::parallel_for(s.samples, kGrain / (s.channels ? s.channels : 1),
                           [&](int64_t begin, int64_t end) {
                             for (int64_t channel = 0; channel < s.channels; channel += kTile)
                               f.across(begin, end, s.channels, channel,
                                        s.channels - channel < kTile ? s.channels - channel : kTile);
                           });
  }
}

// A tile's coefficients in the type of the computation.
template <class C>
struct TileOf {
  C of[kTile];
  TileOf(const double* values, int64_t width) {
    for (int64_t j = 0; j < width; ++j) of[j] = C(values[j]);
  }
};

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
  void across(int64_t first, int64_t last, int64_t channels, int64_t channel, int64_t width) const {
    const TileOf<C> m(mean + channel, width), a(scale + channel, width), b(shift + channel, width);
    for (int64_t i = first; i < last; ++i) {
      const T* from = x + i * channels + channel;
      T* to = y + i * channels + channel;
#pragma GCC ivdep
      for (int64_t j = 0; j < width; ++j) to[j] = T((C(from[j]) - m.of[j]) * a.of[j] + b.of[j]);
    }
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
  void across(int64_t first, int64_t last, int64_t channels, int64_t channel, int64_t width) const {
    const TileOf<C> m(mean + channel, width), u(a + channel, width), v(b + channel, width),
        w(c + channel, width);
    for (int64_t i = first; i < last; ++i) {
      const T *gi = g + i * channels + channel, *xi = x + i * channels + channel;
      T* to = result + i * channels + channel;
#pragma GCC ivdep
      for (int64_t j = 0; j < width; ++j)
        to[j] = T(u.of[j] * C(gi[j]) + (v.of[j] * (C(xi[j]) - m.of[j]) + w.of[j]));
    }
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
      const TwoSums of_run = run_sums<C>(
          s.inner, [=](int64_t j) { return C(gi[j]); },
          [=](int64_t j) { return C(gi[j]) * (C(xi[j]) - middle); });
      total += of_run.first;
      products += of_run.second;
    }
    sum[c] = total;
    product[c] = products;
  };
  const auto tile = [&](int64_t begin, int64_t width) {
    const TileOf<C> middle(mean + begin, width);
    for (int64_t j = 0; j < width; ++j) sum[begin + j] = product[begin + j] = 0;
    tile_rows(s.samples, [&](int64_t first, int64_t last) {
      C sums[kTile] = {}, products[kTile] = {};
      for (int64_t i = first; i < last; ++i) {
        const T *gi = g + i * s.channels + begin, *xi = x + i * s.channels + begin;
        for (int64_t j = 0; j < width; ++j) {
          sums[j] += C(gi[j]);
          products[j] += C(gi[j]) * (C(xi[j]) - middle.of[j]);
        }
      }
      for (int64_t j = 0; j < width; ++j) {
        sum[begin + j] += static_cast<double>(sums[j]);
        product[begin + j] += static_cast<double>(products[j]);
      }
    });
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
      Moments moments;
      join_run(moments, from, n);
      mean[row] = moments.mean;
      rstd[row] = 1 / std::sqrt(moments.squares / static_cast<double>(n) + eps);
      const C middle = C(mean[row]);
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

template <class T, class Weighted>
void row_gradient(int64_t n, const T* x, double mean, double rstd, T* result, Weighted weighted) {
  using C = compute_t<T>;
  const C middle = C(mean), scale = C(rstd);
  const auto unit = [=](int64_t i) { return (C(x[i]) - middle) * scale; };
  const TwoSums sums = run_sums<C>(n, weighted, [=](int64_t i) { return weighted(i) * unit(i); });
  const C sum = C(sums.first / static_cast<double>(n)), product = C(sums.second / static_cast<double>(n));
#pragma GCC ivdep
  for (int64_t i = 0; i < n; ++i) result[i] = T(scale * (weighted(i) - sum - unit(i) * product));
}

template <class T>
void rows_gradient_of(int64_t rows, int64_t n, const T* g, const T* x, const T* weight, const double* mean,
                      const double* rstd, T* result) {
  using C = compute_t<T>;
  parallel::parallel_for(rows, n ? kGrain / n : 1, [=](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; ++row) {
      const int64_t at = row * n;
      const T *gi = g + at, *w = weight;
      if (w)
        row_gradient(n, x + at, mean[row], rstd[row], result + at,
                     [=](int64_t i) { return C(gi[i]) * C(w[i]); });
      else
        row_gradient(n, x + at, mean[row], rstd[row], result + at, [=](int64_t i) { return C(gi[i]); });
    }
  });
}

// A task sums a tile of columns over all rows.
template <class T>
void rows_sums_of(int64_t rows, int64_t n, const T* g, const T* x, const double* mean, const double* rstd,
                  double* weight, double* bias) {
  using C = compute_t<T>;
  parallel::parallel_for(n, kTile, [=](int64_t begin, int64_t end) {
    const int64_t width = end - begin;
    for (int64_t j = begin; j < end; ++j) weight[j] = bias[j] = 0;
    tile_rows(rows, [&](int64_t first, int64_t last) {
      C sums[kTile] = {}, products[kTile] = {};
      for (int64_t row = first; row < last; ++row) {
        const T *gi = g + row * n + begin, *xi = x + row * n + begin;
        const C middle = C(mean[row]), scale = C(rstd[row]);
        for (int64_t j = 0; j < width; ++j) {
          sums[j] += C(gi[j]);
          products[j] += C(gi[j]) * ((C(xi[j]) - middle) * scale);
        }
      }
      for (int64_t j = 0; j < width; ++j) {
        bias[begin + j] += static_cast<double>(sums[j]);
        weight[begin + j] += static_cast<double>(products[j]);
      }
    });
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
