"""The documentation site: ``pip install '.[docs]' && sphinx-build -W docs docs/_build``.

Sphinx with MyST, which runs the lessons' notebooks as it builds, and Furo, a plain theme for light and dark. The
reference is written from the docstrings (``docs/reference.py``).
"""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
os.environ["PENLIGHT_PICTURES"] = "page"  # pictures as frames that need no kernel

project = "penlight"
author = "the penlight authors"
copyright = author
html_title = "penlight"
html_theme = "furo"

extensions = ["myst_nb", "sphinx.ext.napoleon", "formulas", "reference"]
html_math_renderer = "mathml"
myst_enable_extensions = ["dollarmath", "deflist"]
myst_heading_anchors = 3
nb_execution_mode = "cache"
nb_execution_cache_path = str(Path(__file__).parent / "_build" / ".notebooks")
nb_execution_timeout = 600
nb_execution_raise_on_error = True
nb_merge_streams = True
nb_render_markdown_format = "myst"  # as the pages themselves, with formulas

exclude_patterns = ["_build", "**.ipynb_checkpoints"]
suppress_warnings = ["mystnb.unknown_mime_type"]
napoleon_use_rtype = False
add_module_names = False
html_static_path = ["images", "static"]
