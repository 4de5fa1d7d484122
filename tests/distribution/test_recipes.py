"""Every recipe loads, says in its header what a reader asks first, and runs for two generations."""

import re
from functools import cache
from io import StringIO
from pathlib import Path

import pytest

from evokit.progress import LineProgress
from evokit.recipe import load_recipe
from evokit.runs.launch import assemble_all, launch

ROOT = Path(__file__).parents[2] / "recipes"
RECIPES = sorted(ROOT.rglob("*.yaml"))
SMALL = {
    "search.generations": 2,
    "search.population": 5,
    "repeats": 1,
    "stop": {},
    "execution": "{backend: inline, threads: 1}",
}
# Others of the same shape run in every test; these take ten seconds and more each.
SLOW = ("clso_ablation", "clso_hybrid", "clso_study", "clso_gpt2_wikitext103", "clso_gpt2_medium")
ONLY_GENERATIONAL = ("search.generations", "search.population")
SMALL_GPT2 = {
    "data": "{name: prose, sample: true}",
    "fitness.model": "{n_embd: 8, n_layer: 1, n_head: 2}",
    "fitness.tokens": 256,
    "fitness.rungs": "[128]",
    "fitness.final_blocks_per_document": 1,
    "genome.library.size": 4,
    "confirm": "{top: 2}",
}
SMALL_GROWN = {
    "fitness.rungs": "[]",
    "fitness.continuous.more_sweeps": 1,
    "genome": "{name: grown, fit_tokens: 256, predicted_tokens: 256, checked_tokens: 128}",
    "screens": "[]",
    "baselines": "[{name: closed_form}, {name: random_search, batch: 1, seeds: true}, "
    "{name: other_search, search: {name: iterated_local_search, seeds: true, start: 1}}]",
}
SMALL_TEXTS = {
    "data": "{name: prose_periods, sample: true}",
    "fitness.model": "{n_embd: 8, n_layer: 1, n_head: 2}",
    "fitness.train_texts": 60,
    "fitness.rungs": "[30]",
    "fitness.validation_texts": 12,
    "fitness.length": 8,
    "genome.library.size": 4,
    "confirm": "{top: 2}",
}
SMALL_OPTIMIZER = {
    "data": "{name: images, sets: [digits], limit: {train: 40, validation: 20, test: 20}}",
    "fitness.tasks": "[]",
    "fitness.model": "{channels: [2, 3], hidden: 8}",
    "fitness.language": "{width: 8, layers: 1, heads: 2, length: 16, validation_blocks: 4}",
    "fitness.steps": 2,
    "fitness.rungs": "[1]",
    "fitness.final_steps": "[3]",
    "fitness.seeds": 1,
    "fitness.batch": 8,
    "screens": "[{name: race}]",
    "confirm": "{top: 2}",
    "final": "{seeds: 1}",
}
SMALL_ACTIVATIONS = {
    "data": "{name: images, sets: [digits], limit: {train: 40, validation: 20, test: 20}}",
    "fitness.model": "{channels: [3, 3], normalise: true, whitening_patches: 100}",
    "fitness.training": "{epochs: 2, batch: 10}",
    "search.layers": "[{generations: 2, alpha: 0.1}, {generations: 1, alpha: 0.1}, {generations: 1, alpha: 0.1}]",
    "search.parents": 2,
    "search.explorers": 2,
    "search.refiners": 2,
    "search.shard": 10,
    "search.lanes": 5,
    "search.shards": 2,
    "baselines": "[{name: sgd, convolutions: [2]}, {name: class_code}]",
    "final": "{convolutions: [2], lr: [0.5]}",
}
SMALL_ANALYSIS = {name: SMALL_ACTIVATIONS[name] for name in ("data", "fitness.model", "fitness.training")} | {
    "data.limit.train": 10,
    "fitness.evolution": f"{{layers: {SMALL_ACTIVATIONS['search.layers']}, parents: 2, explorers: 2, refiners: 2}}",
    "search.batch": 1,
}
SMALL_GEOMETRY = {name: SMALL_ACTIVATIONS[name] for name in ("data", "fitness.model", "fitness.training")} | {
    "fitness.images": 20,
    "fitness.epochs": 1,
    "fitness.smoothing": "[1, 1]",
    "baselines": "[{name: sgd}, {name: class_mean}, {name: hand_geometry, lr: [1.0, 4.0]}, {name: random_search}]",
    "final": "{lr_factor: [0.5, 1.0]}",
}
SMALL_ENSEMBLES = {name: SMALL_ACTIVATIONS[name] for name in ("data", "fitness.model", "fitness.training")} | {
    "fitness.smoothing": "[1, 1]",
    "fitness.networks": 2,
    "fitness.ensembles": 1,
    "search.batch": 1,
}
SMALL_GALLERY = {
    "berlin52": {"search.elites": 1},
    "circles": {"search.population": 4, "baselines": "[{name: random_search}]"},
    "swing_up": {"search.reevaluate": 1},
    "majority": {"search.elites": 1, "search.reevaluate": 1},
    "tumours": {"search.population": 6},
}
TWO_POINTS = {
    "search_scaling": "{layer: [1], population: [3, 6]}",
    "search_diversity": "{layer: [0, 1]}",
    "learned_accuracy": "{learn_from: [searches, labels]}",
    "training_trajectories": "{learn_from: [targets, labels]}",
    "geometry_ensembles": "{learn_from: [geometries, labels]}",
}


def adapted(path, finished):
    """Overrides that make any of our recipes small; ``finished`` makes the run that some need, by its recipe."""
    values = dict(SMALL)
    text = "\n".join(line for parent in chain(path) for line in parent.read_text().splitlines())
    if "gpt2_loss" in text:
        values |= SMALL_GPT2
        values["baselines.0"] = "{name: adamw, steps: 2, rungs: [1], lr: [5.0e-4, 1.0e-3], batch: 1}"
        surrogate = "" if "objectives:" in text else "{name: surrogate, model: {name: ridge}, refit_every: 1}, "
        values["screens"] = f"[{surrogate}{{name: race}}]"
        if "fit:" in text:
            values["fitness.model"] = "{n_embd: 16, n_layer: 1, n_head: 2, tied: false}"
            adamw = "{name: adamw, steps: 2, start: fitness, batch: 1}"
            values["baselines"] = f"[{adamw}, {{name: closed_form}}, {{name: random_search}}]"
            del values["baselines.0"]
        if re.search(r"continuous: .*fit_tokens:", text):
            values["fitness.continuous.fit_tokens"] = 25_600
        if "name: grown" in text:
            del values["genome.library.size"]
            values |= SMALL_GROWN
            if "objectives:" in text:  # which a search with one objective cannot share
                values["baselines"] = "[{name: random_search, batch: 1, seeds: true}]"
        if "hybrid:" in text:
            values |= {"final.hybrid.steps": 2, "final.hybrid.rungs": "[1]"}
    if "name: auto" in text:
        del values["search.population"]
    if "map_elites" in text:
        values["search.batch"] = values.pop("search.population")
    if "text_classification" in text:
        values |= SMALL_TEXTS
    if path.parent.name == "gallery":
        values |= SMALL_GALLERY.get(path.stem, {})
    if "trained_accuracy" in text:
        values |= SMALL_OPTIMIZER
        values["baselines"] = "[{name: adam, lr: [0.001, 0.01], weight_decay: [0]}, {name: random_search}]"
        if "elites:" in text and "mu_plus_lambda" not in text:
            values["search.elites"] = 1
        if "tasks:" in text and "name: prose" not in text:
            values["data.sets"] = "[digits, photo_tiles]"
        if "name: prose" in text:
            values["data"] = SMALL_GPT2["data"]
    if "label_likelihood" in text:
        values = {key: value for key, value in (values | SMALL_ACTIVATIONS).items() if key not in ONLY_GENERATIONAL}
    if "held_out_accuracy" in text:
        values |= SMALL_GEOMETRY
        if "held_out: validation" in text:
            del values["fitness.images"]
    if "name: grid" in text:
        grid = TWO_POINTS[min(filter(text.__contains__, TWO_POINTS), key=text.index)]  # a recipe before its parent
        values = {key: value for key, value in values.items() if key not in ONLY_GENERATIONAL}
        small = SMALL_ENSEMBLES if "geometry_ensembles" in text else SMALL_ANALYSIS
        values |= small | {"genome.grids": f"[{grid}]"}
    if "evolved:" in text:
        values["fitness.evolved"] = finished("activations_geometry", "repeats=2", "baselines=[]")
    if "init:" in text:
        values["init.from"] = finished("optimizer_quick")
    if "saved:" in text:
        values["genome.library.saved"] = finished("clso_gpt2") / "export/library/library.safetensors"
        values["genome.library.size"] = 2
    return [f"{key}={value}" for key, value in values.items()]


def chain(path):
    """A recipe and those that it extends."""
    yield path
    if parent := re.search(r"^extends: (\S+)", path.read_text(), re.MULTILINE):
        yield from chain((path.parent / parent[1]).resolve())


def header(path):
    lines = path.read_text().splitlines()
    return "\n".join(line[1:] for line in lines[: next(i for i, line in enumerate(lines) if not line.startswith("#"))])


@pytest.fixture(autouse=True)
def _few_padded_lines(monkeypatch):
    """Of the paper's 400, whose loss is each finished model's largest cost here."""
    monkeypatch.setattr("evokit_crystalline.models.PADDED_LINES", 8)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A small run of a recipe that others begin with, by the recipe's name; made when it is first asked for."""

    @cache
    def run(name, *overrides):
        out, path = tmp_path_factory.mktemp("finished") / "run", ROOT / f"{name}.yaml"
        launch(load_recipe(path, [*adapted(path, run), *overrides]), out, LineProgress(StringIO()))
        return out

    return run


@pytest.mark.parametrize(
    "path",
    [pytest.param(path, marks=[pytest.mark.slow] * (path.stem in SLOW)) for path in RECIPES],
    ids=lambda path: path.stem,
)
def test_a_recipe_runs_for_two_generations(path, tmp_path, finished):
    recipe = load_recipe(path, adapted(path, finished))
    summary = launch(recipe, tmp_path / "run", LineProgress(StringIO()))
    assert summary["status"] == "done"
    assert summary["generations"] == 2
    assert summary["best"]["source"] == "measured"


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_a_header_names_the_command(path):
    assert f"Run: evokit run recipes/{path.relative_to(ROOT)}" in header(path)


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_a_budget_table_adds_up(path):
    rows = re.findall(r"^ +(.+?)  +[\d,~]+  .* (\d+) s$", header(path), re.MULTILINE)
    total = re.search(r"^ +in all .* (\d+) s$", header(path), re.MULTILINE)
    if total is None:
        assert "Budget" not in header(path)
        return
    assert rows
    assert sum(int(seconds) for _, seconds in rows) == int(total[1])


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_where_the_search_knows_individuals_so_does_a_control(path):
    """Each search among the baselines begins with the genome's seeds, or has a twin beside it that does."""
    recipe = load_recipe(path)
    controls = [one for one in recipe.baselines if hasattr(one.options, "seeds")]
    if knows_individuals(recipe.genome):
        seeded = {one.name for one in controls if one.options.seeds}
        assert {one.name for one in controls} == seeded


def knows_individuals(genome):
    """Whether it has seeds, told by its options, as libraries take long to be built."""
    if genome.name == "crystalline":
        return "zero" in genome.options.library.kinds
    return bool(getattr(genome.options, "seeds", ()))


def test_the_recipe_of_the_clso_paper_has_the_papers_numbers():
    recipe = load_recipe(ROOT / "paper" / "clso_gpt2.yaml").resolved
    assert {key: recipe["search"][key] for key in ("name", "population", "generations", "elites")} == {
        "name": "generational",
        "population": 32,
        "generations": 50,
        "elites": 0.1,
    }
    assert recipe["selection"] == {"name": "tournament", "size": 5}
    assert recipe["crossover"] == {"name": "one_point", "prob": 0.75}
    assert recipe["mutation"] == {"name": "reset", "prob": 0.08}
    library = recipe["genome"]["library"]
    assert (library["size"], library["ternary_scale"]) == (64, "paper")
    (screen,) = recipe["screens"]  # no race
    assert {key: screen[key] for key in ("name", "refit_every", "top", "random", "unmeasured")} == {
        "name": "surrogate",
        "refit_every": 5,
        "top": 0.2,
        "random": 0.2,
        "unmeasured": "paper",
    }
    assert (screen["model"]["members"], screen["min_rank_correlation"]) == (1, -1)
    assert not any(recipe["stop"].values())
    adamw = next(one for one in recipe["baselines"] if one["name"] == "adamw")
    assert (adamw["steps"], adamw["lr"], adamw["batch"], adamw["schedule"]) == (500, [5e-4], 8, ["constant"])


@pytest.mark.slow
def test_at_equal_tokens_closed_form_and_crystals_read_what_adamw_reads():
    recipe = load_recipe(ROOT / "clso_equal_tokens.yaml", ["fitness.continuous.fit=unigram"])  # which is fitted at once
    fitness = recipe.fitness.options
    read = fitness.continuous.fit_tokens + assemble_all(recipe).fitness.held_out.for_crystals.inputs.size
    trained = [one.options for one in recipe.baselines if one.component.name == "adamw"]
    assert {one.steps * one.batch * fitness.block for one in trained} == {read}
