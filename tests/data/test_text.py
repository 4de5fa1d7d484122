from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evokit.data.text import (
    EOS,
    IGNORED,
    Documents,
    document_blocks,
    full_blocks,
    join_documents,
    shuffled,
    split_by_document,
    text_data,
)
from evokit.errors import UserError


def documents_of(lengths):
    """Every token is unique, so that its place can be told from its value."""
    starts = np.cumsum([0, *lengths])
    return Documents(np.arange(starts[-1], dtype=np.uint16), starts, tuple(f"d{i}" for i in range(len(lengths))))


some_documents = st.lists(st.integers(0, 23), max_size=6).map(documents_of)
lengths = st.integers(1, 9)


@given(some_documents, lengths)
def test_document_blocks_predict_every_token_exactly_once(documents, length):
    targets = document_blocks(documents, length).targets
    assert targets[targets != IGNORED].tolist() == documents.tokens.tolist()


@given(some_documents, lengths)
def test_full_blocks_predict_all_but_the_tail_of_each_document_once(documents, length):
    expected = [
        token
        for i in range(len(documents))
        for token in documents.document(i)[: len(documents.document(i)) // length * length]
    ]
    assert full_blocks(documents, length).targets.reshape(-1).tolist() == expected


@given(some_documents, lengths)
def test_each_target_follows_its_input_in_the_document_read_after_end_of_text(documents, length):
    blocks = document_blocks(documents, length)
    for i, inputs, targets in zip(blocks.documents, blocks.inputs, blocks.targets, strict=True):
        stream = [EOS, *documents.document(i).tolist()]
        real = targets != IGNORED
        assert all(stream[stream.index(b) - 1] == a for a, b in zip(inputs[real], targets[real], strict=True))
        assert (inputs[~real] == EOS).all()


@given(some_documents, lengths)
def test_end_of_text_is_never_a_target(documents, length):
    assert EOS not in document_blocks(documents, length).targets


@given(some_documents, lengths)
def test_full_blocks_are_the_document_blocks_without_padding(documents, length):
    padded = document_blocks(documents, length)
    kept = padded.take(np.flatnonzero((padded.targets != IGNORED).all(axis=1)))
    full = full_blocks(documents, length)
    assert np.array_equal(full.inputs, kept.inputs)
    assert np.array_equal(full.targets, kept.targets)
    assert np.array_equal(full.documents, kept.documents)


def test_most_keeps_the_first_blocks_of_each_document():
    blocks = document_blocks(documents_of([7, 1, 4]), 2, most=2)
    assert blocks.documents.tolist() == [0, 0, 1, 2, 2]
    assert blocks.targets.tolist() == [[0, 1], [2, 3], [7, IGNORED], [8, 9], [10, 11]]


@pytest.mark.parametrize("cut", [full_blocks, document_blocks])
def test_blocks_are_int64_of_the_asked_length(cut):
    blocks = cut(documents_of([5, 6]), 3)
    assert {blocks.inputs.dtype, blocks.targets.dtype, blocks.documents.dtype} == {np.dtype(np.int64)}
    assert blocks.inputs.shape == blocks.targets.shape == (len(blocks), 3)


@pytest.mark.parametrize("cut", [full_blocks, document_blocks])
def test_a_block_without_room_for_a_token_is_refused(cut):
    with pytest.raises(ValueError, match="at least 1 token, got length 0"):
        cut(documents_of([5]), 0)


def test_shuffling_moves_whole_blocks():
    blocks = full_blocks(documents_of([20, 30]), 2)
    mixed = shuffled(blocks, np.random.default_rng(0))
    assert mixed.targets.tolist() != blocks.targets.tolist()

    def rows(b):
        return sorted(zip(b.documents.tolist(), b.inputs.tolist(), b.targets.tolist(), strict=True))

    assert rows(mixed) == rows(blocks)


def test_shuffling_is_decided_by_the_generator():
    blocks = full_blocks(documents_of([50]), 2)
    once, again = (shuffled(blocks, np.random.default_rng(3)).targets for _ in range(2))
    assert np.array_equal(once, again)


@given(some_documents)
def test_joining_the_documents_gives_them_back(documents):
    joined = join_documents([documents.document(i) for i in range(len(documents))], documents.names)
    assert joined.digest == documents.digest


def test_selected_documents_keep_their_tokens_and_names():
    chosen = documents_of([2, 3, 1]).select([2, 0])
    assert chosen.names == ("d2", "d0")
    assert chosen.document(0).tolist() == [5]
    assert chosen.document(1).tolist() == [0, 1]


def test_the_digest_ignores_the_integer_type():
    documents = documents_of([2, 3])
    assert Documents(documents.tokens.astype(np.int32), documents.starts, documents.names).digest == documents.digest


@pytest.mark.parametrize("change", ["tokens", "starts", "names", "groups"])
def test_the_digest_tells_documents_apart(change):
    parts = {"tokens": np.array([1, 2, 3]), "starts": np.array([0, 1, 3]), "names": ("a", "b")}
    others = {"tokens": np.array([1, 2, 4]), "starts": np.array([0, 2, 3]), "names": ("a", "c")}
    others["groups"] = np.array([0, 0])
    assert Documents(**parts).digest != Documents(**(parts | {change: others[change]})).digest


@pytest.mark.parametrize("starts", [[0, 2, 4], [1, 2, 3], [0, 4, 3]])
def test_starts_that_do_not_cut_the_tokens_are_refused(starts):
    with pytest.raises(ValueError, match="starts must ascend from 0 to the number of tokens, 3"):
        Documents(np.arange(3), np.array(starts), ("a", "b"))


def test_units_are_the_groups_in_their_order_without_gaps():
    documents = replace(documents_of([1, 2, 3, 4]), groups=np.array([9, 4, 9, 7]))
    assert documents.units.tolist() == [0, 1, 0, 2]
    assert documents.n_units == 3
    assert documents.select([3, 2]).units.tolist() == [0, 1]
    assert documents_of([5, 6]).units.tolist() == [0, 1]


def test_the_digest_goes_by_units_not_by_the_numbers_of_groups():
    documents = documents_of([1, 2])
    assert replace(documents, groups=np.array([5, 3])).digest == documents.digest


def test_a_group_too_few_is_refused():
    with pytest.raises(ValueError, match="2 documents need as many groups, got 1"):
        replace(documents_of([1, 2]), groups=np.array([0]))


def test_a_name_too_many_is_refused():
    with pytest.raises(ValueError, match="2 documents need 3 starts, got 2"):
        Documents(np.arange(3), np.array([0, 3]), ("a", "b"))


names_with_groups = st.lists(
    st.tuples(st.text("ab", max_size=9), st.integers(0, 40).map(str)), min_size=10, unique_by=lambda pair: pair[0]
).filter(lambda pairs: sum(5 * n <= len(pairs) for n in Counter(g for _, g in pairs).values()) >= 10)


@given(names_with_groups)
def test_every_document_is_on_one_side_and_no_group_on_two(pairs):
    names, groups = zip(*pairs, strict=True)
    split = split_by_document(names, groups)
    sides = [split.train, split.validation, split.test]
    assert sorted(np.concatenate(sides)) == list(range(len(names)))
    assert sum(len({groups[i] for i in side}) for side in sides) == len(set(groups))


@given(names_with_groups, st.randoms(use_true_random=False))
def test_the_order_of_the_documents_does_not_matter(pairs, random):
    mixed = random.sample(pairs, len(pairs))

    def tests(some):
        return {some[i][0] for i in split_by_document(*zip(*some, strict=True)).test}

    assert tests(pairs) == tests(mixed)


def test_the_ninth_and_tenth_of_each_ten_names_are_held_out():
    names = [f"{i:02}" for i in range(23)]
    split = split_by_document(names)
    assert split.validation.tolist() == [8, 18]
    assert split.test.tolist() == [9, 19]


def test_groups_are_counted_where_their_first_name_stands():
    names = [f"{i:02}" for i in range(12)]
    groups = ["x", "x", *names[2:11], "x"]
    split = split_by_document(names, groups)
    assert split.validation.tolist() == [9]
    assert split.test.tolist() == [10]
    assert {0, 1, 11} <= set(split.train)


def test_a_group_of_more_than_a_fifth_is_never_held_out_and_the_next_takes_its_position():
    names = [f"{i:02}" for i in range(30)]
    split = split_by_document(names, groups=[*names[:8], *["x"] * 7, *names[15:]])
    assert split.validation.tolist() == [15, 25]
    assert split.test.tolist() == [16, 26]


def test_a_group_of_a_fifth_may_be_held_out():
    names = [f"{i:02}" for i in range(30)]
    split = split_by_document(names, groups=[*names[:8], *["x"] * 6, *names[14:]])
    assert split.validation.tolist() == [*range(8, 14), 23]


def test_too_few_documents_for_a_split_are_refused():
    with pytest.raises(ValueError, match="at least 10 documents that differ, got 9"):
        split_by_document([str(i) for i in range(9)])


def test_data_states_the_size_of_each_side():
    data = text_data("n", "o", train=documents_of([4, 5]), validation=documents_of([3]), test=documents_of([2]))
    assert data.sizes == {
        "train_documents": 2,
        "train_tokens": 9,
        "validation_documents": 1,
        "validation_tokens": 3,
        "test_documents": 1,
        "test_tokens": 2,
        "test_units": 1,
    }


def test_the_digest_of_data_tells_which_side_a_document_is_on():
    a, b, c = documents_of([4]), documents_of([3]), documents_of([2])
    assert (
        text_data("n", "o", train=a, validation=b, test=c).digest
        != text_data("n", "o", train=a, validation=c, test=b).digest
    )


def test_an_empty_side_is_refused():
    a = documents_of([4])
    with pytest.raises(UserError, match="no document is left for test in o"):
        text_data("n", "o", train=a, validation=a, test=documents_of([]))
