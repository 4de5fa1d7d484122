"""What the tests of operators on permutations share."""

from itertools import permutations
from types import SimpleNamespace

import numpy as np
from hypothesis import strategies as st

PAIRS = st.integers(2, 8).flatmap(
    lambda n: st.integers(1, 4).flatmap(
        lambda rows: st.tuples(*[st.lists(st.permutations(range(n)), min_size=rows, max_size=rows).map(np.array)] * 2)
    )
)


def cutting(start, stop):
    """A generator that draws this stretch for the one row that it is asked for."""
    drawn = iter([start, stop - 1])
    return SimpleNamespace(integers=lambda n, size: np.array([next(drawn)]))


def are_permutations(rows):
    return (np.sort(rows, axis=1) == np.arange(rows.shape[1])).all()


def shares_of(rows):
    """How often each permutation of its items is a row, in the order of ``itertools``."""
    found, counts = np.unique(rows, axis=0, return_counts=True)
    share = {tuple(row): count / len(rows) for row, count in zip(found.tolist(), counts.tolist(), strict=True)}
    return [share.get(one, 0.0) for one in permutations(range(rows.shape[1]))]
