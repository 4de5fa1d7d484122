"""Closed-form factors: each step must lower the cross-entropy that it is about."""

import threading

import numpy as np
import pytest
import torch

from evokit.data.text import full_blocks
from evokit.streams import Streams
from evokit_crystalline.closed_form import factors
from evokit_crystalline.closed_form.bigrams import count_bigrams
from evokit_crystalline.closed_form.factors import newton_contexts, newton_words, svd_factors, unigram_factors
from evokit_crystalline.gpt2.measuring import torch_threads
from tests.plugins.crystalline.tiny import markov


@pytest.fixture(scope="module")
def bigrams():
    return count_bigrams(full_blocks(markov(20, seed=1), 16), 50257, 0.75)


def cross_entropy(bigrams, fitted):
    q = torch.from_numpy(bigrams.discounted.toarray() + bigrams.backoff[:, None] * bigrams.base).double()
    p = torch.log_softmax((fitted.E @ fitted.H.T + fitted.b).double(), 1)
    weights = torch.from_numpy(bigrams.context_counts).double()
    return -(weights[:, None] * q * p).sum().item() / weights.sum().item()


def entropy(bigrams):
    q = bigrams.discounted.toarray() + bigrams.backoff[:, None] * bigrams.base
    weights = bigrams.context_counts / bigrams.context_counts.sum()
    return -(weights[:, None] * q * np.log(q)).sum()


def test_an_svd_of_full_rank_is_the_bigram_model_itself(float64):
    bigrams = count_bigrams(full_blocks(markov(20, seed=1), 16), 50257, 0.75)
    full = min(bigrams.discounted.shape)
    assert cross_entropy(bigrams, svd_factors(bigrams, full, Streams(0))) == pytest.approx(entropy(bigrams))


def test_more_rank_and_each_newton_step_come_closer_to_it(bigrams):
    steps = [unigram_factors(bigrams, 6), svd_factors(bigrams, 6, Streams(0))]
    steps.append(newton_contexts(bigrams, steps[-1], 1.0))
    steps.append(newton_words(bigrams, steps[-1], 5.0))
    steps.append(newton_contexts(bigrams, steps[-1], 1.0))
    losses = [cross_entropy(bigrams, one) for one in steps]
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < losses[1] - 0.01
    assert losses[-1] > entropy(bigrams)


def test_repeated_newton_steps_of_contexts_approach_the_point_without_gradient(bigrams):
    fitted = svd_factors(bigrams, 4, Streams(0))
    for _ in range(8):
        fitted = newton_contexts(bigrams, fitted, 0.0)
    q = torch.from_numpy(bigrams.discounted.toarray() + bigrams.backoff[:, None] * bigrams.base)
    gradient = (q - torch.softmax(fitted.E @ fitted.H.T + fitted.b, 1)) @ fitted.H
    start = svd_factors(bigrams, 4, Streams(0))
    first = (q - torch.softmax(start.E @ start.H.T + start.b, 1)) @ start.H
    assert (gradient.norm(dim=1) / first.norm(dim=1)).median() < 0.005


def test_a_newton_step_is_the_solution_of_the_dense_quadratic_model(float64):
    """With all that is sparse, chunked or shared written out for one row at a time."""
    bigrams = count_bigrams(full_blocks(markov(20, seed=1), 16), 50257, 0.75)
    start = svd_factors(bigrams, 4, Streams(0))
    found = newton_contexts(bigrams, start, 2.0)
    base = torch.from_numpy(bigrams.base)
    q = torch.from_numpy(bigrams.discounted.toarray()) + torch.from_numpy(bigrams.backoff)[:, None] * base
    for i in (0, 7, len(q) - 1):

        def loss(row, i=i):
            return (start.H @ row + start.b).logsumexp(0) - q[i] @ (start.H @ row + start.b)

        metric = q[i] + 2.0 / bigrams.context_counts[i] * base
        hessian = start.H.T @ (metric[:, None] * start.H) - torch.outer(q[i] @ start.H, q[i] @ start.H)
        hessian += factors.RIDGE * torch.eye(4)
        gradient = torch.func.grad(loss)(start.E[i])
        tried = [start.E[i] - t * torch.linalg.solve(hessian, gradient) for t in (*factors.STEPS, 0.0)]
        torch.testing.assert_close(found.E[i], min(tried, key=loss), rtol=1e-6, atol=1e-6)


def test_the_stream_decides_the_factors(bigrams):
    a, b = (svd_factors(bigrams, 4, Streams(5)) for _ in range(2))
    assert torch.equal(a.E, b.E)
    assert torch.equal(a.H, b.H)


@pytest.mark.parametrize("step", [newton_contexts, newton_words])
def test_the_number_of_cores_changes_no_bit(bigrams, monkeypatch, step):
    monkeypatch.setattr(factors, "CONTEXTS_AT_ONCE", 8)
    monkeypatch.setattr(factors, "ROWS_AT_ONCE", 4)
    start, found, threads = svd_factors(bigrams, 6, Streams(0)), [], set()

    def noted(*arguments):
        if threading.get_ident() not in threads:
            threads.add(threading.get_ident())
            together.wait(60)  # so that every thread gets a chunk
        return solve(*arguments)

    solve = factors._solve_rows
    monkeypatch.setattr(factors, "_solve_rows", noted)
    for cores in (1, 3):
        monkeypatch.setattr(factors, "usable_cores", lambda cores=cores: cores)
        threads.clear()
        together = threading.Barrier(cores)
        with torch_threads(1):
            found.append(step(bigrams, start, 5.0))
        assert len(threads) == cores
    one, three = found
    assert torch.equal(one.E, three.E)
    assert torch.equal(one.H, three.H)
    assert torch.equal(one.b, three.b)


def test_what_goes_wrong_in_a_thread_is_raised(bigrams, monkeypatch):
    def broken(*arguments):
        raise ArithmeticError("as planned")

    monkeypatch.setattr(factors, "_solve_rows", broken)
    with pytest.raises(ArithmeticError, match="as planned"):
        newton_contexts(bigrams, svd_factors(bigrams, 6, Streams(0)), 1.0)
