"""Gradient steps on the champion's continuous parts, and AdamW from the same start."""

import numpy as np
import pytest
import torch

from evokit.interfaces import Individual, Score
from evokit_crystalline.finished import read_model
from evokit_crystalline.genome import Crystalline
from evokit_crystalline.library import LibraryOptions
from evokit_crystalline.measuring import mean_losses
from evokit_crystalline.options import AdamW, Assemble, Continuous, Gpt2Loss
from evokit_crystalline.sizes import HEAD
from tests.plugins.crystalline.tiny import FITTED, fitted_context


def fitted_parts():
    options = Gpt2Loss(FITTED, tokens=256, block=16, continuous=Continuous(fit="bigram_svd"))
    fitness = options.build(fitted_context())
    return fitness, Crystalline(LibraryOptions(size=4, kinds=("zero", "learned"))).build(
        fitted_context(fitness=fitness)
    )


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EVOKIT_CACHE", str(tmp_path_factory.mktemp("cache")))
        fitness, genome = fitted_parts()
        genes = np.array([1, 1, 0, 0, 0, 0, 0, 0])
        return fitness, genome, Individual(genes, "key", Score((-1.0,)))


def test_the_crystals_stay_and_the_parts_learn(parts, tmp_path):
    fitness, genome, best = parts
    contender = Assemble(hybrid=AdamW(steps=4, lr=(1e-2,), batch=4)).build(
        fitted_context(fitness=fitness, genome=genome)
    )
    (setting,) = contender.settings(best)
    result = contender.fit(setting, 0, contender.budgets[-1], tmp_path)
    tensors, sizes = read_model(result.artifact)
    layers = genome.express(best.genes)
    assert not sizes.tied
    assert all(torch.equal(tensors[f"{slot}.weight"], layers[slot].dense()) for slot in fitness.slots)
    learned = {HEAD, "transformer.wte.weight"}
    for name, part in fitness.frame.parts.items():  # positions and norms stay, as crystals rely on them
        if name in learned:
            assert (tensors[name] - part).abs().max() > 5e-3  # half a step
        else:
            assert torch.equal(tensors[name], part)
    with pytest.raises(ValueError, match="there is no champion to train on"):
        contender.settings(None)


def test_adamw_from_the_fitness_starts_at_the_loss_of_the_parts_alone(float64, tmp_path, monkeypatch):
    monkeypatch.setenv("EVOKIT_CACHE", str(tmp_path))
    fitness, genome = fitted_parts()
    contender = AdamW(steps=1, start="fitness", batch=4).build(fitted_context(fitness=fitness))
    training = contender.start(contender.settings(None)[0], 0, tmp_path / "state")
    off = [genome.express(np.zeros(8, int))[name] for name in fitness.slots]
    blocks = contender._batch(0, 0)
    assert training.update(blocks, 0.0) == pytest.approx(mean_losses(fitness.frame, [off], blocks)[0])
    (zeros,) = fitness.mean_losses([off], 256)
    assert contender.validated(training.tensors, 0, padded=False).values[0] == pytest.approx(zeros)


def test_a_random_start_may_be_tied_whatever_the_fitness_is(parts, tmp_path):
    fitness, _, _ = parts
    contender = AdamW(steps=1, tied=True, batch=4).build(fitted_context(fitness=fitness))
    result = contender.fit(contender.settings(None)[0], 0, contender.budgets[-1], tmp_path)
    tensors, sizes = read_model(result.artifact)
    assert sizes.tied
    assert HEAD not in tensors
    assert contender.score(result.artifact, fitness.validation).shape == (4,)


def test_a_tied_start_from_the_fitness_is_refused():
    with pytest.raises(ValueError, match="tied belongs to start: random"):
        AdamW(start="fitness", tied=True)
