"""What is promised to others is listed, importable, and all that pages and examples use."""

import inspect
import re
from pathlib import Path

import evokit
from evokit import testing
from evokit.cli import scaffold

ROOT = Path(__file__).parents[2]
IMPORT = re.compile(r"^\s*(?:from (evokit[\w.]*) import|import (evokit[\w.]*))", re.MULTILINE)


def test_the_page_lists_what_the_packages_offer():
    listed = re.findall(r"^\| `([\w.]+)` \|", (ROOT / "docs" / "api.md").read_text(), re.MULTILINE)
    of_testing = [
        f"evokit.testing.{name}"
        for name, value in vars(testing).items()
        if name[0] != "_" and inspect.isfunction(value) and value.__module__ == testing.__name__
    ]
    assert sorted(listed) == sorted([*evokit.__all__, *of_testing])
    assert all(hasattr(evokit, name) for name in evokit.__all__)


def test_pages_and_examples_import_nothing_else():
    paths = [*(ROOT / "docs").glob("*.md"), *(ROOT / "examples").rglob("*.py"), ROOT / "README.md"]
    texts = {str(path): path.read_text() for path in paths}
    texts["evokit new"] = "\n".join(value for value in vars(scaffold).values() if isinstance(value, str))
    for name, text in texts.items():
        imported = {one or other for one, other in IMPORT.findall(text)}
        assert imported <= {"evokit", "evokit.testing"}, name
