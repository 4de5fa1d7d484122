"""Crystals in a file."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import save_file

from evokit.errors import UserError
from evokit_crystalline.crystals.matrices import BlockDiagonal, Dense, LowRank, Zero
from evokit_crystalline.crystals.saved import matrix_of, parts_of, read_saved, save_individuals


def normal(seed, *shape):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def low_rank(seed, n_in, n_out):
    return LowRank(normal(seed, n_out, 2), normal(seed + 1, n_in, 2), 0.3)


FIRST = {"a0": Dense(normal(0, 2, 3)), "b0": low_rank(1, 4, 2), "a1": Zero((2, 3)), "b1": Zero((4, 2))}
SECOND = FIRST | {"a1": Dense(normal(3, 2, 3)), "b1": BlockDiagonal([normal(4, 1, 1), normal(5, 3, 1)])}


@settings(max_examples=20, deadline=None)
@given(kind=st.sampled_from([Dense, LowRank, BlockDiagonal]), seed=st.integers(0, 99), n=st.integers(1, 4))
def test_a_matrix_comes_back_from_its_parts_to_the_last_bit(kind, seed, n):
    matrix = {
        Dense: lambda: Dense(normal(seed, n, 3)),
        LowRank: lambda: low_rank(seed, n, 3),
        BlockDiagonal: lambda: BlockDiagonal([normal(seed + i, n, 2) for i in range(n)]),
    }[kind]()
    again = matrix_of(parts_of(matrix))
    assert type(again) is kind
    assert again.dense().tolist() == matrix.dense().tolist()
    assert again.multiply_adds == matrix.multiply_adds


def test_sets_are_saved_once_and_individuals_say_which_they_have(tmp_path):
    save_individuals([FIRST, SECOND, {name: Zero(one.shape) for name, one in FIRST.items()}], tmp_path / "library")
    saved = read_saved(tmp_path / "library")
    assert saved.arrangements == [{"a0": 0, "b0": 0}, {"a0": 0, "b0": 0, "a1": 1, "b1": 1}], "off is no arrangement"
    assert saved.shapes == {(2, 3), (4, 2)}
    for layers, arrangement in zip((FIRST, SECOND), saved.arrangements, strict=True):
        for name, number in arrangement.items():
            matrix = saved.sets[number][layers[name].shape]
            assert matrix.dense().tolist() == layers[name].dense().tolist()


def test_what_is_off_in_a_set_is_not_saved(tmp_path):
    save_individuals([FIRST | {"a0": Zero((2, 3))}], tmp_path / "library")
    saved = read_saved(tmp_path / "library")
    assert [set(one) for one in saved.sets] == [{(4, 2)}]
    assert saved.arrangements == [{"b0": 0}]


def test_the_digest_is_that_of_the_content(tmp_path):
    for name, individuals in {"a": [FIRST], "b": [FIRST], "c": [SECOND]}.items():
        save_individuals(individuals, tmp_path / name)
    a, b, c = (read_saved(tmp_path / name).digest for name in "abc")
    assert a == b != c


def test_a_missing_file_says_how_one_is_made(tmp_path):
    with pytest.raises(UserError, match=r"there is no .*evokit export RUN --format library"):
        read_saved(tmp_path / "none")


GOOD = {"n_sets": 1, "arrangements": [{"a": 0}], "shapes": [[2, 3]], "beside": ""}


@pytest.mark.parametrize(
    ("told", "tensors"),
    [
        (None, {"0.2x3.W": (2, 3)}),
        ([], {"0.2x3.W": (2, 3)}),
        ({}, {"0.2x3.W": (2, 3)}),
        (GOOD, {"a": (3,)}),
        (GOOD, {"0.2x3.W": (3, 2)}),
        (GOOD, {"0.2x3.U": (3, 1)}),
        (GOOD, {"4.2x3.W": (2, 3)}),
        (GOOD | {"n_sets": -1}, {"0.2x3.W": (2, 3)}),
        (GOOD | {"n_sets": 2}, {"0.2x3.W": (2, 3)}),
        (GOOD | {"arrangements": [{"a": 1}]}, {"0.2x3.W": (2, 3)}),
        (GOOD | {"arrangements": [{"a": -1}]}, {"0.2x3.W": (2, 3)}),
        (GOOD | {"shapes": 3}, {"0.2x3.W": (2, 3)}),
    ],
)
def test_another_file_is_refused(told, tensors, tmp_path):
    metadata = None if told is None else {"evokit_library": json.dumps(told)}
    save_file({name: np.ones(shape, np.float32) for name, shape in tensors.items()}, tmp_path / "file", metadata)
    with pytest.raises(UserError, match="is no library"):
        read_saved(tmp_path / "file")


def test_a_file_without_tensors_is_refused(tmp_path):
    (tmp_path / "text").write_text("no tensors")
    for path in (tmp_path / "text", tmp_path):
        with pytest.raises(UserError, match="is no library"):
            read_saved(path)
