// What functions that make tensors have in common: sizes given as f(2, 3), f((2, 3)) or f(size=(2, 3)), and
// the keywords dtype, out, requires_grad, device and their kin.
#pragma once

#include "bindings/python.h"
#include "kernels/generator.h"

namespace penlight::bindings {

struct Options {
  Dims sizes;
  DType dtype;
  bool requires_grad = false;
  Tensor out;
  kernels::Generator* generator = nullptr;
  nb::object format;
};

// random: the keyword generator is known.
Options options_from(const char* name, const nb::args& args, const nb::kwargs& kwargs, bool random = false);

// A new tensor of x's sizes, laid out in memory as a memory format says; None: as x is.
Tensor empty_as(const Tensor& x, DType dtype, nb::handle format);

// Raises for devices other than the CPU.
void check_device(nb::handle device);

// A result with its flags set; for deliver, copied into out where that is a tensor.
Tensor finish(Tensor tensor, bool requires_grad);
Tensor deliver(Tensor result, nb::handle out, nb::handle device, bool requires_grad);

#define PENLIGHT_TENSOR_OPTIONS                                                         \
  nb::kw_only(), "out"_a = nb::none(), "dtype"_a = nb::none(), "layout"_a = nb::none(), \
                 "device"_a = nb::none(), "requires_grad"_a = false, "pin_memory"_a = false

}  // namespace penlight::bindings
