"""The benchmark for GPUs, run whole on the CPU with sizes of a test, so that it is ready when a GPU is there."""

from importlib import import_module

import pytest

from benchmarks.device import (
    clso,
    power,
    representations,
    rules,
)
from benchmarks.device.results import TABLES
from benchmarks.device.runner import DONE, MISSING
from benchmarks.device.steps import LEFT_OUT, SAME, STEPS
from tests.device_benchmark.building import measured
from tests.rounding import rounding

PLUGINS = ("activations", "crystalline", "optimizers")


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("device")
    code, rows = measured(folder)
    return folder, code, rows


def test_every_step_has_rows_and_none_failed(whole):
    _, code, rows = whole
    assert code == 0
    assert tuple(dict.fromkeys(row["step"] for row in rows)) == STEPS
    assert {row["item"]: row["message"] for row in rows if row["outcome"] not in (DONE, MISSING)} == {}
    optional = {row["item"] for row in rows if row["outcome"] == MISSING}
    assert all("transformers" in item or "text" in item for item in optional), "what only needs torch is measured"


def test_a_device_agrees_with_itself_bit_for_bit(whole):
    rows = [row for row in whole[2] if row["step"] == SAME and row["outcome"] == DONE]
    assert all(row["agrees"] and row["same_bits_twice"] for row in rows)
    assert {row["largest_difference"] for row in rows} == {0}
    ranked = [row for row in rows if "individuals" in row]
    assert {name.split("/")[0] for name in (row["item"] for row in ranked)} == set(PLUGINS)
    assert all(row["spearman"] == 1 and row["same_ranking"] for row in ranked)


@pytest.mark.parametrize("plugin", PLUGINS)
def test_every_fitness_and_contender_is_compared(whole, plugin):
    components = import_module(f"evokit_{plugin}").evokit_components()
    kinds = ("fitness", "baseline", "final")
    offered = {
        f"{plugin}/{one.kind}/{one.name}" for one in components if one.kind in kinds and one.name not in LEFT_OUT
    }
    assert offered <= {row["item"] for row in whole[2] if row["step"] == SAME}


@pytest.mark.parametrize("step", [clso.STEP, rules.STEP, representations.STEP, power.STEP])
def test_what_is_timed_has_its_energy_beside_it(whole, step):
    rows = [row for row in whole[2] if row["step"] == step and row["outcome"] == DONE]
    assert rows
    for row in rows:
        energy = [value for name, value in row.items() if name.startswith("joules_") and name != "joules_are"]
        assert (energy or [row["watts"]])[0] > 0
        assert row["what"]


def test_individuals_computed_as_one_have_the_losses_of_each_alone(whole):
    (row,) = [row for row in whole[2] if row["item"].startswith("together 8 wide")]
    assert row["individuals"] == 2
    assert row["largest_difference"] <= rounding(50_257, 11)


def test_the_papers_search_is_extrapolated(whole):
    rows = [row for row in whole[2] if row["step"] == representations.STEP]
    assert len(rows) == 4
    for row in rows:
        if row.get("share_of_generations", 1) == 1:
            seconds = row["seconds_an_image"]
            assert row["hours_for_50000_images"] * 3600 == pytest.approx(seconds * 50_000)
            assert row["joules_an_image"] == pytest.approx(row["watts"] * seconds)
            assert row["tflops"] == pytest.approx(row["operations_for_50000_images"] / 50_000 / seconds / 1e12)
        if "ms_layer_0" in row:  # two generations each
            assert seconds == pytest.approx(sum(2e-3 * row[f"ms_layer_{layer}"] for layer in range(3)))
    assert all(0 < row["mean_cross_entropy"] < 3 for row in rows if "mean_cross_entropy" in row)


def test_a_resumed_call_repeats_nothing(whole):
    folder, _, rows = whole
    code, again = measured(folder, "--resume")
    known = [[row for row in side if row["outcome"] == DONE] for side in (rows, again)]
    assert (code, known[0]) == (0, known[1])
    tables = (folder / TABLES).read_text()
    assert all(f"## {step}" in tables for step in STEPS)
    assert all(f"| {row['item']} | {row['outcome']} |" in tables for row in rows)
