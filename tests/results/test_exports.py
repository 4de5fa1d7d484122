import pytest

from evokit.errors import UserError
from evokit.genomes.real_vector import RealVector
from evokit.recipe import load_recipe
from evokit.results.exports import export_model
from tests.small import TOY_RECIPE, run, write_recipe

ANOTHER_FORMAT = """
from dataclasses import dataclass

from evokit import Component, hookimpl
from tests.toy_plugin import AsText


@dataclass(frozen=True)
class AsPage(AsText):
    pass


@hookimpl
def evokit_components():
    return [Component("export", "page", AsPage, fits="squares")]
"""


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    folder = tmp_path_factory.mktemp("toy")
    (folder / "toy.yaml").write_text(TOY_RECIPE)
    return folder / "run", run(folder / "toy.yaml", folder / "run")


def model(folder, entry, index=0):
    return (folder / entry["artifacts"][index]).read_text()


def test_the_champion_is_exported_into_the_run_directory(toy):
    folder, summary = toy
    assert export_model(folder) == folder / "export" / "text"
    assert (folder / "export" / "text" / "point.txt").read_text() == model(folder, summary["final"])


def test_a_baseline_is_exported_where_one_says(toy, tmp_path):
    folder, summary = toy
    export_model(folder, "text", "descent", tmp_path / "out")
    assert (tmp_path / "out" / "point.txt").read_text() == model(folder, summary["baselines"][0])


def test_of_repeats_the_best_is_exported(tmp_path):
    (tmp_path / "toy.yaml").write_text(TOY_RECIPE)
    summary = run(tmp_path / "toy.yaml", tmp_path / "run", "repeats=2")
    out = export_model(tmp_path / "run")
    best = tmp_path / "run" / f"repeat-{summary['seed']}"
    assert (out / "point.txt").read_text() == model(best, summary["final"])


def test_of_several_formats_the_one_that_the_recipe_names_is_taken(tmp_path):
    (tmp_path / "more.py").write_text(ANOTHER_FORMAT)
    text = TOY_RECIPE.replace("plugins: [", "plugins: [more.py, ")
    (tmp_path / "toy.yaml").write_text(text)
    run(tmp_path / "toy.yaml", tmp_path / "none")
    with pytest.raises(UserError, match="has several exports; choose one with --format: page, text"):
        export_model(tmp_path / "none")
    run(tmp_path / "toy.yaml", tmp_path / "one", "export=[page]")
    assert export_model(tmp_path / "one") == tmp_path / "one" / "export" / "page"
    run(tmp_path / "toy.yaml", tmp_path / "both", "export=[text, page]")
    with pytest.raises(UserError, match="has several exports"):
        export_model(tmp_path / "both")
    with pytest.raises(UserError, match=r"export\.1: another one is 'text', which is written to the same"):
        load_recipe(tmp_path / "toy.yaml", ["export=[text, text]"])


@pytest.mark.parametrize(
    ("name", "contender", "words"),
    [
        ("onnx", "champion", "has no export 'onnx'; it has text"),
        (None, "nobody", "has no finished model of 'nobody'; it has champion, descent, random_search"),
    ],
)
def test_what_is_not_there_is_refused_with_what_is(toy, name, contender, words):
    with pytest.raises(UserError, match=words):
        export_model(toy[0], name, contender)


def test_files_of_a_genome_that_changed_are_refused_by_export_and_resume(tmp_path, monkeypatch):
    (tmp_path / "toy.yaml").write_text(TOY_RECIPE)
    monkeypatch.setattr(RealVector, "content_digest", "one", raising=False)
    run(tmp_path / "toy.yaml", tmp_path / "run")
    export_model(tmp_path / "run")
    monkeypatch.setattr(RealVector, "content_digest", "another")
    with pytest.raises(UserError, match="content of the genome's files is another than when this run was begun"):
        export_model(tmp_path / "run")
    with pytest.raises(UserError, match="content of the genome's files one -> another"):
        run(tmp_path / "toy.yaml", tmp_path / "run", "search.generations=5", resume=True)


def test_a_fitness_without_exports_is_refused(tmp_path):
    run(write_recipe(tmp_path), tmp_path / "run", "search.generations=2")
    with pytest.raises(UserError, match="no export belongs to the fitness odd"):
        export_model(tmp_path / "run")


def test_a_place_that_cannot_be_written_is_refused(toy, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="cannot export to"):
        export_model(toy[0], out=tmp_path / "file", force=True)


def test_what_is_no_run_is_refused(tmp_path):
    with pytest.raises(UserError, match="is no run directory"):
        export_model(tmp_path)


def test_a_place_that_holds_other_files_is_refused_unless_forced(toy, tmp_path):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "point.txt").write_text("mine")
    (tmp_path / "file").write_text("mine")
    for place, state in [("thesis", "holds files"), ("file", "is a file")]:
        with pytest.raises(UserError, match=f"{place} {state} already; choose another --out, or add --force"):
            export_model(toy[0], out=tmp_path / place)
    assert (tmp_path / "thesis" / "point.txt").read_text() == "mine"
    export_model(toy[0], out=tmp_path / "thesis", force=True)
    assert (tmp_path / "thesis" / "point.txt").read_text() == model(toy[0], toy[1]["final"])


def test_an_empty_folder_and_the_run_s_own_are_written_again(toy, tmp_path):
    export_model(toy[0], out=tmp_path)
    for _ in range(2):
        export_model(toy[0])
