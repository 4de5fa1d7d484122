import csv
import io
import json

import pytest
from click.testing import CliRunner

import evokit
from evokit.cli import main

RECIPE = """
fitness: {name: told, objectives: {yield: max}}
genome: {name: real_vector, length: 2, low: -1, high: 1}
search: {name: cma, population: 4, generations: 2}
"""


@pytest.fixture
def lab(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "recipe.yaml").write_text(RECIPE)
    return tmp_path


def evokit_(*words, code=0, text=None):
    done = CliRunner().invoke(main, list(words), input=text)
    assert done.exit_code == code, done.output
    return done


def measured(rows):
    return json.dumps({row["id"]: -(float(row["x0"]) ** 2) for row in rows})


def asked(run="lab"):
    return list(csv.DictReader(io.StringIO(evokit_("ask", run, "--format", "csv").stdout)))


def test_a_search_is_asked_and_told_to_its_end_and_is_the_same_as_from_python(lab):
    assert len(json.loads(evokit_("ask", "recipe.yaml", "--out", "lab").stdout)["candidates"]) == 4
    rows = asked()
    assert rows == asked()
    assert "3 of the generation" in evokit_("tell", "lab", "-", text=measured(rows[:1])).stdout
    assert asked() == rows[1:]
    assert "the next 4" in evokit_("tell", "lab", "-", text=measured(rows[1:])).stdout
    refused = evokit_("tell", "lab", "-", text=measured(rows[:1]), code=2)
    assert "is not being asked for" in refused.stderr
    assert "evokit ask lab" in evokit_("report", "lab").stdout
    with evokit.search(
        {"name": "cma", "population": 4}, low=-1, high=1, dimensions=2, objectives={"yield": "max"}, generations=2
    ) as search:
        for _ in range(2):
            candidates = search.ask()
            search.tell(candidates, [-(x[0] ** 2) for x in candidates])
        expected = [row["key"] for row in search.run.rows()]
    assert "The search is done" in evokit_("tell", "lab", "-", text=measured(asked())).stdout
    assert [row["key"] for row in evokit.open("lab").rows()] == expected
    assert asked() == []


def test_a_fitness_that_measures_by_itself_is_refused(lab):
    assert "measures by itself" in evokit_("ask", "onemax", code=2).stderr


def test_run_says_what_to_do_and_leaves_nothing(lab):
    assert "evokit ask RECIPE" in evokit_("run", "recipe.yaml", "--out", "lab", code=2).stderr
    assert not (lab / "lab").exists()
    assert "the recipe is fine" in evokit_("check", "recipe.yaml").stdout
