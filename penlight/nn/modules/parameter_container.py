"""Modules that hold parameters: a list and a dictionary. Tensors become parameters; other values stay."""

from collections.abc import Iterable

from penlight import Tensor
from penlight.nn.modules.container import pairs_of, position
from penlight.nn.modules.module import Module
from penlight.nn.parameter import Parameter


def _as_parameter(value):
    return Parameter(value) if isinstance(value, Tensor) and not isinstance(value, Parameter) else value


def _size(tensor):
    return "x".join(str(length) for length in tensor.size())


class ParameterList(Module):
    """A list of parameters.

    >>> import penlight
    >>> penlight.nn.ParameterList([penlight.ones(2)])
    ParameterList(  (0): Parameter containing: [torch.float32 of size 2])
    """

    def __init__(self, values=None):
        super().__init__()
        self._size = 0
        if values is not None:
            self += values

    def __getitem__(self, index):
        if isinstance(index, slice):
            chosen = type(self)()
            for i in range(*index.indices(len(self))):
                chosen.append(self[i])
            return chosen
        return getattr(self, str(position(index, len(self))))

    def __setitem__(self, index, value):
        setattr(self, str(position(index, len(self))), _as_parameter(value))

    def __len__(self):
        return self._size

    def __iter__(self):
        return iter([self[i] for i in range(len(self))])

    def __iadd__(self, values):
        return self.extend(values)

    def append(self, value):
        """Adds a value at the end."""
        setattr(self, str(self._size), _as_parameter(value))
        self._size += 1
        return self

    def extend(self, values):
        """Adds all values of an iterable at the end."""
        if not isinstance(values, Iterable) or isinstance(values, Tensor):
            raise TypeError(
                f"ParameterList.extend should be called with an iterable, but got {type(values).__name__}"
            )
        for value in list(values):
            self.append(value)
        return self

    def pop(self, index=-1):
        """Takes the value at ``index`` out and returns it."""
        values = list(self)
        place = position(index, len(self))
        for i in range(len(values)):
            delattr(self, str(i))
        self._size = 0
        taken = values.pop(place)
        self.extend(values)
        return taken

    def extra_repr(self):
        lines = []
        for i, value in enumerate(self):
            if isinstance(value, Tensor):
                kind = "Parameter" if isinstance(value, Parameter) else "Tensor"
                lines.append(f"  ({i}): {kind} containing: [{value.dtype} of size {_size(value)}]")
            else:
                lines.append(f"  ({i}): Object of type: {type(value).__name__}")
        return "\n".join(lines)

    def __call__(self, *args, **kwargs):
        raise RuntimeError("ParameterList should not be called.")


class ParameterDict(Module):
    """A dictionary of parameters by string; keeps the order in which keys came."""

    def __init__(self, parameters=None):
        super().__init__()
        self._keys = {}
        if parameters is not None:
            self.update(parameters)

    def _attribute(self, key):
        if not isinstance(key, str):
            raise TypeError(
                "Index given to ParameterDict cannot be used as a key as it is not a string "
                f"(type is '{type(key).__name__}'). Open an issue on github if you need non-string keys."
            )
        # A key such as "items" must not hide a method, and one with a dot is no attribute's name.
        return key

    def __getitem__(self, key):
        return getattr(self, self._attribute(key))

    def __setitem__(self, key, value):
        attribute = self._attribute(key)
        if attribute not in self._keys and hasattr(type(self), attribute):
            raise KeyError(f"attribute '{attribute}' already exists")
        self._keys[key] = None
        setattr(self, attribute, _as_parameter(value))

    def __delitem__(self, key):
        del self._keys[key]
        delattr(self, self._attribute(key))

    def __len__(self):
        return len(self._keys)

    def __iter__(self):
        return iter(self._keys)

    def __reversed__(self):
        return reversed(list(self._keys))

    def __contains__(self, key):
        return key in self._keys

    def __or__(self, other):
        joined = self.copy()
        joined.update(other)
        return joined

    def __ror__(self, other):
        joined = ParameterDict(other)
        joined.update(self)
        return joined

    def __ior__(self, other):
        self.update(other)
        return self

    def copy(self):
        """A new dictionary with the same parameters."""
        return ParameterDict({key: self[key] for key in self})

    def setdefault(self, key, default=None):
        """The value at ``key``, which becomes ``default`` where there is none."""
        if key not in self._keys:
            self[key] = default
        return self[key]

    def clear(self):
        """Takes all values out."""
        for key in list(self._keys):
            del self[key]

    def pop(self, key):
        """Takes the value at ``key`` out and returns it."""
        value = self[key]
        del self[key]
        return value

    def popitem(self):
        """Takes the last pair out and returns it."""
        if not self._keys:
            raise KeyError("popitem(): dictionary is empty")
        key = next(reversed(self._keys))
        return key, self.pop(key)

    def get(self, key, default=None):
        """The value at ``key``, or ``default``."""
        return getattr(self, key) if key in self._keys else default

    def fromkeys(self, keys, default=None):
        """A new dictionary of ``keys``, all with the same value."""
        return ParameterDict({key: default for key in keys})

    def keys(self):
        """The keys."""
        return self._keys.keys()

    def items(self):
        """The pairs of key and value."""
        return [(key, self[key]) for key in self._keys]

    def values(self):
        """The values."""
        return [self[key] for key in self._keys]

    def update(self, parameters):
        """Takes in the values of a mapping, or of an iterable of pairs."""
        for key, value in pairs_of(self, parameters, "ParametersDict"):
            self[key] = value

    def extra_repr(self):
        lines = []
        for key, value in self.items():
            if isinstance(value, Tensor):
                kind = "Parameter" if isinstance(value, Parameter) else "Tensor"
                # A tensor with nothing to say about its place: dtype as the older type names have it.
                lines.append(f"  ({key}): {kind} containing: [{value.type()} of size {_size(value)}]")
            else:
                lines.append(f"  ({key}): Object of type: {type(value).__name__}")
        return "\n".join(lines)

    def __call__(self, input=None):
        raise RuntimeError("ParameterDict should not be called.")
