import pytest

from evokit.measuring.ledger import Ledger
from evokit.searches.stepping import AskTell
from tests.door import GENOME, SumFitness, door, people, story


class Scripted(AskTell):
    """Asks for what it is told to."""

    def __init__(self, *generations, screens=(), horizon=None):
        super().__init__(GENOME, (-1.0,), horizon, screens)
        self.script, self.told = generations, []

    def ask(self):
        return people(*self.script[self.generation])

    def tell(self, individuals):
        self.told = list(individuals)
        self.archive.add(self.generation, individuals, individuals)
        self.generation += 1


class Only:
    """A screen that lets ``chosen`` through and predicts everybody."""

    def __init__(self, *chosen, predict=True):
        self.chosen, self.predict = [list(one) for one in chosen], predict
        self.seen, self.observed = [], []

    def __call__(self, candidates, measure):
        self.seen = [one.genes.tolist() for one in candidates]
        for one in candidates:
            one.predicted = 0.5 if self.predict else None
        return [one for one in candidates if one.genes.tolist() in self.chosen]

    def observe(self, generation, measured):
        self.observed.append((generation, [one.genes.tolist() for one in measured]))

    def state_dict(self):
        return {"seen": self.seen}

    def load_state_dict(self, state):
        self.seen = state["seen"]


A, B, C = [0, 0, 0, 1], [0, 0, 1, 0], [0, 1, 0, 0]  # values 4, 3, 2


def values(individuals):
    return [one.fitness.values for one in individuals]


def test_without_screens_everybody_is_measured_and_told():
    search = Scripted([A, B, C])
    search.step(door())
    assert values(search.told) == [(4.0,), (3.0,), (2.0,)]


def test_who_no_screen_lets_through_is_predicted_and_told_unmeasured():
    ledger, search = Ledger(":memory:"), Scripted([A, B, C], screens=[Only(B)])
    search.step(door(ledger=ledger))
    assert values(search.told) == [(), (3.0,), ()]
    assert [(r[4], r[6]) for r in story(ledger)] == [("measured", (3.0,)), ("predicted", (0.5,)), ("predicted", (0.5,))]


def test_who_was_dropped_without_a_prediction_has_no_row():
    ledger, search = Ledger(":memory:"), Scripted([A, B, C], screens=[Only(B, predict=False)])
    search.step(door(ledger=ledger))
    assert len(story(ledger)) == 1


def test_screens_work_in_a_chain_and_all_observe_who_was_measured():
    first, second = Only(A, B), Only(B, C)
    Scripted([A, B, C], screens=[first, second]).step(door())
    assert (first.seen, second.seen) == ([A, B, C], [A, B])
    assert first.observed == second.observed == [(0, [B])]


def test_the_known_pass_no_screen_and_take_their_value():
    screen = Only(A, B)
    search, measure = Scripted([A], [A, B], screens=[screen]), door()
    search.step(measure)
    screen.chosen = [B]
    search.step(measure)
    assert screen.seen == [B]
    assert values(search.told) == [(4.0,), (3.0,)]


def test_a_screen_sees_one_of_two_twins_and_the_other_takes_its_value():
    screen = Only(A)
    search = Scripted([A, B, A, B], screens=[screen])
    search.step(door())
    assert screen.seen == [A, B]
    assert values(search.told) == [(4.0,), (), (4.0,), ()]
    assert [one.predicted for one in search.told] == [0.5, 0.5, None, None]


def test_the_failed_are_known_and_the_unmeasured_forgotten():
    fitness = SumFitness(fails=lambda one: "nan" if one.tolist() == A else None)
    search = Scripted([A, B, C], screens=[Only(A, B)])
    search.step(door(fitness))
    assert search.archive.known == {one.key for one in people(A, B)}


def test_lineage_has_everybody_who_was_born():
    ledger, search = Ledger(":memory:"), Scripted([A], [B, A], screens=[Only(A)])
    measure = door(ledger=ledger)
    search.step(measure)
    search.step(measure)
    assert [ledger.born("search", one.key) for one in people(A, B)] == [0, 1]


def test_a_search_is_done_at_its_horizon():
    search, measure = Scripted([A], [B], horizon=2), door()
    search.step(measure)
    assert not search.done
    search.step(measure)
    assert search.done


def test_without_a_horizon_it_is_never_done():
    search = Scripted([A])
    search.step(door())
    assert not search.done


def test_the_state_holds_population_archive_and_screens():
    first, second = (Scripted([A, B], screens=[Only(A)]) for _ in range(2))
    first.step(door())
    first.population = first.told
    second.load_state_dict(first.state_dict())
    assert repr(second.state_dict()) == repr(first.state_dict())
    assert second.best().genes.tolist() == A


def test_a_state_with_other_screens_is_an_error():
    state = Scripted(screens=[Only(A)]).state_dict()
    with pytest.raises(ValueError, match="zip"):
        Scripted().load_state_dict(state)
