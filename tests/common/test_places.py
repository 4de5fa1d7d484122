from collections import Counter

import numpy as np
import pytest

from evokit.common.places import two_places


def test_all_pairs_of_places_are_as_likely():
    first, last = two_places(12_000, 4, np.random.default_rng(0))
    counts = Counter(zip(first.tolist(), last.tolist(), strict=True))
    assert sorted(counts) == [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)]
    assert [counts[pair] / 12_000 for pair in sorted(counts)] == pytest.approx([1 / 6] * 6, abs=0.015)
