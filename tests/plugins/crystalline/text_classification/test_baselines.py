"""The bag of words."""

from dataclasses import replace

import numpy as np
import pytest

from evokit_crystalline.crystals.matrices import Dense
from evokit_crystalline.text_classification.baselines import BagOfWordsClassifier, build_words
from evokit_crystalline.text_classification.fitness import build_fitness
from evokit_crystalline.text_classification.head import log_probabilities, logistic_regression
from evokit_crystalline.text_classification.options import BagOfWords
from tests.plugins.crystalline.text_classification.tiny import OPTIONS, alone, context, fitted, labelled
from tests.plugins.crystalline.tiny import SIZES


@pytest.fixture(scope="module")
def fitness():
    return build_fitness(OPTIONS, context())


def passing():
    """Layers that change nothing, so that a text is the mean of its embeddings."""
    return {slot: Dense(np.zeros(shape)) for slot, shape in SIZES.slots().items()}


def test_a_bag_of_words_tells_these_classes_and_its_file_repeats_it(fitness, tmp_path):
    contender = build_words(BagOfWords(C=(10.0,)), context(fitness=fitness))
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
