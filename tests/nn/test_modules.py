"""Every module against PyTorch's: the same weights from the same seed, results, printed form and state."""

import copy
import pickle

import numpy as np
import pytest
from module_cases import CASES, PRINTED
from oracle import assert_same

import penlight

NAMED = [pytest.param(case, id=case.text) for case in CASES]


def inputs(library, case):
    rng = np.random.default_rng(3)
    arrays = [rng.standard_normal(shape).astype("float32") for shape in case.inputs]
    return [library.from_numpy(array) for array in arrays]


def run(library, case, training):
    """The module made under a seed, its results in two calls, its gradients and its state afterwards."""
    library.manual_seed(11)
    module = case.make(library).train(training)
    results = [module(*[x * 1.0 for x in inputs(library, case)]) for _ in range(2)]
    grads = []
    if parameters := list(module.parameters()):
        (results[-1] ** 2).sum().backward()
        grads = [p.grad for p in parameters]
    return results, grads, module.state_dict()


@pytest.mark.parametrize("training", [True, False], ids=["training", "evaluation"])
@pytest.mark.parametrize("case", NAMED)
def test_a_module_does_what_pytorchs_does(case, training):
    torch = pytest.importorskip("torch")
    (ours, our_grads, our_state), (theirs, their_grads, their_state) = (
        run(library, case, training) for library in (penlight, torch)
    )
    assert_same(ours, theirs, 2e-5)
    assert_same(our_grads, their_grads, 2e-4)
    assert list(our_state) == list(their_state)
    assert_same(list(our_state.values()), list(their_state.values()), 1e-6)


@pytest.mark.parametrize("text", [case.text for case in CASES] + PRINTED)
def test_a_module_prints_as_pytorchs(text):
    torch = pytest.importorskip("torch")
    scope = {"nn": penlight.nn, "torch": penlight}
    assert repr(eval(text, scope)) == repr(eval(text, {"nn": torch.nn, "torch": torch}))


@pytest.mark.parametrize("case", NAMED)
def test_a_modules_signature_is_pytorchs(case):
    import inspect

    torch = pytest.importorskip("torch")
    ours = inspect.signature(type(case.make(penlight)).__init__).parameters
    theirs = inspect.signature(type(case.make(torch)).__init__).parameters
    if "args" in theirs and not isinstance(
        case.make(penlight), penlight.nn.Sequential | penlight.nn.Identity
    ):
        theirs = {"self": theirs["self"]}  # PyTorch's module takes the base class's (no) arguments
    assert list(ours) == list(theirs)
    assert [p.default for p in ours.values()] == [p.default for p in theirs.values()]


@pytest.mark.parametrize("case", NAMED)
def test_a_copy_and_a_pickle_compute_the_same(case):
    module = case.make(penlight).eval()
    expected = module(*inputs(penlight, case))
    for other in (copy.deepcopy(module), pickle.loads(pickle.dumps(module))):
        assert_same([other(*inputs(penlight, case))], [expected], 0)
        for ours, theirs in zip(module.parameters(), other.parameters(), strict=True):
            assert isinstance(theirs, penlight.nn.Parameter) and theirs.data_ptr() != ours.data_ptr()


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("nn.Linear(20, 30)", "Linear(in_features=20, out_features=30, bias=True)"),
        ("nn.Conv1d(2, 16, 3)", "Conv1d(2, 16, kernel_size=(3,), stride=(1,))"),
        (
            "nn.Conv2d(20, 16, (3, 5), padding=(1, 2))",
            "Conv2d(20, 16, kernel_size=(3, 5), stride=(1, 1), padding=(1, 2))",
        ),
        ("nn.Conv1d(1, 1, 3, padding='same')", "Conv1d(1, 1, kernel_size=(3,), stride=(1,), padding=same)"),
        ("nn.MaxPool2d(2)", "MaxPool2d(kernel_size=2, stride=2, padding=0, dilation=1, ceil_mode=False)"),
        ("nn.Dropout()", "Dropout(p=0.5, inplace=False)"),
        ("nn.Flatten()", "Flatten(start_dim=1, end_dim=-1)"),
        (
            "nn.Sequential(nn.Conv2d(1, 20, 5), nn.ReLU())",
            "Sequential(\n  (0): Conv2d(1, 20, kernel_size=(5, 5), stride=(1, 1))\n  (1): ReLU()\n)",
        ),
    ],
)
def test_printed_forms_of_the_documentation(text, printed):
    assert repr(eval(text, {"nn": penlight.nn})) == printed


def test_conv_shapes_of_the_lesson():
    conv = penlight.nn.Conv1d(2, 16, 3)
    assert conv.weight.shape == (16, 2, 3) and conv.bias.shape == (16,)
    assert conv(penlight.randn(1, 2, 64)).shape == (1, 16, 62)
    assert penlight.nn.Conv1d(2, 16, 5)(penlight.randn(1, 2, 64)).shape == (1, 16, 60)
    assert penlight.nn.Conv2d(20, 16, (3, 5))(penlight.randn(1, 20, 64, 128)).shape == (1, 16, 62, 124)
    padded = penlight.nn.Conv2d(20, 16, (3, 5), stride=1, padding=(1, 2))
    assert padded(penlight.randn(1, 20, 64, 128)).shape == (1, 16, 64, 128)


def test_same_padding_with_a_stride_rounds_up():
    conv = penlight.nn.Conv1d(2, 16, 3, stride=2, padding="same")
    assert conv(penlight.randn(1, 2, 63)).shape == (1, 16, 32)
    assert conv(penlight.randn(1, 2, 64)).shape == (1, 16, 32)


def test_a_transposed_convolution_takes_an_output_size():
    conv = penlight.nn.ConvTranspose2d(3, 4, 3, stride=2, padding=1)
    x = penlight.randn(1, 3, 6, 6)
    assert conv(x, output_size=(12, 11)).shape == (1, 4, 12, 11)
    assert conv(x, output_size=[1, 4, 12, 11]).shape == (1, 4, 12, 11)
    with pytest.raises(ValueError, match="requested an output size"):
        conv(x, output_size=(13, 11))
    with pytest.raises(ValueError, match="output_size must have 2 or 4 elements"):
        conv(x, output_size=(12,))


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        ("nn.Conv1d(3, 3, 3, groups=0)", ValueError, "groups must be a positive integer"),
        ("nn.Conv1d(3, 4, 3, groups=2)", ValueError, "in_channels must be divisible by groups"),
        ("nn.Conv1d(4, 3, 3, groups=2)", ValueError, "out_channels must be divisible by groups"),
        ("nn.Conv1d(1, 1, 3, padding='x')", ValueError, "Invalid padding string 'x'"),
        ("nn.Conv1d(1, 1, 3, padding_mode='x')", ValueError, "padding_mode must be one of"),
        ("nn.Conv2d(1, 1, (3,))", ValueError, "kernel_size must be an int or a tuple of 2 ints"),
        ("nn.Conv2d(1, 1, [])", ValueError, "kernel_size must be an int or a tuple of 2 ints"),
        ("nn.Conv2d(1, 1, 3, stride='2')", TypeError, "stride must be an int or a tuple of 2 ints"),
        ("nn.Conv2d(1, 1, 2.5)", TypeError, "kernel_size must be an int"),
        ("nn.Conv2d(-1, 1, 2)", RuntimeError, "negative dimension"),
        ("nn.Conv1d(2**63 - 1, 3, 3)", RuntimeError, "overflow"),
        ("nn.Linear(2**40, 2**40)", RuntimeError, "overflow"),
        ("nn.Linear(-1, 2)", RuntimeError, "negative dimension"),
        ("nn.Linear(2.5, 2)", TypeError, "must be tuple of ints"),
        ("nn.ConvTranspose1d(1, 1, 2, padding_mode='circular')", ValueError, 'Only "zeros" padding mode'),
        ("nn.Dropout(2)", ValueError, "dropout probability has to be between 0 and 1, but got 2"),
        ("nn.GroupNorm(3, 4)", ValueError, r"num_channels \(4\) must be divisible by num_groups \(3\)"),
        ("nn.GroupNorm(0, 4)", ValueError, "num_groups must be positive"),
        ("nn.Embedding(3, 2, 5)", AssertionError, "Padding_idx must be within num_embeddings"),
        ("nn.Embedding(-1, 2)", RuntimeError, "negative dimension"),
        ("nn.Unflatten(1, 3)", TypeError, "unflattened_size must be tuple of ints"),
        ("nn.ReflectionPad1d((1, 2, 3))", ValueError, "padding must be an int or a tuple of 2 ints"),
        ("nn.BatchNorm2d(3)(torch.ones(3))", ValueError, r"expected 4D input \(got 1D input\)"),
        ("nn.BatchNorm1d(3)(torch.ones(3))", ValueError, r"expected 2D or 3D input \(got 1D input\)"),
        ("nn.BatchNorm1d(3)(torch.ones(3, 4))", RuntimeError, "running_mean should contain 4 elements not 3"),
        ("nn.BatchNorm1d(3)(torch.ones(1, 3))", ValueError, "Expected more than 1 value per channel"),
        ("nn.InstanceNorm1d(3)(torch.ones(3, 1))", ValueError, "Expected more than 1 spatial element"),
        ("nn.LayerNorm(3)(torch.ones(2))", RuntimeError, r"expected input with shape \[\*, 3\]"),
        ("nn.CrossEntropyLoss()(torch.ones(2, 3), torch.tensor([0, 3]))", IndexError, "Target 3 is out of bounds"),
        ("nn.CrossEntropyLoss()(torch.ones(2, 3), torch.tensor([0]))", ValueError, "to match target batch_size"),
        ("nn.CrossEntropyLoss()(torch.ones(2, 3), torch.tensor([0.0, 1.0]))", RuntimeError, "expected target dtype"),
        ("nn.MSELoss(reduction='x')(torch.ones(2), torch.ones(2))", ValueError, "x is not a valid value for reduction"),
        ("nn.BCELoss()(torch.tensor([2.0]), torch.tensor([1.0]))", RuntimeError, "between 0 and 1"),
        ("nn.functional.one_hot(torch.tensor([3]), 2)", RuntimeError, "Class values must be smaller than"),
        ("nn.functional.one_hot(torch.tensor([-3]))", RuntimeError, "Class values must be non-negative"),
        ("nn.functional.pad(torch.ones(3), (1,))", RuntimeError, "Padding length must be divisible by 2"),
        ("nn.functional.pad(torch.ones(3), (1, 1), mode='x')", NotImplementedError, "Unrecognised padding mode x"),
        ("nn.functional.pad(torch.ones(0), (1, 1), mode='circular')", RuntimeError, "dimension 0 is empty"),
        ("nn.functional.glu(torch.ones(3))", RuntimeError, "Halving dimension must be even"),
        ("nn.functional.gelu(torch.ones(3), approximate='x')", RuntimeError, "approximate argument must be"),
        ("nn.functional.softmax(torch.ones(3), dim=1)", IndexError, "Dimension out of range"),
        ("nn.functional.interpolate(torch.ones(1, 1, 3), size=0)", RuntimeError, "should be greater than 0"),
        ("nn.functional.interpolate(torch.ones(1, 1, 3))", ValueError, "either size or scale_factor"),
        ("nn.functional.hardtanh(torch.ones(3), 2, 1)", ValueError, "min_val cannot be greater than max_val"),
    ],
)  # fmt: skip
def test_bad_arguments_are_named(text, error, words):
    with pytest.raises(error, match=words):
        eval(text, {"nn": penlight.nn, "torch": penlight})
