import os
from pathlib import Path

import pytest

from evokit.assembly.warm_start import settled
from evokit.plugins import RESTRICT
from evokit.recipe import RecipeError, by_name, load_recipe
from evokit.recipe.by_name import headline, namesake, outside, recipe_named, recipe_names, recipes_folder
from tests.small import RECIPES

NAMES = sorted(path.relative_to(RECIPES).with_suffix("").as_posix() for path in RECIPES.rglob("*.yaml"))


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path, monkeypatch):
    """In an empty folder, with the plugins whose components the recipes name."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(RESTRICT)


def test_a_checkouts_recipes_are_those_of_its_folder():
    assert recipes_folder().samefile(RECIPES)
    assert sorted(recipe_names()) == NAMES


@pytest.mark.parametrize("name", ["onemax", "paper/clso_gpt2"])
def test_a_name_means_the_recipe_that_comes_along(name):
    assert load_recipe(name).digest == load_recipe(RECIPES / f"{name}.yaml").digest
    assert recipe_named(name).samefile(RECIPES / f"{name}.yaml")


def test_a_file_of_that_name_goes_first(tmp_path):
    (tmp_path / "onemax").write_text("- no recipe")
    with pytest.raises(RecipeError, match=r"^onemax:1: a recipe is a mapping"):
        load_recipe("onemax")


def test_a_folder_of_that_name_is_in_nobodys_way(tmp_path):
    (tmp_path / "onemax").mkdir()
    (tmp_path / "mine.yaml").write_text("extends: onemax")
    assert load_recipe("onemax").digest == load_recipe("mine.yaml").digest


def test_a_file_that_seems_to_be_meant_by_a_name_is_told(tmp_path):
    assert namesake(Path("onemax")) is None
    (tmp_path / "onemax.yaml").touch()
    (tmp_path / "mine.yaml").touch()
    assert [namesake(Path(name)) for name in ("onemax", "onemax.yaml", "mine")] == [Path("onemax.yaml"), None, None]


def test_a_recipe_may_extend_one_by_name(tmp_path):
    (tmp_path / "mine.yaml").write_text("extends: onemax\ngenome: {length: 7}")
    recipe = load_recipe(tmp_path / "mine.yaml")
    assert recipe.genome.options.length == 7
    assert recipe.fitness.name == "onemax"


def test_what_lies_beside_the_recipe_is_extended_first(tmp_path):
    (tmp_path / "onemax").write_text((RECIPES / "onemax.yaml").read_text().replace("length: 32", "length: 5"))
    (tmp_path / "mine.yaml").write_text("extends: onemax")
    assert load_recipe(tmp_path / "mine.yaml").genome.options.length == 5


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("onemx", "onemx: no such file; did you mean 'onemax'?"),
        ("recipes/onemax.yaml", "recipes/onemax.yaml: no such file; a recipe that comes along is called 'onemax'"),
        ("quite_another.yaml", "quite_another.yaml: no such file"),
    ],
)
def test_what_is_neither_file_nor_name_is_told_with_what_was_meant(path, message):
    with pytest.raises(RecipeError) as told:
        load_recipe(path)
    assert str(told.value) == message


def test_a_recipe_that_begins_with_the_run_of_another_says_which_to_run_first():
    with pytest.raises(RecipeError, match=r"it has no summary.json; evokit run optimizer_fashionmnist makes it$"):
        settled(load_recipe("optimizer_transfer"))


def test_where_a_recipe_leads_to_runs_it_means_those_of_the_current_folder(tmp_path):
    recipe = load_recipe("optimizer_transfer")
    assert recipe.init.from_ == tmp_path / "runs" / "optimizer_fashionmnist"


def test_a_path_out_of_the_folder_is_no_name():
    assert recipe_named("../recipes/onemax") is None


@pytest.mark.parametrize("name", NAMES)
def test_each_has_a_line_that_says_what_it_does(name):
    assert 10 < len(headline(name)) < 400
    assert not headline(name).endswith((".", ":"))


def test_a_wheels_recipes_are_those_that_lie_in_it_those_in_folders_last(tmp_path, monkeypatch):
    package = tmp_path / "evokit" / "recipe"
    (package / "files" / "a").mkdir(parents=True)
    for name in ("b", "a/c", "d"):
        (package / "files" / f"{name}.yaml").touch()
    monkeypatch.setattr(by_name, "__file__", str(package / "by_name.py"))
    assert recipes_folder() == package / "files"
    assert recipe_names() == ["b", "d", "a/c"]


@pytest.mark.parametrize(
    ("path", "meant"),
    [("paper/x.yaml", "{folder}/paper/x.yaml"), ("../runs/x", "{here}/runs/x"), ("../../x", "{folder}/../../x")],
)
def test_only_what_lies_beside_the_recipes_is_that_of_the_current_folder(tmp_path, path, meant):
    folder = recipes_folder()
    full = os.path.abspath(folder / path)
    assert outside(full) == os.path.abspath(meant.format(folder=folder, here=tmp_path))


def test_the_headline_is_the_beginning_of_the_comments_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(by_name, "recipes_folder", lambda: tmp_path)
    for text, told in (
        ("# One line\n# and more. Not this\nseed: 1\n# nor this\n", "One line and more"),
        ("# What (not this)\n", "What"),
        ("# Who? Not this.\n", "Who?"),
        ("# Version 1.5 of it.\n", "Version 1.5 of it"),
    ):
        (tmp_path / "one.yaml").write_text(text)
        assert headline("one") == told
