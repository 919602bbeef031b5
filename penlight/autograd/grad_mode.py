"""What is recorded: context managers that are decorators too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from penlight import _C


class _Switch:
    """A context manager that can decorate a function or a generator function."""

    def __enter__(self) -> Any:
        raise NotImplementedError

    def __exit__(self, *exception: object) -> None:
        raise NotImplementedError

    def clone(self) -> Any:
        return type(self)()

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        from functools import wraps
        from inspect import isgeneratorfunction

        if isgeneratorfunction(function):

            @wraps(function)
            def generate(*args: Any, **kwargs: Any) -> Any:
                generator = function(*args, **kwargs)
                # Each step of the generator runs under the switch; its caller's code between steps does not.
                step, value = generator.send, None
                try:
                    while True:
                        with self.clone():
                            item = step(value)
                        try:
                            value = yield item
                            step = generator.send
                        except GeneratorExit:
                            with self.clone():
                                generator.close()
                            raise
                        except BaseException as error:
                            step, value = generator.throw, error
                except StopIteration as end:
                    return end.value

            return generate

        @wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            with self.clone():
                return function(*args, **kwargs)

        return call


class no_grad(_Switch):
    """Nothing is recorded inside.

    Example::

        >>> import penlight
        >>> x = penlight.ones(2, requires_grad=True)
        >>> with penlight.no_grad():
        ...     y = x * 2
        >>> y.requires_grad
        False
    """

    def __new__(cls, function: Callable[..., Any] | None = None) -> Any:
        self = super().__new__(cls)
        return self if function is None else self(function)

    def __enter__(self) -> None:
        self._before = _C.is_grad_enabled()
        _C._set_grad_enabled(False)

    def __exit__(self, *exception: object) -> None:
        _C._set_grad_enabled(self._before)


class enable_grad(no_grad):
    """Operations are recorded inside, also within :class:`no_grad`.

    Example::

        >>> import penlight
        >>> x = penlight.ones(2, requires_grad=True)
        >>> with penlight.no_grad(), penlight.enable_grad():
        ...     y = x * 2
        >>> y.requires_grad
        True
    """

    def __enter__(self) -> None:
        self._before = _C.is_grad_enabled()
        _C._set_grad_enabled(True)


class set_grad_enabled(_Switch):
    """Switches recording at once; as a context manager, until its end.

    Example::

        >>> import penlight
        >>> x = penlight.ones(2, requires_grad=True)
        >>> with penlight.set_grad_enabled(False):
        ...     (x * 2).requires_grad
        False
    """

    def __init__(self, mode: bool) -> None:
        self.mode = bool(mode)
        self._before = _C.is_grad_enabled()
        _C._set_grad_enabled(self.mode)

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        _C._set_grad_enabled(self._before)
        return super().__call__(function)

    def __enter__(self) -> None:
        _C._set_grad_enabled(self.mode)

    def __exit__(self, *exception: object) -> None:
        _C._set_grad_enabled(self._before)

    def clone(self) -> set_grad_enabled:
        twin = type(self).__new__(type(self))
        twin.mode, twin._before = self.mode, _C.is_grad_enabled()
        return twin


class inference_mode(_Switch):
    """Nothing is recorded inside, and what is made there can never be: tensors for reading results off.

    Example::

        >>> import penlight
        >>> with penlight.inference_mode():
        ...     y = penlight.ones(2) * 2
        >>> y.is_inference()
        True
        >>> y.requires_grad_()
        Traceback (most recent call last):
        RuntimeError: Setting requires_grad=True on inference tensor outside InferenceMode is not allowed.
    """

    def __new__(cls, mode: Any = True) -> Any:
        self = super().__new__(cls)
        if callable(mode):
            self.mode = True
            return self(mode)
        return self

    def __init__(self, mode: bool = True) -> None:
        self.mode = bool(mode)

    def __enter__(self) -> None:
        self._before = _C.is_grad_enabled(), _C.is_inference_mode_enabled()
        _C._set_grad_enabled(not self.mode)
        _C._set_inference_mode(self.mode)

    def __exit__(self, *exception: object) -> None:
        _C._set_grad_enabled(self._before[0])
        _C._set_inference_mode(self._before[1])

    def clone(self) -> inference_mode:
        return type(self)(self.mode)


class set_multithreading_enabled(_Switch):
    """May a backward pass use several threads of its own? It never does: it runs where it was called.

    The setting is kept for programs that read it back. Kernels inside use ``penlight.get_num_threads()`` threads.

    Example::

        >>> import penlight
        >>> with penlight.autograd.set_multithreading_enabled(False):
        ...     penlight.autograd.is_multithreading_enabled()
        False
        >>> penlight.autograd.is_multithreading_enabled()
        True
    """

    enabled = True

    def __init__(self, mode: bool) -> None:
        self.mode, self._before = mode, set_multithreading_enabled.enabled
        set_multithreading_enabled.enabled = mode

    def __enter__(self) -> None:
        pass

    def __exit__(self, *exception: object) -> None:
        set_multithreading_enabled.enabled = self._before

    def clone(self) -> Any:
        return type(self)(self.mode)


def is_multithreading_enabled() -> bool:
    """What ``set_multithreading_enabled`` was given last.

    Example::

        >>> import penlight
        >>> penlight.autograd.is_multithreading_enabled()
        True
    """
    return set_multithreading_enabled.enabled
