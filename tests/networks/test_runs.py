"""Whole runs of networks of the user's own, killed and resumed, against random search and the network as it is."""

import numpy as np
import pytest

from evokit.measuring.ledger import Ledger
from evokit.measuring.ledger_files import same_but_for_costs
from evokit.runs import run as running
from tests.small import killed_after, launched

NET = '''
from torch import nn


class MyNet(nn.Module):
    def __init__(self, width=8, dropout=0.1):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(2, width), nn.Tanh(), nn.Dropout(dropout), nn.Linear(width, width))
        self.head = nn.Linear(width, 1)

    def forward(self, x):
        return self.head(self.body(x))
'''
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
    from transformers import GPT2Config

    rng = np.random.default_rng(0)
    x = rng.normal(size=(80, 2))
    table = np.column_stack([x, np.sin(x[:, 0]) * x[:, 1]])
    np.savetxt(tmp_path / "table.csv", table, delimiter=",", header="a,b,y", comments="")
    (tmp_path / "net.py").write_text(NET)
    GPT2Config(n_embd=8, n_layer=2, n_head=2, n_positions=8).save_pretrained(tmp_path / "model")
    monkeypatch.setattr(running, "CHECKPOINT_EVERY_S", 0.0)
    monkeypatch.setattr(running, "CHECKPOINT_SHARE", np.inf)
    return tmp_path


@pytest.mark.parametrize("text", [ADAPTERS, CRYSTALS], ids=["adapters", "crystals"])
def test_a_run_is_the_same_killed_and_resumed(text, folder, monkeypatch):
    whole, rows = launched(folder, text, [], "whole")
    with monkeypatch.context() as patch:
        patch.setattr(Ledger, "add", killed_after(len(rows) // 2))
        with pytest.raises(KeyboardInterrupt):
            launched(folder, text, [], "killed")
    resumed, _ = launched(folder, text, [], "killed", resume=True)
    assert whole["best"] == resumed["best"]
    assert same_but_for_costs(folder / "whole" / "ledger.sqlite", folder / "killed" / "ledger.sqlite")
    assert not [row for row in rows if not row.evaluation.ok]
    assert [one["name"] for one in whole["baselines"]] == ["random_search", "as_it_is"]
    assert {one["against"] for one in whole["verdicts"]} == {"random_search", "as_it_is"}
