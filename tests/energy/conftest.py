import sys

import pytest

from evokit.energy import best_meter
from tests.energy.machines import Clock


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def meter_with(monkeypatch, tmp_path, clock):
    """A meter on a machine with the given cards and no RAPL."""

    def make(nvml, device="cuda", environ=None):
        monkeypatch.setitem(sys.modules, "pynvml", nvml)
        return best_meter(device, 10.0, powercap=tmp_path, environ=environ or {}, clock=clock)

    return make
