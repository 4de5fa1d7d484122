import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.rounding import rounding


@given(st.integers(1, 3000), st.integers(0, 2**32))
def test_sums_in_any_order_and_width_stay_within_it(n, seed):
    rng = np.random.default_rng(seed)
    terms = rng.normal(size=n).astype(np.float32)
    one_by_one = np.cumsum(terms)[-1]
    shuffled = rng.permutation(terms).sum(dtype=np.float32)
    assert abs(float(one_by_one) - float(shuffled)) <= rounding(n, np.abs(terms).sum())


def test_a_term_that_is_missing_is_noticed():
    terms = np.random.default_rng(0).normal(size=1000).astype(np.float32)
    assert abs(terms[1:].sum() - terms.sum()) > rounding(1000, np.abs(terms).sum())


@pytest.mark.parametrize(("dtype", "coarser"), [(torch.float64, 2.0**-29), (torch.bfloat16, 2.0**16)])
def test_it_goes_with_the_precision(dtype, coarser):
    assert rounding(30, dtype=dtype) == coarser * rounding(30)
