from dataclasses import replace

import pytest

from evokit_optimizers.rules.groups import GROUPS
from evokit_optimizers.rules.parts import by_group, in_vocabulary, moved_base, own_values, with_parts
from evokit_optimizers.rules.rule import Rule
from evokit_optimizers.rules.terms import TERMS

ADAMW = Rule((("ADAM_TERM", 1.0),), weight_decay=0.1)
HEAD = replace(ADAMW, lr=0.1, weight_decay=0.0)


def test_groups_without_a_part_have_the_base():
    rules = by_group(with_parts(ADAMW, {"last": HEAD}))
    assert rules == {"hidden": ADAMW, "first": ADAMW, "last": HEAD, "vectors": ADAMW}


def test_what_differs_from_the_base_is_a_parts_own():
    assert own_values(HEAD, ADAMW) == {"lr": 0.1, "weight_decay": 0.0}
    assert own_values(ADAMW, ADAMW) == {}


def test_parts_move_with_their_base_in_what_they_inherit():
    moved = moved_base(with_parts(ADAMW, {"last": HEAD}), replace(ADAMW, lr=0.5, beta1=0.5))
    assert moved.lr == 0.5
    assert dict(moved.parts) == {"last": replace(HEAD, beta1=0.5)}


def test_parts_stand_in_the_order_of_groups():
    assert [group for group, _ in with_parts(ADAMW, dict.fromkeys(GROUPS[::-1], HEAD)).parts] == list(GROUPS)


def test_another_vocabulary_holds_in_parts_too():
    vocabulary = dict(TERMS)
    rule = in_vocabulary(with_parts(ADAMW, {"last": HEAD}), vocabulary)
    assert all(one.vocabulary is vocabulary for one in by_group(rule).values())


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ((("last", ADAMW), ("hidden", ADAMW)), r"each once in this order, got \['last', 'hidden'\]"),
        ((("last", ADAMW), ("last", ADAMW)), "each once"),
        ((("biases", ADAMW),), "parts: must be some of hidden, first, last, vectors"),
        ((("last", with_parts(ADAMW, {"first": HEAD})),), "parts: that of last has parts"),
    ],
    ids=["order", "twice", "unknown", "nested"],
)
def test_parts_that_make_no_sense_are_refused(parts, message):
    with pytest.raises(ValueError, match=message):
        replace(ADAMW, parts=parts)
