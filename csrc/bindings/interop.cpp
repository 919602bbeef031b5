// Memory shared with other libraries: arrays taken in and handed out without a copy, through Python's buffer
// protocol and DLPack (nanobind's ndarray speaks both). The checks that need Python's words are in
// penlight/_interop.py.
#include <nanobind/ndarray.h>

#include <memory>

#include "bindings/python.h"

namespace penlight::bindings {

namespace {

using Imported = nb::ndarray<nb::ro, nb::device::cpu>;
using nb::dlpack::dtype_code;

nb::dlpack::dtype dlpack_dtype(DType dtype) {
  dtype_code code = dtype_code::Int;
  if (dtype == DType::boolean)
    code = dtype_code::Bool;
  else if (dtype == DType::bf16)
    code = dtype_code::Bfloat;
  else if (is_floating(dtype))
    code = dtype_code::Float;
  else if (dtype == DType::u8)
    code = dtype_code::UInt;
  return {static_cast<uint8_t>(code), static_cast<uint8_t>(itemsize(dtype) * 8), 1};
}

DType dtype_of(nb::dlpack::dtype wanted) {
  for (int i = 0; i < kDTypeCount; ++i)
    if (dlpack_dtype(static_cast<DType>(i)) == wanted) return static_cast<DType>(i);
  fail<TypeError>("no dtype of penlight stores elements of DLPack type code ", int(wanted.code), " with ",
                  int(wanted.bits), " bits and ", wanted.lanes, " lanes");
}

// A tensor over the memory of an array or a DLPack capsule, which is kept as long as the tensor's storage.
Tensor borrow(nb::handle source) {
  auto array = std::make_unique<Imported>();
  check(nb::try_cast(source, *array),
        "from_dlpack received an invalid capsule. Note that DLTensor capsules can be consumed only once, so "
        "you "
        "might have already constructed a tensor from it once.");
  auto impl = make_ref<TensorImpl>();
  impl->dtype = dtype_of(array->dtype());
  impl->sizes = Dims(array->shape_ptr(), array->shape_ptr() + array->ndim());
  const int64_t count = checked_numel(impl->sizes);
  impl->strides = contiguous_strides(impl->sizes);
  int64_t extent = 1;
  for (std::size_t d = 0; d < array->ndim() && count > 0; ++d) {
    const int64_t size = impl->sizes[d], stride = array->stride(d);
    if (size == 1) continue;  // never stepped along
    check<ValueError>(
        stride >= 0,
        "At least one stride in the given array is negative, and tensors with negative strides are "
        "not currently supported. (You can probably work around this by making a copy of your array "
        "with array.copy().)");
    impl->strides[d] = stride;
    extent = checked_add(extent, checked_mul(size - 1, stride, "the array"), "the array");
  }
  const int64_t bytes = count == 0 ? 0 : checked_mul(extent, itemsize(impl->dtype), "the array");
  check<ValueError>(
      reinterpret_cast<uintptr_t>(array->data()) % itemsize(impl->dtype) == 0,
      "the given array is not aligned to its elements' size. Copy the array to reallocate the memory.");
  void* data = const_cast<void*>(array->data());
  impl->storage =
      make_ref<Storage>(data, bytes, [](void* owner) { delete static_cast<Imported*>(owner); }, array.get());
  array.release();
  return Tensor(std::move(impl));
}

// An object of the given framework over the tensor's memory; it keeps the storage, whatever becomes of the
// tensor.
template <class Framework>
nb::object lend(const Tensor& tensor) {
  nb::capsule owner(new Ref<Storage>(tensor->storage),
                    [](void* storage) noexcept { delete static_cast<Ref<Storage>*>(storage); });
  static_assert(sizeof(std::size_t) == sizeof(int64_t));
  const auto* sizes = reinterpret_cast<const std::size_t*>(tensor.sizes().data());
  return nb::cast(nb::ndarray<Framework>(tensor.raw(), tensor.sizes().size(), sizes, owner,
                                         tensor.strides().data(), dlpack_dtype(tensor.dtype())));
}

void bind(nb::module_& m, TensorClass&) {
  m.def("_borrow", &borrow, "source"_a,
        "A tensor over the memory of an object that has the buffer protocol or DLPack, or of a DLPack "
        "capsule.");
  m.def("_lend_numpy", &lend<nb::numpy>, "tensor"_a, "A NumPy array over the tensor's memory.");
  m.def("_lend_dlpack", &lend<nb::array_api>, "tensor"_a,
        "An object with __dlpack__ and the buffer protocol over the tensor's memory.");
}

const Family family{bind};

}  // namespace

}  // namespace penlight::bindings
