"""The table of a net's layers."""

from __future__ import annotations

from typing import Any

from penlight.viz.network.layers import Layer, check_model, input_of, run
from penlight.viz.picture import Picture


class Summary(Picture):
    """A net's layers as a table; ``str()`` of it is the table in text.

    Attributes:
        total_params, trainable_params: numbers of weights.
        total_mult_adds: multiplications (each with its addition) of one call.
        output_bytes, param_bytes: memory of all layers' results and of the weights.
    """

    def __init__(self, model: Any, layers: list[Layer], argument_bytes: int):
        self.layers = layers
        leaves = [layer for layer in layers if layer.leaf]
        self.total_params = sum(p.numel() for p in model.parameters())
        self.trainable_params = sum(p.numel() for p in model.parameters() if p.requires_grad)
        self.total_mult_adds = sum(layer.multiply_adds for layer in layers)
        self.output_bytes = sum(layer.bytes for layer in leaves)
        self.param_bytes = sum(p.numel() * p.element_size() for p in model.parameters())
        self.input_bytes = argument_bytes
        rows = [
            {
                "layer": layer.name.rpartition(".")[2] or "(the net)",
                "kind": layer.kind,
                "depth": layer.depth,
                "inputs": [list(s) for s in layer.inputs],
                "outputs": [list(s) for s in layer.outputs],
                "parameters": layer.parameters,
                "trainable": layer.trainable,
                "leaf": layer.leaf,
                "multiplyAdds": layer.multiply_adds if layer.leaf else _inside(layer, layers),
                "bytes": layer.bytes,
                "calls": layer.calls,
            }
            for layer in layers
        ]
        totals = {
            "parameters": self.total_params,
            "trainable": self.trainable_params,
            "multiplyAdds": self.total_mult_adds,
            "outputBytes": self.output_bytes,
            "parameterBytes": self.param_bytes,
            "inputBytes": self.input_bytes,
        }
        words = (
            f"{len(leaves)} layers with {self.total_params:,} parameters; one call takes "
            f"{self.total_mult_adds:,} multiply-adds and makes {_bytes(self.output_bytes)} of results."
        )
        title = f"Layers of {type(model).__name__}"
        super().__init__({"kind": "summary", "title": title, "words": words, "rows": rows, "totals": totals})

    def __str__(self) -> str:
        head = ("Layer (type)", "Output Shape", "Param #", "Mult-Adds")
        rows = [
            (
                "  " * row["depth"] + f"{row['layer']} ({row['kind']})",
                ", ".join(str(shape) for shape in row["outputs"]),
                f"{row['parameters']:,}" if row["parameters"] else "--",
                f"{row['multiplyAdds']:,}" if row["multiplyAdds"] else "--",
            )
            for row in self._description["rows"]
        ]
        widths = [max(len(cell) for cell in column) for column in zip(head, *rows, strict=True)]
        rule = "=" * (sum(widths) + 6)

        def line(cells: tuple[str, ...]) -> str:
            left = [cell.ljust(width) for cell, width in zip(cells[:2], widths[:2], strict=True)]
            right = [cell.rjust(width) for cell, width in zip(cells[2:], widths[2:], strict=True)]
            return "  ".join(left + right)

        return "\n".join(
            [
                rule, line(head), rule, *map(line, rows), rule,
                f"Total params: {self.total_params:,}",
                f"Trainable params: {self.trainable_params:,}",
                f"Non-trainable params: {self.total_params - self.trainable_params:,}",
                f"Total mult-adds: {self.total_mult_adds:,}",
                rule,
                f"Input: {_bytes(self.input_bytes)}, results of all layers: {_bytes(self.output_bytes)}, "
                f"parameters: {_bytes(self.param_bytes)}",
                rule,
            ]
        )  # fmt: skip


def summary(model: Any, x: Any) -> Summary:
    """Runs a net once and lists its layers: output shapes, parameters, multiply-adds, memory.

    Args:
        model: an ``nn.Module``; it is run in evaluation mode, without recording, and left as it was.
        x: what it takes: a tensor, a tuple of tensors, or the sizes of a tensor, like ``(1, 3, 32, 32)``.

    Raises:
        TypeError: something that is no module, or no such input.

    Example::

        >>> import penlight
        >>> from penlight import nn
        >>> shown = penlight.viz.summary(nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU()), (1, 1, 8, 8))
        >>> shown.total_params, shown.total_mult_adds
        (40, 1296)
    """
    check_model(model, "summary")
    arguments = input_of(x, "summary")
    size = sum(a.numel() * a.element_size() for a in arguments if hasattr(a, "element_size"))
    return Summary(model, run(model, arguments), size)


def _inside(layer: Layer, layers: list[Layer]) -> int:
    start = f"{layer.name}." if layer.name else ""
    return layer.multiply_adds + sum(
        other.multiply_adds for other in layers if other is not layer and other.name.startswith(start)
    )


def _bytes(count: int) -> str:
    for size, unit in ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB")):
        if count >= size:
            return f"{count / size:.2f} {unit}"
    return f"{count} bytes"
