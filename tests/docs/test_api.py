"""What is promised to others is listed, importable, and all that pages and examples use."""

import inspect
import re
from pathlib import Path

import evokit
from evokit import testing

ROOT = Path(__file__).parents[2]
IMPORT = re.compile(r"^\s*(?:from (evokit[\w.]*) import|import (evokit[\w.]*))", re.MULTILINE)


def test_the_page_lists_what_the_packages_offer():
    listed = re.findall(r"^\| `([\w.]+)` \|", (ROOT / "docs" / "api.md").read_text(), re.MULTILINE)
    of_testing = [f"evokit.testing.{name}" for name in testing.__all__ if inspect.isfunction(getattr(testing, name))]
    assert sorted(listed) == sorted([*evokit.__all__, *of_testing])
    assert all(hasattr(evokit, name) for name in evokit.__all__)


def test_pages_and_examples_import_nothing_else():
    paths = [*(ROOT / "docs").glob("*.md"), *(ROOT / "examples").rglob("*.py"), ROOT / "README.md"]
    texts = {str(path): path.read_text() for path in paths}
    texts |= {path.name: path.read_text() for path in (ROOT / "evokit" / "cli" / "scaffolds").iterdir()}
    for name, text in texts.items():
        imported = {one or other for one, other in IMPORT.findall(text)}
        assert imported <= {"evokit", "evokit.testing"}, name
