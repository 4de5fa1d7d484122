import time

import pytest

from tests.energy.machines import Card, FakeNvml, set_energy, zone


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
    assert reading.estimated_j == 0


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
    assert reading.estimated_j == pytest.approx(reading.joules)


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
