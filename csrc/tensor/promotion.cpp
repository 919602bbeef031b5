#include "tensor/promotion.h"

namespace penlight {

namespace {
DType default_dtype = DType::f32;

int kind(DType dtype) {
  return dtype == DType::boolean ? 0 : is_floating(dtype) ? 2 : 1;
}
}  // namespace

DType get_default_dtype() {
  return default_dtype;
}
void set_default_dtype(DType dtype) {
  default_dtype = dtype;
}

DType promote(DType a, DType b) {
  if (a == b) return a;
  if (kind(a) != kind(b)) return kind(a) > kind(b) ? a : b;
  if (kind(a) == 2) {
    if (is_half(a) && is_half(b)) return DType::f32;
    return itemsize(a) > itemsize(b) ? a : b;
  }
  // Integers: the wider; of uint8 and int8 the narrowest type that holds both.
  if (itemsize(a) == itemsize(b)) return DType::i16;
  return itemsize(a) > itemsize(b) ? a : b;
}

Promotion& Promotion::add(const Tensor& tensor) {
  (tensor.dim() > 0 ? dims_ : zero_dim_).join(tensor.dtype());
  return *this;
}

Promotion& Promotion::add(const Scalar& scalar) {
  switch (scalar.kind()) {
    case Scalar::Kind::boolean:
      number_.join(DType::boolean);
      break;
    case Scalar::Kind::integer:
      number_.join(DType::i64);
      break;
    case Scalar::Kind::floating:
      number_.join(default_dtype);
      break;
  }
  return *this;
}

DType Promotion::result() const {
  const auto combine = [](const Rank& higher, const Rank& lower) {
    if (!higher.any) return lower;
    if (lower.any && kind(lower.dtype) > kind(higher.dtype)) return lower;
    return higher;
  };
  return combine(dims_, combine(zero_dim_, number_)).dtype;
}

}  // namespace penlight
