"""What a newcomer writes is short; ``test_docs`` runs it."""

from .conftest import ROOT
from .pages import blocks
from .test_coming_from import lines

WRITTEN = {block.file: block.text for block in blocks((ROOT / "docs" / "plugins.md").read_text()) if block.file}


def test_a_function_of_ones_own_takes_five_lines():
    assert lines(WRITTEN["own_function.py"]) <= 5


def test_a_genome_of_ones_own_and_its_recipe_take_thirty():
    assert lines(WRITTEN["teams.py"]) + lines(WRITTEN["teams.yaml"]) <= 30
