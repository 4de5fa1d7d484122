from types import SimpleNamespace

import numpy as np
import pytest
from scipy.optimize import minimize, rosen

from evokit.genomes.real_vector import RealVector
from evokit.interfaces import Context, Evaluation
from evokit.measuring.ledger import Ledger
from evokit.searches.quasi_newton import SIDE, STEP, QuasiNewton
from evokit.streams import Streams
from tests.door import SumFitness, door
from tests.searches.building import built, portrait, run, stopped_and_resumed

BOX = RealVector([-2, -2, -2], [2, 3, 2], 3)


class Valley(SumFitness):
    """Rosenbrock's function; ``fails`` says who fails."""

    def __init__(self, fails=lambda genes: False, goal="min"):
        super().__init__(goal=goal)
        self.fails_at = fails

    def answer(self, genes, budget):
        if self.fails_at(genes):
            return Evaluation(outcome="diverged", work=budget)
        value = float(rosen(genes))
        return Evaluation((value if self.objectives["sum"] == "min" else -value,), work=budget)


def searched(fitness=None, ledger=None, generations=120):
    fitness = fitness or Valley()
    return built(QuasiNewton(generations), fitness, BOX), door(fitness, ledger, BOX)


@pytest.mark.parametrize("goal", ["min", "max"])
def test_a_curved_valley_is_solved_in_some_ten_evaluations_a_number(goal):
    search, measure = searched(Valley(goal=goal))
    run(search, measure)
    assert abs(search.best().fitness.values[0]) < 1e-8
    assert search.best().genes == pytest.approx(np.ones(3), abs=1e-3)


def test_it_asks_what_scipy_asks():
    asked = []

    def value(z):
        asked.append(BOX.low + z / SIDE * (BOX.high - BOX.low))
        return float(rosen(asked[-1]))

    def gradient(z):
        here, slopes = float(rosen(BOX.low + z / SIDE * (BOX.high - BOX.low))), []
        for i in range(3):
            moved = z.copy()
            moved[i] += STEP * SIDE
            slopes.append((value(moved) - here) / (STEP * SIDE))
        return np.array(slopes)

    options = {"ftol": 1e-12, "maxiter": 10_000}
    start = np.full(3, SIDE / 2)
    minimize(value, start, jac=gradient, method="SLSQP", bounds=[(0, SIDE)] * 3, options=options)
    search, measure, mine = *searched(), []
    while not search.at_break or not mine:
        mine += [one.genes for one in search.ask()]
        search.step(measure)
    assert len(mine) == pytest.approx(len(asked), abs=12)  # the last digits of differences decide when it ends
    assert np.array(mine[:12]) == pytest.approx(np.array(asked[:12]), abs=1e-5)


def test_the_differences_of_a_point_are_asked_for_together_and_point_inwards_at_a_bound():
    box = RealVector(0, 1, 4)
    fitness = SimpleNamespace(objectives={"loss": "min"}, budgets=(1,), context="x")
    top = box.from_json([1, 1, 1, 1])
    search = QuasiNewton().build(Context(Streams(0), fitness=fitness, genome=box, init=[top]))
    (first,) = search.ask()
    assert first.genes.tolist() == [1, 1, 1, 1]
    first.fitness.values = (0.0,)
    search.tell([first])
    around = np.stack([one.genes for one in search.ask()])
    assert around == pytest.approx(1 - np.eye(4) * STEP)


def test_each_descent_begins_elsewhere_and_the_best_of_all_is_kept():
    search, measure = searched(generations=400)
    starts, best = [], []
    while not search.done:
        if search.at_break:
            starts.append(search.ask()[0].genes.tolist())
        search.step(measure)
        best.append(search.population[0].fitness.values[0])
    assert starts[0] == [0, 0.5, 0]
    assert len({tuple(one) for one in starts}) == len(starts) > 3
    assert best == sorted(best, reverse=True)


def test_who_fails_is_bad_and_no_member():
    search, measure = searched(Valley(lambda genes: genes[0] > 0.5), generations=100)
    run(search, measure)
    assert search.generation == 100
    assert all(one.genes[0] <= 0.5 for one in [*search.population, *search.hall_of_fame()])
    assert search.best().fitness.values[0] < 1.5


def test_where_all_fail_it_goes_on_until_its_end():
    search, measure = searched(Valley(lambda genes: True), generations=20)
    assert run(search, measure).generation == 20
    assert not search.hall_of_fame()


def test_it_goes_on_from_its_state_as_if_never_stopped(tmp_path):
    whole = portrait(run(*searched()))
    ledger = Ledger(":memory:")
    for resumed, _ in stopped_and_resumed(lambda: searched(ledger=ledger), tmp_path, (-1.0,)):
        assert portrait(resumed) == whole


class Bounded(SumFitness):
    """The squared distance from the top corner, below a diagonal; steep in one constraint and flat in the other."""

    constraints = ("diagonal", "first")

    def answer(self, genes, budget):
        over = (1000 * (genes.sum() - 3), 0.001 * (genes[0] - 0.5))
        return Evaluation((float(((genes - 2) ** 2).sum()),), work=budget, constraints=over)


def test_it_ends_at_the_border_of_constraints_and_inside():
    # The nearest to (2, 2, 2) with x + y + z <= 3 and x <= 0.5 is (0.5, 1.25, 1.25), where both are at their border.
    fitness, box = Bounded(), RealVector(-2, 2, 3)
    search, measure = built(QuasiNewton(30), fitness, box), door(fitness, genome=box)
    run(search, measure)
    assert search.best().fitness.violation == 0
    assert search.best().genes == pytest.approx(np.array([0.5, 1.25, 1.25]), abs=1e-5)
    assert search.logbook[-1]["violation"] == 0


def test_under_constraints_it_goes_on_from_its_state(tmp_path):
    fitness, box, ledger = Bounded(), RealVector(-2, 2, 3), Ledger(":memory:")

    def make():
        return built(QuasiNewton(30), fitness, box), door(fitness, ledger, box)

    whole, measure = make()
    run(whole, measure)
    for resumed, _ in stopped_and_resumed(make, tmp_path, (-1.0,)):
        assert portrait(resumed) == portrait(whole)


@pytest.mark.parametrize("unit", [1e-6, 1e6])
def test_under_constraints_the_unit_of_the_loss_decides_nothing(unit):
    class Scaled(Bounded):
        def answer(self, genes, budget):
            one = super().answer(genes, budget)
            return Evaluation((one.values[0] * unit,), work=budget, constraints=one.constraints)

    box, found = RealVector(-2, 2, 3), []
    for fitness in (Bounded(), Scaled()):
        search, measure = built(QuasiNewton(30), fitness, box), door(fitness, genome=box)
        run(search, measure)
        found.append(search.best().genes)
    assert found[1] == pytest.approx(found[0], abs=1e-5)
