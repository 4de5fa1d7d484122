"""The toy recipe of the contest's tests, for controls that search."""

import pytest

from evokit.recipe import load_recipe
from tests.runs.test_contest import RECIPE, runner


@pytest.fixture
def recipe(tmp_path):
    """Loads it with overrides."""

    def load(*overrides):
        path = tmp_path / "recipe.yaml"
        path.write_text(RECIPE)
        return load_recipe(path, overrides)

    return load


@pytest.fixture
def run(tmp_path):
    return runner(tmp_path)
