"""What the page of a run shows of chosen crystals."""

import re
from pathlib import Path

import numpy as np
import pytest
from markupsafe import escape

from evokit.facts import ReportFacts
from evokit_crystalline import evokit_report_sections
from evokit_crystalline.crystals.matrices import structure_of
from evokit_crystalline.final import build_champion
from evokit_crystalline.gpt2.files import read_model, save_model
from evokit_crystalline.options import Assemble
from evokit_crystalline.report import octaves
from tests.plugins.crystalline.test_final import made
from tests.plugins.crystalline.tiny import context


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A directory with a champion's model, and what its summary says."""
    fitness, genome, best = made()
    contender = build_champion(Assemble(), context(fitness=fitness, genome=genome))
    folder = tmp_path_factory.mktemp("run")
    artifact = Path(contender.fit(contender.settings(best)[0], 0, 128, folder / "artifacts").artifact)
    rival = {"name": "<i>adamw</i>", "trained": True, "inspection": contender.inspect(artifact)}
    rival["inspection"]["sample"]["text"] = "<b>&</b>\nend"
    summary = {
        "best": {"show": genome.show(best.genes), "genes": genome.to_json(best.genes)},
        "final": {
            "name": "champion",
            "artifacts": [str(artifact.relative_to(folder))],
            "inspection": contender.inspect(artifact),
        },
        "baselines": [{"name": "random_search", "trained": False, "inspection": {}}, rival],
    }
    return folder, summary, genome.express(best.genes)


def sections(folder, summary, genome="crystalline"):
    recipe = {"genome": {"name": genome}, "fitness": {"name": "gpt2_loss"}}
    return evokit_report_sections(ReportFacts(folder, recipe, summary))


def test_each_layer_is_drawn_with_its_crystal_and_what_it_costs(run):
    folder, summary, layers = run
    section = sections(folder, summary)[0]
    (figure,) = section.figures
    assert figure.svg.count("<image ") == len(layers)
    told = figure.description.split("; ")
    for (layer, matrix), line in zip(layers.items(), told, strict=True):
        dense = matrix.shape[0] * matrix.shape[1]
        short = layer.removeprefix("transformer.")
        assert re.fullmatch(rf"{short}, #\d+ \w+, {matrix.multiply_adds:,} of {dense:,}", line)


def test_the_text_adds_the_layers_up(run):
    folder, summary, layers = run
    section = sections(folder, summary)[0]
    spent = sum(matrix.multiply_adds for matrix in layers.values())
    assert f"take {spent:,} multiply-adds a token" in section.content


def test_losses_by_position_are_told_of_all_models_that_were_inspected(run):
    folder, summary, _ = run
    section = sections(folder, summary)[1]
    (figure,) = section.figures
    assert [name for _, name in figure.legend] == ["champion", "<i>adamw</i>"]
    assert "the 16 positions of a block" in section.content
    assert "<i>adamw" not in figure.svg


def test_a_point_is_the_mean_of_an_octave_and_all_points_of_all_positions():
    losses = [float(at) for at in range(128, 0, -1)]
    points = octaves(losses)
    assert [place for place, _ in points] == [1, 2, 3.5, 6.5, 12.5, 24.5, 48.5, 96.5]
    widths = [1, 1, 2, 4, 8, 16, 32, 64]
    assert np.average([loss for _, loss in points], weights=widths) == pytest.approx(np.mean(losses))


def test_texts_stand_beside_each_other_with_what_they_go_on_from(run):
    folder, summary, _ = run
    page = sections(folder, summary)[2].content
    sample = summary["final"]["inspection"]["sample"]
    assert page.count("<blockquote>") == 2
    assert page.count(f"<i>{escape(sample['prompt'])}</i>") == 2
    assert f"</i>{escape(sample['text'])}</blockquote>" in page
    assert f"the beginning of {sample['document']}, a document of the validation split" in page


def test_what_a_model_writes_is_no_html(run):
    folder, summary, _ = run
    page = sections(folder, summary)[2].content
    assert "&lt;b&gt;&amp;&lt;/b&gt;\nend</blockquote>" in page
    assert "<figcaption>&lt;i&gt;adamw&lt;/i&gt;</figcaption>" in page


def test_without_a_model_nothing_is_shown(run, tmp_path):
    folder, summary, _ = run
    without = {"final": None, "baselines": []}
    assert sections(folder, summary | without) == []
    assert sections(folder, summary | {"best": None}) == []
    assert [one.title for one in sections(tmp_path, summary)] == ["Loss by position", "A text by each model"]


def test_runs_of_earlier_versions_have_the_matrices_alone(run):
    folder, summary, _ = run
    final = {"name": "champion", "artifacts": summary["final"]["artifacts"]}
    (section,) = sections(folder, summary | {"final": final, "baselines": []})
    assert section.title == "The crystals of the champion"


def test_of_a_genome_without_numbers_the_structures_are_told(run):
    folder, summary, layers = run
    section = sections(folder, summary | {"best": {"show": "how they are made"}}, "grown")[0]
    told = section.figures[0].description.split("; ")
    for (layer, matrix), line in zip(layers.items(), told, strict=True):
        costs = f"{matrix.multiply_adds:,} of {matrix.shape[0] * matrix.shape[1]:,}"
        assert line == f"{layer.removeprefix('transformer.')}, {structure_of(matrix)}, {costs}"


def test_of_a_trained_model_no_crystals_are_shown(run, tmp_path):
    folder, summary, _ = run
    tensors, sizes = read_model(folder / summary["final"]["artifacts"][0])
    save_model(tensors, sizes, tmp_path / "trained")
    final = summary["final"] | {"artifacts": ["trained"]}
    titles = [one.title for one in sections(tmp_path, summary | {"final": final, "best": {"show": None}})]
    assert titles == ["Loss by position", "A text by each model"]
