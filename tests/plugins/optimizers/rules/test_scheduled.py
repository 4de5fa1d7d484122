from pathlib import Path
from typing import get_args

import pytest
from ruamel.yaml import YAML

from evokit_optimizers.rules.canonical import canonical
from evokit_optimizers.rules.parts import by_group
from evokit_optimizers.rules.scheduled import SCHEDULED, Scheduled

STUDY = Path(__file__).parents[4] / "recipes" / "optimizer_study.yaml"


def test_every_name_has_a_rule():
    assert tuple(SCHEDULED) == get_args(Scheduled)


@pytest.mark.parametrize("name", SCHEDULED)
def test_each_has_a_schedule_in_all_groups_and_is_in_canonical_form(name):
    rule = SCHEDULED[name]
    assert all((part.warmup, part.decay) == (0.1, "cosine") for part in by_group(rule).values())
    assert canonical(rule) == rule


def _grid(name):
    baselines = YAML(typ="safe").load(STUDY.read_text(encoding="utf-8"))["baselines"]
    found = next(one for one in baselines if one["name"] == name)
    numbers = {key: list(map(float, found[key])) for key in ("lr", "weight_decay", "adamw_lr", "alpha") if key in found}
    return numbers | {
        key: [float(beta2) for _, beta2 in found[key]] for key in ("betas", "adamw_betas") if key in found
    }


@pytest.mark.parametrize(
    ("name", "rival", "scale"),
    [
        ("nesterov", "sgd", 10),
        ("adamw", "adamw", 1),
        ("rmsprop", "rmsprop", 1),
        ("lion", "lion", 1),
        ("muon", "muon", 1),
    ],
)
def test_numbers_are_the_middle_of_the_grid_of_the_study(name, rival, scale):
    rule, grid = by_group(SCHEDULED[f"{name}_scheduled"]), _grid(rival)
    decays = [value for value in grid["weight_decay"] if value]
    assert rule["hidden"].lr == pytest.approx((min(grid["lr"]) * max(grid["lr"])) ** 0.5 * scale)
    assert rule["hidden"].weight_decay == pytest.approx((min(decays) * max(decays)) ** 0.5)
    averages = grid.get("adamw_betas") or grid.get("alpha") or (grid.get("betas") if name == "adamw" else None)
    if averages:
        forgotten = ((1 - min(averages)) * (1 - max(averages))) ** 0.5
        assert 1 - rule["last"].beta2 == pytest.approx(forgotten)
    if "adamw_lr" in grid:
        assert rule["last"].lr == pytest.approx((min(grid["adamw_lr"]) * max(grid["adamw_lr"])) ** 0.5)
