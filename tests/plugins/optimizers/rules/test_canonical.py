import json
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from evokit_optimizers.rules.canonical import canonical
from evokit_optimizers.rules.groups import GROUPS
from evokit_optimizers.rules.parts import by_group, own_values, with_parts
from evokit_optimizers.rules.rule import Rule
from evokit_optimizers.rules.rule_json import rule_to_json
from evokit_optimizers.rules.terms import Term
from tests.plugins.optimizers.rules.random_rules import grouped_rules, recorded, replayed, rules


@given(st.one_of(rules, grouped_rules))
def test_canonical_is_idempotent(rule):
    form = canonical(rule)
    assert canonical(form) == form


@settings(max_examples=60, deadline=None)
@given(st.one_of(rules, grouped_rules))
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
    adaptive = canonical(Rule((("NADAM_TERM", 1.0), ("RMS_NORM", 1.0)), beta1=0.5)).terms
    assert adaptive == (("RMS_NORM", 1.0), ("ADAM_TERM", pytest.approx(1 / 3)))
    alone = Rule((("SIGN_GRAD", 0.5), ("NESTEROV", 1.0)), beta1=0.5)
    assert canonical(alone) == alone


def test_unused_numbers_and_flags_are_at_their_defaults():
    rule = Rule(
        (("GRAD", 1.0),), beta1=0.5, beta2=0.5, eps=1e-3, decoupled=False, bias_correction=False, decay_span=0.5
    )
    assert canonical(replace(rule, clip_size=3.0)) == Rule((("GRAD", 1.0),))


def test_signs_ignore_clipping_unless_decay_or_a_mean_mixes_in():
    rule = Rule((("SIGN_GRAD", 1.0),), clipping="norm", clip_size=0.3)
    assert canonical(rule).clipping == "none"
    assert canonical(replace(rule, weight_decay=0.1, decoupled=False)).clipping == "norm"
    assert canonical(replace(rule, centralised=True)).clipping == "norm"


def test_what_cancels_leaves_a_rule_that_does_nothing():
    cancelled = canonical(Rule((("GRAD", 1.0), ("GRAD", -1.0)), lr=0.5, clipping="value", decay="linear"))
    assert cancelled == Rule(())


def test_integers_and_negative_zeros_have_one_canonical_form():
    ints = canonical(Rule((("GRAD", 1),), lr=1, weight_decay=-0.0))
    assert json.dumps(rule_to_json(ints)) == json.dumps(rule_to_json(canonical(Rule((("GRAD", 1.0),), lr=1.0))))


@given(grouped_rules, st.sampled_from(GROUPS))
def test_rules_that_differ_in_their_base_alone_have_one_form(rule, group):
    rules = by_group(rule)
    assert canonical(with_parts(rules[group], rules)) == canonical(rule)


@given(grouped_rules)
def test_each_group_keeps_its_rule_and_has_no_part_that_is_the_bases(rule):
    form = canonical(rule)
    for before, after in zip(by_group(rule).values(), by_group(form).values(), strict=True):
        assert canonical(after) == canonical(before)
    assert all(own_values(part, form) for _, part in form.parts)


def test_parts_that_say_the_same_are_no_parts():
    base = Rule((("GRAD", 1.0),), lr=0.1)
    assert canonical(with_parts(base, {"first": replace(base, beta2=0.5), "last": replace(base, lr=0.1)})) == base


def test_the_base_is_the_rule_that_most_groups_share_and_then_the_first():
    one, other = Rule((("GRAD", 1.0),)), Rule((("SIGN_GRAD", 1.0),))
    most = canonical(with_parts(one, dict.fromkeys(("first", "last", "vectors"), other)))
    assert (most.terms, [group for group, _ in most.parts]) == (other.terms, ["hidden"])
    half = canonical(with_parts(one, dict.fromkeys(("hidden", "last"), other)))
    assert (half.terms, [group for group, _ in half.parts]) == (other.terms, ["first", "vectors"])


def test_a_part_inherits_what_it_does_not_use():
    base = Rule((("ADAM_TERM", 1.0),), beta2=0.95, clipping="norm", clip_size=2.0)
    part = Rule((("SIGN_GRAD", 2.0),), lr=0.5, beta2=0.5)
    ((_, form),) = canonical(with_parts(base, {"last": part})).parts
    assert own_values(form, base) == {"terms": (("SIGN_GRAD", 1.0),), "lr": 1.0}
