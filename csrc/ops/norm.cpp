// Normalisation. Forward and derivative are fused passes; a derivative that is itself recorded is written in
// other operations, beginning with the statistics, which depend on the input.
#include "ops/norm.h"

#include <cmath>

#include "kernels/norm.h"
#include "ops/reduce.h"
#include "ops/shape.h"
#include "ops/vmap.h"
#include "tensor/unlocked.h"

namespace penlight {

namespace {

using kernels::ChannelShape;

// A statistic or coefficient for each of n channels or rows.
struct Column {
  Tensor tensor;
  explicit Column(int64_t n) : tensor(empty(Dims{n}, DType::f64)) {}
  explicit Column(const Tensor& values) : tensor(ordered(cast(values, DType::f64))) {}
  double* data() const { return tensor.data<double>(); }
  double operator[](int64_t i) const { return data()[i]; }
};

Column column_or(const Tensor& values, int64_t n, double fallback) {
  const Unrecorded unrecorded;
  return Column(values.defined() ? detach(values) : full(Dims{n}, Scalar(fallback), DType::f64));
}

Tensor as(const Column& column, const Dims& sizes, DType dtype) {
  return reshape(cast(column.tensor, dtype), sizes);
}

// Records a normalisation n, whose derivative has two forms: one pass, and other operations where it is
// itself recorded or mapped. Notes are the numbers it was called with; `also` is kept to be shown.
template <class Norm, class Told, class... Saved>
void record_norm(const char* node, const Norm& n, const Tensor& x, const Tensor& weight, const Tensor& bias,
                 const Tensor& y, Told&& notes, Saved&&... also) {
  if (!needs_grad(x, weight, bias)) return;
  record(
      node, {x, weight, bias}, y,
      kept(keep("input", x), keep("weight", weight), std::forward<Saved>(also)...),
      [n](Backward& b, const Tensor& g) {
        const Tensor x = b.saved(0), weight = b.saved(1);
        return needs_grad(g, x, weight) || any_batched(g, x, weight) ? recorded_gradients(n, b, g, x, weight)
                                                                     : fused_gradients(n, b, g, x, weight);
      },
      std::forward<Told>(notes));
}

// ---- batch norm

ChannelShape channel_shape(const Tensor& x) {
  ChannelShape shape{x.size(0), x.size(1), 1};
  for (int64_t d = 2; d < x.dim(); ++d) shape.inner *= x.size(d);
  return shape;
}

// (1, C, 1, ...): a value for each channel, to be broadcast against x.
Dims channel_sizes(const Tensor& x) {
  Dims sizes(static_cast<std::size_t>(x.dim()), 1);
  sizes[1] = x.size(1);
  return sizes;
}

Dims all_but_channels(const Tensor& x) {
  Dims dims{0};
  for (int64_t d = 2; d < x.dim(); ++d) dims.push_back(d);
  return dims;
}

struct BatchNorm {
  bool training, has_weight;
  double eps;
  Column mean, rstd;
};

// The gradients of x, weight and bias, in recorded operations.
Grads recorded_gradients(const BatchNorm& n, Backward& b, const Tensor& g, const Tensor& x,
                         const Tensor& weight) {
  const Dims channels = channel_sizes(x), over = all_but_channels(x), flat{x.size(1)};
  Tensor centred, rstd;
  if (n.training) {
    centred = sub(x, mean(x, over, true));
    rstd = rsqrt(add(mean(mul(centred, centred), over, true), n.eps));
  } else {
    centred = sub(x, as(n.mean, channels, x.dtype()));
    rstd = as(n.rstd, channels, x.dtype());
  }
  const Tensor normal = mul(centred, rstd);
  Grads grads(3);
  if (b.needs(0)) {
    const Tensor scale = n.has_weight ? mul(reshape(weight, channels), rstd) : rstd;
    Tensor inner = g;
    if (n.training) inner = sub(sub(g, mean(g, over, true)), mul(normal, mean(mul(g, normal), over, true)));
    grads[0] = mul(inner, scale);
  }
  if (b.needs(1)) grads[1] = cast(reshape(sum(mul(g, normal), over), flat), weight.dtype());
  if (b.needs(2)) grads[2] = reshape(sum(g, over), flat);
  return grads;
}

Grads fused_gradients(const BatchNorm& n, Backward& b, const Tensor& given, const Tensor& x,
                      const Tensor& weight) {
  const ChannelShape shape = channel_shape(x);
  const int64_t channels = shape.channels;
  const double count = static_cast<double>(shape.samples) * static_cast<double>(shape.inner);
  const Tensor g = ordered(cast(given, x.dtype())), from = ordered(x);
  const Column scale = column_or(weight, channels, 1);
  Column sums(channels), products(channels), a(channels), of_x(channels), constant(channels);
  Grads grads(3);
  if (b.needs(0)) grads[0] = empty(x.sizes(), x.dtype());
  const void *gp = g.raw(), *xp = from.raw();
  void* to = b.needs(0) ? grads[0].raw() : nullptr;
  const double *mean = n.mean.data(), *rstd = n.rstd.data(), *weights = scale.data();
  double *sum = sums.data(), *product = products.data(), *ap = a.data(), *xc = of_x.data(),
         *cc = constant.data();
  {
    Unlocked unlocked(x.numel());
    const auto& kernel = kernels::norm();
    kernel.channel_sums(x.dtype(), shape, gp, xp, mean, sum, product);
    for (int64_t c = 0; c < channels; ++c) {
      const double unit = weights[c] * rstd[c];
      ap[c] = unit;
      xc[c] = n.training ? -unit * rstd[c] * rstd[c] * product[c] / count : 0;
      cc[c] = n.training ? -unit * sum[c] / count : 0;
      product[c] *= rstd[c];
    }
    if (to) kernel.channel_gradient(x.dtype(), shape, gp, xp, mean, ap, xc, cc, to);
  }
  if (b.needs(1)) grads[1] = cast(products.tensor, weight.dtype());
  if (b.needs(2)) grads[2] = cast(sums.tensor, x.dtype());
  return grads;
}

void check_channels(const Tensor& values, const char* name, int64_t channels) {
  if (!values.defined()) return;
  check(values.numel() == channels, name, " should contain ", channels, " elements not ", values.numel());
  check(is_floating(values.dtype()), name, " should be a floating point tensor, got ",
        scalar_name(values.dtype()));
}

// running += momentum * (fresh - running)
void move_running(const Tensor& running, const Column& fresh, double factor, double momentum) {
  if (!running.defined()) return;
  const Unrecorded unrecorded;
  Column moved(running);
  if (moved.tensor.same(running)) moved.tensor = clone_values(running);
  for (int64_t c = 0; c < running.numel(); ++c)
    moved.data()[c] = (1 - momentum) * moved[c] + momentum * (factor * fresh[c]);
  copy_values(running, reshape(moved.tensor, running.sizes()));
  running.changed();
}

// (x - mean) / sqrt(variance + eps) * weight + bias, as operations.
Tensor normalized_by(const Tensor& x, const Tensor& mean, const Tensor& variance, double eps,
                     const Tensor& weight, const Tensor& bias) {
  Tensor y = mul(sub(x, mean), rsqrt(add(variance, eps)));
  if (weight.defined()) y = mul(y, weight);
  return bias.defined() ? add(y, bias) : y;
}

// In operations that vmap maps.
Tensor batch_norm_of_operations(const Tensor& x, const BatchNormTensors& with, bool training, double momentum,
                                double eps) {
  const Dims channels = channel_sizes(x), over = all_but_channels(x);
  const auto wide = [&](const Tensor& t) { return t.defined() ? reshape(t, channels) : t; };
  Tensor center = wide(with.running_mean), variance = wide(with.running_var);
  if (training) {
    center = mean(x, over, true);
    variance = var(x, over, 0, true);
    const double count = static_cast<double>(x.numel()) / static_cast<double>(x.size(1));
    const auto move = [&](Tensor running, const Tensor& fresh, double factor) {
      if (!running.defined()) return;
      const Unrecorded unrecorded;
      const Tensor value = reshape(detach(fresh), running.sizes());
      copy_(running, cast(add(mul(running, 1 - momentum), mul(value, factor * momentum)), running.dtype()));
    };
    move(with.running_mean, center, 1);
    move(with.running_var, variance, count / (count - 1));
  }
  return normalized_by(x, center, variance, eps, wide(with.weight), wide(with.bias));
}

}  // namespace

Tensor batch_norm(const Tensor& x, const BatchNormTensors& with, bool training, double momentum, double eps) {
  check<IndexError>(x.dim() > 1, "Dimension out of range (expected to be in range of [-1, 0], but got 1)");
  check<NotImplementedError>(is_floating(x.dtype()), "\"batch_norm\" not implemented for '",
                             scalar_name(x.dtype()), "'");
  const ChannelShape shape = channel_shape(x);
  const int64_t channels = shape.channels;
  check_channels(with.running_mean, "running_mean", channels);
  check_channels(with.running_var, "running_var", channels);
  check_channels(with.weight, "weight", channels);
  check_channels(with.bias, "bias", channels);
  if (!training) {
    check(with.running_mean.defined(), "running_mean must be defined in evaluation mode");
    check(with.running_var.defined(), "running_var must be defined in evaluation mode");
  }
  if (any_batched(x, with.weight, with.bias, with.running_mean, with.running_var)) [[unlikely]]
    return batch_norm_of_operations(x, with, training, momentum, eps);
  BatchNorm n{training, with.weight.defined(), eps, Column(channels), Column(channels)};
  Column variance(channels);
  const Tensor from = ordered(x);
  const Column scale = column_or(with.weight, channels, 1), shift = column_or(with.bias, channels, 0);
  if (!training) {
    // Copies: the running statistics may move on before backward.
    const Unrecorded unrecorded;
    copy_values(n.mean.tensor, reshape(with.running_mean, Dims{channels}));
    copy_values(variance.tensor, reshape(with.running_var, Dims{channels}));
  }
  Column factor(channels);
  Tensor y = empty(x.sizes(), x.dtype());
  {
    const void* xp = from.raw();
    void* to = y.raw();
    double *mean = n.mean.data(), *rstd = n.rstd.data(), *var = variance.data(), *f = factor.data();
    const double *weights = scale.data(), *shifts = shift.data();
    Unlocked unlocked(x.numel());
    if (training) kernels::norm().channel_moments(x.dtype(), shape, xp, mean, var);
    for (int64_t c = 0; c < channels; ++c) {
      rstd[c] = 1 / std::sqrt(var[c] + eps);
      f[c] = weights[c] * rstd[c];
    }
    kernels::norm().channel_affine(x.dtype(), shape, xp, mean, f, shifts, to);
  }
  if (training && x.numel() > 0) {
    const double count = static_cast<double>(shape.samples) * static_cast<double>(shape.inner);
    move_running(with.running_mean, n.mean, 1, momentum);
    move_running(with.running_var, variance, count / (count - 1), momentum);
  }
  const auto notes = [training, eps] { return Notes{{"training", training}, {"eps", eps}}; };
  if (training)
    record_norm("NativeBatchNormBackward0", n, x, with.weight, with.bias, y, notes);
  else
    record_norm("NativeBatchNormBackward0", n, x, with.weight, with.bias, y, notes,
                keep("running_mean", n.mean.tensor), keep("running_var", variance.tensor));
  return y;
}

// ---- layer norm

namespace {

struct Rows {
  int64_t rows = 1, n = 1;
  Dims over;     // the normalised dimensions
  Dims leading;  // the others
};

Rows rows_of(const Tensor& x, std::size_t normalized) {
  Rows r;
  const std::size_t lead = x.sizes().size() - normalized;
  for (std::size_t d = 0; d < x.sizes().size(); ++d) {
    (d < lead ? r.rows : r.n) *= x.sizes()[d];
    (d < lead ? r.leading : r.over).push_back(static_cast<int64_t>(d));
  }
  return r;
}

struct LayerNorm {
  Rows rows;
  double eps;
  Column mean, rstd;
};

Grads recorded_gradients(const LayerNorm& n, Backward& b, const Tensor& g, const Tensor& x,
                         const Tensor& weight) {
  const Dims& over = n.rows.over;
  const Tensor centred = sub(x, mean(x, over, true));
  const Tensor rstd = rsqrt(add(mean(mul(centred, centred), over, true), n.eps));
  const Tensor normal = mul(centred, rstd);
  Grads grads(3);
  if (b.needs(0)) {
    const Tensor inner = weight.defined() ? mul(g, weight) : g;
    const Tensor moved = sub(inner, mean(inner, over, true));
    grads[0] = mul(sub(moved, mul(normal, mean(mul(inner, normal), over, true))), rstd);
  }
  const bool whole = n.rows.leading.empty();
  if (b.needs(1)) grads[1] = whole ? mul(g, normal) : sum(mul(g, normal), n.rows.leading);
  if (b.needs(2)) grads[2] = whole ? g : sum(g, n.rows.leading);
  return grads;
}

Grads fused_gradients(const LayerNorm& n, Backward& b, const Tensor& given, const Tensor& x,
                      const Tensor& weight) {
  const Tensor g = ordered(cast(given, x.dtype())), from = ordered(x);
  const Tensor weights = weight.defined() ? ordered(weight) : weight;
  const bool sums = b.needs(1) || b.needs(2);
  Column of_weight(sums ? n.rows.n : 0), of_bias(sums ? n.rows.n : 0);
  Grads grads(3);
  if (b.needs(0)) grads[0] = empty(x.sizes(), x.dtype());
  {
    const void *gp = g.raw(), *xp = from.raw(), *wp = weights.defined() ? weights.raw() : nullptr;
    void* to = b.needs(0) ? grads[0].raw() : nullptr;
    const double *mean = n.mean.data(), *rstd = n.rstd.data();
    double *ws = of_weight.data(), *bs = of_bias.data();
    Unlocked unlocked(x.numel());
    if (to) kernels::norm().rows_gradient(x.dtype(), n.rows.rows, n.rows.n, gp, xp, wp, mean, rstd, to);
    if (sums) kernels::norm().rows_sums(x.dtype(), n.rows.rows, n.rows.n, gp, xp, mean, rstd, ws, bs);
  }
  Dims sizes;
  for (int64_t d : n.rows.over) sizes.push_back(x.size(d));
  if (b.needs(1)) grads[1] = as(of_weight, sizes, x.dtype());
  if (b.needs(2)) grads[2] = as(of_bias, sizes, x.dtype());
  return grads;
}

void check_affine(const Tensor& values, const char* name, const Dims& normalized, DType dtype) {
  if (!values.defined()) return;
  check(values.sizes() == normalized, "Expected ", name, " to be of same shape as normalized_shape, but got ",
        name, " of shape ", values.sizes(), " and normalized_shape = ", normalized);
  check(values.dtype() == dtype, "expected scalar type ", scalar_name(dtype), " but found ",
        scalar_name(values.dtype()));
}

// Normalises rows of n elements, unrecorded.
Tensor normalized_rows(const LayerNorm& n, const Tensor& x, const Tensor& weight, const Tensor& bias) {
  Tensor y = empty(x.sizes(), x.dtype());
  const Tensor from = ordered(x);
  const Tensor w = weight.defined() ? ordered(weight) : weight, s = bias.defined() ? ordered(bias) : bias;
  const void *xp = from.raw(), *wp = w.defined() ? w.raw() : nullptr, *sp = s.defined() ? s.raw() : nullptr;
  void* to = y.raw();
  double *mean = n.mean.data(), *rstd = n.rstd.data();
  Unlocked unlocked(x.numel());
  if (x.numel()) kernels::norm().rows(x.dtype(), n.rows.rows, n.rows.n, xp, wp, sp, n.eps, to, mean, rstd);
  return y;
}

}  // namespace

Tensor layer_norm(const Tensor& x, const Dims& normalized, const Tensor& weight, const Tensor& bias,
                  double eps) {
  check(!normalized.empty(),
        "Expected normalized_shape to be at least 1-dimensional, i.e., containing at least one element, but "
        "got "
        "normalized_shape = ",
        normalized);
  bool fits = x.sizes().size() >= normalized.size();
  for (std::size_t i = 0; fits && i < normalized.size(); ++i)
    fits = x.sizes()[x.sizes().size() - normalized.size() + i] == normalized[i];
  if (!fits) {
    std::string stars = "[*";
    for (int64_t size : normalized) stars += text(", ", size);
    fail("Given normalized_shape=", normalized, ", expected input with shape ", stars,
         "], but got input of size", x.sizes());
  }
  check<NotImplementedError>(is_floating(x.dtype()), "\"LayerNormKernelImpl\" not implemented for '",
                             scalar_name(x.dtype()), "'");
  check_affine(weight, "weight", normalized, x.dtype());
  check_affine(bias, "bias", normalized, x.dtype());
  const Rows rows = rows_of(x, normalized.size());
  if (any_batched(x, weight, bias)) [[unlikely]]
    return normalized_by(x, mean(x, rows.over, true), var(x, rows.over, 0, true), eps, weight, bias);
  const LayerNorm n{rows, eps, Column(rows.rows), Column(rows.rows)};
  Tensor y = normalized_rows(n, x, weight, bias);
  record_norm("NativeLayerNormBackward0", n, x, weight, bias, y, [normalized, eps] {
    return Notes{{"normalized_shape", {}, nullptr, normalized}, {"eps", eps}};
  });
  return y;
}

// ---- group norm

namespace {

// A group of channels of a sample is a row; weight and bias follow, one for each channel.
struct GroupNorm {
  int64_t groups;
  double eps;
  Dims row_sizes;     // (samples * groups, elements of a group)
  Column mean, rstd;  // of each row
  ChannelShape rows() const { return {1, row_sizes[0], row_sizes[1]}; }
  // Every channel of every sample, a channel of its own to the kernels.
  ChannelShape channels(const Tensor& x) const {
    ChannelShape shape = channel_shape(x);
    return {1, shape.samples * shape.channels, shape.inner};
  }
};

// y = (x - mean) * rstd * weight + bias in two passes over memory, unrecorded.
Tensor normalized_groups(const GroupNorm& n, const Tensor& x, const Tensor& weight, const Tensor& bias) {
  const int64_t channels = x.size(1), of_group = channels / n.groups, all = x.size(0) * channels;
  const Tensor from = ordered(x);
  Tensor y = empty(x.sizes(), x.dtype());
  if (x.numel() == 0) return y;
  const Column scale = column_or(weight, channels, 1), shift = column_or(bias, channels, 0);
  Column middles(all), scales(all), shifts(all), variance(n.row_sizes[0]);
  const void* xp = from.raw();
  void* to = y.raw();
  double *mean = n.mean.data(), *rstd = n.rstd.data(), *var = variance.data();
  double *m = middles.data(), *a = scales.data(), *s = shifts.data();
  const double *weights = scale.data(), *biases = shift.data();
  Unlocked unlocked(x.numel());
  kernels::norm().channel_moments(x.dtype(), n.rows(), xp, mean, var);
  for (int64_t row = 0; row < n.row_sizes[0]; ++row) rstd[row] = 1 / std::sqrt(var[row] + n.eps);
  for (int64_t i = 0; i < all; ++i) {
    m[i] = mean[i / of_group];
    a[i] = weights[i % channels] * rstd[i / of_group];
    s[i] = biases[i % channels];
  }
  kernels::norm().channel_affine(x.dtype(), n.channels(x), xp, m, a, s, to);
  return y;
}

Grads fused_gradients(const GroupNorm& n, Backward& b, const Tensor& given, const Tensor& x,
                      const Tensor& weight) {
  const int64_t channels = x.size(1), of_group = channels / n.groups, all = x.size(0) * channels;
  const Tensor g = ordered(cast(given, x.dtype())), from = ordered(x);
  const Column scale = column_or(weight, channels, 1);
  Column middles(all), sums(all), products(all), of_g(all), of_x(all), constant(all);
  Column of_weight = column_or({}, channels, 0), of_bias = column_or({}, channels, 0);
  Grads grads(3);
  if (b.needs(0)) grads[0] = empty(x.sizes(), x.dtype());
  if (x.numel() > 0) {
    const void *gp = g.raw(), *xp = from.raw();
    void* to = b.needs(0) ? grads[0].raw() : nullptr;
    const double *mean = n.mean.data(), *rstd = n.rstd.data(), *weights = scale.data();
    double *m = middles.data(), *sum = sums.data(), *product = products.data(), *u = of_g.data(),
           *v = of_x.data(), *w = constant.data(), *ws = of_weight.data(), *bs = of_bias.data();
    const auto count = static_cast<double>(n.row_sizes[1]);
    const auto& kernel = kernels::norm();
    Unlocked unlocked(x.numel());
    for (int64_t i = 0; i < all; ++i) m[i] = mean[i / of_group];
    kernel.channel_sums(x.dtype(), n.channels(x), gp, xp, m, sum, product);
    for (int64_t first = 0; first < all; first += of_group) {
      const double unit = rstd[first / of_group];
      double total = 0, along = 0;  // of the gradient times the weight, and of that times x - mean
      for (int64_t i = first; i < first + of_group; ++i) {
        total += weights[i % channels] * sum[i];
        along += weights[i % channels] * product[i];
        ws[i % channels] += product[i] * unit;
        bs[i % channels] += sum[i];
      }
      for (int64_t i = first; i < first + of_group; ++i) {
        u[i] = weights[i % channels] * unit;
        v[i] = -unit * unit * unit * along / count;
        w[i] = -unit * total / count;
      }
    }
    if (to) kernel.channel_gradient(x.dtype(), n.channels(x), gp, xp, m, u, v, w, to);
  }
  if (b.needs(1)) grads[1] = cast(of_weight.tensor, x.dtype());
  if (b.needs(2)) grads[2] = cast(of_bias.tensor, x.dtype());
  return grads;
}

Grads recorded_gradients(const GroupNorm& n, Backward& b, const Tensor& g, const Tensor& x,
                         const Tensor& weight) {
  const Dims channels = channel_sizes(x), over = all_but_channels(x), flat{x.size(1)}, of_row{1};
  const Tensor rows = reshape(x, n.row_sizes), centred = sub(rows, mean(rows, of_row, true));
  const Tensor rstd = rsqrt(add(mean(mul(centred, centred), of_row, true), n.eps));
  const Tensor unit = mul(centred, rstd), normal = reshape(unit, x.sizes());
  Grads grads(3);
  if (b.needs(0)) {
    const Tensor inner = reshape(weight.defined() ? mul(g, reshape(weight, channels)) : g, n.row_sizes);
    const Tensor moved = sub(inner, mean(inner, of_row, true));
    grads[0] = reshape(mul(sub(moved, mul(unit, mean(mul(inner, unit), of_row, true))), rstd), x.sizes());
  }
  if (b.needs(1)) grads[1] = reshape(sum(mul(g, normal), over), flat);
  if (b.needs(2)) grads[2] = reshape(sum(g, over), flat);
  return grads;
}

}  // namespace

Tensor group_norm(const Tensor& x, int64_t groups, const Tensor& weight, const Tensor& bias, double eps) {
  check(x.dim() >= 2, "Expected at least 2 dimensions for input tensor but received ", x.dim());
  check(groups > 0, "Expected num groups to be greater than 0, got ", groups);
  check(x.size(1) % groups == 0,
        "Expected number of channels in input to be divisible by num_groups, but got input "
        "of shape ",
        x.sizes(), " and num_groups=", groups);
  check<NotImplementedError>(is_floating(x.dtype()), "\"GroupNormKernelImpl\" not implemented for '",
                             scalar_name(x.dtype()), "'");
  for (const auto& [values, name] : {std::pair(&weight, "weight"), std::pair(&bias, "bias")})
    if (values->defined()) {
      check(values->dim() == 1 && values->numel() == x.size(1), "Expected ", name,
            " to be a vector of size equal to the number of channels in input, but got ", name, " of shape ",
            values->sizes(), " and input of shape ", x.sizes());
      check(values->dtype() == x.dtype(), "expected scalar type ", scalar_name(x.dtype()), " but found ",
            scalar_name(values->dtype()));
    }
  const int64_t rows = checked_mul(x.size(0), groups, "the number of groups in the batch");
  const GroupNorm n{groups, eps, Dims{rows, rows ? x.numel() / rows : 0}, Column(rows), Column(rows)};
  if (any_batched(x, weight, bias)) [[unlikely]] {
    const Dims channels = channel_sizes(x), over{n.row_sizes[1]};
    Tensor y = reshape(layer_norm(reshape(x, n.row_sizes), over, {}, {}, eps), x.sizes());
    if (weight.defined()) y = mul(y, reshape(weight, channels));
    return bias.defined() ? add(y, reshape(bias, channels)) : y;
  }
  Tensor y = normalized_groups(n, x, weight, bias);
  const int64_t planes = x.size(0) * x.size(1);
  record_norm("NativeGroupNormBackward0", n, x, weight, bias, y,
              [samples = x.size(0), c = x.size(1), plane = planes ? x.numel() / planes : 0, groups, eps] {
                return Notes{{"N", samples}, {"C", c}, {"HxW", plane}, {"group", groups}, {"eps", eps}};
              });
  return y;
}

}  // namespace penlight
