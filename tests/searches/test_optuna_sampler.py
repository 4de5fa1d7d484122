import logging

import optuna
import pytest

from evokit.genomes.bits import Bits
from evokit.genomes.real_vector import RealVector
from evokit.measuring.ledger import Ledger
from evokit.searches.optuna_sampler import OptunaSampler
from evokit.streams import Streams
from tests.door import GENOME, SumFitness, door
from tests.searches.building import built, portrait, run, stopped_and_resumed
from tests.searches.test_contract import Pair
from tests.searches.test_quasi_newton import BOX, Valley

TPE = OptunaSampler(generations=25, options={"n_startup_trials": 5})


def test_it_asks_what_optuna_asks():
    def theirs(generation, told):
        seed = Streams(0).at("optuna", generation).entropy() % 2**32
        sampler = optuna.samplers.TPESampler(n_startup_trials=5, constant_liar=False, seed=seed)
        study = optuna.create_study(sampler=sampler)
        space = {str(i): optuna.distributions.FloatDistribution(BOX.low[i], BOX.high[i]) for i in range(3)}
        for genes, value in told:
            params = {str(i): float(gene) for i, gene in enumerate(genes)}
            study.add_trial(optuna.trial.create_trial(params=params, distributions=space, value=value))
        return list(study.ask(space).params.values())

    search, measure, told = built(TPE, Valley(), BOX), door(Valley(), genome=BOX), []
    for generation in range(12):
        (one,) = search.ask()
        assert one.genes.tolist() == theirs(generation, told)
        search.step(measure)
        told.append((one.genes, Valley().answer(one.genes, 1).values[0]))


@pytest.mark.parametrize("genome", [GENOME, Bits(4)])
def test_choices_are_learned_for_either_goal(genome):
    for goal in ("min", "max"):
        search, fitness = built(TPE, SumFitness(goal=goal), genome), SumFitness(goal=goal)
        run(search, door(fitness, genome=genome))
        values = [one.fitness.values[0] for one in search.hall_of_fame()]
        assert values[0] == (min if goal == "min" else max)(values)


def test_a_gaussian_process_solves_a_valley_in_few_evaluations():
    search = built(OptunaSampler("gp", generations=25), Valley(), BOX)
    assert run(search, door(Valley(), genome=BOX)).best().fitness.values[0] < 5.0


@pytest.mark.parametrize(
    ("genome", "fitness", "taken"),
    [(BOX, Valley, "gp"), (RealVector(0, 1, 21), SumFitness, "tpe"), (Bits(3), SumFitness, "tpe"), (BOX, Pair, "tpe")],
)
def test_auto_takes_a_sampler_by_the_genes_and_says_so(genome, fitness, taken):
    search = built(OptunaSampler("auto", generations=2), fitness(), genome)
    assert search.chosen == f"optuna took the sampler {taken}"
    assert search.ask()[0].born_by == taken


def test_the_seed_is_the_recipes():
    with pytest.raises(ValueError, match="the sampler's seed follows from the recipe's"):
        OptunaSampler(options={"seed": 3})


def test_several_objectives_have_a_front():
    search = built(TPE, Pair())
    assert run(search, door(Pair())).front()


def test_init_comes_first_and_a_batch_is_asked_for_at_once():
    first, second = BOX.from_json([1, 1, 1]), BOX.from_json([0, 0, 0])
    from evokit.interfaces import Context

    context = Context(Streams(0), fitness=Valley(), genome=BOX, init=[first, second])
    search = OptunaSampler(batch=3).build(context)
    asked = search.ask()
    assert [one.genes.tolist() for one in asked[:2]] == [[1, 1, 1], [0, 0, 0]]
    assert len({one.key for one in asked}) == 3


def test_who_fails_teaches_that_it_fails_and_is_no_member():
    fitness = Valley(lambda genes: genes[0] > 0)
    search = run(built(TPE, fitness, BOX), door(fitness, genome=BOX))
    assert search.generation == 25
    assert all(one.genes[0] <= 0 for one in search.hall_of_fame())


@pytest.mark.parametrize(
    ("options", "fitness", "genome"),
    [(OptunaSampler(batch=2, generations=12), Valley, BOX), (OptunaSampler("gp", generations=11), SumFitness, GENOME)],
)
def test_it_goes_on_from_its_state_as_if_never_stopped(options, fitness, genome, tmp_path):
    def make(ledger=None):
        return built(options, fitness(), genome), door(fitness(), ledger, genome)

    whole, ledger = portrait(run(*make())), Ledger(":memory:")
    for resumed, _ in stopped_and_resumed(lambda: make(ledger), tmp_path, (-1.0,)):
        assert portrait(resumed) == whole


def test_options_that_the_sampler_does_not_know_are_told():
    with pytest.raises(ValueError, match="options: the sampler tpe does not take them"):
        built(OptunaSampler(options={"candies": 3}), Valley(), BOX)


def test_optunas_own_log_is_left_as_it_was(caplog):
    verbosity = optuna.logging.get_verbosity()
    with caplog.at_level(logging.INFO):
        built(TPE, Valley(), RealVector(-1, 1, 2)).ask()
    assert optuna.logging.get_verbosity() == verbosity
    assert not [record for record in caplog.records if record.name.startswith("optuna")]
