#include "kernels/conv_fold.h"

#include <algorithm>

#include "kernels/parallel.h"

namespace penlight::kernels {

namespace {

bool inside(int64_t position, int64_t size) {
  return position >= 0 && position < size;
}

// Adds one padded row to the row it is read from, or overwrites that with the row's middle first.
template <class T>
void fold_row(PaddingMode mode, int64_t pad, int64_t padded, int64_t size, const T* from, T* to,
              bool overwrite) {
  if (overwrite)
    std::copy_n(from + pad, size, to);
  else
    for (int64_t x = 0; x < size; ++x) to[x] += from[pad + x];
  for (int64_t x = 0; x < pad; ++x) to[padded_source(mode, x - pad, size)] += from[x];
  for (int64_t x = pad + size; x < padded; ++x) to[padded_source(mode, x - pad, size)] += from[x];
}

}  // namespace

template <class T>
void fold_padding(const ConvGeometry& g, const int64_t (&padded_size)[3], int64_t planes, const T* padded,
                  T* folded) {
  const int64_t padded_plane = padded_size[0] * padded_size[1] * padded_size[2], plane = g.input_plane();
  parallel::parallel_for(planes, 1 + 16384 / (padded_plane + 1), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      // Every row is overwritten by its own first; then come those from outside.
      for (const bool own : {true, false})
        for (int64_t z = 0; z < padded_size[0]; ++z)
          for (int64_t y = 0; y < padded_size[1]; ++y) {
            const int64_t at_z = z - g.pad[0], at_y = y - g.pad[1];
            if ((inside(at_z, g.input[0]) && inside(at_y, g.input[1])) != own) continue;
            const int64_t to_z = padded_source(g.mode, at_z, g.input[0]),
                          to_y = padded_source(g.mode, at_y, g.input[1]);
            fold_row(g.mode, g.pad[2], padded_size[2], g.input[2],
                     padded + i * padded_plane + (z * padded_size[1] + y) * padded_size[2],
                     folded + i * plane + (to_z * g.input[1] + to_y) * g.input[2], own);
          }
  });
}

template void fold_padding(const ConvGeometry&, const int64_t (&)[3], int64_t, const float*, float*);
template void fold_padding(const ConvGeometry&, const int64_t (&)[3], int64_t, const double*, double*);

}  // namespace penlight::kernels
