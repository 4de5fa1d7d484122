import os
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evokit.energy import best_meter
from evokit.energy.rapl import RaplPackage, rapl_packages
from tests.energy.machines import RANGE_UJ, set_energy, zone


def test_rapl_packages_add_up(tmp_path, clock):
    packages = [zone(tmp_path, f"intel-rapl:{i}", f"package-{i}", 1_000_000) for i in range(2)]
    meter = best_meter("cpu", 10.0, powercap=tmp_path, clock=clock)
    with meter.measure() as reading:
        set_energy(packages[0], 4_000_000)
        set_energy(packages[1], 1_500_000)
        clock.now += 1
    assert meter.method == "rapl"
    assert reading.joules == pytest.approx(3.5)
    assert reading.estimated_j == 0


def test_sub_zones_and_psys_are_not_counted_twice(tmp_path):
    zone(tmp_path, "intel-rapl:0", "package-0")
    zone(tmp_path, "intel-rapl:0:0", "core")
    zone(tmp_path, "intel-rapl:0:1", "dram")
    zone(tmp_path, "intel-rapl:1", "psys")
    zone(tmp_path, "intel-rapl-mmio:0", "package-0")
    assert [package.name for package in rapl_packages(tmp_path)] == ["package-0"]


def test_a_counter_that_wrapped_goes_on(tmp_path, clock):
    package = zone(tmp_path, "intel-rapl:0", "package-0", RANGE_UJ - 1_000_000)
    with best_meter("cpu", 10.0, powercap=tmp_path, clock=clock).measure() as reading:
        set_energy(package, 500_000)
        clock.now += 1
    assert reading.joules == pytest.approx(1.5)


@given(st.lists(st.integers(0, 999), max_size=20))
def test_rapl_total_is_the_sum_of_the_steps_whatever_the_wraps(tmp_path_factory, steps):
    path = zone(tmp_path_factory.mktemp("powercap"), "intel-rapl:0", "package-0", 0, range_uj=1000)
    package, spent = RaplPackage(path), 0
    for step in steps:
        spent += step
        set_energy(path, spent % 1000)
        package.joules()
    assert package.joules() == pytest.approx(spent * 1e-6)


def test_the_counter_is_polled_within_a_long_block(tmp_path):
    path = zone(tmp_path, "intel-rapl:0", "package-0", 0, range_uj=10_000_000)  # half of it at 1 kW: 5 ms
    with best_meter("cpu", 10.0, powercap=tmp_path).measure() as reading:
        for energy_uj in (6_000_000, 2_000_000, 8_000_000, 4_000_000):  # 6 + 6 + 6 + 6 J through two wraps
            _replace(path, energy_uj)
            time.sleep(0.1)
    assert reading.joules == pytest.approx(24)


def _replace(zone_path, energy_uj):
    """Like the kernel: a reader never sees the file empty."""
    (zone_path / "new").write_text(str(energy_uj))
    os.replace(zone_path / "new", zone_path / "energy_uj")


def test_polling_ends_with_the_block(tmp_path):
    zone(tmp_path, "intel-rapl:0", "package-0")
    with best_meter("cpu", 10.0, powercap=tmp_path).measure():
        assert "evokit-energy" in [thread.name for thread in threading.enumerate()]
    for thread in threading.enumerate():
        if thread.name == "evokit-energy":
            thread.join(timeout=5)
    assert "evokit-energy" not in [thread.name for thread in threading.enumerate()]


def test_a_block_shorter_than_the_counters_step_is_estimated(tmp_path, clock):
    package = zone(tmp_path, "intel-rapl:0", "package-0")
    with best_meter("cpu", 10.0, powercap=tmp_path, clock=clock).measure() as reading:
        set_energy(package, 9_000_000)
        clock.now += 0.001
    assert reading.estimated_j == pytest.approx(reading.joules)
    assert reading.joules == reading.cpu_s * 10


def test_rapl_that_may_not_be_read_is_a_note(tmp_path, monkeypatch):
    zone(tmp_path, "intel-rapl:0", "package-0")
    deny(monkeypatch, "energy_uj")
    meter = best_meter("cpu", 10.0, powercap=tmp_path)
    assert meter.method == "estimate"
    assert meter.notes == [
        f"CPU energy is estimated: RAPL is there, but {tmp_path}/intel-rapl:0/energy_uj may not be read"
    ]


def deny(monkeypatch, name):
    """Make files of this name unreadable, for root too."""
    read_text = Path.read_text

    def denied(self, *args, **kwargs):
        if self.name == name:
            raise PermissionError(13, "Permission denied", str(self))
        return read_text(self, *args, **kwargs)

    monkeypatch.setattr(Path, "read_text", denied)


def test_one_unreadable_package_makes_all_an_estimate(tmp_path):
    zone(tmp_path, "intel-rapl:0", "package-0")
    broken = zone(tmp_path, "intel-rapl:1", "package-1")
    (broken / "energy_uj").unlink()
    assert best_meter("cpu", 10.0, powercap=tmp_path).method == "estimate"


def test_rapl_that_fails_later_becomes_an_estimate(tmp_path, clock):
    package = zone(tmp_path, "intel-rapl:0", "package-0")
    meter = best_meter("cpu", 10.0, powercap=tmp_path, clock=clock)
    with meter.measure() as reading:
        clock.now += 1
        (package / "energy_uj").unlink()
    assert reading.joules == reading.cpu_s * 10
    assert (meter.method, reading.estimated_j) == ("estimate", reading.joules)
    assert "package-0 cannot be read" in meter.notes[-1]
