import numpy as np
import pytest

from evokit.genomes.individuals import make_individual
from evokit.interfaces import Context
from evokit.selection.double_tournament import DoubleTournament, double_tournament
from evokit.streams import Streams
from tests.genomes.trees import formulas
from tests.searches.building import set_values

GENOME = formulas()
SMALL, LARGE = ("x",), ("sin", "sin", "x")


def people(*values):
    """As many pairs of a small and a large tree, of equal value."""
    genes = [genes for _ in values for genes in (SMALL, LARGE)]
    made = [make_individual(GENOME, one, (-1.0,)) for one in genes]
    return set_values(made, [value for value in values for _ in range(2)])


@pytest.mark.parametrize(("parsimony", "share"), [(1.0, 0.5), (1.4, 0.6), (2.0, 0.75)])
def test_the_smaller_one_wins_a_duel_as_often_as_it_is_told(parsimony, share, rng):
    # Half of all duels are between a small and a large one, the others between equals.
    winners = double_tournament(people(1.0), 4000, size=1, parsimony=parsimony, rng=rng)
    assert np.mean([one.genes == SMALL for one in winners]) == pytest.approx(share, abs=0.03)


def test_entrants_of_duels_have_won_tournaments(rng):
    winners = double_tournament(people(1.0, 2.0), 200, size=4, parsimony=2.0, rng=rng)
    assert {one.fitness.values for one in winners} == {(1.0,)}


def test_the_component_says_how_many(rng):
    select = DoubleTournament(size=1, parsimony=2.0).build(Context(Streams(0)))
    assert len(select(people(1.0, 3.0), 7, rng)) == 7
    with pytest.raises(ValueError, match="at least one measured"):
        select([], 1, rng)
