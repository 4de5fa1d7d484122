import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evokit.genomes.individuals import key_of
from evokit.genomes.space.box import is_box
from evokit.testing import genome_conformance
from evokit_optimizers.genome import build_genome, build_space
from evokit_optimizers.options import ARTICLE_TERMS, SEEDS, OptimizerGenome, OptimizerSpace
from evokit_optimizers.rules.canonical import canonical
from evokit_optimizers.rules.groups import GROUPS
from evokit_optimizers.rules.known import KNOWN
from evokit_optimizers.rules.parts import by_group, with_parts
from evokit_optimizers.rules.rule import COUNTS, NUMBERS, TRICKS, Rule
from evokit_optimizers.rules.search_space import Bounds, Rates
from evokit_optimizers.rules.terms import TERMS

ALL = tuple(TERMS)
WIDE = Bounds(lr=(1e-6, 10.0), averaging=(0.01, 0.5), lookahead=(2, 20), ns_steps=(3, 8))

test_the_space_conforms = genome_conformance("optimizer_space", seeds="known")
test_the_space_of_all_groups_conforms = genome_conformance("optimizer_space", groups=GROUPS, terms=ALL, seeds="known")
test_the_space_of_muons_numbers_conforms = genome_conformance(
    "optimizer_space", groups=("hidden",), numbers_only="muon"
)


def space_of(**options):
    return build_space(OptimizerSpace(**options), None)


@st.composite
def spaces(draw):
    """A space of rules; of numbers alone too."""
    groups = draw(st.sampled_from([(), ("hidden",), ("last", "hidden"), GROUPS]))
    known = [name for name in SEEDS if {group for group, _ in SEEDS[name].parts} <= set(groups)]
    numbers_only = draw(st.none() | st.sampled_from(known))
    terms = st.lists(st.sampled_from(ALL), min_size=1, unique=True).map(tuple)
    return space_of(
        terms=ARTICLE_TERMS if numbers_only else draw(terms),
        max_terms=draw(st.integers(2 if numbers_only else 1, 4)),
        seeds=(),
        numbers_only=numbers_only,
        groups=groups,
        clippings=draw(st.sampled_from([("none",), ("norm",), ("value", "norm"), ("none", "value", "norm")])),
        decays=draw(st.sampled_from([("none",), ("cosine",), ("none", "cosine", "linear")])),
        tricks=draw(st.sampled_from([(), TRICKS])),
        bounds=draw(st.sampled_from([Bounds(), WIDE, Bounds(weight_decay=None, warmup=None, weight=(0.1, 0.5))])),
    )


@given(spaces(), st.integers(0, 100))
@settings(max_examples=40, deadline=None)
def test_every_point_is_a_sound_rule_of_the_options_and_survives_json(space, seed):
    rng = np.random.default_rng(seed)
    a, b = space.random(rng), space.random(rng)
    same_rules = build_genome(OptimizerGenome(**vars(space.options)), None)
    for genes in (a, b, space.mutate(a, rng), *space.crossover(a, b, rng)):
        rule = space.express(genes)
        assert same_rules.from_json(same_rules.to_json(rule)) == rule
        assert all(one.terms for one in by_group(rule).values())
        assert space.from_json(json.loads(json.dumps(space.to_json(genes)))) == genes
        kept = space.canonical(genes)
        assert space.canonical(kept) == kept == space.from_json(space.to_json(kept))
        assert alike(space.express(kept), rule)


@given(spaces(), st.integers(0, 100))
@settings(max_examples=40, deadline=None)
def test_every_rule_that_the_genome_optimizer_draws_has_a_point(space, seed):
    if space.options.bounds.weight[1] < 1:  # where the first term's weight is above the bound of the others
        return
    drawn = build_genome(OptimizerGenome(**vars(space.options)), None).random(np.random.default_rng(seed))
    assert alike(space.express(space.point(drawn)), drawn)


def alike(a, b):
    """Whether two rules make the same updates but for rounding."""
    ours, theirs = by_group(canonical(a)), by_group(canonical(b))
    return all(_numbers(ours[group]) == _numbers(theirs[group]) for group in GROUPS)


def _numbers(rule):
    """Of a rule that is canonical, what may be rounded apart from the rest."""
    values = {name: pytest.approx(getattr(rule, name), rel=1e-9) for name in rule.used & set(NUMBERS)}
    flags = {name: getattr(rule, name) for name in rule.used - set(NUMBERS)}
    return [(name, pytest.approx(weight, rel=1e-9)) for name, weight in rule.terms], values, flags


@pytest.mark.parametrize("name", SEEDS)
def test_a_seed_is_the_known_optimizer(name):
    space = space_of(terms=ALL, groups=("hidden",), seeds=(name,), bounds=WIDE)
    (genes,) = space.seeds()
    assert canonical(space.express(genes)) == canonical(SEEDS[name])


def test_of_a_seed_what_the_options_cannot_say_becomes_what_is_nearest():
    bounds = Bounds(lr=(1e-4, 0.01), beta1=(0.0, 0.5), weight_decay=None)
    space = space_of(seeds=("adamw_scheduled", "sgd"), bounds=bounds, clippings=("norm",), decays=("linear", "none"))
    adamw, sgd = map(space.express, space.seeds())
    assert (adamw.weight_decay, adamw.clipping, adamw.decay, adamw.beta1) == (0.0, "norm", "linear", 0.5)
    assert (sgd.lr, sgd.decay) == (0.01, "none")


def test_of_a_rule_with_too_many_terms_the_largest_stay():
    space = space_of(terms=ALL, max_terms=1, seeds=())
    point = space.point(SEEDS["orthogonal_adam_scheduled"])
    assert space.express(point).terms == (("ORTHOGONAL_MOMENTUM", 1.0),)


def test_the_sign_of_a_weight_says_nothing_of_its_size():
    rule = Rule((("GRAD", -0.5), ("MOMENTUM", -1.0), ("SIGN_GRAD", 0.25)))
    for max_terms, left in ((4, rule.terms), (2, rule.terms[:2]), (1, rule.terms[1:2])):
        space = space_of(max_terms=max_terms, seeds=())
        assert space.express(space.point(rule)).terms == left


def test_numbers_lie_on_the_scales_of_the_bounds():
    space = space_of(terms=ALL, bounds=WIDE, seeds=())
    kinds = {leaf.name: kind for leaf, kind in zip(space.leaves, space.kinds, strict=True)}
    names = {
        "weight_decay": "weight_decay_size",
        "warmup": "warmup_span",
        "averaging": "averaging_span",
    }
    for name in NUMBERS:
        if name in COUNTS:  # which are drawn evenly over their own widths
            continue
        beta = name.startswith("beta")
        kind = kinds[f"1-{name}" if beta else names.get(name, name)]
        for unit in (0.0, 0.25, 1.0):
            value = kind.express(kind.at(1 - unit if beta else unit))
            assert (1 - value if beta else value) == pytest.approx(WIDE.value(name, unit), rel=1e-9)
    size = kinds["weights.GRAD.size"]
    assert size.express(size.at(0.5)) == pytest.approx(0.1)


def test_what_does_not_matter_does_not_exist():
    space = space_of(terms=ALL, seeds=("sgd",))
    assert space.to_json(space.seeds()[0]) == {
        "terms": ["MOMENTUM"],
        "weights.MOMENTUM.size": 1.0,
        "weights.MOMENTUM.sign": 1,
        "lr": 0.1,
        "1-beta1": pytest.approx(0.1),
        "bias_correction": False,
        "weight_decay": "none",
        "clipping": "none",
        "warmup": False,
        "decay": "none",
    }


def test_weights_have_the_scale_of_the_largest():
    space = space_of(seeds=())
    rule = Rule((("GRAD", 0.5), ("MOMENTUM", -0.0625)), lr=0.01)
    assert space.express(space.point(rule)).terms == (("GRAD", 1.0), ("MOMENTUM", -0.125))
    data = space.to_json(space.point(rule)) | {"weights.GRAD.size": 0.25, "weights.MOMENTUM.size": 0.03125}
    assert key_of(space, space.from_json(data)) == key_of(space, space.point(rule))


def test_weights_of_a_part_have_a_scale_of_their_own():
    space = space_of(groups=("hidden",), seeds=(), bounds=Bounds(weight=(0.1, 0.5)))
    rule = with_parts(Rule((("GRAD", 1.0), ("MOMENTUM", 0.5))), {"hidden": Rule((("GRAD", 0.4), ("SIGN_GRAD", 1.0)))})
    genes = space.point(rule)
    assert {name: size for name, size in space.to_json(genes).items() if name.endswith(".size")} == {
        "weights.GRAD.size": 0.5,
        "weights.MOMENTUM.size": 0.25,
        "hidden.weights.GRAD.size": 0.2,
        "hidden.weights.SIGN_GRAD.size": 0.5,
    }
    assert space.express(genes).parts[0][1].terms == (("GRAD", 0.4), ("SIGN_GRAD", 1.0))
    smaller = space.to_json(genes) | {"hidden.weights.GRAD.size": 0.1, "hidden.weights.SIGN_GRAD.size": 0.25}
    assert key_of(space, space.from_json(smaller)) == key_of(space, genes)


def test_where_all_groups_are_named_the_base_is_that_of_vectors(rng):
    space = space_of(groups=GROUPS, terms=ALL, seeds=())
    assert {leaf.name for leaf in space.leaves} & {"hidden_part", "first_part", "last_part", "vectors_part"} == {
        "hidden_part",
        "first_part",
        "last_part",
    }
    part = replace(KNOWN["sgd"], lr=0.2)
    rule = with_parts(KNOWN["adam"], {"vectors": part})
    assert by_group(space.express(space.point(rule))) == by_group(rule)
    assert {len(space.express(space.random(rng)).parts) for _ in range(60)} >= {0, 1, 2}


def test_groups_that_the_options_do_not_name_share_the_base(rng):
    space = space_of(groups=("last",), seeds=())
    for _ in range(20):
        rule = by_group(space.express(space.random(rng)))
        assert rule["hidden"] == rule["first"] == rule["vectors"]


def test_muons_numbers_alone_vary(rng):
    space = space_of(groups=("hidden",), numbers_only="muon")
    assert not [leaf.name for leaf in space.leaves if "terms" in leaf.path or "weights" in leaf.path]
    for _ in range(20):
        rule = by_group(space.express(space.mutate(space.random(rng), rng)))
        assert rule["hidden"].terms == (("ORTHOGONAL_NESTEROV", 1.0),)
        assert rule["first"].terms == (("ADAM_TERM", 1.0),)
        assert not rule["hidden"].bias_correction


def test_numbers_of_a_rule_without_switches_are_a_box():
    bounds = Bounds(weight_decay=None, warmup=None)
    space = space_of(numbers_only="adam", clippings=("norm",), decays=("cosine",), bounds=bounds)
    assert [leaf.name for leaf in space.leaves] == ["lr", "1-beta1", "1-beta2", "eps", "clip_size", "decay_span"]
    assert is_box(space, smooth=True)


def test_it_is_shown_as_a_rule():
    space = space_of(seeds=("sgd",))
    assert "p = p - lr (m)" in space.show(space.seeds()[0])


def test_rates_are_refused():
    with pytest.raises(ValueError, match="rates: are those of the genome optimizer's operators"):
        OptimizerSpace(rates=Rates(flag=0.5))
