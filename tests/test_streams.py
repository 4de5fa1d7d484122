import random
from itertools import combinations

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from evokit.streams import Streams

paths = st.lists(st.text(max_size=3) | st.integers(-5, 5), max_size=3)


@given(st.integers(0, 2**63), paths, paths)
def test_a_path_may_be_walked_in_any_steps(seed, first, second):
    assert Streams(seed).at(*first).at(*second) == Streams(seed).at(*first, *second)


@given(st.integers(0, 9), st.integers(0, 9), paths, paths)
def test_streams_differ_exactly_where_seed_or_names_differ(a, b, first, second):
    one, other = Streams(a).at(*first), Streams(b).at(*second)
    assert (one.entropy() == other.entropy()) == ((a, first) == (b, second))


def test_a_number_and_its_text_name_different_streams():
    assert Streams(0).at(1).entropy() != Streams(0).at("1").entropy()


def test_each_use_starts_at_the_beginning_of_the_stream():
    stream = Streams(3).at("x")
    assert stream.numpy().random(5).tolist() == stream.numpy().random(5).tolist()
    assert torch.equal(torch.rand(5, generator=stream.torch()), torch.rand(5, generator=stream.torch()))


def test_neighbouring_streams_are_uncorrelated():
    samples = [Streams(0).at("mutation", generation).numpy().random(2000) for generation in range(5)]
    assert all(abs(np.corrcoef(a, b)[0, 1]) < 0.08 for a, b in combinations(samples, 2))


def test_a_stream_keeps_its_numbers_between_versions():
    assert Streams(0).at("mutation", 3).entropy() == 142482450524103757889652549927356335378


def test_generators_of_torch_begin_with_63_bits_of_their_stream():
    seeds = [Streams(0).at("lane", lane).torch().initial_seed() for lane in range(200)]
    assert seeds == [Streams(0).at("lane", lane).entropy() % 2**63 for lane in range(200)]
    assert len(set(seeds)) == 200


def test_no_global_generator_is_read_or_seeded():
    def states():
        return random.getstate(), repr(np.random.get_state()), torch.get_rng_state().tolist()  # noqa: NPY002

    before = states()
    Streams(0).numpy().random()
    Streams(0).torch()
    assert states() == before
