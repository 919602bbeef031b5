// Functions that exist three times: in the module, as a method, and as a method in place.
#pragma once

#include <string>
#include <type_traits>

#include "bindings/python.h"
#include "ops/copy.h"

namespace penlight::bindings {

// What Python passes for a parameter of an operation.
template <class T>
using Passed =
    std::conditional_t<std::is_same_v<std::remove_cvref_t<T>, int64_t>, Int, std::remove_cvref_t<T>>;

// f(input, ...), input.f(...) and input.f_(...).
template <class... Args, class... Extra>
void with_in_place(nb::module_& m, TensorClass& tensor, const std::string& name,
                   Tensor (*f)(const Tensor&, Args...), const Extra&... extra) {
  both(
      m, tensor, name.c_str(), [f](const Tensor& x, const Passed<Args>&... args) { return f(x, args...); },
      extra...);
  tensor.def((name + "_").c_str(),
             [f, name](Tensor self, const Passed<Args>&... args) {
               return in_place(self, name.c_str(), [&](const Tensor& x) { return f(x, args...); });
             },
             extra...);
}

}  // namespace penlight::bindings
