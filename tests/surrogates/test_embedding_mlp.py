import numpy as np
import torch

from evokit.genomes.index_vector import IndexVector
from evokit.interfaces import Context
from evokit.streams import Streams
from evokit.surrogates.embedding_mlp import EmbeddingMLP
from tests.rounding import rounding

GENOME = IndexVector([3, 2, 4])


def fitted(options, X, y):
    surrogate = options.build(Context(Streams(0), genome=GENOME))
    surrogate.fit(X, y, np.random.default_rng(0))
    return surrogate


def data(n):
    rng = np.random.default_rng(3)
    X = np.stack([GENOME.encode(GENOME.random(rng)) for _ in range(n)])
    return X, X @ np.array([1.0, -2.0, 0.5])


def test_only_the_last_measurements_are_fitted():
    X, y = data(40)
    y_of_old = y.copy()
    y_of_old[:20] = 1e6
    recent = fitted(EmbeddingMLP(window=20), X, y_of_old).predict(X)
    assert np.array_equal(recent, fitted(EmbeddingMLP(window=20), X[20:], y[20:]).predict(X))


def test_one_member_has_no_spread():
    X, y = data(20)
    assert not fitted(EmbeddingMLP(members=1), X, y).predict(X)[1].any()


def test_prediction_equals_the_networks_of_the_paper():
    X, y = data(30)
    surrogate = fitted(EmbeddingMLP(members=2), X, y)
    table, *layers = (parameter.detach() for parameter in surrogate._parameters)
    first_rows = [0, 3, 5]
    by_member, terms = [], []
    for member in range(2):
        own = table.reshape(2, 9, 16)[member]
        network = torch.nn.Sequential(
            torch.nn.Linear(48, 64), torch.nn.ReLU(), torch.nn.Linear(64, 32), torch.nn.ReLU(), torch.nn.Linear(32, 1)
        )
        for place, linear in enumerate([network[0], network[2], network[4]]):
            linear.weight.data = layers[2 * place][member].T
            linear.bias.data = layers[2 * place + 1][member, 0]
        embedded = torch.stack(
            [torch.cat([own[first + int(gene)] for first, gene in zip(first_rows, row, strict=True)]) for row in X]
        )
        by_member.append(network(embedded)[:, 0].detach().numpy() * y.std() + y.mean())
        for parameter in network.parameters():
            parameter.data = parameter.data.abs()
        terms.append(network(embedded.abs())[:, 0].detach().numpy() * y.std() + abs(y.mean()))
    mean, spread = surrogate.predict(X)
    tolerance = rounding(48 + 64 + 32, np.mean(terms, axis=0))
    assert (np.abs(mean - np.mean(by_member, axis=0)) <= tolerance).all()
    assert (np.abs(spread - np.std(by_member, axis=0)) <= tolerance).all()


def test_it_fits_what_it_was_shown():
    X, y = data(60)
    mean, _ = fitted(EmbeddingMLP(), X, y).predict(X)
    assert np.abs(mean - y).mean() < 0.1 * y.std()
