"""Single operations again: in float64, on strided and broadcast operands, on integers, between types, on other
axes, and on few elements, where threads and calls count."""

from benchmarks.case import Case, normal

SIDE = 2048


def unrecorded(make, function):
    """function(lib, *make(lib)) without recording."""

    def build(lib):
        tensors = make(lib)

        def run():
            with lib.no_grad():
                function(lib, *tensors)

        return run

    return build


def matrix(lib, dtype="float32"):
    return normal(lib, SIDE, SIDE).to(getattr(lib, dtype))


FLOAT64 = {
    "add": lambda lib, x: x + x,
    "exp": lambda lib, x: lib.exp(x),
    "log": lambda lib, x: lib.log(x),
    "tanh": lambda lib, x: lib.tanh(x),
    "sigmoid": lambda lib, x: lib.sigmoid(x),
    "erf": lambda lib, x: lib.erf(x),
    "sin": lambda lib, x: lib.sin(x),
    "pow 1.5": lambda lib, x: lib.abs(x) ** 1.5,
    "sum": lambda lib, x: x.sum(),
    "amax": lambda lib, x: x.amax(),
    "softmax": lambda lib, x: lib.softmax(x, 1),
    "gelu": lambda lib, x: lib.nn.functional.gelu(x),
}
LAYOUTS = {
    "add transposed": lambda lib, x: x + x.t(),
    "exp transposed": lambda lib, x: lib.exp(x.t()),
    "exp every second": lambda lib, x: lib.exp(x[:, ::2]),
    "mul every second": lambda lib, x: x[:, ::2] * 2,
    "add scalar tensor": lambda lib, x: x + x[0, 0],
    "outer add": lambda lib, x: x[0] + x[:, :1],
    "permute 3 d": lambda lib, x: x.view(64, 64, 1024).permute(2, 0, 1).contiguous(),
    "cat": lambda lib, x: lib.cat([x, x]),
    "flip": lambda lib, x: x.flip(1),
}
OTHERS = {
    "to float64": lambda lib, x: x.to(lib.float64),
    "to int32": lambda lib, x: x.to(lib.int32),
    "to bool": lambda lib, x: x > 0,
    "equal": lambda lib, x: x == x,
    "maximum": lambda lib, x: lib.maximum(x, x),
    "abs": lambda lib, x: lib.abs(x),
    "floor": lambda lib, x: lib.floor(x),
    "reciprocal": lambda lib, x: lib.reciprocal(x),
    "rsqrt": lambda lib, x: lib.rsqrt(x),
    "div": lambda lib, x: x / x,
    "remainder": lambda lib, x: x % 0.7,
    "lerp": lambda lib, x: lib.lerp(x, x, 0.3),
    "add_": lambda lib, x: x.add_(1e-9),
    "sum middle": lambda lib, x: x.view(128, 256, 128).sum(1),
    "amax rows": lambda lib, x: x.amax(1),
    "amax columns": lambda lib, x: x.amax(0),
    "argmax": lambda lib, x: x.argmax(),
    "argmax columns": lambda lib, x: x.argmax(0),
    "var rows": lambda lib, x: x.var(1),
    "norm": lambda lib, x: lib.linalg.vector_norm(x),
    "cumsum rows": lambda lib, x: x.cumsum(1),
    "cumsum columns": lambda lib, x: x.cumsum(0),
    "topk 5": lambda lib, x: x.topk(5, 1),
    "sort rows": lambda lib, x: x.sort(1),
    "softmax columns": lambda lib, x: lib.softmax(x, 0),
    "logsumexp": lambda lib, x: lib.logsumexp(x, 1),
}
INTEGERS = {
    "int64 add": lambda lib, x: x + x,
    "int64 mul": lambda lib, x: x * 3,
    "int64 sum": lambda lib, x: x.sum(),
    "int64 to float": lambda lib, x: x.to(lib.float32),
    "int64 equal": lambda lib, x: x == 3,
}
SMALL = {
    "add": lambda lib, x: x + x,
    "exp": lambda lib, x: lib.exp(x),
    "tanh": lambda lib, x: lib.tanh(x),
    "sum": lambda lib, x: x.sum(),
    "softmax": lambda lib, x: lib.softmax(x, 1),
    "max": lambda lib, x: x.max(1),
    "where": lambda lib, x: lib.where(x > 0, x, 0.0),
}


def cases():
    for name, function in FLOAT64.items():
        yield Case("variant", f"float64 {name}", unrecorded(lambda lib: [matrix(lib, "float64")], function))
    for table in (LAYOUTS, OTHERS):
        for name, function in table.items():
            yield Case("variant", name, unrecorded(lambda lib: [matrix(lib)], function))
    for name, function in INTEGERS.items():
        yield Case("variant", name, unrecorded(lambda lib: [(matrix(lib) * 9).to(lib.int64)], function))
    for name, function in SMALL.items():
        for rows in (4, 256):
            make = lambda lib, rows=rows: [normal(lib, rows, 256)]  # noqa: E731
            yield Case("small", f"{name} {rows // 4} Ki", unrecorded(make, function))
