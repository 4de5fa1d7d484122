import itertools
import random
import re
from unicodedata import normalize

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evokit.data import near_duplicates as module
from evokit.data.near_duplicates import COMMON, SHARE, SHINGLE, apart, near_duplicates, overlap


def speech(name, n=100):
    """A text none of whose words is in one of another name."""
    return " ".join(f"{name}{i}" for i in range(n))


def partition(groups):
    """Sets of indices, whatever their numbers."""
    members = {}
    for i, group in enumerate(np.asarray(groups).tolist()):
        members.setdefault(group, set()).add(i)
    return {frozenset(some) for some in members.values()}


def together(*texts, groups=None):
    return partition(near_duplicates(texts, groups))


def shingles_of(text):
    """By sets of strings: the plain reference."""
    words = re.findall(r"\w+", text.lower())
    n = max(1, len(words) - SHINGLE + 1)
    return {" ".join(words[i : i + SHINGLE]) for i in range(n)}


def reference(texts):
    """Groups by comparing each text with each other one."""
    groups = list(range(len(texts)))
    for a, b in itertools.combinations(range(len(texts)), 2):
        one, other = shingles_of(texts[a]), shingles_of(texts[b])
        if len(one & other) >= SHARE * min(len(one), len(other)):
            groups = [groups[a] if group == groups[b] else group for group in groups]
    return groups


# Three words, so that texts share runs of ten often and in every measure.
some_texts = st.lists(
    st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=30).map(" ".join), min_size=1, max_size=8
)


@given(some_texts)
@settings(deadline=None)  # the first call imports scipy
def test_groups_are_those_of_comparing_all_pairs_of_texts(texts):
    assert partition(near_duplicates(texts)) == partition(reference(texts))


@given(some_texts, st.randoms(use_true_random=False))
@settings(deadline=None)
def test_the_order_of_the_texts_does_not_matter(texts, shuffle):
    order = list(range(len(texts)))
    shuffle.shuffle(order)
    mixed = partition(near_duplicates([texts[i] for i in order]))
    assert {frozenset(order[i] for i in some) for some in mixed} == partition(near_duplicates(texts))


def test_a_text_with_a_few_words_changed_is_a_near_duplicate():
    words = speech("x").split()
    changed = ["other" if i % 25 == 0 else word for i, word in enumerate(words)]
    assert together(" ".join(words), " ".join(changed), speech("y")) == {frozenset({0, 1}), frozenset({2})}


def test_a_text_in_a_much_longer_one_is_a_near_duplicate():
    assert together(f"{speech('x', 5000)} {speech('y', 40)} {speech('z', 5000)}", speech("y", 40)) == {
        frozenset({0, 1})
    }


def test_chains_of_near_duplicates_are_one_group():
    a, b, c = (speech(name) for name in "abc")
    chain = (f"{a} {b}", c, f"{b} {c}", speech("d"))
    assert together(*chain) == {frozenset({0, 1, 2}), frozenset({3})}


@pytest.mark.parametrize(("shared", "near"), [(SHINGLE + 2, True), (SHINGLE + 1, False)])
def test_the_threshold_is_a_share_of_the_shorter_text(shared, near):
    quoted = speech("q", shared)  # 3 of 100 shingles if 12 words are shared, 2 if 11
    texts = [f"{speech('x', 109 - shared)} {quoted}", f"{speech('y', 1000)} {quoted}"]
    assert len(together(*texts)) == (1 if near else 2)


def test_case_punctuation_and_line_breaks_make_no_difference():
    text = speech("x", 30)
    assert together(text, text.upper().replace(" ", ",\n\n")) == {frozenset({0, 1})}


def test_accents_may_be_written_in_two_ways():
    text = " ".join(f"élève{i}" for i in range(40))
    assert len(set(near_duplicates([text, normalize("NFD", text)]))) == 1


def test_a_passage_is_found_where_words_have_no_spaces():
    rng = np.random.default_rng(0)
    first, second, third = ("".join(map(chr, rng.integers(0x4E00, 0x9FFF, 400))) for _ in range(3))
    assert near_duplicates([first, second, third[:200] + first[100:300]]).tolist() == [0, 1, 0]


def test_texts_shorter_than_a_passage_are_near_duplicates_if_their_words_are_the_same():
    assert together("One, two!", "one two", "one two three", "two one") == {
        frozenset({0, 1}), frozenset({2}), frozenset({3})
    }  # fmt: skip


def test_texts_without_words_are_themselves():
    assert together("", "!", "?", "!") == {frozenset({0}), frozenset({1, 3}), frozenset({2})}


def test_given_groups_are_joined_and_join_others():
    a, b = speech("a"), speech("b")
    found = together(a, b, f"{b} end", speech("c"), groups=["x", "x", "y", "z"])
    assert found == {frozenset({0, 1, 2}), frozenset({3})}


def test_what_too_many_texts_have_does_not_join_them():
    licence = speech("licence")
    texts = [f"{speech(f't{i}x', 20)} {licence}" for i in range(COMMON + 1)]
    assert len(together(*texts)) == len(texts)
    assert len(together(*texts[1:])) == 1


def test_any_number_of_copies_is_one_group():
    assert len(together(*[speech("x")] * (COMMON + 2))) == 1


def test_no_texts_have_no_groups():
    assert near_duplicates([]).shape == (0,)


def test_long_texts_are_compared_once(monkeypatch, tmp_path):
    monkeypatch.setenv("EVOKIT_CACHE", str(tmp_path))
    monkeypatch.setattr(module, "_WORTH_CACHING", 100)
    texts = [speech("x"), speech("y"), speech("x")]
    once = near_duplicates(texts)
    monkeypatch.setattr(module, "_near_pairs", None)
    assert near_duplicates(texts).tolist() == once.tolist()
    assert partition(near_duplicates(texts, ["p", "p", "q"])) == {frozenset({0, 1, 2})}


sided_texts = st.lists(st.tuples(some_texts.map(lambda texts: texts[0]), st.integers(0, 2)), max_size=10)


@given(sided_texts)
@settings(deadline=None)
def test_apart_leaves_out_what_is_near_a_text_that_stays_on_a_lower_side(sided):
    texts, sides = [text for text, _ in sided], [side for _, side in sided]
    stay = apart(texts, sides)
    for i, side in enumerate(sides):
        lower = [j for j, other in enumerate(sides) if other < side and stay[j]]
        near = any(reference([texts[i], texts[j]])[0] == reference([texts[i], texts[j]])[1] for j in lower)
        assert stay[i] == (not near)


def test_no_global_generator_is_touched():
    before = random.getstate(), np.random.get_state()[1].tolist()  # noqa: NPY002 - that it is left alone
    near_duplicates([speech("x"), speech("x")])
    assert (random.getstate(), np.random.get_state()[1].tolist()) == before  # noqa: NPY002


@given(some_texts, some_texts)
def test_the_overlap_is_that_of_sets_of_passages(texts, others):
    found = overlap(texts, others)
    sets = [shingles_of(text) for text in others]
    for text, share, most_like in zip(texts, found.share, found.most_like, strict=True):
        mine = shingles_of(text)
        shared = [len(mine & other) for other in sets]
        assert share == pytest.approx(len(mine & set().union(*sets)) / len(mine))
        assert most_like == (shared.index(max(shared)) if max(shared) else -1)


def test_what_several_others_hold_is_added_up():
    found = overlap([f"{speech('a', 30)} {speech('b', 30)} {speech('c', 30)}"], [speech("a", 30), speech("c", 29)])
    assert found.share == pytest.approx([(21 + 20) / 81])
    assert found.most_like.tolist() == [0]
