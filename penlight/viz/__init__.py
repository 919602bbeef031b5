"""Pictures of tensors, convolutions, graphs and nets that a reader can step through.

Every function here gives a :class:`Picture`. At the end of a notebook cell it shows itself (through anywidget where
that is installed, else in a frame of its own), ``.save("picture.html")`` writes one file that works without a network,
and ``.show()`` opens it in the browser. What is needed beyond NumPy comes with ``pip install 'penlight[viz]'``.
"""

_HOMES = {
    "Picture": "picture",
    "conv": "convolution",
    "graph": "flowchart",
    "audio": "network.audio",
    "feature_maps": "network.maps",
    "gradient_flow": "network.flow",
    "kernels": "network.maps",
    "receptive_field": "network.maps",
    "summary": "network.summary",
}  # the name to the file of this folder where it is written; imported when it is asked for

__all__ = list(_HOMES)


def __getattr__(name):
    from importlib import import_module

    if name not in _HOMES:
        raise AttributeError(f"module 'penlight.viz' has no attribute '{name}'")
    value = getattr(import_module(f"penlight.viz.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__():
    return sorted({*globals(), *_HOMES})
