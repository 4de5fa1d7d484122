from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evokit.errors import RunFailed
from evokit.interfaces import Evaluation, Score
from evokit.measuring.ledger import Ledger
from evokit.measuring.measure import LedgeredMeasure
from tests.door import GENOME, DriftingSum, Progress, SumFitness, door, people, story

A, B, C, D = [0, 0, 0, 1], [0, 0, 1, 0], [0, 1, 0, 0], [1, 0, 0, 0]  # values 4, 3, 2, 1
batches_of_genes = st.lists(st.lists(st.lists(st.integers(0, 1), min_size=4, max_size=4), max_size=6), max_size=4)


def fails_at(*genes, outcome="nan"):
    return lambda one: outcome if one.tolist() in [list(gene) for gene in genes] else None


def rows(measure):
    return story(measure._ledger)


def test_answers_come_in_the_order_of_the_individuals():
    assert [one.values for one in door()(people(A, B, C, D))] == [(4.0,), (3.0,), (2.0,), (1.0,)]


def test_every_answer_has_its_row_with_generation_and_budget():
    ledger = Ledger(":memory:")
    measure = door(SumFitness(budgets=(2, 5)), ledger)
    measure.generation = 3
    one, other = people(A, B)
    measure([one])
    measure([other], 2)
    found = [(r.seq, r.generation, r.key, r.budget, r.context, r.evaluation.work) for r in ledger.rows("search")]
    assert found == [(0, 3, one.key, 5, "sum", 5), (1, 3, other.key, 2, "sum", 2)]


def test_a_measurement_at_full_budget_sets_the_fitness():
    individuals = people(A, B)
    door(SumFitness(budgets=(1, 2)))(individuals)
    assert [one.fitness.values for one in individuals] == [(4.0,), (3.0,)]


def test_a_measurement_below_full_budget_sets_no_fitness():
    individuals = people(A)
    door(SumFitness(budgets=(1, 2)))(individuals, 1)
    assert not individuals[0].fitness.valid


@pytest.mark.parametrize("outcome", ["nan", "diverged", "raised", "timed_out", "out_of_memory", "worker_died"])
def test_a_failure_sets_no_fitness_and_takes_the_prediction_away(outcome):
    good, bad = people(A, B)
    good.predicted = bad.predicted = 1.0
    answers = door(SumFitness(fails=fails_at(B, outcome=outcome)))([good, bad])
    assert [one.outcome for one in answers] == ["ok", outcome]
    assert (good.fitness.valid, bad.fitness.valid) == (True, False)
    assert (good.predicted, bad.predicted) == (1.0, None)


def test_a_failure_on_a_rung_takes_the_prediction_away():
    (bad,) = people(B)
    bad.predicted = 1.0
    door(SumFitness(budgets=(1, 2), fails=fails_at(B)))([bad], 1)
    assert bad.predicted is None


def test_a_budget_outside_the_ladder_is_an_error():
    with pytest.raises(ValueError, match=r"budget 3 is not one of \[1, 2\]"):
        door(SumFitness(budgets=(1, 2)))(people(A), 3)


def test_twins_in_one_call_are_measured_once():
    fitness = SumFitness()
    twins = people(A, B, A)
    answers = door(fitness)(twins)
    assert fitness.evaluated == [tuple(A), tuple(B)]
    assert [(one.source, one.values, one.work) for one in answers] == [
        ("measured", (4.0,), 1),
        ("measured", (3.0,), 1),
        ("cached", (4.0,), 0),
    ]
    assert twins[2].fitness.values == (4.0,)


def test_a_known_key_is_never_evaluated_again():
    fitness = SumFitness()
    measure = door(fitness)
    measure(people(A))
    (answer,) = measure(people(A))
    assert len(fitness.evaluated) == 1
    assert (answer.source, answer.values, answer.work, answer.wall_s, answer.energy_j) == ("cached", (4.0,), 0, 0, 0)


def test_a_known_failure_is_not_tried_again():
    fitness = SumFitness(fails=fails_at(A))
    measure = door(fitness)
    measure(people(A))
    (answer,) = measure(people(A))
    assert len(fitness.evaluated) == 1
    assert (answer.source, answer.outcome, answer.message) == ("cached", "nan", "as planned")


def test_each_budget_is_measured_for_itself():
    fitness = SumFitness(budgets=(1, 2))
    measure = door(fitness)
    measure(people(A), 1)
    measure(people(A))
    assert [budget for _, budget in fitness.batches] == [1, 2]


def test_another_context_is_measured_anew():
    fitness = DriftingSum()
    measure = door(fitness)
    measure(first := people(A, B))
    measure.refit(first[0])
    assert not measure.knows(people(A)[0].key)
    assert measure.measured() == []
    measure(people(A))
    assert len(fitness.evaluated) == 3
    assert len(measure.measured()) == 1


def test_batches_are_cut_from_the_unknown():
    fitness = SumFitness()
    measure = door(fitness, batch=2)
    measure(people(A))
    measure(people(B, A, C, B, D))
    assert [len(batch) for batch, _ in fitness.batches] == [1, 2, 1]


@settings(max_examples=30, deadline=None)
@given(batches_of_genes)
def test_rows_do_not_depend_on_the_batch_size(calls):
    def told(batch):
        ledger = Ledger(":memory:")
        measure = door(SumFitness(fails=fails_at([1, 1, 1, 1])), ledger, batch=batch)
        for genes in calls:
            measure(people(*genes))
        return story(ledger), measure.work, [one.key for one in measure.measured()]

    assert told(1) == told(2) == told(100)


def test_work_counts_what_was_spent():
    measure = door(SumFitness(budgets=(2, 5), fails=fails_at(C)))
    measure(people(A, B), 2)
    measure(people(A, A, C))
    assert measure.work == 2 + 2 + 5 + 0 + 5


def test_knows_every_key_asked_for_at_full_budget_ok_or_not():
    measure = door(SumFitness(budgets=(1, 2), fails=fails_at(B)))
    good, bad, short, stranger = people(A, B, C, D)
    measure([good, bad])
    measure([short], 1)
    assert [measure.knows(one.key) for one in (good, bad, short, stranger)] == [True, True, False, False]


def test_measured_are_the_ok_at_full_budget_once_each_in_order():
    measure = door(SumFitness(budgets=(1, 2), fails=fails_at(C)))
    for generation, genes in enumerate([(B, A), (A, C), (D, B)]):
        measure.generation = generation
        measure(people(*genes), 1)
        measure(people(*genes))
    assert [one.genes.tolist() for one in measure.measured()] == [B, A, D]
    assert [one.genes.tolist() for one in measure.measured(before=2)] == [B, A]
    assert measure.measured(before=0) == []


def test_the_display_hears_of_everybody():
    progress = Progress()
    measure = door(batch=2, progress=progress)
    measure(people(A))
    measure(people(A, B, C, D, B))
    assert progress.told == [(1, 1, 1, 0), (4, 5, 2, 2), (5, 5, 3, 2)]


class Priced:
    """An executor whose evaluations take two seconds by ``clock`` and have costs; it remembers its tasks."""

    def __init__(self, clock):
        self.clock, self.tasks = clock, []

    def map(self, tasks):
        for task in tasks:
            self.tasks.append((task.budget, task.job, task.refits))
            self.clock.now += 2.0 * len(task.genes)
            costs = {"wall_s": 2.0, "cpu_s": 1.5, "energy_j": 30.0, "estimated_j": 10.0}
            memory = 1000 * int(self.clock.now)
            yield [Evaluation((1.0,), work=1, peak_memory_bytes=memory, **costs) for _ in task.genes]


@pytest.fixture
def priced(monkeypatch):
    """A measure of the phase ``baseline/grid`` with its executor, ledger and what the display hears of seconds left."""
    clock, told, ledger = SimpleNamespace(now=7.0), [], Ledger(":memory:")
    monkeypatch.setattr("evokit.measuring.measure.time", SimpleNamespace(monotonic=lambda: clock.now))
    paces, executor = [], Priced(clock)
    progress = SimpleNamespace(
        evaluated=lambda *numbers: told.append(numbers[-1]), pace=lambda *numbers: paces.append(numbers)
    )
    fitness = SumFitness(budgets=(1, 2))
    measure = LedgeredMeasure(
        "baseline/grid",
        GENOME,
        fitness,
        ledger,
        executor,
        1,
        progress,
        job="baseline/grid",
        refits=("[0]",),
        work_unit="sums",
    )
    return SimpleNamespace(measure=measure, executor=executor, ledger=ledger, told=told, paces=paces, clock=clock)


def test_what_is_cached_costs_nothing_again(priced):
    costs = [(a.work, a.wall_s, a.cpu_s, a.energy_j, a.estimated_j) for a in priced.measure(people(A, A))]
    assert costs == [(1, 2.0, 1.5, 30.0, 10.0), (0, 0, 0, 0, 0)]


def test_the_time_left_is_that_of_the_mean_so_far(priced):
    priced.measure(people(A, B, A, C, D))
    assert priced.told == [6.0, 4.0, 2.0, 0.0]


def test_the_display_hears_how_fast_work_is_done_and_how_many_workers_are_at_it(priced):
    """Of one worker that takes two seconds for a unit of work; what is known takes none."""
    priced.measure(people(A, B, A))
    priced.measure(people(A))
    list(priced.measure.each(iter(people(C, D)), 2))
    assert priced.paces[:-1] == [(0.5, 1.0, "sums")] * 4
    assert priced.paces[-1] == (0.5, 1.0, "sums"), "at the end of a stream nothing more was measured"


def test_what_a_search_does_between_its_generations_slows_the_pace(priced):
    priced.measure(people(A))
    priced.clock.now += 6.0
    priced.measure(people(B))
    assert priced.paces[-1] == (2 / 10, 4 / 10, "sums")


def test_the_peak_memory_of_workers_counts_in_the_phase(priced):
    priced.measure(people(A, B))
    assert {phase: cost.peak_memory_bytes for phase, cost in priced.ledger.costs().items()} == {"baseline/grid": 11_000}


def test_tasks_name_the_job_the_budget_and_the_refits(priced):
    priced.measure(people(A), 1)
    priced.measure(people(B))
    assert priced.executor.tasks == [(1, "baseline/grid", ("[0]",)), (2, "baseline/grid", ("[0]",))]


def test_before_the_first_generation_it_is_generation_0(priced):
    priced.measure(people(A))
    assert priced.ledger.rows("baseline/grid")[0].generation == 0


@pytest.mark.parametrize("answers", [[2, 2], [2, 0], [2], [2, 1, 1]], ids=["long", "short", "too few", "too many"])
def test_answers_that_are_not_one_for_each_are_refused(priced, answers):
    """A value must not be taken for another's: three individuals in batches of two and one."""
    priced.executor.map = lambda tasks: ([Evaluation((1.0,))] * n for n in answers)
    priced.measure._batch = 2
    with pytest.raises(ValueError, match="zip"):
        priced.measure(people(A, B, C))


def test_a_refit_asks_for_its_own_job_and_is_refused_where_there_is_none(priced):
    asked = []

    def job(name, refits):
        asked.append((name, refits))
        return SimpleNamespace(fitness=SumFitness(context="refitted"))

    with pytest.raises(ValueError, match="this measure knows of no refitted fitness"):
        priced.measure.refit(people(A)[0])
    priced.measure._jobs = SimpleNamespace(job=job)
    assert priced.measure.refit(people(A)[0])
    assert asked == [("baseline/grid", ("[0]", "[0, 0, 0, 1]"))]


def predicted(individuals, values):
    for one, value in zip(individuals, values, strict=True):
        one.predicted = value
    return individuals


def test_a_prediction_is_a_row_and_nothing_else():
    ledger = Ledger(":memory:")
    measure = door(ledger=ledger)
    individuals = predicted(people(A, B), [0.5, 0.25])
    measure.predict(individuals)
    assert [(r.evaluation.source, r.evaluation.values, r.evaluation.work) for r in ledger.rows("search")] == [
        ("predicted", (0.5,), 0),
        ("predicted", (0.25,), 0),
    ]
    assert not any(one.fitness.valid or measure.knows(one.key) for one in individuals)
    assert (measure.measured(), measure.work) == ([], 0)


def test_one_who_was_predicted_can_be_measured_later():
    measure = door()
    measure.predict(predicted(people(A), [0.5]))
    assert measure(people(A))[0].values == (4.0,)


def test_lineage_is_recorded():
    ledger = Ledger(":memory:")
    measure = door(ledger=ledger)
    measure.generation = 4
    individuals = people(A, B)
    measure.born(individuals)
    assert [ledger.born("search", one.key) for one in individuals] == [4, 4]
    assert ledger.genes() == {one.key: one.genes.tolist() for one in individuals}


# --- resuming


def tell_a_story(measure):
    """Two generations with twins, a failure, a rung and predictions; what the caller saw."""
    seen = []
    for generation, genes in enumerate([(A, B, A, C), (D, B, [1, 1, 1, 1], [2, 0, 0, 0], C)]):
        measure.generation = generation
        individuals = people(*genes)
        measure.born(individuals)
        seen += measure(individuals, 1)
        seen += measure(individuals)
        measure.predict(predicted(people([3, 3, generation, 0]), [0.5]))
    return [(one.values, one.outcome, one.source, one.work) for one in seen]


def laddered(**options):
    return SumFitness(budgets=(1, 2, 4), fails=fails_at([1, 1, 1, 1]), **options)


def test_a_second_measure_answers_from_the_rows_and_writes_nothing():
    ledger = Ledger(":memory:")
    first = door(laddered(), ledger)
    seen, before = tell_a_story(first), story(ledger)
    fitness = laddered()
    second = door(fitness, ledger)
    assert tell_a_story(second) == seen
    assert (fitness.batches, story(ledger)) == ([], before)
    assert second.work == first.work
    assert [one.key for one in second.measured()] == [one.key for one in first.measured()]


@pytest.mark.parametrize("die_at", range(7))
def test_killed_in_any_batch_it_ends_with_the_same_rows(die_at):
    whole, torn = Ledger(":memory:"), Ledger(":memory:")
    seen = tell_a_story(door(laddered(), whole, batch=2))
    with pytest.raises(KeyboardInterrupt):
        tell_a_story(door(laddered(die_at=die_at), torn, batch=2))
    resumed = laddered()
    assert tell_a_story(door(resumed, torn, batch=2)) == seen
    assert story(torn) == story(whole)
    assert len(resumed.batches) < 14


@pytest.mark.parametrize("n_rows", range(21))
def test_cut_at_any_row_it_ends_with_the_same_rows(n_rows):
    whole, cut = Ledger(":memory:"), Ledger(":memory:")
    writes = []
    add = whole.add
    whole.add = lambda rows: add(writes.extend(rows) or writes[-len(rows) :])
    seen = tell_a_story(door(laddered(), whole, batch=2))
    assert len(writes) == 20
    cut.add(writes[:n_rows])
    assert tell_a_story(door(laddered(), cut, batch=2)) == seen
    assert story(cut) == story(whole)


def test_a_checkpointed_measure_goes_on_where_it_was():
    ledger = Ledger(":memory:")
    first = door(laddered(), ledger)
    tell_a_story(first)
    second = door(laddered(), ledger)
    second.load_state_dict(first.state_dict(), (-1.0,))
    assert second.work == first.work
    assert [(one.key, one.fitness.values, one.genes.tolist()) for one in second.measured()] == [
        (one.key, one.fitness.values, one.genes.tolist()) for one in first.measured()
    ]
    assert all(isinstance(one.fitness, Score) and one.fitness.weights == (-1.0,) for one in second.measured())
    keys = [one.key for one in people(A, B, C, D, [1, 1, 1, 1], [3, 3, 0, 0])]
    assert [second.knows(key) for key in keys] == [first.knows(key) for key in keys]
    assert [len(second.measured(before)) for before in range(3)] == [len(first.measured(before)) for before in range(3)]
    assert second(people(A))[0].source == "cached"
    assert len(ledger.rows("search")) == 21


def test_a_checkpoint_without_its_rows_is_refused():
    with pytest.raises(RunFailed, match="the ledger lacks row 0 of phase 'search'"):
        door().load_state_dict({"next": 1}, (-1.0,))


def replayed(second, change=lambda fitness: None):
    """Ask for A, then replay with ``second(measure)``."""
    ledger = Ledger(":memory:")
    door(SumFitness(budgets=(1, 2)), ledger)(people(A))
    fitness = SumFitness(budgets=(1, 2))
    change(fitness)
    return second(door(fitness, ledger))


@pytest.mark.parametrize(
    "second",
    [
        lambda measure: measure(people(B)),
        lambda measure: measure(people(A), 1),
        lambda measure: measure.predict(predicted(people(A), [1.0])),
    ],
    ids=["key", "budget", "source"],
)
def test_a_row_that_holds_something_else_stops_the_run(second):
    with pytest.raises(RunFailed, match="row 0 of phase 'search' holds"):
        replayed(second)


def test_a_row_of_another_context_stops_the_run():
    with pytest.raises(RunFailed, match="the code, the data or the machine changed since this run began"):
        replayed(lambda measure: measure(people(A)), lambda fitness: setattr(fitness, "context", "other"))


def test_a_prediction_is_never_answered_as_a_measurement():
    ledger = Ledger(":memory:")
    door(ledger=ledger).predict(predicted(people(A), [0.5]))
    with pytest.raises(RunFailed, match="row 0 of phase 'search' holds"):
        door(ledger=ledger)(people(A))


def test_phases_do_not_answer_for_each_other():
    ledger, fitness = Ledger(":memory:"), SumFitness()
    door(fitness, ledger)(people(A))
    door(fitness, ledger, phase="confirm")(people(A))
    assert len(fitness.evaluated) == 2


@settings(max_examples=25, deadline=None)
@given(batches_of_genes)
def test_no_key_is_evaluated_twice(calls):
    fitness = SumFitness()
    measure = door(fitness)
    for genes in calls:
        measure(people(*genes))
    assert len(fitness.evaluated) == len(set(fitness.evaluated))


def test_nobody_is_no_work():
    measure = door()
    assert (measure([]), measure.work) == ([], 0)


def test_genes_are_handed_over_as_they_are():
    fitness = SumFitness()
    genes = GENOME.random(np.random.default_rng(0))
    door(fitness)(people(genes))
    assert fitness.evaluated == [tuple(genes.tolist())]
