from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evokit.data.rows import Rows, as_data, split


def rows(x):
    x = np.array(x, float).reshape(-1, 1)
    return Rows(x, np.arange(len(x), dtype=float), ("x",))


@given(st.lists(st.integers(0, 30), min_size=12, max_size=60))
def test_each_row_is_on_one_side_and_rows_with_the_same_inputs_together(inputs):
    try:
        sides = split(rows(inputs), 0.2, 0.3)
    except ValueError:
        first, second = (round(share * len(inputs)) for share in (1 - 0.2 - 0.3, 1 - 0.3))
        # A side is empty only where rows of the same inputs reach over all of it from the side before.
        assert max(Counter(inputs).values()) > min(second - first, len(inputs) - second)
        return
    assert sorted(y for side in sides for y in side.y) == list(range(len(inputs)))
    several = [set(side.x[:, 0]) for side in sides]
    assert sum(map(len, several)) == len(set.union(*several))


def test_shares_are_kept_and_neither_seed_nor_order_decides():
    inputs = np.random.default_rng(0).permutation(100)
    train, validation, test = split(rows(inputs), 0.1, 0.3)
    assert (len(train), len(validation), len(test)) == (60, 10, 30)
    again = split(rows(inputs[::-1]), 0.1, 0.3)
    assert [sorted(side.x[:, 0]) for side in (train, validation, test)] == [sorted(side.x[:, 0]) for side in again]


def test_a_side_without_rows_is_refused():
    with pytest.raises(ValueError, match=r"3 rows are too few for shares of 0\.1 and 0\.1"):
        split(rows([1, 2, 3]), 0.1, 0.1)


def test_the_vault_is_cut_off_the_test_rows():
    train, validation, test = split(rows(range(100)), 0.2, 0.4)
    data = as_data("d", "o", train, validation, test, 0.5)
    assert sorted([*data.test.y, *data.vault.y]) == sorted(test.y)
    assert data.sizes["test_rows"] + data.sizes["vault_rows"] == 40
    assert as_data("d", "o", train, validation, test, 0.0).vault is None


def test_units_are_told_apart_by_inputs_and_target():
    one, other = Rows(np.ones((2, 1)), np.array([1.0, 2.0]), ("x",)), Rows(np.ones((1, 1)), np.array([2.0]), ("x",))
    first, second = one.unit_keys()
    assert first != second == other.unit_keys()[0]
