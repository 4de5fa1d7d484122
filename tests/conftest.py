import numpy as np
import pytest


@pytest.fixture
def rng():
    return np.random.default_rng(0)


collect_ignore = ["windows_like"]  # what it holds changes the process that imports it
