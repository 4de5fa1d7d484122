"""Cycles of search and learning: what is learned, what begins where, and whole runs that are interrupted."""

from dataclasses import replace
from io import StringIO

import pytest
import torch
import torch.nn.functional as F

from evokit.genomes.individuals import key_of
from evokit.measuring.ledger import Ledger
from evokit.progress import LineProgress
from evokit.recipe import load_recipe
from evokit.results.verify import verify
from evokit.runs.estimate import estimate
from evokit.runs.launch import launch
from evokit_activations.genome import CycleNetwork, Shard
from evokit_activations.layerwise.search import forward_from
from evokit_activations.models import read_network
from evokit_activations.options import Cycles
from evokit_activations.shards.job import ShardJob
from evokit_activations.shards.search import ShardSearch
from evokit_activations.targets.store import StoredShard
from tests.rounding import rounding

from ..test_runs import RECIPE
from ..tiny import SEARCH, TENSORS, job, measured, split

CYCLES = replace(SEARCH, cycles=Cycles(number=3, epochs=2, lr=0.5))
# On the way to logits: terms of the whitening, four convolutions and the head, ten of each normalisation and GELU.
ROUNDINGS = 4 + 9 * (8 + 3 + 3 + 4) + 16 + 4 * 10


@pytest.fixture
def cycling(tmp_path):
    return job(tmp_path, search=CYCLES)


def first_network(one, shards=range(4)):
    asked = [Shard(index) for index in shards]
    list(one.evaluate(asked, one.budgets[-1]))
    return CycleNetwork(one.store.targets(asked))


def assert_cross_entropy(value, logits, labels):
    """A loss moves by at most twice what logits do."""
    expected = F.cross_entropy(logits.double(), labels).item()
    assert abs(value - expected) <= 2 * rounding(ROUNDINGS, logits.abs().max().item())


def test_a_network_is_worth_its_cross_entropy_on_what_it_learned(cycling, tmp_path):
    genes = first_network(cycling, (0, 2))
    evaluation = measured(cycling, genes)
    network = read_network(tmp_path / evaluation.artifact)
    images, labels = cycling.task.train.tensors("cpu")
    learned = torch.tensor([*range(6), *range(12, 18)])
    assert_cross_entropy(evaluation.values[0], network.logits(images[learned]), labels[learned])
    assert evaluation.work == 2 * 12, "epochs times images"
    assert not torch.equal(network.parameters["block1.conv1"], cycling.task.untrained.parameters["block1.conv1"])
    assert torch.equal(network.parameters["whitening"], cycling.task.whitening)


def test_a_network_is_the_same_again_and_knows_no_validation_image(cycling, tmp_path):
    other = job(tmp_path / "other", search=CYCLES, validation=split(9, 7))
    one, two = (measured(each, first_network(each)) for each in (cycling, other))
    assert one.values == two.values
    networks = [read_network(folder / one.artifact) for folder in (tmp_path, tmp_path / "other")]
    for name, value in networks[0].parameters.items():
        assert torch.equal(value, networks[1].parameters[name])


def test_the_next_search_begins_with_the_network_and_goes_forward_with_it(cycling, tmp_path):
    genes = first_network(cycling)
    written = read_network(tmp_path / measured(cycling, genes).artifact)
    key = key_of(TENSORS, genes)
    still = replace(CYCLES, noise=0.0, layers=tuple(replace(one, generations=0) for one in CYCLES.layers))
    evaluation = measured(job(tmp_path, search=still), Shard(1, cycle=1, network=key))
    stored = StoredShard(tmp_path / evaluation.artifact)
    images, _ = cycling.task.train.tensors("cpu")
    own = written.logits(images[6:12])
    assert (stored.layers[-1] - own).abs().max() <= rounding(ROUNDINGS, own.abs().max()), "without noise its own logits"

    searched = measured(cycling, Shard(1, cycle=1, network=key))
    stored = StoredShard(tmp_path / searched.artifact)
    logits = forward_from(cycling.network(key), 0, stored.layers[0].float(), 2)
    assert_cross_entropy(searched.metrics["cross_entropy_block0"], logits, cycling.task.labels[6:12])
    targets = cycling.store.targets([Shard(1, cycle=1, network=key)])
    assert measured(cycling, targets).values == searched.values


def test_with_class_logits_a_networks_head_learns_the_label_whatever_was_found(tmp_path):
    learned = {}
    for logits in ("own", "class"):
        one = job(tmp_path / logits, search=replace(CYCLES, cycles=replace(CYCLES.cycles, logits=logits)))
        artifact = measured(one, first_network(one)).artifact
        learned[logits] = read_network(tmp_path / logits / artifact).parameters
    differ = [name for name, value in learned["own"].items() if not torch.equal(value, learned["class"][name])]
    assert differ == ["head"]


def test_each_cycle_draws_its_own_numbers_and_has_files_of_its_own(cycling):
    key = key_of(TENSORS, genes := first_network(cycling))
    measured(cycling, genes)
    shards = [Shard(0, cycle=cycle, network=key) for cycle in (1, 2)]
    layers = []
    for shard in shards:
        measured(cycling, shard)
        layers.append(StoredShard(cycling.store.path(shard)).layers[0])
    assert not torch.equal(*layers)
    assert TENSORS.from_json(TENSORS.to_json(genes)) == genes
    assert "cycle 1" in TENSORS.show(shards[0])


@pytest.mark.parametrize(
    ("method", "cycles"), [("search", 3), ("unselected", 3), ("first_generation", 3), ("class_code", 1)]
)
def test_controls_go_through_the_same_cycles(cycling, method, cycles):
    search, asked = ShardSearch(cycling, TENSORS, method), []
    while not search.done:
        individuals = search.ask()
        for one, evaluation in zip(
            individuals, cycling.evaluate([one.genes for one in individuals], cycling.budgets[-1]), strict=True
        ):
            one.fitness.values = evaluation.values
        search.tell(individuals)
        asked += [one.genes for one in individuals]
    shards = [one for one in asked if isinstance(one, Shard)]
    networks = [one for one in asked if isinstance(one, CycleNetwork)]
    assert [(one.cycle, one.index) for one in shards] == [
        (cycle, index) for cycle in range(cycles) for index in range(4)
    ]
    assert [one.learns.cycle for one in networks] == list(range(cycles - 1))
    assert [one.network for one in shards[::4]] == ["", *(key_of(TENSORS, one) for one in networks)]
    assert search.best().genes.cycle == cycles - 1
    assert search.best().genes.method == method


def test_a_network_that_diverges_is_not_searched_with(tmp_path):
    wild = job(tmp_path, search=replace(CYCLES, cycles=Cycles(number=2, epochs=2, lr=1e30)))
    search = ShardSearch(wild, TENSORS)
    for _ in range(2):
        for one in (individuals := search.ask()):
            one.fitness.values = measured(wild, one.genes).values
        search.tell(individuals)
    (individual,) = search.ask()
    evaluation = measured(wild, individual.genes)
    assert (evaluation.outcome, evaluation.artifact) == ("diverged", "")
    search.tell([individual])
    assert {(one.genes.cycle, one.genes.network) for one in search.ask()} == {(1, "")}
    assert search.best().genes.cycle == 0


@pytest.fixture(scope="module")
def recipe(tmp_path_factory):
    path = tmp_path_factory.mktemp("cycles") / "tiny.yaml"
    path.write_text(RECIPE.replace("  shards: 3\n", "  shards: 3\n  cycles: {number: 2, epochs: 2}\n"))
    return path


@pytest.fixture(scope="module")
def done(recipe):
    return recipe.parent / "run", run(recipe, recipe.parent / "run")


def run(path, out, *overrides, resume=False):
    return launch(load_recipe(path, overrides), out, LineProgress(StringIO()), resume=resume)


def test_the_champion_is_what_the_last_cycle_found_and_all_cycles_are_counted(done, recipe):
    folder, summary = done
    assert summary["best"]["genes"]["cycle"] == 1
    assert summary["search"]["work"] == 2 * 60 * (8 + 12 * 6) + 2 * 60
    foretold = {one.phase: one for one in estimate(load_recipe(recipe))[0]}["search"]
    assert (foretold.measurements, foretold.work) == (21, summary["search"]["work"])
    work = {entry["name"]: entry["work"] for entry in summary["baselines"]}
    assert work["unselected"] == summary["final"]["work"] > summary["search"]["work"]
    assert sorted(one.name for one in (folder / "export/targets").iterdir())[0] == "search-cycle1-00000.safetensors"
    assert [claim for claim in verify(folder) if not claim.holds] == []


@pytest.mark.parametrize("after", [1, 5])
def test_a_run_that_was_interrupted_between_search_and_learning_ends_the_same(
    done, recipe, tmp_path, monkeypatch, after
):
    evaluate, seen = ShardJob.evaluate, []

    def interrupted(self, batch, budget):
        for genes, evaluation in zip(batch, evaluate(self, batch, budget), strict=True):
            seen.append(genes)
            if sum(isinstance(one, CycleNetwork) or bool(one.network) for one in seen) == after:
                raise KeyboardInterrupt
            yield evaluation

    with monkeypatch.context() as patch:
        patch.setattr(ShardJob, "evaluate", interrupted)
        with pytest.raises(KeyboardInterrupt):
            run(recipe, tmp_path / "run", "baselines=[]")
    resumed = run(recipe, tmp_path / "run", "baselines=[]", resume=True)
    assert resumed["best"]["key"] == done[1]["best"]["key"]
    one, other = (
        [(row.key, row.evaluation.values) for row in Ledger(folder / "ledger.sqlite").rows("search")]
        for folder in (tmp_path / "run", done[0])
    )
    assert one == other
    assert len(one) == 21
