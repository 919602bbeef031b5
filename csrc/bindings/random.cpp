// Generators and random tensors.
#include "ops/random.h"
#include "bindings/options.h"
#include "ops/shape.h"

namespace penlight::bindings {

namespace {

using OptionalDType = std::optional<DType>;
using OptionalInt = std::optional<Int>;

// A seed: an int of 64 bits, with or without sign.
uint64_t seed_from(nb::handle seed) {
  PyObject* o = seed.ptr();
  check(PyLong_Check(o), "manual_seed expected a long, but got ", Py_TYPE(o)->tp_name);
  const unsigned long long positive = PyLong_AsUnsignedLongLong(o);
  if (!PyErr_Occurred()) return positive;
  PyErr_Clear();
  const long long negative = PyLong_AsLongLong(o);
  if (!PyErr_Occurred()) return static_cast<uint64_t>(negative);
  PyErr_Clear();
  fail<ValueError>("Overflow when unpacking long long");
}

Tensor state_of(const Generator& g) {
  Tensor state = empty({Generator::state_bytes}, DType::u8);
  g.get_state(state.data<uint8_t>());
  return state;
}

void set_state(Generator& g, nb::handle object) {
  check<TypeError>(is_tensor(object), "expected a torch.ByteTensor, but got ",
                   Py_TYPE(object.ptr())->tp_name);
  const Tensor state = contiguous(detach(tensor_of(object)));
  check<TypeError>(state.dtype() == DType::u8, "RNG state must be a torch.ByteTensor");
  check(state.numel() == Generator::state_bytes, "Expected a CPUGeneratorImplState of size ",
        Generator::state_bytes, " but found the input RNG state size to be ", state.numel());
  check(g.set_state(state.data<uint8_t>()), "Invalid mt19937 state");
}

void bind_generator(nb::module_& m) {
  nb::class_<Generator> generator(
      m, "Generator", "A source of random numbers: a 32-bit Mersenne twister, as PyTorch's on the CPU.");
  generator
      .def(
          "__init__",
          [](Generator* place, nb::object device) {
            check_device(device);
            new (place) Generator();
          },
          "device"_a = nb::none())
      .def(
          "manual_seed",
          [](nb::handle self, nb::handle seed) {
            nb::cast<Generator&>(self).manual_seed(seed_from(seed));
            return nb::borrow(self);
          },
          "seed"_a, "Starts anew from a number of 64 bits (negative ones too); returns itself.")
      .def(
          "seed", [](Generator& g) { return g.seed(); },
          "Starts anew from the operating system's random bits.")
      .def(
          "initial_seed", [](const Generator& g) { return g.initial_seed(); },
          "The seed it last started from.")
      .def("get_state", state_of, "The state, 5056 bytes.")
      .def(
          "set_state",
          [](nb::handle self, nb::handle state) {
            set_state(nb::cast<Generator&>(self), state);
            return nb::borrow(self);
          },
          "new_state"_a, "Goes on from a state.")
      .def(
          "clone_state", [](const Generator& g) { return Generator(g); }, "A generator in the same state.")
      .def("__copy__", [](const Generator& g) { return Generator(g); })
      .def("__deepcopy__", [](const Generator& g, nb::handle) { return Generator(g); })
      .def("__getstate__", [](const Generator& g) { return state_of(g); })
      .def("__setstate__",
           [](Generator& g, nb::handle state) {
             new (&g) Generator();
             set_state(g, state);
           })
      .def_prop_ro("device", [](nb::handle) { return package("_device", "device")("cpu"); });
  m.attr("default_generator") = nb::cast(&default_generator(), nb::rv_policy::reference);
}

// f(*size), f_like(input) for a fill that takes a generator.
void bind_fill(nb::module_& m, const char* name, Tensor& (*fill)(Tensor&, Generator*), const char* doc) {
  m.def(
      name,
      [name, fill](const nb::args& args, const nb::kwargs& kwargs) {
        Options options = options_from(name, args, kwargs, true);
        Tensor made =
            empty_random(options.sizes, options.out.defined() ? options.out.dtype() : options.dtype);
        fill(made, options.generator);
        if (options.out.defined()) return copy_(options.out, made);
        return finish(made, options.requires_grad);
      },
      doc);
  m.def((std::string(name) + "_like").c_str(),
        [fill](const Tensor& x, OptionalDType dtype, nb::handle, nb::object device, bool requires_grad,
               nb::handle format, Generator* generator) {
          check_device(device);
          Tensor made = vmap_levels.empty() ? empty_as(x, dtype.value_or(x.dtype()), format)
                                            : empty_random(x.sizes(), dtype.value_or(x.dtype()));
          return finish(fill(made, generator), requires_grad);
        },
        "input"_a, nb::kw_only(), "dtype"_a = nb::none(), "layout"_a = nb::none(), "device"_a = nb::none(),
        "requires_grad"_a = false, "memory_format"_a = nb::none(), "generator"_a = nb::none(), doc);
}

Dims sequence_of_sizes(nb::handle size, const char* function) {
  Dims sizes;
  check<TypeError>(!PyIndex_Check(size.ptr()) && dims_from(size, &sizes), function,
                   "(): argument 'size' must be tuple of ints, not ", Py_TYPE(size.ptr())->tp_name);
  return sizes;
}

void bind_integers(nb::module_& m) {
  const auto make = [](Int low, Int high, nb::handle size, Generator* generator, nb::object out,
                       OptionalDType dtype, nb::handle, nb::object device, bool requires_grad, bool) {
    Tensor made = empty_random(sequence_of_sizes(size, "randint"),
                               out.is_none() ? dtype.value_or(DType::i64) : nb::cast<Tensor>(out).dtype());
    random_(made, low, int64_t(high), generator);
    return deliver(made, out, device, requires_grad);
  };
  const char* doc = "Integers from low (0 if left out) up to but without high, of the given size.";
  m.def(
      "randint",
      [make](Int high, nb::handle size, Generator* generator, nb::object out, OptionalDType dtype,
             nb::handle layout, nb::object device, bool requires_grad, bool pin) {
        return make(Int{0}, high, size, generator, out, dtype, layout, device, requires_grad, pin);
      },
      "high"_a, "size"_a, nb::kw_only(), "generator"_a = nb::none(), "out"_a = nb::none(),
      "dtype"_a = nb::none(), "layout"_a = nb::none(), "device"_a = nb::none(), "requires_grad"_a = false,
      "pin_memory"_a = false, doc);
  m.def("randint", make, "low"_a, "high"_a, "size"_a, nb::kw_only(), "generator"_a = nb::none(),
        "out"_a = nb::none(), "dtype"_a = nb::none(), "layout"_a = nb::none(), "device"_a = nb::none(),
        "requires_grad"_a = false, "pin_memory"_a = false, doc);

  const auto like = [](const Tensor& x, Int low, Int high, OptionalDType dtype, nb::handle, nb::object device,
                       bool requires_grad, nb::handle format, Generator* generator) {
    check_device(device);
    Tensor made = empty_as(x, dtype.value_or(x.dtype()), format);
    return finish(random_(made, low, int64_t(high), generator), requires_grad);
  };
  m.def(
      "randint_like",
      [like](const Tensor& x, Int high, OptionalDType dtype, nb::handle layout, nb::object device,
             bool requires_grad, nb::handle format, Generator* generator) {
        return like(x, Int{0}, high, dtype, layout, device, requires_grad, format, generator);
      },
      "input"_a, "high"_a, nb::kw_only(), "dtype"_a = nb::none(), "layout"_a = nb::none(),
      "device"_a = nb::none(), "requires_grad"_a = false, "memory_format"_a = nb::none(),
      "generator"_a = nb::none(), doc);
  m.def("randint_like", like, "input"_a, "low"_a, "high"_a, nb::kw_only(), "dtype"_a = nb::none(),
        "layout"_a = nb::none(), "device"_a = nb::none(), "requires_grad"_a = false,
        "memory_format"_a = nb::none(), "generator"_a = nb::none(), doc);
  m.def(
      "randperm",
      [](Int n, Generator* generator, nb::object out, OptionalDType dtype, nb::handle, nb::object device,
         bool requires_grad, bool) {
        const DType type = out.is_none() ? dtype.value_or(DType::i64) : nb::cast<Tensor>(out).dtype();
        return deliver(randperm(n, type, generator), out, device, requires_grad);
      },
      "n"_a, nb::kw_only(), "generator"_a = nb::none(), "out"_a = nb::none(), "dtype"_a = nb::none(),
      "layout"_a = nb::none(), "device"_a = nb::none(), "requires_grad"_a = false, "pin_memory"_a = false,
      "0 to n - 1 in random order.");
}

void bind_normal(nb::module_& m) {
  const auto of_tensors = [](const Tensor& mean, const Operand& std, Generator* generator, nb::object out) {
    return deliver(normal(mean, std, generator), out, nb::none(), false);
  };
  const char* doc = "Normal numbers with the given means and standard deviations.";
  m.def("normal", of_tensors, "mean"_a, "std"_a = 1.0, nb::kw_only(), "generator"_a = nb::none(),
        "out"_a = nb::none(), doc);
  m.def(
      "normal",
      [](const Scalar& mean, const Tensor& std, Generator* generator, nb::object out) {
        return deliver(normal(mean, std, generator), out, nb::none(), false);
      },
      "mean"_a, "std"_a, nb::kw_only(), "generator"_a = nb::none(), "out"_a = nb::none(), doc);
  m.def(
      "normal",
      [](double mean, double std, nb::handle size, Generator* generator, nb::object out, OptionalDType dtype,
         nb::handle, nb::object device, bool requires_grad, bool) {
        Tensor made =
            empty_random(sequence_of_sizes(size, "normal"),
                         out.is_none() ? dtype.value_or(get_default_dtype()) : nb::cast<Tensor>(out).dtype());
        normal_(made, mean, std, generator);
        return deliver(made, out, device, requires_grad);
      },
      "mean"_a, "std"_a, "size"_a, nb::kw_only(), "generator"_a = nb::none(), "out"_a = nb::none(),
      "dtype"_a = nb::none(), "layout"_a = nb::none(), "device"_a = nb::none(), "requires_grad"_a = false,
      "pin_memory"_a = false, doc);
}

void bind_draws(nb::module_& m, TensorClass& tensor) {
  m.def(
      "_empty_random", [](const Dims& sizes, DType dtype) { return empty_random(sizes, dtype); }, "size"_a,
      "dtype"_a);
  both(
      m, tensor, "bernoulli",
      [](const Tensor& p, Generator* generator, nb::object out) {
        return deliver(bernoulli(p, generator), out, nb::none(), false);
      },
      nb::kw_only(), "generator"_a = nb::none(), "out"_a = nb::none(),
      "1 with the probability each element says, else 0.");
  both(
      m, tensor, "bernoulli",
      [](const Tensor& x, double p, Generator* generator) {
        Tensor made = vmap_levels.empty() ? empty_like(x, x.dtype()) : empty_random(x.sizes(), x.dtype());
        return bernoulli_(made, p, generator);
      },
      "p"_a, nb::kw_only(), "generator"_a = nb::none(), "1 with probability p, else 0, sized as input.");
  both(
      m, tensor, "multinomial",
      [](const Tensor& weights, Int samples, bool replacement, Generator* generator, nb::object out) {
        return deliver(multinomial(weights, samples, replacement, generator), out, nb::none(), false);
      },
      "num_samples"_a, "replacement"_a = false, nb::kw_only(), "generator"_a = nb::none(),
      "out"_a = nb::none(), "Indices into each row, drawn with probabilities in proportion to its weights.");
}

void bind_in_place(TensorClass& tensor) {
  tensor.def(
      "random_", [](Tensor self, Generator* g) { return random_(self, g); }, nb::kw_only(),
      "generator"_a = nb::none(), "Integers from 0 to the greatest the type counts to.");
  tensor.def(
      "random_", [](Tensor self, Int to, Generator* g) { return random_(self, 0, int64_t(to), g); }, "to"_a,
      nb::kw_only(), "generator"_a = nb::none(), "Integers from 0 up to but without `to`.");
  tensor.def(
      "random_",
      [](Tensor self, Int from, OptionalInt to, Generator* g) {
        return random_(self, from, to ? std::optional<int64_t>(*to) : std::nullopt, g);
      },
      "from"_a, "to"_a.none(), nb::kw_only(), "generator"_a = nb::none(),
      "Integers in the range from `from` up to but without `to`.");
  tensor.def(
      "bernoulli_", [](Tensor self, double p, Generator* g) { return bernoulli_(self, p, g); }, "p"_a = 0.5,
      nb::kw_only(), "generator"_a = nb::none(), "1 with probability p, else 0.");
  tensor.def(
      "bernoulli_", [](Tensor self, const Tensor& p, Generator* g) { return bernoulli_(self, p, g); }, "p"_a,
      nb::kw_only(), "generator"_a = nb::none(), "1 with the probability each element of p says, else 0.");
  tensor.def(
      "geometric_", [](Tensor self, double p, Generator* g) { return geometric_(self, p, g); }, "p"_a,
      nb::kw_only(), "generator"_a = nb::none(),
      "The number of trials up to the first success of probability p.");
  tensor.def(
      "exponential_", [](Tensor self, double lambda, Generator* g) { return exponential_(self, lambda, g); },
      "lambd"_a = 1.0, nb::kw_only(), "generator"_a = nb::none(), "Exponential numbers of rate lambd.");

  using TwoNumbers = Tensor& (*)(Tensor&, double, double, Generator*);
  const auto two = [&tensor](const char* name, TwoNumbers f, const char* a, double a_default, const char* b,
                             double b_default, const char* doc) {
    tensor.def(
        name, [f](Tensor self, double x, double y, Generator* g) { return f(self, x, y, g); },
        nb::arg(a) = a_default, nb::arg(b) = b_default, nb::kw_only(), "generator"_a = nb::none(), doc);
  };
  two("uniform_", uniform_, "from", 0, "to", 1,
      "Uniform numbers in the range from `from` up to but without `to`.");
  two("normal_", normal_, "mean", 0, "std", 1, "Normal numbers.");
  two("cauchy_", cauchy_, "median", 0, "sigma", 1, "Cauchy-distributed numbers.");
  two("log_normal_", log_normal_, "mean", 1, "std", 2,
      "exp of normal numbers of that mean and standard deviation.");
}

void bind(nb::module_& m, TensorClass& tensor) {
  bind_generator(m);
  bind_fill(
      m, "rand", [](Tensor& x, Generator* g) -> Tensor& { return uniform_(x, 0, 1, g); },
      "Uniform numbers from 0 up to but without 1.");
  bind_fill(
      m, "randn", [](Tensor& x, Generator* g) -> Tensor& { return normal_(x, 0, 1, g); },
      "Normal numbers of mean 0 and standard deviation 1.");
  bind_integers(m);
  bind_normal(m);
  bind_draws(m, tensor);
  bind_in_place(tensor);
}

const Family family{bind};

}  // namespace

}  // namespace penlight::bindings
