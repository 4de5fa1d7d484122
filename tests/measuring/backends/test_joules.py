import pytest

from evokit.energy import Meter
from evokit.measuring.backends.joules import SharedJoules
from tests.energy.machines import burn


class Machine:
    """A counter and a clock that move as the test says."""

    name, step_s, poll_s = "package-0", 0.0, float("inf")

    def __init__(self):
        self.counted, self.now = 0.0, 0.0

    def spend(self, joules, seconds=1.0):
        self.counted += joules
        self.now += seconds

    def joules(self):
        return self.counted

    def watts(self):
        return None


@pytest.fixture
def machine():
    return Machine()


@pytest.fixture
def shared(machine):
    return SharedJoules(Meter([], [machine], 10.0, clock=lambda: machine.now))


def test_a_task_alone_gets_what_was_counted(machine, shared):
    shared.begin()
    machine.spend(30.0)
    assert shared.end(1.0, []) == (30.0, 0.0)


def test_what_is_counted_while_nothing_runs_is_nobodys(machine, shared):
    machine.spend(7.0)
    shared.begin()
    machine.spend(30.0)
    shared.end(1.0, [])
    machine.spend(99.0)
    shared.begin()
    machine.spend(5.0)
    assert shared.end(1.0, []) == (5.0, 0.0)


def test_tasks_side_by_side_share_by_seconds_and_add_up(machine, shared):
    shared.begin()
    shared.begin()
    machine.spend(90.0)
    first, _ = shared.end(1.0, [2.0])
    machine.spend(10.0)
    assert (first, shared.end(3.0, [])[0]) == (30.0, 70.0)


def test_what_was_not_read_from_a_counter_is_shared_alike():
    """Blocks shorter than the counter's step are estimated, at 10 W of the CPU seconds that the test burns."""
    machine = Machine()
    machine.step_s = 0.5
    shared = SharedJoules(Meter([], [machine], 10.0, clock=lambda: machine.now))
    shared.begin()
    shared.begin()
    machine.spend(90.0)
    assert shared.end(1.0, [2.0]) == (30.0, 0.0)
    burn(0.01)
    machine.spend(5.0, seconds=0.1)
    joules, estimated_j = shared.end(3.0, [])
    assert estimated_j > 0.1
    assert joules == pytest.approx(60.0 + estimated_j)
