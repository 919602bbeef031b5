"""Every operation a lesson or a net meets is derived: what is written, worked out with numbers, is the engine's."""

import pytest

pytest.importorskip("sympy")

import penlight as torch
from penlight import explain, nn

F = nn.functional
F64 = {"dtype": torch.float64}


class Square(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        return 2 * x * grad


class Given:
    """What the programs below work on; x, image and signal ask for gradients."""

    def __init__(self):
        torch.manual_seed(0)
        self.x = torch.randn(2, 3, **F64).requires_grad_()
        self.image = torch.randn(1, 2, 4, 4, **F64).requires_grad_()
        self.signal = torch.randn(2, 3, 8, **F64).requires_grad_()
        self.t = torch.randn(2, 3, **F64)
        self.w, self.b = torch.randn(3, **F64).requires_grad_(), torch.randn(3, **F64).requires_grad_()
        self.classes, self.places = torch.tensor([0, 2]), torch.tensor([0, 1])


def part_written_over(o):
    y = o.x * 1
    y[0] = y[1] * 2
    return y**2


def changed_in_place(o):
    y = o.x * 2
    return y.mul_(o.x)


OF_X = {
    "mse": lambda o: F.mse_loss(o.x, o.t),
    "mse without reduction": lambda o: F.mse_loss(o.x, o.t, reduction="none"),
    "mse summed": lambda o: F.mse_loss(o.x, o.t, reduction="sum"),
    "l1": lambda o: F.l1_loss(o.x, o.t),
    "smooth l1": lambda o: F.smooth_l1_loss(o.x, o.t, beta=0.5),
    "huber": lambda o: F.huber_loss(o.x, o.t, delta=0.7),
    "binary cross entropy": lambda o: F.binary_cross_entropy(o.x.sigmoid(), o.t.sigmoid()),
    "binary cross entropy of logits": lambda o: F.binary_cross_entropy_with_logits(o.x, o.t.sigmoid()),
    "nll": lambda o: F.nll_loss(F.log_softmax(o.x, 1), o.classes),
    "cross entropy": lambda o: F.cross_entropy(o.x, o.classes),
    "cross entropy with weights and a class left out": lambda o: F.cross_entropy(
        o.x, o.classes, weight=torch.tensor([1.0, 2.0, 3.0], **F64), ignore_index=2
    ),
    "cross entropy of probabilities": lambda o: F.cross_entropy(o.x, o.t.softmax(1)),
    "cross entropy smoothed": lambda o: F.cross_entropy(o.x, o.classes, label_smoothing=0.1),
    "cross entropy without reduction": lambda o: F.cross_entropy(o.x, o.classes, reduction="none"),
    "kl": lambda o: F.kl_div(F.log_softmax(o.x, 1), o.t.softmax(1), reduction="batchmean"),
    "layer norm": lambda o: F.layer_norm(o.x, (3,), o.w, o.b) ** 2,
    "layer norm without weight": lambda o: F.layer_norm(o.x, (3,)) ** 3,
    "batch norm": lambda o: F.batch_norm(o.x, None, None, o.w, o.b, training=True) ** 3,
    "batch norm by running statistics": lambda o: (
        F.batch_norm(o.x, torch.full((3,), 0.5, **F64), torch.full((3,), 2.0, **F64), o.w, o.b) ** 2
    ),
    "rms norm": lambda o: F.rms_norm(o.x, (3,)) ** 3,
    "norm": lambda o: o.x.norm(),
    "norm 1": lambda o: o.x.norm(p=1),
    "norm of rows": lambda o: o.x.norm(dim=1),
    "norm 3": lambda o: torch.linalg.vector_norm(o.x, 3),
    "custom": lambda o: Square.apply(o.x),
    "custom in a chain": lambda o: Square.apply(o.x.sin()) * o.t,
    "max of rows": lambda o: o.x.max(1)[0],
    "amax": lambda o: o.x.amax(1),
    "amin of all": lambda o: o.x.amin(),
    "logsumexp": lambda o: o.x.logsumexp(1),
    "var": lambda o: o.x.var(),
    "std of rows": lambda o: o.x.std(1),
    "prod": lambda o: o.x.prod(),
    "prod of rows": lambda o: o.x.prod(1),
    "cumprod": lambda o: o.x.cumprod(1),
    "where": lambda o: torch.where(o.t > 0, o.x, o.x**2),
    "masked fill": lambda o: o.x.masked_fill(o.t > 0, 0),
    "elu": lambda o: F.elu(o.x),
    "selu": lambda o: F.selu(o.x),
    "hardtanh": lambda o: F.hardtanh(o.x),
    "softplus": lambda o: F.softplus(o.x),
    "mish": lambda o: F.mish(o.x),
    "hardswish": lambda o: F.hardswish(o.x),
    "relu6": lambda o: F.relu6(o.x),
    "gelu by tanh": lambda o: F.gelu(o.x, approximate="tanh"),
    "logsigmoid": lambda o: F.logsigmoid(o.x),
    "softsign": lambda o: F.softsign(o.x),
    "prelu": lambda o: F.prelu(o.x, torch.tensor([0.2], **F64)),
    "hardsigmoid": lambda o: F.hardsigmoid(o.x),
    "threshold": lambda o: F.threshold(o.x, 0.1, 5),
    "einsum": lambda o: torch.einsum("ij,kj->ik", o.x, o.t),
    "outer": lambda o: torch.outer(o.x[0], o.t[1]),
    "embedding": lambda o: F.embedding(o.places, o.x) ** 2,
    "lerp": lambda o: torch.lerp(o.x, o.t, 0.3),
    "addcmul": lambda o: torch.addcmul(o.x, o.x, o.t),
    "attention": lambda o: F.scaled_dot_product_attention(o.x, o.x, o.x),
    "padding": lambda o: F.pad(o.x, (1, 1)) ** 2,
    "dropout": lambda o: F.dropout(o.x, 0.5),
    "sort": lambda o: o.x.sort(1)[0] * o.t,
    "topk": lambda o: o.x.topk(2, 1)[0],
    "roll": lambda o: o.x.roll(1, 0) * o.t,
    "index_add": lambda o: o.x.index_add(0, o.places, o.t) ** 2,
    "gather": lambda o: o.x.gather(1, o.classes[:, None]),
    "scatter": lambda o: o.x.scatter(1, o.classes[:, None], o.t[:, :1]) ** 2,
    "cosine similarity": lambda o: F.cosine_similarity(o.x, o.t),
    "normalize": lambda o: F.normalize(o.x) ** 3,
    "floor": lambda o: o.x * o.x.floor(),
    "remainder": lambda o: o.x.remainder(0.3),
    "sign": lambda o: o.x.sign() * o.x,
    "a part written over": part_written_over,
    "changed in place": changed_in_place,
    "clamp by tensors": lambda o: o.x.clamp(o.t - 1, o.t + 1),
}
OF_IMAGE = {
    "batch norm of images": lambda o: F.batch_norm(o.image, None, None, training=True) ** 3,
    "group norm": lambda o: F.group_norm(o.image, 2) ** 3,
    "instance norm": lambda o: F.instance_norm(o.image) ** 3,
    "max pooling": lambda o: F.max_pool2d(o.image, 2) ** 2,
    "max pooling that overlaps": lambda o: F.max_pool2d(o.image, 3, 1, 1) ** 2,
    "adaptive max pooling": lambda o: F.adaptive_max_pool2d(o.image, 2) ** 2,
    "resizing to the nearest": lambda o: F.interpolate(o.image, scale_factor=2) ** 2,
    "bilinear resizing": lambda o: F.interpolate(o.image, scale_factor=2, mode="bilinear") ** 2,
    "reflected padding": lambda o: F.pad(o.image, (1, 1, 1, 1), mode="reflect") ** 2,
}
OF_SIGNAL = {
    "max pooling of signals": lambda o: F.max_pool1d(o.signal, 2) ** 2,
    "mean pooling": lambda o: F.avg_pool1d(o.signal, 2) ** 2,
    "adaptive mean pooling": lambda o: F.adaptive_avg_pool1d(o.signal, 2) ** 2,
    "product of batches": lambda o: o.signal @ o.signal.transpose(1, 2),
}
PROGRAMS = [
    *(("x", name, program) for name, program in OF_X.items()),
    *(("image", name, program) for name, program in OF_IMAGE.items()),
    *(("signal", name, program) for name, program in OF_SIGNAL.items()),
]


@pytest.mark.parametrize(("target", "name", "program"), PROGRAMS, ids=[name for _, name, _ in PROGRAMS])
def test_it_is_derived(target, name, program):
    given = Given()
    value = program(given)
    result = value.sum() if value.dim() else value
    derivation = explain.derive(result, getattr(given, target))
    assert derivation.complete, derivation.undecided
    assert derivation.agrees, str(derivation)
    assert derivation.latex()


@pytest.mark.parametrize("weighted", ["layer norm", "batch norm", "batch norm by running statistics"])
@pytest.mark.parametrize("target", ["w", "b"])
def test_a_norms_weight_and_bias_are_derived(weighted, target):
    given = Given()
    assert explain.derive(OF_X[weighted](given).sum(), getattr(given, target)).agrees


def test_a_custom_function_is_taken_at_its_word_and_that_is_said():
    given = Given()
    derivation = explain.derive(Square.apply(given.x).sum(), given.x)
    assert derivation.agrees and "taken at its word" in str(derivation)
