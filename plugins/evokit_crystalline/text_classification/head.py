"""The head of a classifier: a multinomial logistic regression, and how its predictions are scored."""

from __future__ import annotations

from typing import Any

import numpy as np


def fit_head(features: np.ndarray, labels: np.ndarray, C: float) -> tuple[np.ndarray, np.ndarray] | None:
    """Weights ``(n_classes, n)`` and biases ``(n_classes,)`` of a multinomial logistic regression.

    The penalty is on weights of standardised features, so that their scale says nothing.

    Returns:
        None if a feature is not finite.
    """
    if not np.isfinite(features).all():
        return None
    centre, spread = features.mean(0), features.std(0)
    spread[spread == 0] = 1.0
    weights, biases = logistic_regression((features - centre) / spread, labels, C)
    weights = weights / spread
    return weights, biases - weights @ centre


def logistic_regression(features: Any, labels: np.ndarray, C: float) -> tuple[np.ndarray, np.ndarray]:
    """Weights ``(n_classes, n)`` and biases ``(n_classes,)`` of a multinomial logistic regression.

    They minimise ``C`` times the summed cross-entropy plus half the sum of the squared weights.

    Args:
        features: ``(n_texts, n)``, dense or sparse.
        labels: ``(n_texts,)``, each class at least once.
        C: Inverse of the penalty.
    """
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=C, max_iter=5000).fit(features, labels)
    weights, biases = model.coef_, model.intercept_
    if len(biases) == 1:  # of two classes scikit-learn keeps the difference
        return np.concatenate([-weights, weights]) / 2, np.concatenate([-biases, biases]) / 2
    return weights, biases


def log_probabilities(features: np.ndarray, weights: np.ndarray, biases: np.ndarray) -> np.ndarray:
    """``(n_texts, n_classes)`` of a linear head."""
    from scipy.special import log_softmax

    found: np.ndarray = log_softmax(features @ weights.T + biases, axis=1)
    return found


def scores(log_probabilities: np.ndarray, labels: np.ndarray) -> dict[str, np.ndarray]:
    """``(n_texts,)`` cross-entropies in nats, and accuracies, 0 or 1."""
    return {
        "cross_entropy": -log_probabilities[np.arange(len(labels)), labels],
        "accuracy": (log_probabilities.argmax(1) == labels).astype(float),
    }
