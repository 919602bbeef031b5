"""``penlight demo``: train a small convnet on handwritten digits and write a report with pictures.

- ``train``: the net and its training loop
- ``flowchart``: reads the graph that autograd recorded
- ``pictures``: the drawings, as inline SVG
- ``report``: the page they stand on
- ``command``: what ``penlight demo`` does and prints
"""

from penlight.demo.command import DemoError, main, run
from penlight.demo.train import make_net

__all__ = ["DemoError", "main", "make_net", "run"]
