"""The head of a classifier."""

import numpy as np
import pytest

from evokit_crystalline.text_classification.head import fit_head, log_probabilities


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
