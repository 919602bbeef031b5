"""Modules that hold modules: a chain, a list and a dictionary."""

import operator
from collections import OrderedDict
from collections.abc import Iterable, Mapping

from penlight.nn.modules.module import Module, indent


def position(index, length, word="index"):
    """The index counted from the front; IndexError where it is out of range."""
    index = operator.index(index)
    if not -length <= index < length:
        raise IndexError(f"{word} {index} is out of range")
    return index % length


class _Numbered(Module):
    """Modules under the names "0", "1", ...: what chain and list share."""

    def _list(self):
        return list(self._modules.values())

    def _renumber(self, modules):
        self._modules.clear()
        for i, module in enumerate(modules):
            self._modules[str(i)] = module

    def _key(self, index):
        return list(self._modules)[position(index, len(self))]

    def __setitem__(self, index, module):
        setattr(self, self._key(index), module)

    def __delitem__(self, index):
        if isinstance(index, slice):
            for key in list(self._modules)[index]:
                delattr(self, key)
        else:
            delattr(self, self._key(index))
        self._renumber(self._list())

    def __len__(self):
        return len(self._modules)

    def __iter__(self):
        return iter(self._modules.values())

    def append(self, module):
        """Adds a module at the end."""
        self.add_module(str(len(self)), module)
        return self

    def pop(self, index):
        """Takes the module at ``index`` out and returns it."""
        module = self[index]
        del self[index]
        return module


class Sequential(_Numbered):
    """A chain: each module's output is the next one's input.

    Takes modules, or one ordered dictionary of them.

    >>> import penlight.nn as nn
    >>> nn.Sequential(nn.Linear(2, 3), nn.ReLU())
    Sequential(
      (0): Linear(in_features=2, out_features=3, bias=True)
      (1): ReLU()
    )
    """

    def __init__(self, *args):
        super().__init__()
        if len(args) == 1 and isinstance(args[0], OrderedDict):
            for name, module in args[0].items():
                self.add_module(name, module)
        else:
            for i, module in enumerate(args):
                self.add_module(str(i), module)

    def forward(self, input):
        for module in self._modules.values():
            input = module(input)
        return input

    def __getitem__(self, index):
        if isinstance(index, slice):
            return type(self)(OrderedDict(list(self._modules.items())[index]))
        return self._modules[self._key(index)]

    def __add__(self, other):
        if not isinstance(other, Sequential):
            raise ValueError(
                f"add operator supports only objects of Sequential class, but {type(other)} is given."
            )
        return Sequential(*self, *other)

    def __iadd__(self, other):
        if not isinstance(other, Sequential):
            raise ValueError(
                f"add operator supports only objects of Sequential class, but {type(other)} is given."
            )
        return self.extend(list(other))

    def __mul__(self, times):
        return Sequential(*self._repeated(times))

    def __rmul__(self, times):
        return self * times

    def __imul__(self, times):
        return self.extend(self._repeated(times)[len(self) :])

    def _repeated(self, times):
        if not isinstance(times, int):
            raise TypeError(f"unsupported operand type(s) for *: {type(self)} and {type(times)}")
        if times <= 0:
            raise ValueError(f"Non-positive multiplication factor {times} for {type(self)}")
        return self._list() * times

    def extend(self, sequential):
        """Adds all modules of an iterable at the end."""
        for module in list(sequential):
            self.append(module)
        return self

    def insert(self, index, module):
        """Puts a module before the one at ``index``; IndexError beyond the end."""
        if not isinstance(module, Module):
            raise AssertionError(f"module should be of type: {Module}")
        length = len(self)
        if not -length <= index <= length:
            raise IndexError(f"Index out of range: {index}")
        modules = self._list()
        modules.insert(index, module)
        self._renumber(modules)
        return self


class ModuleList(_Numbered):
    """A list of modules that are registered as parts; it has no ``forward``."""

    def __init__(self, modules=None):
        super().__init__()
        if modules is not None:
            self.extend(modules)

    def __getitem__(self, index):
        if isinstance(index, slice):
            return type(self)(self._list()[index])
        return self._modules[self._key(index)]

    def __add__(self, other):
        return ModuleList([*self, *other])

    def __iadd__(self, other):
        return self.extend(other)

    def extend(self, modules):
        """Adds all modules of an iterable at the end."""
        if not isinstance(modules, Iterable):
            raise TypeError(
                f"ModuleList.extend should be called with an iterable, but got {type(modules).__name__}"
            )
        for module in list(modules):
            self.append(module)
        return self

    def insert(self, index, module):
        """Puts a module before the one at ``index``."""
        if module is not None and not isinstance(module, Module):
            raise TypeError(f"{type(module).__name__} is not a Module subclass")
        modules = self._list()
        modules.insert(index, module)
        self._renumber(modules)

    def __repr__(self):
        """Equal modules in a row are printed once, with their number."""
        texts = [repr(module) for module in self]
        if not texts:
            return self._get_name() + "()"
        lines, first = [], 0
        for i in range(1, len(texts) + 1):
            if i < len(texts) and texts[i] == texts[first]:
                continue
            count = i - first
            where, what = (f"({first})", "") if count == 1 else (f"({first}-{i - 1})", f"{count} x ")
            lines.append(f"{where}: {what}{indent(texts[first], 2)}")
            first = i
        return self._get_name() + "(\n  " + "\n  ".join(lines) + "\n)"


class ModuleDict(Module):
    """A dictionary of modules that are registered as parts; it has no ``forward``."""

    def __init__(self, modules=None):
        super().__init__()
        if modules is not None:
            self.update(modules)

    def __getitem__(self, key):
        return self._modules[key]

    def __setitem__(self, key, module):
        self.add_module(key, module)

    def __delitem__(self, key):
        del self._modules[key]

    def __len__(self):
        return len(self._modules)

    def __iter__(self):
        return iter(self._modules)

    def __contains__(self, key):
        return key in self._modules

    def clear(self):
        """Takes all modules out."""
        self._modules.clear()

    def pop(self, key):
        """Takes the module at ``key`` out and returns it."""
        return self._modules.pop(key)

    def keys(self):
        """The keys."""
        return self._modules.keys()

    def items(self):
        """The pairs of key and module."""
        return self._modules.items()

    def values(self):
        """The modules."""
        return self._modules.values()

    def update(self, modules):
        """Takes in the modules of a mapping, or of an iterable of pairs."""
        for key, module in pairs_of(self, modules, "ModuleDict"):
            self[key] = module


def pairs_of(owner, modules, name):
    """The pairs of a mapping or an iterable of pairs; TypeError or ValueError for anything else."""
    if not isinstance(modules, Iterable):
        raise TypeError(
            f"{name}.update should be called with an iterable of key/value pairs, "
            f"but got {type(modules).__name__}"
        )
    if isinstance(modules, (Mapping, type(owner))):
        return list(modules.items())
    pairs = []
    for i, pair in enumerate(modules):
        if not isinstance(pair, Iterable):
            raise TypeError(
                f"{type(owner).__name__} update sequence element #{i} should be Iterable; is"
                f"{type(pair).__name__}"
            )
        pair = tuple(pair)
        if len(pair) != 2:
            raise ValueError(
                f"{type(owner).__name__} update sequence element #{i} has length {len(pair)}; 2 is required"
            )
        pairs.append(pair)
    return pairs
