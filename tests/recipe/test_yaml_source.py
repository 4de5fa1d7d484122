import pytest
from hypothesis import given
from hypothesis import strategies as st

from evokit.recipe.yaml_source import MAX_DEPTH, RecipeError, Where, dump_yaml, parse_yaml

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
integers = st.integers(-(2**63), 2**63 - 1)
json_values = st.recursive(
    st.none() | st.booleans() | integers | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


def parse(text):
    problems = []
    return parse_yaml(text, "r.yaml", (), problems).plain(), [str(problem) for problem in problems]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("5e-4", 5e-4),
        ("no", "no"),
        ("on", "on"),
        ("true", True),
        ("~", None),
        ("", None),
        ("010", 10),
        ("0o10", 8),
        ("0x1F", 31),
        ("-3", -3),
        ("'5'", "5"),
        ("2001-01-01", "2001-01-01"),
        ("1:30", "1:30"),
        ("[1, {a: b}]", [1, {"a": "b"}]),
        ("{<<: {a: 1}}", {"<<": {"a": 1}}),
        ("[&a 1, &a 2, *a]", [1, 2, 2]),
        ("[&a {x: 1}, *a]", [{"x": 1}, {"x": 1}]),
    ],
)
def test_values_are_those_of_yaml_1_2(text, value):
    assert parse(text) == (value, [])


@given(json_values)
def test_dumped_values_are_read_back_equal(value):
    assert parse(dump_yaml({"a": value})) == ({"a": value}, [])


def test_a_value_in_block_style_is_placed_at_its_key():
    root = parse_yaml("a: 1\nb:\n  c:\n    - 1\n    - 2\n", "r.yaml", (), [])
    assert root.nearest(("b",)) == Where("r.yaml", 2)
    assert root.nearest(("b", "c", 1)) == Where("r.yaml", 5)


def test_a_path_that_leads_nowhere_is_placed_at_what_should_hold_it():
    root = parse_yaml("a: 1\nb: {c: 2}\n", "r.yaml", (), [])
    assert root.nearest(("b", "d", 3)) == Where("r.yaml", 2)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2\na: 3", "r.yaml:3: a: given twice, first in line 1"),
        ("s: {a: 1,\n a: 2}", "r.yaml:2: s.a: given twice, first in line 1"),
        ("a: !!python/name:x {}", "r.yaml:1: a: tags are not read here: tag:yaml.org,2002:python/name:x"),
        ("a: !Model {}", "r.yaml:1: a: tags are not read here: !Model"),
        ("a: .inf", "r.yaml:1: a: not a finite number: .inf"),
        ("a: 1e999", "r.yaml:1: a: not a finite number: 1e999"),
        ("a: !!int x", "r.yaml:1: a: not an integer: x"),
        ("? [a]\n: b", "r.yaml:1: a key must be a word"),
        (r'a: "\ud800"', "r.yaml:1: a: half a character (a lone surrogate) is not text"),
        (r'a: "x\0y"', "r.yaml:1: a: a NUL character is no part of a text or path"),
        ("a: 9223372036854775808", "r.yaml:1: a: an integer has at most 64 bits here, got 9223372036854775808"),
        ("a: -0x8000000000000001", "r.yaml:1: a: an integer has at most 64 bits here, got -0x8000000000000001"),
        (f"a: {'9' * 5000}", "r.yaml:1: a: not an integer: 99999999999999999999"),
    ],
)
def test_what_json_does_not_know_is_a_problem_with_its_line(text, message):
    assert parse(text)[1] == [message]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: [1, 2\nc: 3\n", r"^r\.yaml:\d: not YAML: while parsing a flow sequence"),
        ("a: 1\n b: 2\n", r"^r\.yaml:2: not YAML: "),
        ("a: 1\n---\nb: 2\n", r"^r\.yaml:\d: not YAML: expected a single document"),
        ("%YAML 1.1\n---\na: no\n", r"^r\.yaml:1: recipes are YAML 1\.2"),
        ("a: \x00", r"^r\.yaml:1: not YAML: "),
        ("# 1.1\n%YAML 1.1\n---\na: no\n", r"^r\.yaml:1: recipes are YAML 1\.2"),
        (r'a: "\UFFFFFFFF"', r"^r\.yaml:1: not YAML: "),
        (r'a: "\U0011FFFF"', r"^r\.yaml:1: not YAML: "),
        ("a: *b", r"^r\.yaml:1: not YAML: found undefined alias"),
        ("&a [*a]", "too large or refers to itself"),
        ("[" * (MAX_DEPTH + 2) + "]" * (MAX_DEPTH + 2), "too large or refers to itself"),
        ("[" * 1200, "nested too deeply|not YAML"),
    ],
)
def test_text_that_is_no_tree_is_one_clear_error(text, message):
    with pytest.raises(RecipeError, match=message):
        parse(text)


def test_aliases_cannot_blow_up_a_short_text():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 9)]
    with pytest.raises(RecipeError, match="too large"):
        parse("\n".join(lines))
