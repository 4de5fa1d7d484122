from dataclasses import replace

import cmaes
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from evokit.genomes.index_vector import IndexVector
from evokit.genomes.real_vector import RealVector
from evokit.interfaces import Context, Evaluation
from evokit.measuring.ledger import Ledger
from evokit.searches.cma import CMA
from evokit.searches.de import DE, _children
from evokit.searches.pgpe import PGPE
from evokit.searches.snes import SNES
from evokit.streams import Streams
from tests.door import SumFitness, door
from tests.searches.building import built, portrait, run, stopped_and_resumed
from tests.small import TOY, launched

BOX = RealVector([-5, -1, 0], [5, 3, 1], 3)
BEST = np.array([1.0, 2.0, 0.25])
CONTINUOUS = pytest.mark.parametrize(
    "options",
    [
        CMA(generations=9),
        CMA(generations=9, covariance="separable"),
        CMA(generations=9, keep="mean", restarts="none"),
        DE(12, 9, shrink_over=70),
        SNES(10, 9),
        PGPE(10, 9),
        PGPE(10, 9, optimizer="clipup"),
    ],
    ids=["cma", "separable", "mean", "de", "snes", "pgpe", "clipup"],
)


class Ellipsoid(SumFitness):
    """A stretched and turned valley, lowest at ``BEST``; ``fails`` says who fails."""

    def __init__(self, fails=lambda genes: False, goal="min"):
        super().__init__(goal=goal)
        self.fails_at = fails

    def answer(self, genes, budget):
        if self.fails_at(genes):
            return Evaluation(outcome="diverged", work=budget)
        x = (genes - BEST) @ np.array([[1, 1, 0], [0, 3, 1], [1, 0, 9]])
        value = float(x @ x)
        return Evaluation((value if self.objectives["sum"] == "min" else -value,), work=budget)


def searched(options, fitness=None, ledger=None):
    fitness = fitness or Ellipsoid()
    return built(options, fitness, BOX), door(fitness, ledger, BOX)


def generations(search, n):
    """The sizes of ``n`` generations that are told their values by hand, which is faster than a measure."""
    fitness, sizes = Ellipsoid(), []
    while not search.done and search.generation < n:
        asked = search.ask()
        for one in asked:
            one.fitness.values = fitness.answer(one.genes, 1).values
        search.tell(asked)
        sizes.append(len(asked))
    return sizes


def loss(search):
    return abs(search.best().fitness.values[0])


@pytest.mark.parametrize("adapt", [False, True])
def test_cma_samples_what_the_library_samples(adapt):
    search = built(CMA(generations=20, restarts="none", adapt_rate=adapt), Ellipsoid(), BOX, seed=3)
    streams = Streams(3)
    theirs = cmaes.CMA(np.full(3, 0.5), 0.3, bounds=np.array([[0, 1]] * 3), seed=1, lr_adapt=adapt)
    measure = door(Ellipsoid(), genome=BOX)
    for generation in range(20):
        theirs.reseed_rng(streams.at("cma", "sample", generation).entropy() % 2**32)
        points = [theirs.ask() for _ in range(theirs.population_size)]
        asked = search.ask()
        genes = np.stack([one.genes for one in asked])
        assert genes == pytest.approx(BOX.low + np.stack(points) * (BOX.high - BOX.low))
        measure.generation = generation
        measure(asked)
        search.tell(asked)
        theirs.tell([(point, one.fitness.values[0]) for point, one in zip(points, asked, strict=True)])


KEPT = CMA(generations=9, keep="mean", restarts="none")


def test_with_keep_the_champion_is_the_mean_whatever_its_sample_was_worth():
    search, measure = searched(KEPT)
    run(search, measure, 4)
    mean = search._strategy.mean
    asked = search.ask()
    assert asked[0].genes == pytest.approx(BOX.low + mean * (BOX.high - BOX.low))
    measure(asked)
    search.tell(asked)
    assert [one.key for one in search.hall_of_fame()] == [asked[0].key]
    assert min(one.fitness.values[0] for one in asked) < asked[0].fitness.values[0]
    assert search.logbook[-1]["measured"] == len(asked) == 1 + search._strategy.population_size


def test_keeping_the_mean_changes_nothing_of_how_it_moves():
    kept, plain = (run(*searched(replace(KEPT, keep=keep))) for keep in ("mean", "best"))
    assert np.array_equal(kept._strategy.mean, plain._strategy.mean)


def test_a_mean_that_fails_leaves_the_one_before():
    search, measure = searched(KEPT)
    run(search, measure, 4)
    before = search.best()
    asked = search.ask()
    for one in asked[1:]:
        one.fitness.values = Ellipsoid().answer(one.genes, 1).values
    search.tell(asked)
    assert search.best() is before


def test_the_mean_of_whole_numbers_is_rounded():
    search = run(built(replace(KEPT, generations=60), Steps(), WHOLE), door(Steps(), genome=WHOLE))
    assert search.best().genes.tolist() == BEST_STEPS.tolist()


@pytest.mark.parametrize(
    ("options", "message"),
    [({"keep": "mean"}, "keep: of several runs no mean"), ({"reevaluate": 1}, "reevaluate: belongs to keep: mean")],
)
def test_a_mean_needs_one_run_of_the_strategy_and_renewals_a_mean(options, message):
    with pytest.raises(ValueError, match=message):
        CMA(**options)


@pytest.mark.parametrize("goal", ["min", "max"])
@pytest.mark.parametrize(
    "options",
    [CMA(generations=60), CMA(generations=60, covariance="separable", population=20), DE(30, 80, shrink_over=1300)],
)
def test_it_finds_the_optimum_of_a_stretched_valley(options, goal):
    search, measure = searched(options, Ellipsoid(goal=goal))
    assert loss(run(search, measure)) < 1e-3
    assert search.best().genes == pytest.approx(BEST, abs=0.02)


@CONTINUOUS
def test_who_fails_is_no_member_and_the_search_goes_on(options):
    search, measure = searched(options, Ellipsoid(lambda genes: genes[0] > 1.5))
    run(search, measure)
    assert search.generation == 9
    assert all(one.genes[0] <= 1.5 for one in [*search.population, *search.hall_of_fame()])


@CONTINUOUS
def test_where_all_fail_it_goes_on_until_its_end(options):
    search, measure = searched(options, Ellipsoid(lambda genes: True))
    assert run(search, measure).generation == 9
    assert not search.hall_of_fame()


@CONTINUOUS
def test_it_goes_on_from_its_state_as_if_never_stopped(options, tmp_path):
    whole = portrait(run(*searched(options)))
    ledger = Ledger(":memory:")
    for resumed, _ in stopped_and_resumed(lambda: searched(options, ledger=ledger), tmp_path, (-1.0,)):
        assert portrait(resumed) == whole


@CONTINUOUS
def test_a_generation_of_which_a_part_was_measured_teaches_nothing(options):
    search, measure = searched(options)
    run(search, measure, 2)
    before = search.state_dict()
    asked = search.ask()[:-1]
    measure(asked)
    search.tell(asked)
    after = search.state_dict()
    learnt = before.keys() - {"generation", "archive", "population"}
    assert learnt
    assert all(repr(after[name]) == repr(before[name]) for name in learnt)


class Steps(SumFitness):
    """The distance of whole numbers to ``BEST_STEPS``, in a valley across them."""

    def answer(self, genes, budget):
        off = genes - BEST_STEPS
        return Evaluation((float(off @ off + off.sum() ** 2 / 2),), work=budget)


BEST_STEPS = np.array([0, 1, 2, 3, 4, 5])
WHOLE = IndexVector([9, 9, 9, 2 * 9, 9, 9])


def test_cma_samples_whole_numbers_as_the_library_does_also_after_a_restart_and_from_its_state():
    fitness = Steps(goal="min")
    search, resumed = (built(CMA(), fitness, WHOLE, seed=3) for _ in range(2))
    search._restart()
    resumed.load_state_dict(search.state_dict())
    streams, bounds = Streams(3), np.array([[0.0, 1.0]] * 6)
    steps = 1 / (np.array(WHOLE.sizes) - 1)
    theirs = cmaes.CMAwM(np.full(6, 0.5), 0.3, bounds, steps, population_size=search._asked, seed=1)
    measure = door(fitness, genome=WHOLE)
    for generation in range(20):
        theirs.reseed_rng(streams.at("cma", "sample", generation).entropy() % 2**32)
        drawn = [theirs.ask() for _ in range(theirs.population_size)]
        asked, again = search.ask(), resumed.ask()
        assert [one.key for one in asked] == [one.key for one in again]
        assert np.stack([one.genes for one in asked]) == pytest.approx(np.stack([one for one, _ in drawn]) / steps)
        measure.generation = generation
        measure(asked)
        search.tell(asked)
        resumed.load_state_dict(search.state_dict())
        theirs.tell([(raw, one.fitness.values[0]) for (_, raw), one in zip(drawn, asked, strict=True)])


@pytest.mark.parametrize("seed", range(3))
def test_cma_finds_the_best_whole_numbers(seed):
    fitness = Steps(goal="min")
    search = run(built(CMA(generations=60), fitness, WHOLE, seed=seed), door(fitness, genome=WHOLE))
    assert search.best().genes.dtype == np.int64
    assert search.best().genes.tolist() == BEST_STEPS.tolist()


@pytest.mark.parametrize(
    ("options", "sizes", "message"),
    [
        (CMA(), [3, 1], "gene 1 has a single choice"),
        (CMA(covariance="separable"), [3, 3], "whole numbers have covariance: full"),
        (CMA(adapt_rate=True), [3, 3], "no adapt_rate"),
    ],
)
def test_cma_refuses_whole_numbers_that_it_cannot_move(options, sizes, message):
    with pytest.raises(ValueError, match=message):
        built(options, Steps(goal="min"), IndexVector(sizes))


@pytest.mark.parametrize("covariance", ["full", "separable"])
def test_a_warm_start_has_the_mean_and_shape_of_an_earlier_runs_best_and_measures_the_first_again(covariance):
    line = [BEST + way * np.array([0.4, 0.0, -0.04]) for way in (0.0, -1.0, 1.0)]
    context = Context(Streams(0), fitness=Ellipsoid(), genome=BOX, init=line)
    search = CMA(covariance=covariance).build(context)
    points = (np.stack(line) - BOX.low) / (BOX.high - BOX.low)
    assert search._strategy.mean == pytest.approx(points.mean(axis=0))
    assert np.stack([one.genes for one in search.ask()])[-1] == pytest.approx(BEST)
    spread = 0.1**2 * np.eye(3) + np.cov(points.T, bias=True)  # Nomura et al. 2021, equation 5, with its alpha
    if covariance == "full":
        assert search._strategy._sigma**2 * search._strategy._C == pytest.approx(spread)


def test_the_best_of_an_earlier_run_is_measured_as_it_is_however_far_from_the_others():
    others = [BEST + 1e-3 * np.eye(3)[k % 3] * (-1) ** k for k in range(30)]
    first = np.array([-4.5, -0.5, 0.9])
    context = Context(Streams(0), fitness=Ellipsoid(), genome=BOX, init=[first, *others])
    assert CMA().build(context).ask()[-1].genes == pytest.approx(first)


def test_a_run_that_converged_begins_again_with_more():
    sizes = generations(searched(CMA(restarts="ipop"))[0], 250)
    assert sorted(set(sizes)) == [7 * 2**k for k in range(len(set(sizes)))]
    assert len(set(sizes)) > 1


def test_without_restarts_it_ends_when_it_has_converged():
    search, _ = searched(CMA(restarts="none"))
    generations(search, 1000)
    assert search.done
    assert search.generation < 400
    assert loss(search) < 1e-12


def test_large_and_small_runs_in_turn_spend_about_as_much():
    search, _ = searched(CMA(restarts="bipop"))
    generations(search, 900)
    runs = search.state_dict()["runs"]
    assert runs["large"] >= 2
    assert 0.2 < runs["work_small"] / runs["work_large"] < 2


@CONTINUOUS
def test_several_objectives_are_refused(options):
    fitness = Ellipsoid()
    fitness.objectives = {"sum": "min", "again": "min"}
    with pytest.raises(ValueError, match="one objective, the fitness has 2: name nsga2"):
        built(options, fitness, BOX)


def test_differences_shrink_the_population_in_a_line():
    sizes = generations(searched(DE(24, shrink_over=100))[0], 12)
    told = 0
    for size in sizes:  # Tanabe and Fukunaga 2014, equation 10
        assert size == max(4, round((4 - 24) / 100 * told + 24))
        told += size
    assert sizes[-1] == 4


@pytest.mark.parametrize("options", [CMA(generations=3), DE(12, 3)])
def test_it_begins_with_the_genes_of_init(options):
    context = Context(Streams(0), fitness=Ellipsoid(), genome=BOX)
    search = options.build(replace(context, init=[BEST]))
    asked = search.ask()
    first = asked[0].genes if isinstance(options, DE) else BOX.low + search._strategy.mean * (BOX.high - BOX.low)
    assert first == pytest.approx(BEST)


@pytest.mark.parametrize(
    "options", [CMA(generations=9), CMA(generations=9, population=20), DE(24, 10, shrink_over=120), DE(12)]
)
def test_it_tells_what_it_will_measure_if_it_has_an_end(options):
    search, measure = searched(options)
    if options.generations is None:
        assert not hasattr(search, "expected")
    else:
        n, work = search.expected()
        run(search, measure)
        assert n == work == measure.work


@pytest.mark.parametrize("search", ["{name: cma, generations: 12}", "{name: de, generations: 12, shrink_over: 90}"])
def test_a_run_that_is_made_longer_is_the_same_as_one_that_was_from_the_start(search, tmp_path):
    text = f"""\
plugins: [{TOY}]
data: {{name: points}}
fitness: {{name: squares}}
genome: {{name: real_vector, length: 2, low: -3, high: 9}}
search: {search}
execution: {{backend: inline}}
"""
    whole, rows = launched(tmp_path, text, [], "whole")
    launched(tmp_path, text, ["search.generations=5"], "stopped")
    resumed, again = launched(tmp_path, text, [], "stopped", resume=True)
    assert whole["best"] == resumed["best"]
    assert [(row.seq, row.key, row.evaluation.values) for row in rows] == [
        (row.seq, row.key, row.evaluation.values) for row in again
    ]


@pytest.mark.parametrize(("options", "of_a_failure"), [(CMA(), 5.0), (DE(12), np.inf)])
def test_who_failed_is_no_better_than_the_worst(options, of_a_failure):
    search, _ = searched(options)
    a, b, failed = search.ask()[:3]
    a.fitness.values, b.fitness.values = (1.0,), (5.0,)
    assert search._losses([a, b, failed]).tolist() == [1.0, 5.0, of_a_failure]


def test_the_memory_takes_the_weighted_lehmer_means_and_goes_on_to_its_next_slot():
    search, _ = searched(DE(12))
    search._drawn = np.array([[0.2, 0.8], [0.4, 0.6]])
    search._remember(np.array([True, True]), np.array([1.0, 3.0]))
    assert search._slot == 1
    assert search._memory[:, 0] == pytest.approx([(0.04 + 3 * 0.64) / 2.6, (0.16 + 3 * 0.36) / 2.2])


def test_who_takes_the_place_of_a_failed_member_does_not_drown_the_other_successes():
    search, _ = searched(DE(12))
    search._drawn = np.array([[0.2, 0.8], [0.4, 0.6]])
    search._remember(np.array([True, True]), np.array([3.0, np.inf]))
    assert search._memory[:, 0] == pytest.approx([(0.04 + 0.64) / 1.0, (0.16 + 0.36) / 1.0])
    search._remember(np.array([True, False]), np.array([np.inf]))
    assert search._memory[:, 1] == pytest.approx([0.2, 0.4])


def test_of_replaced_parents_any_may_go_when_the_population_shrinks():
    search, _ = searched(DE(12, shrink_over=100))
    search._points, search._lost = np.random.default_rng(0).random((12, 3)), np.arange(12.0)
    search._replaced, search._told = np.arange(93.0).reshape(31, 3), 90
    search._settle([], np.random.default_rng(1))
    assert len(search._points) == 5
    left = search._replaced[:, 0] / 3
    assert len(left) == 13
    assert left.max() > 13  # not the oldest alone
    assert (np.diff(left) > 0).all()


def test_the_first_restart_has_twice_the_population():
    search, _ = searched(CMA(restarts="ipop"))
    first = len(search.ask())
    search._restart()
    assert len(search.ask()) == 2 * first


@pytest.mark.parametrize("restarts", ["none", "ipop", "bipop"])
def test_a_resumed_search_remembers_its_restarts_and_its_end(restarts):
    (one, _), (other, _) = searched(CMA(restarts=restarts)), searched(CMA(restarts=restarts))
    generations(one, 400)
    other.load_state_dict(one.state_dict())
    assert (other._runs, other.done) == (one._runs, one.done)
    assert one.done or one._runs["large"] > 0


def test_a_restart_begins_elsewhere_than_at_init():
    context = Context(Streams(0), fitness=Ellipsoid(), genome=BOX, init=[BEST])
    search = CMA().build(context)
    begun = search._strategy.mean.copy()
    search.generation = 5
    search._restart()
    assert np.abs(search._strategy.mean - begun).max() > 0.01


def test_what_leaves_the_box_comes_back_between_the_member_and_the_bound():
    low = 1e-9 + np.random.default_rng(0).random((20, 3)) * 1e-3
    losses, drawn = np.arange(20.0), np.ones((2, 20))
    for points in (low, 1 - low):
        children = _children(points, losses, np.empty((0, 3)), drawn, np.random.default_rng(1))
        assert ((children > 0) & (children < 1)).all()


def test_members_move_towards_the_best():
    points = np.linspace(0.8, 0.2, 20)[:, None]
    drawn = np.array([[0.3] * 20, [1.0] * 20])
    children = _children(points, np.arange(20.0), np.empty((0, 1)), drawn, np.random.default_rng(0))
    assert children.mean() > points.mean() + 0.04


@given(st.floats(-1e3, 1e3), st.floats(-1e3, 1e3))
def test_points_of_the_box_are_within_its_bounds_to_the_last_bit(low, high):
    low, high = sorted((low, high))
    assume(low < high)
    genome = RealVector(low, high, 2)
    search = built(DE(12), Ellipsoid(), genome)
    (one,) = search._individuals(np.array([[0.0, 1.0]]), "de")
    genes = one.genes
    assert genome.from_json(genes.tolist()).tobytes() == genes.tobytes()


def test_a_single_number_is_refused_by_cma_in_a_sentence():
    with pytest.raises(ValueError, match="cma is for two numbers or more, the genome has one: name de or quasi_newton"):
        built(CMA(), Ellipsoid(), RealVector(0, 1, 1))
