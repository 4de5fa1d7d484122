"""The champion as a classifier."""

from dataclasses import replace

import numpy as np
import pytest

from evokit.interfaces import Context, Individual, Score
from evokit.streams import Streams
from evokit_crystalline.genome import build_genome
from evokit_crystalline.options import Crystalline
from evokit_crystalline.text_classification.final import build_champion
from evokit_crystalline.text_classification.fitness import build_fitness
from evokit_crystalline.text_classification.options import Classify
from tests.plugins.crystalline.text_classification.tiny import OPTIONS, alone, context, fitted, labelled


@pytest.fixture(scope="module")
def fitness():
    return build_fitness(OPTIONS, context())


def champion_of(fitness):
    genome = build_genome(Crystalline(), Context(Streams(0), fitness=fitness))
    return genome, Individual(genome.random(np.random.default_rng(0)), "key", Score((-1.0,)))


@pytest.fixture(scope="module")
def champion(fitness):
    return champion_of(fitness)


def test_the_champions_model_has_the_value_that_the_search_measured(float64, tmp_path):
    fitness = alone()
    genome, best = champion_of(fitness)
    contender = build_champion(Classify(), context(fitness=fitness, genome=genome))
    (measured,) = fitness.evaluate([genome.express(best.genes)], fitness.budgets[-1])
    assert fitted(contender, tmp_path, best).values == pytest.approx(measured.values)


@pytest.mark.parametrize("metric", ["cross_entropy", "accuracy"])
def test_a_score_is_a_mean_over_the_texts_of_a_unit(champion, tmp_path, metric):
    measured = alone(replace(OPTIONS, metric=metric))
    genome, best = champion
    contender = build_champion(Classify(texts=90), context(fitness=measured, genome=genome))
    result, split = fitted(contender, tmp_path, best), labelled(seed=5)
    scores = contender.score(result.artifact, split)
    one = replace(split, units=np.arange(len(split)))
    assert scores == pytest.approx(contender.score(result.artifact, one).reshape(30, 4).mean(1))
    assert len(contender.train) == 90


def test_without_a_champion_there_is_nothing_to_assemble(fitness, champion):
    with pytest.raises(ValueError, match="there is no champion to assemble"):
        build_champion(Classify(), context(fitness=fitness, genome=champion[0])).settings(None)
