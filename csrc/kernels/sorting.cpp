// Every element becomes a key: an unsigned integer in the order of the elements, with one key for all NaNs
// and one for both zeros. A row is sorted as pairs of key and index: by a radix sort on bytes, least
// significant first, for long rows, by the standard library's merge sort for short ones.
#include "kernels/sorting.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <limits>
#include <new>
#include <numeric>
#include <type_traits>
#include <utility>
#include <vector>

#include "kernels/parallel.h"

namespace penlight::kernels {

namespace {

template <class T>
using key_t = typename UnsignedOf<sizeof(T)>::type;

template <class T>
constexpr bool has_nan =
    std::is_floating_point_v<T> || std::is_same_v<T, Half> || std::is_same_v<T, BFloat16>;

template <class T>
key_t<T> key_of(T value) {
  using Key = key_t<T>;
  constexpr Key sign = Key(1) << (8 * sizeof(Key) - 1);
  if constexpr (has_nan<T>) {
    const compute_t<T> number = value;
    if (number != number) return std::numeric_limits<Key>::max();
    if (number == 0) return sign;
    Key bits;
    std::memcpy(&bits, &value, sizeof bits);
    return bits & sign ? static_cast<Key>(~bits) : static_cast<Key>(bits | sign);
  } else if constexpr (std::is_same_v<T, bool> || std::is_unsigned_v<T>) {
    return static_cast<Key>(value);
  } else {
    return static_cast<Key>(static_cast<Key>(value) ^ sign);
  }
}

template <class Key, class Index>
struct Entry {
  Key key;
  Index index;
};

// Sorts entries stably by key; the result is left in entries. spare has the same size.
template <class Key, class Index>
void radix_sort(std::vector<Entry<Key, Index>>& entries, std::vector<Entry<Key, Index>>& spare) {
  const std::size_t n = entries.size();
  std::vector<std::size_t> counts(256 * sizeof(Key), 0);
  for (const auto& entry : entries)
    for (std::size_t byte = 0; byte < sizeof(Key); ++byte)
      ++counts[256 * byte + (static_cast<std::size_t>(entry.key >> (8 * byte)) & 255)];
  for (std::size_t byte = 0; byte < sizeof(Key); ++byte) {
    std::size_t* count = counts.data() + 256 * byte;
    const auto digit = [byte](Key key) { return static_cast<std::size_t>(key >> (8 * byte)) & 255; };
    if (count[digit(entries[0].key)] == n) continue;  // the same byte everywhere
    std::size_t start = 0;
    for (int d = 0; d < 256; ++d) start += std::exchange(count[d], start);
    for (const auto& entry : entries) spare[count[digit(entry.key)]++] = entry;
    entries.swap(spare);
  }
}

template <class Key, class Index>
void sort_entries(std::vector<Entry<Key, Index>>& entries, std::vector<Entry<Key, Index>>& spare) {
  constexpr std::size_t radix_pays_from = 256;
  if (entries.size() >= radix_pays_from) {
    spare.resize(entries.size());
    radix_sort(entries, spare);
  } else {
    std::stable_sort(entries.begin(), entries.end(),
                     [](const auto& a, const auto& b) { return a.key < b.key; });
  }
}

// Calls body(row's first element, row number, scratch) for all rows, spread over threads; each chunk of rows
// makes one Scratch. A lack of memory in a chunk is raised once all are done.
template <class Scratch, class Body>
void for_rows(RowShape shape, Body body) {
  if (shape.n == 0) return;
  std::atomic<bool> out_of_memory{false};
  const int64_t grain = std::max<int64_t>(1, 4096 / shape.n);
  parallel::parallel_for(shape.outer * shape.inner, grain, [&](int64_t begin, int64_t end) {
    try {
      Scratch scratch;
      for (int64_t row = begin; row < end; ++row)
        body(row / shape.inner * shape.n * shape.inner + row % shape.inner, row, scratch);
    } catch (const std::bad_alloc&) {
      out_of_memory = true;
    }
  });
  if (out_of_memory) throw std::bad_alloc();
}

template <class Key, class Index>
struct EntryScratch {
  std::vector<Entry<Key, Index>> entries, spare;
};

// Fills entries with a row's keys, complemented where the order is to be descending.
template <class T, class Index>
void fill_entries(const T* row, RowShape shape, bool descending,
                  std::vector<Entry<key_t<T>, Index>>& entries) {
  const key_t<T> flip = descending ? std::numeric_limits<key_t<T>>::max() : 0;
  entries.resize(static_cast<std::size_t>(shape.n));
  for (int64_t j = 0; j < shape.n; ++j)
    entries[static_cast<std::size_t>(j)] = {static_cast<key_t<T>>(key_of(row[j * shape.inner]) ^ flip),
                                            static_cast<Index>(j)};
}

template <class T, class Index>
void sort_typed(const T* in, RowShape shape, bool descending, T* values, int64_t* indices) {
  for_rows<EntryScratch<key_t<T>, Index>>(shape, [=](int64_t first, int64_t, auto& scratch) {
    fill_entries<T>(in + first, shape, descending, scratch.entries);
    sort_entries(scratch.entries, scratch.spare);
    for (int64_t j = 0; j < shape.n; ++j) {
      const int64_t index = static_cast<int64_t>(scratch.entries[static_cast<std::size_t>(j)].index);
      indices[first + j * shape.inner] = index;
      if (values) values[first + j * shape.inner] = in[first + index * shape.inner];
    }
  });
}

template <class T>
void topk_typed(const T* in, RowShape shape, int64_t k, bool largest, T* values, int64_t* indices) {
  if (k == 0) return;
  for_rows<EntryScratch<key_t<T>, int64_t>>(shape, [=](int64_t first, int64_t row, auto& scratch) {
    auto& entries = scratch.entries;
    fill_entries<T>(in + first, shape, largest, entries);
    const auto less = [](const auto& a, const auto& b) { return a.key < b.key; };
    if (k * 64 <= shape.n) {
      std::partial_sort(entries.begin(), entries.begin() + k, entries.end(), less);
    } else {
      std::nth_element(entries.begin(), entries.begin() + (k - 1), entries.end(), less);
      std::sort(entries.begin(), entries.begin() + (k - 1), less);
    }
    const int64_t out = row / shape.inner * k * shape.inner + row % shape.inner;
    for (int64_t j = 0; j < k; ++j) {
      const int64_t index = entries[static_cast<std::size_t>(j)].index;
      indices[out + j * shape.inner] = index;
      values[out + j * shape.inner] = in[first + index * shape.inner];
    }
  });
}

// C. Hoare's selection with the median of three as pivot and scans that stop at equal keys (R. Sedgewick,
// "Implementing quicksort programs", 1978): afterwards entry k is the one that sorting would put there.
template <class E>
void select(std::vector<E>& entries, std::size_t k) {
  const auto order = [&](std::size_t a, std::size_t b) {
    if (entries[a].key > entries[b].key) std::swap(entries[a], entries[b]);
  };
  std::size_t low = 0, high = entries.size() - 1;
  while (low + 1 < high) {
    // The least of three to low + 1, the greatest to high, the median to low, as pivot and as guards of the
    // scans.
    std::swap(entries[low + (high - low) / 2], entries[low + 1]);
    order(low + 1, high);
    order(low, high);
    order(low + 1, low);
    const auto pivot = entries[low].key;
    std::size_t i = low + 1, j = high;
    for (;;) {
      while (entries[++i].key < pivot) {
      }
      while (entries[--j].key > pivot) {
      }
      if (j < i) break;
      std::swap(entries[i], entries[j]);
    }
    std::swap(entries[low], entries[j]);
    if (j == k) return;
    if (j < k)
      low = i;
    else
      high = j - 1;
  }
  if (low + 1 == high) order(low, high);
}

template <class T>
void kth_typed(const T* in, RowShape shape, int64_t k, T* values, int64_t* indices) {
  for_rows<EntryScratch<key_t<T>, int64_t>>(shape, [=](int64_t first, int64_t row, auto& scratch) {
    fill_entries<T>(in + first, shape, false, scratch.entries);
    select(scratch.entries, static_cast<std::size_t>(k));
    indices[row] = scratch.entries[static_cast<std::size_t>(k)].index;
    values[row] = in[first + indices[row] * shape.inner];
  });
}

template <class T>
void median_typed(const T* in, RowShape shape, bool ignore_nan, T* values, int64_t* indices) {
  for_rows<EntryScratch<key_t<T>, int64_t>>(shape, [=](int64_t first, int64_t row, auto& scratch) {
    auto& entries = scratch.entries;
    fill_entries<T>(in + first, shape, false, entries);
    const auto is_nan = [](const auto& entry) {
      return has_nan<T> && entry.key == std::numeric_limits<key_t<T>>::max();
    };
    const auto nan = std::find_if(entries.begin(), entries.end(), is_nan);
    int64_t index;
    if (nan != entries.end() && !ignore_nan) {
      index = nan->index;
    } else {
      const int64_t nans = std::count_if(nan, entries.end(), is_nan);
      const auto middle = entries.begin() + (std::max<int64_t>(shape.n - nans, 1) - 1) / 2;
      std::nth_element(entries.begin(), middle, entries.end(), [](const auto& a, const auto& b) {
        return a.key != b.key ? a.key < b.key : a.index < b.index;
      });
      index = middle->index;
    }
    indices[row] = index;
    values[row] = in[first + index * shape.inner];
  });
}

template <class T>
void mode_typed(const T* in, RowShape shape, T* values, int64_t* indices) {
  for_rows<EntryScratch<key_t<T>, int64_t>>(shape, [=](int64_t first, int64_t row, auto& scratch) {
    auto& entries = scratch.entries;
    fill_entries<T>(in + first, shape, false, entries);
    sort_entries(entries, scratch.spare);
    std::size_t best_count = 0, last = 0;
    for (std::size_t start = 0, end = 0; start < entries.size(); start = end) {
      while (end < entries.size() && entries[end].key == entries[start].key) ++end;
      if (end - start > best_count) {
        best_count = end - start;
        last = end - 1;
      }
    }
    indices[row] = entries[last].index;
    values[row] = in[first + indices[row] * shape.inner];
  });
}

template <class T>
void search_typed(const T* boundaries, const T* values, SearchShape shape, bool right, const int64_t* sorter,
                  int64_t* out) {
  parallel::parallel_for(shape.rows * shape.width, 1024, [=](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t start = shape.shared ? 0 : i / shape.width * shape.n;
      const compute_t<T> value = values[i];
      int64_t low = 0, high = shape.n;
      while (low < high) {
        const int64_t middle = low + (high - low) / 2;
        const compute_t<T> bound = boundaries[start + (sorter ? sorter[start + middle] : middle)];
        if (right ? bound > value : bound >= value)
          high = middle;
        else
          low = middle + 1;
      }
      out[i] = low;
    }
  });
}

template <class T>
int64_t unique_typed(const T* in, int64_t rows, int64_t width, bool consecutive, int64_t* representative,
                     int64_t* inverse, int64_t* counts) {
  const auto equal = [=](int64_t a, int64_t b) {
    return std::equal(in + a * width, in + (a + 1) * width, in + b * width,
                      [](const T& x, const T& y) { return compute_t<T>(x) == compute_t<T>(y); });
  };
  std::vector<int64_t> order(static_cast<std::size_t>(rows));
  if (width == 1 && !consecutive) {
    sort_rows(DTypeOf<T>::value, in, {1, rows, 1}, false, nullptr, order.data());
  } else {
    std::iota(order.begin(), order.end(), int64_t(0));
    if (!consecutive)
      std::stable_sort(order.begin(), order.end(), [=](int64_t a, int64_t b) {
        return std::lexicographical_compare(in + a * width, in + (a + 1) * width, in + b * width,
                                            in + (b + 1) * width,
                                            [](const T& x, const T& y) { return key_of(x) < key_of(y); });
      });
  }
  int64_t groups = 0;
  for (std::size_t i = 0; i < order.size(); ++i) {
    if (i == 0 || !equal(order[i - 1], order[i])) {
      counts[groups] = 0;
      representative[groups++] = order[i];
    }
    inverse[order[i]] = groups - 1;
    ++counts[groups - 1];
  }
  return groups;
}

}  // namespace

void sort_rows(DType dtype, const void* in, RowShape shape, bool descending, void* values, int64_t* indices) {
  visit_dtype(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    const bool narrow = shape.n <= std::numeric_limits<uint32_t>::max();
    (narrow ? sort_typed<T, uint32_t> : sort_typed<T, uint64_t>)(static_cast<const T*>(in), shape, descending,
                                                                 static_cast<T*>(values), indices);
  });
}

void topk_rows(DType dtype, const void* in, RowShape shape, int64_t k, bool largest, void* values,
               int64_t* indices) {
  visit_dtype(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    topk_typed(static_cast<const T*>(in), shape, k, largest, static_cast<T*>(values), indices);
  });
}

void kth_rows(DType dtype, const void* in, RowShape shape, int64_t k, void* values, int64_t* indices) {
  visit_dtype(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    kth_typed(static_cast<const T*>(in), shape, k, static_cast<T*>(values), indices);
  });
}

void median_rows(DType dtype, const void* in, RowShape shape, bool ignore_nan, void* values,
                 int64_t* indices) {
  visit_dtype(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    median_typed(static_cast<const T*>(in), shape, ignore_nan, static_cast<T*>(values), indices);
  });
}

void mode_rows(DType dtype, const void* in, RowShape shape, void* values, int64_t* indices) {
  visit_dtype(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    mode_typed(static_cast<const T*>(in), shape, static_cast<T*>(values), indices);
  });
}

void search_sorted(DType dtype, const void* boundaries, const void* values, SearchShape shape, bool right,
                   const int64_t* sorter, int64_t* out) {
  visit_dtype(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    search_typed(static_cast<const T*>(boundaries), static_cast<const T*>(values), shape, right, sorter, out);
  });
}

int64_t unique_rows(DType dtype, const void* in, int64_t rows, int64_t width, bool consecutive,
                    int64_t* representative, int64_t* inverse, int64_t* counts) {
  return visit_dtype(dtype, [&](auto tag) {
    using T = typename decltype(tag)::type;
    return unique_typed(static_cast<const T*>(in), rows, width, consecutive, representative, inverse, counts);
  });
}

}  // namespace penlight::kernels
