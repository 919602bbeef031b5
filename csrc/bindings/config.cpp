// What the core runs on.
#include "bindings/python.h"
#include "kernels/isa.h"
#include "kernels/parallel.h"

namespace penlight::bindings {

namespace {

void bind(nb::module_& m, TensorClass&) {
  m.def("_get_num_threads", parallel::num_threads);
  m.def("_set_num_threads", parallel::set_num_threads, "count"_a);
  m.def("_instruction_set", [] { return kernels::isa_name(kernels::current_isa()); });
  m.def("_compiler", [] { return std::string("GCC-compatible ") + __VERSION__; });
}

const Family family{bind};

}  // namespace

}  // namespace penlight::bindings
