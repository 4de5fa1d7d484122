import errno

import numpy as np
import pytest

from evokit.evaluate import evaluate_batch
from evokit.interfaces import Evaluation


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
    assert one(lambda batch: []).message == "ValueError: the fitness answered 0 evaluations for 1 individuals"


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
