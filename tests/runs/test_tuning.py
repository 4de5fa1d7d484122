"""Settings are raced, the winner is fitted."""

import pytest

from evokit.common.keys import digest
from evokit.interfaces import Evaluation, Variant
from evokit.runs.tuning import at_edge, fitted, seeds_of, tuned
from evokit.streams import Streams


class Tunable:
    """Fits a setting to ``first`` at budget 1 and to ``full`` at budget 4; settings whose number is None fail."""

    unit, deterministic = "point", False

    def __init__(self, full, first=None, goal="min", deterministic=False, budgets=(1, 4), variants=None):
        self.full, self.first, self.goal = full, first or full, goal
        self.deterministic, self.budgets = deterministic, budgets
        if variants:
            self.variants = lambda: {name: Variant(keys, 1) for name, keys in variants.items()}

    def settings(self, best):
        return [{"lr": index} for index in range(len(self.full))]


class Door:
    """Answers fits without fitting; remembers (lr, seed, budget, generation)."""

    def __init__(self, contender, failing=()):
        self.contender, self.failing, self.generation = contender, failing, 0
        self.asked, self.told = [], []

    def born(self, individuals):
        self.told.append([one.genes for one in individuals])
        assert all((one.key, one.born_by) == (digest(one.genes), "setting") for one in individuals)

    def __call__(self, individuals, budget=None):
        answers = []
        for one in individuals:
            at = budget or self.contender.budgets[-1]
            lr, seed = one.genes["setting"]["lr"], one.genes["seed"]
            self.asked.append((lr, seed, at, self.generation))
            value = (self.contender.full if at == self.contender.budgets[-1] else self.contender.first)[lr]
            failed = value is None or seed in self.failing
            answers.append(Evaluation(outcome="diverged", message="gone") if failed else Evaluation((value,)))
            if not failed and at == self.contender.budgets[-1]:
                one.fitness.values = (value,)
        return answers


@pytest.mark.parametrize(("goal", "wins", "races"), [("min", 1, [0, 1]), ("max", 2, [2, 3])])
def test_settings_race_and_the_best_at_full_budget_wins(goal, wins, races):
    contender = Tunable(full=[5.0, 1.0, 9.0, 7.0], first=[1.0, 2.0, 3.0, 4.0], goal=goal)
    door = Door(contender)
    assert tuned(contender, None, 17, door) == ({"lr": wins}, 4)
    assert [one for one in door.asked if one[2] == 1] == [(lr, 17, 1, 0) for lr in range(4)]
    assert sorted(one for one in door.asked if one[2] == 4) == [(lr, 17, 4, 0) for lr in races]
    assert door.told == [[{"setting": {"lr": lr}, "seed": 17} for lr in range(4)]]
    assert door.generation == 1


def test_with_one_budget_there_is_no_race():
    contender = Tunable([3.0, None, 2.0], budgets=(4,))
    door = Door(contender)
    assert tuned(contender, None, 17, door) == ({"lr": 2}, 3)
    assert door.asked == [(lr, 17, 4, 0) for lr in range(3)]


def test_a_single_setting_is_not_fitted_to_be_chosen():
    contender = Tunable([3.0])
    door = Door(contender)
    assert tuned(contender, None, 17, door) == ({"lr": 0}, 1)
    assert (door.asked, door.told, door.generation) == ([], [], 0)


def test_where_every_setting_fails_none_wins():
    contender = Tunable([None, None])
    assert tuned(contender, None, 17, Door(contender)) == (None, 2)


def test_a_setting_is_fitted_with_every_seed_and_failures_are_left_out():
    contender = Tunable([3.0])
    door = Door(contender, failing=(7,))
    models = fitted(contender, {"lr": 0}, [5, 7, 9], door)
    assert [(one.seed, one.setting, one.evaluation.values) for one in models] == [
        (5, {"lr": 0}, (3.0,)), (9, {"lr": 0}, (3.0,))
    ]  # fmt: skip
    assert door.asked == [(0, seed, 4, 0) for seed in (5, 7, 9)]
    assert door.told == [[{"setting": {"lr": 0}, "seed": seed} for seed in (5, 7, 9)]]


def test_what_is_deterministic_has_one_model():
    contender = Tunable([3.0], deterministic=True)
    assert [one.seed for one in fitted(contender, {"lr": 0}, [5, 7, 9], Door(contender))] == [5]


def test_seeds_of_final_fits_are_31_bits_of_their_streams():
    streams = Streams(4)
    assert seeds_of(streams, 3) == [streams.at("contender", i).entropy() % 2**31 for i in (0, 1, 2)]


def test_only_numbers_of_which_several_were_tried_have_an_edge():
    tried = [{"lr": lr, "decay": 0, "betas": [0.9, 0.99], "on": lr > 1} for lr in (3, 2, 1)]
    assert at_edge(tried[0], tried) == ["lr 3 (largest of 3)"]
    assert at_edge(tried[2], tried) == ["lr 1 (smallest of 3)"]
    assert at_edge(tried[1], tried) == at_edge({"lr": 0}, [{"lr": 0}, {"lr": 1}]) == []


def test_numbers_in_a_list_have_edges_each_for_itself():
    tried = [{"betas": [0.9, beta2]} for beta2 in (0.95, 0.99, 0.999)]
    assert at_edge(tried[0], tried) == ["betas.1 0.95 (smallest of 3)"]
    assert at_edge(tried[1], tried) == []
