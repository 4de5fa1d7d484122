"""What a recipe may say about the library."""

import subprocess
import sys

import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError

from evokit_crystalline.crystals.kinds import block_diagonal
from evokit_crystalline.crystals.options import LibraryOptions


def test_ranks_come_from_the_options():
    low_rank = LibraryOptions(rank=(3, 5)).catalogue()["ternary_low_rank"]
    assert {low_rank((64, 64), np.random.default_rng(seed)).rank for seed in range(50)} == {3, 4, 5}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kinds": ("block_diagonal", "butterfly")}, "unknown kind 'butterfly', known are block_diagonal, ternary"),
        ({"kinds": ("block_diagonal", "block_diagonal")}, "each may be named once"),
        ({"size": 1}, "at least the number of kinds"),
        ({"rank": (5, 3)}, "lowest comes first, got 5 and 3"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        LibraryOptions(**options)


@pytest.mark.parametrize(
    ("data", "field"), [({"size": 0}, "size"), ({"kinds": []}, "kinds"), ({"rank": [0, 3]}, "rank")]
)
def test_a_recipe_section_is_checked_field_by_field(data, field):
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(LibraryOptions).validate_python(data)
    assert caught.value.errors()[0]["loc"][0] == field


def test_a_recipe_section_becomes_options():
    data = {"size": 6, "kinds": ["ternary_low_rank"], "rank": [2, 4]}
    assert TypeAdapter(LibraryOptions).validate_python(data) == LibraryOptions(6, ("ternary_low_rank",), (2, 4))


def test_the_catalogue_cannot_be_changed_from_outside():
    with pytest.raises(TypeError, match="does not support item assignment"):
        LibraryOptions().catalogue()["mine"] = block_diagonal


def test_options_and_their_check_import_no_torch():
    code = (
        "import sys; from evokit_crystalline.options import Crystalline; "
        "Crystalline(); sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
