import pytest

from evokit_optimizers.rules.rule import Rule
from evokit_optimizers.rules.terms import TERMS


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
        ("beta3", [0.0, 0.9999], [1.0, -0.1]),
        ("eps", [1e-12], [0.0, -1e-8]),
        ("weight_decay", [0.0, 3.0], [-1e-6]),
        ("clip_size", [1e-9], [0.0, -1.0]),
        ("warmup", [0.0, 1.0], [-0.1, 1.1]),
        ("averaging", [0.0, 1.0], [-0.1, 1.1]),
        ("decay_span", [0.1, 1.0], [0.0, 1.1]),
        ("lookahead", [0, 2, 50], [1, -2, 2.5]),
        ("lookahead_step", [0.1, 1.0], [0.0, 1.1]),
        ("ns_steps", [1, 9], [0, 2.5]),
    ],
)
def test_ranges_begin_and_end_where_they_are_said_to(name, allowed, refused):
    for value in allowed:
        assert getattr(Rule((), **{name: value}), name) == value
    for value in refused:
        with pytest.raises(ValueError, match=f"{name}: must be"):
            Rule((), **{name: value})


def test_a_rule_knows_the_state_it_keeps():
    assert Rule((("AMSGRAD", 1.0), ("SIGN_MOMENTUM", 1.0))).buffers == ("average", "maximum", "slow", "square")
    assert Rule((("GRAD", 1.0), ("NORM_GRAD", 1.0))).buffers == ()


def test_every_term_is_folded_into_a_term_that_exists():
    assert {term.without_momentum for term in TERMS.values()} <= {"", *TERMS}
