"""What is timed: operations, precision, steps and images."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.device import (
    clso,
    power,
    representations,
    rules,
)
from evokit.streams import Streams
from evokit_crystalline.gpt2 import loss, measuring
from evokit_optimizers.training.training import Training
from tests.device_benchmark.building import bench_in


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


def test_every_way_of_rules_makes_as_many_steps_and_looks_whether_they_are_sound(tmp_path, monkeypatch):
    made, looked, move = [], [], Training.move
    monkeypatch.setattr(Training, "move", lambda one, *given: made.append(one) or move(one, *given))
    monkeypatch.setattr(Training, "sound", property(lambda one: looked.append(one) or True))
    monkeypatch.setattr(rules, "timed", lambda bench, work, **given: (work() and {}) or {"units": given["units"]})
    for item in rules.items(bench_in(tmp_path))[:3]:
        made.clear(), looked.clear()
        assert item.run(bench_in(tmp_path))["units"] == len(made), item.name
        assert len(looked) == 2, item.name


def test_each_group_searches_images_of_its_own(tmp_path, monkeypatch):
    searched, search = [], representations._search
    monkeypatch.setattr(representations, "_search", lambda *given: searched.append(search(*given)[1]) or search(*given))
    bench = bench_in(tmp_path)
    row = representations.searched(bench, "float32")
    groups = searched[2:]  # the first two are probes
    assert row["images"] == 2 * len(groups)
    assert len(groups) == 1 or not torch.equal(groups[0], groups[1])
    assert 0 < row["mean_cross_entropy_of_first_group"] < 3
