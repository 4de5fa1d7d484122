from dataclasses import replace

import pytest
import torch

from evokit_activations.genome import Shard
from evokit_activations.layerwise.search import label_log_likelihood
from evokit_activations.options import Augment, Layer, Network, Training
from evokit_activations.targets.store import StoredShard

from ..tiny import OPTIONS, SEARCH, job, measured, split


@pytest.fixture
def shards(tmp_path):
    return job(tmp_path)


def test_the_value_is_that_of_the_targets_as_stored(shards, tmp_path):
    evaluation = measured(shards, Shard(1))
    stored = StoredShard(tmp_path / evaluation.artifact)
    labels = shards.task.labels[6:12]
    assert stored.first_image == 6
    assert stored.layers[0].dtype == torch.bfloat16
    assert evaluation.values[0] == pytest.approx(
        -label_log_likelihood(stored.layers[-1], labels).double().mean().item()
    )
    assert evaluation.work == shards.budgets[-1] == 6 * (9 + 7 * 7)
    assert set(evaluation.metrics) == {f"cross_entropy_{name}" for name in ("block0", "block1", "logits")}


def test_a_shard_has_the_same_bits_whatever_was_measured_before(shards, tmp_path):
    alone = job(tmp_path / "other")
    for index in (0, 1, 2):
        measured(shards, Shard(index))
    measured(alone, Shard(2))
    one, other = (StoredShard(each.store.path(Shard(2))) for each in (shards, alone))
    assert one.path.read_bytes() == other.path.read_bytes()


def test_the_lower_budget_is_the_first_population(shards):
    evaluation = measured(shards, Shard(0), budget=0)
    assert evaluation.artifact == ""
    assert evaluation.work == 6 * 9
    assert evaluation.values[0] > measured(shards, Shard(0)).values[0]


def test_outside_of_a_run_nothing_is_stored_and_the_value_is_the_same(shards):
    assert measured(job(), Shard(0)).values == measured(shards, Shard(0)).values


def test_targets_are_the_mean_of_their_shards(shards):
    values = [measured(shards, Shard(index)).values[0] for index in (0, 2)]
    targets = shards.store.targets([Shard(0), Shard(2)])
    assert measured(shards, targets).values[0] == pytest.approx(sum(values) / 2)
    assert targets.shards == (0, 2)


def test_selection_switched_off_costs_the_same_and_finds_less(shards):
    drifting, selected = measured(shards, Shard(0, "unselected")), measured(shards, Shard(0))
    assert drifting.work == selected.work
    assert drifting.values[0] > selected.values[0]


def test_the_context_is_all_that_decides_a_value():
    one = job()
    assert job().context == one.context
    others = [
        job(search=replace(SEARCH, parents=3)),
        job(search=replace(SEARCH, lanes=2)),
        job(options=replace(OPTIONS, stored="float16")),
        job(options=replace(OPTIONS, model=Network(channels=(3, 5)))),
        job(data_digest="other"),
        job(threads=2),
        job(options=replace(OPTIONS, training=Training(augment=Augment()))),
    ]
    assert len({one.context, *(other.context for other in others)}) == 8
    assert job(search=replace(SEARCH, shards=1)).context == one.context, "how shards are handed out decides nothing"


@pytest.mark.parametrize("precision", ["float32", "float64", "bfloat16"])
@pytest.mark.parametrize("channels", [1, 3])
def test_any_precision_and_any_number_of_colours(precision, channels):
    one = job(
        search=replace(SEARCH, precision=precision), train=split(24, 0, channels), validation=split(6, 1, channels)
    )
    assert measured(one, Shard(0)).ok


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"search": replace(SEARCH, shard=7)}, "does not divide the 24 training images; set data.limit.train to 21"),
        ({"search": replace(SEARCH, layers=(Layer(1, 0.1),) * 2)}, "layers needs 3 entries"),
        ({"options": replace(OPTIONS, model=Network(channels=(2,) * 4))}, "too small for 4 blocks"),
        ({"train": [1]}, "it takes images"),
        ({"train": split(6, 0) | {"more": split(6, 0)["stripes"]}}, "it takes one data set, got stripes, more"),
    ],
)
def test_what_does_not_fit_is_said(changes, message):
    with pytest.raises(ValueError, match=message):
        job(**changes)
