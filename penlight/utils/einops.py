"""einops on penlight's tensors: ``import penlight.utils.einops`` once, and ``rearrange`` and its kin take them.

Not needed under ``penlight run``, where einops finds penlight as ``torch``.

Example::

    >>> import einops, penlight
    >>> import penlight.utils.einops
    >>> einops.rearrange(penlight.zeros(2, 3, 4), "a b c -> (a b) c").shape
    torch.Size([6, 4])
"""

from __future__ import annotations

from einops._backends import TorchBackend  # einops finds its backends among the classes derived from one another

import penlight


class PenlightBackend(TorchBackend):
    """einops' calls on PyTorch, with penlight in its place."""

    framework_name = "penlight"

    def __init__(self) -> None:
        self.torch = penlight
