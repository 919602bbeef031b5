// Random tensors. For a seed the numbers are those of PyTorch's CPU generator (see kernels/random.h).
//
// Every function takes a generator, or null for the default one. Python's lock is kept while numbers are
// drawn: a generator is one stream.
#pragma once

#include <optional>

#include "kernels/generator.h"
#include "ops/elementwise.h"
#include "ops/vmap.h"

namespace penlight {

using kernels::Generator;

Generator& default_generator();  // seeded by the operating system at the start

// An uninitialised tensor to be filled with random numbers. Inside vmap, by its randomness: raises for
// "error", hides the examples' dimension for "different", is plain for "same". like: hides what it hides,
// too.
Tensor empty_random(const Dims& sizes, DType dtype, const Tensor& like = {});

// Overwrite self. Values come in the order of memory; a gradient of zero goes to what was there before.
Tensor& uniform_(Tensor& self, double from, double to, Generator* generator);
Tensor& normal_(Tensor& self, double mean, double stddev, Generator* generator);
Tensor& random_(Tensor& self, Generator* generator);  // 0 to the greatest integer of the type
Tensor& random_(Tensor& self, int64_t from, std::optional<int64_t> to, Generator* generator);  // [from, to)
Tensor& bernoulli_(Tensor& self, double p, Generator* generator);
Tensor& bernoulli_(Tensor& self, const Tensor& p, Generator* generator);
Tensor& exponential_(Tensor& self, double lambda, Generator* generator);
Tensor& geometric_(Tensor& self, double p, Generator* generator);
Tensor& cauchy_(Tensor& self, double median, double sigma, Generator* generator);
Tensor& log_normal_(Tensor& self, double mean, double stddev, Generator* generator);

Tensor bernoulli(const Tensor& p, Generator* generator);
Tensor normal(const Operand& mean, const Operand& stddev, Generator* generator);  // at least one a tensor
Tensor randperm(int64_t n, DType dtype, Generator* generator);
Tensor multinomial(const Tensor& weights, int64_t samples, bool replacement, Generator* generator);

}  // namespace penlight
