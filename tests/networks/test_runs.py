"""Whole runs of networks of the user's own, killed and resumed, against random search and the network as it is."""

import numpy as np
import pytest

from tests.networks.nets import gpt2_in
from tests.small import killed_and_resumed

NET = """
from torch import nn


class MyNet(nn.Module):
    def __init__(self, width=8, dropout=0.1):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(2, width), nn.Tanh(), nn.Dropout(dropout), nn.Linear(width, width))
        self.head = nn.Linear(width, 1)

    def forward(self, x):
        return self.head(self.body(x))


class Pixels(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Flatten(), nn.Linear(64, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, 10))
"""
END = """
baselines: [{name: random_search}, {name: fixed_module, label: as_it_is, parameters: [FIXED]}]
final: {seeds: 2}
confirm: {top: 2}
execution: {backend: inline}
"""
ADAPTERS = """
data: {name: prose_periods, sample: true, years: 150}
fitness:
  name: torch_module
  directory: model
  layers: [{match: h.*.mlp.c_*, low_rank: ranks}, {match: h.*.attn.c_*, low_rank: rank, where: places}]
  frozen: [transformer]
  training: {steps: 2, batch: 4}
  length: 8
  validation: 32
genome:
  name: space
  parameters:
    ranks: {int: [0, 2], length: 4}
    rank: {int: [1, 2]}
    places: {subset: [h.0, h.1.attn.c_attn]}
    lr: {float: [1.0e-3, 1.0e-1], log: true}
search: {name: generational, population: 4, generations: 2}
""" + END.replace("FIXED", "{}, {ranks: 1, rank: 1, places: ['*']}")
OPTIMIZERS = """
data: {name: images, sets: [digits]}
fitness:
  name: trained_accuracy
  module: {module: Pixels, file: ./net.py, frozen: ["2"]}
  steps: 4
  rungs: [2]
  seeds: 1
  batch: 16
genome: {name: optimizer}
search: {name: generational, population: 4, generations: 2}
screens: [{name: race, keep: 0.5}]
baselines: [{name: random_search}, {name: adam, lr: [1.0e-3, 1.0e-2], weight_decay: [0]}]
final: {seeds: 2}
confirm: {top: 2}
execution: {backend: inline}
"""
CRYSTALS = """
data: {name: table, path: table.csv}
fitness: {name: torch_module, module: MyNet, file: ./net.py, layers: ['body.*'], training: {steps: 3, batch: 8}}
genome: {name: crystalline, library: {size: 4}}
search: {name: generational, population: 4, generations: 3}
crossover: {name: own}
mutation: {name: own}
""" + END.replace("FIXED", "{lr: 1.0e-3}, {lr: 1.0e-2}")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Where a user's network, its data and a model directory lie."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(80, 2))
    table = np.column_stack([x, np.sin(x[:, 0]) * x[:, 1]])
    np.savetxt(tmp_path / "table.csv", table, delimiter=",", header="a,b,y", comments="")
    (tmp_path / "net.py").write_text(NET)
    gpt2_in(tmp_path / "model")
    return tmp_path


@pytest.mark.parametrize(
    ("text", "baseline"),
    [(ADAPTERS, "as_it_is"), (CRYSTALS, "as_it_is"), (OPTIMIZERS, "adam")],
    ids=["adapters", "crystals", "optimizers"],
)
def test_a_run_is_the_same_killed_and_resumed(text, baseline, folder, monkeypatch):
    whole, rows = killed_and_resumed(folder, text, monkeypatch)
    assert {row.evaluation.outcome for row in rows} <= {"ok", "diverged"}
    assert [one["name"] for one in whole["baselines"]] == ["random_search", baseline]
    assert {one["against"] for one in whole["verdicts"]} == {"random_search", baseline}
