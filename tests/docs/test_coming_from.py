"""Examples of other libraries' READMEs take no more lines here than there; ``test_docs`` runs them."""

import re
from importlib.metadata import PackageNotFoundError, metadata

import pytest

from .conftest import ROOT
from .pages import blocks

PAGE = (ROOT / "docs" / "coming_from.md").read_text()
FILES = {  # of each row of the table, and a word that only that example of the README has
    "like_optuna.py": ("optuna", "svr_c"),
    "like_optuna_kept.py": ("optuna", "sqlite"),
    "like_pymoo.py": ("pymoo", "NSGA2"),
    "like_nevergrad.py": ("nevergrad", "square"),
    "like_nevergrad_training.py": ("nevergrad", "fake_training"),
}
ROWS = re.findall(r"^\| .* \| ([\d.]+) \| (\d+) \| (\d+) \|$", PAGE, re.MULTILINE)


def lines(code: str) -> int:
    """Lines that are neither empty nor a comment nor what an example prints."""
    return sum(bool(line.strip()) and not line.strip().startswith(("#", ">>>")) for line in code.splitlines())


@pytest.mark.parametrize(("file", "row"), list(zip(FILES, ROWS, strict=True)))
def test_an_example_takes_no_more_lines_than_in_the_readme_of_its_library(file, row):
    version, there, here = row
    (block,) = [one for one in blocks(PAGE) if one.file == file]
    assert lines(block.text) == int(here) <= int(there)
    library, word = FILES[file]
    assert readme_lines(library, version, word) in (None, int(there))


def readme_lines(library: str, version: str, word: str) -> int | None:
    """Of the example with a word, if that version of the library is installed."""
    try:
        told = metadata(library)
    except PackageNotFoundError:
        return None
    if told["Version"] != version:
        return None
    readme = str(told.get_payload() or told["Description"])
    examples = re.findall(r"```python\n(.*?)```", readme, re.DOTALL)
    examples += re.findall(r"code:: python\n(.*?)\n(?=\S)", readme, re.DOTALL)
    (example,) = [one for one in examples if word in one]
    return lines(example)
