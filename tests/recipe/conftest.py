from pathlib import Path

import pytest

from evokit.plugins import RESTRICT, load_plugins
from evokit.recipe import RecipeError, load_recipe

PLUGIN = Path(__file__).parent / "fake_plugin.py"
ONEMAX = """\
fitness: {name: onemax}
genome: {name: bits, length: 32}
search: {name: generational, population: 64}
crossover: {name: uniform}
mutation: {name: flip, prob: 0.1}
"""


@pytest.fixture(autouse=True)
def _no_installed_plugins(monkeypatch):
    monkeypatch.setenv(RESTRICT, "")


@pytest.fixture(scope="session")
def registry():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(RESTRICT, "")
        return load_plugins([PLUGIN])


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty working directory, so that messages show short relative paths."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def load(folder, registry):
    """Loads a recipe from text, under the name ``r.yaml``."""

    def load(text=ONEMAX, *overrides):
        Path("r.yaml").write_text(text)
        return load_recipe(Path("r.yaml"), overrides, registry)

    return load


@pytest.fixture
def problems(load):
    """The lines of the error that a recipe earns."""

    def problems(text=ONEMAX, *overrides):
        with pytest.raises(RecipeError) as caught:
            load(text, *overrides)
        return str(caught.value).splitlines()

    return problems
