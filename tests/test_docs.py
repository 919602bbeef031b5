"""What the documents say holds: examples run, pictures are the library's, links lead somewhere."""

import doctest
import importlib
import importlib.util
import pkgutil
import re
from pathlib import Path

import pytest

import penlight

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("**/*.md")])
MODULES = sorted(
    {"penlight"}
    | {
        module.name
        for module in pkgutil.walk_packages(penlight.__path__, "penlight.")
        if not module.name.endswith("__main__") and "._C" not in module.name
    }
)
GIVEN = {"penlight": penlight, "torch": penlight}  # what an example in a docstring need not import
FLAGS = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


def run(test):
    output = []
    doctest.DocTestRunner(optionflags=FLAGS).run(test, out=output.append)
    assert not output, "".join(output)


@pytest.fixture(autouse=True)
def a_seed_of_its_own():
    penlight.manual_seed(0)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_examples_of_a_document_run(document):
    text = document.read_text(encoding="utf-8")
    run(doctest.DocTestParser().get_doctest(text, {}, document.name, str(document), 0))


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_run(name):
    module = importlib.import_module(name)
    for test in doctest.DocTestFinder(exclude_empty=True).find(module, name, extraglobs=GIVEN):
        run(test)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_links_of_a_document_lead_to_files(document):
    text = re.sub(r"^```.*?^```", "", document.read_text(encoding="utf-8"), flags=re.S | re.M)
    for target in re.findall(r'\]\(([^)#]+)\)|src="([^"]+)"', text):
        target = "".join(target)
        if not target.startswith("http"):
            assert (document.parent / target).exists(), target


def test_the_pictures_of_the_documents_are_what_the_library_draws():
    spec = importlib.util.spec_from_file_location("make_images", ROOT / "docs" / "make_images.py")
    make_images = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(make_images)
    drawn = make_images.pictures()
    measured = {"roofline.svg"}  # which benchmarks draw
    assert {*drawn, *measured} == {path.name for path in (ROOT / "docs" / "images").iterdir()}
    for name, picture in drawn.items():
        assert (ROOT / "docs" / "images" / name).read_text(encoding="utf-8") == picture + "\n"


def test_readme_gives_the_commands_that_ci_runs():
    readme, ci = ((ROOT / name).read_text(encoding="utf-8") for name in ("README.md", ".ci/run"))
    assert "pip install '.[test]' && pytest" in readme and "pip install '.[demo]' && penlight demo" in readme
    assert re.search(r"^pip install '\.\[test\]'$", ci, re.M) and re.search(r"^pytest$", ci, re.M)


def test_the_source_of_the_digits_is_named():
    for name in ("README.md", "penlight/datasets/DATA-LICENSE.md"):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert "10.24432/C50P49" in text and "CC BY 4.0" in text
