import numpy as np
import pytest

from evokit.data.cache import cache_directory, cached


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
