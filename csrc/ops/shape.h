// Shapes and views, joining and cutting.
#pragma once

#include <optional>

#include "ops/copy.h"

namespace penlight {

// Views: they share memory with x.
Tensor view(const Tensor& x, const Dims& sizes);
Tensor permute(const Tensor& x, const Dims& dims);
Tensor transpose(const Tensor& x, int64_t a, int64_t b);
Tensor t(const Tensor& x);
Tensor expand(const Tensor& x, const Dims& sizes);  // -1: as it is
Tensor select(const Tensor& x, int64_t dim, int64_t index);
Tensor slice(const Tensor& x, int64_t dim, std::optional<int64_t> start, std::optional<int64_t> end,
             int64_t step);
Tensor narrow(const Tensor& x, int64_t dim, int64_t start, int64_t length);
Tensor unsqueeze(const Tensor& x, int64_t dim);
Tensor squeeze(const Tensor& x, const std::optional<Dims>& dims = {});
Tensor as_strided(const Tensor& x, const Dims& sizes, const Dims& strides,
                  std::optional<int64_t> offset = {});
Tensor diagonal(const Tensor& x, int64_t offset, int64_t a, int64_t b);
Tensor unfold(const Tensor& x, int64_t dim, int64_t size, int64_t step);
Tensor view_as_self(const Tensor& x);
// each: the size of all parts but the last, where one was asked for.
std::vector<Tensor> split(const Tensor& x, const Dims& sizes, int64_t dim, std::optional<int64_t> each = {});
std::vector<Tensor> split(const Tensor& x, int64_t size, int64_t dim);
std::vector<Tensor> chunk(const Tensor& x, int64_t chunks, int64_t dim);
std::vector<Tensor> unbind(const Tensor& x, int64_t dim);

// A view where the strides allow it, a copy otherwise.
Tensor reshape(const Tensor& x, const Dims& sizes);
Tensor flatten(const Tensor& x, int64_t first, int64_t last);

// Copies.
Tensor cat(const std::vector<Tensor>& tensors, int64_t dim);
Tensor stack(const std::vector<Tensor>& tensors, int64_t dim);
Tensor flip(const Tensor& x, const Dims& dims);
Tensor roll(const Tensor& x, const Dims& shifts, const Dims& dims);
Tensor repeat(const Tensor& x, const Dims& repeats);
Tensor tril(const Tensor& x, int64_t diagonal);
Tensor triu(const Tensor& x, int64_t diagonal);
Tensor constant_pad(const Tensor& x, const Dims& padding,
                    const Scalar& value);  // last dimension first, as F.pad
Tensor diag_embed(const Tensor& x, int64_t offset, int64_t dim1, int64_t dim2);
Tensor diagonal_scatter(const Tensor& x, const Tensor& source, int64_t offset, int64_t dim1, int64_t dim2);
Tensor trace(const Tensor& x);
Tensor select_scatter(const Tensor& x, const Tensor& source, int64_t dim, int64_t index);
Tensor slice_scatter(const Tensor& x, const Tensor& source, int64_t dim, int64_t start, int64_t end,
                     int64_t step);
// Values written to memory through one window (added where it overlaps itself, zero elsewhere) and read
// through another. A view's gradient is the transfer in the other direction: the operation is its own
// transpose.
Tensor transfer(const Tensor& values, const Window& from, const Window& to);

// Numbers 0, 1, ... along dimension dim, shape 1 in all others but dim's length of sizes.
Tensor ramp_along(const Dims& sizes, int64_t dim);
Tensor arange(const Scalar& start, const Scalar& end, const Scalar& step, DType dtype);
Tensor linspace(double start, double end, int64_t steps, DType dtype);
Tensor eye(int64_t n, int64_t m, DType dtype);

// The sizes with at most one -1 worked out for a number of elements.
Dims infer_sizes(const Dims& sizes, int64_t count);

}  // namespace penlight
