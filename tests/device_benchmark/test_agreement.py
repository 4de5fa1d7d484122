"""When the device agrees with the CPU."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from benchmarks.device import (
    agreement,
    clso,
    representations,
    rules,
    same_activations,
    same_crystalline,
    same_optimizers,
)
from benchmarks.device.agreement import Answer, Case, compared, ranking
from benchmarks.device.bench import Bench
from tests.device_benchmark.building import bench_in
from tests.rounding import rounding


def test_matrix_products_in_tf32_are_bounded_as_such(tmp_path, monkeypatch):
    plain = Case("plugin/fitness/plain", lambda device, scratch: Answer(np.zeros(1)), sums=16, layers=1)
    card = Bench.__new__(Bench)
    card.device = "cuda"
    assert plain.unit_on(card) == "float32"
    monkeypatch.setattr(torch, "get_float32_matmul_precision", lambda: "high")
    assert plain.unit_on(card) == "tf32"
    assert plain.unit_on(bench_in(tmp_path)) == "float32"


def test_a_value_apart_by_more_than_its_roundings_is_told(tmp_path):
    def other(device, scratch):
        values = [1.0, 2.0, float("nan")]
        if scratch.name != "cpu":
            values[1] += 1e-3
        return Answer(torch.tensor(values, dtype=torch.float64).numpy())

    bench = bench_in(tmp_path)
    row = compared(Case("plugin/fitness/other", other, sums=16, layers=1, individuals=True), bench)
    assert (row["agrees"], row["within"]) == (False, "2 of 3"), "two that diverged agree"
    assert row["largest_difference"] == pytest.approx(1e-3)
    assert row["tolerance"] == pytest.approx(rounding(16, 2.0))
    assert row["same_ranking"]


def test_the_cpu_is_compared_with_the_device_in_all_that_is_told(tmp_path, monkeypatch):
    ran, clock = [], SimpleNamespace(perf_counter=lambda: 10.0 * len(ran) ** 2)
    monkeypatch.setattr(agreement, "time", clock)

    def other(device, scratch):
        ran.append((device, scratch.name))
        values, judged = np.array([1.0, 2.0, 3.0]), np.array([True, True, False, False])
        ranked = values
        if device == "card":
            ranked, judged = values[[1, 0, 2]], np.array([True, True, False, True])
        if scratch.name == "two":
            judged = ~judged
        return Answer(values, ranked, judged)

    bench = bench_in(tmp_path)
    bench.device = "card"
    row = compared(Case("plugin/fitness/other", other, sums=16, layers=1, individuals=True), bench)
    on_card = [("card", name) for name in ("one", "two", "three", "four")]
    assert ran == [("cpu", "cpu"), *on_card], "bits that differ are looked for in what is judged, too"
    assert (row["agrees"], row["same_bits_twice"], row["same_bits_if_deterministic"]) == (True, False, True)
    assert (row["spearman"], row["same_ranking"], row["judged_otherwise"]) == (0.5, False, "1 of 4")
    assert (row["first_cpu_call_s"], row["first_device_call_s"]) == (10, 30)


def test_where_nothing_but_nan_was_found_nothing_agrees(tmp_path):
    def failing(device, scratch):
        return Answer(np.full(3, np.nan))

    row = compared(Case("plugin/fitness/failing", failing, sums=16, layers=1, individuals=True), bench_in(tmp_path))
    assert (row["agrees"], row["nan_on_both"]) == (False, 3)

    def apart(device, scratch):
        return Answer(np.array([1.0, np.nan if scratch.name == "cpu" else 2.0]))

    row = compared(Case("plugin/fitness/apart", apart, sums=16, layers=1), bench_in(tmp_path))
    assert (row["agrees"], row["within"], row["nan_on_both"]) == (False, "1 of 2", 0)


def test_a_bound_has_the_unit_of_what_multiplies(tmp_path, monkeypatch):
    cpu = bench_in(tmp_path)
    card = replace(cpu, device="cuda")
    case = Case("plugin/fitness/any", None, sums=16, layers=3)
    coarse, convolved = replace(case, unit="bfloat16", convolutions=True), replace(case, convolutions=True)
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", True)
    found = [one.unit_on(bench) for bench in (cpu, card) for one in (case, coarse, convolved)]
    assert found == ["float32", "bfloat16", "float32", "float32", "bfloat16", "tf32"]
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)
    assert convolved.unit_on(card) == "float32"
    values, fine = np.array([-2.0]), rounding(16, 3.0)
    assert case.tolerance(values, "float32") == pytest.approx(fine)
    assert case.tolerance(values, "bfloat16") == pytest.approx(fine + rounding(2 * 3, 3.0, torch.bfloat16))
    assert case.tolerance(values, "tf32") == pytest.approx(fine + 3.0 * 2 * 6 * 2**-11)


def test_every_comparison_and_measurement_computes_on_the_device(tmp_path, monkeypatch):
    """One that forgot it would compare the CPU with itself: a device that there is not is refused."""
    bench = bench_in(tmp_path)
    for plugin in (same_crystalline, same_optimizers, same_activations):
        for case in plugin.cases(bench):
            with pytest.raises((RuntimeError, ModuleNotFoundError), match=r"(?i)device|No module named"):
                case.run("nowhere", tmp_path)
    bench.device = "nowhere"
    monkeypatch.setattr(clso, "build_genome", None)  # it would be refused in the fitness' place
    for start in (
        lambda: clso.made(bench, clso.sizes_of(bench)[0], "float32"),
        lambda: rules.started(bench, 2, "float32"),
        lambda: representations.started(bench),
    ):
        with pytest.raises(RuntimeError, match="device"):
            start()


def test_other_bits_the_second_time_are_told_with_what_deterministic_algorithms_do(tmp_path):
    def changing(device, scratch):
        plain = scratch.name == "two" and not torch.are_deterministic_algorithms_enabled()
        return Answer(torch.tensor([1.0 + 1e-12 * plain], dtype=torch.float64).numpy())

    row = compared(Case("plugin/fitness/changing", changing, sums=16, layers=1), bench_in(tmp_path))
    assert (row["agrees"], row["same_bits_twice"], row["same_bits_if_deterministic"]) == (True, False, True)
    assert not torch.are_deterministic_algorithms_enabled()


def test_ranks_tell_who_changed_places():
    values = torch.tensor([1.0, 2.0, 3.0, float("nan")]).numpy()
    assert ranking(values, values + 0.1)["same_ranking"]
    assert not ranking(values, values[[3, 1, 2, 0]])["same_ranking"], "who diverged is the last"
    assert ranking(-values, np.array([-1.0, -2.0, -3.0, 1.0]))["same_ranking"]
    swapped = ranking(values, values[[1, 0, 2, 3]])
    assert not swapped["same_ranking"]
    assert swapped["spearman"] == pytest.approx(0.8)
