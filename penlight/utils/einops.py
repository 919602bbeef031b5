"""einops on penlight's tensors; not needed under ``penlight run``, where penlight goes as ``torch``."""

from __future__ import annotations

_backends: list[type] = []


def install() -> None:
    """From now on ``einops.rearrange`` and its kin take penlight's tensors. Needs the package einops.

    ::

        import einops, penlight
        penlight.utils.einops.install()
        einops.rearrange(penlight.zeros(2, 3, 4), "a b c -> (a b) c")   # of shape (6, 4)
    """
    from einops._backends import TorchBackend  # einops looks for its backends among the subclasses

    import penlight

    class PenlightBackend(TorchBackend):
        framework_name = "penlight"

        def __init__(self) -> None:
            self.torch = penlight

    if not _backends:
        _backends.append(PenlightBackend)
