from types import SimpleNamespace

import numpy as np
import pytest
from deap import tools

from evokit.contracts.global_generators import driven_by, global_states
from evokit.interfaces import Context, Individual, Score
from evokit.selection.deap import ANY_NUMBER, EACH_ONCE, PROPORTIONAL, REFUSED, DeapSelection
from evokit.streams import Streams
from tests.selection.test_tournament import population_of

NEEDED = {"selTournament": {"tournsize": 2}, "selEpsilonLexicase": {"epsilon": 0.5}}
ALL = [*ANY_NUMBER, *EACH_ONCE]
PEOPLE = [Individual(i, str(i), Score((1.0, -1.0), (i % 4 + 1.0, float(i * i % 7)))) for i in range(9)]


def built(name, goals=("max", "min"), **arguments):
    fitness = SimpleNamespace(objectives={str(i): goal for i, goal in enumerate(goals)})
    return DeapSelection(name, arguments or NEEDED.get(name, {})).build(Context(Streams(0), fitness=fitness))


@pytest.mark.parametrize("name", ALL)
def test_equals_deap_at_the_same_draws_with_members_themselves(name):
    before = global_states()
    chosen = built(name)(PEOPLE, 5, np.random.default_rng(3))
    with driven_by(np.random.default_rng(3)):
        expected = getattr(tools, name)(PEOPLE, 5, **NEEDED.get(name, {}))
    assert [id(one) for one in chosen] == [id(one) for one in expected]
    assert global_states() == before


@pytest.mark.parametrize("name", ALL)
def test_more_than_there_are_can_be_asked_for(name):
    chosen = built(name)(PEOPLE, 20, np.random.default_rng(0))
    assert len(chosen) == 20
    assert set(map(id, chosen)) <= set(map(id, PEOPLE))
    if name in EACH_ONCE:
        assert chosen[9:18] == chosen[:9]


@pytest.mark.parametrize("name", PROPORTIONAL)
def test_what_is_not_to_be_maximised_or_not_above_0_has_no_share(name):
    with pytest.raises(ValueError, match=f"{name} is for values that are to be maximised; use roulette"):
        built(name, goals=("min",))
    with pytest.raises(ValueError, match=f"{name} is for values above 0; use roulette"):
        built(name, goals=("max",))(population_of([1, 0, 2], weight=1.0), 2, np.random.default_rng(0))


@pytest.mark.parametrize(
    ("operator", "arguments", "message"),
    [
        ("selTournament", {}, "selTournament needs tournsize as well"),
        ("selTournament", {"tournsize": 2, "fit_attr": "key"}, "selTournament has no argument 'fit_attr'"),
        ("selNSGA3", {}, "operator: selNSGA3 needs reference points"),
        ("selTournement", {}, "did you mean 'selTournament'"),
    ],
)
def test_what_deap_does_not_have_is_told_at_once(operator, arguments, message):
    with pytest.raises(ValueError, match=message):
        DeapSelection(operator, arguments)


def test_an_argument_of_a_wrong_kind_is_told_before_the_run():
    with pytest.raises(ValueError, match="selTournament raises TypeError with these arguments"):
        built("selTournament", tournsize="3")


def test_an_empty_population_is_an_error():
    with pytest.raises(ValueError, match="population: must hold at least one measured individual"):
        built("selBest")([], 1, np.random.default_rng(0))


def test_every_selection_of_deap_is_there_or_refused():
    found = {name for name in dir(tools) if name.startswith("sel") and callable(getattr(tools, name))}
    assert found == set(ALL) | set(REFUSED)
