// Casts among all types.
#include "kernels/elementwise.h"
#include "kernels/row_loops.h"

namespace penlight::kernels::PENLIGHT_ISA {

namespace {

// A float out of an integer's range, or NaN, is undefined in C; here it gives what x86's conversions give:
// the smallest int64 or, for narrower integers, the smallest int32 cut to the width.
template <class To, class From>
To convert(From x) {
  if constexpr (std::is_same_v<To, bool>) {
    return x != From(0);
  } else if constexpr (std::is_floating_point_v<From> && std::is_integral_v<To>) {
    using Wide = std::conditional_t<sizeof(To) == 8, int64_t, int32_t>;
    constexpr From least = sizeof(To) == 8 ? From(-0x1p63) : From(-0x1p31);
    return static_cast<To>(static_cast<Wide>((x >= least) & (x < -least) ? x : least));
  } else {
    return static_cast<To>(x);
  }
}

RowLoop cast(DType to, DType from) {
  return visit_dtype(to, [&](auto t) {
    return visit_dtype(from, [&](auto f) -> RowLoop {
      using To = typename decltype(t)::type;
      using From = typename decltype(f)::type;
      return make_row1<To, From>([](compute_t<From> x) { return convert<compute_t<To>>(x); });
    });
  });
}

}  // namespace

extern constexpr CastKernels casts_kernels = {cast};

}  // namespace penlight::kernels::PENLIGHT_ISA
