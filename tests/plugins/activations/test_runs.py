"""Whole runs: search, controls, learning, the sealed test; killed, resumed, with another number of workers."""

import signal
import subprocess
import sys
import time

import pytest

from evokit.measuring.ledger import Ledger
from evokit.recipe import RecipeError, load_recipe
from evokit.results.verify import verify
from evokit.runs.estimate import estimate
from evokit.testing import genome_conformance
from tests.small import run

test_activations = genome_conformance("activations")

RECIPE = """\
data: {name: images, sets: [digits], limit: {train: 60, validation: 40, test: 30}}
fitness:
  name: label_likelihood
  model: {channels: [3, 4], normalise: true, whitening_patches: 100}
  training: {epochs: 3, batch: 20}
genome: {name: activations, smooth: noise}
search:
  name: layerwise
  parents: 2
  explorers: 3
  refiners: 3
  noise: 0.1
  layers:
    - {generations: 5, alpha: 0.3, boost: 2, smoothing: 1}
    - {generations: 5, alpha: 0.2}
    - {generations: 2, alpha: 0.1}
  shard: 6
  lanes: 3
  shards: 3
baselines:
  - {name: sgd, convolutions: [2]}
  - {name: class_code}
  - {name: unselected}
final: {convolutions: [2], lr: [0.5, 1.0], logits: class}
execution: {backend: inline, batch: 1}
export: [torch_network, targets]
"""


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "tiny.yaml"
    path.write_text(RECIPE)
    return path


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    folder = tmp_path_factory.mktemp("done")
    (folder / "tiny.yaml").write_text(RECIPE)
    return folder / "run", run(folder / "tiny.yaml", folder / "run")


def test_a_run_ends_with_networks_and_verdicts(done):
    folder, summary = done
    assert summary["status"] == "done"
    assert summary["generations"] == 4
    own = ["class_code, own logits", "unselected, own logits"]
    assert [verdict["against"] for verdict in summary["verdicts"]] == ["sgd", "class_code", "unselected", *own]
    validation = {entry["name"]: entry["validation"] for entry in summary["baselines"]}
    assert validation[summary["rival"]] == max(validation.values()), "accuracy is better if higher"
    assert summary["would_have_reported"] == summary["best_measured"]
    assert (folder / "export/torch_network/network.py").exists()
    assert len(list((folder / "export/targets").iterdir())) == 10


def test_controls_that_search_get_the_same_evaluations(done):
    _, summary = done
    work = {entry["name"]: entry["work"] for entry in summary["baselines"]}
    assert summary["search"]["work"] == 60 * (8 + 12 * 6)
    assert work["unselected"] == summary["final"]["work"]  # the same settings and seeds
    assert work["class_code"] == summary["final"]["work"] - summary["search"]["work"] + 60


def test_a_codes_own_logits_are_those_of_the_class(done):
    _, summary = done
    code = next(one for one in summary["baselines"] if one["name"] == "class_code")
    assert [one["test_by_seed"] for one in code["variants"]] == [code["test_by_seed"]]


def with_variants(entry):
    """Work of an entry and of the further models of its setting."""
    return entry["work"] + sum(one["parts"]["models"]["work"] for one in entry["variants"])


def test_what_each_phase_takes_is_foretold(done, path):
    summary, foretold = done[1], {one.phase: one for one in estimate(load_recipe(path))[0]}
    assert (foretold["search"].measurements, foretold["search"].work) == (10, summary["search"]["work"])
    assert foretold["champion's model"].work == with_variants(summary["final"]) - summary["search"]["work"]
    for entry in summary["baselines"]:
        assert foretold[f"baseline {entry['name']}"].work == with_variants(entry)
    assert all(one.seconds > 0 for one in foretold.values())


def test_what_the_summary_claims_is_found_again(done):
    claims = list(verify(done[0]))
    assert [claim for claim in claims if not claim.holds] == []
    assert any("cross_entropy" in claim.what for claim in claims)


@pytest.mark.slow
def test_a_search_that_was_killed_ends_with_the_same_targets(done, path, tmp_path):
    """SIGKILL in mid-search with two workers, then resumed by one process alone."""
    out = tmp_path / "run"
    overrides = ["execution.backend=processes", "execution.workers=2", "search.layers.0.generations=400"]
    code = "import sys; from evokit.cli import main; main()"
    arguments = ["run", str(path), "--out", str(out), *(part for one in overrides for part in ("--set", one))]
    process = subprocess.Popen([sys.executable, "-c", code, *arguments], stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 280
        while time.monotonic() < deadline and len(list(out.glob("artifacts/targets/search-*.safetensors"))) < 3:
            time.sleep(0.05)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert 3 <= len(list(out.glob("artifacts/targets/search-*.safetensors"))) < 10
    resumed = run(path, out, "search.layers.0.generations=400", resume=True)
    whole = run(path, tmp_path / "whole", "search.layers.0.generations=400")
    assert resumed["best"]["key"] == whole["best"]["key"]
    assert resumed["final"]["test"] == whole["final"]["test"]
    assert len(Ledger(out / "ledger.sqlite").rows("search")) == 10


def test_a_shard_that_fails_costs_its_images_only(path, tmp_path, monkeypatch):
    from evokit_activations.shards.job import ShardJob

    whole = ShardJob._shard

    def failing(self, shard, budget):
        if shard.index == 4:
            raise MemoryError("no room")
        return whole(self, shard, budget)

    monkeypatch.setattr(ShardJob, "_shard", failing)
    summary = run(path, tmp_path / "run", "baselines=[]")
    assert summary["status"] == "done"
    assert summary["best"]["genes"]["shards"] == [0, 1, 2, 3, 5, 6, 7, 8, 9]
    assert summary["evaluations"]["failed"] == 1


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("search.shard=7", "does not divide the 60 training images"),
        (
            "search={name: random_search, generations: 2}",
            r"genome 'activations' is for those that name tensors \(those that fit: layerwise\)",
        ),
        (
            "baselines=[{name: random_search}]",
            r"baseline 'random_search' does not name .* \(those that fit: class_code, class_mean",
        ),
        ("baselines=[{name: same_search, genome: {name: bits, length: 3}}]", "'same_search' does not name"),
        ("genome={name: bits, length: 3}", "genome 'bits' expresses bits"),
    ],
)
def test_what_does_not_fit_is_the_recipes_error(path, tmp_path, override, message):
    with pytest.raises(RecipeError, match=message):
        run(path, tmp_path / "run", override)
