"""Helpers around training: data loading (:mod:`penlight.utils.data`) and hook handles."""
