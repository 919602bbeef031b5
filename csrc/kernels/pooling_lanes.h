// Max pooling with a lane for each plane (conv_lanes.h): for planes of short rows, whose windows then cost a
// load for each value whatever their shape.
#pragma once

#include "kernels/conv_lanes.h"
#include "kernels/pooling_pairs.h"

namespace penlight::kernels::PENLIGHT_ISA {

// What every output of a plane meets: places[tap * outputs + output].
struct MetPlaces {
  const int32_t* places;
  int64_t taps, outputs, input_plane;
};

// Memory for one block of planes.
template <class T>
struct PoolingLanes {
  using P = Pairs<T>;
  using V = Native<T>;
  using Int = typename P::Int;
  static constexpr int64_t L = lanes<T>;
  static constexpr int64_t most_bytes = 160 * 1024;

  static int64_t memory(const MetPlaces& m) {  // in bytes
    return (m.input_plane + 2 * m.outputs) * L * static_cast<int64_t>(sizeof(T)) +
           m.outputs * L * static_cast<int64_t>(sizeof(int32_t));
  }
  T* values;
  T* best;
  Int* index;
  int32_t* turned;

  PoolingLanes(const MetPlaces& m, void* from)
      : values(static_cast<T*>(from)),
        best(values + m.input_plane * L),
        index(reinterpret_cast<Int*>(best + m.outputs * L)),
        turned(reinterpret_cast<int32_t*>(index + m.outputs * L)) {}

  // Planes [0, count), at most L of them. indices may be null.
  void run(const MetPlaces& m, const T* input, int64_t count, T* output, int64_t* indices) {
    const T* planes[L];
    T* targets[L];
    for (int64_t l = 0; l < L; ++l) {
      planes[l] = input + smaller(l, count - 1) * m.input_plane;  // lanes without a plane repeat the last
      targets[l] = output + smaller(l, count - 1) * m.outputs;
    }
    to_lanes(planes, 0, m.input_plane, values, m.input_plane, m.input_plane);
    for (int64_t o = 0; o < m.outputs; ++o) {
      int32_t at = m.places[o];
      V most = V::load(values + at * L);
      typename P::Places where = typename P::Places{} + static_cast<Int>(at);
      for (int64_t t = 1; t < m.taps; ++t) {
        at = m.places[t * m.outputs + o];
        P::take_larger(V::load(values + at * L), typename P::Places{} + static_cast<Int>(at), most, where);
      }
      most.store(best + o * L);
      __builtin_memcpy(index + o * L, &where, sizeof(where));
    }
    from_lanes(best, m.outputs, count, targets, 0);
    if (!indices) return;
    if constexpr (sizeof(Int) == sizeof(int64_t)) {
      int64_t* to[L];
      for (int64_t l = 0; l < L; ++l) to[l] = indices + smaller(l, count - 1) * m.outputs;
      from_lanes<int64_t>(index, m.outputs, count, to, 0);
    } else {
      int32_t* to[L];
      for (int64_t l = 0; l < L; ++l) to[l] = turned + l * m.outputs;
      from_lanes<int32_t>(index, m.outputs, count, to, 0);
      for (int64_t i = 0; i < count * m.outputs; ++i) indices[i] = turned[i];
    }
  }
};

}  // namespace penlight::kernels::PENLIGHT_ISA
