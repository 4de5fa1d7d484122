"""Children of a whole population at once."""

from evokit.crossover.simulated_binary import SimulatedBinary
from evokit.genomes.real_vector import RealVector
from evokit.measuring.ledger import Ledger
from evokit.mutation.polynomial import Polynomial
from evokit.searches.generational import Generational
from tests.door import SumFitness, door, story
from tests.searches.building import built, portrait, run, stopped_and_resumed

BOX = RealVector(-5, 5, 4)


class Sphere(SumFitness):
    def answer(self, genes, budget):
        one = super().answer(genes, budget)
        return type(one)((float(genes @ genes),), work=budget)


def searched(ledger=None, population=12, crossover=None):
    search = built(
        Generational(population=population, generations=10, elites=1),
        Sphere(),
        BOX,
        crossover=crossover or SimulatedBinary(),
        mutation=Polynomial(),
    )
    return search, door(Sphere(), ledger, BOX)


def test_pairs_have_two_children_each_with_both_as_parents():
    search, measure = searched()
    run(search, measure, 1)
    children = search.ask()
    assert len(children) == 11
    pairs = [one.parents for one in children]
    assert sum(a == b for a, b in zip(pairs[0:10:2], pairs[1:10:2], strict=True)) >= 3  # a twin is drawn again alone
    known = {one.key for one in search.population}
    assert all(set(pair) <= known for pair in pairs)


def test_a_child_that_no_crossover_made_has_one_parent():
    search, measure = searched(crossover=SimulatedBinary(prob=0))
    run(search, measure, 1)
    children, genes = search.ask(), {one.key: one.genes for one in search.population}
    assert {(len(one.parents), one.born_by) for one in children} == {(1, "mutation")}
    moved = [(one.genes != genes[one.parents[0]]).sum() for one in children]
    # A quarter each, and one at least, or they were known: 1.46 of four on average; of anybody else all four.
    assert sum(moved) < 3 * len(children)


def test_a_child_that_is_known_or_a_twin_is_drawn_again():
    calls = []

    class Copies(SimulatedBinary):
        """The first crossing hands its parents on."""

        def build(self, context):
            cross = super().build(context)
            first = cross.rows

            def rows(a, b, rng):
                calls.append(len(a))
                return (a.copy(), a.copy()) if len(calls) == 1 else first(a, b, rng)

            return type("Cross", (), {"rows": staticmethod(rows)})()

    search, measure = searched(crossover=Copies())
    run(search, measure, 1)
    children = search.ask()
    assert calls[0] == 7  # pairs for 11 children and a tenth more
    assert len(calls) > 1
    assert calls[1] < 7
    keys = [one.key for one in children]
    assert len(set(keys)) == len(keys)
    assert not set(keys) & search.archive.known


def test_it_goes_on_from_its_state_as_if_never_stopped(tmp_path):
    whole = Ledger(":memory:")
    first = portrait(run(*searched(whole)))
    ledger = Ledger(":memory:")
    for resumed, _ in stopped_and_resumed(lambda: searched(ledger), tmp_path, (-1.0,)):
        assert portrait(resumed) == first
    assert story(ledger) == story(whole)


def test_it_finds_the_optimum():
    search, measure = searched(population=40)
    assert run(search, measure).best().fitness.values[0] < 2.0
