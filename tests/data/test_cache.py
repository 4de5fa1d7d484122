import numpy as np
import pytest

from evokit.data.cache import cache_directory, cached, prepared
from evokit.energy import Cost, Meter
from tests.measuring.backends.test_joules import Machine


@pytest.fixture
def directory(monkeypatch, tmp_path):
    monkeypatch.setenv("EVOKIT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def make():
    return {"a": np.arange(3, dtype=np.uint16), "b": np.array([7])}


def fail():
    raise AssertionError("made again")


def test_what_was_made_is_read_back(directory):
    made, read = cached("k", make), cached("k", fail)
    assert all(np.array_equal(made[name], read[name]) and made[name].dtype == read[name].dtype for name in "ab")


def test_another_key_is_made_anew(directory):
    cached("k", make)
    with pytest.raises(AssertionError, match="made again"):
        cached("other", fail)


def test_a_damaged_file_is_replaced(directory):
    cached("k", make)
    (file,) = directory.iterdir()
    file.write_bytes(file.read_bytes()[:-1])
    assert cached("k", make)["a"].tolist() == [0, 1, 2]
    assert cached("k", fail)["a"].tolist() == [0, 1, 2]


def test_only_whole_files_are_left_behind(directory):
    cached("k", make)
    assert [file.name for file in directory.iterdir()] == ["k.safetensors"]


def test_a_directory_that_cannot_be_written_is_done_without(directory):
    directory.write_text("a file where the directory should be")
    assert cached("k", make)["b"].tolist() == [7]


def test_the_directory_follows_the_environment(monkeypatch, tmp_path):
    monkeypatch.delenv("EVOKIT_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_directory() == tmp_path / "evokit"
    monkeypatch.setenv("EVOKIT_CACHE", str(tmp_path / "mine"))
    assert cache_directory() == tmp_path / "mine"


def test_what_was_prepared_keeps_the_joules_that_were_read_for_it(directory):
    machine = Machine()
    meter = Meter([], [machine], 10.0, clock=lambda: machine.now)

    def spend():
        machine.spend(30.0, seconds=2.0)
        return make()

    arrays, cost = prepared("k", spend, meter)
    assert sorted(arrays) == ["a", "b"]
    assert (cost.wall_s, cost.energy_j, cost.estimated_j) == (2.0, 30.0, 0.0)
    again, then = prepared("k", fail, Meter())  # by one that could only estimate
    assert (sorted(again), then) == (["a", "b"], cost)


def test_what_was_prepared_before_joules_were_kept_is_an_estimate(directory):
    cached("k", lambda: make() | {"cost": np.array([7.0, 5.0])})
    _, cost = prepared("k", fail, Meter(watts_per_core=12.0))
    assert cost == Cost(wall_s=7.0, cpu_s=5.0, energy_j=60.0, estimated_j=60.0, peak_memory_bytes=0)
