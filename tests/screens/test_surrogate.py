import json

import moocore
import numpy as np
import pytest

from evokit.genomes.index_vector import IndexVector
from evokit.genomes.individuals import make_individual
from evokit.interfaces import Context, Evaluation
from evokit.screens.acquisition import front_order
from evokit.screens.audit import POOL
from evokit.screens.surrogate import SurrogateScreen
from evokit.statistics.correlation import spearman_interval
from evokit.streams import Streams
from evokit.surrogates.ridge import Ridge
from tests.door import SumFitness, door, people

GENOME = IndexVector([10] * 4)


class Model:
    """Predicts ``sign`` times the true value, and remembers what it was fitted on."""

    def __init__(self, sign=1.0):
        self.sign, self.fits = sign, []

    def fit(self, X, y, rng):
        self.fits.append((X.tolist(), y.tolist(), rng.random()))

    def predict(self, X):
        return self.sign * (X @ np.arange(1, 5)), np.zeros(len(X))


def screening(model=None, seed=0, goal="min", **options):
    """A screen whose model is ``model``."""
    model = Model() if model is None else model
    context = Context(
        Streams(seed), fitness=SumFitness(goal=goal), genome=GENOME, build=lambda section: section["made"]
    )
    return SurrogateScreen(model={"made": model}, **options).build(context)


def crowd(n, generation=0):
    rng = np.random.default_rng(generation)
    return people(*rng.integers(10, size=(n, 4)), genome=GENOME)


def at(generation, n_measured=10, goal="min", before=0):
    """A measure in this generation that knows ``n_measured`` of generation ``before``."""
    measure = door(SumFitness(goal=goal), genome=GENOME)
    measure.generation = before
    measure(crowd(n_measured, 1000))
    measure.generation = generation
    return measure


def screened(screen, generation=5, n=10, measure=None):
    candidates = crowd(n, generation)
    return candidates, screen(candidates, measure or at(generation))


def live(screen, generation, n=10):
    """One generation with everything measured that the screen lets through; those chosen."""
    measure = at(generation)
    candidates, chosen = screened(screen, generation, n, measure)
    measure(chosen)
    screen.observe(generation, chosen)
    return candidates, chosen


# --- who is measured


def test_before_the_first_fit_everything_is_measured():
    screen = screening()
    for generation in range(5):
        candidates, chosen = screened(screen, generation)
        assert chosen == candidates
        assert all(one.predicted is None and not one.audited for one in candidates)


def test_without_two_measurements_everything_is_measured():
    candidates, chosen = screened(screening(), measure=at(5, n_measured=1))
    assert chosen == candidates


def test_the_best_predicted_and_a_random_share_are_measured_in_their_order():
    candidates, chosen = screened(screening(top=0.2, random=0.3))
    audited = [one for one in candidates if one.audited]
    rest = sorted((one for one in candidates if not one.audited), key=lambda one: one.predicted)
    assert len(audited) == 3
    assert chosen == [one for one in candidates if one in audited or one in rest[:2]]


def test_shares_are_rounded_up():
    _, chosen = screened(screening(top=0.21, random=0.01))
    assert len(chosen) == 3 + 1


def test_shares_beyond_all_measure_all():
    candidates, chosen = screened(screening(top=1.0, random=0.5))
    assert chosen == candidates


def test_nobody_is_screened_from_nobody():
    assert screening()([], at(5)) == []


@pytest.mark.parametrize("goal", ["min", "max"])
def test_predictions_are_raw_values_and_the_best_are_at_the_good_end(goal):
    sign = 1.0 if goal == "min" else -1.0
    candidates, chosen = screened(screening(Model(sign), goal=goal, top=0.2, random=0.0), measure=at(5, goal=goal))
    truth = [float(one.genes @ np.arange(1, 5)) for one in candidates]
    assert [one.predicted for one in candidates] == truth
    best = sorted(truth, reverse=goal == "max")[:2]
    assert sorted(one.predicted for one in chosen) == sorted(best)


def test_the_random_share_does_not_depend_on_predictions():
    shares = []
    for model in (Model(1.0), Model(-1.0)):
        candidates, _ = screened(screening(model))
        shares.append([one.audited for one in candidates])
    assert shares[0] == shares[1]


def test_everybody_is_in_the_random_share_equally_often():
    counts = np.zeros(10)
    for seed in range(400):
        candidates, _ = screened(screening(seed=seed, random=0.3))
        counts += [one.audited for one in candidates]
    assert counts / 400 == pytest.approx([0.3] * 10, abs=0.1)


def test_the_random_share_changes_with_the_generation():
    screen = screening()
    marks = {tuple(one.audited for one in screened(screen, generation)[0]) for generation in range(5, 12)}
    assert len(marks) > 3


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_model_that_goes_astray_chooses_nobody(value):
    model = Model()
    model.predict = lambda X: (np.array([value, *range(len(X) - 1)]), np.zeros(len(X)))
    candidates, chosen = screened(screening(model))
    assert chosen == candidates
    assert not any(one.audited or one.predicted is not None for one in candidates)


# --- when it is fitted, and on what


def test_it_is_fitted_anew_every_so_many_generations():
    model = Model()
    screen = screening(model, refit_every=3)
    seen = []
    for generation in range(10):
        screened(screen, generation)
        seen.append(len(model.fits))
    assert seen == [0, 0, 0, 1, 1, 1, 2, 2, 2, 3]


def test_it_is_fitted_on_what_was_measured_before():
    model, measure = Model(), door(SumFitness(), genome=GENOME)
    for generation in range(6):
        measure.generation = generation
        measure(crowd(3, generation))
    screening(model, refit_every=2)(crowd(5, 9), measure)
    X, y, _ = model.fits[0]
    assert [one.genes.tolist() for generation in range(4) for one in crowd(3, generation)] == X
    assert y == [float(np.dot(x, np.arange(1, 5))) for x in X]


def test_lower_is_better_for_the_model():
    model = Model()
    screened(screening(model, goal="max"), measure=at(5, goal="max"))
    X, y, _ = model.fits[0]
    assert y == [-float(np.dot(x, np.arange(1, 5))) for x in X]


def test_after_a_resume_it_is_the_same_model_and_the_same_choice():
    first_model, second_model = Model(), Model()
    first = screening(first_model, refit_every=3)
    for generation in range(3, 5):
        live(first, generation)
    second = screening(second_model, refit_every=3)
    second.load_state_dict(json.loads(json.dumps(first.state_dict())))
    chosen = [[one.genes.tolist() for one in live(screen, 5)[1]] for screen in (first, second)]
    assert chosen[0] == chosen[1]
    assert second_model.fits == first_model.fits
    assert first.summary()["audit"] == second.summary()["audit"]


def test_every_fit_has_a_stream_of_its_own():
    model = Model()
    screen = screening(model, refit_every=1)
    for generation in range(1, 4):
        screened(screen, generation)
    assert len({draw for _, _, draw in model.fits}) == 3


# --- the audit


def test_the_audit_is_the_rank_correlation_on_the_random_share():
    screen = screening(Model(-1.0), random=0.6, top=0.2)
    _, chosen = live(screen, 5)
    audited = [one for one in chosen if one.audited]
    rho, low, high = spearman_interval([one.predicted for one in audited], [one.fitness.values[0] for one in audited])
    assert screen.summary()["audit"] == [
        {
            "generation": 5,
            "rank_correlation": rho,
            "interval": [low, high],
            "calibration": None,
            "n": 6,
            "stepped_aside": False,
            "objectives": {},
        }
    ]
    assert rho == -1


def test_the_audit_is_pooled_over_the_last_thirty():
    screen = screening(random=0.8)
    for generation in range(5, 10):
        live(screen, generation)
    assert [one["n"] for one in screen.summary()["audit"]] == [8, 16, 24, 30, 30]


def test_the_audit_forgets_what_is_older_than_the_pool():
    model = Model(-1.0)
    screen = screening(model, random=1.0)
    for generation in range(5, 8):
        live(screen, generation)
    model.sign = 1.0
    for generation in range(8, 11):
        live(screen, generation)
    audit = [one["rank_correlation"] for one in screen.summary()["audit"]]
    assert audit[2] < -0.9
    assert -0.9 < audit[4] < 0.9
    assert audit[5] > 0.9


def test_failures_are_no_part_of_the_audit():
    screen, measure = screening(random=1.0), at(5)
    measure._fitness.fails = lambda genes: "nan" if genes[0] % 2 else None
    _, chosen = screened(screen, measure=measure)
    measure(chosen)
    screen.observe(5, chosen)
    assert screen.summary()["audit"][0]["n"] == sum(int(one.genes[0] % 2 == 0) for one in chosen) < 10


def test_it_steps_aside_while_its_upper_end_is_below_the_threshold_and_comes_back():
    model = Model(-1.0)
    screen = screening(model, random=0.5, top=0.1, min_rank_correlation=0.3)
    everything = []
    for generation in range(5, 30):
        model.sign = -1.0 if generation < 14 else 1.0
        candidates, chosen = live(screen, generation)
        everything.append(chosen == candidates)
    audit = screen.summary()["audit"]
    before = [{"n": 0, "interval": [-1, 1]}, *audit[:-1]]
    expected = [one["n"] >= POOL and one["interval"][1] < 0.3 for one in before]
    assert everything == expected == [one["stepped_aside"] for one in audit]
    assert (expected[5], expected[6], expected[-1]) == (False, True, False)


def test_stepping_aside_still_audits_the_random_share_alone():
    screen = screening(Model(-1.0), random=0.5, top=0.1)
    for generation in range(5, 11):
        live(screen, generation)
    candidates, chosen = live(screen, 11)
    assert chosen == candidates
    assert sum(one.audited for one in candidates) == 5


def test_without_anybody_audited_there_is_no_entry():
    screen = screening()
    live(screen, 0)
    assert screen.summary()["audit"] == []


def test_the_summary_counts_who_was_screened_out_and_survives_a_resume():
    screen = screening(top=0.2, random=0.2)
    live(screen, 5)
    live(screen, 6)
    assert (screen.summary()["screen"], screen.summary()["screened_out"]) == ("surrogate", 12)
    other = screening()
    other.load_state_dict(json.loads(json.dumps(screen.state_dict())))
    assert other.summary() == screen.summary()


@pytest.mark.parametrize("n", [1, 7, 10, 28])
def test_expected_is_at_most_what_happens(n):
    screen = screening(refit_every=5, top=0.2, random=0.2)
    assert screen.expected(n, 4) == (n, 0.0)
    assert screen.expected(n, 5) == (len(screened(screen, n=n)[1]), 0.0)


def test_neither_top_nor_random_is_an_error():
    with pytest.raises(ValueError, match="top and random must not both be 0: nothing would be measured"):
        SurrogateScreen(model={}, top=0.0, random=0.0)


class Both(SumFitness):
    """The weighted sum of the genes, and how far the first one is from 9, both to be small."""

    def __init__(self):
        super().__init__()
        self.objectives = {"sum": "min", "far": "min"}

    def answer(self, genes, budget):
        return Evaluation((float(genes @ np.arange(1, 5)), float(9 - genes[0])), work=budget)


def two_objectives(models, **options):
    made = iter(models)
    context = Context(Streams(0), fitness=Both(), genome=GENOME, build=lambda section: next(made))
    screen = SurrogateScreen(model={}, **options).build(context)
    measure = door(Both(), genome=GENOME)
    measure(crowd_of_two(20, 1000))
    measure.generation = 5
    return screen, measure


def crowd_of_two(n, generation):
    rng = np.random.default_rng(generation)
    rows = rng.integers(10, size=(n, 4))
    return [make_individual(GENOME, row, (-1.0, -1.0)) for row in rows]


class First(Model):
    """Predicts how far the first gene is from 9, or the opposite."""

    def predict(self, X):
        return self.sign * (9 - X[:, 0]), np.ones(len(X))


def test_each_objective_has_a_model_of_its_own():
    models = Model(), First()
    screen, measure = two_objectives(models, top=0.2, random=0.2)
    candidates = crowd_of_two(20, 5)
    chosen = screen(candidates, measure)
    assert len(chosen) == 8
    for model, place in zip(models, (0, 1), strict=True):
        ((_, y, _),) = model.fits
        assert y == [one.fitness.values[place] for one in measure.measured()]
    for one in candidates:
        assert one.predicted == (float(one.genes @ np.arange(1, 5)), float(9 - one.genes[0]))
    audited = [one for one in candidates if one.audited]
    assert len(audited) == 4
    mean = np.array([one.predicted for one in candidates if not one.audited], float)
    known = np.array([one.fitness.values for one in measure.measured()])
    best = front_order("mean", 1.0, mean, np.zeros_like(mean), known[moocore.is_nondominated(known)], 4)
    rest = [one for one in candidates if not one.audited]
    assert [one for one in chosen if not one.audited] == [rest[i] for i in sorted(best)]


def test_the_worst_of_several_models_decides():
    screen, measure = two_objectives([Model(), First(-1.0)], top=0.1, random=0.5)
    for generation in range(5, 10):
        measure.generation = generation
        candidates = crowd_of_two(20, generation)
        chosen = screen(candidates, measure)
        measure(chosen)
        screen.observe(generation, chosen)
    last = screen.summary()["audit"][-1]
    assert last["objectives"]["sum"]["rank_correlation"] == 1
    assert last["rank_correlation"] == last["objectives"]["far"]["rank_correlation"] == -1
    assert last["stepped_aside"]
    assert chosen == candidates


def test_paper_is_of_one_objective():
    context = Context(Streams(0), fitness=Both(), genome=GENOME, build=lambda _: Model())
    with pytest.raises(ValueError, match="unmeasured: paper is of one objective without constraints; else write fill"):
        SurrogateScreen(model={}, unmeasured="paper").build(context)


def test_an_acquisition_that_asks_for_a_spread_needs_a_model_that_has_one():
    model = Model()
    model.spreads = False
    with pytest.raises(
        ValueError, match="acquisition: expected_improvement asks how sure the model is, which Model does"
    ):
        screening(model, acquisition="expected_improvement")
    screening(model, acquisition="mean")


class Unsure(Model):
    """Right on average where it is unsure by ``spread(X)``, which is ``times`` too small."""

    def __init__(self, times=1.0):
        super().__init__()
        self.times = times

    def predict(self, X):
        noise = np.random.default_rng(int(X.sum())).normal(size=len(X))
        return X @ np.arange(1, 5) + 3 * noise, np.full(len(X), 3 / self.times)


@pytest.mark.parametrize("times", [1.0, 10.0, 0.1])
def test_spreads_are_calibrated_by_the_audit(times):
    screen = screening(Unsure(times), random=0.8)
    for generation in range(5, 8):
        live(screen, generation)
    assert screen._audit.calibration().tolist() == [1.0]  # the pool is not full
    live(screen, 9)
    told = screen.summary()["audit"][-1]["calibration"]
    assert screen._audit.calibration().tolist() == [told]
    assert told / times == pytest.approx(1, rel=0.4)


def test_the_lower_bound_prefers_the_unsure():
    class OneUnsure(Model):
        def predict(self, X):
            return np.arange(len(X), dtype=float), np.where(np.arange(len(X)) == 7, 100.0, 0.0)

    candidates, chosen = screened(screening(OneUnsure(), top=0.1, random=0.0, acquisition="lower_confidence_bound"))
    assert chosen == [candidates[7]]


def test_a_real_model_finds_the_good():
    context = Context(Streams(0), fitness=SumFitness(), genome=GENOME)
    ridge = Ridge(alpha=0.1).build(context)
    measure = at(5, n_measured=200)
    candidates, chosen = screened(screening(ridge, top=0.2, random=0.0), n=50, measure=measure)
    truth = {one.key: float(one.genes @ np.arange(1, 5)) for one in candidates}
    assert np.mean([truth[one.key] for one in chosen]) < np.mean(sorted(truth.values())[:15])


class Bounded(SumFitness):
    """The weighted sum, where the first gene must be 5 at least."""

    constraints = ("first",)

    def answer(self, genes, budget):
        return Evaluation((float(genes @ np.arange(1, 5)),), work=budget, constraints=(float(5 - genes[0]),))


class Shortfall(Model):
    """Predicts how much the first gene lacks of 5."""

    def predict(self, X):
        return 5 - X[:, 0], np.ones(len(X))


def test_each_constraint_has_a_model_and_who_is_predicted_feasible_comes_first():
    models = Model(), Shortfall()
    made = iter(models)
    context = Context(Streams(0), fitness=Bounded(), genome=GENOME, build=lambda section: next(made))
    screen = SurrogateScreen(model={}, top=0.2, random=0.2, unmeasured="fill").build(context)
    measure = door(Bounded(), genome=GENOME)
    measure(crowd(20, 1000))
    measure.generation = 5
    candidates = crowd(20, 5)
    chosen = screen(candidates, measure)
    assert models[1].fits[0][1] == [one.fitness.constraints[0] for one in measure.measured()]
    rest = [one for one in candidates if not one.audited]
    wanted = sorted(rest, key=lambda one: (max(5 - one.genes[0], 0), one.genes @ np.arange(1, 5)))[:4]
    assert {one.key for one in chosen if not one.audited} == {one.key for one in wanted}
    measure(chosen)
    screen.observe(5, chosen)
    (entry,) = screen.summary()["audit"]
    assert set(entry["objectives"]) == {"sum", "first"}
    assert [one.predicted for one in candidates] == [float(one.genes @ np.arange(1, 5)) for one in candidates]


def test_while_nobody_is_feasible_the_least_violation_is_wanted():
    made = iter([Model(), Shortfall()])
    context = Context(Streams(0), fitness=Bounded(), genome=GENOME, build=lambda section: next(made))
    screen = SurrogateScreen(model={}, top=0.3, random=0.0).build(context)
    measure = door(Bounded(), genome=GENOME)
    measure([one for one in crowd(40, 1000) if one.genes[0] < 5])
    measure.generation = 5
    candidates = [one for one in crowd(40, 5) if one.genes[0] < 5]
    chosen = screen(candidates, measure)
    worst = min(one.genes[0] for one in chosen)
    assert all(one in chosen for one in candidates if one.genes[0] > worst)


def test_a_model_that_predicts_one_value_for_all_steps_aside():
    class Same(Model):
        def predict(self, X):
            return np.zeros(len(X)), np.ones(len(X))

    screen = screening(Same(), top=0.1, random=0.5)
    for generation in range(5, 25):
        candidates, chosen = live(screen, generation)
    assert screen.summary()["audit"][-1]["stepped_aside"]
    assert chosen == candidates
