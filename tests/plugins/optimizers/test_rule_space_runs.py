"""Whole runs in which a search of spaces works on rules: as a control of an evolution, and as the recipe's own."""

import math
import sqlite3

import pytest

from evokit.measuring.ledger import Ledger
from evokit.measuring.ledger_files import same_but_for_costs
from evokit.runs import run as running
from tests.small import killed_after, launched

RECIPE = """\
seed: 0
data: {name: images, sets: [digits], validation: 0.3}
fitness:
  name: trained_accuracy
  model: {channels: [2, 3], hidden: 8}
  steps: 6
  rungs: [3]
  seeds: 1
  batch: 8
genome: {name: optimizer, groups: [hidden]}
search: {name: generational, population: 5, generations: 2, elites: 1}
screens: [{name: race, keep: 0.5}]
confirm: {top: 2}
baselines:
  - name: other_search
    label: tpe
    genome: {name: optimizer_space, groups: [hidden]}
    search: {name: optuna, batch: 3, seeds: true}
  - name: other_search
    label: adamw_numbers
    genome: {name: optimizer_space, numbers_only: adamw}
    search: {name: mu_plus_lambda, population: 3, offspring: 3, generations: 20}
execution: {backend: inline}
"""


@pytest.fixture
def whole(tmp_path, monkeypatch):
    """The summary of a run and the rows of its search."""
    monkeypatch.setattr(running, "CHECKPOINT_EVERY_S", 0.0)
    monkeypatch.setattr(running, "CHECKPOINT_SHARE", math.inf)
    return launched(tmp_path, RECIPE, [], "whole")


def test_tpe_over_rules_is_a_control_that_survives_a_kill(whole, tmp_path, monkeypatch):
    summary, rows = whole
    tpe, numbers = summary["baselines"]
    for one in (tpe, numbers):
        assert 0 <= searched(tmp_path, one["name"]) - summary["search"]["work"] < 3 * 6
        assert one["confirmed"] is not None
    assert tpe["settings"]["genes"].keys() >= {"terms", "lr", "hidden_part"}
    assert "terms" not in numbers["settings"]["genes"]
    with monkeypatch.context() as patch:
        patch.setattr(Ledger, "add", killed_after(len(rows) + 2 + 4))  # two of confirm
        with pytest.raises(KeyboardInterrupt):
            launched(tmp_path, RECIPE, [], "killed")
    assert searched(tmp_path, "tpe", "killed")
    resumed, _ = launched(tmp_path, RECIPE, [], "killed", resume=True)
    assert resumed["baselines"][0]["settings"] == tpe["settings"]
    assert same_but_for_costs(tmp_path / "whole" / "ledger.sqlite", tmp_path / "killed" / "ledger.sqlite")


def searched(folder, name, run="whole"):
    """Work that a control's search has measured."""
    with sqlite3.connect(folder / run / "ledger.sqlite") as db:
        ((work,),) = db.execute("SELECT sum(work) FROM evaluations WHERE phase = ?", [f"baseline/{name}"])
    return work or 0
