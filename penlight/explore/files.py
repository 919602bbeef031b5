"""A sound or an image of one's own, as a tensor and as code that shows it."""

from __future__ import annotations

import io
from typing import Any

import numpy as np

import penlight

MOST_BYTES = 30_000_000
MOST_SAMPLES = 240_000  # five seconds at 48,000 a second
MOST_PIXELS = 128  # along the longer side

_SOUND = """\
# signal is {shape}: channels, samples; rate is {rate} a second
conv = {{"weight": torch.ones({channels}, 1, 9) / 9, "groups": {channels}, "padding": "same"}}
show(viz.conv(conv, signal[:, :4000]))
show(viz.audio(signal, rate, torch.ones(9) / 9))
"""

_IMAGE = """\
# image is {shape}: channels, rows, columns; values from 0 to 1
edges = torch.tensor([[1.0, 0, -1], [2, 0, -2], [1, 0, -1]])
conv = {{"weight": edges.expand(1, {channels}, 3, 3), "padding": 1, "padding_mode": "replicate"}}
show(viz.conv(conv, image))
"""


def open_file(name: str, content: bytes) -> tuple[dict[str, Any], str, str]:
    """Reads a .wav file or an image.

    Returns:
        the variables it becomes (``signal`` and ``rate``, or ``image``), a sentence about them, and code to begin with.

    Raises:
        ValueError: too large, or neither a .wav file nor an image that can be read.
        ImportError: the library that reads it is missing (``pip install 'penlight[viz]'``).
    """
    if len(content) > MOST_BYTES:
        raise ValueError(f"{name} has {len(content)} bytes, at most {MOST_BYTES} are read")
    if content[:4] in (b"RIFF", b"RIFX", b"RF64"):
        return _sound(name, content)
    return _image(name, content)


def _sound(name: str, content: bytes) -> tuple[dict[str, Any], str, str]:
    try:
        from scipy.io import wavfile
    except ImportError:
        raise ImportError("sounds are read by SciPy: pip install 'penlight[viz]'") from None
    try:
        rate, samples = wavfile.read(io.BytesIO(content))
    except Exception as error:
        raise ValueError(f"{name} is no .wav file that can be read: {error}") from None
    samples = np.atleast_2d(samples.T)
    if not samples.size:
        raise ValueError(f"{name} holds no samples")
    length = samples.shape[1]
    samples = samples[:, :MOST_SAMPLES]
    if samples.dtype == np.uint8:
        values = samples.astype(np.float32) / 128 - 1
    elif samples.dtype.kind == "i":
        values = (samples / -float(np.iinfo(samples.dtype).min)).astype(np.float32)
    else:
        values = samples.astype(np.float32)
    signal = penlight.from_numpy(np.ascontiguousarray(values))
    kept = "" if length == samples.shape[1] else f", of which the first {samples.shape[1]} are taken"
    words = f"{name}: {length} samples in {len(values)} channels, {rate} a second{kept}"
    code = _SOUND.format(shape=tuple(signal.shape), rate=rate, channels=len(values))
    return {"signal": signal, "rate": int(rate)}, words, code


def _image(name: str, content: bytes) -> tuple[dict[str, Any], str, str]:
    try:
        from PIL import Image
    except ImportError:
        raise ImportError("images are read by Pillow: pip install 'penlight[viz]'") from None
    try:
        with Image.open(
            io.BytesIO(content), formats=("PNG", "JPEG", "GIF", "BMP", "WEBP", "TIFF", "PPM")
        ) as picture:
            width, height = picture.size
            if width * height > 50_000_000:
                raise ValueError(f"{width} × {height} pixels are too many")
            picture.draft("RGB", (MOST_PIXELS, MOST_PIXELS))
            grey = picture.mode in ("1", "L", "I", "I;16", "F")
            small = picture.convert("L" if grey else "RGB")
            small.thumbnail((MOST_PIXELS, MOST_PIXELS))
    except Exception as error:
        raise ValueError(f"{name} is neither a .wav file nor an image that can be read: {error}") from None
    values = np.asarray(small, np.float32) / 255
    values = values[None] if values.ndim == 2 else values.transpose(2, 0, 1)
    image = penlight.from_numpy(np.ascontiguousarray(values))
    made = "" if small.size == (width, height) else f", made smaller to {small.size[0]} × {small.size[1]}"
    words = f"{name}: {width} × {height} pixels{made}"
    return {"image": image}, words, _IMAGE.format(shape=tuple(image.shape), channels=len(values))
