// Type promotion: the type in which tensors and Python numbers meet.
#pragma once

#include "tensor/tensor.h"

namespace penlight {

DType get_default_dtype();
void set_default_dtype(DType dtype);

DType promote(DType a, DType b);

// Joins operands one by one. A tensor with dimensions outranks one without, and that a Python number, unless
// the lower-ranked one is of a higher kind (bool < integer < floating).
class Promotion {
 public:
  Promotion& add(const Tensor& tensor);
  Promotion& add(const Scalar& scalar);
  DType result() const;

 private:
  struct Rank {
    bool any = false;
    DType dtype = DType::boolean;
    void join(DType other) {
      dtype = any ? promote(dtype, other) : other;
      any = true;
    }
  };
  Rank dims_, zero_dim_, number_;
};

}  // namespace penlight
