import pytest

from evokit.measuring.ledger import Ledger
from evokit.searches.steady_state import SteadyState
from tests.door import SumFitness, door, story
from tests.searches.building import built, portrait, run, set_values, stopped_and_resumed
from tests.searches.test_contract import Pair

OPTIONS = SteadyState(population=6, generations=6, in_flight=4, births=9)


class Slow:
    """An executor with workers, whose answers come late: each only when nothing more can begin or the room is full."""

    def __init__(self, inner, room):
        self.inner, self.room, self.begun = inner, room, []

    def map(self, tasks):
        waiting, tasks = [], iter(tasks)
        while True:
            task = next(tasks, "end") if len(waiting) < self.room else None
            if task not in (None, "end"):
                waiting.append(task)
                self.begun.append(len(waiting))
            elif waiting:
                yield from self.inner.map([waiting.pop(0)])
            elif task is None:
                yield []
            else:
                return


def searched(options=OPTIONS, room=1, ledger=None, fitness=None):
    fitness = fitness or SumFitness()
    measure = door(fitness, ledger)
    measure._executor = Slow(measure._executor, room)
    return built(options, fitness), measure


def told(options=OPTIONS, fitness=None):
    """The same search by ``ask`` and ``tell``: as many children as the stepped one."""
    fitness = fitness or SumFitness()
    search, measure = built(options, fitness), door(fitness)
    for _ in range(0, 6 * 9, 4):
        asked = search.ask()
        assert [one.key for one in search.ask()] == [one.key for one in asked]
        measure(asked)
        search.tell(asked)
    return search, measure


@pytest.mark.parametrize("room", [2, 4, 99])
def test_one_seed_gives_one_ledger_however_many_are_measured_at_once(room):
    ledger, other = Ledger(":memory:"), Ledger(":memory:")
    alone = run(*searched(room=1, ledger=ledger))
    search, measure = searched(room=room, ledger=other)
    assert portrait(run(search, measure)) == portrait(alone)
    assert story(other) == story(ledger)
    assert max(measure._executor.begun) == min(room, 4)


def test_asked_and_told_it_makes_the_same_children():
    ledger = Ledger(":memory:")
    run(*searched(ledger=ledger))
    _, measure = told()
    made = [key for _, _, key, *_ in story(measure._ledger)]
    assert made[: 6 * 9] == [key for _, _, key, *_ in story(ledger)][: len(made)]


def test_a_child_is_made_of_all_but_the_last_in_flight():
    search, measure = built(SteadyState(population=2, generations=9, in_flight=3, births=3), SumFitness()), door()
    search._child = lambda parents, mutate, rng: seen.append(list(search.population)) or search._random(rng)
    seen, made = [], []
    tell = search._end_generation
    search._end_generation = lambda born, parents: made.extend(born) or tell(born, parents)
    run(search, measure, 3)
    # Individual 3, the first that is a child, is made of individual 0 alone.
    assert [[one.key for one in population] for population in seen[:2]] == [
        [one.key for one in made[:n]] for n in (1, 2)
    ]


def test_the_worst_goes_where_a_child_is_no_worse_and_the_oldest_of_equals():
    search = built(SteadyState(population=2, in_flight=1), SumFitness())
    rng = search._rng()
    a, b, c, d, e = set_values([search._random(rng) for _ in range(5)], [3, 3, 3, 2, 9])
    for one, left in ((a, [a]), (b, [a, b]), (c, [b, c]), (d, [c, d]), (e, [c, d])):
        search._make_room(search.population, [one])
        assert search.population == left


def test_it_goes_on_from_its_state_as_if_never_stopped(tmp_path):
    whole = Ledger(":memory:")
    first = portrait(run(*searched(ledger=whole)))
    ledger = Ledger(":memory:")
    for resumed, _ in stopped_and_resumed(lambda: searched(ledger=ledger, room=3), tmp_path, (-1.0,)):
        assert portrait(resumed) == first
    assert story(ledger) == story(whole)


def test_a_run_killed_within_a_generation_repeats_nothing():
    whole = Ledger(":memory:")
    first = portrait(run(*searched(ledger=whole)))
    ledger = Ledger(":memory:")
    with pytest.raises(KeyboardInterrupt):
        run(*searched(ledger=ledger, fitness=SumFitness(die_at=21)))
    assert len(story(ledger)) >= 18
    fitness = SumFitness()
    assert portrait(run(*searched(ledger=ledger, fitness=fitness))) == first
    assert story(ledger) == story(whole)
    assert len(fitness.batches) < len({key for _, _, key, *_ in story(whole)})


def test_who_fails_finds_no_place_and_the_search_goes_on():
    def fails(genes):
        return "diverged" if genes[0] == 0 else None

    search, measure = searched(fitness=SumFitness(fails=fails), room=3)
    run(search, measure)
    assert search.generation == 6
    assert all(one.genes[0] for one in [*search.population, *search.hall_of_fame()])


def test_where_all_fail_it_goes_on_until_its_end():
    search, measure = searched(fitness=SumFitness(fails=lambda genes: "diverged"))
    assert run(search, measure).generation == 6
    assert not search.population


def test_a_key_that_is_on_its_way_is_measured_once():
    fitness, measure = SumFitness(), None
    search, measure = searched(fitness=fitness, room=4)
    one = search._random(search._rng())
    twins = [one, *(type(one)(one.genes, one.key, type(one.fitness)((-1.0,))) for _ in range(2))]
    back = list(measure.each(iter(twins), 3))
    assert len(fitness.batches) == 1
    assert [twin.fitness.values for twin in back] == [one.fitness.values] * 3
    assert [source for *_, source, _, _, _, _ in story(measure._ledger)] == ["measured", "cached", "cached"]


def test_several_objectives_are_refused():
    with pytest.raises(ValueError, match="steady_state has one objective, the fitness has 2: name nsga2"):
        built(SteadyState(), Pair())


def test_a_generation_is_four_for_each_in_flight_and_no_less_than_the_population():
    assert SteadyState(population=32, in_flight=16).n_births == 64
    assert SteadyState(population=200, in_flight=8).n_births == 200
    assert SteadyState(births=40).n_births == 40


def test_it_finds_the_optimum():
    search = run(*searched(SteadyState(population=10, generations=5)))
    assert search.best().fitness.values == (0.0,)


def test_births_that_cannot_all_be_in_flight_are_refused():
    with pytest.raises(ValueError, match=r"births \(5\) must be at least in_flight \(32\)"):
        SteadyState(births=5)
