"""Random numbers: the published generator, the distributions' properties, and PyTorch number for number."""

import copy
import pickle

import numpy as np
import pytest
from scipy import stats

import penlight

FLOATING = ["float32", "float64", "float16", "bfloat16"]
INTEGERS = ["int64", "int32", "int16", "int8", "uint8", "bool"]


def draws(generator, n):
    """The generator's next n numbers of 32 bits."""
    return penlight.empty(n, dtype=penlight.float64).random_(0, 2**27, generator=generator)


# ---- the generator


def test_the_ten_thousandth_number_is_the_one_the_cpp_standard_names():
    """ISO C++, [rand.predef]: the 10000th call of a default std::mt19937 gives 4123659995."""
    generator = penlight.Generator().manual_seed(5489)
    last = penlight.empty(10000, dtype=penlight.int64).random_(0, 2**28 - 1, generator=generator)[-1]
    assert last == 4123659995 % (2**28 - 1)


def test_the_numbers_are_those_of_numpys_mersenne_twister():
    generator = penlight.Generator().manual_seed(123)
    numbers = np.random.RandomState(np.random.MT19937())
    numbers.set_state(("MT19937", *_mt19937_start(123)))
    raw = numbers.randint(0, 2**32, 2000, dtype=np.uint32)
    assert penlight.rand(2000, generator=generator).tolist() == ((raw & 0xFFFFFF) * 2.0**-24).tolist()


def _mt19937_start(seed):
    """The initialisation of 2002 by Matsumoto and Nishimura."""
    state = [seed]
    for j in range(1, 624):
        state.append((1812433253 * (state[-1] ^ (state[-1] >> 30)) + j) % 2**32)
    return np.array(state, np.uint32), 624


def test_a_seed_starts_the_same_numbers_again():
    penlight.manual_seed(7)
    first = [penlight.randn(5), penlight.rand(3), penlight.randperm(9)]
    penlight.manual_seed(7)
    again = [penlight.randn(5), penlight.rand(3), penlight.randperm(9)]
    assert all(penlight.equal(a, b) for a, b in zip(first, again, strict=True))
    assert penlight.initial_seed() == 7


@pytest.mark.parametrize(("seed", "stands_for"), [(-1, 2**64 - 1), (-(2**63), 2**63), (2**64 - 1, 2**64 - 1)])
def test_negative_seeds_are_counted_from_the_end_of_64_bits(seed, stands_for):
    assert penlight.manual_seed(seed).initial_seed() == stands_for


@pytest.mark.parametrize("seed", [2**64, -(2**63) - 1, "many"])
def test_other_seeds_are_refused(seed):
    with pytest.raises(ValueError):
        penlight.manual_seed(seed)


def test_a_generator_wants_an_int():
    with pytest.raises(RuntimeError, match="manual_seed expected a long, but got float"):
        penlight.Generator().manual_seed(1.5)


def test_generators_are_streams_of_their_own():
    a, b = penlight.Generator().manual_seed(1), penlight.Generator().manual_seed(1)
    state = penlight.get_rng_state()
    x = penlight.randn(3, generator=a)
    assert penlight.equal(penlight.get_rng_state(), state)
    assert penlight.equal(penlight.randn(3, generator=b), x)
    assert penlight.Generator().initial_seed() == 67280421310721
    assert str(a.device) == "cpu"


def test_a_state_continues_where_it_was_taken_even_between_a_pair_of_normals():
    generator = penlight.Generator().manual_seed(3)
    penlight.randn(3, generator=generator)
    state = generator.get_state()
    copies = [copy.deepcopy(generator), generator.clone_state(), pickle.loads(pickle.dumps(generator))]
    expected = penlight.randn(4, generator=generator)
    for other in (*copies, penlight.Generator().set_state(state)):
        assert penlight.equal(penlight.randn(4, generator=other), expected)
    assert state.shape == (5056,) and state.dtype == penlight.uint8


def test_false_states_are_refused_and_change_nothing():
    generator = penlight.Generator().manual_seed(3)
    state = generator.get_state()
    for wrong, error in (
        (penlight.zeros(5056), TypeError),
        (1, TypeError),
        (penlight.zeros(10, dtype=penlight.uint8), RuntimeError),
        (penlight.zeros(5056, dtype=penlight.uint8), RuntimeError),
        (penlight.full((5056,), 255, dtype=penlight.uint8), RuntimeError),
    ):
        with pytest.raises(error):
            generator.set_state(wrong)
    lying = state.clone()
    lying[8:12] = penlight.tensor([112, 2, 0, 0], dtype=penlight.uint8)  # 624 draws left, ...
    lying[16:24] = penlight.tensor([100, 2, 0, 0, 0, 0, 0, 0], dtype=penlight.uint8)  # ... from place 612 on
    with pytest.raises(RuntimeError, match="Invalid mt19937 state"):
        generator.set_state(lying)
    assert penlight.equal(generator.get_state(), state)


def test_fork_rng_leaves_no_trace():
    penlight.manual_seed(0)
    expected = penlight.rand(2)
    penlight.manual_seed(0)
    with penlight.random.fork_rng():
        penlight.manual_seed(9)
        penlight.rand(7)
    assert penlight.equal(penlight.rand(2), expected)


def test_seed_draws_a_new_one():
    assert penlight.seed() != penlight.seed()
    assert 0 <= penlight.initial_seed() < 2**64


# ---- the distributions

N = 20000
DISTRIBUTIONS = {
    "rand": (lambda g: penlight.rand(N, generator=g), stats.uniform()),
    "rand, float64": (lambda g: penlight.rand(N, generator=g, dtype=penlight.float64), stats.uniform()),
    "uniform_": (lambda g: penlight.empty(N).uniform_(-2, 3, generator=g), stats.uniform(-2, 5)),
    "randn": (lambda g: penlight.randn(N, generator=g), stats.norm()),
    "randn, float64": (lambda g: penlight.randn(N, generator=g, dtype=penlight.float64), stats.norm()),
    "normal_, one by one": (
        lambda g: penlight.empty(N, 2)[:, 0].normal_(3, 2, generator=g),
        stats.norm(3, 2),
    ),
    "exponential_": (lambda g: penlight.empty(N).exponential_(0.5, generator=g), stats.expon(scale=2)),
    "cauchy_": (lambda g: penlight.empty(N).cauchy_(1, 2, generator=g), stats.cauchy(1, 2)),
    "log_normal_": (
        lambda g: penlight.empty(N).log_normal_(0.5, 0.25, generator=g),
        stats.lognorm(0.25, 0, np.exp(0.5)),
    ),
}


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_continuous_distributions(name):
    draw, distribution = DISTRIBUTIONS[name]
    sample = draw(penlight.Generator().manual_seed(0)).double().numpy()
    assert stats.kstest(sample, distribution.cdf).pvalue > 1e-3


def frequencies(x, n):
    return np.bincount(x.long().reshape(-1).numpy(), minlength=n)


def test_discrete_distributions():
    g = penlight.Generator().manual_seed(0)
    assert stats.chisquare(frequencies(penlight.randint(7, (N,), generator=g), 7)).pvalue > 1e-3
    ones = int(penlight.empty(N).bernoulli_(0.3, generator=g).sum())
    assert stats.binomtest(ones, N, 0.3).pvalue > 1e-3
    trials = frequencies(penlight.empty(N).geometric_(0.5, generator=g).clamp(max=6), 7)[1:]
    assert stats.chisquare(trials, N * np.array([0.5, 0.25, 0.125, 0.0625, 0.03125, 0.03125])).pvalue > 1e-3
    weights = penlight.tensor([1.0, 0.0, 3.0, 6.0])
    for replacement in (True, False):
        rows = penlight.multinomial(weights.expand(N, 4), 2 if replacement else 1, replacement, generator=g)
        found = frequencies(rows, 4)
        assert found[1] == 0
        assert stats.chisquare(found[[0, 2, 3]], rows.numel() * np.array([0.1, 0.3, 0.6])).pvalue > 1e-3
    shuffles = [tuple(penlight.randperm(3, generator=g).tolist()) for _ in range(3000)]
    assert stats.chisquare([shuffles.count(p) for p in sorted(set(shuffles))]).pvalue > 1e-3
    assert len(set(shuffles)) == 6


def test_draws_without_replacement_are_different():
    rows = penlight.multinomial(penlight.rand(50, 9), 9)
    assert all(sorted(row) == list(range(9)) for row in rows.tolist())


@pytest.mark.parametrize("dtype", INTEGERS)
def test_random_integers_stay_in_the_types_range(dtype):
    kind = getattr(penlight, dtype)
    x = penlight.empty(1000, dtype=kind).random_()
    top = 1 if dtype == "bool" else penlight.iinfo(kind).max
    assert int(x.long().min()) >= 0 and int(x.long().max()) <= top


@pytest.mark.parametrize("dtype", FLOATING)
def test_the_upper_end_of_a_range_is_never_reached(dtype):
    x = penlight.empty(100000, dtype=getattr(penlight, dtype)).uniform_(-1, 1)
    assert float(x.double().max()) < 1 and float(x.double().min()) >= -1


def test_random_fills_carry_no_gradient():
    x = penlight.ones(4, requires_grad=True)
    y = x * 2
    y.normal_()
    assert y.requires_grad
    y.sum().backward()
    assert x.grad.tolist() == [0, 0, 0, 0]
    with pytest.raises(RuntimeError, match="a leaf Variable that requires grad"):
        x.normal_()


def test_options_of_the_functions_that_make_tensors():
    x = penlight.rand(2, 3, dtype=penlight.float64, requires_grad=True)
    assert x.dtype == penlight.float64 and x.requires_grad and x.is_leaf
    out = penlight.empty(3)
    assert penlight.randn(3, out=out) is out
    assert penlight.rand_like(x.detach().float()).shape == (2, 3)
    assert penlight.randint_like(x.detach(), 5).dtype == penlight.float64
    assert penlight.randint(3, (2,), dtype=penlight.int8).dtype == penlight.int8
    assert penlight.normal(0.0, 1.0, (4,)).shape == (4,)
    assert penlight.empty(0).normal_().shape == (0,)


# ---- PyTorch's numbers

RECIPES = {
    "rand": lambda t, n, d: t.rand(n, dtype=d),
    "randn": lambda t, n, d: t.randn(n, dtype=d),
    "uniform_": lambda t, n, d: t.empty(n, dtype=d).uniform_(-0.3, 0.7),
    "normal_": lambda t, n, d: t.empty(n, dtype=d).normal_(2, 0.3),
    "normal_ of columns": lambda t, n, d: t.empty(n, 2, dtype=d)[:, 1].normal_(),
    "normal_ transposed": lambda t, n, d: t.empty(n, 3, dtype=d).t().normal_(),
    "uniform_ permuted": lambda t, n, d: t.empty(n, 3, 2, dtype=d).permute(1, 2, 0).uniform_(),
    "randn_like": lambda t, n, d: t.randn_like(t.empty(3, n, dtype=d).t()),
    "randint": lambda t, n, d: t.randint(-5, 9, (n,), dtype=d),
    "random_": lambda t, n, d: t.empty(n, dtype=d).random_(),
    "random_ from": lambda t, n, d: t.empty(n, dtype=d).random_(3, None),
    "bernoulli_": lambda t, n, d: t.empty(n, dtype=d).bernoulli_(0.3),
    "bernoulli": lambda t, n, d: t.bernoulli(t.full((n,), 0.3, dtype=d)),
    "exponential_": lambda t, n, d: t.empty(n, dtype=d).exponential_(1.5),
    "log_normal_": lambda t, n, d: t.empty(n, dtype=d).log_normal_(),
    "geometric_": lambda t, n, d: t.empty(n, dtype=d).geometric_(0.3),
    "cauchy_": lambda t, n, d: t.empty(n, dtype=d).cauchy_(),
    "normal of tensors": lambda t, n, d: t.normal(t.arange(n).to(d), t.ones(n, dtype=d) / 3),
    "normal of means": lambda t, n, d: t.normal(t.arange(n).to(d), 0.3),
    "normal of deviations": lambda t, n, d: t.normal(0.7, t.arange(n).to(d)),
    "multinomial, one": lambda t, n, d: t.multinomial(t.arange(1, n + 2).to(d), 1),
    "multinomial": lambda t, n, d: t.multinomial(t.arange(1, n + 2).to(d), n // 2 + 1),
    "multinomial, put back": lambda t, n, d: t.multinomial(
        t.arange(1, n + 2).to(d).expand(2, n + 1), 5, True
    ),
}
WHOLE = {
    "randint": lambda t, n, d: t.randint(0, 5, (n,), dtype=d),
    "random_": lambda t, n, d: t.empty(n, dtype=d).random_(),
    "random_ to": lambda t, n, d: t.empty(n, dtype=d).random_(2),
    "bernoulli_": lambda t, n, d: t.empty(n, dtype=d).bernoulli_(0.3),
    "bernoulli_ of tensor": lambda t, n, d: t.empty(2, n, dtype=d).bernoulli_(
        t.full((n,), 0.6, dtype=t.float64)
    ),
}
OTHERS = {
    "randperm": lambda t, n: t.randperm(n),
    "randperm, int32": lambda t, n: t.randperm(n, dtype=t.int32),
    "below 2**28": lambda t, n: t.randint(0, 2**28 - 1, (n,)),
    "at 2**28": lambda t, n: t.randint(0, 2**28, (n,)),
    "at 2**32": lambda t, n: t.randint(0, 2**32, (n,)),
    "nearly all": lambda t, n: t.randint(-(2**63), 2**63 - 1, (n,)),
    "all 64 bits": lambda t, n: t.empty(n, dtype=t.int64).random_(-(2**63), None),
    "dropout": lambda t, n: t.nn.functional.dropout(t.ones(n), 0.3),
    "channel dropout": lambda t, n: t.nn.functional.dropout2d(t.ones(2, n, 2, 2), 0.3),
    "alpha dropout": lambda t, n: t.nn.functional.alpha_dropout(t.ones(n), 0.3, True),
}


def same_numbers(function, seed):
    """Called with each library and size in an order of its own; values and generator states must agree."""
    torch = pytest.importorskip("torch")
    torch.manual_seed(seed)
    penlight.manual_seed(seed)
    sizes = np.random.RandomState(seed % 2**32).permutation([*range(1, 36), 1000])
    for n in map(int, sizes):
        ours, theirs = function(penlight, n), function(torch, n)
        assert str(ours.dtype) == str(theirs.dtype)
        a, b = ours.double().numpy(), theirs.double().numpy()
        assert np.array_equal(a, b, equal_nan=True), f"size {n}"
        assert penlight.get_rng_state().numpy().tobytes() == torch.get_rng_state().numpy().tobytes()


@pytest.mark.parametrize("dtype", FLOATING)
@pytest.mark.parametrize("name", RECIPES)
def test_floating_numbers_are_pytorchs(name, dtype):
    for seed in (0, 42, -1):
        same_numbers(lambda t, n: RECIPES[name](t, n, getattr(t, dtype)), seed)


@pytest.mark.parametrize("dtype", INTEGERS)
@pytest.mark.parametrize("name", WHOLE)
def test_whole_numbers_are_pytorchs(name, dtype):
    if dtype == "bool" and name == "randint":
        dtype = "int16"
    for seed in (0, 2**64 - 1):
        same_numbers(lambda t, n: WHOLE[name](t, n, getattr(t, dtype)), seed)


@pytest.mark.parametrize("name", OTHERS)
def test_other_numbers_are_pytorchs(name):
    for seed in (0, 12345678901234):
        same_numbers(OTHERS[name], seed)


def test_a_stream_of_mixed_calls_is_pytorchs():
    torch = pytest.importorskip("torch")
    order = np.random.RandomState(0)
    torch.manual_seed(1)
    penlight.manual_seed(1)
    names = list(RECIPES)
    for _ in range(400):
        recipe, n = RECIPES[names[order.randint(len(names))]], int(order.randint(1, 30))
        dtype = FLOATING[order.randint(4)]
        ours, theirs = recipe(penlight, n, getattr(penlight, dtype)), recipe(torch, n, getattr(torch, dtype))
        assert np.array_equal(ours.double().numpy(), theirs.double().numpy(), equal_nan=True)


def test_states_can_be_exchanged_with_pytorch():
    torch = pytest.importorskip("torch")
    torch.manual_seed(5)
    torch.randn(3)
    penlight.set_rng_state(penlight.from_numpy(torch.get_rng_state().numpy()))
    assert penlight.randn(6).tolist() == torch.randn(6).tolist()
    penlight.manual_seed(6)
    penlight.randn(3)
    torch.set_rng_state(torch.from_numpy(penlight.get_rng_state().numpy()))
    assert penlight.randn(6).tolist() == torch.randn(6).tolist()


SAME_ERRORS = r"""
x.normal_(0, -1)
x.uniform_(1, 0)
x.uniform_(0, float('inf'))
x.long().uniform_()
x.long().normal_()
x.random_(5, 3)
x.random_(0)
x.to(t.uint8).random_(300)
x.to(t.uint8).random_(-1, 5)
x.bool().random_(3)
x.bernoulli_(1.5)
x.bernoulli_(t.ones(3).long())
t.bernoulli(t.tensor([1]))
x.exponential_(0)
x.long().exponential_()
x.geometric_(1)
x.log_normal_(0, 0)
x.cauchy_(0, 0)
t.multinomial(x, 5)
t.multinomial(x, 0)
t.multinomial(x * 0, 1)
t.multinomial(x * 0, 2, True)
t.multinomial(-x, 1)
t.multinomial(x * float('nan'), 1)
t.multinomial(x.long(), 1)
t.multinomial(t.tensor(1.), 1)
t.multinomial(t.ones(2, 2, 2), 1)
t.randint(5, 5, (2,))
t.randint(3, 5, (2,), dtype=t.bool)
t.randperm(-1)
t.randperm(3000, dtype=t.half)
t.randperm(3, dtype=t.bool)
t.rand(-1)
t.rand(3, dtype=t.long)
t.normal(0., -1., (2,))
t.normal(x, -x)
t.manual_seed(2**64)
t.Generator().manual_seed(1.5)
t.Generator().set_state(x)
t.Generator().set_state(1)
t.Generator().set_state(t.zeros(5, dtype=t.uint8))
t.Generator().set_state(t.zeros(5056, dtype=t.uint8))
""".strip().splitlines()


@pytest.mark.parametrize("line", SAME_ERRORS)
def test_the_same_errors_as_in_pytorch(line):
    torch = pytest.importorskip("torch")
    said = []
    for library in (penlight, torch):
        with pytest.raises(Exception) as raised:
            eval(line, {"t": library, "x": library.tensor([1.0, 2.0, 3.0])})
        said.append(f"{raised.type.__name__}: {str(raised.value).splitlines()[0]}")
    assert said[0] == said[1]
