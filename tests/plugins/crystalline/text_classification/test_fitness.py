"""Classification of texts by structured layers, and its contenders."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from evokit.data.text import EOS
from evokit.errors import UserError
from evokit.streams import Streams
from evokit_crystalline.crystals.matrices import Dense
from evokit_crystalline.gpt2 import model
from evokit_crystalline.text_classification.fitness import build_fitness, mean_states
from evokit_crystalline.text_classification.head import fit_head, log_probabilities
from evokit_crystalline.text_classification.texts import Encoded
from tests.plugins.crystalline.text_classification.tiny import OPTIONS, alone, context, labelled
from tests.plugins.crystalline.tiny import SIZES, documents, phenotype


@pytest.fixture(scope="module")
def fitness():
    return build_fitness(OPTIONS, context())


def passing():
    """Layers that change nothing, so that a text is the mean of its embeddings."""
    return {slot: Dense(np.zeros(shape)) for slot, shape in SIZES.slots().items()}


def test_the_value_is_that_of_hidden_states_computed_one_text_at_a_time(float64):
    fitness = alone()
    (one,) = fitness.evaluate([phenotype(0)], fitness.budgets[-1])
    layers = [phenotype(0)[slot] for slot in fitness.slots]
    features = []
    for texts in (fitness.train, fitness.validation):
        rows = []
        for tokens, count in zip(texts.tokens, texts.counts, strict=True):
            states = model.hidden(fitness.parts, layers, SIZES, torch.from_numpy(tokens[None, :count]))
            rows.append(states[0].mean(0).numpy())
        features.append(np.array(rows))
    found = log_probabilities(features[1], *fit_head(features[0], fitness.train.labels, 0.01))
    assert one.values[0] == pytest.approx(-found[np.arange(30), fitness.validation.labels].mean())
    assert one.work == (60 + 30) * 12


def test_classes_that_differ_in_their_words_are_told_apart_and_others_are_not():
    shuffled = replace(labelled(seed=1), labels=np.random.default_rng(0).permutation(labelled().labels))
    options = replace(OPTIONS, train_texts=90, validation_texts=90)
    fitness, without = alone(options), alone(options, train=shuffled)
    ((one,), (other,)) = (each.evaluate([passing()], each.budgets[-1]) for each in (fitness, without))
    assert one.values == (one.metrics["cross_entropy"],)
    assert one.metrics["accuracy"] > 0.5  # 0.68; chance is a third
    assert other.metrics["accuracy"] < 0.4  # 0.24


def test_results_come_in_the_order_of_the_batch_and_equal_those_alone(fitness):
    batch = [phenotype(seed) for seed in (2, 0, 1)]
    for budget in fitness.budgets:
        assert fitness.evaluate(batch, budget) == [fitness.evaluate([one], budget)[0] for one in batch]


def test_a_rung_reads_a_prefix_of_the_training_texts(fitness):
    short = alone(replace(OPTIONS, train_texts=30, rungs=()))
    assert short.context == fitness.context
    assert short.evaluate([phenotype(0)], short.budgets[0]) == fitness.evaluate([phenotype(0)], fitness.budgets[0])


def test_padding_and_what_is_cut_off_change_nothing():
    data = labelled()
    layers = [phenotype(0)[slot] for slot in SIZES.slots()]
    parts = alone().parts
    long = Encoded.of(data, np.arange(8), 16)
    other = Encoded(np.where(np.arange(16) < long.counts[:, None], long.tokens, 7), long.counts, long.labels)
    assert (long.tokens != other.tokens).any()
    assert (mean_states(parts, layers, SIZES, long) == mean_states(parts, layers, SIZES, other)).all()
    assert (long.tokens[long.counts < 16, -1] == EOS).all()


def test_a_fresh_fitness_reads_other_texts(fitness):
    fresh = fitness.fresh()
    used = {row.tobytes() for row in fitness.validation.tokens}
    assert used.isdisjoint(row.tobytes() for row in fresh.validation.tokens)
    assert fresh.context != fitness.context


@pytest.mark.parametrize(
    "change",
    [{"streams": Streams(4)}, {"data_digest": "other"}, {"threads": 2}],
    ids=["continuous parts", "data", "threads"],
)
def test_the_context_tells_apart_what_decides_a_value(fitness, change):
    assert alone().context == fitness.context
    assert build_fitness(OPTIONS, replace(context(), **change)).context != fitness.context
    assert alone(replace(OPTIONS, C=0.2)).context != fitness.context


def test_accuracy_is_to_be_high():
    accurate = alone(replace(OPTIONS, metric="accuracy"))
    assert accurate.objectives == {"accuracy": "max"}
    (one,) = accurate.evaluate([phenotype(0)], accurate.budgets[-1])
    assert one.values == (one.metrics["accuracy"],)


def test_hidden_states_that_are_not_finite_are_an_outcome(fitness):
    broken = phenotype(0)
    broken["transformer.h.0.attn.c_attn"] = Dense(np.full((8, 24), np.inf))
    bad, good = fitness.evaluate([broken, phenotype(1)], fitness.budgets[0])
    assert (bad.outcome, bad.values) == ("nan", ())
    assert good == fitness.evaluate([phenotype(1)], fitness.budgets[0])[0]


def test_unlabelled_data_and_wrong_sizes_are_refused():
    with pytest.raises(UserError, match="text_classification needs labelled texts"):
        alone(train=documents(), validation=documents())
    with pytest.raises(ValueError, match="length must be at most n_positions, got 17 and 16"):
        replace(OPTIONS, length=17)
    with pytest.raises(ValueError, match=r"rungs must ascend and stay below train_texts, got \[60, 60\]"):
        replace(OPTIONS, rungs=(60,))
    with pytest.raises(UserError, match="900 texts of 3 classes need 300 of each"):
        alone(replace(OPTIONS, train_texts=900))
