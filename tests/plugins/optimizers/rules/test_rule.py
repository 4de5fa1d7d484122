import json
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from evokit_optimizers.rules.rule import Rule, canonical, rule_from_json, rule_to_json
from evokit_optimizers.rules.terms import TERMS, Term
from tests.plugins.optimizers.rules.random_rules import recorded, replayed, rules


@given(rules)
def test_canonical_is_idempotent(rule):
    form = canonical(rule)
    assert canonical(form) == form


@settings(max_examples=60, deadline=None)
@given(rules)
def test_canonical_never_changes_the_updates(rule):
    start, gradients = recorded(6)
    path, same = replayed(rule, start, gradients), replayed(canonical(rule), start, gradients)
    torch.testing.assert_close(path, same)


@given(rules, st.floats(0.1, 10), st.randoms(use_true_random=False))
def test_rules_that_differ_in_scale_order_and_split_have_one_form(rule, factor, random):
    split = [(name, weight / 2) for name, weight in rule.terms] * 2
    random.shuffle(split)
    other = canonical(replace(rule, terms=tuple(split)))
    form = canonical(rule)
    assert [name for name, _ in other.terms] == [name for name, _ in form.terms]
    assert [weight for _, weight in other.terms] == pytest.approx([weight for _, weight in form.terms])
    assert other.lr == pytest.approx(form.lr)


@given(rules)
def test_the_largest_canonical_weight_is_one(rule):
    form = canonical(rule)
    assert not form.terms or max(abs(weight) for _, weight in form.terms) == 1


@pytest.mark.parametrize("scale", [0.25, 1.0, 2.0, 4.0])
def test_the_learning_rate_takes_the_scale_and_keeps_decoupled_decay(scale):
    form = canonical(Rule((("GRAD", -scale), ("SIGN_GRAD", scale / 2)), lr=0.1, weight_decay=0.2))
    assert form.terms == (("GRAD", -1.0), ("SIGN_GRAD", 0.5))
    assert (form.lr, form.weight_decay) == (0.1 * scale, 0.2 / scale)


def test_decoupled_decay_alone_is_a_rule_and_l2_decay_alone_does_nothing():
    decay = Rule((), lr=0.5, weight_decay=0.2)
    assert canonical(decay) == decay
    assert canonical(replace(decay, decoupled=False)) == Rule(())


def test_the_canonical_form_keeps_the_vocabulary():
    vocabulary = {"CUBE": Term("g^3", ("gradient",), "nowhere:cube")}
    for terms in ((("CUBE", 1.0),), (("CUBE", 1.0), ("CUBE", -1.0))):
        assert canonical(Rule(terms, vocabulary=vocabulary)).vocabulary is vocabulary


def test_l2_decay_is_independent_of_the_scale():
    assert canonical(Rule((("GRAD", 4.0),), weight_decay=0.2, decoupled=False)).weight_decay == 0.2


@pytest.mark.parametrize(
    ("name", "same"),
    [("MOMENTUM", "GRAD"), ("ADAM_TERM", "RMS_NORM"), ("NESTEROV", "GRAD"), ("SIGN_MOMENTUM", "SIGN_GRAD")],
)
def test_without_momentum_terms_are_folded(name, same):
    assert canonical(Rule(((name, 1.0),), beta1=0.0)) == canonical(Rule(((same, 1.0),), beta1=0.5))


def test_nesterov_beside_one_of_its_parts_is_written_out_and_alone_it_stays():
    beside = [canonical(Rule((("NESTEROV", 1.0), (name, 1.0)), beta1=0.5)).terms for name in ("MOMENTUM", "GRAD")]
    assert beside[0] == (("GRAD", pytest.approx(1 / 3)), ("MOMENTUM", 1.0))
    assert beside[1] == (("GRAD", 1.0), ("MOMENTUM", pytest.approx(1 / 3)))
    alone = Rule((("SIGN_GRAD", 0.5), ("NESTEROV", 1.0)), beta1=0.5)
    assert canonical(alone) == alone


def test_unused_numbers_and_flags_are_at_their_defaults():
    rule = Rule(
        (("GRAD", 1.0),), beta1=0.5, beta2=0.5, eps=1e-3, decoupled=False, bias_correction=False, decay_span=0.5
    )
    assert canonical(replace(rule, clip_size=3.0)) == Rule((("GRAD", 1.0),))


def test_signs_ignore_clipping_unless_l2_decay_mixes_in():
    rule = Rule((("SIGN_GRAD", 1.0),), clipping="norm", clip_size=0.3)
    assert canonical(rule).clipping == "none"
    assert canonical(replace(rule, weight_decay=0.1, decoupled=False)).clipping == "norm"


def test_what_cancels_leaves_a_rule_that_does_nothing():
    cancelled = canonical(Rule((("GRAD", 1.0), ("GRAD", -1.0)), lr=0.5, clipping="value", decay="linear"))
    assert cancelled == Rule(())


@given(rules)
def test_rules_survive_json(rule):
    assert rule_from_json(json.loads(json.dumps(rule_to_json(rule)))) == rule


def test_integers_and_negative_zeros_have_one_canonical_form():
    ints = canonical(Rule((("GRAD", 1),), lr=1, weight_decay=-0.0))
    assert json.dumps(rule_to_json(ints)) == json.dumps(rule_to_json(canonical(Rule((("GRAD", 1.0),), lr=1.0))))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"lr": 0.0}, "lr: must be above 0"),
        ({"beta1": 1.0}, r"beta1: must be in \[0, 1\)"),
        ({"weight_decay": float("nan")}, "weight_decay: must be at least 0"),
        ({"decay_span": 0.0}, r"decay_span: must be in \(0, 1\]"),
        ({"clipping": "hard"}, "clipping: must be one of none, value, norm"),
        ({"terms": (("CUBE", 1.0),)}, "no term is called 'CUBE'"),
        ({"terms": (("GRAD", float("inf")),)}, "weight of GRAD must be finite"),
    ],
)
def test_values_out_of_range_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        Rule(**{"terms": (("GRAD", 1.0),), **change})


@pytest.mark.parametrize(
    ("name", "allowed", "refused"),
    [
        ("lr", [1e-12, 1e3], [0.0, -1.0]),
        ("beta1", [0.0, 0.999], [1.0, -0.1]),
        ("beta2", [0.0, 0.999], [1.0, -0.1]),
        ("eps", [1e-12], [0.0, -1e-8]),
        ("weight_decay", [0.0, 3.0], [-1e-6]),
        ("clip_size", [1e-9], [0.0, -1.0]),
        ("warmup", [0.0, 1.0], [-0.1, 1.1]),
        ("decay_span", [0.1, 1.0], [0.0, 1.1]),
    ],
)
def test_ranges_begin_and_end_where_they_are_said_to(name, allowed, refused):
    for value in allowed:
        assert getattr(Rule((), **{name: value}), name) == value
    for value in refused:
        with pytest.raises(ValueError, match=f"{name}: must be"):
            Rule((), **{name: value})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"lr": "0.1"}, "lr: must be a float"),
        ({"decoupled": 1}, "decoupled: must be a bool"),
        ({"beta3": 0.9}, "unknown in a rule: beta3"),
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


def test_a_rule_knows_the_state_it_keeps():
    assert Rule((("AMSGRAD", 1.0), ("SIGN_MOMENTUM", 1.0))).buffers == ("average", "maximum", "slow", "square")
    assert Rule((("GRAD", 1.0), ("NORM_GRAD", 1.0))).buffers == ()


def test_every_term_is_folded_into_a_term_that_exists():
    assert {term.without_momentum for term in TERMS.values()} <= {"", *TERMS}
