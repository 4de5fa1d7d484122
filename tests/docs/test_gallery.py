"""The gallery's pictures are of kept runs, small, and all shown."""

import doctest
import re
from xml.etree import ElementTree

import gallery
import gallery_pictures
import pytest
import result_files
from click.testing import CliRunner

from evokit.recipe.by_name import recipe_names
from tests.small import run

from .conftest import ROOT

PAGE = (ROOT / "docs" / "gallery.md").read_text()
KEPT = result_files.all_results(gallery.KEPT)
MOST_BYTES = 60_000


@pytest.mark.parametrize("name", KEPT)
def test_a_picture_is_drawn_of_what_is_kept(name):
    drawn = gallery_pictures.drawn(name, KEPT[name])
    assert drawn == (gallery.FIGURES / f"{name}.svg").read_text(), "make results draws it anew"
    assert len(drawn.encode()) < MOST_BYTES
    assert ElementTree.fromstring(drawn).find("{*}title").text


def test_every_picture_is_in_the_page():
    assert set(re.findall(r"figures/gallery/(\w+)\.svg", PAGE)) == KEPT.keys() == gallery_pictures.PICTURES.keys()


def test_every_recipe_of_the_page_comes_along_and_all_of_the_folder_are_there():
    named = re.findall(r"^`evokit run (\S+)`$", PAGE, re.MULTILINE)
    assert len(named) == len(set(named)) >= 15
    assert set(named) <= set(recipe_names())
    assert {name for name in recipe_names() if name.startswith("gallery/")} <= set(named)


def test_a_finished_run_is_kept_and_drawn(tmp_path, monkeypatch):
    monkeypatch.setattr(gallery, "KEPT", tmp_path / "kept")
    monkeypatch.setattr(result_files, "ROOT", tmp_path)
    run(ROOT / "recipes" / "onemax.yaml", tmp_path / "run", "search.generations=3", "search.population=4")
    answer = CliRunner().invoke(gallery.main, ["add", str(tmp_path / "run")])
    assert answer.exit_code == 0, answer.output
    kept = result_files.all_results(tmp_path / "kept")["onemax"]
    assert len(kept["generations"]) == 3
    assert "3 generations" in gallery_pictures.drawn("onemax", kept)


def test_what_is_no_run_is_refused_in_one_sentence(tmp_path):
    answer = CliRunner().invoke(gallery.main, ["add", str(tmp_path)])
    assert answer.exit_code == 2
    assert "Traceback" not in answer.output


def test_the_examples_of_the_docstrings_hold():
    assert doctest.testmod(gallery_pictures) == (0, 1)
