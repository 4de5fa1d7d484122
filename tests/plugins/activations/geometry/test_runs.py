"""Whole runs: any search of spaces, races, renewals, rivals, the sealed test; stopped and resumed."""

import pytest

from evokit.assembly.directory import RunDirectory, repeat_folder
from evokit.measuring.ledger import Ledger
from evokit.recipe import load_recipe
from evokit.results.verify import verify
from evokit.runs.estimate import estimate
from tests.small import killed_and_resumed, run

RECIPE = """\
seed: 0
data: {name: images, sets: [digits], limit: {train: 40, validation: 20, test: 20}}
fitness:
  name: held_out_accuracy
  model: {channels: [2, 3], normalise: true, whitening_patches: 100}
  training: {epochs: 2, rungs: [1], batch: 10, batches: shuffled}
  images: 20
  epochs: 2
  rungs: [{epochs: 1, folds: 1}]
genome: {name: class_geometry, seeds: []}
search: {name: cma, population: 4, generations: 3, restarts: none, keep: mean, reevaluate: 1}
confirm: {top: 1}
baselines:
  - {name: sgd, lr: [0.05, 0.1], label_smoothing: [0, 0.1]}
  - {name: class_mean, lr: [1.0, 4.0]}
  - {name: class_code}
  - {name: hand_geometry}
  - {name: random_search}
final: {lr_factor: [0.5, 1.0]}
execution: {backend: inline}
export: [torch_network]
"""
OTHERS = {
    "generational": (
        "search={name: generational, population: 5, generations: 2}",
        "genome={name: class_geometry}",
        "selection={name: tournament, size: 2}",
        "crossover={name: own}",
        "mutation={name: own}",
        "screens=[{name: race}]",
    ),
    "optuna": ("search={name: optuna, generations: 2, batch: 3, seeds: true}", "genome={name: class_geometry}"),
    "iterated_local_search": ("search={name: iterated_local_search, start: 2, generations: 3}",),
    "auto": ("search={name: auto, generations: 2}",),
}


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
    rivals = ["sgd", "class_mean", "class_code", "hand_geometry", "random_search"]
    assert [verdict["against"] for verdict in summary["verdicts"]] == rivals
    assert (folder / "export/torch_network/network.py").exists()


def test_the_champion_is_the_last_mean_and_was_measured_on_folds_of_its_own(done):
    folder, summary = done
    ledger = Ledger(folder / "ledger.sqlite")
    rows = ledger.rows("search")
    ledger.close()
    contexts = list(dict.fromkeys(row.context for row in rows))
    assert len(contexts) == 3
    first = [row for row in rows if row.context == contexts[-1]]
    # The mean of the generation before is measured again, then this one's and its sample.
    assert [row.key for row in first].index(summary["best"]["key"]) == 1
    assert len(first) == 1 + 1 + 4
    assert len(summary["best"]["refits"]) == 2
    assert summary["best"]["values"] == list(first[1].evaluation.values)


def test_what_the_summary_claims_is_found_again(done):
    assert [claim for claim in verify(done[0]) if not claim.holds] == []


def test_what_each_phase_takes_is_foretold(done, path):
    summary, foretold = done[1], {one.phase: one for one in estimate(load_recipe(path))[0]}
    assert foretold["search"].work == summary["search"]["work"] + 3 * 20 * 2  # no mean comes before the first
    for name in ("sgd", "class_mean", "class_code", "hand_geometry"):
        entry = next(one for one in summary["baselines"] if one["name"] == name)
        assert foretold[f"baseline {name}"].work == entry["work"]


@pytest.mark.parametrize("search", OTHERS)
def test_searches_of_spaces_take_it(path, search, tmp_path):
    summary = run(path, tmp_path / "run", *OTHERS[search], "baselines=[]", "export=[]")
    assert summary["status"] == "done"
    assert summary["best"]["source"] == "measured"


def test_a_run_that_was_killed_ends_as_if_it_was_not(tmp_path, monkeypatch):
    killed_and_resumed(tmp_path, RECIPE, monkeypatch)


def test_a_race_spends_the_lower_budget(path, tmp_path):
    run(path, tmp_path / "run", *OTHERS["generational"], "baselines=[]", "export=[]")
    ledger = Ledger(tmp_path / "run" / "ledger.sqlite")
    budgets = {row.budget for row in ledger.rows("search")}
    ledger.close()
    assert budgets == {1 * 1 * 20, 2 * 3 * 20}


def test_repeats_with_drawn_images_have_training_images_of_their_own(path, tmp_path):
    overrides = ("repeats=2", "data.drawn=true", "baselines=[{name: class_code}]", "search.generations=1", "export=[]")
    summary = run(path, tmp_path / "run", *overrides)
    assert summary["verdicts"][0]["n"] == 20, "the test images, beside the repeats"
    one, other = (RunDirectory(repeat_folder(tmp_path / "run", repeat)).read_summary()["data"] for repeat in (0, 1))
    assert one["digest"] != other["digest"]
    assert one["test_digest"] == other["test_digest"]
