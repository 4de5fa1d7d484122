import errno
import logging
import os
import random
import re
import signal
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from evokit.common.readonly import readonly
from evokit.common.stops import Stopped
from evokit.contracts.blame import ContractError
from evokit.errors import MESSAGE, readable
from evokit.interfaces import Evaluation
from evokit.measuring.evaluate import evaluate_batch, rehearsed


class Answer:
    """Answers with ``make(batch)``."""

    budgets = (7,)

    def __init__(self, make, objectives=("loss",)):
        self.make, self.objectives = make, dict.fromkeys(objectives, "min")
        self.batches = []

    def evaluate(self, batch, budget):
        self.batches.append(list(batch))
        return self.make(batch)


def evaluate(make, genes=(1, 2, 3), express=float, **options):
    return evaluate_batch(Answer(make, **options), express, list(genes), 7)


def one(make):
    (evaluation,) = evaluate(make, [1])
    return evaluation


def raising(error):
    def make(batch):
        raise error

    return make


class OutOfMemoryError(RuntimeError):
    """Has the name of torch's."""


def test_an_array_is_one_value_each_at_full_work():
    assert evaluate(lambda batch: np.array(batch)) == [Evaluation((float(i),), work=7) for i in (1, 2, 3)]


def test_a_column_per_objective_is_kept_in_order():
    answers = evaluate(lambda batch: np.array([[x, -x] for x in batch]), objectives=("a", "b"))
    assert [answer.values for answer in answers] == [(1.0, -1.0), (2.0, -2.0), (3.0, -3.0)]


def test_evaluations_are_taken_as_they_are():
    mine = Evaluation((0.5,), work=3, metrics={"perplexity": 2.0}, artifact="a/b", message="fine")
    assert one(lambda batch: [mine]) == mine


@pytest.mark.parametrize("told", [Evaluation((0.5,)), Evaluation((0.5,), work=0), Evaluation(outcome="diverged")])
def test_no_measurement_is_free(told):
    assert one(lambda batch: [told]).work == 7


def test_a_fit_of_a_contender_may_be_free():
    told = Answer(lambda batch: [Evaluation((0.5,))])
    told.may_be_free = True
    assert evaluate_batch(told, float, [1], 7)[0].work == 0


def test_an_iterator_is_as_good_as_a_list():
    answers = evaluate(lambda batch: (Evaluation((x,)) for x in batch))
    assert [answer.values for answer in answers] == [(1.0,), (2.0,), (3.0,)]


def test_nan_is_a_failure_without_a_value():
    answer = one(lambda batch: np.array([np.nan]))
    assert (answer.outcome, answer.values, answer.message) == ("nan", (), "the fitness is not a number")


@pytest.mark.parametrize("value", [np.inf, -np.inf])
def test_infinity_is_a_divergence_without_a_value(value):
    answer = one(lambda batch: np.array([value]))
    assert (answer.outcome, answer.values, answer.message) == ("diverged", (), "the fitness is infinite")


def test_one_bad_objective_fails_the_individual():
    (answer,) = evaluate(lambda batch: np.array([[1.0, np.nan]]), [1], objectives=("a", "b"))
    assert (answer.outcome, answer.values) == ("nan", ())


def test_nan_in_a_batch_leaves_the_others_alone():
    answers = evaluate(lambda batch: np.array([1.0, np.nan, 3.0]))
    assert [answer.outcome for answer in answers] == ["ok", "nan", "ok"]


def test_an_outcome_that_the_fitness_reports_loses_its_values():
    answer = one(lambda batch: [Evaluation((1.0,), outcome="timed_out", work=2, message="slow")])
    assert answer == Evaluation((), outcome="timed_out", work=2, message="slow")


def test_an_exception_is_recorded_with_type_message_and_all_the_work():
    assert one(raising(KeyError("x"))) == Evaluation(outcome="raised", work=7, message="KeyError: 'x'")


@pytest.mark.parametrize(
    "error",
    [
        MemoryError("no room"),
        OutOfMemoryError("no room"),
        OSError(errno.ENOMEM, "Cannot allocate memory"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes"),
        RuntimeError("std::bad_alloc"),
    ],
)
def test_lack_of_memory_has_an_outcome_of_its_own(error):
    answer = one(raising(error))
    assert (answer.outcome, answer.message) == ("out_of_memory", f"{type(error).__name__}: {error}")


def test_other_errors_of_the_system_are_raised_errors():
    assert one(raising(OSError(errno.ENOENT, "No such file"))).outcome == "raised"


def test_too_few_answers_are_a_failure():
    assert one(lambda batch: []).message == "CountError: the fitness answered 0 evaluations for 1 individuals"


def test_too_many_answers_are_a_failure():
    assert one(lambda batch: np.zeros(2)).outcome == "raised"


def test_a_wrong_number_of_values_is_a_failure():
    assert one(lambda batch: np.zeros((1, 2))).message == "ValueError: the fitness answered 2 values for 1 objectives"


def test_an_answer_that_is_no_evaluation_is_a_failure():
    assert one(lambda batch: ["good"]).outcome == "raised"


def test_a_batch_that_fails_as_a_whole_is_run_one_by_one():
    def make(batch):
        if 2.0 in batch:
            raise RuntimeError("two")
        return np.array(batch)

    fitness = Answer(make)
    answers = evaluate_batch(fitness, float, [1, 2, 3], 7)
    assert [answer.outcome for answer in answers] == ["ok", "raised", "ok"]
    assert [answer.values for answer in answers] == [(1.0,), (), (3.0,)]
    assert fitness.batches == [[1, 2, 3], [1], [2], [3]]


def test_a_batch_with_a_wrong_count_is_run_one_by_one():
    answers = evaluate(lambda batch: np.array(batch[:2]))
    assert [answer.values for answer in answers] == [(1.0,), (2.0,), (3.0,)]


def test_genes_that_cannot_be_expressed_fail_alone():
    answers = evaluate(lambda batch: np.array(batch), [1, "x", 3])
    assert [answer.outcome for answer in answers] == ["ok", "raised", "ok"]


def test_numbers_become_plain_ones():
    answer = one(lambda batch: [Evaluation((np.float32(0.5),), work=np.int64(3), metrics={"m": np.float32(2)})])
    assert [type(x) for x in (*answer.values, answer.work, answer.metrics["m"])] == [float, int, float]


def test_a_fitness_cannot_call_its_answer_a_prediction():
    assert one(lambda batch: [Evaluation((1.0,), source="predicted")]).source == "measured"


def test_ctrl_c_is_not_swallowed():
    with pytest.raises(KeyboardInterrupt):
        one(raising(KeyboardInterrupt()))


@pytest.mark.parametrize(
    "make",
    [
        list,
        tuple,
        lambda batch: [(x,) for x in batch],
        lambda batch: [[x] for x in batch],
        lambda batch: [np.float32(x) for x in batch],
        lambda batch: [np.array(x) for x in batch],
        lambda batch: [np.array([x]) for x in batch],
        lambda batch: torch.tensor(batch),
        lambda batch: [torch.tensor(x) for x in batch],
        lambda batch: np.array(batch, object),
        lambda batch: np.array(batch, int),
        lambda batch: (x for x in batch),
    ],
)
def test_numbers_are_taken_however_they_are_listed(make):
    assert evaluate(make) == [Evaluation((float(i),), work=7) for i in (1, 2, 3)]


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda batch: None, "TypeError: evaluate returned nothing; return an array"),
        (lambda batch: 3.0, "TypeError: evaluate returned float 3.0; return an array"),
        (lambda batch: "3", "TypeError: evaluate returned str '3'; return an array"),
        (lambda batch: {"loss": 3.0}, "TypeError: evaluate returned dict {'loss': 3.0}; return an array"),
        (lambda batch: [None], "TypeError: evaluate returned nothing for an individual; return an array"),
        (lambda batch: [{"loss": 3.0}], "TypeError: evaluate returned dict {'loss': 3.0} for an individual"),
        (lambda batch: np.zeros((1, 1, 1)), "ValueError: evaluate returned an array of shape (1, 1, 1); return"),
        (lambda batch: np.float64(3.0), "TypeError: evaluate returned float64 "),
        (lambda batch: np.array(["a"]), "TypeError: evaluate returned an evaluation of tuple"),
        (lambda batch: [1j], "TypeError: evaluate returned complex 1j for an individual; return an array"),
        (lambda batch: [Evaluation(values=3.0)], "TypeError: evaluate returned an evaluation of float 3.0"),
        (lambda batch: [Evaluation((1.0,), work="much")], "TypeError: evaluate returned an evaluation of tuple (1.0,)"),
        (lambda batch: [Evaluation((1.0,), metrics=[1])], "TypeError: evaluate returned an evaluation of tuple (1.0,)"),
        (
            lambda batch: [Evaluation(outcome="good")],
            "ValueError: evaluate returned outcome 'good'; it is one of ok, nan",
        ),
        (lambda batch: np.array([1j]), "TypeError: evaluate returned an evaluation of tuple"),
        (lambda batch: [Evaluation(("1.5",))], "TypeError: evaluate returned an evaluation of tuple ('1.5',)"),
        (lambda batch: {1.0}, "TypeError: evaluate returned set {1.0}; return an array"),
        (
            lambda batch: [Evaluation((1.0,), work=-5)],
            "TypeError: evaluate returned an evaluation of tuple (1.0,), work -5",
        ),
        (
            lambda batch: [Evaluation((1.0,), work=0.5)],
            "TypeError: evaluate returned an evaluation of tuple (1.0,), work 0.5",
        ),
        (lambda batch: [10**400], "TypeError: evaluate returned an evaluation of tuple (1000"),
    ],
)
def test_any_other_answer_is_told_in_one_sentence(make, told):
    answer = one(make)
    assert answer.outcome == "raised"
    assert answer.message.startswith(told)
    assert "\n" not in answer.message


def test_whatever_ends_a_process_is_recorded_and_ctrl_c_is_not():
    assert one(raising(SystemExit(3))).message == "SystemExit: 3"
    with pytest.raises(KeyboardInterrupt):
        one(raising(KeyboardInterrupt()))


@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="Windows blocks no signals")
def test_an_interrupt_is_the_fitness_own_where_ctrl_c_is_blocked_as_in_workers():
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        found = one(raising(KeyboardInterrupt("mine")))
        with pytest.raises(Stopped):
            one(raising(Stopped(signal.SIGTERM)))
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    assert (found.outcome, found.message) == ("raised", "KeyboardInterrupt: mine")


def test_messages_are_cut_and_say_how_much_is_left_out():
    message = one(raising(ValueError("x" * 10_000))).message
    assert len(message) < MESSAGE + 50
    assert message.endswith("x ... (8,012 characters left out)")
    assert one(lambda batch: [Evaluation(outcome="nan", message="y" * MESSAGE)]).message == "y" * MESSAGE


class MuteError(Exception):
    def __str__(self):
        raise ValueError("no words")


def test_an_error_without_words_has_its_name():
    assert one(raising(MuteError())).message == "MuteError: (its text cannot be read)"


def test_a_path_is_as_good_as_its_text():
    assert one(lambda batch: [Evaluation((1.0,), artifact=Path("a/b"), message=5)]).artifact == "a/b"


def test_half_a_character_is_written_readably():
    assert one(raising(ValueError("cut \ud83d"))).message == r"ValueError: cut \ud83d"
    assert readable("é 漢 \ud83d\ude00") == r"é 漢 \ud83d\ude00"


@pytest.mark.parametrize(
    ("genes", "change"),
    [([[1.0], [2.0]], lambda batch: batch[0].append(3.0)), ([[1.0], [2.0]], lambda batch: batch.reverse())],
)
def test_genes_and_batches_that_a_fitness_changes_are_noticed(genes, change):
    def make(batch):
        change(batch)
        return [float(sum(one)) for one in batch]

    with pytest.raises(ContractError, match=r"Answer\.evaluate .* changes the (genes|phenotypes) that it was given"):
        evaluate(make, genes, express=lambda one: one)


def test_a_phenotype_of_its_own_that_a_fitness_changes_is_noticed():
    def make(batch):
        batch[0] -= 1
        return [float(one[0]) for one in batch]

    with pytest.raises(ContractError, match=r"changes the phenotypes that it was given, in place; work on a copy"):
        evaluate(make, express=lambda one: np.array([float(one)]))


def test_a_locked_array_that_a_fitness_writes_to_is_noticed():
    def make(batch):
        batch[0] -= 1
        return [float(one[0]) for one in batch]

    with pytest.raises(ContractError, match=r"Answer\.evaluate .* changes an array that it was given, in place"):
        evaluate(make, [readonly(np.zeros(2))], express=lambda one: one)


def test_genes_that_expressing_changes_are_noticed():
    def express(genes):
        genes.sort()
        return genes[0]

    with pytest.raises(ContractError, match=r"express \(plugin tests, .* changes the genes that it was given"):
        evaluate(lambda batch: list(batch), [[2.0, 1.0]], express=express)


def rehearse(make, genes):
    fitness = Answer(make)
    return rehearsed(partial(evaluate_batch, fitness, float, budget=7), fitness, genes)


CALLS = []


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (
            lambda batch: [x + random.random() for x in batch],
            "for the same genes and budget, and draws from the global",
        ),
        (
            lambda batch: [x + np.random.default_rng().random() for x in batch],
            r"for the same genes and budget; let all",
        ),
        (lambda batch: CALLS.append(1) or [float(len(CALLS))] * len(batch), "for the same genes and budget; let all"),
        (lambda batch: [x / len(batch) for x in batch], "individual alone and 0.333.* for it as the first of a batch"),
        (sorted, "individual alone and 2.0 for it as the last of a batch; answer in the order of the batch"),
        (lambda batch: sorted(batch)[::-1], "individual alone and 2.0 for it as the first of a batch"),
    ],
)
def test_a_rehearsal_tells_values_that_depend_on_anything_else(make, told):
    with pytest.raises(ContractError, match=told):
        rehearse(make, [1, 2])


def test_a_rehearsal_of_an_honest_fitness_is_its_evaluation(caplog):
    with caplog.at_level(logging.WARNING, "evokit"):
        assert rehearse(list, [1, 2]) == evaluate(list, [1, 2])
        assert rehearse(list, [1]) == evaluate(list, [1])
    assert not caplog.records


def test_a_rehearsal_refuses_another_working_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ContractError, match="changes the working directory"):
        rehearse(lambda batch: os.chdir("/") or list(batch), [1])
    assert Path.cwd() == tmp_path


def test_a_global_generator_that_changes_no_value_is_told_and_harms_nobody(caplog):
    def make(batch):
        torch.nn.Linear(2, 2)
        return list(batch)

    with caplog.at_level(logging.WARNING, "evokit"):
        assert [one.values for one in rehearse(make, [1])] == [(1.0,)]
    assert "touches the global generator of torch" in caplog.text


def test_a_rehearsal_says_where_it_was_raised():
    answer = rehearse(raising(KeyError("x")), [1])[0]
    assert answer.outcome == "raised"
    assert "test_evaluate.py:" in answer.message


class Cases(Answer):
    """A fitness with two cases and a lower budget, at which it tells none."""

    budgets = (3, 7)
    cases = 2


def test_cases_are_locked_numbers():
    told = Cases(lambda batch: [Evaluation((1.0,), cases=[x, 2]) for x in batch])
    found = evaluate_batch(told, float, [1, 2], 7)
    assert [one.cases.tolist() for one in found] == [[1, 2], [2, 2]]
    assert not found[0].cases.flags.writeable


@pytest.mark.parametrize(
    ("answer", "outcome", "message"),
    [
        (lambda batch: np.ones(len(batch)), "raised", r"cases of shape \(0,\) where its ``cases`` are 2"),
        (lambda batch: [Evaluation((1.0,), cases=[1, 2, 3])], "raised", r"cases of shape \(3,\)"),
        (lambda batch: [Evaluation((1.0,), cases=[1, np.inf])], "nan", "the value of a case is not finite"),
    ],
)
def test_wrong_cases_are_a_failure(answer, outcome, message):
    (found,) = evaluate_batch(Cases(answer), float, [1], 7)
    assert (found.outcome, found.values, found.cases) == (outcome, (), None)
    assert re.search(message, found.message)


def test_at_a_lower_budget_and_of_failures_there_are_no_cases():
    told = Cases(lambda batch: [Evaluation((1.0,), cases=[1, 2])])
    assert evaluate_batch(told, float, [1], 3)[0].cases is None
    failed = Cases(lambda batch: [Evaluation(outcome="diverged", cases=[1, 2])])
    assert evaluate_batch(failed, float, [1], 7)[0].cases is None


def test_cases_that_depend_on_company_are_found_out():
    told = Cases(lambda batch: [Evaluation((1.0,), cases=[len(batch), 2]) for _ in batch])
    with pytest.raises(ContractError, match="let no value depend on the rest of it"):
        rehearsed(partial(evaluate_batch, told, float, budget=7), told, [1, 2])


class Bounded(Answer):
    """A fitness with two constraints."""

    budgets = (3, 7)
    constraints = ("weight", "length")


@pytest.mark.parametrize("budget", [3, 7])
def test_constraints_are_plain_numbers_at_every_budget(budget):
    told = Bounded(lambda batch: [Evaluation((1.0,), constraints=np.array([x, -2], np.float32)) for x in batch])
    found = evaluate_batch(told, float, [1, 2], budget)
    assert [one.constraints for one in found] == [(1.0, -2.0), (2.0, -2.0)]
    assert {type(value) for one in found for value in one.constraints} == {float}


@pytest.mark.parametrize(
    ("answer", "outcome", "message"),
    [
        (
            lambda batch: np.ones(len(batch)),
            "raised",
            "answered 0 constraints where its constraints are length, weight; return Evaluation",
        ),
        (lambda batch: [Evaluation((1.0,), constraints=(1, 2, 3))], "raised", "answered 3 constraints"),
        (lambda batch: [Evaluation((1.0,), constraints=(1, np.nan))], "nan", "the constraint 'length' is nan; return"),
        (
            lambda batch: [Evaluation((1.0,), constraints=(-np.inf, 1))],
            "diverged",
            "the constraint 'weight' is -inf; return a finite number, 0 or below where it is kept",
        ),
        (lambda batch: [Evaluation((1.0,), constraints=(1, np.inf))], "diverged", "the constraint 'length' is inf; "),
        (lambda batch: [Evaluation((1.0,), constraints=("x", 1))], "raised", "constraints numbers"),
    ],
)
def test_wrong_constraints_are_a_failure(answer, outcome, message):
    (found,) = evaluate_batch(Bounded(answer), float, [1], 7)
    assert (found.outcome, found.values, found.constraints) == (outcome, (), ())
    assert message in found.message


def test_constraints_that_nobody_named_are_a_failure():
    found = one(lambda batch: [Evaluation((1.0,), constraints=(1.0,))])
    assert (found.outcome, found.constraints) == ("raised", ())
    assert "1 constraints where it names none; return Evaluation(values, constraints=(...))" in found.message


def test_constraints_may_be_told_by_name():
    told = Bounded(lambda batch: [Evaluation((1.0,), constraints={"length": -1, "weight": x}) for x in batch])
    assert [one.constraints for one in evaluate_batch(told, float, [1, 2], 7)] == [(1.0, -1.0), (2.0, -1.0)]
    wrong = Bounded(lambda batch: [Evaluation((1.0,), constraints={"height": -1, "weight": x}) for x in batch])
    (found,) = evaluate_batch(wrong, float, [1], 7)
    assert "constraints are told of height, weight, and named length, weight" in found.message


def test_constraints_that_depend_on_company_are_found_out():
    told = Bounded(lambda batch: [Evaluation((1.0,), constraints=(len(batch), 0)) for _ in batch])
    with pytest.raises(ContractError, match=r"answers 1\.0 for an individual alone"):
        rehearsed(partial(evaluate_batch, told, float, budget=7, key=str), told, [1, 2])


def test_a_batch_with_too_few_answers_is_a_breach_before_a_run_and_a_detour_in_it():
    def make(batch):
        return [1.0] * max(1, len(batch) - 1)

    answer = Answer(make)
    assert [one.values for one in evaluate_batch(answer, float, [1, 2, 3], 7)] == [(1.0,)] * 3
    with pytest.raises(ContractError, match=r"answered 2 evaluations for 3 individuals; answer one for each"):
        rehearsed(partial(evaluate_batch, answer, float, budget=7, key=str), answer, [1, 2])
