import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from evokit.energy import Meter, RaplPackage, best_meter, rapl_packages, share

RANGE_UJ = 262_143_328_850


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def zone(powercap, directory, name, energy_uj=0, range_uj=RANGE_UJ):
    path = powercap / directory
    path.mkdir(parents=True)
    (path / "name").write_text(name + "\n")
    (path / "max_energy_range_uj").write_text(f"{range_uj}\n")
    (path / "energy_uj").write_text(f"{energy_uj}\n")
    return path


def set_energy(zone_path, energy_uj):
    (zone_path / "energy_uj").write_text(f"{energy_uj}\n")


class Card:
    def __init__(self, uuid, name="NVIDIA Test", energy_mj=5000, power_mw=300_000):
        self.uuid, self.name, self.energy_mj, self.power_mw = uuid, name, energy_mj, power_mw


class FakeNvml(SimpleNamespace):
    """The part of pynvml that is used. ``None`` as energy or power means "not supported"."""

    class NVMLError(Exception):
        pass

    def __init__(self, *cards, init_error=None):
        super().__init__(cards=cards, init_error=init_error)

    def _number(self, value):
        if value is None:
            raise self.NVMLError("Not Supported")
        return value

    def nvmlInit(self):  # noqa: N802
        if self.init_error:
            raise self.NVMLError(self.init_error)

    def nvmlDeviceGetCount(self):  # noqa: N802
        return len(self.cards)

    def nvmlDeviceGetHandleByIndex(self, index):  # noqa: N802
        return self.cards[index]

    def nvmlDeviceGetHandleByUUID(self, uuid):  # noqa: N802
        return SimpleNamespace(parent=self.cards[0], uuid=uuid)

    def nvmlDeviceGetDeviceHandleFromMigDeviceHandle(self, part):  # noqa: N802
        return part.parent

    def nvmlDeviceGetUUID(self, card):  # noqa: N802
        return card.uuid

    def nvmlDeviceGetName(self, card):  # noqa: N802
        return card.name

    def nvmlDeviceGetTotalEnergyConsumption(self, card):  # noqa: N802
        return self._number(card.energy_mj)

    def nvmlDeviceGetPowerUsage(self, card):  # noqa: N802
        return self._number(card.power_mw)


@pytest.fixture
def meter_with(monkeypatch, tmp_path, clock):
    """A meter on a machine with the given cards and no RAPL."""

    def make(nvml, device="cuda", environ=None):
        monkeypatch.setitem(sys.modules, "pynvml", nvml)
        return best_meter(device, 10.0, powercap=tmp_path, environ=environ or {}, clock=clock)

    return make


def burn(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


# --- estimate


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
    assert reading.estimated
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


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="living children are seen through Linux's /proc")
def test_a_living_grandchild_is_counted(tmp_path):
    child = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {SPIN + 'input()'!r}])"
    with best_meter("cpu", 10.0, powercap=tmp_path).measure() as reading:
        process = subprocess.Popen([sys.executable, "-c", child], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        process.stdout.readline()
    process.communicate(b"\n")
    assert reading.cpu_s >= 0.15  # clock ticks of 10 ms


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


# --- RAPL


def test_rapl_packages_add_up(tmp_path, clock):
    packages = [zone(tmp_path, f"intel-rapl:{i}", f"package-{i}", 1_000_000) for i in range(2)]
    meter = best_meter("cpu", 10.0, powercap=tmp_path, clock=clock)
    with meter.measure() as reading:
        set_energy(packages[0], 4_000_000)
        set_energy(packages[1], 1_500_000)
        clock.now += 1
    assert meter.method == "rapl"
    assert reading.joules == pytest.approx(3.5)
    assert not reading.estimated


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
    assert reading.estimated
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
    assert (meter.method, reading.estimated) == ("estimate", True)
    assert "package-0 cannot be read" in meter.notes[-1]


# --- NVML


def test_the_cards_counter_is_used(meter_with, clock):
    card = Card("GPU-a", energy_mj=5000)
    meter = meter_with(FakeNvml(card))
    with meter.measure() as reading:
        card.energy_mj += 70_000
        clock.now += 1
    assert meter.method == "nvml+estimate"
    assert reading.gpu_joules == pytest.approx(70)
    assert reading.joules == reading.gpu_joules + reading.cpu_joules


def test_nvml_and_rapl_together_are_no_estimate(meter_with, tmp_path, clock):
    package, card = zone(tmp_path, "intel-rapl:0", "package-0"), Card("GPU-a")
    meter = meter_with(FakeNvml(card))
    with meter.measure() as reading:
        card.energy_mj += 2000
        set_energy(package, 3_000_000)
        clock.now += 1
    assert meter.method == "nvml+rapl"
    assert reading.joules == pytest.approx(5)
    assert not reading.estimated


@pytest.mark.parametrize("energy_mj", [None, 0])
def test_a_card_without_counter_is_integrated_from_its_power(meter_with, clock, energy_mj):
    card = Card("GPU-a", energy_mj=energy_mj, power_mw=100_000)
    with meter_with(FakeNvml(card)).measure() as reading:
        clock.now += 2
        card.power_mw = 300_000
    assert reading.gpu_joules == pytest.approx(400)  # 2 s at 200 W on average


def test_power_is_sampled_within_a_block(meter_with, clock):
    card = Card("GPU-a", energy_mj=None, power_mw=100_000)
    with meter_with(FakeNvml(card)).measure() as reading:
        clock.now += 2
        time.sleep(0.5)  # a sample at 100 W is taken
        card.power_mw = 300_000
    assert reading.gpu_joules == pytest.approx(200)


def test_a_short_block_on_a_card_takes_power_times_time(meter_with, clock):
    card = Card("GPU-a", power_mw=300_000)
    with meter_with(FakeNvml(card)).measure() as reading:
        clock.now += 0.01
    assert reading.gpu_joules == pytest.approx(3)
    assert reading.estimated


def test_all_cards_of_the_run_are_counted_once(meter_with, clock):
    cards = [Card(f"GPU-{i}") for i in range(3)]
    with meter_with(FakeNvml(*cards), ["cuda", "cuda:0", "cuda:2"]).measure() as reading:
        for i, card in enumerate(cards):
            card.energy_mj += 1000 * 10**i
        clock.now += 1
    assert reading.gpu_joules == pytest.approx(101)


@pytest.mark.parametrize(
    ("visible", "expected"), [("1,0", 10), ("1", 10), ("GPU-b", 10), ("MIG-x", 1), ("0", 1), ("GPU-bbb,0", 0)]
)
def test_the_card_is_looked_up_as_cuda_numbers_it(meter_with, clock, visible, expected):
    cards = [Card("GPU-aa"), Card("GPU-bb")]
    with meter_with(FakeNvml(*cards), environ={"CUDA_VISIBLE_DEVICES": visible}).measure() as reading:
        cards[0].energy_mj += 1000
        cards[1].energy_mj += 10_000
        clock.now += 1
    assert reading.gpu_joules == pytest.approx(expected)


def test_two_slices_of_one_card_are_one_card(meter_with, clock):
    card = Card("GPU-a")
    environ = {"CUDA_VISIBLE_DEVICES": "MIG-x,MIG-y"}
    with meter_with(FakeNvml(card), ["cuda:0", "cuda:1"], environ).measure() as reading:
        card.energy_mj += 1000
        clock.now += 1
    assert reading.gpu_joules == pytest.approx(1)


def test_different_cards_are_noted_but_none_is_missing(meter_with):
    meter = meter_with(FakeNvml(Card("GPU-a", "Small"), Card("GPU-b", "Big")))
    assert "set CUDA_DEVICE_ORDER=PCI_BUS_ID" in meter.notes[0]
    assert "not all GPU energy" not in meter.formula


def test_a_missing_driver_is_told_in_notes_and_formula(meter_with):
    meter = meter_with(FakeNvml(init_error="NVML Shared Library Not Found"))
    assert meter.method == "estimate"
    assert meter.notes[0] == "GPU energy is not counted: NVML: NVML Shared Library Not Found"
    assert meter.formula.endswith("not all GPU energy is counted")


def test_pynvml_that_is_not_installed_is_a_note(meter_with):
    assert "pynvml cannot be imported" in meter_with(None).notes[0]


def test_a_run_on_the_cpu_asks_no_nvml(meter_with):
    assert meter_with(FakeNvml(init_error="must not be called"), "cpu").notes == [
        note for note in meter_with(None, "cpu").notes if "RAPL" in note
    ]


def test_a_card_that_does_not_exist_is_a_note(meter_with):
    meter = meter_with(FakeNvml(Card("GPU-a")), "cuda:4")
    assert meter.notes[0] == "the energy of cuda:4 is not counted: NVML shows 1 visible cards"


def test_a_card_that_shows_nothing_is_a_note(meter_with):
    meter = meter_with(FakeNvml(Card("GPU-a", energy_mj=None, power_mw=None)))
    assert meter.notes[0] == "the energy of cuda:0 is not counted: NVML: Not Supported"


def test_other_accelerators_are_told_to_be_uncounted(meter_with):
    assert "energy of mps is not counted" in meter_with(None, "mps").notes[0]


def test_a_card_that_fails_later_is_dropped_with_a_note(meter_with, clock):
    card = Card("GPU-a")
    meter = meter_with(FakeNvml(card))
    with meter.measure() as reading:
        card.energy_mj = None
        clock.now += 1
    assert reading.gpu_joules == 0
    assert "no longer counted" in meter.notes[-1]
    assert meter.formula.endswith("not all GPU energy is counted")


# --- blocks together


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
