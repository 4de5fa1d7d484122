"""Classification of texts by structured layers, and its contenders."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from evokit.data.labelled import LabelledTexts
from evokit.data.text import EOS, join_documents
from evokit.errors import UserError
from evokit.interfaces import Context, Individual, Score
from evokit.streams import Streams
from evokit_crystalline import gpt2
from evokit_crystalline.classifiers import BagOfWordsClassifier
from evokit_crystalline.genome import Crystalline
from evokit_crystalline.matrices import Dense
from evokit_crystalline.text_classification import (
    Encoded,
    fit_head,
    log_probabilities,
    logistic_regression,
    mean_states,
)
from evokit_crystalline.text_options import BagOfWords, Classify, TextClassification
from tests.plugins.crystalline.tiny import SIZES, documents, phenotype

OPTIONS = TextClassification(SIZES, train_texts=60, rungs=(30,), validation_texts=30, length=12)


def labelled(n=120, seed=0, n_classes=3):
    """Texts whose class decides which words are frequent; four texts a document."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % n_classes
    pieces = [rng.integers(20, size=rng.integers(5, 20)) + 15 * label for label in labels]
    names = [f"{seed}/{i}" for i in range(n)]
    classes = tuple("abcdef"[:n_classes])
    return LabelledTexts(join_documents(pieces, names), labels, classes, np.arange(n) // 4)


def context(**parts):
    return Context(Streams(3), **{"train": labelled(seed=1), "validation": labelled(seed=2), **parts})


@pytest.fixture(scope="module")
def fitness():
    return OPTIONS.build(context())


def alone(options=OPTIONS, **parts):
    return options.build(context(**parts))


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
            states = gpt2.hidden(fitness.parts, layers, SIZES, torch.from_numpy(tokens[None, :count]))
            rows.append(states[0].mean(0).numpy())
        features.append(np.array(rows))
    found = log_probabilities(features[1], *fit_head(features[0], fitness.train.labels, 0.01))
    assert one.values[0] == pytest.approx(-found[np.arange(30), fitness.validation.labels].mean())
    assert one.work == (60 + 30) * 12


def test_a_head_is_the_minimum_of_the_penalised_cross_entropy():
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(0)
    labels = np.arange(60) % 3
    features = rng.normal(size=(60, 4)) * [1, 5, 0.1, 2] + labels[:, None]
    standard = (features - features.mean(0)) / features.std(0)
    weights, biases = fit_head(features, labels, C=0.5)
    scaled = weights * features.std(0)  # of the standardised features, on which the penalty is
    error = np.exp(log_probabilities(features, weights, biases)) - np.eye(3)[labels]
    end = LogisticRegression().tol * 60  # of the mean gradient, times texts
    assert 0.5 * error.T @ standard + scaled == pytest.approx(np.zeros((3, 4)), abs=0.5 * end)
    assert error.sum(0) == pytest.approx(np.zeros(3), abs=end)


def test_a_feature_that_never_changes_has_no_say():
    features = np.random.default_rng(0).normal(size=(30, 3))
    labels = np.arange(30) % 3
    with_constant = np.column_stack([features, np.full(30, 7.0)])
    assert log_probabilities(with_constant, *fit_head(with_constant, labels, 1.0)) == pytest.approx(
        log_probabilities(features, *fit_head(features, labels, 1.0))
    )


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
    assert OPTIONS.build(replace(context(), **change)).context != fitness.context
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


# --- finished models


def champion_of(fitness):
    genome = Crystalline().build(Context(Streams(0), fitness=fitness))
    return genome, Individual(genome.random(np.random.default_rng(0)), "key", Score((-1.0,)))


@pytest.fixture(scope="module")
def champion(fitness):
    return champion_of(fitness)


def fitted(contender, folder, best=None):
    (setting, *_) = contender.settings(best)
    return contender.fit(setting, 0, contender.budgets[-1], folder)


def test_the_finished_champion_has_the_value_that_the_search_measured(float64, tmp_path):
    fitness = alone()
    genome, best = champion_of(fitness)
    contender = Classify().build(context(fitness=fitness, genome=genome))
    (measured,) = fitness.evaluate([genome.express(best.genes)], fitness.budgets[-1])
    assert fitted(contender, tmp_path, best).values == pytest.approx(measured.values)


@pytest.mark.parametrize("metric", ["cross_entropy", "accuracy"])
def test_a_score_is_a_mean_over_the_texts_of_a_unit(champion, tmp_path, metric):
    measured = alone(replace(OPTIONS, metric=metric))
    genome, best = champion
    contender = Classify(texts=90).build(context(fitness=measured, genome=genome))
    result, split = fitted(contender, tmp_path, best), labelled(seed=5)
    scores = contender.score(result.artifact, split)
    one = replace(split, units=np.arange(len(split)))
    assert scores == pytest.approx(contender.score(result.artifact, one).reshape(30, 4).mean(1))
    assert len(contender.train) == 90


def test_a_bag_of_words_tells_these_classes_and_its_file_repeats_it(fitness, tmp_path):
    contender = BagOfWords(C=(10.0,)).build(context(fitness=fitness))
    result = fitted(contender, tmp_path)
    assert result.metrics["accuracy"] > 0.8
    validation = labelled(seed=2)
    score = contender.score(result.artifact, replace(validation, units=np.arange(120)))
    assert score[validation.balanced(30)].mean() == pytest.approx(result.values[0])
    assert contender.goal == "min"


def test_two_classes_are_served_too(tmp_path):
    from sklearn.linear_model import LogisticRegression

    two = alone(train=labelled(seed=1, n_classes=2), validation=labelled(seed=2, n_classes=2))
    assert two.evaluate([passing()], two.budgets[-1])[0].ok
    bag = BagOfWordsClassifier(BagOfWords(), two)
    assert [setting["C"] for setting in bag.settings(None)] == [1.0, 10.0, 100.0]
    assert fitted(bag, tmp_path).metrics["accuracy"] > 0.9
    features, labels = np.random.default_rng(0).normal(size=(40, 3)), np.arange(40) % 2
    expected = LogisticRegression(C=0.3).fit(features, labels).predict_log_proba(features)
    assert log_probabilities(features, *logistic_regression(features, labels, 0.3)) == pytest.approx(expected)


def test_without_a_champion_there_is_nothing_to_assemble(fitness, champion):
    with pytest.raises(ValueError, match="there is no champion to assemble"):
        Classify().build(context(fitness=fitness, genome=champion[0])).settings(None)
