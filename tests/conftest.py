"""Set before any test runs."""

import os

# Python started by a test must find the installed package, as the test did, not the sources in the current folder.
os.environ.setdefault("PYTHONSAFEPATH", "1")
