import numpy as np
import pytest


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def float64():
    """Of a test whose code is to compute in float64 throughout."""
    from tests.rounding import in_float64  # needs torch, which is not there wherever tests are

    with in_float64():
        yield


collect_ignore = ["windows_like"]  # what it holds changes the process that imports it
