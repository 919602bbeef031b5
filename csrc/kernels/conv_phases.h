// Strided convolution as one of stride 1: the polyphase form (M. Bellanger, G. Bonnerot, M. Coudreuse,
// "Digital filtering by polyphase network", 1976).
//
// Along an axis with stride s and dilation d, output y meets tap k at input y * s + k * d - pad. With every =
// s / gcd(s, d) and step = d / gcd(s, d), tap h + j * every meets it at (y + j * step) * s + h * d - pad. So
// the input positions p * s + h * d - pad for p = 0, 1, ... make up phase h, and a convolution with stride s
// is one with stride 1 and dilation `step`, of `every` times as many channels with as many fewer taps, where
// a tap that the kernel has not counts as zero. 7 x 7 taps of stride 2 on 3 channels are 4 x 4 taps on 12, a
// quarter of the values read and a fast algorithm where there was none.
#pragma once

#include "kernels/conv_geometry.h"
#include "kernels/isa.h"

namespace penlight::kernels {

struct PhaseAxis {
  int64_t phases = 1, every = 1;
  int64_t kernel = 1, taps = 1;  // of the convolution, of one phase
  // Phase h's value i is the input's at i * stride + h * dilation + offset.
  int64_t stride = 1, dilation = 1, offset = 0;
  int64_t size = 1;  // of the input
};

struct Phases {
  PhaseAxis axis[3];
  // Of stride 1: its input channels are the given one's by phase (of each axis, outermost first).
  ConvGeometry geometry;

  [[gnu::always_inline]] int64_t count() const { return axis[0].phases * axis[1].phases * axis[2].phases; }
  bool all_taps() const;  // none counts as zero
};

// For forward and the weight gradient: phases with the padding around them.
Phases phases_of(const ConvGeometry& g);
// For the input gradient (of zero padding): phases with no more around them than falls out of rounding.
Phases gradient_phases_of(const ConvGeometry& g);

// The weight by phases, and the part of a weight by phases that the kernel has.
template <class T>
void split_weight(const Phases& phases, const T* weight, T* split);
template <class T>
void join_weight(const Phases& phases, const T* split, T* weight);

// For `planes` channels of images. `bias`: what is written where no phase has a value, for every channel of
// `channels`, or nullptr for zeros.
template <class T>
struct PhaseCopies {
  void (*split)(const Phases& phases, PaddingMode mode, int64_t planes, const T* input, T* split);
  void (*join)(const Phases& phases, int64_t planes, int64_t channels, const T* bias, const T* split,
               T* input);
};
struct PhaseKernels {
  PhaseCopies<float> float32;
  PhaseCopies<double> float64;
};
PENLIGHT_DECLARE_KERNELS(PhaseKernels, conv_phases)

}  // namespace penlight::kernels
