"""Sizes, dtypes, devices, limits of numbers, the tensor types of old, and questions about absent hardware."""

import copy
import operator
import pickle

import numpy as np
import pytest

import penlight

DTYPES = {
    "float16": (2, True, True),
    "bfloat16": (2, True, True),
    "float32": (4, True, True),
    "float64": (8, True, True),
    "uint8": (1, False, False),
    "int8": (1, False, True),
    "int16": (2, False, True),
    "int32": (4, False, True),
    "int64": (8, False, True),
    "bool": (1, False, False),
}


def message(call):
    with pytest.raises(Exception) as caught:
        call()
    return type(caught.value), str(caught.value)


# Sizes.


def test_size_is_a_tuple_that_stays_a_size():
    size = penlight.zeros(2, 3, 4).shape
    assert type(size) is penlight.Size
    assert size == (2, 3, 4) and hash(size) == hash((2, 3, 4))
    assert repr(size) == str(size) == "torch.Size([2, 3, 4])"
    assert size.numel() == 24 and penlight.Size().numel() == 1
    five = (5,)
    for derived in (size[1:], size[:2], size + five, five + size, size * 2, 2 * size):
        assert type(derived) is penlight.Size
    assert five + size == (5, 2, 3, 4)
    assert size[0] == 2 and type(size[0]) is int and size[-1] == 4
    a, b, c = size
    assert (a, b, c) == (2, 3, 4)


def test_size_survives_copying_and_pickling():
    size = penlight.Size([2, 3])
    for twin in (copy.copy(size), copy.deepcopy(size), pickle.loads(pickle.dumps(size))):
        assert twin == size and type(twin) is penlight.Size


@pytest.mark.parametrize(
    "make",
    [
        lambda t: t.Size([2.5]),
        lambda t: t.Size(["a"]),
        lambda t: t.Size([1, None]),
        lambda t: operator.add(t.Size([2]), [3]),
        lambda t: t.Size([2]) + "a",
        lambda t: t.Size(5),
    ],
)
def test_size_errors_are_pytorchs(make):
    torch = pytest.importorskip("torch")
    assert message(lambda: make(penlight)) == message(lambda: make(torch))


def test_size_takes_anything_that_counts():
    assert penlight.Size([penlight.tensor(3), np.int64(4), True]) == (3, 4, 1)
    with pytest.raises((ValueError, OverflowError)):
        penlight.Size([2**70])


# dtypes.


@pytest.mark.parametrize("name", DTYPES)
def test_dtype_knows_itself(name):
    dtype = getattr(penlight, name)
    itemsize, floating, signed = DTYPES[name]
    assert repr(dtype) == str(dtype) == f"torch.{name}"
    assert dtype.itemsize == itemsize
    assert (dtype.is_floating_point, dtype.is_complex, dtype.is_signed) == (floating, False, signed)
    assert isinstance(dtype, penlight.dtype)
    assert copy.deepcopy(dtype) is dtype and pickle.loads(pickle.dumps(dtype)) is dtype
    assert penlight.zeros(1, dtype=dtype).dtype is dtype
    assert penlight.zeros(1, dtype=dtype).element_size() == itemsize


def test_dtype_aliases():
    pairs = {
        "float": "float32", "double": "float64", "half": "float16",
        "long": "int64", "int": "int32", "short": "int16",
    }  # fmt: skip
    for alias, name in pairs.items():
        assert getattr(penlight, alias) is getattr(penlight, name)


def test_dtypes_cannot_be_made():
    with pytest.raises(TypeError):
        penlight.dtype()


def test_python_types_as_dtypes():
    assert penlight.zeros(1, dtype=float).dtype is penlight.float64
    assert penlight.zeros(1, dtype=int).dtype is penlight.int64
    assert penlight.zeros(1, dtype=bool).dtype is penlight.bool
    with pytest.raises(TypeError, match="dtype"):
        penlight.zeros(1, dtype="float32")


@pytest.mark.parametrize("name", [name for name in DTYPES if name != "bool"])
def test_limits_are_pytorchs(name):
    torch = pytest.importorskip("torch")
    kind = "finfo" if DTYPES[name][1] else "iinfo"
    ours = getattr(penlight, kind)(getattr(penlight, name))
    theirs = getattr(torch, kind)(getattr(torch, name))
    assert repr(ours) == repr(theirs)
    fields = ["bits", "min", "max", "dtype"]
    if kind == "finfo":
        fields += ["eps", "tiny", "smallest_normal", "resolution"]
    for field in fields:
        assert getattr(ours, field) == getattr(theirs, field)


def test_limits_of_numpys_types():
    for name in ("float16", "float32", "float64"):
        ours, theirs = penlight.finfo(getattr(penlight, name)), np.finfo(name)
        assert (ours.eps, ours.max, ours.min, ours.tiny) == (theirs.eps, theirs.max, theirs.min, theirs.tiny)
    for name in ("uint8", "int8", "int16", "int32", "int64"):
        ours, theirs = penlight.iinfo(getattr(penlight, name)), np.iinfo(name)
        assert (ours.min, ours.max, ours.bits) == (theirs.min, theirs.max, theirs.bits)


def test_limits_of_the_wrong_kind():
    with pytest.raises(TypeError, match="floating point"):
        penlight.finfo(penlight.int32)
    with pytest.raises(TypeError, match="integer"):
        penlight.iinfo(penlight.float32)
    with pytest.raises(TypeError, match=r"torch\.bool is not supported by torch\.iinfo"):
        penlight.iinfo(penlight.bool)
    assert penlight.finfo() == penlight.finfo(penlight.get_default_dtype())


def test_default_dtype():
    assert penlight.get_default_dtype() is penlight.float32
    try:
        penlight.set_default_dtype(penlight.float64)
        assert penlight.zeros(1).dtype is penlight.tensor(0.5).dtype is penlight.float64
        penlight.set_default_tensor_type("torch.FloatTensor")
        assert penlight.tensor(0.5).dtype is penlight.float32
        penlight.set_default_tensor_type(penlight.DoubleTensor)
        assert penlight.tensor(0.5).dtype is penlight.float64
        for wrong in (penlight.int32, "float"):
            with pytest.raises(TypeError, match="floating"):
                penlight.set_default_dtype(wrong)
    finally:
        penlight.set_default_dtype(penlight.float32)


# The tensor types of old.

LEGACY = {
    "FloatTensor": "float32", "DoubleTensor": "float64", "HalfTensor": "float16",
    "BFloat16Tensor": "bfloat16", "LongTensor": "int64", "IntTensor": "int32",
    "ShortTensor": "int16", "CharTensor": "int8", "ByteTensor": "uint8", "BoolTensor": "bool",
}  # fmt: skip


@pytest.mark.parametrize(("kind", "name"), LEGACY.items())
def test_legacy_types(kind, name):
    make, dtype = getattr(penlight, kind), getattr(penlight, name)
    assert make(2, 3).shape == (2, 3) and make(2, 3).dtype is dtype
    assert make([0, 1]).tolist() == [0, 1] and make([0, 1]).dtype is dtype
    assert make().shape == (0,)
    assert isinstance(make([1]), make) and isinstance(make([1]), penlight.Tensor)
    assert make.dtype is dtype
    x = penlight.ones(2, dtype=dtype)
    assert x.type() == penlight.typename(x) == f"torch.{kind}"
    for wanted in (f"torch.{kind}", make, dtype):
        assert penlight.ones(2).type(wanted).dtype is dtype
    others = [getattr(penlight, other) for other in LEGACY if other != kind]
    assert not any(isinstance(x, other) for other in others)


@pytest.mark.parametrize(
    "arguments",
    [
        (), (2, 3), (5,), ([1, 2],), ((2, 3),), ([],), ([True, 2],), (range(3),), (np.ones(2),),
        (np.int64(2),), (2.5,), ("a",), (None,), (True,), (2, [3]), (-1,), ([[1, 2], [3]],),
    ],
)  # fmt: skip
@pytest.mark.parametrize("kind", ["FloatTensor", "LongTensor", "Tensor"])
def test_legacy_arguments_as_in_pytorch(kind, arguments):
    torch = pytest.importorskip("torch")
    try:
        theirs = getattr(torch, kind)(*arguments)
    except Exception as error:
        with pytest.raises(type(error)):
            getattr(penlight, kind)(*arguments)
        return
    ours = getattr(penlight, kind)(*arguments)
    assert ours.shape == theirs.shape
    assert str(ours.dtype) == str(theirs.dtype)
    if len(arguments) == 1 and hasattr(arguments[0], "__len__"):
        assert ours.tolist() == theirs.tolist()


def test_legacy_from_size_and_tensor():
    assert penlight.FloatTensor(penlight.Size([2, 3])).shape == (2, 3)
    x = penlight.ones(2)
    assert penlight.FloatTensor(x).data_ptr() == x.data_ptr()
    with pytest.raises(TypeError, match="float64"):
        penlight.FloatTensor(x.double())
    with pytest.raises(RuntimeError, match="overflow"):
        penlight.FloatTensor(2**62, 4)


def test_type_of_no_type():
    for wrong in ("torch.Foo", "float"):
        with pytest.raises(ValueError, match="invalid type"):
            penlight.ones(1).type(wrong)


def test_questions_about_objects():
    x = penlight.ones(2)
    assert penlight.is_tensor(x) and not penlight.is_tensor([1])
    assert penlight.is_floating_point(x) and x.is_floating_point()
    assert not penlight.is_floating_point(x.long())
    assert penlight.typename(3) == "int"
    assert not penlight.is_complex(x) and not x.is_complex()


# Conversions.


def test_to():
    x = penlight.ones(2)
    assert x.to(penlight.float32) is x and x.to("cpu") is x and x.cpu() is x and x.float() is x
    assert x.to(penlight.float32, copy=True) is not x
    assert x.to(penlight.int8).dtype is penlight.int8
    assert x.to("cpu", penlight.float64).dtype is penlight.float64
    assert x.to(penlight.device("cpu"), penlight.float16, True).dtype is penlight.float16
    assert x.to(penlight.zeros(1, dtype=penlight.int32)).dtype is penlight.int32
    assert x.to(device="cpu", dtype=penlight.int16).dtype is penlight.int16
    assert x.to(None) is x
    for wrong in ((3.5,), ("cpu", "float"), ([1],)):
        with pytest.raises((TypeError, RuntimeError)):
            x.to(*wrong)


def test_conversion_methods():
    x = penlight.tensor([0.0, 1.5, -2.5])
    names = {
        "half": "float16", "float": "float32", "double": "float64", "bfloat16": "bfloat16", "long": "int64",
        "int": "int32", "short": "int16", "char": "int8", "bool": "bool",
    }  # fmt: skip
    for method, name in names.items():
        assert getattr(x, method)().dtype is getattr(penlight, name)
    assert x.long().tolist() == [0, 1, -2]
    assert x.bool().tolist() == [False, True, True]


# Devices.


def test_device():
    cpu = penlight.device("cpu")
    assert repr(cpu) == "device(type='cpu')" and str(cpu) == "cpu" and cpu.index is None and cpu.type == "cpu"
    assert repr(penlight.device("cuda", 1)) == "device(type='cuda', index=1)"
    assert str(penlight.device("cuda:1")) == "cuda:1"
    assert penlight.device(cpu) == cpu and penlight.device("cpu:0") != cpu and cpu != "cpu"
    assert hash(cpu) == hash(penlight.device("cpu"))
    assert pickle.loads(pickle.dumps(cpu)) == cpu and copy.deepcopy(cpu) == cpu
    x = penlight.ones(2, device=cpu)
    assert x.device == cpu and x.is_cpu and not x.is_cuda and x.get_device() == -1
    with cpu:
        assert penlight.ones(2).device == cpu
    with pytest.raises(AttributeError):
        cpu.type = "cuda"


@pytest.mark.parametrize("name", ["foo", "cpu:-1", "", "cpu:", "cpu:x", "cuda:01"])
def test_device_of_no_such_name(name):
    with pytest.raises(RuntimeError):
        penlight.device(name)


@pytest.mark.parametrize("wrong", [None, 1.5, []])
def test_device_of_another_kind(wrong):
    with pytest.raises(TypeError):
        penlight.device(wrong)


@pytest.mark.parametrize(
    "ask",
    [
        lambda: penlight.ones(2, device="cuda"),
        lambda: penlight.ones(2).to("cuda"),
        lambda: penlight.ones(2).cuda(),
        lambda: penlight.tensor([1.0], device="cuda:0"),
        penlight.cuda.current_device,
        penlight.cuda.synchronize,
    ],
)
def test_asking_for_a_graphics_card_is_an_error_in_pytorchs_words(ask):
    with pytest.raises(AssertionError, match="Torch not compiled with CUDA enabled"):
        ask()


def test_usual_device_lines_of_scripts():
    device = penlight.device("cuda" if penlight.cuda.is_available() else "cpu")
    assert device.type == "cpu"
    assert penlight.cuda.device_count() == 0
    assert not penlight.accelerator.is_available()
    assert not penlight.backends.mps.is_available()
    assert not penlight.backends.cudnn.is_available()
    penlight.cuda.manual_seed(0)
    penlight.cuda.manual_seed_all(0)
    penlight.cuda.empty_cache()
    before = penlight.backends.cudnn.benchmark
    try:
        penlight.backends.cudnn.benchmark = True
        assert penlight.backends.cudnn.benchmark
    finally:
        penlight.backends.cudnn.benchmark = before
    penlight.backends.cuda.matmul.allow_tf32 = False


def test_layout_and_memory_formats():
    assert repr(penlight.strided) == "torch.strided" and penlight.ones(1).layout is penlight.strided
    for name in ("contiguous_format", "preserve_format", "channels_last", "channels_last_3d"):
        assert repr(getattr(penlight, name)) == f"torch.{name}"
        assert isinstance(getattr(penlight, name), penlight.memory_format)
    x = penlight.ones(1, 2, 3, 4)
    assert x.contiguous(memory_format=penlight.contiguous_format) is x
    assert x.is_contiguous(memory_format=penlight.contiguous_format)
    assert x.clone(memory_format=penlight.preserve_format).stride() == x.stride()


def test_threads():
    before = penlight.get_num_threads()
    try:
        penlight.set_num_threads(1)
        assert penlight.get_num_threads() == 1
        for wrong, error in ((0, RuntimeError), (-1, RuntimeError), (2.5, (TypeError, RuntimeError))):
            with pytest.raises(error, match="set_num_threads"):
                penlight.set_num_threads(wrong)
    finally:
        penlight.set_num_threads(before)


def test_show_config_says_what_was_picked():
    text = penlight.show_config()
    assert penlight.__version__ in text
    assert any(name in text for name in ("baseline", "avx2", "avx512"))
    assert str(penlight.get_num_threads()) in text
