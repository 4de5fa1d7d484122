import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from evokit.runs.checkpoint import load_checkpoint, save_checkpoint

plain = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
array_types = st.sampled_from([np.dtype(name) for name in ("bool", "int8", "int64", "uint8", "f2", "f4", "f8")])
some_arrays = arrays(array_types, array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3))
names = st.text(max_size=4).filter(lambda name: name != "__array__")
states = st.dictionaries(
    names,
    st.recursive(
        plain | some_arrays,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
        max_leaves=6,
    ),
    max_size=4,
)


def same(a, b):
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and a.shape == b.shape and a.tobytes() == b.tobytes()
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[name], b[name]) for name in a)
    if isinstance(a, list):
        return len(a) == len(b) and all(map(same, a, b))
    return type(a) is type(b) and a == b


@settings(max_examples=60, deadline=None)
@given(states)
def test_what_is_saved_is_loaded(tmp_path_factory, state):
    folder = tmp_path_factory.mktemp("checkpoint")
    save_checkpoint(folder, 1, state)
    assert same(load_checkpoint(folder), state)


def test_arrays_whose_paths_read_alike_stay_apart(tmp_path):
    state = {"a/b": np.array([1]), "a": {"b": np.array([2])}}
    save_checkpoint(tmp_path, 1, state)
    assert same(load_checkpoint(tmp_path), state)


@pytest.mark.parametrize("array", [np.array(3.0), np.arange(6).reshape(2, 3).T, np.arange(8)[::2]])
def test_any_layout_of_an_array_survives(tmp_path, array):
    save_checkpoint(tmp_path, 1, {"x": array})
    assert same(load_checkpoint(tmp_path), {"x": array})


def test_tuples_come_back_as_lists(tmp_path):
    save_checkpoint(tmp_path, 1, {"pair": (1, (2, 3))})
    assert load_checkpoint(tmp_path) == {"pair": [1, [2, 3]]}


def test_the_mark_of_an_array_is_no_key(tmp_path):
    with pytest.raises(ValueError, match="the key __array__ marks the place of an array"):
        save_checkpoint(tmp_path, 1, {"x": {"__array__": "0"}})


def test_what_is_neither_json_nor_array_is_an_error(tmp_path):
    with pytest.raises(TypeError, match="set is not JSON serializable"):
        save_checkpoint(tmp_path, 1, {"x": {1}})


def test_a_folder_without_checkpoints_has_none(tmp_path):
    assert load_checkpoint(tmp_path) is None
    assert load_checkpoint(tmp_path / "missing") is None


def test_the_newest_is_loaded(tmp_path):
    for number in (9, 10, 100):
        save_checkpoint(tmp_path, number, {"number": number})
    assert load_checkpoint(tmp_path) == {"number": 100}


def test_only_two_are_kept(tmp_path):
    for number in range(5):
        save_checkpoint(tmp_path, number, {})
    assert sorted(path.name for path in tmp_path.iterdir()) == ["00000003.safetensors", "00000004.safetensors"]


def test_saving_again_replaces(tmp_path):
    save_checkpoint(tmp_path, 1, {"try": 1})
    save_checkpoint(tmp_path, 1, {"try": 2})
    assert load_checkpoint(tmp_path) == {"try": 2}


def test_what_a_kill_left_half_written_is_cleared(tmp_path):
    (tmp_path / "00000007.safetensors.part").write_bytes(b"half")
    save_checkpoint(tmp_path, 8, {})
    assert [path.name for path in tmp_path.iterdir()] == ["00000008.safetensors"]


@pytest.fixture
def two(tmp_path):
    """A folder with an old and a new checkpoint, and the path of the new one."""
    save_checkpoint(tmp_path, 1, {"age": "old"})
    return tmp_path, save_checkpoint(tmp_path, 2, {"age": "new", "x": np.arange(5.0)})


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.99])
def test_a_torn_newest_falls_back_to_the_one_before(two, share, caplog):
    folder, newest = two
    content = newest.read_bytes()
    newest.write_bytes(content[: int(share * len(content))])
    assert load_checkpoint(folder) == {"age": "old"}
    assert "going back to the one before" in caplog.text


def test_no_flipped_bit_is_taken_for_good(two):
    folder, newest = two
    content, good = newest.read_bytes(), load_checkpoint(folder)
    for place in range(len(content)):
        damaged = bytearray(content)
        damaged[place] ^= 1 << place % 8
        newest.write_bytes(damaged)
        loaded = load_checkpoint(folder)
        assert loaded == {"age": "old"} or same(loaded, good), place


def test_a_damaged_newest_is_told(two, caplog):
    folder, newest = two
    content = newest.read_bytes()
    newest.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert load_checkpoint(folder) == {"age": "old"}
    assert "checkpoint 00000002.safetensors is damaged" in caplog.text


def test_without_a_whole_one_there_is_none(two):
    folder, _ = two
    for path in folder.iterdir():
        path.write_bytes(b"torn")
    assert load_checkpoint(folder) is None


def test_a_damaged_one_does_not_take_a_place_for_long(two):
    folder, newest = two
    damaged = newest.rename(folder / "00000009.safetensors")
    damaged.write_bytes(b"torn")
    save_checkpoint(folder, 3, {})
    assert sorted(path.name for path in folder.iterdir()) == ["00000001.safetensors", "00000003.safetensors"]
