"""Arguments that are a number or one number for each dimension."""

import operator


def tuple_of(owner, name, value, count):
    """``value`` as a tuple of ``count`` ints: a single number is repeated.

    Raises:
        TypeError: not made of ints.
        ValueError: another number of elements.
    """
    try:
        if hasattr(value, "__iter__"):
            values = tuple(operator.index(element) for element in value)
        else:
            values = (operator.index(value),) * count
    except TypeError:
        raise TypeError(f"{owner}: {name} must be an int or a tuple of {count} ints, got {value!r}") from None
    if len(values) != count:
        raise ValueError(f"{owner}: {name} must be an int or a tuple of {count} ints, got {value!r}")
    return values
