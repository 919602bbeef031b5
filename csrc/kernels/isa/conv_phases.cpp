// The phases of a strided convolution's input: dealing positions out, and bringing them together again.
#include "kernels/conv_phases.h"

#include "kernels/conv_gather.h"
#include "kernels/parallel.h"
#include "kernels/whole_numbers.h"

namespace penlight::kernels::PENLIGHT_ISA {

namespace {

// Which values of phase h lie in the input: [first, last) of `length`.
struct Inside {
  int64_t at, first, last;  // value 0's position
  Inside(const PhaseAxis& axis, int64_t h, int64_t length) : at(h * axis.dilation + axis.offset) {
    first = first_not_below(0, at, axis.stride, length);
    last = first_not_below(axis.size, at, axis.stride, length);
  }
};

// body(hz, hy, hx), outermost first.
template <class Body>
[[gnu::always_inline]] inline void each_phase(const Phases& phases, Body&& body) {
  for (int64_t hz = 0; hz < phases.axis[0].phases; ++hz)
    for (int64_t hy = 0; hy < phases.axis[1].phases; ++hy)
      for (int64_t hx = 0; hx < phases.axis[2].phases; ++hx) body(hz, hy, hx);
}

// Planes to a task.
int64_t grain(const Phases& phases) {
  const int64_t* size = phases.geometry.input;
  return larger(1, 32768 / (phases.count() * size[0] * size[1] * size[2] + 1));
}

template <class T>
void split(const Phases& phases, PaddingMode mode, int64_t planes, const T* input, T* to_all) {
  const PhaseAxis &z = phases.axis[0], &y = phases.axis[1], &x = phases.axis[2];
  const int64_t depth = phases.geometry.input[0], height = phases.geometry.input[1],
                width = phases.geometry.input[2];
  const int64_t given = z.size * y.size * x.size, made = phases.count() * depth * height * width;
  parallel::parallel_for(planes, grain(phases), [&](int64_t begin, int64_t end) {
    for (int64_t plane = begin; plane < end; ++plane) {
      const T* from = input + plane * given;
      T* to = to_all + plane * made;
      each_phase(phases, [&](int64_t hz, int64_t hy, int64_t hx) {
        const Inside rows(y, hy, height);
        const int64_t first_x = hx * x.dilation + x.offset;
        for (int64_t i = 0; i < depth; ++i, to += height * width) {
          const int64_t at_z = padded_source(mode, i * z.stride + hz * z.dilation + z.offset, z.size);
          if (at_z < 0) {
            for (int64_t j = 0; j < height * width; ++j) to[j] = T(0);
            continue;
          }
          const T* layer = from + at_z * y.size * x.size;
          if (rows.first < rows.last)
            gather_lines(layer + (rows.at + rows.first * y.stride) * x.size, y.stride * x.size,
                         rows.last - rows.first, x.size, mode, first_x, x.stride, width,
                         to + rows.first * width, width);
          for (int64_t j = 0; j < height; ++j) {
            if (j == rows.first && rows.first < rows.last) j = rows.last;
            if (j >= height) break;
            const int64_t at_y = padded_source(mode, rows.at + j * y.stride, y.size);
            if (at_y < 0)
              for (int64_t k = 0; k < width; ++k) to[j * width + k] = T(0);
            else
              gather_run(layer + at_y * x.size, x.size, mode, first_x, x.stride, width, to + j * width);
          }
        }
      });
    }
  });
}

// One row of the input from the rows of its phases, `apart` from each other.
template <class T>
void join_row(const PhaseAxis& x, int64_t width, int64_t apart, const T* from, T* to) {
  const auto place = [&](int64_t h, int64_t first, int64_t last) {
    place_lines<T, false>(from + h * apart + first, 0, 1, last - first,
                          to + h * x.dilation + x.offset + first * x.stride, 0, x.stride);
  };
  if (x.phases == x.stride && x.dilation == 1) {
    // Where all phases have a value they are turned; the last phase is the first to have one, and to end.
    const int64_t first = Inside(x, 0, width).first, last = Inside(x, x.phases - 1, width).last;
    if (first < last) {
      transpose(from + first, apart, x.phases, last - first, to + first * x.stride + x.offset, x.stride);
      for (int64_t h = 0; h < x.phases; ++h) {
        const Inside inside(x, h, width);
        place(h, inside.first, first);
        place(h, last, inside.last);
      }
      return;
    }
  }
  for (int64_t h = 0; h < x.phases; ++h) {
    const Inside inside(x, h, width);
    place(h, inside.first, inside.last);
  }
}

template <class T>
void join(const Phases& phases, int64_t planes, int64_t channels, const T* bias, const T* from_all,
          T* input) {
  const PhaseAxis &z = phases.axis[0], &y = phases.axis[1], &x = phases.axis[2];
  const int64_t depth = phases.geometry.input[0], height = phases.geometry.input[1],
                width = phases.geometry.input[2];
  const int64_t given = z.size * y.size * x.size, phase = depth * height * width;
  bool all_met = true;
  for (const PhaseAxis& axis : phases.axis)
    all_met = all_met && axis.phases == axis.stride && (axis.stride == 1 || axis.dilation == 1);
  parallel::parallel_for(planes, grain(phases), [&](int64_t begin, int64_t end) {
    for (int64_t plane = begin; plane < end; ++plane) {
      const T* from = from_all + plane * phases.count() * phase;
      T* to = input + plane * given;
      if (!all_met) {
        const T value = bias ? bias[plane % channels] : T(0);
        for (int64_t i = 0; i < given; ++i) to[i] = value;
      }
      for (int64_t hz = 0; hz < z.phases; ++hz) {
        const Inside layers(z, hz, depth);
        for (int64_t i = layers.first; i < layers.last; ++i)
          for (int64_t hy = 0; hy < y.phases; ++hy) {
            const Inside rows(y, hy, height);
            const T* first = from + (hz * y.phases + hy) * x.phases * phase + i * height * width;
            T* layer = to + (layers.at + i * z.stride) * y.size * x.size;
            for (int64_t j = rows.first; j < rows.last; ++j)
              join_row(x, width, phase, first + j * width, layer + (rows.at + j * y.stride) * x.size);
          }
      }
    }
  });
}

}  // namespace

extern const PhaseKernels conv_phases_kernels = {{split<float>, join<float>}, {split<double>, join<double>}};

}  // namespace penlight::kernels::PENLIGHT_ISA
