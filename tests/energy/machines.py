"""Machines with the counters that a test says."""

import time
from types import SimpleNamespace

RANGE_UJ = 262_143_328_850


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


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

    def nvmlInit(self):  # noqa: N802 - its name
        if self.init_error:
            raise self.NVMLError(self.init_error)

    def nvmlDeviceGetCount(self):  # noqa: N802 - its name
        return len(self.cards)

    def nvmlDeviceGetHandleByIndex(self, index):  # noqa: N802 - its name
        return self.cards[index]

    def nvmlDeviceGetHandleByUUID(self, uuid):  # noqa: N802 - its name
        return SimpleNamespace(parent=self.cards[0], uuid=uuid)

    def nvmlDeviceGetDeviceHandleFromMigDeviceHandle(self, part):  # noqa: N802 - its name
        return part.parent

    def nvmlDeviceGetUUID(self, card):  # noqa: N802 - its name
        return card.uuid

    def nvmlDeviceGetName(self, card):  # noqa: N802 - its name
        return card.name

    def nvmlDeviceGetTotalEnergyConsumption(self, card):  # noqa: N802 - its name
        return self._number(card.energy_mj)

    def nvmlDeviceGetPowerUsage(self, card):  # noqa: N802 - its name
        return self._number(card.power_mw)


def burn(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass
