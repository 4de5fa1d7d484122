"""The example plugin as its users meet it: a local file, and an installed distribution."""

import importlib
import json
import math
import shutil

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from evokit.cli import main
from evokit.common.extras import DISTRIBUTION
from evokit.common.keys import digest
from evokit.plugins import load_plugins
from evokit.recipe import load_recipe
from tests.wheels import built, content, metadata_of

from .conftest import EXAMPLE

RECIPE = EXAMPLE / "tour.yaml"


@pytest.fixture(scope="module")
def tours():
    registry = load_plugins([EXAMPLE / "evokit_tour.py"])
    return registry.find("genome", "tours").options(n_cities=6)


@pytest.fixture(scope="module")
def tour_length():
    return load_plugins([EXAMPLE / "evokit_tour.py"]).find("fitness", "tour_length").options()


def test_the_recipe_finds_the_proven_optimum(tmp_path):
    out = tmp_path / "run"
    answer = CliRunner().invoke(main, ["run", str(RECIPE), "--out", str(out), "--set", "baselines=[]"])
    assert answer.exit_code == 0, answer.output
    best = json.loads((out / "summary.json").read_text())["best"]
    assert best["values"][0] == pytest.approx(32 * math.sin(math.pi / 16))
    assert best["genes"] == list(range(16))


def test_its_wheel_holds_its_module_alone_and_requires_evokits_distribution(tmp_path):
    project = shutil.copytree(EXAMPLE, tmp_path / "tour", ignore=shutil.ignore_patterns("__pycache__"))
    (project / "runs").mkdir()
    wheel = built(project, tmp_path / "out")
    assert content(wheel) == {"evokit_tour.py"}
    assert f"Requires-Dist: {DISTRIBUTION}" in metadata_of(wheel)


@pytest.mark.usefixtures("installed_example")
def test_the_installed_plugin_passes_its_own_conformance_line():
    importlib.import_module("test_evokit_tour").test_tours()


@pytest.mark.usefixtures("installed_example")
def test_the_installed_plugin_is_listed_with_its_distribution():
    assert ["tours", "evokit-tour", "0.1.0"] in [
        line.split() for line in CliRunner().invoke(main, ["list"]).output.splitlines()
    ]


@pytest.mark.usefixtures("installed_example")
def test_once_installed_the_recipe_needs_no_plugins_line():
    assert CliRunner().invoke(main, ["check", str(RECIPE), "--set", "plugins=[]"]).exit_code == 0


@pytest.mark.usefixtures("installed_example")
def test_once_installed_the_file_that_the_recipe_names_goes_on_to_be_meant(caplog):
    recipe = load_recipe(RECIPE)
    assert recipe.genome.component.options_class.__module__.startswith("evokit_local_")
    assert recipe.registry.find("genome", "tours:tours").options.__module__ == "evokit_tour"
    assert not caplog.records


@given(start=st.integers(0, 5), tour=st.permutations(range(6)))
def test_a_tour_has_one_key_from_any_city_in_any_direction(tours, start, tour):
    turned = tuple(tour[start:] + tour[:start])
    keys = {digest(tours.canonical(genes)) for genes in (tuple(tour), turned, turned[::-1])}
    assert len(keys) == 1


def test_the_length_of_a_tour_is_worked_by_hand(tour_length):
    there_and_across = [0, 2, 1, 3]  # of a square with diagonal 2: diagonal, side, diagonal, side
    lengths = tour_length.evaluate([np.array([0, 1, 2, 3]), np.array(there_and_across)], 1)
    assert lengths == pytest.approx([4 * math.sqrt(2), 4 + 2 * math.sqrt(2)])
