"""Set before any test runs."""

import os

import pytest

pytest_plugins = ["browser"]  # the fixtures of tests in a browser, tests/browser.py

if os.environ.get("PYTHONPATH"):  # a relative one would not be found from another folder
    os.environ["PYTHONPATH"] = os.pathsep.join(
        os.path.abspath(p) for p in os.environ["PYTHONPATH"].split(os.pathsep) if p
    )


@pytest.fixture(scope="session", autouse=True)
def another_folder(tmp_path_factory):
    """Python started by a test must find the installed package, not the sources in the current folder."""
    before = os.getcwd()
    os.chdir(tmp_path_factory.mktemp("folder"))
    yield
    os.chdir(before)
