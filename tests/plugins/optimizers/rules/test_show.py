from evokit_optimizers.rules.parts import with_parts
from evokit_optimizers.rules.rule import Rule
from evokit_optimizers.rules.show import show_rule


def test_a_full_rule_reads_as_its_steps_in_order():
    rule = Rule(
        (("GRAD", 1.0), ("SIGN_MOMENTUM", -0.25)),
        weight_decay=0.1,
        decoupled=False,
        clipping="norm",
        warmup=0.1,
        decay="cosine",
        decay_span=0.5,
    )
    assert show_rule(rule).splitlines() == [
        "g = g min(1, 1 / norm of all g)",
        "g = g + 0.1 p",
        "s = 0.999 s + 0.001 g, after the step",
        "p = p - lr (g - 0.25 sign(beta1 s + (1 - beta1) g))",
        "lr = 0.001, beta1 = 0.9",
        "lr rises over the first 0.1 of the steps",
        "lr falls to 0 by cosine decay over the last 0.5 of the steps",
    ]


def test_a_rule_without_terms_says_only_what_it_does():
    assert show_rule(Rule((), weight_decay=0.1)) == "p = p (1 - 0.1 lr)\nlr = 0.001"


def test_uncorrected_moments_and_a_negative_lead_are_shown():
    rule = Rule((("RMS_NORM", -1.0),), bias_correction=False, clipping="value", clip_size=0.5)
    assert show_rule(rule).splitlines() == [
        "g = g clipped to -0.5..0.5",
        "v = 0.999 v + 0.001 g^2",
        "p = p - lr (-g / (sqrt(v) + eps))",
        "lr = 0.001, eps = 1e-08",
    ]


def test_parts_read_group_by_group_and_groups_that_share_one_together():
    base = Rule((("GRAD", 1.0),), lr=0.1)
    assert show_rule(with_parts(base, {"hidden": Rule((("SIGN_GRAD", 1.0),), lr=0.5)})).splitlines() == [
        "hidden:",
        "  p = p - lr (sign(g))",
        "  lr = 0.5",
        "first, last, vectors:",
        "  p = p - lr (g)",
        "  lr = 0.1",
    ]


def test_the_long_momentum_is_shown_with_its_memory():
    rule = Rule((("ADAM_TERM", 0.2), ("LONG_ADAM_TERM", 1.0)), lr=0.01)
    assert "n = 0.9999 n + 0.0001 g" in show_rule(rule).splitlines()
    assert "p = p - lr (0.2 m / (sqrt(v) + eps) + n / (sqrt(v) + eps))" in show_rule(rule).splitlines()
