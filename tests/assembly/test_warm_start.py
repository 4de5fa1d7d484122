import json
import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest

import evokit
from evokit.assembly.directory import IN_A_SUMMARY, RunDirectory
from evokit.assembly.parts import assemble
from evokit.assembly.warm_start import best_genes, first_genes, settled
from evokit.errors import UserError
from evokit.genomes.individuals import key_of
from evokit.measuring.ledger import Ledger
from evokit.recipe import RecipeError, load_recipe
from tests.small import files, run, write_recipe


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    """A finished run to start from; read only."""
    folder = tmp_path_factory.mktemp("first")
    run(write_recipe(folder), folder / "first", "search.generations=3", "baselines=[]")
    return folder / "first"


@pytest.fixture
def recipe(tmp_path):
    return write_recipe(tmp_path)


@pytest.fixture
def gone(first, tmp_path):
    """A copy of the run, to be changed or removed."""
    shutil.copytree(first, tmp_path / "gone")
    return tmp_path / "gone"


def warm(source, top=3):
    return f"init={{from: {source}, top: {top}}}", "search.generations=3", "baselines=[]", "seed=8"


def rows(out, query):
    with closing(sqlite3.connect(out / "ledger.sqlite")) as db:
        return db.execute(query).fetchall()


# --- which genes


def test_the_best_genes_are_the_hall_of_fame_of_the_run(first):
    values = dict(rows(first, "SELECT key, value FROM evaluations WHERE source = 'measured' AND budget = 4"))
    genome = assemble(load_recipe(first / "recipe.yaml")).genome
    found = [values[key_of(genome, genome.from_json(json.loads(text)))] for text in best_genes(first, 5)]
    assert found == sorted(values.values(), reverse=True)[:5]


def test_a_champion_that_was_confirmed_comes_before_what_the_search_took_for_better(gone):
    genome = assemble(load_recipe(gone / "recipe.yaml")).genome
    summary = json.loads((gone / "summary.json").read_text())

    def best(champion):
        (gone / "summary.json").write_text(json.dumps(summary | {"best": champion}))
        return best_genes(gone, 4)

    first, second, third, fourth = best(None)
    key = key_of(genome, genome.from_json(json.loads(third)))
    assert best(summary["best"] | {"key": key}) == (third, first, second, fourth)


def test_there_are_at_most_as_many_as_the_run_measured(first):
    query = "SELECT DISTINCT key FROM evaluations WHERE source = 'measured' AND budget = 4"
    assert len(best_genes(first, 10_000)) == len(rows(first, query))


def test_reading_a_run_changes_nothing_there(first):
    before = files(first)
    best_genes(first, 3)
    assert files(first) == before


def test_a_run_at_work_can_be_read(gone):
    ledger = Ledger(gone / "ledger.sqlite")
    ledger.set_meta("pid", 1)
    assert best_genes(gone, 3)
    ledger.close()


# --- the first population


def test_the_first_population_begins_with_them_measured_anew_and_the_rest_is_random(first, recipe, tmp_path):
    run(recipe, tmp_path / "run", *warm(first))
    query = "SELECT operator, genes FROM individuals JOIN genomes USING (key) WHERE generation = 0 ORDER BY slot"
    born = rows(tmp_path / "run", query)
    assert [operator for operator, _ in born] == ["init"] * 3 + ["random"] * 5
    assert tuple(genes for _, genes in born[:3]) == best_genes(first, 3)
    sources = rows(tmp_path / "run", "SELECT DISTINCT source FROM evaluations WHERE generation = 0 AND seq < 3")
    assert sources == [("measured",)]


def test_a_search_that_would_not_read_it_is_refused(first, recipe):
    plain = "fitness: {name: onemax}\ngenome: {name: bits, length: 16}\n"
    recipe.write_text(f"{plain}search: {{name: grid}}\ninit: {{from: {first}}}\n")
    with pytest.raises(RecipeError, match=r"small\.yaml:4: init: search 'grid' does not read this section"):
        load_recipe(recipe)


def test_a_population_without_room_is_refused(first, recipe):
    loaded = load_recipe(recipe, [*warm(first, top=8), "search.population=7"])
    with pytest.raises(RecipeError, match=r"population \(7\) has no room for the 8 genes of init"):
        assemble(loaded)


# --- identity and resume


def test_the_digest_is_of_the_genes_wherever_they_came_from(first, gone, recipe):
    one, other = (settled(load_recipe(recipe, warm(source))) for source in (first, gone))
    assert one.digest == other.digest
    assert one.digest != settled(load_recipe(recipe, warm(first, top=2))).digest
    assert one.digest != load_recipe(recipe, warm(first)[1:]).digest


def test_a_settled_recipe_loads_to_itself(first, recipe, tmp_path):
    one = settled(load_recipe(recipe, warm(first)))
    (tmp_path / "again.yaml").write_text(one.to_yaml())
    again = load_recipe(tmp_path / "again.yaml")
    assert (again.resolved, again.digest, again.init) == (one.resolved, one.digest, one.init)


@pytest.mark.parametrize("becomes", ["removed", "changed"])
def test_a_resume_does_not_need_the_other_run(gone, recipe, tmp_path, becomes):
    run(recipe, tmp_path / "run", *warm(gone))
    if becomes == "removed":
        shutil.rmtree(gone)
    else:
        with closing(sqlite3.connect(gone / "ledger.sqlite")) as db, db:
            db.execute("UPDATE evaluations SET value = -value")
    longer = [*warm(gone), "search.generations=5"]
    assert run(recipe, tmp_path / "run", *longer, resume=True)["generations"] == 5


def test_a_resumed_run_equals_one_that_had_the_longer_horizon_from_the_start(first, recipe, tmp_path):
    run(recipe, tmp_path / "run", *warm(first))
    longer = run(recipe, tmp_path / "run", *warm(first), "search.generations=5", resume=True)
    whole = run(recipe, tmp_path / "whole", *warm(first), "search.generations=5")
    told = ("best", "evaluations", "recipe_digest")
    assert {key: longer[key] for key in told} == {key: whole[key] for key in told}


def test_a_resume_from_the_best_of_another_run_is_refused(first, recipe, tmp_path):
    run(recipe, tmp_path / "run", *warm(first))
    with pytest.raises(UserError, match=r"its recipe changed \(init\.genes\.2: .* -> nothing\)"):
        run(recipe, tmp_path / "run", *warm(first, top=2), resume=True)


def test_a_path_starts_from_the_file_that_names_it(recipe, tmp_path):
    recipe.write_text(recipe.read_text() + "init: {from: runs/other}\n")
    assert load_recipe(recipe).init.from_ == tmp_path / "runs" / "other"


# --- what is wrong


def without_rows(run):
    with closing(sqlite3.connect(run / "ledger.sqlite")) as db, db:
        db.execute("DELETE FROM evaluations")


def of_repeats(run):
    (run / "summary.json").write_text(json.dumps(dict.fromkeys([*IN_A_SUMMARY, "repeats"])))


UNFIT = [
    (shutil.rmtree, "is no run directory: it has no summary.json"),
    (lambda run: (run / "summary.json").write_text("{"), "summary.json is damaged"),
    (of_repeats, "name one of them, such as .*repeat-0"),
    (lambda run: (run / "summary.json").write_text("[]"), r"summary.json is damaged \(it is no mapping\)"),
    (lambda run: (run / "ledger.sqlite").write_text("x" * 9999), "the ledger of .*gone cannot be read: file is not"),
    (lambda run: (run / "ledger.sqlite").unlink(), "the ledger of .*gone cannot be read: unable to open"),
    (without_rows, "has measured nothing valid"),
]


@pytest.mark.parametrize(("change", "words"), UNFIT, ids=[words for _, words in UNFIT])
def test_a_run_that_cannot_serve_is_told_in_one_sentence_with_its_line(gone, recipe, change, words):
    change(gone)
    recipe.write_text(recipe.read_text() + f"init: {{from: {gone}}}\n")
    with pytest.raises(RecipeError, match=rf"small\.yaml:14: init\.from: .*{words}") as caught:
        settled(load_recipe(recipe))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[0, 1]", r"genes: must be 16 values, got 2"),
        ("[2" + ", 0" * 15 + "]", r"genes\[0\]: must be 0 or 1, got 2"),
        ("no json", "Expecting value"),
        ("[" * 5000, "recursion"),
    ],
)
def test_genes_of_another_genome_are_refused_with_what_differs(first, recipe, text, words):
    loaded = load_recipe(recipe, warm(first))
    loaded = replace(loaded, init=replace(loaded.init, genes=(text,)))
    with pytest.raises(RecipeError, match=rf"genes 0 of .* do not fit genome 'bits': .*{words}"):
        assemble(loaded)


class Forgetful:
    """A genome that takes anything and keeps half of it."""

    def from_json(self, data):
        return data[:1]

    def to_json(self, genes):
        return genes


def test_genes_that_a_genome_would_misunderstand_are_refused(first, recipe):
    with pytest.raises(RecipeError, match=r"would become"):
        first_genes(settled(load_recipe(recipe, warm(first))), Forgetful())


def test_a_damaged_recipe_in_the_own_directory_is_left_to_others(first, recipe, tmp_path):
    (tmp_path / "recipe.yaml").write_text("{")
    loaded = load_recipe(recipe, warm(first))
    assert settled(loaded, RunDirectory(tmp_path)).init.genes == best_genes(first, 3)


# --- known points


def test_points_are_what_the_first_population_begins_with_and_a_resume_goes_on(recipe, tmp_path):
    point = [1, 0] * 8
    told = (f"init={{points: [{point}]}}", "baselines=[]", "seed=8")
    run(recipe, tmp_path / "short", *told, "search.generations=2")
    (genes,) = rows(tmp_path / "short", "SELECT genes FROM evaluations JOIN genomes USING (key) ORDER BY seq LIMIT 1")
    assert json.loads(genes[0]) == point
    longer = run(recipe, tmp_path / "short", *told, "search.generations=4", resume=True)
    assert longer["best"] == run(recipe, tmp_path / "whole", *told, "search.generations=4")["best"]


def test_points_of_a_space_may_be_in_groups_as_a_fitness_is_given_them():
    space = {"net": {"width": evokit.Int(1, 9)}, "lr": evokit.Float(0, 1)}
    point = {"net": {"width": 3}, "lr": 0.5}
    found = evokit.minimize(
        lambda net, lr: lr + net["width"], space, search="random_search", work=8, init={"points": [point]}
    )
    first = next(found.rows())
    assert (first["value"], first["lr"]) == (3.5, 0.5)


def test_points_may_be_numpys_and_nothing_else_that_no_recipe_holds():
    box = {"low": 0, "high": 1, "dimensions": 2, "search": "random_search", "work": 4}
    for point in (np.array([0.25, 0.5]), [np.float64(0.25), np.float32(0.5)]):
        run = evokit.minimize(lambda x: x.sum(), **box, init={"points": [point]})
        assert next(run.rows())["value"] == 0.75
    with pytest.raises(UserError, match=r"init\.points: must be numbers, texts, lists and mappings of them"):
        evokit.minimize(lambda x: x.sum(), **box, init={"points": [object()]})


@pytest.mark.parametrize(
    ("init", "words"),
    [
        ("{points: [[1, 0]]}", r"init\.points\.0: does not fit genome 'bits': "),
        ("{points: 3}", r"init\.points: must be a list"),
        ("{}", "init: give from, the directory of a run, or points, individuals that are known"),
        ("{points: [], from: .}", "init: give from, .* or points"),
    ],
)
def test_points_that_cannot_be_are_told_with_their_place(recipe, init, words):
    with pytest.raises(RecipeError, match=words):
        assemble(settled(load_recipe(recipe, [f"init={init}", "baselines=[]"])))
