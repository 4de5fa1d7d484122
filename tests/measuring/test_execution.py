"""The policy that back ends share, on crews that exist on paper only."""

from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evokit.assembly.directory import RunDirectory
from evokit.assembly.workplace import Workplace
from evokit.errors import RunFailed
from evokit.interfaces import Evaluation
from evokit.measuring.execution import InOrder, Piece, Probe, Task, lost, settle
from evokit.recipe import load_recipe


class PaperCrew:
    """Ends begun tasks in an order that ``choose`` decides. Genes that are strings name how they are lost.

    ``heals`` is how often a string has to be tried before it is measured after all.
    """

    def __init__(self, n=2, choose=lambda n: 0, heals=None, used=None):
        self.n, self.choose, self.heals, self.used = n, choose, heals, used or {}
        self.busy, self.begun, self.tries, self.stopped = {}, [], {}, False

    @property
    def room(self):
        return len(self.busy) < self.n

    def cpu_s(self, ticket):
        (genes,) = self.busy[ticket].genes if ticket in self.busy else [None]
        return self.used.get(genes, 0.0)

    def begin(self, ticket, task, limit_s):
        assert self.room
        self.busy[ticket] = task
        self.begun.append((list(task.genes), limit_s))

    def ended(self):
        ticket = list(self.busy)[self.choose(len(self.busy))]
        return [(ticket, self.measure(self.busy.pop(ticket)))]

    def measure(self, task):
        for genes in task.genes:
            if isinstance(genes, str):
                self.tries[genes] = self.tries.get(genes, 0) + 1
                if self.heals is None or self.tries[genes] < self.heals:
                    return lost(task, genes, "gone", 3.0)
        return [Evaluation((float(len(genes) if isinstance(genes, str) else genes),), work=1) for genes in task.genes]

    def stop(self, tickets):
        self.busy = {ticket: task for ticket, task in self.busy.items() if ticket not in tickets}
        self.stopped = True

    def close(self):
        self.closed = True


def outcomes(answer):
    return [one.values[0] if one.ok else one.outcome for one in answer]


def run(crew, batches, timeout_s=None, retries=1, job="search"):
    return [outcomes(answer) for answer in InOrder(crew, timeout_s, retries).map(Task(b, 1, job) for b in batches)]


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


def aside(*genes, n=2, places=1, retries=1, **how):
    """An executor with tasks aside; who was told what, in that order."""
    crew, told = PaperCrew(n, **how), []
    executor = InOrder(crew, None, retries, places)
    for one in genes:
        executor.aside.add(f"{one}", Task([one], 7), lambda answer, one=one: told.append((one, answer)))
    return executor, crew, told


def mapped(executor, *genes):
    return [outcomes(answer) for answer in executor.map(Task([one], 1) for one in genes)]


def last(n):
    """Whoever began last ends first, so that what runs aside from the beginning goes on for long."""
    return n - 1


def test_without_places_nothing_runs_aside():
    assert InOrder(PaperCrew(2), None, 1).aside is None


def test_what_runs_aside_begins_first_and_leaves_the_others_their_workers():
    executor, crew, told = aside(10, 20, 30, n=3, places=2, choose=last)
    assert mapped(executor, 1, 2, 3) == [[1.0], [2.0], [3.0]]
    assert [genes for genes, _ in crew.begun] == [[10], [20], [1], [2], [3]]
    assert told == []
    assert [task.genes for task in crew.busy.values()] == [[10], [20]]  # which go on


def test_what_is_waited_for_has_all_workers():
    executor, crew, told = aside(10, 20, 30)
    executor.aside.wait()
    assert len(crew.begun) == 2
    executor.aside.wait()
    executor.aside.wait()
    assert [(one, outcomes(answer)) for one, answer in told] == [(10, [10.0]), (20, [20.0]), (30, [30.0])]


def test_a_map_waits_for_a_worker_where_all_are_taken():
    executor, crew, told = aside(10, 20, 30)
    executor.aside.wait()
    crew.n = 1  # taken by the one that goes on
    assert mapped(executor, 1, 2) == [[1.0], [2.0]]
    assert [one for one, _ in told] == [10, 20, 30]


def test_a_map_that_is_given_up_ends_its_own_tasks_alone():
    executor, crew, _ = aside(10, n=3)
    answers = executor.map([Task([1], 1), Task([2], 1), Task([3], 1)])
    crew.choose = lambda n: 1
    next(answers)
    answers.close()
    assert [task.genes for task in crew.busy.values()] == [[10]]


@pytest.mark.parametrize("retries", [0, 2])
def test_one_aside_that_loses_its_worker_is_tried_again(retries):
    executor, crew, told = aside("timed_out", retries=retries)
    while not told:
        executor.aside.wait()
    assert len(crew.begun) == 1 + retries
    ((_, (one,)),) = told
    assert one.message == ("gone" if retries == 0 else "gone, 3 times")


def test_an_error_aside_is_told_to_its_owner_alone(monkeypatch):
    executor, crew, told = aside(10, choose=lambda n: 0)
    wrong = RunFailed("a worker cannot go on")
    monkeypatch.setattr(crew, "measure", lambda task: wrong if task.genes == [10] else [Evaluation((1.0,))])
    assert mapped(executor, 1, 2) == [[1.0], [1.0]]
    assert told == [(10, wrong)]
    with pytest.raises(RunFailed, match="cannot go on"):
        mapped(executor, 10)


def test_cpu_seconds_aside_are_counted_once_by_label(monkeypatch):
    executor, crew, _ = aside(10, 20, places=2, used={10: 3.0, 20: 1.0})
    took = executor.aside.took
    assert took() == {}
    executor.aside.begin()
    assert {label: one.cpu_s for label, one in took().items()} == {"10": 3.0, "20": 1.0}
    assert {label: one.cpu_s for label, one in took().items()} == {"10": 0.0, "20": 0.0}
    crew.used[10] = 4.0
    monkeypatch.setattr(crew, "measure", lambda task: [Evaluation((1.0,), cpu_s=4.5)])
    executor.aside.wait()
    assert {label: one.cpu_s for label, one in took().items()} == {"10": 1.5, "20": 0.0}
    assert list(took()) == ["20"]


def test_of_a_lost_worker_nobody_knows_more_than_at_the_last_look():
    executor, _, told = aside("worker_died", retries=0, used={"worker_died": 2.0})
    executor.aside.begin()
    first = executor.aside.took()["worker_died"].cpu_s
    executor.aside.wait()
    assert len(told) == 1
    assert (first, executor.aside.took()["worker_died"].cpu_s) == (2.0, 0.0)


@pytest.fixture
def probe(tmp_path):
    text = "fitness: {name: onemax}\ngenome: {name: bits, length: 8}\nsearch: {name: random_search, generations: 1}\n"
    (tmp_path / "recipe.yaml").write_text(text)
    return Probe(Workplace(load_recipe(tmp_path / "recipe.yaml"), RunDirectory(tmp_path)))


def test_a_probe_is_one_individual_at_the_lowest_budget(probe):
    assert len(probe.task.genes) == 1
    assert (probe.task.budget, probe.task.job) == (1, "search")


def test_workers_that_agree_pass_the_probe(probe):
    for wall_s in (1.0, 2.0):
        probe.check([Evaluation((0.1,), wall_s=wall_s)])


def test_workers_that_differ_in_the_last_bit_stop_the_run(probe):
    probe.check([Evaluation((0.3,))])
    with pytest.raises(RunFailed, match=r"two workers disagree .*: \[0.3\] and \[0.30000000000000004"):
        probe.check([Evaluation((0.1 + 0.2,))])


def test_workers_that_fail_differently_stop_the_run(probe):
    probe.check([Evaluation(outcome="raised")])
    with pytest.raises(RunFailed, match="raised and nan"):
        probe.check([Evaluation(outcome="nan")])


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
