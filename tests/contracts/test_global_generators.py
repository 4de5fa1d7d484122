import random

import numpy as np
import pytest
import torch

from evokit.contracts.global_generators import driven_by, global_states, other_world


@pytest.mark.parametrize(
    ("draw", "name"),
    [
        (random.random, "random"),
        (lambda: random.seed(1), "random"),
        (np.random.random, "numpy.random"),
        (lambda: np.random.default_rng(0).random(), ""),
        (lambda: torch.rand(1), "torch"),
        (lambda: torch.rand(1, generator=torch.Generator()), ""),
    ],
)
def test_whoever_uses_a_global_generator_is_noticed_and_leaves_no_trace(draw, name):
    before = global_states()
    with other_world(1) as touched:
        draw()
    assert touched == ([name] if name else [])
    assert global_states() == before


def test_another_world_draws_other_numbers():
    drawn = []
    for seed in (1, 2):
        with other_world(seed):
            drawn.append((random.random(), np.random.random(), torch.rand(1).item()))  # noqa: NPY002
    assert all(first != second for first, second in zip(*drawn, strict=True))


def test_foreign_functions_follow_the_generator_that_is_given_and_leave_no_trace():
    before = global_states()
    drawn = []
    for seed in (1, 1, 2):
        with other_world(len(drawn)), driven_by(np.random.default_rng(seed)):
            drawn.append((random.random(), np.random.random()))  # noqa: NPY002
    assert drawn[0] == drawn[1]
    assert all(first != other for first, other in zip(drawn[0], drawn[2], strict=True))
    with pytest.raises(ZeroDivisionError), driven_by(np.random.default_rng(0)):
        raise ZeroDivisionError
    assert global_states() == before
