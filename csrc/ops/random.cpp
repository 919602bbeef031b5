#include "ops/random.h"

#include <cmath>
#include <limits>
#include <numeric>

#include "kernels/random.h"
#include "ops/reduce.h"
#include "ops/shape.h"
#include "ops/sort.h"
#include "ops/vmap.h"

namespace penlight {

Generator& default_generator() {
  static Generator generator = [] {
    Generator fresh;
    fresh.seed();
    return fresh;
  }();
  return generator;
}

namespace {

namespace draw = kernels::random;

Generator& chosen(Generator* generator) {
  return generator ? *generator : default_generator();
}

// The same memory with dimensions in the order of their strides, so that walking it is walking memory.
Tensor in_memory_order(const Tensor& x) {
  SmallVec<std::size_t, 8> order(x.sizes().size());
  std::iota(order.begin(), order.end(), std::size_t(0));
  for (std::size_t i = 1; i < order.size(); ++i)
    for (std::size_t j = i; j > 0 && x.strides()[order[j - 1]] < x.strides()[order[j]]; --j)
      std::swap(order[j - 1], order[j]);
  Dims sizes, strides;
  for (const std::size_t d : order) {
    sizes.push_back(x.sizes()[d]);
    strides.push_back(x.strides()[d]);
  }
  return alias(x, sizes, strides, x->offset);
}

// Fills x by fill(T* memory, n): in place where T is its type and memory is dense, through a copy otherwise.
template <class T, class Fill>
void fill_as(const Tensor& x, Fill fill) {
  const Tensor target = in_memory_order(x);
  const DType dtype = DTypeOf<T>::value;
  if (x.dtype() == dtype && target.is_contiguous()) return fill(target.data<T>(), x.numel());
  const Tensor drawn = empty(target.sizes(), dtype);
  fill(drawn.data<T>(), drawn.numel());
  copy_values(target, drawn);
}

// What the calls of vmap that run say of random operations: the dimensions along which each example draws its
// own.
BatchDims drawn_apart() {
  BatchDims batch;
  for (const VmapLevel& level : vmap_levels) {
    check(level.randomness != Randomness::error,
          "vmap: called random operation while in randomness error mode. Please either use the 'same' or "
          "'different' randomness flags on vmap or perform the randomness operation out of vmap");
    if (level.randomness == Randomness::same) continue;
    batch.levels.push_back(level.id);
    batch.sizes.push_back(level.size);
    batch.strides.push_back(0);
  }
  return batch;
}

// Nothing is mapped for its lifetime: a draw for one example is a plain one.
class OneExample {
 public:
  OneExample() : before_(vmap_levels) { vmap_levels.clear(); }
  ~OneExample() { vmap_levels = before_; }
  OneExample(const OneExample&) = delete;
  OneExample& operator=(const OneExample&) = delete;

 private:
  SmallVec<VmapLevel, 2> before_;
};

// A draw that depends on x (undefined: on nothing), for each example that has its own numbers or its own x,
// one after another: what is drawn for an example is what it would draw alone.
template <class Draw>
Tensor draw_each(const Tensor& x, Draw draw) {
  const BatchDims apart = drawn_apart();
  const BatchDims all = joint_batch({x, empty_batched({}, DType::f32, apart)});
  if (all.empty()) return draw(x);
  const Unrecorded unrecorded;
  const OneExample plain;
  Tensor joined;
  for_examples(all, [&](const Dims& place) {
    const Tensor drawn = draw(x.defined() ? example(x, all, place) : x);
    if (!joined.defined()) joined = empty_batched(drawn.sizes(), drawn.dtype(), all);
    copy_values(example(joined, all, place), drawn);
  });
  if (joined.defined()) return joined;
  const Tensor none = draw(x.defined() ? zeros(x.sizes(), x.dtype()) : x);  // no examples: for its sizes
  return empty_batched(none.sizes(), none.dtype(), all);
}

// Fills a tensor inside of vmap.
template <class Fill>
void fill_examples(const Tensor& self, Fill fill) {
  const BatchDims apart = drawn_apart(), own = joint_batch({self});
  for (const uint64_t level : apart.levels) {
    bool hidden = false;
    for (const uint64_t other : own.levels) hidden |= other == level;
    check(hidden,
          "vmap: Cannot ask for different inplace randomness on an unbatched tensor. This will appear like "
          "same "
          "randomness. If this is necessary for your usage, please file an issue with functorch.");
  }
  const OneExample plain;
  if (own.levels.size() == apart.levels.size()) return fill(physical(self));
  const Tensor drawn = empty_batched(self.sizes(), self.dtype(), apart);  // the same for the other levels
  fill(physical(drawn));
  copy_values(self, drawn);
}

// The in-place pattern of random operations, mapped or not.
template <class Fill>
Tensor& draw_into(Tensor& self, const char* name, const char* node, Fill fill) {
  return overwrite(self, name, node, [&](const Tensor& x) {
    if (vmap_levels.empty()) [[likely]]
      fill(x);
    else
      fill_examples(x, fill);
  });
}

void check_floating(const Tensor& x, const char* kernel) {
  check<NotImplementedError>(is_floating(x.dtype()), "\"", kernel, "\" not implemented for '",
                             scalar_name(x.dtype()), "'");
}

// The largest finite value, and the bits of precision, of a floating type.
double largest(DType dtype) {
  return dtype == DType::f16    ? 65504.0
         : dtype == DType::bf16 ? 0x1.fep127
         : dtype == DType::f32  ? std::numeric_limits<float>::max()
                                : std::numeric_limits<double>::max();
}
int precision(DType dtype) {
  return dtype == DType::f16 ? 11 : dtype == DType::bf16 ? 8 : dtype == DType::f32 ? 24 : 53;
}

// The C++ name of an element type, which PyTorch's messages use.
const char* c_name(DType dtype) {
  switch (dtype) {
    case DType::u8:
      return "unsigned char";
    case DType::i8:
      return "signed char";
    case DType::i16:
      return "short";
    case DType::i32:
      return "int";
    case DType::i64:
      return "long";
    case DType::f16:
      return "c10::Half";
    case DType::bf16:
      return "c10::BFloat16";
    case DType::f32:
      return "float";
    case DType::f64:
      return "double";
    default:
      return "bool";
  }
}

int64_t greatest_integer(DType dtype) {
  switch (dtype) {
    case DType::boolean:
      return 1;
    case DType::u8:
      return 255;
    default:
      return INT64_MAX >> (64 - 8 * itemsize(dtype));
  }
}
int64_t least_integer(DType dtype) {
  return dtype == DType::boolean || dtype == DType::u8 ? 0 : -greatest_integer(dtype) - 1;
}

void fill_uniform(const Tensor& x, double from, double to, Generator& g) {
  if (x.dtype() == DType::f64)
    return fill_as<double>(x, [&](double* out, int64_t n) { draw::uniform(g, out, n, from, to); });
  const float low = static_cast<float>(from), high = static_cast<float>(to);
  if (x.dtype() == DType::f32)
    return fill_as<float>(x, [&](float* out, int64_t n) { draw::uniform(g, out, n, low, high); });
  visit_dtype(x.dtype(), [&](auto tag) {
    using T = typename decltype(tag)::type;
    if constexpr (std::is_same_v<compute_t<T>, float> && !std::is_same_v<T, float>)
      fill_as<T>(x, [&](T* out, int64_t n) {
        std::vector<float> row(static_cast<std::size_t>(n));
        draw::uniform(g, row.data(), n, low, high);
        // Rounded to half, a value can reach the upper bound, which does not belong to the range.
        for (int64_t i = 0; i < n; ++i) {
          out[i] = T(row[static_cast<std::size_t>(i)]);
          if (float(out[i]) == float(T(high))) out[i] = T(low);
        }
      });
  });
}

void fill_normal(const Tensor& x, double mean, double stddev, Generator& g) {
  if (x.numel() < 16 || !x.is_contiguous())
    fill_as<double>(x, [&](double* out, int64_t n) { draw::normal_pairs(g, out, n, mean, stddev); });
  else if (x.dtype() == DType::f64)
    fill_as<double>(x, [&](double* out, int64_t n) { draw::normal_blocks(g, out, n, mean, stddev); });
  else if (x.dtype() == DType::f32)
    fill_as<float>(x, [&](float* out, int64_t n) {
      draw::normal_blocks(g, out, n, static_cast<float>(mean), static_cast<float>(stddev));
    });
  else
    fill_as<float>(x, [&](float* out, int64_t n) {
      draw::normal_blocks_half(g, out, n, static_cast<float>(mean), static_cast<float>(stddev));
    });
}

}  // namespace

Tensor empty_random(const Dims& sizes, DType dtype, const Tensor& like) {
  if (vmap_levels.empty()) [[likely]]
    return empty(sizes, dtype);
  return empty_batched(sizes, dtype, joint_batch({like, empty_batched({}, dtype, drawn_apart())}));
}

Tensor& uniform_(Tensor& self, double from, double to, Generator* generator) {
  check_floating(self, "check_uniform_bounds");
  const double most = largest(self.dtype());
  check(from >= -most && from <= most, "from is out of bounds for ", c_name(self.dtype()));
  check(to >= -most && to <= most, "to is out of bounds for ", c_name(self.dtype()));
  check(from <= to, "uniform_ expects to return a [from, to) range, but found from=", from, " > to=", to);
  check(to - from <= most, "uniform_ expects to-from <= std::numeric_limits<", scalar_name(self.dtype()),
        ">::max(), but found to=", to, " and from=", from, " which result in to-from to exceed the limit");
  return draw_into(self, "uniform_", "UniformBackward0",
                   [&](const Tensor& x) { fill_uniform(x, from, to, chosen(generator)); });
}

Tensor& normal_(Tensor& self, double mean, double stddev, Generator* generator) {
  check(stddev >= 0, "normal expects std >= 0.0, but found std ", stddev);
  check_floating(self, "normal_kernel_cpu");
  return draw_into(self, "normal_", "NormalBackward0",
                   [&](const Tensor& x) { fill_normal(x, mean, stddev, chosen(generator)); });
}

Tensor& random_(Tensor& self, Generator* generator) {
  const DType dtype = self.dtype();
  const bool wide = dtype == DType::i64 || dtype == DType::f64;
  const uint64_t range = is_floating(dtype) ? (uint64_t(1) << precision(dtype)) + 1
                                            : static_cast<uint64_t>(greatest_integer(dtype)) + 1;
  return draw_into(self, "random_", "RandomBackward2", [&](const Tensor& x) {
    fill_as<int64_t>(
        x, [&](int64_t* out, int64_t n) { draw::integers_mod(chosen(generator), out, n, range, wide); });
  });
}

Tensor& random_(Tensor& self, int64_t from, std::optional<int64_t> to, Generator* generator) {
  const DType dtype = self.dtype();
  const bool floating = is_floating(dtype);
  uint64_t range = 0;
  if (to) {
    check(from < *to, "random_ expects 'from' to be less than 'to', but got from=", from, " >= to=", *to);
    if (!floating) {
      check(from >= least_integer(dtype) && from <= greatest_integer(dtype), "from is out of bounds for ",
            c_name(dtype));
      check(*to - 1 >= least_integer(dtype) && *to - 1 <= greatest_integer(dtype),
            "to - 1 is out of bounds for ", c_name(dtype));
    }
    range = static_cast<uint64_t>(*to) - static_cast<uint64_t>(from);
  } else if (from != INT64_MIN) {
    const int64_t last = floating ? int64_t(1) << precision(dtype) : greatest_integer(dtype);
    check(from < last || (!floating && from == last),
          "random_ expects 'from' casted to dtype to be less than or equal to "
          "'to_inc' casted to dtype, but got from=",
          from, " > to_inc=", last);
    check(floating || from >= least_integer(dtype), "from is out of bounds for ", c_name(dtype));
    range = static_cast<uint64_t>(last) - static_cast<uint64_t>(from) + 1;
  } else {
    check(dtype == DType::i64 || floating, "random_ over the full 64-bit range needs int64, got ",
          dtype_name(dtype));
  }
  return draw_into(self, "random_", to ? "RandomBackward0" : "RandomBackward1", [&](const Tensor& x) {
    fill_as<int64_t>(
        x, [&](int64_t* out, int64_t n) { draw::integers(chosen(generator), out, n, from, range); });
  });
}

Tensor& bernoulli_(Tensor& self, double p, Generator* generator) {
  check(p >= 0 && p <= 1, "bernoulli_ expects p to be in [0, 1], but got p=", p);
  return draw_into(self, "bernoulli_", "BernoulliBackward2", [&](const Tensor& x) {
    fill_as<uint8_t>(x, [&](uint8_t* out, int64_t n) { draw::bernoulli(chosen(generator), out, n, p); });
  });
}

Tensor& bernoulli_(Tensor& self, const Tensor& p, Generator* generator) {
  check_floating(p, "bernoulli_tensor_cpu_p_");
  const Tensor plain = detach(p);
  const Tensor bad = logical_not(
      bitwise_and(compare(kernels::CompareOp::ge, plain, 0), compare(kernels::CompareOp::le, plain, 1)));
  check(!any_true(bad), "Expected p_in >= 0 && p_in <= 1 to be true, but got false.");
  check(broadcast_shapes(self.sizes(), p.sizes()) == self.sizes(), "output with shape ", self.sizes(),
        " doesn't match the broadcast shape ", broadcast_shapes(self.sizes(), p.sizes()));
  return draw_into(self, "bernoulli_", "BernoulliBackward1", [&](const Tensor& x) {
    const Tensor chances =
        self.batched() || plain.batched() ? physical(plain, joint_batch({self}), self.dim()) : plain;
    const Tensor row =
        contiguous(cast(expand(chances, x.sizes()), p.dtype() == DType::f64 ? DType::f64 : DType::f32));
    const Tensor drawn = empty(x.sizes(), DType::u8);
    if (row.dtype() == DType::f64)
      draw::bernoulli(chosen(generator), drawn.data<uint8_t>(), x.numel(), row.data<double>());
    else
      draw::bernoulli(chosen(generator), drawn.data<uint8_t>(), x.numel(), row.data<float>());
    copy_values(x, drawn);
  });
}

Tensor& exponential_(Tensor& self, double lambda, Generator* generator) {
  check(is_floating(self.dtype()),
        "Exponential distribution is a continuous probability distribution. dtype must be a "
        "floating point but you specified ",
        scalar_name(self.dtype()));
  check(lambda > 0, "exponential_ expects lambda > 0.0, but found lambda=", lambda);
  return draw_into(self, "exponential_", "ExponentialBackward0", [&](const Tensor& x) {
    fill_as<double>(x, [&](double* out, int64_t n) { draw::exponential(chosen(generator), out, n, lambda); });
  });
}

Tensor& geometric_(Tensor& self, double p, Generator* generator) {
  check(p > 0 && p < 1, "geometric_ expects p to be in (0, 1), but got p=", p);
  return draw_into(self, "geometric_", "GeometricBackward0", [&](const Tensor& x) {
    fill_as<double>(x, [&](double* out, int64_t n) { draw::geometric(chosen(generator), out, n, p); });
  });
}

Tensor& cauchy_(Tensor& self, double median, double sigma, Generator* generator) {
  check(sigma > 0, "cauchy_ expects sigma > 0.0, but found sigma=", sigma);
  check(is_floating(self.dtype()),
        "Cauchy distribution is a continuous probability distribution. dtype must be a "
        "floating point but you specified ",
        c_name(self.dtype()));
  return draw_into(self, "cauchy_", "CauchyBackward0", [&](const Tensor& x) {
    fill_as<double>(x,
                    [&](double* out, int64_t n) { draw::cauchy(chosen(generator), out, n, median, sigma); });
  });
}

Tensor& log_normal_(Tensor& self, double mean, double stddev, Generator* generator) {
  check(stddev > 0, "log_normal_ expects std > 0.0, but found std=", stddev);
  check_floating(self, "log_normal_cpu");
  return draw_into(self, "log_normal_", "LogNormalBackward0", [&](const Tensor& x) {
    fill_as<double>(
        x, [&](double* out, int64_t n) { draw::log_normal(chosen(generator), out, n, mean, stddev); });
  });
}

namespace {

// Records that a random result has no gradient with respect to its parameters.
void record_without_gradient(const char* node, const Tensor& a, const Tensor& b, const Tensor& y) {
  if (!needs_grad(a, b)) return;
  record(node, {a, b}, y, {},
         [a_sizes = a.defined() ? a.sizes() : Dims(), b_sizes = b.defined() ? b.sizes() : Dims()](
             Backward& context, const Tensor& g) {
           Grads grads(2);
           if (context.needs(0)) grads[0] = zeros(a_sizes, g.dtype());
           if (context.needs(1)) grads[1] = zeros(b_sizes, g.dtype());
           return grads;
         });
}

}  // namespace

Tensor bernoulli(const Tensor& p, Generator* generator) {
  Tensor y = vmap_levels.empty() ? empty_like(p, p.dtype()) : empty_random(p.sizes(), p.dtype(), p);
  bernoulli_(y, p, generator);
  record_without_gradient("BernoulliBackward0", p, Tensor(), y);
  return y;
}

Tensor normal(const Operand& mean, const Operand& stddev, Generator* generator) {
  const Tensor mean_tensor = mean.is_tensor() ? mean.tensor() : Tensor();
  const Tensor std_tensor = stddev.is_tensor() ? stddev.tensor() : Tensor();
  Dims sizes = mean_tensor.defined() ? mean_tensor.sizes() : std_tensor.sizes();
  if (mean_tensor.defined() && std_tensor.defined()) sizes = broadcast_shapes(sizes, std_tensor.sizes());
  if (std_tensor.defined())
    check(std_tensor.numel() == 0 || !any_true(compare(kernels::CompareOp::lt, detach(std_tensor), 0)),
          "normal expects all elements of std >= 0.0");
  else
    check(stddev.scalar().to_double() >= 0, "normal expects std >= 0.0, but found std ",
          stddev.scalar().to_double());
  Tensor y = empty_random(sizes, (mean_tensor.defined() ? mean_tensor : std_tensor).dtype());
  const auto plain = [&](const Tensor& t) { return cast(detach(t), y.dtype()); };
  if (std_tensor.defined()) {
    normal_(y, 0, 1, generator);
    y = mul(y, plain(std_tensor));
    y = mean_tensor.defined() ? add(y, plain(mean_tensor)) : add(y, mean.scalar());
  } else {
    normal_(y, 0, stddev.scalar().to_double(), generator);
    y = add(y, plain(mean_tensor));
  }
  record_without_gradient(mean_tensor.defined()
                              ? (std_tensor.defined() ? "NormalBackward3" : "NormalBackward1")
                              : "NormalBackward2",
                          mean_tensor, std_tensor, y);
  return y;
}

namespace {
Tensor permutation(int64_t n, DType dtype, Generator* generator);
}

Tensor randperm(int64_t n, DType dtype, Generator* generator) {
  check(n >= 0, "Trying to create tensor with negative dimension ", n, ": [", n, "]");
  check<NotImplementedError>(dtype != DType::boolean, "\"randperm\" not implemented for 'Bool'");
  const int64_t most = is_floating(dtype) ? (int64_t(1) << precision(dtype)) + 1 : greatest_integer(dtype);
  check(n <= most, "n cannot be greater than ", most, " for ", scalar_name(dtype), " type.");
  if (!vmap_levels.empty()) [[unlikely]]
    return draw_each({}, [&](const Tensor&) { return permutation(n, dtype, generator); });
  return permutation(n, dtype, generator);
}

namespace {
Tensor permutation(int64_t n, DType dtype, Generator* generator) {
  Tensor out = empty({n}, dtype);
  fill_as<int64_t>(out, [&](int64_t* to, int64_t count) { draw::permutation(chosen(generator), to, count); });
  return out;
}
}  // namespace

namespace {

// One row of weights as what choices() searches: sums so far, over the whole; the last of them 1. T is the
// type the sums are made in.
template <class T>
std::vector<double> cumulative(const T* weights, int64_t size) {
  std::vector<T> sums(static_cast<std::size_t>(size));
  T sum = 0;
  for (int64_t i = 0; i < size; ++i) sums[static_cast<std::size_t>(i)] = sum += weights[i];
  check(sum > 0, "invalid multinomial distribution (sum of probabilities <= 0)");
  std::vector<double> out(static_cast<std::size_t>(size));
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<double>(T(sums[i] / sum));
  out.back() = 1;
  return out;
}

}  // namespace

Tensor multinomial(const Tensor& weights, int64_t samples, bool replacement, Generator* generator) {
  check(weights.dim() == 1 || weights.dim() == 2, "prob_dist must be 1 or 2 dim");
  check(is_floating(weights.dtype()),
        "multinomial only supports floating-point dtypes for input, got: ", scalar_name(weights.dtype()));
  check(samples > 0, "cannot sample n_sample <= 0 samples");
  const int64_t size = weights.size(weights.dim() - 1);
  check(replacement || samples <= size,
        "cannot sample n_sample > prob_dist.size(-1) samples without replacement");
  if (!vmap_levels.empty()) [[unlikely]]
    return draw_each(weights,
                     [&](const Tensor& one) { return multinomial(one, samples, replacement, generator); });
  const Tensor p = contiguous(detach(weights));
  Dims sizes = p.sizes();
  sizes.back() = samples;
  if (p.numel() == 0) {
    check(size > 0 || checked_numel(sizes) == 0, "prob_dist must have at least one category");
    return empty(sizes, DType::i64);
  }
  const Tensor valid =
      bitwise_and(compare(kernels::CompareOp::ge, p, 0),
                  compare(kernels::CompareOp::lt, p, std::numeric_limits<double>::infinity()));
  check(all(valid).data<bool>()[0], "probability tensor contains either `inf`, `nan` or element < 0");

  if (!replacement || samples == 1) {
    // A race: with exponential times of rate p the order of arrival is a draw without replacement.
    check(all(compare(kernels::CompareOp::gt, sum(p, Dims{-1}), 0)).data<bool>()[0],
          "invalid multinomial distribution (sum of probabilities <= 0)");
    Tensor times = empty(p.sizes(), p.dtype());
    exponential_(times, 1, generator);
    const Tensor order = div(p, times);
    return samples == 1 ? argmax(order, -1, true) : topk(order, samples, -1, true).indices;
  }
  const Tensor out = empty(sizes, DType::i64);
  const Tensor rows = p.dtype() == DType::f64 ? p : cast(p, DType::f32);
  for (int64_t r = 0; r < p.numel() / size; ++r) {
    const std::vector<double> sums = rows.dtype() == DType::f64
                                         ? cumulative(rows.data<double>() + r * size, size)
                                         : cumulative(rows.data<float>() + r * size, size);
    draw::choices(chosen(generator), out.data<int64_t>() + r * samples, samples, sums.data(), size);
  }
  return out;
}

}  // namespace penlight
