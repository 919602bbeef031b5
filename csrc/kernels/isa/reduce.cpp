// Reductions. A task reduces one chunk of n for one tile of inner; chunk results are then joined in order.
#include "kernels/reduce.h"

#include <cmath>
#include <cstdlib>
#include <type_traits>

#include "kernels/parallel.h"
#include "kernels/row_loops.h"
#include "kernels/simd.h"

namespace penlight::kernels::PENLIGHT_ISA {

namespace {

constexpr int64_t kChunk = 32768;  // elements of a task
constexpr int64_t kBlock = 512;    // rows or elements summed plainly before joining the running total
constexpr int64_t kTile = 1024;    // columns of a task: an accumulator row stays in L1
constexpr int kLanes = 32;         // accumulators of a contiguous row: two 512-bit registers of float

template <class T>
using Sum = std::conditional_t<std::is_integral_v<T>, int64_t, compute_t<T>>;

template <class T>
struct AddOf {
  using Acc = Sum<T>;
  static constexpr bool adds = true;
  static Acc init() { return 0; }
  static Acc load(T x) { return static_cast<Acc>(compute_t<T>(x)); }
  static Acc join(Acc a, Acc b) {
    if constexpr (std::is_integral_v<Acc>)
      return static_cast<Acc>(static_cast<uint64_t>(a) + static_cast<uint64_t>(b));
    else
      return a + b;
  }
};
template <class T>
struct AddSquaresOf : AddOf<T> {
  using Acc = Sum<T>;
  static Acc load(T x) { return static_cast<Acc>(compute_t<T>(x)) * static_cast<Acc>(compute_t<T>(x)); }
};
template <class T>
struct AddAbsOf : AddOf<T> {
  using Acc = Sum<T>;
  static Acc load(T x) {
    const Acc value = static_cast<Acc>(compute_t<T>(x));
    return value < 0 ? -value : value;
  }
};
template <class T>
struct MulOf {
  using Acc = Sum<T>;
  static Acc init() { return 1; }
  static Acc load(T x) { return static_cast<Acc>(compute_t<T>(x)); }
  static Acc join(Acc a, Acc b) {
    if constexpr (std::is_integral_v<Acc>)
      return static_cast<Acc>(static_cast<uint64_t>(a) * static_cast<uint64_t>(b));
    else
      return a * b;
  }
};
// The first element is the start: a chunk is never empty.
template <class T, bool kMax>
struct ExtremeOf {
  using Acc = compute_t<T>;
  static Acc init() {
    if constexpr (std::is_floating_point_v<Acc>)
      return kMax ? Acc(-INFINITY) : Acc(INFINITY);
    else if constexpr (std::is_same_v<Acc, bool>)
      return !kMax;
    else if constexpr (std::is_signed_v<Acc>) {
      constexpr Acc lowest = static_cast<Acc>(uint64_t(1) << (sizeof(Acc) * 8 - 1));
      return kMax ? lowest : static_cast<Acc>(~lowest);
    } else {
      return kMax ? Acc(0) : static_cast<Acc>(~Acc(0));
    }
  }
  static Acc load(T x) { return Acc(x); }
  static Acc join(Acc a, Acc b) {
    if constexpr (std::is_floating_point_v<Acc>) {
      const Acc better = kMax ? (a > b ? a : b) : (a < b ? a : b);
      return a != a ? a : b != b ? b : better;
    } else {
      return kMax ? (a > b ? a : b) : (a < b ? a : b);
    }
  }
};
template <class T, bool kAll>
struct LogicOf {
  using Acc = bool;
  static Acc init() { return kAll; }
  static Acc load(T x) { return compute_t<T>(x) != 0; }
  static Acc join(Acc a, Acc b) { return kAll ? a && b : a || b; }
};

// One contiguous row: lanes, joined pairwise.
template <class R, class T>
PENLIGHT_STREAMING typename R::Acc reduce_row(const T* x, int64_t n) {
  using Acc = typename R::Acc;
  Acc total = R::init();
  while (n > 0) {
    const int64_t block = n < kBlock * kLanes ? n : kBlock * kLanes;
    Acc lanes[kLanes];
    for (int j = 0; j < kLanes; ++j) lanes[j] = R::init();
    int64_t i = 0;
    for (; i + kLanes <= block; i += kLanes)
      for (int j = 0; j < kLanes; ++j) lanes[j] = R::join(lanes[j], R::load(x[i + j]));
    for (int j = 0; i < block; ++i, ++j) lanes[j] = R::join(lanes[j], R::load(x[i]));
#pragma GCC unroll 8
    for (int half = kLanes / 2; half > 0; half /= 2)
      for (int j = 0; j < half; ++j) lanes[j] = R::join(lanes[j], lanes[j + half]);
    total = R::join(total, lanes[0]);
    x += block;
    n -= block;
  }
  return total;
}

// Columns: rows of a tile added onto an accumulator row.
template <class R, class T>
void reduce_columns(const T* x, int64_t n, int64_t stride, int64_t columns, typename R::Acc* total) {
  using Acc = typename R::Acc;
  Acc part[kTile];
  for (int64_t j = 0; j < columns; ++j) total[j] = R::init();
  for (int64_t first = 0; first < n; first += kBlock) {
    const int64_t last = n - first < kBlock ? n : first + kBlock;
    for (int64_t j = 0; j < columns; ++j) part[j] = R::init();
    int64_t i = first;
    // Sums of floats: four rows for each time they are loaded and stored.
    if constexpr (std::is_floating_point_v<T> && requires { R::adds; }) {
      for (; i + 4 <= last; i += 4) {
        const T* row = x + i * stride;
#pragma GCC ivdep
        for (int64_t j = 0; j < columns; ++j) {
          const T* at = row + j;
          Acc sum = part[j];
#pragma GCC unroll 4
          for (int k = 0; k < 4; ++k) sum = R::join(sum, R::load(at[k * stride]));
          part[j] = sum;
        }
      }
    }
    for (; i < last; ++i) {
      const T* row = x + i * stride;
#pragma GCC ivdep
      for (int64_t j = 0; j < columns; ++j) part[j] = R::join(part[j], R::load(row[j]));
    }
    for (int64_t j = 0; j < columns; ++j) total[j] = R::join(total[j], part[j]);
  }
}

// The extreme of a run of numbers, found without looking at NaN, of which there may be some: one comparison
// of two numbers tells whether either is.
template <bool kMax, class T>
[[gnu::noinline]] PENLIGHT_STREAMING T extreme_number(const T* x, int64_t n, bool* nan) {
  constexpr int64_t width = 256 / sizeof(T), half = width / 2;
  using Flag = std::conditional_t<sizeof(T) == 8, int64_t, int32_t>;
  T lanes[width];
  Flag others[half];
  const auto better = [](T a, T b) { return (kMax ? a > b : a < b) ? a : b; };
  if (n >= width)
    for (int64_t j = 0; j < width; ++j) lanes[j] = x[j];
  else
    for (int64_t j = 0; j < width; ++j) lanes[j] = x[j < n ? j : 0];
  const auto not_numbers = [](T a, T b) -> Flag {
    if constexpr (std::is_floating_point_v<T>)
      return __builtin_isunordered(a, b);
    else
      return 0;
  };
  for (int64_t j = 0; j < half; ++j) others[j] = not_numbers(lanes[j], lanes[j + half]);
  int64_t i = width;
  for (; i + width <= n; i += width)
    for (int64_t j = 0; j < half; ++j) {
      const T one = x[i + j], other = x[i + j + half];
      lanes[j] = better(one, lanes[j]);
      lanes[j + half] = better(other, lanes[j + half]);
      others[j] |= not_numbers(one, other);
    }
  for (; i < n; ++i) {
    lanes[0] = better(x[i], lanes[0]);
    others[0] |= not_numbers(x[i], x[i]);
  }
  constexpr int64_t quarter = width / 4;
  for (int64_t j = 0; j < quarter; ++j) {
    lanes[j] =
        better(better(lanes[j], lanes[j + quarter]), better(lanes[j + 2 * quarter], lanes[j + 3 * quarter]));
  }
  Flag any = 0;
  for (int64_t j = 0; j < half; ++j) any |= others[j];
  *nan = any != 0;
  return Vec<T, quarter>::load(lanes).fold(
      [](auto a, auto b) { return decltype(a){(kMax ? a.v > b.v : a.v < b.v) ? a.v : b.v}; });
}

// The types whose extremes and places are found by the run.
template <class T>
inline constexpr bool compares_plainly = !std::is_same_v<T, bool> && std::is_same_v<T, compute_t<T>>;

template <class R, class T>
typename R::Acc reduce_run(const T* x, int64_t n) {
  constexpr bool is_max = std::is_same_v<R, ExtremeOf<T, true>>,
                 is_min = std::is_same_v<R, ExtremeOf<T, false>>;
  if constexpr ((is_max || is_min) && compares_plainly<T>) {
    bool nan;
    const T found = extreme_number<is_max>(x, n, &nan);
    if (!nan) return found;
    for (int64_t i = 0; i < n; ++i)
      if (x[i] != x[i]) return x[i];
  }
  return reduce_row<R>(x, n);
}

// The place of the first extreme, or of the first NaN.
template <bool kMax, class T>
int64_t extreme_place(const T* x, int64_t n) {
  bool nan;
  const T found = extreme_number<kMax>(x, n, &nan);
  constexpr int64_t width = 64;
  int64_t i = 0;
  for (; i + width <= n; i += width) {
    int hits = 0;
    for (int64_t j = 0; j < width; ++j) hits |= nan ? x[i + j] != x[i + j] : x[i + j] == found;
    if (hits) break;
  }
  while (i < n - 1 && !(nan ? x[i] != x[i] : x[i] == found)) ++i;
  return i;
}

template <class R, class T, class Out>
bool reduce_with(const ReduceShape& s, const T* in, Out* out) {
  using Acc = typename R::Acc;
  const int64_t results = s.outer * s.inner;
  if (results == 0) return true;
  if (s.n == 0) {
    for (int64_t i = 0; i < results; ++i) out[i] = Out(R::init());
    return true;
  }
  const int64_t rows = s.inner == 1 ? kChunk : (kChunk / s.inner > 128 ? kChunk / s.inner : 128);
  const int64_t chunks = (s.n + rows - 1) / rows;
  if (s.inner == 1 && chunks == 1) {
    const int64_t grain = kChunk / s.n > 0 ? kChunk / s.n : 1;
    parallel::parallel_for(s.outer, grain, [&](int64_t begin, int64_t end) {
      for (int64_t o = begin; o < end; ++o) out[o] = Out(reduce_run<R>(in + o * s.n, s.n));
    });
    return true;
  }
  const int64_t tiles = (s.inner + kTile - 1) / kTile;
  Acc* partial =
      static_cast<Acc*>(std::malloc(static_cast<size_t>(s.outer * chunks * s.inner) * sizeof(Acc)));
  if (!partial) return false;
  const int64_t work = rows * (s.inner < kTile ? s.inner : kTile);
  parallel::parallel_for(
      s.outer * chunks * tiles, work >= kChunk ? 1 : kChunk / work, [&](int64_t begin, int64_t end) {
        for (int64_t task = begin; task < end; ++task) {
          const int64_t tile = task % tiles, chunk = task / tiles % chunks, o = task / tiles / chunks;
          const int64_t first = chunk * rows, count = s.n - first < rows ? s.n - first : rows;
          const int64_t column = tile * kTile, columns = s.inner - column < kTile ? s.inner - column : kTile;
          const T* x = in + (o * s.n + first) * s.inner + column;
          Acc* result = partial + (o * chunks + chunk) * s.inner + column;
          if (s.inner == 1)
            *result = reduce_run<R>(x, count);
          else
            reduce_columns<R>(x, count, s.inner, columns, result);
        }
      });
  for (int64_t o = 0; o < s.outer; ++o) {
    Acc* p = partial + o * chunks * s.inner;
    // Joined as a balanced tree over the chunks.
    for (int64_t step = 1; step < chunks; step *= 2)
      for (int64_t c = 0; c + step < chunks; c += 2 * step)
        for (int64_t j = 0; j < s.inner; ++j)
          p[c * s.inner + j] = R::join(p[c * s.inner + j], p[(c + step) * s.inner + j]);
    for (int64_t j = 0; j < s.inner; ++j) out[o * s.inner + j] = Out(p[j]);
  }
  std::free(partial);
  return true;
}

template <class T>
bool reduce_type(ReduceOp op, const ReduceShape& s, const void* in, void* out) {
  using SumOut = std::conditional_t<std::is_integral_v<T>, int64_t, T>;
  const T* x = static_cast<const T*>(in);
  switch (op) {
    case ReduceOp::sum:
      return reduce_with<AddOf<T>>(s, x, static_cast<SumOut*>(out));
    case ReduceOp::prod:
      return reduce_with<MulOf<T>>(s, x, static_cast<SumOut*>(out));
    case ReduceOp::sum_squares:
      return reduce_with<AddSquaresOf<T>>(s, x, static_cast<SumOut*>(out));
    case ReduceOp::sum_abs:
      return reduce_with<AddAbsOf<T>>(s, x, static_cast<SumOut*>(out));
    case ReduceOp::max:
      return reduce_with<ExtremeOf<T, true>>(s, x, static_cast<T*>(out));
    case ReduceOp::min:
      return reduce_with<ExtremeOf<T, false>>(s, x, static_cast<T*>(out));
    case ReduceOp::all:
      return reduce_with<LogicOf<T, true>>(s, x, static_cast<bool*>(out));
    case ReduceOp::any:
      return reduce_with<LogicOf<T, false>>(s, x, static_cast<bool*>(out));
  }
  return false;
}

// Neighbouring columns, a tile at a time.
template <class T, bool kMax>
void arg_reduce_columns(const ReduceShape& s, const T* x, T* values, int64_t* places) {
  using C = compute_t<T>;
  constexpr int64_t width = 256;
  const int64_t tiles = (s.inner + width - 1) / width;
  parallel::parallel_for(s.outer * tiles, 1, [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; ++task) {
      const int64_t o = task / tiles, column = task % tiles * width;
      const int64_t count = s.inner - column < width ? s.inner - column : width;
      const T* from = x + o * s.n * s.inner + column;
      C best[width];
      int64_t place[width];
      for (int64_t j = 0; j < count; ++j) best[j] = C(from[j]), place[j] = 0;
      for (int64_t i = 1; i < s.n; ++i) {
        const T* row = from + i * s.inner;
        for (int64_t j = 0; j < count; ++j) {
          const C value = C(row[j]);
          const bool better = kMax ? value > best[j] : value < best[j];
          const bool take = (better | (value != value)) & (best[j] == best[j]);
          best[j] = take ? value : best[j];
          place[j] = take ? i : place[j];
        }
      }
      const int64_t at = o * s.inner + column;
      for (int64_t j = 0; j < count; ++j) {
        if (values) values[at + j] = from[place[j] * s.inner + j];
        if (places) places[at + j] = place[j];
      }
    }
  });
}

template <class T, bool kMax>
void arg_reduce_type(const ReduceShape& s, const T* x, T* values, int64_t* places) {
  using C = compute_t<T>;
  if (s.inner >= 8) return arg_reduce_columns<T, kMax>(s, x, values, places);
  const int64_t grain = kChunk / (s.n > 0 ? s.n : 1) > 0 ? kChunk / (s.n > 0 ? s.n : 1) : 1;
  parallel::parallel_for(s.outer * s.inner, grain, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      const T* at = x + r / s.inner * s.n * s.inner + r % s.inner;
      if constexpr (compares_plainly<T>) {
        if (s.inner == 1) {
          const int64_t place = extreme_place<kMax>(at, s.n);
          if (values) values[r] = at[place];
          if (places) places[r] = place;
          continue;
        }
      }
      C best = C(at[0]);
      int64_t place = 0;
      for (int64_t i = 1; i < s.n && best == best; ++i) {
        const C value = C(at[i * s.inner]);
        if (value != value || (kMax ? value > best : value < best)) {
          best = value;
          place = i;
        }
      }
      if (values) values[r] = at[place * s.inner];
      if (places) places[r] = place;
    }
  });
}

// Neighbouring columns, a tile at a time.
template <class T, class R>
void scan_columns(const ReduceShape& s, const T* x, T* out) {
  using Acc = typename R::Acc;
  constexpr int64_t width = 256;
  const int64_t tiles = (s.inner + width - 1) / width;
  parallel::parallel_for(s.outer * tiles, 1, [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; ++task) {
      const int64_t column = task % tiles * width;
      const int64_t count = s.inner - column < width ? s.inner - column : width;
      const int64_t start = task / tiles * s.n * s.inner + column;
      Acc total[width];
      for (int64_t j = 0; j < count; ++j) total[j] = R::init();
      for (int64_t i = 0; i < s.n; ++i) {
        const T* from = x + start + i * s.inner;
        T* to = out + start + i * s.inner;
#pragma GCC ivdep
        for (int64_t j = 0; j < count; ++j) {
          total[j] = R::join(total[j], R::load(from[j]));
          to[j] = T(total[j]);
        }
      }
    }
  });
}

template <class T, class R>
void scan_type(const ReduceShape& s, const T* x, T* out) {
  if (s.inner >= 8) return scan_columns<T, R>(s, x, out);
  const int64_t grain = kChunk / (s.n > 0 ? s.n : 1) > 0 ? kChunk / (s.n > 0 ? s.n : 1) : 1;
  parallel::parallel_for(s.outer * s.inner, grain, [&](int64_t begin, int64_t end) {
    for (int64_t r = begin; r < end; ++r) {
      const int64_t start = r / s.inner * s.n * s.inner + r % s.inner;
      typename R::Acc total = R::init();
      for (int64_t i = 0; i < s.n; ++i) {
        total = R::join(total, R::load(x[start + i * s.inner]));
        out[start + i * s.inner] = T(total);
      }
    }
  });
}

template <class F>
bool visit(DType dtype, F f) {
  switch (dtype) {
    case DType::u8:
      return f(TypeTag<uint8_t>{});
    case DType::i8:
      return f(TypeTag<int8_t>{});
    case DType::i16:
      return f(TypeTag<int16_t>{});
    case DType::i32:
      return f(TypeTag<int32_t>{});
    case DType::i64:
      return f(TypeTag<int64_t>{});
    case DType::f16:
      return f(TypeTag<Half>{});
    case DType::bf16:
      return f(TypeTag<BFloat16>{});
    case DType::f32:
      return f(TypeTag<float>{});
    case DType::f64:
      return f(TypeTag<double>{});
    case DType::boolean:
      return f(TypeTag<bool>{});
  }
  return false;
}

bool reduce_any(ReduceOp op, DType dtype, const ReduceShape& shape, const void* in, void* out) {
  return visit(dtype,
               [&](auto tag) { return reduce_type<typename decltype(tag)::type>(op, shape, in, out); });
}

bool arg_reduce(ReduceOp op, DType dtype, const ReduceShape& shape, const void* in, void* values,
                int64_t* places) {
  if (op != ReduceOp::max && op != ReduceOp::min) return false;
  return visit(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    if (op == ReduceOp::max)
      arg_reduce_type<T, true>(shape, static_cast<const T*>(in), static_cast<T*>(values), places);
    else
      arg_reduce_type<T, false>(shape, static_cast<const T*>(in), static_cast<T*>(values), places);
    return true;
  });
}

bool scan(ScanOp op, DType dtype, const ReduceShape& shape, const void* in, void* out) {
  return visit(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    if constexpr (std::is_same_v<T, bool>) {
      return false;
    } else {
      if (op == ScanOp::sum)
        scan_type<T, AddOf<T>>(shape, static_cast<const T*>(in), static_cast<T*>(out));
      else
        scan_type<T, MulOf<T>>(shape, static_cast<const T*>(in), static_cast<T*>(out));
      return true;
    }
  });
}

}  // namespace

extern constexpr ReduceKernels reduce_kernels = {reduce_any, arg_reduce, scan};

}  // namespace penlight::kernels::PENLIGHT_ISA
