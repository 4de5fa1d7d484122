"""Texts that models write."""

import math

import numpy as np
import pytest
import torch

from evokit.data.text import EOS
from evokit.streams import Streams
from evokit_crystalline.crystals.matrices import Dense
from evokit_crystalline.gpt2 import model
from evokit_crystalline.gpt2.continuous import random_parts
from evokit_crystalline.gpt2.measuring import Frame
from evokit_crystalline.gpt2.sampling import sampled
from tests.plugins.crystalline.tiny import SIZES

PROMPT = np.array([EOS, 5, 6])


@pytest.fixture(scope="module")
def parts():
    """A model whose next words differ in likelihood: a start at random makes nearly all alike."""
    made = {name: 20 * part for name, part in random_parts(SIZES, Streams(0)).items()}
    return Frame.of(SIZES, made, "float32"), [
        Dense(np.random.default_rng(i).normal(size=shape)) for i, shape in enumerate(SIZES.slots().values())
    ]


def written(parts, n=8, seed=0, **how):
    return sampled(*parts, PROMPT, n, **{"temperature": 0.8, "top_k": 5, **how}, rng=np.random.default_rng(seed))


def by_hand(frame, layers, n, temperature, top_k, seed):
    """One word after the other: sort all, keep the first few, walk up their probabilities."""
    rng, text = np.random.default_rng(seed), PROMPT.tolist()
    for _ in range(n):
        states = model.hidden(frame.parts, layers, frame.sizes, torch.tensor([text]))
        logits = (states[0, -1] @ frame.head.weight.T).tolist()
        best = sorted(range(len(logits)), key=lambda word: (-logits[word], word))[:top_k]
        weights = [math.exp(logits[word] / temperature) for word in best]
        left, at = rng.random() * sum(weights), 0
        while left >= weights[at]:
            left, at = left - weights[at], at + 1
        text.append(best[at])
    return text[len(PROMPT) :]


@pytest.mark.parametrize(("temperature", "top_k", "seed"), [(0.8, 5, 0), (1.5, 40, 1), (0.3, 3, 2)])
def test_a_text_is_that_of_a_loop_by_hand(parts, temperature, top_k, seed):
    found = written(parts, temperature=temperature, top_k=top_k, seed=seed)
    assert found.tolist() == by_hand(*parts, 8, temperature, top_k, seed)


def test_the_same_stream_writes_the_same_text_and_another_one_another(parts):
    assert written(parts).tolist() == written(parts).tolist()
    assert written(parts).tolist() != written(parts, seed=1).tolist()


def test_a_longer_text_begins_like_a_shorter_one(parts):
    assert written(parts, n=8)[:5].tolist() == written(parts, n=5).tolist()


def test_of_one_word_there_is_no_choice(parts):
    assert written(parts, top_k=1, seed=0).tolist() == written(parts, top_k=1, seed=1, temperature=9.0).tolist()


def test_of_equally_likely_words_the_first_are_kept(parts):
    frame, layers = parts
    even = Frame.of(SIZES, {**frame.parts, "transformer.wte.weight": torch.zeros(SIZES.vocab_size, 8)}, "float32")
    assert set(sampled(even, layers, PROMPT, 12, temperature=1.0, top_k=3, rng=np.random.default_rng(0))) == {0, 1, 2}
