"""The accuracy of trained networks as a fitness."""

import subprocess
import sys
from dataclasses import replace

import pytest

from evokit.streams import Streams
from evokit_optimizers.fitness import build_tasks
from evokit_optimizers.options import Rung, TrainedAccuracy
from evokit_optimizers.rules.cost import step_cost
from evokit_optimizers.rules.known import KNOWN
from evokit_optimizers.rules.rule import Rule
from evokit_optimizers.tasks.options import Language, Network, OneTask
from evokit_optimizers.training.training import Training
from tests.plugins.optimizers.tiny_tasks import OPTIONS, fitness_of, tasks_of

RULES = [KNOWN["adam"], Rule((("GRAD", 1.0),), lr=0.3), Rule((("GRAD", 1.0),), lr=1e30), KNOWN["lion"]]


def evaluated(fitness, rules=RULES, budget=24):
    return list(fitness.evaluate(rules, budget))


def test_budgets_count_steps_of_all_trainings():
    assert fitness_of().budgets == [10, 24]
    assert fitness_of(replace(OPTIONS, tasks=())).budgets == [20, 48]


def test_results_come_in_the_order_of_the_batch_and_equal_those_alone(fitness):
    alone = [evaluated(fitness_of(), [rule])[0] for rule in RULES]
    assert evaluated(fitness) == alone
    assert evaluated(fitness, RULES[::-1]) == alone[::-1]
    assert [one.outcome for one in alone] == ["ok", "ok", "diverged", "ok"]


def test_a_value_is_the_same_after_a_lower_budget(fitness):
    direct = evaluated(fitness_of())
    evaluated(fitness, budget=10)
    assert evaluated(fitness) == direct


def test_a_lower_budget_is_the_full_horizon_stopped_early(fitness):
    constant, falling = KNOWN["adam"], replace(KNOWN["adam"], decay="cosine", decay_span=0.5)
    early, late = evaluated(fitness, [constant, falling], 10), evaluated(fitness, [constant, falling])
    assert early[0].values == early[1].values  # the decay begins at step 6 of 12
    assert early[0].work == 10
    assert late[0].work == 24


def test_an_unknown_budget_is_refused(fitness):
    with pytest.raises(ValueError, match=r"budget must be one of \[10, 24\], got 12"):
        evaluated(fitness, budget=12)


def test_a_fresh_fitness_has_other_seeds_and_another_context(fitness):
    fresh = fitness.fresh()
    assert not set(fresh.replicates(Streams(0))) & set(fitness.replicates(Streams(0)))
    assert fresh.context != fitness.context
    assert not set(fresh.fresh().replicates(Streams(0))) & set(fresh.replicates(Streams(0)))


@pytest.mark.parametrize(
    "change",
    [
        {"streams": Streams(4)},
        {"data_digest": "other"},
        {"threads": 2},
        {"steps": 13},
        {"seeds": 3},
        {"batch": 9},
        {"precision": "bfloat16"},
        {"explosion": 9.0},
        {"model": Network(channels=(2, 3), hidden=9)},
        {"tasks": (OneTask("digits", model=Network()),)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_the_context_tells_apart_what_decides_a_value(fitness, change):
    surroundings = {key: value for key, value in change.items() if key in ("streams", "data_digest", "threads")}
    options = {key: value for key, value in change.items() if key not in surroundings}
    assert fitness_of(replace(OPTIONS, **options), **surroundings).context != fitness.context


@pytest.mark.parametrize("change", [{"rungs": ()}, {"cache_mb": 0}], ids=["rungs", "cache_mb"])
def test_the_context_leaves_out_what_decides_none(fitness, change):
    assert fitness_of(replace(OPTIONS, **change)).context == fitness.context


def test_rungs_that_do_not_ascend_are_refused():
    with pytest.raises(ValueError, match=r"rungs must ascend .* got steps \[5, 5, 12\], seeds \[2, 2, 2\]"):
        replace(OPTIONS, rungs=(5, 5))
    with pytest.raises(ValueError, match=r"seeds \[2, 1, 2\]"):
        replace(OPTIONS, rungs=(5, Rung(9, seeds=1)))


def test_a_rung_may_be_of_the_first_seeds_alone(fitness):
    staged = fitness_of(replace(OPTIONS, rungs=(Rung(5, seeds=1), Rung(12, seeds=1))))
    assert staged.budgets == [5, 12, 24]
    (early,) = evaluated(staged, RULES[:1], 5)
    (one,), (both,) = evaluated(staged, RULES[:1], 12), evaluated(staged, RULES[:1])
    assert (early.work, one.work, both.work) == (5, 12, 24)
    assert [both] == evaluated(fitness, RULES[:1])
    assert one.values == evaluated(fitness_of(replace(OPTIONS, seeds=1)), RULES[:1], 12)[0].values


def test_a_rung_may_be_a_shorter_horizon_with_its_whole_schedule():
    rungs = (Rung(5, schedule="whole"), Rung(8, seeds=2), Rung(9, schedule="whole"))
    staged, short = fitness_of(replace(OPTIONS, rungs=rungs)), fitness_of(replace(OPTIONS, steps=5, rungs=()))
    assert staged.budgets == [10, 16, 18, 24]
    assert evaluated(staged, budget=10) == evaluated(short, budget=10)


def test_a_value_is_the_same_whatever_horizons_were_measured_before():
    options = replace(OPTIONS, rungs=(Rung(5, schedule="whole"), Rung(8), Rung(9, schedule="whole")))
    falling = [replace(rule, decay="cosine") for rule in RULES]
    direct = {budget: evaluated(fitness_of(options), falling, budget) for budget in (10, 16, 18, 24)}
    one = fitness_of(options)
    for budget in (18, 10, 24, 16, 10, 24):
        assert evaluated(one, falling, budget) == direct[budget]
    assert direct[24] == evaluated(fitness_of(replace(OPTIONS, rungs=())), falling)


def test_nothing_is_continued_from_a_shorter_horizon(monkeypatch):
    one = fitness_of(replace(OPTIONS, rungs=(Rung(5, schedule="whole"),)))
    monkeypatch.setattr(Training, "resume", lambda *_: pytest.fail("a training went on"))
    for budget in (10, 24):
        evaluated(one, RULES[:1], budget)


def test_a_shorter_horizon_tells_a_late_fall_of_the_rate_where_a_cut_schedule_does_not():
    constant = replace(KNOWN["adam"], lr=0.03)
    falling = replace(constant, decay="linear", decay_span=0.5)
    cut, whole = (
        evaluated(fitness_of(replace(OPTIONS, rungs=(Rung(6, schedule=schedule),))), [constant, falling], 12)
        for schedule in ("cut", "whole")
    )
    assert cut[0].values == cut[1].values
    assert whole[0].values != whole[1].values


def test_what_a_budget_means_is_in_the_context_if_horizons_differ(fitness):
    contexts = {
        fitness_of(replace(OPTIONS, rungs=rungs)).context
        for rungs in ((Rung(5, schedule="whole"),), (Rung(10, seeds=1, schedule="whole"),), (Rung(5),))
    }
    assert len(contexts) == 3
    assert fitness.context in contexts


@pytest.mark.parametrize(
    "rungs",
    [
        (Rung(6, schedule="whole"), Rung(12, seeds=1)),
        (Rung(20, seeds=1, schedule="whole"),),
        (Rung(5, seeds=3, schedule="whole"),),
        (Rung(9), Rung(5, schedule="whole")),
    ],
    ids=["as dear as another", "longer", "more seeds", "descending"],
)
def test_rungs_of_shorter_horizons_must_ascend_in_work(rungs):
    with pytest.raises(ValueError, match="rungs must ascend and stay below the full budget"):
        replace(OPTIONS, rungs=rungs)


def test_a_task_named_twice_is_refused():
    with pytest.raises(ValueError, match="tasks names digits twice"):
        replace(OPTIONS, tasks=("digits", OneTask("digits")))


def test_no_names_mean_all_sets_of_the_data():
    assert [task.name for task in tasks_of(tasks=())] == ["digits", "photo_tiles"]


def test_a_task_may_have_a_network_of_its_own():
    own = OneTask("digits", model=Network(channels=(1, 1), hidden=4))
    one, other = tasks_of(tasks=(own, "photo_tiles"))
    assert one.network.channels == (1, 1)
    assert other.network.channels == OPTIONS.model.channels


def test_a_set_that_the_data_lack_is_refused():
    with pytest.raises(ValueError, match="tasks: the data have no mnist, only digits, photo_tiles"):
        tasks_of(tasks=("digits", "mnist"))


def test_data_without_images_are_refused():
    with pytest.raises(ValueError, match=r"needs images or text to train on"):
        build_tasks(OPTIONS, None, None, "cpu")


def test_the_operations_of_a_step_are_told_and_may_be_an_objective(fitness):
    both = fitness_of(replace(OPTIONS, objectives=("accuracy", "step_cost")))
    assert dict(both.objectives) == {"accuracy": "max", "step_cost": "min"}
    network = fitness.tasks[0].network
    rules = [RULES[0], RULES[3]]
    for rule, plain, priced in zip(rules, evaluated(fitness, rules), evaluated(both, rules), strict=True):
        cost = step_cost(rule, network.shapes, network.groups)
        assert priced.values == (*plain.values, cost.total)
        assert (plain.metrics["step_flops"], plain.metrics["product_flops"]) == (cost.total, cost.products)


def test_another_objective_is_another_context(fitness):
    assert fitness_of(replace(OPTIONS, objectives=("accuracy", "step_cost"))).context != fitness.context


@pytest.mark.parametrize("objectives", [(), ("step_cost",), ("step_cost", "accuracy"), ("accuracy", "accuracy")])
def test_the_first_objective_is_the_accuracy(objectives):
    with pytest.raises(ValueError, match="objectives: must be accuracy, then others, each once"):
        replace(OPTIONS, objectives=objectives)


def test_importing_the_plugin_imports_no_torch():
    code = "import sys, evokit_optimizers; evokit_optimizers.evokit_components(); assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_what_a_network_of_ones_own_takes_the_place_of_is_refused_beside_it():
    with pytest.raises(ValueError, match="model: has no effect beside module, which is the network"):
        TrainedAccuracy(module="package:Net", model=Network(channels=(4,)))
    with pytest.raises(ValueError, match="language: of it only length has an effect beside module"):
        TrainedAccuracy(module="package:Net", language=Language(width=8))
    assert TrainedAccuracy(module="package:Net", language=Language(length=8)).language.length == 8
