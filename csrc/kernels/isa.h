// Instruction sets: how one kernel source becomes several, and how the running processor's is chosen.
//
// A file under kernels/isa/ is compiled once for each instruction set, every time inside its own namespace
// penlight::kernels::PENLIGHT_ISA. It ends in a constant table of function pointers. A table's header says
//     PENLIGHT_DECLARE_KERNELS(ConvKernels, conv)
// and callers write kernels::conv().forward(...): the table of the instruction set picked at import.
//
// A kernel file must not use std containers, iostreams or other weak (inline, non-templated-on-own-type)
// functions: the linker would keep one copy of those, perhaps one with instructions this processor lacks.
#pragma once

#ifndef PENLIGHT_ISA
#define PENLIGHT_ISA baseline
#endif

namespace penlight::kernels {

enum class Isa { baseline = 0, avx2 = 1, avx512 = 2 };

// The best instruction set of this processor, or the one named by the environment variable PENLIGHT_ISA
// where the processor has it. Decided once.
Isa current_isa();
const char* isa_name(Isa isa);

#if defined(__x86_64__)
#define PENLIGHT_DECLARE_KERNELS(Type, name) \
  namespace baseline {                       \
  extern const Type name##_kernels;          \
  }                                          \
  namespace avx2 {                           \
  extern const Type name##_kernels;          \
  }                                          \
  namespace avx512 {                         \
  extern const Type name##_kernels;          \
  }                                          \
  inline const Type& name() {                \
    switch (current_isa()) {                 \
      case Isa::avx512:                      \
        return avx512::name##_kernels;       \
      case Isa::avx2:                        \
        return avx2::name##_kernels;         \
      default:                               \
        return baseline::name##_kernels;     \
    }                                        \
  }
#else
#define PENLIGHT_DECLARE_KERNELS(Type, name) \
  namespace baseline {                       \
  extern const Type name##_kernels;          \
  }                                          \
  inline const Type& name() {                \
    return baseline::name##_kernels;         \
  }
#endif

}  // namespace penlight::kernels
