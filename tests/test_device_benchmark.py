"""The benchmark for GPUs, run whole on the CPU with sizes of a test, so that it is ready when a GPU is there."""

import json
import math
from dataclasses import replace
from importlib import import_module
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.device import (
    agreement,
    clso,
    power,
    representations,
    results,
    rules,
    same_activations,
    same_crystalline,
    same_optimizers,
    timing,
)
from benchmarks.device.agreement import Answer, Case, compared, ranking
from benchmarks.device.bench import Bench, peak_of
from benchmarks.device.command import main
from benchmarks.device.results import JSON, TABLES, Results
from benchmarks.device.runner import DONE, FAILED, MEMORY, MISSING, NO_TIME, Item, out_of_memory, run_items
from benchmarks.device.steps import LEFT_OUT, SAME, STEPS
from evokit.energy import Meter
from evokit.streams import Streams
from evokit_crystalline.gpt2 import loss, measuring
from evokit_optimizers.training.training import Training
from tests.rounding import rounding

PLUGINS = ("activations", "crystalline", "optimizers")


def measured(folder, *words):
    """Exit code and rows of a call on the CPU."""
    code = main(["--device", "cpu", "--small", "--out", str(folder), *words])
    return code, json.loads((folder / JSON).read_text())["rows"]


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


def test_the_peer_is_trained_by_the_same_optimizer_and_keeps_no_keys_for_generation(tmp_path, monkeypatch):
    pytest.importorskip("transformers")
    made, plain = [], torch.optim.AdamW
    monkeypatch.setattr(
        torch.optim, "AdamW", lambda *given, **options: made.append(plain(*given, **options)) or made[-1]
    )
    bench = bench_in(tmp_path)
    (size,) = clso.sizes_of(bench)
    for measure in (clso.stepped, clso.peer_stepped):
        measure(bench, size, "float32")
    ours, theirs = ({**one.param_groups[0], "params": None} for one in made)
    assert ours == theirs
    assert not clso._peer(bench, size).config.use_cache


@pytest.fixture
def told(monkeypatch):
    """What is handed to ``timed`` by name, and whether its work is in bfloat16 by autocast."""
    found = {}

    def timed(bench, work, **given):
        found.update(given, autocast=torch.is_autocast_enabled("cpu"))
        work()
        return {}

    for module in (clso, rules, power):
        monkeypatch.setattr(module, "timed", timed)
    return found


@pytest.mark.filterwarnings("ignore:.*batching rule")  # of vmap
@pytest.mark.parametrize("measure", [clso.evaluated, clso.together, clso.peer_evaluated])
def test_an_evaluation_is_of_all_blocks_in_every_row(tmp_path, told, measure):
    bench = bench_in(tmp_path)
    size = replace(clso.sizes_of(bench)[0], blocks=16, batch=4)  # together takes 8 at once
    try:
        measure(bench, size, "float32")
    except ModuleNotFoundError:
        pytest.skip("transformers is not installed")
    assert told["flops"] / told["units"] == pytest.approx(16 * size.block * size.flops)
    assert not told["autocast"]


def test_steps_have_three_times_the_operations_of_a_forward_pass(tmp_path, told):
    bench = bench_in(tmp_path)
    size = clso.sizes_of(bench)[0]
    clso.stepped(bench, size, "float32", batch=2)
    assert told["flops"] == 3 * 2 * size.block * size.flops
    gpt2 = clso.sizes_of(replace(bench, small=False))[1]
    assert gpt2.flops == 2 * (84_934_656 + 768 * 50_257 + 12 * 1024 * 768), "matrices, head, half of the attention"
    _, task = rules.started(bench, 1, "float32")
    for way, steps in ((rules.alone, 2), (rules.graphed, 2)):
        rules._run(3, "float32", way)(bench)
        assert (told["units"], told["flops"]) == (3 * steps, 3 * 3 * steps * task.batch * rules.flops(task.network))
    power.items(bench)[1].run(bench)
    assert told["flops"] == 2 * 64**3


def test_operations_are_those_that_torch_counts(tmp_path):
    bench = bench_in(tmp_path)
    (training,), task = rules.started(bench, 1, "float32")
    chosen = training.next_batch()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        task.loss(task.network.pieces(training.parameters), {}, chosen, Streams(0))
    assert counter.get_total_flops() == len(chosen) * rules.flops(task.network)
    images, options = representations.started(bench)
    search, pixels, generators = representations._search(images, options, 2, "float32")
    total = 0
    with torch.no_grad():
        population = search.first(pixels, images.labels[:2], generators)
        for number, layer in enumerate(options.layers):
            if number:
                population = search.next_layer(number, population.genes[0], images.labels[:2])
            population = search.generation(number, layer, population, images.labels[:2], generators)
            children = population.genes[options.parents if number == 0 else 1 :]
            assert len(children) == options.explorers + options.refiners
            with FlopCounterMode(display=False) as counter:
                search.log_likelihood(number, children, images.labels[:2])
            total += layer.generations * counter.get_total_flops()
    assert total == 2 * representations.flops(images.shape, options)


@pytest.mark.parametrize("autocast", [False, True])
def test_bfloat16_is_asked_for_where_a_row_says_so(tmp_path, told, monkeypatch, autocast):
    bench = bench_in(tmp_path)
    size, precision = clso.sizes_of(bench)[0], "bfloat16" if autocast else "float32"
    for measure in (clso.evaluated, clso.stepped):
        measure(bench, size, precision, autocast=autocast)
        assert told["autocast"] == autocast
    assert clso.made(bench, size, precision)[0].precision == precision
    seen, entropy = [], clso._cross_entropy
    monkeypatch.setattr(
        clso, "_cross_entropy", lambda *given: seen.append(torch.is_autocast_enabled("cpu")) or entropy(*given)
    )
    try:
        for measure in (clso.peer_evaluated, clso.peer_stepped):
            measure(bench, size, precision)
    except ModuleNotFoundError:
        pytest.skip("transformers is not installed")
    assert seen == [autocast] * 2


def test_chunks_are_taken_as_a_row_says_and_given_back(tmp_path, monkeypatch):
    def evaluated(bench, size, precision):
        return measuring.GROUP, loss.EVALUATED_TOKENS, loss.EVALUATED_WORDS

    monkeypatch.setattr(clso, "evaluated", evaluated)
    assert clso.chunked(None, None, "float32", chunks=(1, 2, 3)) == (1, 2, 3)
    assert evaluated(None, None, None) == clso.CHUNKS[0], "the first are evokit's"


def test_rules_are_trained_the_way_that_a_row_is_called(tmp_path, monkeypatch):
    monkeypatch.setattr(rules, "_run", lambda n, precision, way: f"{n} rules {precision}, {ways[way]}")
    ways = {rules.alone: "one by one", rules.advance_together: "together", rules.graphed: "graph"}
    assert all(item.run == item.name for item in rules.items(bench_in(tmp_path)))


@pytest.mark.filterwarnings("ignore:.*batching rule")  # of vmap
def test_a_step_from_a_graph_is_the_step_that_is_made_without(tmp_path):
    bench = bench_in(tmp_path)
    (graph, _), (plain, _) = (rules.started(bench, 2, "float32") for _ in range(2))
    step = rules.replayed(bench, graph)
    step(graph, 3)
    batch = plain[0].next_batch()  # the graph took one to begin with, the first
    rules.alone(plain, 3)
    for one, other in zip(graph, plain, strict=True):
        assert one.step == other.step == 3
        torch.testing.assert_close(one.parameters, other.parameters, rtol=1e-4, atol=1e-4)
    assert not torch.equal(graph[0].parameters, graph[1].parameters), "each rule is another"
    assert not torch.equal(batch, plain[0].next_batch())


@pytest.mark.parametrize(
    ("seconds", "generations", "groups"),
    [(1e-4, 20, 16), (4e-3, 4, 1)],  # a search of 60 takes 6 ms: 16 fit behind two probes; or 240 ms: a fifth of it
)
def test_a_search_takes_the_time_that_it_is_given(tmp_path, monkeypatch, seconds, generations, groups):
    bench, now, ran = bench_in(tmp_path), [0.0], []
    task, options = representations.started(bench)
    options = replace(options, layers=tuple(replace(one, generations=20) for one in options.layers))

    def run(bench, task, options, lanes, precision, first=0):
        ran.append([one.generations for one in options.layers])
        now[0] += seconds * sum(ran[-1])
        return torch.tensor([-1.0, -2.0])

    monkeypatch.setattr(representations, "started", lambda bench: (task, options))
    monkeypatch.setattr(representations, "_run", run)
    monkeypatch.setattr(representations, "time", SimpleNamespace(perf_counter=lambda: now[0]))
    row = representations.searched(bench, "float32")
    assert ran == [[2] * 3] * 2 + [[generations] * 3] * groups
    assert now[0] <= 0.1, "what a test takes for a minute"
    assert (row["images"], row["mean_cross_entropy"]) == (groups * 2, 1.5)
    if groups > 1:
        assert row["images_a_second"] == pytest.approx(2 / (60 * seconds))
    else:
        assert "images_a_second" not in row, "it would be taken for that of whole searches"


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


def bench_in(folder, limit_s=100.0, **changes):
    return Bench("cpu", True, limit_s, folder, **changes)


def rows_of(items, bench, folder, resume=False):
    """What is written of some items."""
    results = Results(folder, {"machine": "this"}, resume=resume)
    run_items(items, bench, results, say=lambda line: None)
    results.close()
    return json.loads((folder / JSON).read_text())["rows"]


FULL = (("a", True), ("b", False))  # whether the disk is full after an item


def raising(error):
    def run(bench):
        raise error

    return run


def test_what_raises_is_a_row_and_the_next_goes_on(tmp_path):
    items = [
        Item("s", "fails", "", raising(ValueError("bad sizes"))),
        Item("s", "large", "", raising(torch.OutOfMemoryError("CUDA out of memory"))),
        Item("s", "library", "", raising(RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling"))),
        Item("s", "elsewhere", "", raising(ModuleNotFoundError("No module named 'peer'"))),
        Item("s", "works", "", lambda bench: {"found": float("inf")}),
    ]
    fails, large, library, elsewhere, works = rows_of(items, bench_in(tmp_path), tmp_path)
    assert (fails["outcome"], fails["message"]) == (FAILED, "ValueError: bad sizes")
    assert __file__ in fails["where"]
    assert (large["outcome"], large["message"]) == (MEMORY, "OutOfMemoryError: CUDA out of memory")
    assert library["outcome"] == MEMORY
    assert (elsewhere["outcome"], elsewhere["message"]) == (MISSING, "No module named 'peer'")
    assert (works["outcome"], works["found"]) == (DONE, "inf")


def test_after_a_fault_of_the_device_nothing_fails_for_its_sake(tmp_path):
    faulty = bench_in(tmp_path)
    faulty.sync = lambda: raising(RuntimeError("CUDA error: an illegal memory access was encountered"))(faulty)
    items = [Item("s", "faulty", "", raising(RuntimeError("CUDA error"))), Item("s", "sound", "", lambda bench: {})]
    rows = rows_of(items, faulty, tmp_path)
    assert [(row["item"], row["outcome"]) for row in rows] == [("faulty", FAILED)]
    rows = rows_of(items, bench_in(tmp_path), tmp_path, resume=True)
    assert [(row["item"], row["outcome"]) for row in rows] == [("faulty", FAILED), ("sound", DONE)]


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory"),
        RuntimeError("CUDA error: out of memory"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    ],
)
def test_too_little_memory_is_told_by_whomever(error):
    assert out_of_memory(error)
    assert not out_of_memory(RuntimeError("CUDA error: an illegal memory access was encountered"))


def test_every_way_of_rules_makes_as_many_steps_and_looks_whether_they_are_sound(tmp_path, monkeypatch):
    made, looked, move = [], [], Training.move
    monkeypatch.setattr(Training, "move", lambda one, *given: made.append(one) or move(one, *given))
    monkeypatch.setattr(Training, "sound", property(lambda one: looked.append(one) or True))
    monkeypatch.setattr(rules, "timed", lambda bench, work, **given: (work() and {}) or {"units": given["units"]})
    for item in rules.items(bench_in(tmp_path))[:3]:
        made.clear(), looked.clear()
        assert item.run(bench_in(tmp_path))["units"] == len(made), item.name
        assert len(looked) == 2, item.name


def test_matrix_products_in_tf32_are_bounded_as_such(tmp_path, monkeypatch):
    plain = Case("plugin/fitness/plain", lambda device, scratch: Answer(np.zeros(1)), sums=16, layers=1)
    card = Bench.__new__(Bench)
    card.device = "cuda"
    assert plain.unit_on(card) == "float32"
    monkeypatch.setattr(torch, "get_float32_matmul_precision", lambda: "high")
    assert plain.unit_on(card) == "tf32"
    assert plain.unit_on(bench_in(tmp_path)) == "float32"


def test_memory_is_that_of_the_whole_item_as_a_graph_asks_for_none_when_it_is_replayed(tmp_path):
    bench, asked = bench_in(tmp_path), []
    bench.forget_peak = lambda: asked.append("forgotten")
    bench.peak_memory = lambda: {"peak_memory_MiB": 7.0} if asked == ["forgotten", "run"] else {}
    (row,) = rows_of([Item("s", "one", "", lambda bench: asked.append("run") or {})], bench, tmp_path)
    assert row["peak_memory_MiB"] == 7.0


def test_each_group_searches_images_of_its_own(tmp_path, monkeypatch):
    searched, search = [], representations._search
    monkeypatch.setattr(representations, "_search", lambda *given: searched.append(search(*given)[1]) or search(*given))
    bench = bench_in(tmp_path)
    row = representations.searched(bench, "float32")
    groups = searched[2:]  # the first two are probes
    assert row["images"] == 2 * len(groups)
    assert len(groups) == 1 or not torch.equal(groups[0], groups[1])
    assert 0 < row["mean_cross_entropy_of_first_group"] < 3


@pytest.mark.parametrize(("device", "index"), [("cuda", 0), ("cuda:1", 1)])
def test_the_card_that_is_named_is_the_current_one(device, index, tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "set_device", lambda given: raising(ValueError(f"set to {given!r}"))(None))
    with pytest.raises(ValueError, match=f"set to {index}$"):
        main(["--device", device, "--out", str(tmp_path)])


def test_a_call_with_a_failed_item_says_so_by_its_exit_code(tmp_path):
    words = ["--device", "cpu", "--small", "--out", str(tmp_path)]
    assert main(words, lambda bench: [Item("s", "fails", "", raising(ValueError("bad")))]) == 1
    assert main(words, lambda bench: [Item("s", "works", "", lambda bench: {})]) == 0


def test_nothing_is_begun_that_needs_more_than_is_left_and_a_resumed_call_makes_up_for_it(tmp_path):
    now, ran = [0.0], []

    def taking(name, seconds):
        def run(bench):
            ran.append(name)
            now[0] += seconds
            return {}

        return Item("s", name, "", run, estimate_s=seconds / bench_in(tmp_path).scale)

    items = [taking("a", 40), taking("b", 70), taking("c", 50), taking("d", 20)]
    rows = rows_of(items, bench_in(tmp_path, clock=lambda: now[0]), tmp_path)
    assert [row["outcome"] for row in rows] == [DONE, NO_TIME, DONE, NO_TIME]
    assert now[0] <= 100
    assert rows[1]["message"] == "about 70 s are needed, 60 are left"
    now[0] = 0.0
    rows = rows_of(items, bench_in(tmp_path, clock=lambda: now[0]), tmp_path, resume=True)
    assert [row["outcome"] for row in rows] == [DONE] * 4
    assert ran == ["a", "c", "b", "d"]


def test_what_lacked_a_package_or_time_is_measured_by_a_resumed_call_and_what_failed_is_not(tmp_path):
    errors = [ModuleNotFoundError("No module named 'peer'"), ValueError("bad"), torch.OutOfMemoryError("large")]
    before = rows_of(
        [Item("s", str(i), "", raising(one)) for i, one in enumerate(errors)], bench_in(tmp_path), tmp_path
    )
    items = [Item("s", str(i), "", lambda bench: {}) for i in range(3)]
    after = rows_of(items, bench_in(tmp_path), tmp_path, resume=True)
    assert [row["outcome"] for row in before] == [MISSING, FAILED, MEMORY]
    assert [row["outcome"] for row in after] == [DONE, FAILED, MEMORY]


def test_rows_of_another_machine_are_not_continued(tmp_path, capsys):
    measured(tmp_path, "--only", "5")
    found = json.loads((tmp_path / JSON).read_text())
    found["machine"]["torch"] = "0.1"
    (tmp_path / JSON).write_text(json.dumps(found))
    assert main(["--device", "cpu", "--small", "--out", str(tmp_path), "--resume"]) == 2
    assert "is of another machine, version or size (torch differ)" in capsys.readouterr().err
    assert json.loads((tmp_path / JSON).read_text()) == found, "they are still there"
    machine = bench_in(tmp_path).machine()
    assert {"device", "torch", "python", "small", "threads", "commit", "data"} <= set(machine)


def test_a_call_without_resume_puts_earlier_rows_aside(tmp_path):
    items = [Item("s", "a", "", lambda bench: {"found": 1})]
    rows = rows_of(items, bench_in(tmp_path), tmp_path)
    others = [rows_of([replace(items[0], name=name)], bench_in(tmp_path), tmp_path) for name in "bc"]
    asides = [json.loads((tmp_path / f"results.{n}.json").read_text())["rows"] for n in (1, 2)]
    assert asides == [rows, others[0]]


def test_what_cannot_be_read_is_no_traceback_and_stays(tmp_path, capsys):
    words = ["--device", "cpu", "--small", "--out", str(tmp_path), "--resume"]
    for broken in ("{", "[]", "{}"):
        (tmp_path / JSON).write_text(broken)
        assert main(words) == 2
        assert "cannot be read" in capsys.readouterr().err
        assert (tmp_path / JSON).read_text() == broken


def test_a_second_call_into_the_same_folder_is_refused(tmp_path, capsys):
    first = Results(tmp_path, {})
    assert main(["--device", "cpu", "--small", "--out", str(tmp_path)], lambda bench: []) == 2
    assert "another call is writing" in capsys.readouterr().err
    first.close()
    assert main(["--device", "cpu", "--small", "--out", str(tmp_path)], lambda bench: []) == 0


def test_a_full_disk_stops_no_measurement_and_what_was_measured_is_written_when_it_can_be(
    tmp_path, monkeypatch, capsys
):
    write, full = results.write_atomically, [True]

    def writing(path, content):
        if full[0]:
            raise OSError("No space left on device")
        write(path, content)

    monkeypatch.setattr(results, "write_atomically", writing)
    items = [Item("s", name, "", lambda bench, now=now: full.__setitem__(0, now) or {}) for name, now in FULL]
    words = ["--device", "cpu", "--small", "--out", str(tmp_path)]
    assert main(words, lambda bench: items[:1]) == 1
    assert "No space left on device" in capsys.readouterr().err
    assert main(words, lambda bench: items) == 0
    assert [row["item"] for row in json.loads((tmp_path / JSON).read_text())["rows"]] == ["a", "b"]


def test_only_the_steps_that_are_named_are_measured_and_none_without_time(tmp_path):
    items = [Item(step, "a", "", lambda bench: {}) for step in STEPS]
    words = ["--device", "cpu", "--small", "--out", str(tmp_path)]
    assert main([*words, "--only", "2", "5"], lambda bench: items) == 0
    assert [row["step"] for row in json.loads((tmp_path / JSON).read_text())["rows"]] == [STEPS[1], STEPS[4]]
    assert main([*words, "--limit", "0"], lambda bench: items) == 0
    assert {row["outcome"] for row in json.loads((tmp_path / JSON).read_text())["rows"]} == {NO_TIME}


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device, so that it is not refused")
def test_without_a_gpu_it_says_so(tmp_path, capsys):
    assert main(["--out", str(tmp_path)]) == 2
    assert "no CUDA device" in capsys.readouterr().err


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
