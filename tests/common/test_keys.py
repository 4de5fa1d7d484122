import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays, scalar_dtypes

from evokit.common.keys import array_key, digest, digest_bytes

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.text(), json_values, max_size=5))
def test_the_order_of_keys_does_not_matter(data):
    assert digest(data) == digest(dict(reversed(data.items())))


def test_the_order_of_a_list_matters():
    assert digest([1, 2]) != digest([2, 1])


def test_numbers_of_numpy_count_as_plain_ones():
    assert digest({"a": np.int64(1), "b": np.array([1.5]), "c": np.True_}) == digest({"a": 1, "b": [1.5], "c": True})


def test_a_digest_is_hexadecimal_and_as_long_as_asked():
    assert len(digest_bytes(b"", 6)) == len(digest(None, 6)) == 12
    assert int(digest([]), 16) > 0


def test_what_is_no_json_value_is_an_error():
    with pytest.raises(TypeError, match="set is not a JSON value"):
        digest({"a": {1}})


@given(arrays(scalar_dtypes(), array_shapes(max_dims=2, max_side=3)))
def test_a_copy_has_the_same_key(array):
    assert array_key(array.copy(order="F")) == array_key(array)


def test_type_and_shape_are_part_of_the_key():
    zeros = np.zeros(4, np.int64)
    kinds = [zeros, zeros.reshape(2, 2), zeros.astype(np.float64), zeros.astype(np.int32), np.zeros(8, np.int32)]
    assert len({array_key(array) for array in kinds}) == len(kinds)


def test_floats_are_told_apart_to_the_last_bit():
    assert array_key(np.array([0.1])) != array_key(np.nextafter([0.1], 1))
