// Normalisation. Channels are tasks of their own where each has a run of memory (inner > 1), and columns of a
// matrix where they are neighbours (inner = 1): blocks of its rows are tasks, so that memory is read in
// order.
#include "kernels/norm.h"

#include <cmath>

#include "kernels/parallel.h"
#include "kernels/run_sum.h"
#include "kernels/scratch.h"

namespace penlight::kernels::PENLIGHT_ISA {

namespace {

constexpr int64_t kPart = 4096;    // elements of a run whose moments are found at a time, in the cache
constexpr int64_t kTile = 512;     // neighbouring columns of a task: their sums stay in L1
constexpr int64_t kRows = 32;      // rows of a tile added up plainly before joining sums in double precision
constexpr int64_t kBlock = 65536;  // elements of a block of rows
constexpr int64_t kGrain = 16384;  // elements of a task

// A matrix in blocks of rows and tiles of columns. What a block finds is joined with the next ones' in order.
struct Blocks {
  int64_t rows, columns, height, blocks, tiles;
  Blocks(int64_t all_rows, int64_t all_columns)
      : rows(all_rows),
        columns(all_columns),
        height(kBlock / columns > kRows ? kBlock / columns / kRows * kRows : kRows),
        blocks((rows + height - 1) / height),
        tiles((columns + kTile - 1) / kTile) {}
  int64_t rows_of(int64_t block) const {
    return rows - block * height < height ? rows - block * height : height;
  }
  // body(block, its first row, its last, column, width)
  template <class Body>
  void each(const Body& body) const {
    parallel::parallel_for(blocks * tiles, 1, [&](int64_t begin, int64_t end) {
      for (int64_t task = begin; task < end; ++task) {
        const int64_t block = task / tiles, first = block * height, column = task % tiles * kTile;
        body(block, first, first + rows_of(block), column,
             columns - column < kTile ? columns - column : kTile);
      }
    });
  }
  // join(block, column, width) for every block in order
  template <class Join>
  void each_in_order(const Join& join) const {
    parallel::parallel_for(columns, kGrain, [&](int64_t begin, int64_t end) {
      for (int64_t block = 0; block < blocks; ++block) join(block, begin, end - begin);
    });
  }
};

// Calls body(first, last) for parts of kRows rows.
template <class Body>
[[gnu::always_inline]] inline void tile_rows(int64_t first, int64_t last, const Body& body) {
  for (; first < last; first += kRows) body(first, first + kRows < last ? first + kRows : last);
}

// sums[j] += f(i, j) for rows i, four at a time: the sums are loaded and stored less often.
template <class C, class F>
[[gnu::always_inline]] inline void add_rows(int64_t first, int64_t last, int64_t width, C* sums, F f) {
  for (; first + 4 <= last; first += 4) {
#pragma GCC ivdep
    for (int64_t j = 0; j < width; ++j)
      sums[j] += (f(first, j) + f(first + 1, j)) + (f(first + 2, j) + f(first + 3, j));
  }
  for (; first < last; ++first) {
#pragma GCC ivdep
    for (int64_t j = 0; j < width; ++j) sums[j] += f(first, j);
  }
}

template <class C>
struct Pair {
  C one, other;
};

// The sums over all rows of two functions: terms(column) gives them for the tile that begins there, as a
// function of row and place in the tile.
template <class C, class Terms>
void column_sums(int64_t rows, int64_t columns, double* first_sums, double* second_sums, const Terms& terms) {
  for (int64_t j = 0; j < columns; ++j) first_sums[j] = second_sums[j] = 0;
  if (rows == 0 || columns == 0) return;
  const Blocks blocks(rows, columns);
  const Scratch memory(2 * blocks.blocks * columns, sizeof(double));
  double* found = static_cast<double*>(memory.get());
  blocks.each([&](int64_t block, int64_t first, int64_t last, int64_t column, int64_t width) {
    const auto term = terms(column);
    double *ones = found + 2 * block * columns + column, *others = ones + columns;
    for (int64_t j = 0; j < width; ++j) ones[j] = others[j] = 0;
    tile_rows(first, last, [&](int64_t begin, int64_t end) {
      C sums[kTile] = {}, more[kTile] = {};
      int64_t i = begin;
      for (; i + 4 <= end; i += 4) {  // so that the sums are seldom loaded and stored
#pragma GCC ivdep
        for (int64_t j = 0; j < width; ++j) {
          const Pair<C> a = term(i, j), b = term(i + 1, j), c = term(i + 2, j), d = term(i + 3, j);
          sums[j] += (a.one + b.one) + (c.one + d.one);
          more[j] += (a.other + b.other) + (c.other + d.other);
        }
      }
      for (; i < end; ++i) {
#pragma GCC ivdep
        for (int64_t j = 0; j < width; ++j) {
          const Pair<C> a = term(i, j);
          sums[j] += a.one;
          more[j] += a.other;
        }
      }
      for (int64_t j = 0; j < width; ++j) {
        ones[j] += static_cast<double>(sums[j]);
        others[j] += static_cast<double>(more[j]);
      }
    });
  });
  blocks.each_in_order([&](int64_t block, int64_t column, int64_t width) {
    const double *ones = found + 2 * block * columns, *others = ones + columns;
    for (int64_t j = column; j < column + width; ++j) {
      first_sums[j] += ones[j];
      second_sums[j] += others[j];
    }
  });
}

// Calls channel(c) for every channel.
template <class Channel>
void each_channel(const ChannelShape& s, const Channel& channel) {
  const int64_t values = s.samples * s.inner;
  parallel::parallel_for(s.channels, values ? kGrain / values : 1, [&](int64_t begin, int64_t end) {
    for (int64_t c = begin; c < end; ++c) channel(c);
  });
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

// The same for columns: all have seen count rows, and more come.
template <class C>
void join_columns(double count, double more, int64_t width, const C* their_mean, const C* their_squares,
                  double* mean, double* squares) {
  const double share = more / (count + more), weight = count * share;
#pragma GCC ivdep
  for (int64_t j = 0; j < width; ++j) {
    const double step = static_cast<double>(their_mean[j]) - mean[j];
    squares[j] += static_cast<double>(their_squares[j]) + step * step * weight;
    mean[j] += step * share;
  }
}

template <class T>
void column_moments(int64_t rows, int64_t columns, const T* x, double* mean, double* variance) {
  using C = compute_t<T>;
  const Blocks blocks(rows, columns);
  const Scratch memory(2 * blocks.blocks * columns, sizeof(double));
  double* found = static_cast<double*>(memory.get());
  blocks.each([&](int64_t block, int64_t first, int64_t last, int64_t column, int64_t width) {
    double *means = found + 2 * block * columns + column, *squares = means + columns;
    for (int64_t j = 0; j < width; ++j) means[j] = squares[j] = 0;
    tile_rows(first, last, [&](int64_t begin, int64_t end) {
      const T* from = x + column;
      C middle[kTile] = {}, square[kTile] = {};
      add_rows(begin, end, width, middle, [=](int64_t i, int64_t j) { return C(from[i * columns + j]); });
      for (int64_t j = 0; j < width; ++j) middle[j] /= C(end - begin);
      const C* middles = middle;
      add_rows(begin, end, width, square, [=](int64_t i, int64_t j) {
        const C step = C(from[i * columns + j]) - middles[j];
        return step * step;
      });
      join_columns(static_cast<double>(begin - first), static_cast<double>(end - begin), width, middle,
                   square, means, squares);
    });
  });
  for (int64_t j = 0; j < columns; ++j) mean[j] = variance[j] = 0;
  blocks.each_in_order([&](int64_t block, int64_t column, int64_t width) {
    const double *means = found + 2 * block * columns + column, *squares = means + columns;
    join_columns(static_cast<double>(block * blocks.height), static_cast<double>(blocks.rows_of(block)),
                 width, means, squares, mean + column, variance + column);
  });
  for (int64_t j = 0; j < columns; ++j) variance[j] /= static_cast<double>(rows);
}

template <class T>
void moments_of(const ChannelShape& s, const T* x, double* mean, double* variance) {
  if (s.inner == 1 && s.channels > 0) return column_moments(s.samples, s.channels, x, mean, variance);
  const double count = static_cast<double>(s.samples) * static_cast<double>(s.inner);
  each_channel(s, [&](int64_t c) {
    Moments moments;
    for (int64_t i = 0; i < s.samples; ++i) join_run(moments, x + (i * s.channels + c) * s.inner, s.inner);
    mean[c] = moments.mean;
    variance[c] = moments.squares / count;
  });
}

// y[i] = f(i, c) over runs of a channel c, or over tiles of the channels of some samples. There the last come
// first: the pass before, which found the statistics row by row, has left them in the cache.
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
                               f.across(s.samples - end, s.samples - begin, s.channels, channel,
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
  if (s.inner == 1) {
    const int64_t columns = s.channels;
    const Scratch memory(columns, sizeof(C));
    C* middle = static_cast<C*>(memory.get());
    for (int64_t j = 0; j < columns; ++j) middle[j] = C(mean[j]);
    return column_sums<C>(s.samples, columns, sum, product, [=](int64_t column) {
      const T *gi = g + column, *xi = x + column;
      const C* of_tile = middle + column;
      return [=](int64_t i, int64_t j) {
        const C gradient = C(gi[i * columns + j]);
        return Pair<C>{gradient, gradient * (C(xi[i * columns + j]) - of_tile[j])};
      };
    });
  }
  each_channel(s, [&](int64_t c) {
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
  });
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

template <class T>
void rows_sums_of(int64_t rows, int64_t n, const T* g, const T* x, const double* mean, const double* rstd,
                  double* weight, double* bias) {
  using C = compute_t<T>;
  column_sums<C>(rows, n, bias, weight, [=](int64_t column) {
    const T *gi = g + column, *xi = x + column;
    return [=](int64_t i, int64_t j) {
      const C gradient = C(gi[i * n + j]);
      return Pair<C>{gradient, gradient * ((C(xi[i * n + j]) - C(mean[i])) * C(rstd[i]))};
    };
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
