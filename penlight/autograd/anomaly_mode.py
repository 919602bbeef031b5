"""Finding the operation whose backward failed or gave NaN."""

from __future__ import annotations

from penlight import _C


class set_detect_anomaly:
    """Switches anomaly detection at once; as a context manager, until its end.

    While it is on, every recorded operation remembers the Python stack that called it. When its backward raises,
    that stack is shown as a warning; with ``check_nan`` a NaN among the gradients it gives raises RuntimeError.

    Example::

        >>> import penlight
        >>> with penlight.autograd.set_detect_anomaly(True):
        ...     x = penlight.zeros(1, requires_grad=True)
        ...     (x / x).backward()
        Traceback (most recent call last):
        RuntimeError: Function 'DivBackward0' returned nan values in its 1th output.
    """

    def __init__(self, mode: bool, check_nan: bool = True) -> None:
        self._before = _C.is_anomaly_enabled(), _C.is_anomaly_check_nan_enabled()
        _C._set_anomaly(mode, check_nan)

    def __enter__(self) -> None:
        pass

    def __exit__(self, *exception: object) -> None:
        _C._set_anomaly(*self._before)


class detect_anomaly(set_detect_anomaly):
    """Anomaly detection inside a ``with`` block.

    Example::

        >>> import penlight
        >>> with penlight.autograd.detect_anomaly():
        ...     x = penlight.tensor([-1.0], requires_grad=True)
        ...     x.sqrt().backward()
        Traceback (most recent call last):
        RuntimeError: Function 'SqrtBackward0' returned nan values in its 0th output.
    """

    def __init__(self, check_nan: bool = True) -> None:
        self._before = _C.is_anomaly_enabled(), _C.is_anomaly_check_nan_enabled()
        self._check_nan = check_nan

    def __enter__(self) -> None:
        _C._set_anomaly(True, self._check_nan)
