import itertools
import json
from collections import Counter

import numpy as np
import pytest

from evokit.interfaces import Context
from evokit.recipe.options import adapter
from evokit.streams import Streams
from evokit.testing import genome_conformance
from evokit_optimizers.genome import build_genome
from evokit_optimizers.options import ARTICLE_TERMS, OptimizerGenome
from evokit_optimizers.plain_genome import LATER_TERMS, Rules
from evokit_optimizers.rules.canonical import canonical
from evokit_optimizers.rules.rule import Rule
from evokit_optimizers.rules.scheduled import SCHEDULED
from evokit_optimizers.rules.search_space import Bounds, Rates
from evokit_optimizers.rules.terms import TERMS, Term

ALL = tuple(TERMS)

test_the_article_genome_conforms = genome_conformance("optimizer")
test_the_genome_of_all_terms_conforms = genome_conformance(
    "optimizer", terms=ALL, max_terms=3, seeds=("sgd", "adam", "adamw", "rmsprop", "lion")
)
test_the_genome_of_numbers_conforms = genome_conformance("optimizer", numbers_only="adamw")
test_the_genome_without_options_of_its_own_conforms = genome_conformance(
    "optimizer",
    terms=("GRAD",),
    seeds=(),
    clippings=("none",),
    decays=("none",),
    bounds={"weight_decay": None, "warmup": None},
)


@pytest.fixture
def genome():
    return Rules(OptimizerGenome(terms=ALL))


def _names(rule):
    return [name for name, _ in rule.terms]


def test_random_rules_use_every_length_and_every_term(genome, rng):
    rules = [genome.random(rng) for _ in range(200)]
    assert {len(rule.terms) for rule in rules} == {1, 2, 3, 4}
    assert set().union(*map(_names, rules)) == set(ALL)


def test_random_rules_descend_by_their_largest_term(genome, rng):
    for _ in range(50):
        terms = genome.random(rng).terms
        assert terms[0][1] == 1 == max(abs(weight) for _, weight in terms)


def test_weight_decay_is_exactly_zero_in_half_of_random_rules(genome, rng):
    zeros = sum(genome.random(rng).weight_decay == 0 for _ in range(400))
    assert 150 < zeros < 250


def test_random_numbers_stay_in_their_bounds(rng):
    bounds = Bounds(lr=(1e-3, 1e-2), beta1=(0.8, 0.9))
    genome = Rules(OptimizerGenome(bounds=bounds))
    rules = [genome.random(rng) for _ in range(50)]
    assert all(1e-3 <= rule.lr <= 1e-2 and 0.8 <= rule.beta1 <= 0.9 for rule in rules)


def test_crossover_cuts_both_term_lists_once_and_loses_nothing_else(genome, rng):
    a = Rule((("GRAD", 1.0), ("MOMENTUM", 0.5)))
    b = Rule((("SIGN_GRAD", 1.0), ("NORM_GRAD", 0.25)))
    for _ in range(30):
        first, second = genome.crossover(a, b, rng)
        assert first.terms
        assert second.terms
        if len(first.terms) + len(second.terms) == 4:
            assert sorted(_names(first) + _names(second)) == sorted(_names(a) + _names(b))


def test_crossover_gives_each_child_distinct_terms_within_the_limit(rng):
    genome = Rules(OptimizerGenome(terms=ALL, max_terms=2))
    for _ in range(100):
        for child in genome.crossover(genome.random(rng), genome.random(rng), rng):
            assert 1 <= len(child.terms) <= 2
            assert len(set(_names(child))) == len(child.terms)


def test_a_child_with_too_many_terms_keeps_the_largest(rng):
    genome = Rules(OptimizerGenome(terms=ALL, max_terms=2))
    assert genome._distinct((("GRAD", 0.1), ("MOMENTUM", -1.0), ("RMS_NORM", 0.5))) == (
        ("MOMENTUM", -1.0),
        ("RMS_NORM", 0.5),
    )


def test_numbers_cross_one_by_one_and_each_goes_to_one_child(genome, rng):
    a, b = Rule((("ADAM_TERM", 1.0),), lr=0.1, beta1=0.8), Rule((("ADAM_TERM", 1.0),), lr=0.2, beta1=0.7)
    pairs = [genome.crossover(a, b, rng) for _ in range(40)]
    assert all({first.lr, second.lr} == {0.1, 0.2} for first, second in pairs)
    assert {(first.lr, first.beta1) for first, _ in pairs} == {(0.1, 0.8), (0.1, 0.7), (0.2, 0.8), (0.2, 0.7)}


def test_a_number_that_one_parent_uses_goes_to_both_children(genome, rng):
    a, b = Rule((("ADAM_TERM", 1.0),), beta2=0.95), Rule((("GRAD", 1.0),))
    assert all(child.beta2 == 0.95 for _ in range(10) for child in genome.crossover(a, b, rng))


def test_a_mutation_always_changes_the_optimizer(genome, rng):
    for _ in range(100):
        rule = canonical(genome.random(rng))
        assert canonical(genome.mutate(rule, rng)) != rule


def test_mutations_add_remove_and_exchange_terms(rng):
    genome = Rules(OptimizerGenome(rates=Rates(structure=1, weakest=1)))
    rule = Rule((("GRAD", 1.0), ("SIGN_GRAD", 0.5)))
    lengths = Counter(len(genome.mutate(rule, rng).terms) for _ in range(90))
    assert set(lengths) == {1, 2, 3}
    assert min(lengths.values()) > 15


def test_signs_flip_at_their_rate(rng):
    genome = Rules(OptimizerGenome(rates=Rates(structure=0, sign=0.5, weakest=1)))
    flipped = sum(genome.mutate(Rule((("GRAD", 1.0),)), rng).terms == (("GRAD", -1.0),) for _ in range(200))
    assert 75 < flipped < 125


def test_flags_flip_and_weight_decay_reaches_zero_and_comes_back(rng):
    genome = Rules(OptimizerGenome(rates=Rates(flag=1, weakest=1)))
    rule = genome.mutate(Rule((("ADAM_TERM", 1.0),), weight_decay=0.1), rng)
    assert (rule.weight_decay, rule.decoupled, rule.bias_correction) == (0.0, False, False)
    assert rule.clipping != "none"
    assert rule.decay != "none"
    assert genome.mutate(rule, rng).weight_decay > 0


def test_mutated_numbers_stay_in_their_bounds(genome, rng):
    rule, bounds = genome.random(rng), genome.options.bounds
    for _ in range(200):
        rule = genome.mutate(rule, rng)
        assert bounds.lr[0] <= rule.lr <= bounds.lr[1]
        assert all(abs(weight) <= 1 for _, weight in rule.terms)


def test_weak_mutations_take_small_steps(genome, rng):
    def spread(strength):
        rule = Rule((("GRAD", 1.0),), lr=0.01)
        steps = [np.log10(genome.mutate(rule, rng, strength).lr / 0.01) for _ in range(200)]
        return np.std([step for step in steps if step])

    assert spread(0.1) < 0.25 * spread(1.0)


def test_numbers_only_never_changes_the_structure(rng):
    genome = Rules(OptimizerGenome(numbers_only="adamw", rates=Rates(flag=1, sign=1, structure=1)))
    rules = [genome.random(rng) for _ in range(10)]
    rules += [genome.mutate(rule, rng) for rule in rules]
    rules += [child for a, b in itertools.pairwise(rules) for child in genome.crossover(a, b, rng)]
    assert {rule.terms for rule in rules} == {(("ADAM_TERM", 1.0),)}
    assert all(rule.decoupled and rule.bias_correction for rule in rules)
    assert len({rule.lr for rule in rules}) >= 10


def test_numbers_only_is_seeded_with_that_optimizer_alone():
    assert Rules(OptimizerGenome(numbers_only="adamw")).seeds() == [
        Rule((("ADAM_TERM", 1.0),), lr=1e-3, weight_decay=0.01)
    ]
    assert Rules(OptimizerGenome(numbers_only="adamw", seeds=())).seeds() == []


def test_seeds_are_those_that_the_recipe_names():
    seeds = Rules(OptimizerGenome(seeds=("rmsprop", "sgd"))).seeds()
    assert [_names(seed) for seed in seeds] == [["RMS_NORM"], ["MOMENTUM"]]


def test_tricks_come_and_go_where_the_options_offer_them(genome, rng):
    offering = Rules(OptimizerGenome(tricks=("cautious",), rates=Rates(flag=1, weakest=1)))
    rules = [offering.random(rng) for _ in range(100)]
    assert 5 < sum(rule.cautious for rule in rules) < 40
    assert not any(rule.centralised or rule.trust_ratio for rule in rules)
    assert all(offering.mutate(rule, rng).cautious != rule.cautious for rule in rules)
    on, off = Rule((("GRAD", 1.0),), cautious=True), Rule((("GRAD", 1.0),))
    assert {child.cautious for _ in range(20) for child in offering.crossover(on, off, rng)} == {True, False}
    assert offering.encode(on).tobytes() != offering.encode(off).tobytes()
    assert not any(genome.mutate(rule, rng).cautious for rule in map(genome.random, [rng] * 30))


def test_the_long_memory_evolves_where_a_term_needs_it(rng):
    genome = Rules(OptimizerGenome(terms=("ADAM_TERM", "LONG_ADAM_TERM"), seeds=("adam",)))
    rules = [genome.random(rng) for _ in range(30)]
    assert all(0.99 <= rule.beta3 <= 0.9999 for rule in rules)
    mutants = [genome.mutate(rule, rng) for rule in rules if "LONG_ADAM_TERM" in _names(rule)]
    assert len({rule.beta3 for rule in (*rules, *mutants)}) > len(rules)
    assert {Rules(OptimizerGenome()).random(rng).beta3 for _ in range(10)} == {0.9999}


def test_averaging_evolves_where_bounds_offer_it(genome, rng):
    offering = Rules(OptimizerGenome(bounds=Bounds(averaging=(0.05, 0.5)), rates=Rates(flag=1, weakest=1)))
    rules = [offering.random(rng) for _ in range(60)]
    assert all(rule.averaging == 0 or 0.05 <= rule.averaging <= 0.5 for rule in rules)
    assert 15 < sum(rule.averaging > 0 for rule in rules) < 45
    assert all((offering.mutate(rule, rng).averaging > 0) != (rule.averaging > 0) for rule in rules)
    assert not any(genome.mutate(genome.random(rng), rng).averaging for _ in range(30))


def test_steps_of_newton_and_schulz_evolve_where_bounds_offer_them(genome, rng):
    terms, bounds = ("ORTHOGONAL_MOMENTUM", "GRAD"), Bounds(ns_steps=(3, 8))
    offering = Rules(OptimizerGenome(terms=terms, bounds=bounds, rates=Rates(number=1, weakest=1), seeds=()))
    rules = [offering.random(rng) for _ in range(60)]
    assert {rule.ns_steps for rule in rules} == set(range(3, 9))
    users = [rule for rule in rules if "ORTHOGONAL_MOMENTUM" in _names(rule)]
    mutants = [offering.mutate(rule, rng, 0.999) for rule in users]
    moved = [a.ns_steps != b.ns_steps for a, b in zip(users, mutants, strict=True)]
    assert sum(moved) > 0.8 * len(moved)
    assert all(type(rule.ns_steps) is int and 3 <= rule.ns_steps <= 8 for rule in mutants)
    assert {genome.mutate(genome.random(rng), rng).ns_steps for _ in range(30)} == {5}


def test_encodings_say_nothing_of_later_terms_that_are_not_offered():
    rule = Rule((("ADAM_TERM", 1.0), ("ADAM_MINI_TERM", 0.5)))
    without, offered = [
        Rules(OptimizerGenome(terms=terms)).encode(rule) for terms in (ARTICLE_TERMS, (*ARTICLE_TERMS, *LATER_TERMS))
    ]
    assert len(offered) == len(without) + len(LATER_TERMS)


def test_tuned_seeds_are_the_known_ones_and_two_more_of_each_at_the_quarters_of_their_ranges():
    known, tuned = (Rules(OptimizerGenome(terms=ALL, seeds=seeds)).seeds() for seeds in ("known", "tuned"))
    n = len(known)
    assert (tuned[:n], len(tuned)) == (known, 3 * n)
    for low, middle, high in zip(tuned[n : 2 * n], known, tuned[2 * n :], strict=True):
        assert _names(low) == _names(middle) == _names(high)
        assert low.lr < middle.lr < high.lr
        assert low.lr * high.lr == pytest.approx(middle.lr**2)
        assert low.weight_decay > middle.weight_decay > high.weight_decay
    adamw = tuned[n + [_names(one) for one in known].index(["ADAM_TERM"])]
    assert (adamw.lr, adamw.weight_decay) == (
        pytest.approx(3e-3 * (0.1 / 3e-3) ** 0.25),
        pytest.approx(0.01 * 100**0.75),
    )
    assert adamw.decay == "cosine"


def test_tuned_numbers_alone_are_those_of_one_optimizer():
    rates = [one.lr for one in Rules(OptimizerGenome(numbers_only="adamw_scheduled", seeds="tuned")).seeds()]
    assert len(set(rates)) == 3
    assert len(Rules(OptimizerGenome(numbers_only="adamw", seeds="tuned")).seeds()) == 1


def test_numbers_alone_may_be_those_of_an_optimizer_with_a_schedule():
    genome = Rules(OptimizerGenome(numbers_only="adamw_scheduled"))
    assert genome.seeds() == [SCHEDULED["adamw_scheduled"]]


def test_a_seed_whose_term_is_not_offered_is_refused():
    with pytest.raises(ValueError, match="seeds: lion needs SIGN_MOMENTUM among the terms"):
        OptimizerGenome(seeds=("lion",))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"terms": ()}, "terms: must be one or more"),
        ({"terms": ("GRAD", "GRAD")}, "terms: must be one or more, each once"),
        ({"terms": ("SQRT_GRAD",), "seeds": ()}, "no term is called 'SQRT_GRAD'"),
        ({"decays": ()}, "decays: must be one or more"),
        ({"tricks": ("cautious", "cautious")}, "tricks: must be each once"),
    ],
)
def test_wrong_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        OptimizerGenome(**options)


def test_json_with_too_many_terms_is_refused(rng):
    genome = Rules(OptimizerGenome(max_terms=1))
    data = genome.to_json(Rule((("GRAD", 1.0), ("SIGN_GRAD", 1.0))))
    with pytest.raises(ValueError, match="terms: must be at most 1, got 2"):
        genome.from_json(data)


def test_encodings_tell_weights_and_numbers_apart(genome):
    base = Rule((("ADAM_TERM", 1.0), ("SIGN_GRAD", 0.5)))
    changed = [
        Rule((("ADAM_TERM", 1.0), ("SIGN_GRAD", -0.5))),
        Rule(base.terms, lr=2e-3),
        Rule(base.terms, weight_decay=1e-3),
        Rule(base.terms, decay="cosine"),
    ]
    codes = [genome.encode(rule) for rule in (base, *changed)]
    assert len({code.tobytes() for code in codes}) == len(codes)


def test_a_recipe_can_say_every_option():
    text = json.dumps(
        {
            "terms": ["GRAD", "SIGN_MOMENTUM"],
            "max_terms": 2,
            "seeds": ["lion", "lion_scheduled"],
            "bounds": {"lr": [1e-4, 1e-2], "weight_decay": None},
            "rates": {"structure": 0.5, "weakest": 0.5},
        }
    )
    options = adapter(OptimizerGenome).validate_json(text, strict=True)
    assert options.bounds.lr == (1e-4, 1e-2)
    assert options.rates.structure == 0.5


def _cube(out, gradient):
    for one, tensor in zip(out, gradient, strict=True):
        one.copy_(tensor**3)


class CubicGenome(OptimizerGenome):
    """As a third party would: one term more."""

    vocabulary = {**TERMS, "CUBE": Term("g^3", ("gradient",), _cube)}  # noqa: RUF012


test_a_genome_with_terms_of_its_own_conforms = genome_conformance(
    build_genome(CubicGenome(terms=("GRAD", "CUBE"), seeds=()), Context(Streams(0)))
)
