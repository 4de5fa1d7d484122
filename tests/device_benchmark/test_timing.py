"""Seconds, joules and memory of a card that is made up."""

import math
from types import SimpleNamespace

import torch

from benchmarks.device import (
    representations,
    timing,
)
from benchmarks.device.bench import Bench, peak_of
from benchmarks.device.runner import Item
from evokit.energy import Meter
from tests.device_benchmark.building import bench_in, rows_of


class Card:
    """A card whose work takes half a second each call, the first ten; the host waits for it only where it is told to.

    It draws 700 W; that is counted where ``counted``. ``monkeypatch`` puts it in the place of torch's.
    """

    name, step_s, poll_s = "card", 0.2, math.inf

    def __init__(self, monkeypatch):
        self.host = self.busy_until = 0.0
        self.calls, self.current = 0, None
        for name, stand_in in {
            "Event": lambda enable_timing: Event(self),
            "synchronize": lambda device: self.wait(),
            "set_device": lambda index: setattr(self, "current", index),
            "get_device_name": lambda device: "NVIDIA H200",
            "reset_peak_memory_stats": lambda device: None,
            "max_memory_allocated": lambda device: 3 * 2**20,
        }.items():
            monkeypatch.setattr(torch.cuda, name, stand_in)
        monkeypatch.setattr(timing, "time", SimpleNamespace(perf_counter=lambda: self.host))

    def work(self):
        self.busy_until = max(self.host, self.busy_until) + (0.5 if self.calls else 10.0)
        self.calls += 1

    def wait(self):
        self.host = max(self.host, self.busy_until)

    def joules(self):
        return 700.0 * self.host

    def watts(self):
        return None

    def bench(self, folder, device="cuda", counted=True, watts_per_core=15.0):
        bench = Bench(device, False, 100.0, folder, clock=lambda: self.host)
        bench.meter = Meter([self] * counted, [], watts_per_core, gpu_missing=not counted, clock=lambda: self.host)
        return bench


class Event:
    def __init__(self, card):
        self.card = card

    def record(self):
        self.at = max(self.card.host, self.card.busy_until)

    def elapsed_time(self, other):
        assert other.at <= self.card.host, "the host has not waited for the last event"
        return 1e3 * (other.at - self.at)


def test_figures_of_a_card_are_those_of_one_call_with_all_of_its_work(tmp_path, monkeypatch):
    card = Card(monkeypatch)
    figures = timing.timed(card.bench(tmp_path), card.work, units=4, unit="items", flops=1e14, span_s=2.0)
    assert card.calls == 2 + 4, "the first call, which is slow, and one more say how many fit into two seconds"
    assert figures == {
        "items_a_second": 8,
        "seconds": 0.5,
        "joules_per_items": 700 * 0.5 / 4,
        "joules_are": "measured",
        "tflops": 200,
        "share_of_bf16_peak": 2e14 / 989e12,
    }


def test_joules_that_nobody_counted_are_no_zero_and_those_of_the_processor_are_not_the_cards(tmp_path, monkeypatch):
    card = Card(monkeypatch)
    blind = card.bench(tmp_path, counted=False)
    figures = timing.timed(blind, card.work)
    assert (figures["joules_per_calls"], figures["joules_are"]) == (None, "not counted")
    with blind.meter.measure() as reading:
        card.host += 1
    watts = representations._watts(blind, reading)
    assert (watts, representations.times(watts, 3.0)) == (None, None)
    figures = timing.timed(card.bench(tmp_path, watts_per_core=1e12), card.work)
    assert figures["joules_are"] == "measured", "however much the processor is thought to draw"
    bench = card.bench(tmp_path)
    with bench.meter.measure() as reading:
        card.host += 2
    watts = representations._watts(bench, reading)
    assert (watts, representations.times(watts, 3.0)) == (700, 2100)


def test_the_card_that_is_named_is_the_current_one_whose_events_are_timed(tmp_path, monkeypatch):
    card = Card(monkeypatch)
    card.bench(tmp_path)
    assert card.current is None
    card.bench(tmp_path, device="cuda:1")
    assert card.current == 1


def test_what_fits_is_a_power_of_two_in_half_of_the_memory(tmp_path):
    bench = bench_in(tmp_path)
    bench.free_bytes = lambda: 40 * 2**30
    assert [bench.fitting(each * 2**30, most) for each, most in ((1, 64), (1, 10), (1, 1), (100, 64))] == [16, 8, 1, 1]
    peaks = {"NVIDIA H200": 989e12, "NVIDIA H100 PCIe": None, "NVIDIA A100-SXM4-80GB": 312e12, "Tesla T4": None}
    assert {name: peak_of(name) for name in peaks} == peaks


def test_memory_is_that_of_the_whole_item_as_a_graph_asks_for_none_when_it_is_replayed(tmp_path):
    bench, asked = bench_in(tmp_path), []
    bench.forget_peak = lambda: asked.append("forgotten")
    bench.peak_memory = lambda: {"peak_memory_MiB": 7.0} if asked == ["forgotten", "run"] else {}
    (row,) = rows_of([Item("s", "one", "", lambda bench: asked.append("run") or {})], bench, tmp_path)
    assert row["peak_memory_MiB"] == 7.0
