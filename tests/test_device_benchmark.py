"""The benchmark for GPUs, run whole on the CPU with sizes of a test, so that it is ready when a GPU is there."""

import json
from importlib import import_module

import numpy as np
import pytest
import torch

from benchmarks.device import clso, power, representations, rules
from benchmarks.device.agreement import Answer, Case, compared, ranking
from benchmarks.device.bench import Bench
from benchmarks.device.command import main
from benchmarks.device.results import JSON, TABLES, Results
from benchmarks.device.runner import DONE, FAILED, MEMORY, MISSING, NO_TIME, Item, out_of_memory, run_items
from benchmarks.device.steps import LEFT_OUT, SAME, STEPS
from evokit_crystalline.gpt2 import measuring
from evokit_crystalline.gpt2.sizes import Sizes
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
        assert (energy or [row["watts"]])[0] >= 0
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


@pytest.mark.filterwarnings("ignore:.*batching rule.*")
def test_an_evaluation_is_as_many_tokens_in_every_row(tmp_path):
    size = clso.Size("8 wide", Sizes(n_embd=8, n_layer=1, n_head=2, n_positions=16), 16, 2 * measuring.GROUP, 1)
    for measure in (clso.evaluated, clso.together, clso.peer_evaluated):
        if measure is clso.peer_evaluated:
            pytest.importorskip("transformers")
        row = measure(bench_in(tmp_path), size, "float32")
        per_evaluation = row["tflops"] * 1e12 / row["evaluations_a_second"]
        assert per_evaluation == pytest.approx(size.blocks * size.block * size.flops), measure.__name__


def test_the_papers_search_is_extrapolated(whole):
    rows = [row for row in whole[2] if row["step"] == representations.STEP]
    assert len(rows) == 4
    for row in rows:
        if row.get("share_of_generations", 1) == 1:
            assert row["hours_for_50000_images"] * 3600 == pytest.approx(row["seconds_an_image"] * 50_000)
    assert all(0 < row["mean_cross_entropy"] < 3 for row in rows if "mean_cross_entropy" in row)


def test_a_resumed_call_repeats_nothing(whole):
    folder, _, rows = whole
    code, again = measured(folder, "--resume")
    assert (code, again) == (0, rows)
    tables = (folder / TABLES).read_text()
    assert all(f"## {step}" in tables for step in STEPS)
    assert all(f"| {row['item']} | {row['outcome']} |" in tables for row in rows)


def bench_in(folder, limit_s=100.0, **changes):
    return Bench("cpu", True, limit_s, folder, **changes)


def rows_of(items, bench, folder, resume=False):
    """What is written of some items."""
    run_items(items, bench, Results(folder, {"machine": "this"}, resume=resume), say=lambda line: None)
    return json.loads((folder / JSON).read_text())["rows"]


def raising(error):
    def run(bench):
        raise error

    return run


def test_what_raises_is_a_row_and_the_next_goes_on(tmp_path):
    items = [
        Item("s", "fails", "", raising(ValueError("bad sizes"))),
        Item("s", "large", "", raising(torch.OutOfMemoryError("CUDA out of memory"))),
        Item("s", "elsewhere", "", raising(ModuleNotFoundError("No module named 'peer'"))),
        Item("s", "works", "", lambda bench: {"found": float("inf")}),
    ]
    fails, large, elsewhere, works = rows_of(items, bench_in(tmp_path), tmp_path)
    assert (fails["outcome"], fails["message"]) == (FAILED, "ValueError: bad sizes")
    assert __file__ in fails["where"]
    assert (large["outcome"], large["message"]) == (MEMORY, "OutOfMemoryError: CUDA out of memory")
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


def test_rows_of_another_machine_are_not_continued(tmp_path, capsys):
    measured(tmp_path, "--only", "5")
    found = json.loads((tmp_path / JSON).read_text())
    found["machine"]["torch"] = "0.1"
    (tmp_path / JSON).write_text(json.dumps(found))
    assert main(["--device", "cpu", "--small", "--out", str(tmp_path), "--resume"]) == 2
    assert "is of another machine" in capsys.readouterr().err


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
    swapped = ranking(values, values[[1, 0, 2, 3]])
    assert not swapped["same_ranking"]
    assert swapped["spearman"] == pytest.approx(0.8)
