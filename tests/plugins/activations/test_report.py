"""What the page of a run shows of searched targets."""

import pytest
import torch

from evokit.facts import ReportFacts
from evokit_activations import evokit_report_sections
from evokit_activations.genome import ActivationTensors, Shard
from evokit_activations.targets.store import TargetStore

LABELS = torch.tensor([2, 0, 2, 0])


def stored(folder, maps):
    """The champion's genes as JSON, of targets of two shards of two images with three classes and one block."""
    store = TargetStore(folder, torch.float32)
    logits = torch.eye(3)[LABELS]
    shards = [Shard(0), Shard(1)]
    for shard, at in zip(shards, (slice(0, 2), slice(2, 4)), strict=True):
        store.write(shard, at.start, [maps[at], logits[at]])
    return ActivationTensors().to_json(store.targets(shards))


def sections(folder, genes, fitness="label_likelihood"):
    recipe, best = {"fitness": {"name": fitness}}, None if genes is None else {"genes": genes}
    return evokit_report_sections(ReportFacts(folder, recipe, {"best": best}))


@pytest.fixture
def maps():
    """``(4, 2, 2, 3)`` that are the same for all images of a class."""
    return torch.randn((3, 2, 2, 3), generator=torch.Generator().manual_seed(0))[LABELS]


def test_each_class_has_its_mean_and_an_image(tmp_path, maps):
    (section,) = sections(tmp_path, stored(tmp_path, maps))
    (figure,) = section.figures
    assert figure.title == "Targets of block 0"
    assert figure.description == "class 0: mean of 2; class 0: one image; class 2: mean of 2; class 2: one image"
    assert figure.svg.count("<image ") == 4


def test_what_classes_share_is_told(tmp_path, maps):
    (section,) = sections(tmp_path, stored(tmp_path, maps))
    assert "hold 100 % in block 0;" in section.content
    opposed = maps * torch.tensor([1.0, 1.0, -1.0, -1.0]).view(4, 1, 1, 1)  # so that means of classes are zero
    (section,) = sections(tmp_path / "b", stored(tmp_path / "b", opposed))
    assert "hold 0 % in block 0;" in section.content


def test_half_precision_is_drawn_too(tmp_path, maps):
    store = TargetStore(tmp_path, torch.bfloat16)
    store.write(Shard(0), 0, [maps, torch.eye(3)[LABELS]])
    assert len(sections(tmp_path, ActivationTensors().to_json(store.targets([Shard(0)])))) == 1


def test_without_targets_nothing_is_shown(tmp_path, maps):
    genes = stored(tmp_path / "a", maps)
    assert sections(tmp_path / "b", genes) == []
    assert sections(tmp_path / "a", ActivationTensors().to_json(Shard(0))) == []
    assert sections(tmp_path / "a", None) == []
    assert sections(tmp_path / "a", genes, "search_scaling") == []


def test_all_points_of_an_analysis_are_told(tmp_path):
    (tmp_path / "export" / "figure").mkdir(parents=True)
    text = "learn_from,accuracy,nll_less_labels\nlabels,0.125,\n<b>,0.0833333333333,-0.25\n"
    (tmp_path / "export" / "figure" / "values.csv").write_text(text)
    (section,) = sections(tmp_path, {}, "geometry_ensembles")
    assert "<tr><th>learn from</th><td>labels</td><td>&lt;b&gt;</td></tr>" in section.content
    assert "<tr><th>accuracy</th><td>0.125</td><td>0.08333</td></tr>" in section.content
    assert "<tr><th>nll less labels</th><td></td><td>-0.25</td></tr>" in section.content


def test_an_analysis_without_its_figure_has_no_section(tmp_path):
    assert sections(tmp_path, {}, "geometry_ensembles") == []


@pytest.mark.parametrize(("held_out", "titles"), [("validation", ["An oracle"]), ("training", []), (None, [])])
def test_an_oracle_says_what_it_is(held_out, titles, tmp_path):
    recipe = {"fitness": {"name": "held_out_accuracy", "held_out": held_out}}
    found = evokit_report_sections(ReportFacts(tmp_path, recipe, {"best": {"genes": {}}}))
    assert [one.title for one in found] == titles
