import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from evokit.interfaces import Context
from evokit.options import added
from evokit.recipe import RecipeError, load_recipe
from evokit.recipe.schema import Execution, as_json
from evokit.streams import Streams

from .conftest import ONEMAX, PLUGIN

FULL = """\
seed: 3
data: null
fitness: {name: loss, model: {width: 4, kinds: [sparse]}, tokens: 5, share: 1, folder: texts}
genome: {name: bits, length: 8}
search: {name: generational, generations: 5}
crossover: {name: uniform, prob: 5e-1}
mutation: {name: flip}
screens: [{name: surrogate, model: {name: ridge, alpha: 2}, others: [{name: ridge}], top: 1}]
stop: {work: 100, target: 1}
confirm: {top: 2}
baselines: [{name: adamw}, {name: random_search}]
final: {seeds: 2, polish: 1}
export: [files]
"""


def test_the_resolved_recipe_has_every_default(load):
    assert load().resolved == {
        "seed": 0,
        "repeats": 1,
        "plugins": [],
        "fitness": {"name": "onemax"},
        "genome": {"name": "bits", "length": 32},
        "search": {"name": "generational", "population": 64, "generations": 10},
        "selection": {"name": "tournament", "size": 3},
        "crossover": {"name": "uniform", "prob": 0.5},
        "mutation": {"name": "flip", "prob": 0.1},
        "stop": {"work": None, "seconds": None, "target": None, "patience": None},
        "final": {"seeds": 1, "test": True},
        "execution": {
            "backend": "processes",
            "workers": None,
            "beside": True,
            "threads": 1,
            "batch": 8,
            "timeout_s": None,
            "memory_mb": None,
            "retries": 1,
            "device": "cpu",
            "watts_per_core": 15.0,
            "address": None,
            "num_cpus": 1.0,
            "num_gpus": 0.0,
        },
        "screens": [],
        "baselines": [],
        "export": [],
    }


def test_the_resolved_recipe_loads_to_the_same_recipe(load, folder, registry):
    recipe = load(FULL)
    (folder / "sub").mkdir()
    Path("sub/again.yaml").write_text(recipe.to_yaml())
    again = load_recipe(Path("sub/again.yaml"), (), registry)
    assert again == recipe
    assert (again.to_yaml(), again.digest) == (recipe.to_yaml(), recipe.digest)


@pytest.mark.parametrize("override", ["search.generations=500", "stop.patience=3", "export=[]"])
def test_the_digest_lets_a_finished_run_go_on(load, override):
    assert load(FULL, override).digest == load(FULL).digest


@pytest.mark.parametrize("override", ["execution.workers=8", "execution.backend=inline"])
def test_the_digest_is_the_same_wherever_it_runs(load, override):
    assert load(FULL, override).digest == load(FULL).digest


@pytest.mark.parametrize("override", ["execution.timeout_s=9", "execution.memory_mb=999", "execution.retries=3"])
def test_the_digest_changes_with_the_limits_that_decide_who_fails(load, override):
    assert load(FULL, override).digest != load(FULL).digest


def test_workers_fill_the_cores_unless_the_recipe_says_how_many(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)))
    assert Execution().n_workers == 8
    assert Execution(threads=3).n_workers == 2
    assert Execution(threads=9).n_workers == 1
    assert Execution(device="cuda:0").n_workers == 1
    assert Execution(workers=3, threads=9).n_workers == 3


@pytest.mark.parametrize(
    "override",
    ["seed=4", "genome.length=9", "search.population=6", "execution.threads=2", "confirm.top=3", "baselines=[]"],
)
def test_the_digest_changes_with_what_decides_a_result(load, override):
    assert load(FULL, override).digest != load(FULL).digest


def test_the_digest_does_not_change_with_the_way_of_writing(load):
    reordered = "\n".join(reversed(FULL.splitlines())).replace("5e-1", "0.5")
    assert load(reordered).digest == load(FULL).digest


def test_the_digest_follows_a_local_plugin_by_content_not_place(folder, registry):
    def digest(place, text):
        (folder / place).mkdir(exist_ok=True)
        (folder / place / "mine.py").write_text(text)
        Path("r.yaml").write_text(f"plugins: [{place}/mine.py]\n{ONEMAX}")
        return load_recipe(Path("r.yaml"), (), registry).digest

    text = PLUGIN.read_text()
    assert digest("a", text) == digest("b", text)
    assert digest("a", text) != digest("a", text + "\n")


def test_a_later_error_is_placed_like_the_others(load):
    error = load(FULL).error(("genome", "length"), "must be even")
    assert isinstance(error, RecipeError)
    assert str(error) == "r.yaml:4: genome.length: must be even"


def test_a_section_says_what_builds_it_unless_its_options_are_the_thing(load):
    context = Context(streams=Streams(0))
    recipe = load(FULL)
    assert recipe.screens[0].options.model.maker(context) == "ridge 2.0"
    assert recipe.genome.maker is None


def test_an_option_that_was_added_is_no_part_of_the_identity_until_it_is_used():
    @dataclass(frozen=True)
    class Older:
        size: int = 3

    @dataclass(frozen=True)
    class Newer:
        size: int = 3
        again: int | None = added(None)

    assert as_json(Newer(), brief=True) == as_json(Older())
    assert as_json(Newer()) == {"size": 3, "again": None}
    assert as_json(Newer(again=2), brief=True) == {"size": 3, "again": 2}
