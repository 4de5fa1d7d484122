import subprocess
import sys
import threading
import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from evokit.energy import Meter, best_meter, process_cpu_s, share
from tests.energy.machines import Card, FakeNvml, burn, set_energy, zone


def test_without_counters_energy_is_cpu_seconds_times_watts(tmp_path):
    meter = best_meter("cpu", 12.5, powercap=tmp_path)
    with meter.measure() as reading:
        burn(0.05)
    assert meter.method == "estimate"
    assert reading.cpu_s >= 0.05
    assert reading.joules == reading.cpu_s * 12.5


def test_an_estimate_is_labelled(tmp_path):
    meter = best_meter("cpu", 12.5, powercap=tmp_path)
    with meter.measure() as reading:
        pass
    assert reading.estimated_j == pytest.approx(reading.joules)
    assert "12.5 W per core (estimate)" in meter.formula
    assert "no RAPL package" in meter.notes[0]


def test_a_block_of_a_millisecond_has_cpu_seconds(tmp_path):
    meter = best_meter("cpu", 10.0, powercap=tmp_path)
    with meter.measure() as reading:
        burn(0.001)
    assert 0.001 <= reading.cpu_s < 0.1


def test_sleeping_costs_wall_seconds_only(tmp_path):
    with best_meter("cpu", 10.0, powercap=tmp_path).measure() as reading:
        time.sleep(0.1)
    assert reading.wall_s >= 0.1
    assert reading.cpu_s < 0.05


SPIN = "import time\nwhile time.process_time() < 0.2: pass\nprint('done', flush=True)\n"


def test_children_that_ended_are_counted(tmp_path):
    with best_meter("cpu", 10.0, powercap=tmp_path).measure() as reading:
        subprocess.run([sys.executable, "-c", SPIN], check=True, stdout=subprocess.DEVNULL)
    assert reading.cpu_s >= 0.2


@pytest.mark.parametrize("system", [sys.platform, "another"])
def test_a_living_grandchild_is_counted(tmp_path, monkeypatch, system):
    monkeypatch.setattr(sys, "platform", system)  # of which only Linux tells cheaply whose child a process is
    child = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {SPIN + 'input()'!r}])"
    with best_meter("cpu", 10.0, powercap=tmp_path).measure() as reading:
        process = subprocess.Popen([sys.executable, "-c", child], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        process.stdout.readline()
    process.communicate(b"\n")
    assert reading.cpu_s >= 0.15  # clock ticks of 10 ms


@pytest.mark.parametrize("system", [sys.platform, "another"])
def test_another_process_tells_its_cpu_seconds_until_it_is_gone(monkeypatch, system):
    monkeypatch.setattr(sys, "platform", system)
    with subprocess.Popen(
        [sys.executable, "-c", SPIN + "input()"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout.readline().strip() == b"done"
        assert process_cpu_s(process.pid) >= 0.19  # in hundredths
        process.communicate(b"\n")
    assert process_cpu_s(process.pid) == 0.0


def test_a_block_that_raises_is_measured(tmp_path):
    def fail():
        burn(0.01)
        raise RuntimeError("bad individual")

    with (
        pytest.raises(RuntimeError, match="bad individual"),
        best_meter("cpu", 10.0, powercap=tmp_path).measure() as reading,
    ):
        fail()
    assert reading.joules >= 0.1


@pytest.mark.parametrize("watts", [0.0, -1.0, float("nan")])
def test_watts_per_core_must_be_positive(tmp_path, watts):
    with pytest.raises(ValueError, match="watts_per_core must be above 0"):
        best_meter("cpu", watts, powercap=tmp_path)


def test_inner_blocks_do_not_disturb_the_outer(meter_with, clock):
    card = Card("GPU-a")
    meter = meter_with(FakeNvml(card))
    with meter.measure() as outer:
        inner = []
        for joules in (3, 4):
            with meter.measure() as reading:
                card.energy_mj += joules * 1000
                clock.now += 1
            inner.append(reading.gpu_joules)
    assert inner == pytest.approx([3, 4])
    assert outer.gpu_joules == pytest.approx(7)


@given(st.floats(0, 1e6), st.lists(st.floats(0, 1e5), min_size=1, max_size=20))
@example(1.5, [5e-324])
def test_shares_add_up_and_follow_cpu_seconds(joules, cpu_s):
    shares = share(joules, cpu_s)
    assert sum(shares) == pytest.approx(joules)
    order = sorted(range(len(cpu_s)), key=cpu_s.__getitem__)
    assert [shares[i] for i in order] == sorted(shares)


def test_jobs_without_cpu_seconds_share_equally():
    assert share(6.0, [0.0, 0.0, 0.0]) == [2.0, 2.0, 2.0]


def test_a_meter_without_counters_starts_no_thread(clock):
    before = threading.active_count()
    with Meter([], [], 10.0, clock=clock).measure():
        assert threading.active_count() == before


def test_joules_of_which_a_part_was_read_say_which(meter_with, clock):
    """A card with a counter beside a processor without one."""
    card = Card("GPU-a")
    with meter_with(FakeNvml(card)).measure() as reading:
        burn(0.01)
        card.energy_mj += 7000
        clock.now += 1
    assert reading.gpu_joules == pytest.approx(7)
    assert reading.estimated_j == reading.cpu_joules == reading.cpu_s * 10 > 0


def test_a_sum_that_lacks_a_card_is_an_estimate_as_a_whole(meter_with, tmp_path, clock):
    package = zone(tmp_path, "intel-rapl:0", "package-0")
    meter = meter_with(FakeNvml(), "cuda")
    with meter.measure() as reading:
        set_energy(package, 3_000_000)
        clock.now += 1
    assert meter.method == "rapl"
    assert (reading.joules, reading.estimated_j) == (pytest.approx(3), reading.joules)
