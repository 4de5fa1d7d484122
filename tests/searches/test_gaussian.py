"""What holds for all searches that follow the gradient of a normal sample."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evokit.genomes.real_vector import RealVector
from evokit.interfaces import Context, Evaluation
from evokit.searches.gaussian import by_rank
from evokit.searches.pgpe import PGPE
from evokit.searches.snes import SNES
from evokit.streams import Streams
from tests.door import SumFitness, door
from tests.searches.building import built, run

N = 40
BOX = RealVector(-5, 5, N, np.float32)
SCALE, BEST = np.logspace(0, 1, N), np.linspace(-1, 1, N)
OPENAI = {"optimizer": "adam", "sigma_rate": 0.0}
ALL = [
    SNES(10, 9),
    PGPE(10, 9, optimizer="clipup"),
    PGPE(10, 9),
]
GAUSSIAN = pytest.mark.parametrize("options", ALL, ids=["snes", "clipup", "adam"])


class Stretched(SumFitness):
    """A sphere whose axes are stretched up to tenfold, lowest at ``BEST``; ``fails`` says who fails."""

    def __init__(self, fails=lambda genes: False, goal="min"):
        super().__init__(goal=goal)
        self.fails_at = fails

    def answer(self, genes, budget):
        if self.fails_at(genes):
            return Evaluation(outcome="diverged", work=budget)
        value = float(np.square((genes - BEST) * SCALE).mean())
        return Evaluation((value if self.objectives["sum"] == "min" else -value,), work=budget)


def searched(options, fitness=None, ledger=None, genome=BOX):
    fitness = fitness or Stretched()
    return built(options, fitness, genome), door(fitness, ledger, genome)


def told(search, losses):
    """Ask, and tell these losses of the samples; the mean is as bad as the worst."""
    asked = search.ask()
    for one, loss in zip(asked, [*losses, max(losses)], strict=True):
        one.fitness.values = (float(loss),)
    search.tell(asked)
    return np.stack([one.genes for one in asked])


@pytest.mark.parametrize("goal", ["min", "max"])
@pytest.mark.parametrize(
    ("options", "loss"),
    [(SNES(20, 250), 1e-3), (PGPE(40, 200, optimizer="clipup", rate=0.02), 0.05), (PGPE(40, 200, **OPENAI), 0.05)],
    ids=["snes", "pgpe", "openai"],
)
def test_it_comes_near_the_optimum_of_a_stretched_sphere(options, loss, goal):
    search = built(options, Stretched(goal=goal), BOX)
    start = np.square(BEST * SCALE).mean()
    while not search.done:
        asked = search.ask()
        for one in asked:
            value = Stretched(goal=goal).answer(one.genes, 1).values
            one.fitness.values = value
        search.tell(asked)
    assert abs(search.best().fitness.values[0]) < loss * start


@GAUSSIAN
def test_genes_lie_in_the_bounds_and_have_the_genomes_precision(options):
    search, measure = searched(replace(options, sigma=1.0))
    run(search, measure, 3)
    genes = np.stack([one.genes for one in search.ask()])
    assert genes.dtype == np.float32
    assert genes.min() == -5
    assert genes.max() == 5


@GAUSSIAN
def test_the_mean_is_measured_too(options):
    search, measure = searched(options)
    assert search.ask()[-1].genes.tolist() == [0.0] * N
    run(search, measure, 4)
    last = search.ask()[-1]
    assert last.born_by == "mean"
    assert last.genes.tobytes() == search.state_dict()["mean"].tobytes()


@GAUSSIAN
def test_it_begins_at_the_genes_of_init(options):
    start = np.linspace(-1, 3, N, dtype=np.float32)
    context = Context(Streams(0), fitness=Stretched(), genome=BOX, init=[start])
    samples = np.stack([one.genes for one in options.build(context).ask()])
    assert samples[-1].tobytes() == start.tobytes()
    assert samples[:-1].mean(0) == pytest.approx(start, abs=1.5)


@GAUSSIAN
def test_where_all_fail_nothing_is_learnt_and_it_goes_on_until_its_end(options):
    search, measure = searched(options, Stretched(lambda genes: True))
    before = search.state_dict()
    assert run(search, measure).generation == 9
    assert not search.hall_of_fame()
    after = search.state_dict()
    assert after["mean"].tobytes() == before["mean"].tobytes()
    assert after["sigma"] == pytest.approx(before["sigma"])


@GAUSSIAN
def test_what_was_saved_is_not_changed_by_going_on(options):
    search, measure = searched(options)
    run(search, measure, 2)
    state = search.state_dict()
    before = repr(state)
    run(search, measure)
    assert repr(state) == before


@GAUSSIAN
def test_it_tells_what_it_will_measure(options):
    search, measure = searched(options)
    n, work = search.expected()
    run(search, measure)
    assert n == work == measure.work == 9 * 11


@pytest.mark.parametrize("options", [SNES(), PGPE()])
def test_a_sample_that_has_become_one_point_ends_it(options):
    search = built(options, Stretched(), BOX)
    assert not search.done
    search.load_state_dict(
        search.state_dict() | {"mean": np.ones(N, np.float32), "sigma": np.full(N, 1e-9, np.float32)}
    )
    assert search.done


@GAUSSIAN
def test_standard_deviations_grow_no_wider_than_the_box(options):
    search = built(replace(options, sigma=1.0, generations=None), Stretched(), BOX)
    for _ in range(60):
        asked = search.ask()
        for one in asked:  # the further out, the better
            one.fitness.values = (-float(np.square(one.genes).sum()),)
        search.tell(asked)
    sigma = search.state_dict()["sigma"]
    assert (sigma <= 10).all()
    assert np.abs(search.state_dict()["mean"]).max() <= 5


@GAUSSIAN
def test_a_hundred_thousand_numbers_take_a_step(options):
    genome = RealVector(-1, 1, 100_000, np.float32)
    search = built(replace(options, generations=2), Stretched(), genome)
    before = search.state_dict()["mean"]
    genes = told(search, range(10))
    after = search.state_dict()
    assert genes.shape == (11, 100_000)
    assert after["mean"].dtype == after["sigma"].dtype == np.float32
    # A step towards the better half.
    assert (after["mean"] - before) @ (genes[0] - genes[9]) > 0
    assert len(after["population"]["genes"]) == 1


@given(st.lists(st.sampled_from([0.0, 1.0, 2.5, 7.0]), min_size=1, max_size=12))
def test_equals_share_what_their_ranks_are_worth(losses):
    utilities = np.linspace(1, -1, len(losses)) ** 3
    shares = by_rank(utilities, np.array(losses))
    assert shares.sum() == pytest.approx(utilities.sum(), abs=1e-12)
    for loss, share in zip(losses, shares, strict=True):
        ranks = [rank for rank, other in enumerate(sorted(losses)) if other == loss]
        assert share == pytest.approx(np.mean([utilities[rank] for rank in ranks]))
