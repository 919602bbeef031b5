// Fast convolution by nested short algorithms: what is nested how, chosen from the shape alone.
//
// One level is Winograd's F(m, r) along one axis (toom_cook.h): n = m + r - 1 products for m outputs of r
// taps. Levels along different axes nest (A. Lavin, S. Gray, "Fast algorithms for convolutional neural
// networks", 2016): in 2-D, F(6, 3) twice takes 8 * 8 products for 6 * 6 outputs of 3 * 3 taps, 1.8 instead
// of 9 for each. Levels along the same axis nest too: 9 taps are 3 taps over blocks of 3, of 3 taps each, so
// that F(6, 3) over blocks and F(3, 3) within them take 8 * 5 products for 18 outputs of 9 taps, 2.2 instead
// of 9. (Within a block outputs must be as many as taps, or the outer level would not meet its inputs again.)
#pragma once

#include <string>

#include "kernels/conv_products.h"

namespace penlight::kernels {

// Never: every convolution is a direct sum. Where faster: the state at first. Always: wherever there is a
// plan, for tests. For all threads.
enum class FastConvolutions { never, where_faster, always };
FastConvolutions fast_convolutions();
void set_fast_convolutions(FastConvolutions when);

struct WinogradLevel {
  int axis = 2;
  int n = 1, m = 1, r = 1;  // inputs and products, outputs, taps
  int64_t unit = 1;         // positions from one to the next
};

struct WinogradPlan {
  int levels = 0;   // 0: no fast algorithm
  double cost = 0;  // about, in vector instructions
  // By the kernels of the narrower registers, of which the channels fill more.
  bool narrow = false;
  WinogradLevel level[3];

  [[gnu::always_inline]] int64_t frequencies() const {
    int64_t count = 1;
    for (int i = 0; i < levels; ++i) count *= level[i].n;
    return count;
  }
  // Outputs of a tile along an axis, and inputs.
  [[gnu::always_inline]] int64_t advance(int axis) const {
    int64_t count = 1;
    for (int i = 0; i < levels; ++i)
      if (level[i].axis == axis) count *= level[i].m;
    return count;
  }
  [[gnu::always_inline]] int64_t span(int axis) const {
    int64_t last = 0;
    for (int i = 0; i < levels; ++i)
      if (level[i].axis == axis) last += (level[i].n - 1) * level[i].unit;
    return last + 1;
  }
};

// The plan for a product (weight_gradient: for its weight gradient); none where another kernel is as fast, or
// while fast convolutions are off. `sum`: the multiplications it saves, where that is not all of the
// product's (some of its taps are zero).
WinogradPlan plan_winograd(const TapProduct& product, bool weight_gradient, double sum = 1e300);

// "F(6, 3) F(6, 3)": the levels, outer axes and outer blocks first.
std::string plan_text(const WinogradPlan& plan);

struct WinogradKernels {
  // As ProductKernels, by a plan made for the product. Steps must be 1.
  void (*product)(const TapProduct&, const WinogradPlan&, const float* source, const float* weight,
                  const float* bias, float* to);
  void (*weight_gradient)(const TapProduct&, const WinogradPlan&, const float* output, const float* source,
                          float* gradient);
};
PENLIGHT_DECLARE_KERNELS(WinogradKernels, winograd)

inline const WinogradKernels& winograd_for(const WinogradPlan& plan) {
#if defined(__x86_64__)
  if (plan.narrow) return avx2::winograd_kernels;
#endif
  return winograd();
}

}  // namespace penlight::kernels
