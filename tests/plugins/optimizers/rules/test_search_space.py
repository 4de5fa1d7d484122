import pytest

from evokit_optimizers.rules.rule import Rule
from evokit_optimizers.rules.search_space import Bounds, Rates, numbers_of


@pytest.mark.parametrize(
    ("name", "middle"), [("lr", 0.001), ("beta1", 0.9), ("warmup", 0.2)], ids=["logarithm", "complement", "linear"]
)
def test_the_middle_lies_in_the_middle_of_the_scale(name, middle):
    bounds = Bounds(lr=(1e-4, 1e-2), beta1=(0.0, 0.99), warmup=(0.1, 0.3))
    assert bounds.value(name, 0.5) == pytest.approx(middle)
    assert bounds.unit(name, middle) == pytest.approx(0.5)


def test_steps_end_within_the_bounds_whatever_their_size(rng):
    bounds = Bounds()
    values = [bounds.moved("beta2", 0.99, 5.0, rng) for _ in range(200)]
    assert all(0.9 <= value <= 0.9999 for value in values)
    assert len(set(values)) > 150


def test_a_value_outside_moves_from_the_nearest_bound(rng):
    assert Bounds(lr=(1e-3, 1e-2)).moved("lr", 5.0, 1e-9, rng) == pytest.approx(1e-2)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"lr": (0.1, 0.01)}, "lr: must be ascending and above 0"),
        ({"lr": (0.0, 0.01)}, "lr: must be ascending and above 0"),
        ({"beta1": (0.5, 1.0)}, r"beta1: must be ascending in \[0, 1\)"),
        ({"decay_span": (0.5, 1.5)}, r"decay_span: must be ascending in \(0, 1\]"),
        ({"lookahead": (1, 5)}, "lookahead: must be whole, ascending and at least 2"),
        ({"ns_steps": (0, 5)}, "ns_steps: must be whole, ascending and at least 1"),
        ({"lookahead": (2.5, 5)}, "lookahead: must be whole, ascending and at least 2"),
    ],
)
def test_bounds_that_make_no_sense_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        Bounds(**options)


def test_strengths_are_spread_evenly_over_the_decade(rng):
    strengths = [Rates(weakest=0.01).strength(rng) for _ in range(1000)]
    assert all(0.01 <= strength <= 1 for strength in strengths)
    assert 400 < sum(strength < 0.1 for strength in strengths) < 600


def test_a_strength_of_zero_is_refused():
    with pytest.raises(ValueError, match="weakest: must be in"):
        Rates(weakest=0.0)


def test_what_is_off_or_unused_does_not_move():
    assert numbers_of(Rule((("GRAD", 1.0),))) == ["lr"]
    assert numbers_of(Rule((("ADAM_TERM", 1.0),), weight_decay=0.1, warmup=0.1)) == [
        "lr",
        "beta1",
        "beta2",
        "eps",
        "weight_decay",
        "warmup",
    ]
