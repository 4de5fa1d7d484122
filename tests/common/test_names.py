import pytest
from hypothesis import given
from hypothesis import strategies as st

from evokit.common.names import did_you_mean, listed

KNOWN = ["length", "name", "generational", "population", "prob", "tournament", "core", "own", "bits", "best"]


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("lenght", "length"),
        ("generationel", "generational"),
        ("nmae", "name"),
        ("cor", "core"),
        ("Tournament", "tournament"),
        ("pop", "population"),
        ("prop", "prob"),
        ("bit", "bits"),
    ],
)
def test_what_resembles_a_name_suggests_it(word, meant):
    assert did_you_mean(word, KNOWN) == f"; did you mean {meant!r}?"


@pytest.mark.parametrize("word", ["xyz", "zzz", "search", "x", "", "gene pool", "rests", "po"])
def test_what_resembles_none_suggests_nothing(word):
    assert did_you_mean(word, KNOWN) == ""


def test_two_names_with_the_same_beginning_are_no_suggestion():
    assert did_you_mean("ran", ["random_search", "random_forest"]) == ""


@given(st.lists(st.text("abcdefg_", min_size=5, max_size=12), unique=True, min_size=1), st.data())
def test_a_name_itself_resembles_itself_most(names, data):
    name = data.draw(st.sampled_from(names))
    assert did_you_mean(name, names) == f"; did you mean {name!r}?"


def test_a_long_list_is_cut_and_says_so():
    text = listed(f"n{i:02}" for i in range(30))
    assert text.startswith("n00, n01, ")
    assert text.endswith("n19 and 10 more")


@given(st.lists(st.text("abc", min_size=1), max_size=20))
def test_a_short_list_is_told_whole(names):
    assert listed(names) == (", ".join(sorted(names)) or "none")
