"""Results of several parts: tuples whose parts have names, printed as PyTorch prints them."""

from operator import itemgetter


def _kind(name: str, *fields: str) -> type:
    def new(cls, *values):
        if len(values) == 1 and len(fields) > 1:
            values = tuple(values[0])
        if len(values) != len(fields):
            raise TypeError(f"{name}() takes {len(fields)} parts, got {len(values)}")
        return tuple.__new__(cls, values)

    def text(self):
        parts = ",\n".join(f"{field}={value!r}" for field, value in zip(fields, self, strict=True))
        return f"torch.return_types.{name}(\n{parts})"

    body: dict[str, object] = {field: property(itemgetter(i)) for i, field in enumerate(fields)}
    body |= {"__new__": new, "__repr__": text, "__slots__": (), "_fields": fields, "__module__": __name__}
    body["__reduce__"] = lambda self: (type(self), tuple(self))
    return type(name, (tuple,), body)


max = _kind("max", "values", "indices")
min = _kind("min", "values", "indices")
median = _kind("median", "values", "indices")
nanmedian = _kind("nanmedian", "values", "indices")
mode = _kind("mode", "values", "indices")
sort = _kind("sort", "values", "indices")
topk = _kind("topk", "values", "indices")
kthvalue = _kind("kthvalue", "values", "indices")
cummax = _kind("cummax", "values", "indices")
cummin = _kind("cummin", "values", "indices")
aminmax = _kind("aminmax", "min", "max")
frexp = _kind("frexp", "mantissa", "exponent")
