"""Whole runs on a few digits: every point measured, a figure, its values, the seal unopened. Recipes have the rest."""

import csv
from io import StringIO

import pytest

from evokit.errors import UserError
from evokit.progress import LineProgress
from evokit.recipe import RecipeError, load_recipe
from evokit.results.exports import export_model
from evokit.results.verify import verify
from evokit.runs.launch import launch

from ..geometry.tiny import evolved_run

RECIPE = """\
data: {{name: images, sets: [digits], limit: {{train: 12, validation: 20}}}}
fitness:
  name: {fitness}
  model: {{channels: [3, 4], normalise: true, whitening_patches: 100}}
  training: {{epochs: 2, batch: 6}}
  tensors: {{smooth: noise}}
  evolution:
    parents: 2
    explorers: 3
    refiners: 3
    noise: 0.1
    layers:
      - {{generations: 2, alpha: 0.3, boost: 2, smoothing: 1}}
      - {{generations: 3, alpha: 0.3}}
      - {{generations: 1, alpha: 0.1}}
    lanes: 6
{options}
genome: {{name: points, grids: {grids}}}
search: {{name: grid, batch: 2}}
execution: {{backend: inline, batch: 1}}
export: [figure]
"""
LEARN = "  learn: {convolutions: [2], lr: [0.5]}\n  sgd: {convolutions: [2], lr: [0.1]}"
CASES = {
    "diversity": ("search_diversity", "  runs: 3", "[{layer: [0, 1]}]", "n_eff_all_of_3"),
    "compute": (
        "learned_accuracy",
        LEARN.replace("[0.5]", "[0.5, 1.0]"),
        "[{population: [4, 8], logits: [class, own]}, {generations: [2]}, {learn_from: [labels, class_code]}]",
        "ensemble_of_2",
    ),
    "ablation": (
        "learned_accuracy",
        f"{LEARN}\n  shows: ablation",
        "[{without: [nothing, image_selection, smoothing, normalisation, explorers]},"
        " {learn_from: [class_code, unselected]}]",
        "n_eff_block1",
    ),
    "entropy": (
        "training_trajectories",
        f"{LEARN}\n  shows: entropy",
        "[{learn_from: [targets, labels], seed: [0, 1]}]",
        "between_block0_epoch0",
    ),
}


def run(folder, case, *overrides):
    fitness, options, grids, _ = CASES[case]
    (folder / "tiny.yaml").write_text(RECIPE.format(fitness=fitness, options=options, grids=grids))
    return launch(load_recipe(folder / "tiny.yaml", overrides), folder / "run", LineProgress(StringIO()))


def values(folder):
    with (folder / "run/export/figure/values.csv").open() as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("case", CASES)
def test_an_analysis_ends_with_a_figure_and_its_values(case, tmp_path):
    summary = run(tmp_path, case)
    assert summary["status"] == "done"
    assert summary["evaluations"]["failed"] == 0
    assert summary["test_openings"] == []
    rows = values(tmp_path)
    assert len(rows) == summary["evaluations"]["measured"]
    assert all(CASES[case][3] in row for row in rows)
    assert summary["best"]["values"][0] in [float(row[summary["objective"]["name"]]) for row in rows]
    folder = tmp_path / "run/export/figure"
    assert (folder / "figure.png").read_bytes().startswith(b"\x89PNG")
    assert "<svg" in (folder / "figure.svg").read_text()


def test_a_figure_is_drawn_again_the_same_and_what_was_measured_is_found_again(tmp_path):
    run(tmp_path, "diversity")
    again = export_model(tmp_path / "run", out=tmp_path / "again")
    for file in (tmp_path / "run/export/figure").iterdir():
        assert (again / file.name).read_bytes() == file.read_bytes()
    claims = list(verify(tmp_path / "run"))
    assert claims
    assert [claim for claim in claims if not claim.holds] == []


def test_a_point_that_the_analysis_does_not_know_is_the_recipes_error(tmp_path):
    with pytest.raises(RecipeError, match=r"tiny.yaml:\d+: genome.points: layer must be below 2"):
        run(tmp_path, "diversity", "genome.grids=[{layer: [5]}]")


def test_a_trajectory_of_several_settings_is_refused(tmp_path):
    with pytest.raises(RecipeError, match="learn: this analysis tunes nothing and takes one setting"):
        run(tmp_path, "entropy", "fitness.learn.lr=[0.5, 1.0]")


def test_where_nothing_was_measured_there_is_nothing_to_draw(tmp_path):
    run(tmp_path, "diversity")
    for file in tmp_path.glob("run/ledger.sqlite*"):
        file.unlink()
    with pytest.raises(UserError, match=r"ledger\.sqlite is gone"):
        export_model(tmp_path / "run", out=tmp_path / "again")
    assert not (tmp_path / "again").exists()
    assert not (tmp_path / "run" / "ledger.sqlite").exists()


def ensembles_of_geometries(folder, *overrides):
    """A whole run on two evolved geometries."""
    (folder / "ensembles.yaml").write_text(
        "data: {name: images, sets: [digits], limit: {train: 12, validation: 20}}\n"
        "fitness:\n"
        "  name: geometry_ensembles\n"
        "  evolved: evolved\n"
        "  model: {channels: [3, 4], normalise: true, whitening_patches: 100}\n"
        "  training: {epochs: 2, batch: 6}\n"
        "  networks: 2\n"
        "genome:\n"
        "  name: points\n"
        "  grids: [{learn_from: [geometries, class_code], codes: [own, one]}, {learn_from: [class_mean, labels]}]\n"
        "search: {name: grid}\n"
        "execution: {backend: inline}\n"
        "export: [figure]\n"
    )
    return launch(load_recipe(folder / "ensembles.yaml", overrides), folder / "run", LineProgress(StringIO()))


def test_ensembles_of_geometries_end_with_a_figure_and_intervals(tmp_path):
    evolved_run(tmp_path / "evolved", repeats=2)
    summary = ensembles_of_geometries(tmp_path)
    assert summary["test_openings"] == []
    rows = values(tmp_path)
    assert [(row["learn_from"], row["codes"]) for row in rows[:2]] == [("geometries", "own"), ("geometries", "one")]
    for row in rows[:-1]:
        ends = [float(row[f"nll_less_labels{end}"]) for end in ("_low", "", "_high")]
        assert ends == sorted(ends)
    assert rows[-1]["nll_less_labels"] == ""
    assert (tmp_path / "run/export/figure/figure.png").read_bytes().startswith(b"\x89PNG")
    assert [claim for claim in verify(tmp_path / "run") if not claim.holds] == []


def test_a_run_that_is_not_there_is_the_recipes_error(tmp_path):
    with pytest.raises(RecipeError, match=r"ensembles.yaml:\d+: fitness.geometry_ensembles: evolved: .* is no run"):
        ensembles_of_geometries(tmp_path)
    assert not (tmp_path / "run").exists()
