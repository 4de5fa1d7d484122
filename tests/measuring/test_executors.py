"""The order of answers and the policy that back ends share, on crews that exist on paper only."""

from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evokit.interfaces import Evaluation
from evokit.measuring.execution import Task
from evokit.measuring.executors import InOrder
from evokit.measuring.pieces import Piece, settle
from tests.measuring.paper_crew import PaperCrew, outcomes, run


@given(st.lists(st.lists(st.integers(0, 9), min_size=1, max_size=4), max_size=8), st.integers(1, 5), st.data())
def test_answers_come_in_the_order_of_submission_whichever_ends_first(batches, n, data):
    crew = PaperCrew(n, lambda n: data.draw(st.integers(0, n - 1)))
    assert run(crew, batches) == batches


@given(st.permutations([1, 2, 3, "timed_out", "worker_died", "out_of_memory", 4, 5]), st.integers(1, 8), st.data())
def test_one_that_costs_its_worker_harms_no_other(genes, size, data):
    crew = PaperCrew(3, lambda n: data.draw(st.integers(0, n - 1)))
    answers = run(crew, [genes[i : i + size] for i in range(0, len(genes), size)])
    assert [one for answer in answers for one in answer] == genes


def test_a_batch_that_is_lost_is_tried_member_by_member():
    crew = PaperCrew(1)
    run(crew, [[1, "worker_died", 2]], retries=0)
    assert [genes for genes, _ in crew.begun] == [[1, "worker_died", 2], [1], ["worker_died"], [2]]


@pytest.mark.parametrize("retries", [0, 1, 3])
def test_a_lone_one_is_tried_again_as_often_as_the_recipe_says(retries):
    crew = PaperCrew(1)
    (answer,) = InOrder(crew, None, retries).map([Task(["timed_out"], 7)])
    assert len(crew.begun) == 1 + retries
    assert answer[0].message == ("gone" if retries == 0 else f"gone, {1 + retries} times")
    assert (answer[0].work, answer[0].wall_s) == (7, 3.0)


def test_a_misfortune_is_forgotten_when_the_second_try_succeeds():
    assert run(PaperCrew(1, heals=2), [["worker_died"], [1]]) == [[11.0], [1.0]]


@pytest.mark.parametrize("outcome", ["raised", "nan", "diverged"])
def test_failures_of_the_individual_stand(outcome):
    piece = Piece(Task([1, 2], 1), 0)
    assert settle(piece, [Evaluation((1.0,)), Evaluation(outcome=outcome)], 5) == []


def test_a_batch_has_the_time_of_its_members_and_each_alone_its_own():
    crew = PaperCrew(1)
    run(crew, [["timed_out", 1, 2, 3]], timeout_s=0.5, retries=0)
    assert crew.begun[0][1] == 2.0
    assert {limit_s for _, limit_s in crew.begun[1:]} == {0.5}


@pytest.mark.parametrize(("job", "limit_s"), [("fresh", 0.5), ("champion", None), ("baseline/adamw", None)])
def test_fits_of_contenders_are_not_limited(job, limit_s):
    crew = PaperCrew(1)
    run(crew, [[1]], timeout_s=0.5, job=job)
    assert crew.begun == [([1], limit_s)]


def test_no_more_is_asked_for_than_there_is_room_for():
    asked = deque()

    def tasks():
        for value in range(9):
            asked.append(value)
            yield Task([value], 1)

    answers = InOrder(PaperCrew(2), None, 1).map(tasks())
    next(answers)
    assert len(asked) == 2


def test_answers_that_nobody_waits_for_are_given_up():
    crew = PaperCrew(2)
    answers = InOrder(crew, None, 1).map([Task([1], 1), Task([2], 1)])
    next(answers)
    answers.close()
    assert crew.stopped
    assert run(crew, [[3]]) == [[3.0]]


def test_a_drained_map_leaves_the_crew_alone():
    crew = PaperCrew(2)
    run(crew, [[1], [2]])
    assert not crew.stopped


def test_a_task_that_is_not_there_yet_is_asked_for_again_after_an_answer():
    crew, came = PaperCrew(2), []

    def tasks():
        yield Task([1], 1)
        while not came:
            yield None
        yield Task([2], 1)

    for answer in InOrder(crew, None, 1).map(tasks()):
        came.append(outcomes(answer))
    assert len(came) == 2


def test_where_nothing_runs_nothing_is_the_answer_to_a_task_that_is_not_there():
    answers = InOrder(PaperCrew(2), None, 1).map(iter([None, Task([1], 1)]))
    assert next(answers) == []
    assert len(next(answers)) == 1
    assert next(answers, "end") == "end"
