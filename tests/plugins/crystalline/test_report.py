"""What the page of a run shows of chosen crystals."""

import re
from pathlib import Path

import pytest

from evokit.facts import ReportFacts
from evokit_crystalline import evokit_report_sections
from evokit_crystalline.final import build_champion
from evokit_crystalline.options import Assemble
from tests.plugins.crystalline.test_final import made
from tests.plugins.crystalline.tiny import context


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A directory with a champion's model, and what its summary says."""
    fitness, genome, best = made()
    contender = build_champion(Assemble(), context(fitness=fitness, genome=genome))
    folder = tmp_path_factory.mktemp("run")
    artifact = Path(contender.fit(contender.settings(best)[0], 0, 128, folder / "artifacts").artifact)
    summary = {
        "best": {"show": genome.show(best.genes), "genes": genome.to_json(best.genes)},
        "final": {"artifacts": [str(artifact.relative_to(folder))]},
    }
    return folder, summary, genome.express(best.genes)


def sections(folder, summary, genome="crystalline"):
    recipe = {"genome": {"name": genome}, "fitness": {"name": "gpt2_loss"}}
    return evokit_report_sections(ReportFacts(folder, recipe, summary))


def test_each_layer_is_drawn_with_its_crystal_and_what_it_costs(run):
    folder, summary, layers = run
    (section,) = sections(folder, summary)
    (figure,) = section.figures
    assert figure.svg.count("<image ") == len(layers)
    told = figure.description.split("; ")
    for (layer, matrix), line in zip(layers.items(), told, strict=True):
        dense = matrix.shape[0] * matrix.shape[1]
        short = layer.removeprefix("transformer.")
        assert re.fullmatch(rf"{short}, #\d+ \w+, {matrix.multiply_adds:,} of {dense:,}", line)


def test_the_text_adds_the_layers_up(run):
    folder, summary, layers = run
    (section,) = sections(folder, summary)
    spent = sum(matrix.multiply_adds for matrix in layers.values())
    assert f"take {spent:,} multiply-adds a token" in section.content


def test_without_a_model_nothing_is_shown(run, tmp_path):
    folder, summary, _ = run
    assert sections(tmp_path, summary) == []
    assert sections(folder, summary | {"final": None}) == []
    assert sections(folder, summary | {"best": None}) == []


def test_of_another_genome_nothing_is_shown(run):
    folder, summary, _ = run
    assert sections(folder, summary, "grown") == []
    assert len(sections(folder, summary, "crystalline:crystalline")) == 1
