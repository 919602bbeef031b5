// Making tensors: from numbers, from nested lists, from memory.
#include "bindings/options.h"
#include "ops/copy.h"
#include "ops/shape.h"

namespace penlight::bindings {

namespace {

using OptionalDType = std::optional<DType>;

// ---- from Python data

struct Guess {
  bool any = false, floating = false, integer = false, tensor = false;
  DType tensor_type = DType::boolean;
};

void measure(nb::handle data, Dims* sizes, std::size_t depth, Guess* guess) {
  PyObject* o = data.ptr();
  check<ValueError>(depth < 64, "too many dimensions: data is nested more than 64 deep");
  if (PyList_Check(o) || PyTuple_Check(o)) {
    const Py_ssize_t count = PySequence_Fast_GET_SIZE(o);
    if (sizes->size() == depth) sizes->push_back(count);
    if (count > 0) measure(PySequence_Fast_GET_ITEM(o, 0), sizes, depth + 1, guess);
    return;
  }
  if (is_tensor(data)) {
    const Tensor tensor = tensor_of(data);
    for (int64_t size : tensor.sizes()) sizes->push_back(size);
  }
}

// An item of a list or tuple. Numbers' own methods are called while a list is read, and could change it.
nb::object item_at(PyObject* sequence, Py_ssize_t i, Py_ssize_t count) {
  check(PySequence_Fast_GET_SIZE(sequence) == count, "data changed its length while it was read");
  return nb::borrow(PySequence_Fast_GET_ITEM(sequence, i));
}

// Data that is neither lists, numbers nor tensors: Python code makes it so, or says what is wrong with it.
struct Unplain {};

std::optional<DType> numpy_type(PyObject* number) {
  const char* name = Py_TYPE(number)->tp_name;
  if (std::strncmp(name, "numpy.", 6) != 0) return {};
  for (int i = 0; i < kDTypeCount; ++i)
    if (std::strcmp(name + 6, dtype_name(static_cast<DType>(i)) + 6) == 0) return static_cast<DType>(i);
  return {};
}

void guess_type(nb::handle data, std::size_t depth, Guess* guess) {
  PyObject* o = data.ptr();
  if (PyList_Check(o) || PyTuple_Check(o)) {
    check<ValueError>(depth < 64, "too many dimensions: data is nested more than 64 deep");
    const Py_ssize_t count = PySequence_Fast_GET_SIZE(o);
    for (Py_ssize_t i = 0; i < count; ++i) guess_type(item_at(o, i, count), depth + 1, guess);
    return;
  }
  const bool usual = PyFloat_CheckExact(o) || PyLong_CheckExact(o) || PyBool_Check(o);
  std::optional<DType> dtype;
  if (!usual && is_tensor(data)) dtype = tensor_of(data).dtype();
  if (!usual && !dtype) dtype = numpy_type(o);
  if (dtype) {
    guess->tensor_type = guess->tensor ? promote(guess->tensor_type, *dtype) : *dtype;
    guess->tensor = true;
    return;
  }
  guess->any = true;
  if (PyBool_Check(o)) return;
  if (PyLong_Check(o)) {
    guess->integer = true;
    return;
  }
  std::optional<Scalar> scalar;
  if (!scalar_from(data, &scalar)) {
    if (PyLong_Check(o)) fail<ValueError>("Overflow when unpacking long long");
    throw Unplain();
  }
  if (scalar->is_floating())
    guess->floating = true;
  else if (scalar->kind() == Scalar::Kind::integer)
    guess->integer = true;
}

template <class T>
void fill_from(nb::handle data, const Dims& sizes, std::size_t depth, T*& out) {
  PyObject* o = data.ptr();
  if (depth < sizes.size() && (PyList_Check(o) || PyTuple_Check(o))) {
    const Py_ssize_t count = PySequence_Fast_GET_SIZE(o);
    check<ValueError>(count == sizes[depth], "expected sequence of length ", sizes[depth], " at dim ", depth,
                      " (got ", count, ")");
    for (Py_ssize_t i = 0; i < count; ++i) fill_from(item_at(o, i, count), sizes, depth + 1, out);
    return;
  }
  if (is_tensor(data)) {
    const Tensor tensor = contiguous(cast(detach(tensor_of(data)), DTypeOf<T>::value));
    const Dims rest(sizes.begin() + depth, sizes.end());
    check<ValueError>(tensor.sizes() == rest, "expected a tensor of sizes ", rest, " at dim ", depth,
                      " (got ", tensor.sizes(), ")");
    const int64_t count = tensor.numel();
    if (count) std::memcpy(out, tensor.raw(), static_cast<std::size_t>(count) * sizeof(T));
    out += count;
    return;
  }
  check<ValueError>(depth == sizes.size(), "expected sequence of length ",
                    sizes[depth < sizes.size() ? depth : 0], " at dim ", depth, " (got a number)");
  std::optional<Scalar> scalar;
  if (!scalar_from(data, &scalar)) {
    if (PyLong_Check(o)) {
      if constexpr (!std::is_integral_v<T>) {
        const double value = PyLong_AsDouble(o);
        if (!(value == -1 && PyErr_Occurred())) {
          *out++ = T(static_cast<compute_t<T>>(value));
          return;
        }
        PyErr_Clear();
      }
      fail<ValueError>("Overflow when unpacking long long");
    }
    if (PyList_Check(o) || PyTuple_Check(o))
      fail<ValueError>("too many dimensions in one place: expected a number at dim ", depth,
                       ", got a sequence");
    fail<TypeError>("must be real number, not ", Py_TYPE(o)->tp_name);
  }
  if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
    check(!scalar->is_floating() || std::isfinite(scalar->to_double()), "value cannot be converted to type ",
          dtype_name(DTypeOf<T>::value) + 6, " without overflow");
    const int64_t value = scalar->to_int();
    check(std::is_same_v<T, uint8_t> ? value >= -255 && value <= 255
                                     : value == static_cast<int64_t>(static_cast<T>(value)),
          "value cannot be converted to type ", dtype_name(DTypeOf<T>::value) + 6, " without overflow");
  }
  *out++ = scalar->template to<T>();
}

Tensor from_data(nb::handle data, OptionalDType dtype) {
  if (is_tensor(data)) {
    const Tensor source = detach(tensor_of(data));
    Tensor copy = clone_values(source);
    return dtype ? cast(copy, *dtype) : copy;
  }
  Dims sizes;
  Guess guess;
  measure(data, &sizes, 0, &guess);
  try {
    guess_type(data, 0, &guess);
  } catch (const Unplain&) {
    const nb::object plain = package("_functions", "plain_data")(data);
    return from_data(plain, dtype);
  }
  DType type;
  if (dtype)
    type = *dtype;
  else if (guess.tensor && !guess.any)
    type = guess.tensor_type;
  else if (guess.tensor)
    type = promote(guess.tensor_type, guess.floating  ? get_default_dtype()
                                      : guess.integer ? DType::i64
                                                      : DType::boolean);
  else if (guess.floating || !guess.any)
    type = get_default_dtype();
  else
    type = guess.integer ? DType::i64 : DType::boolean;
  Tensor result = empty(sizes, type);
  visit_dtype(type, [&](auto tag) {
    using T = typename decltype(tag)::type;
    T* out = result.data<T>();
    fill_from<T>(data, sizes, 0, out);
  });
  return result;
}

}  // namespace

Tensor finish(Tensor tensor, bool requires_grad) {
  if (requires_grad) set_requires_grad(tensor, true);
  return tensor;
}

Tensor empty_as(const Tensor& x, DType dtype, nb::handle format) {
  const nb::object order =
      format.is_none() ? nb::object(nb::none()) : package("_layout", "order")(format, x.dim());
  if (order.is_none() || x.batched()) return empty_with_strides_of(x, dtype);
  Dims dims;
  dims_from(order, &dims);
  return empty_in_order(x.sizes(), dims, dtype);
}

void check_device(nb::handle device) {
  if (!device.is_none()) package("_device", "check_cpu")(device);
}

Options options_from(const char* name, const nb::args& args, const nb::kwargs& kwargs, bool random) {
  Options options{{}, get_default_dtype(), false, {}, nullptr, {}};
  bool sized = args.size() > 0;
  if (sized) options.sizes = dims_from_args(args, name);
  for (auto [key_object, value] : kwargs) {
    const std::string key = nb::cast<std::string>(key_object);
    if (key == "size" && !sized) {
      check<TypeError>(dims_from(value, &options.sizes), name,
                       "(): argument 'size' must be a tuple of ints, got ", Py_TYPE(value.ptr())->tp_name);
      sized = true;
    } else if (key == "dtype") {
      check<TypeError>(value.is_none() || dtype_from(value, &options.dtype), name,
                       "(): argument 'dtype' must be torch.dtype, not ", Py_TYPE(value.ptr())->tp_name);
    } else if (key == "requires_grad") {
      options.requires_grad = nb::cast<bool>(value);
    } else if (key == "device") {
      check_device(value);
    } else if (key == "out") {
      if (!value.is_none()) options.out = nb::cast<Tensor>(value);
    } else if (key == "generator" && random) {
      check<TypeError>(nb::try_cast<kernels::Generator*>(value, options.generator), name,
                       "(): argument 'generator' must be Generator, not ", Py_TYPE(value.ptr())->tp_name);
    } else if (key == "memory_format" && std::string_view(name) == "empty") {
      options.format = nb::borrow(value);
    } else {
      check<TypeError>(key == "layout" || key == "pin_memory" || key == "names", name,
                       "() got an unexpected keyword argument '", key, "'");
    }
  }
  check<TypeError>(sized, name, "() missing 1 required positional arguments: \"size\"");
  return options;
}

Tensor deliver(Tensor result, nb::handle out, nb::handle device, bool requires_grad) {
  check_device(device);
  if (!out.is_none()) {
    Tensor target = nb::cast<Tensor>(out);
    return copy_(target, result);
  }
  return finish(result, requires_grad);
}

namespace {

template <class Make>
void bind_sized(nb::module_& m, TensorClass& tensor, const char* name, Make make, const char* doc) {
  m.def(
      name,
      [name, make](const nb::args& args, const nb::kwargs& kwargs) {
        Options options = options_from(name, args, kwargs);
        if (options.out.defined()) {
          copy_(options.out, expand(make(Dims{}, options.out.dtype()), options.sizes));
          return options.out;
        }
        Tensor made = make(options.sizes, options.dtype);
        if (options.format.is_valid()) made = empty_as(made, options.dtype, options.format);
        return finish(made, options.requires_grad);
      },
      doc);
  m.def((std::string(name) + "_like").c_str(),
        [make](const Tensor& x, OptionalDType dtype, nb::handle, nb::object device, bool requires_grad,
               nb::handle format) {
          check_device(device);
          Tensor y = empty_as(x, dtype.value_or(x.dtype()), format);
          Tensor values = make(Dims{}, y.dtype());
          if (y.numel()) copy_values(y, values);
          return finish(y, requires_grad);
        },
        "input"_a, nb::kw_only(), "dtype"_a = nb::none(), "layout"_a = nb::none(), "device"_a = nb::none(),
        "requires_grad"_a = false, "memory_format"_a = nb::none(), doc);
  tensor.def((std::string("new_") + name).c_str(),
             [name, make](const Tensor& x, const nb::args& args, const nb::kwargs& kwargs) {
               Options options = options_from(name, args, kwargs);
               const DType dtype = kwargs.contains("dtype") && !nb::handle(kwargs["dtype"]).is_none()
                                       ? options.dtype
                                       : x.dtype();
               return finish(make(options.sizes, dtype), options.requires_grad);
             },
             doc);
}

DType number_type(std::initializer_list<const Scalar*> numbers, OptionalDType dtype) {
  if (dtype) return *dtype;
  for (const Scalar* number : numbers)
    if (number->is_floating()) return get_default_dtype();
  return DType::i64;
}

void bind(nb::module_& m, TensorClass& tensor) {
  m.def(
      "_tensor", [](nb::handle data, OptionalDType dtype) { return from_data(data, dtype); }, "data"_a.none(),
      "dtype"_a = nb::none());

  bind_sized(
      m, tensor, "empty",
      [](const Dims& s, DType d) {
        return d == DType::boolean ? zeros(s, d) : empty(s, d);  // a bool is 0 or 1, whatever memory held
      },
      "A tensor whose values are not set.");
  bind_sized(m, tensor, "zeros", [](const Dims& s, DType d) { return zeros(s, d); }, "A tensor of zeros.");
  bind_sized(
      m, tensor, "ones", [](const Dims& s, DType d) { return full(s, Scalar(1), d); }, "A tensor of ones.");

  m.def(
      "full",
      [](const Dims& size, const Operand& value, nb::object out, OptionalDType dtype, nb::handle,
         nb::object device, bool requires_grad, bool) {
        const Scalar number =
            value.is_tensor() ? nb::cast<Scalar>(nb::cast(value.tensor()).attr("item")()) : value.scalar();
        return deliver(full(size, number, dtype.value_or(value.dtype())), out, device, requires_grad);
      },
      "size"_a, "fill_value"_a, PENLIGHT_TENSOR_OPTIONS, "A tensor of one value.");
  m.def(
      "full_like",
      [](const Tensor& x, const Scalar& value, OptionalDType dtype, nb::handle, nb::object device,
         bool requires_grad, nb::handle format) {
        check_device(device);
        Tensor y = empty_as(x, dtype.value_or(x.dtype()), format);
        fill_values(y, value);
        return finish(y, requires_grad);
      },
      "input"_a, "fill_value"_a, nb::kw_only(), "dtype"_a = nb::none(), "layout"_a = nb::none(),
      "device"_a = nb::none(), "requires_grad"_a = false, "memory_format"_a = nb::none(),
      "A tensor of one value, sized as another.");
  const auto strided = [](const Dims& sizes, const Dims& strides, DType dtype) {
    check(sizes.size() == strides.size(), "mismatch in length of strides and shape");
    int64_t reach = checked_numel(sizes) ? 1 : 0;
    for (std::size_t d = 0; d < sizes.size(); ++d) {
      check(strides[d] >= 0,
            "as_strided: Negative strides are not supported at the moment, got strides: ", strides);
      if (reach)
        reach = checked_add(reach, checked_mul(sizes[d] - 1, strides[d], "the window"), "the window");
    }
    return alias(empty({reach}, dtype), sizes, strides, 0);
  };
  m.def(
      "empty_strided",
      [strided](const Dims& size, const Dims& stride, OptionalDType dtype, nb::handle, nb::object device,
                bool requires_grad, bool) {
        check_device(device);
        return finish(strided(size, stride, dtype.value_or(get_default_dtype())), requires_grad);
      },
      "size"_a, "stride"_a, nb::kw_only(), "dtype"_a = nb::none(), "layout"_a = nb::none(),
      "device"_a = nb::none(), "requires_grad"_a = false, "pin_memory"_a = false,
      "A tensor of these sizes and strides, its values whatever was in memory.");
  tensor.def(
      "new_empty_strided",
      [strided](const Tensor& x, const Dims& size, const Dims& stride, OptionalDType dtype, nb::handle,
                nb::object device, bool requires_grad, bool) {
        check_device(device);
        return finish(strided(size, stride, dtype.value_or(x.dtype())), requires_grad);
      },
      "size"_a, "stride"_a, "dtype"_a = nb::none(), "layout"_a = nb::none(), "device"_a = nb::none(),
      "requires_grad"_a = false, "pin_memory"_a = false,
      "A tensor of the same type, with these sizes and strides.");
  tensor.def(
      "new_full",
      [](const Tensor& x, const Dims& size, const Scalar& value, OptionalDType dtype, nb::object device,
         bool requires_grad) {
        check_device(device);
        return finish(full(size, value, dtype.value_or(x.dtype())), requires_grad);
      },
      "size"_a, "fill_value"_a, nb::kw_only(), "dtype"_a = nb::none(), "device"_a = nb::none(),
      "requires_grad"_a = false);
  tensor.def(
      "new_tensor",
      [](const Tensor& x, nb::handle data, OptionalDType dtype, nb::object device, bool requires_grad) {
        check_device(device);
        return finish(from_data(data, dtype ? dtype : OptionalDType(x.dtype())), requires_grad);
      },
      "data"_a, nb::kw_only(), "dtype"_a = nb::none(), "device"_a = nb::none(), "requires_grad"_a = false);

  const auto range = [](const Scalar& start, const Scalar& end, const Scalar& step, nb::object out,
                        OptionalDType dtype, nb::handle, nb::object device, bool requires_grad, bool) {
    return deliver(arange(start, end, step, number_type({&start, &end, &step}, dtype)), out, device,
                   requires_grad);
  };
  m.def(
      "arange",
      [range](const Scalar& end, nb::object out, OptionalDType dtype, nb::handle l, nb::object device, bool g,
              bool p) { return range(Scalar(0), end, Scalar(1), out, dtype, l, device, g, p); },
      "end"_a, PENLIGHT_TENSOR_OPTIONS, "Numbers from start up to but without end.");
  m.def("arange", range, "start"_a, "end"_a, "step"_a = 1, PENLIGHT_TENSOR_OPTIONS,
        "Numbers from start up to but without end.");
  m.def(
      "linspace",
      [](double start, double end, Int steps, nb::object out, OptionalDType dtype, nb::handle,
         nb::object device, bool g, bool) {
        return deliver(linspace(start, end, steps, dtype.value_or(get_default_dtype())), out, device, g);
      },
      "start"_a, "end"_a, "steps"_a, PENLIGHT_TENSOR_OPTIONS, "So many numbers, evenly from start to end.");
  m.def(
      "logspace",
      [](double start, double end, Int steps, double base, nb::object out, OptionalDType dtype, nb::handle,
         nb::object device, bool g, bool) {
        GradModeGuard off(false);
        const Tensor powers = pow(Scalar(base), linspace(start, end, steps, DType::f64));
        return deliver(cast(powers, dtype.value_or(get_default_dtype())), out, device, g);
      },
      "start"_a, "end"_a, "steps"_a, "base"_a = 10.0, PENLIGHT_TENSOR_OPTIONS,
      "base to the power of linspace(start, end, steps).");
  m.def(
      "eye",
      [](Int n, std::optional<Int> columns, nb::object out, OptionalDType dtype, nb::handle,
         nb::object device, bool g, bool) {
        return deliver(eye(n, columns ? *columns : n, dtype.value_or(get_default_dtype())), out, device, g);
      },
      "n"_a, "m"_a = nb::none(), PENLIGHT_TENSOR_OPTIONS, "Ones on the diagonal, zeros elsewhere.");
  m.def(
      "scalar_tensor",
      [](const Scalar& value, nb::object out, OptionalDType dtype, nb::handle, nb::object device, bool g,
         bool) { return deliver(scalar_tensor(value, dtype.value_or(get_default_dtype())), out, device, g); },
      "s"_a, PENLIGHT_TENSOR_OPTIONS);
}

const Family family{bind};

}  // namespace

}  // namespace penlight::bindings
