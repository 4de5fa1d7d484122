import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evokit_optimizers.rules.parts import with_parts
from evokit_optimizers.rules.rule import Rule
from evokit_optimizers.rules.rule_json import rule_from_json, rule_to_json
from evokit_optimizers.rules.terms import Term
from tests.plugins.optimizers.rules.random_rules import grouped_rules, rules


@given(st.one_of(rules, grouped_rules))
def test_rules_survive_json(rule):
    assert rule_from_json(json.loads(json.dumps(rule_to_json(rule)))) == rule


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"lr": "0.1"}, "lr: must be a float"),
        ({"decoupled": 1}, "decoupled: must be a bool"),
        ({"beta4": 0.9}, "unknown in a rule: beta4"),
        ({"terms": [["GRAD"]]}, r"terms: must be a list of \[name, weight\]"),
    ],
)
def test_malformed_json_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        rule_from_json({**rule_to_json(Rule((("GRAD", 1.0),))), **change})


def test_whole_numbers_of_json_become_floats():
    rule = rule_from_json({**rule_to_json(Rule((("GRAD", 1.0),))), "lr": 1, "terms": [["GRAD", 2]]})
    assert rule == Rule((("GRAD", 2.0),), lr=1.0)
    assert isinstance(rule.lr, float)
    assert isinstance(rule.terms[0][1], float)


def test_json_is_read_in_the_vocabulary_that_is_given():
    vocabulary = {"CUBE": Term("g^3", ("gradient",), "nowhere:cube")}
    rule = Rule((("CUBE", 0.5),), vocabulary=vocabulary)
    again = rule_from_json(rule_to_json(rule), vocabulary)
    assert again == rule
    assert again.declared() == [vocabulary["CUBE"]]


def test_json_that_is_no_mapping_is_refused():
    with pytest.raises(ValueError, match="a rule must be a mapping, got list"):
        rule_from_json([])


def test_json_with_a_missing_value_is_refused():
    with pytest.raises(ValueError, match="missing in a rule: lr"):
        rule_from_json({name: value for name, value in rule_to_json(Rule(())).items() if name != "lr"})


def test_parts_are_written_with_what_is_their_own_and_left_out_if_there_are_none():
    base = Rule((("ADAM_TERM", 1.0),))
    assert "parts" not in rule_to_json(base)
    part = replace(base, terms=(("GRAD", 1.0),), lr=0.5)
    assert rule_to_json(with_parts(base, {"last": part}))["parts"] == {"last": {"terms": [["GRAD", 1.0]], "lr": 0.5}}


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ([], "parts: must be a mapping of groups to mappings"),
        ({"last": 1}, "parts: must be a mapping of groups to mappings"),
        ({"biases": {}}, "parts: no group is called 'biases'; there are hidden, first"),
        ({"last": {"lr": 0.0}}, "parts: last: lr: must be above 0"),
        ({"last": {"rate": 0.0}}, "parts: last: unknown in a rule: rate"),
    ],
)
def test_malformed_parts_are_refused(parts, message):
    with pytest.raises(ValueError, match=message):
        rule_from_json({**rule_to_json(Rule((("GRAD", 1.0),))), "parts": parts})
