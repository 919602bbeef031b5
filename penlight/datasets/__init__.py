"""Small data that lessons and the demo need, carried in the package or computed: nothing is downloaded."""

from penlight.datasets.digits import digits, digits_split
from penlight.datasets.signals import stereo_signal

__all__ = ["digits", "digits_split", "stereo_signal"]
