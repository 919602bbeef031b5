"""``python -m penlight`` is the same as the command ``penlight``."""

import sys

from penlight.cli import main

sys.exit(main())
