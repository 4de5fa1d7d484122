"""Smoothed bigrams, against counts by hand."""

import numpy as np
import pytest

from evokit.data.text import Blocks
from evokit_crystalline.closed_form.bigrams import count_bigrams


@pytest.fixture
def bigrams():
    # Pairs: 5-6 twice, 5-7, 6-5, 7-5; so 6, 7 and 5 follow 1, 1 and 2 different contexts; 7 alone is seen once.
    inputs, targets = np.array([[5, 6, 5, 7, 5]]), np.array([[6, 5, 7, 5, 6]])
    return count_bigrams(Blocks(inputs, targets, np.array([0])), vocab_size=10, discount=0.5)


def dense(bigrams):
    return bigrams.discounted.toarray() + bigrams.backoff[:, None] * bigrams.base


def test_the_values_are_interpolated_kneser_ney(bigrams):
    base = np.array([2 / 4, 1 / 4, 1 / 4, 0]) * (1 - 1 / 5) + [0, 0, 0, 1 / 5]
    assert bigrams.contexts.tolist() == bigrams.words.tolist() == [5, 6, 7]
    assert bigrams.base == pytest.approx(base)
    after_5 = np.array([0, 1.5 / 3, 0.5 / 3, 0]) + 1 / 3 * base
    assert dense(bigrams)[0] == pytest.approx(after_5)


def test_every_context_is_a_distribution_and_what_was_never_read_is_the_base(bigrams):
    assert dense(bigrams).sum(1) == pytest.approx(np.ones(4))
    assert dense(bigrams)[3] == pytest.approx(bigrams.base)


def test_unseen_tokens_are_the_last_context_and_the_last_word(bigrams):
    assert bigrams.n_unseen == 7
    assert bigrams.context_of()[[5, 7, 0]].tolist() == bigrams.word_of()[[5, 7, 0]].tolist() == [0, 2, 3]
