from dataclasses import replace

import numpy as np
import pytest

from evokit.interfaces import Context
from evokit.streams import Streams
from evokit.testing import genome_conformance
from evokit_optimizers.genome import build_genome
from evokit_optimizers.grouped_genome import GroupedRules
from evokit_optimizers.options import OptimizerGenome
from evokit_optimizers.rules.canonical import canonical
from evokit_optimizers.rules.groups import GROUPS
from evokit_optimizers.rules.known import KNOWN
from evokit_optimizers.rules.parts import by_group, own_values, with_parts
from evokit_optimizers.rules.rule import Rule
from evokit_optimizers.rules.scheduled import SCHEDULED
from evokit_optimizers.rules.search_space import Rates
from evokit_optimizers.rules.terms import TERMS

ALL = tuple(TERMS)
ADAMW = Rule((("ADAM_TERM", 1.0),), weight_decay=0.1)

test_the_genome_of_all_groups_conforms = genome_conformance(
    "optimizer", groups=GROUPS, terms=ALL, seeds=("muon", "sgd")
)
test_the_genome_of_hidden_weights_and_all_else_conforms = genome_conformance("optimizer", groups=("hidden",))
test_the_genome_of_muons_numbers_conforms = genome_conformance("optimizer", groups=("hidden",), numbers_only="muon")
test_the_genome_of_numbers_in_groups_conforms = genome_conformance("optimizer", groups=GROUPS, numbers_only="adamw")


@pytest.fixture
def genome():
    return GroupedRules(OptimizerGenome(groups=GROUPS, terms=ALL))


def grown(genome, rng, n=60):
    """Random rules, their mutants and children."""
    rules = [canonical(genome.random(rng)) for _ in range(n)]
    rules += [canonical(genome.mutate(rule, rng)) for rule in rules]
    pairs = zip(rules[::2], rules[1::2], strict=True)
    return rules + [canonical(child) for a, b in pairs for child in genome.crossover(a, b, rng)]


def test_the_options_decide_whether_rules_have_parts(rng):
    plain = build_genome(OptimizerGenome(), Context(Streams(0)))
    assert not any(plain.random(rng).parts for _ in range(20))
    grouped = build_genome(OptimizerGenome(groups=("last",)), Context(Streams(0)))
    assert any(grouped.random(rng).parts for _ in range(20))


def test_random_rules_have_from_none_to_all_parts_with_terms_of_their_own_or_not(genome, rng):
    rules = [canonical(genome.random(rng)) for _ in range(150)]
    assert {len(rule.parts) for rule in rules} >= {0, 1, 2}
    own = [own_values(part, rule) for rule in rules for _, part in rule.parts]
    assert 0.2 < np.mean(["terms" in values for values in own]) < 0.8


def test_groups_that_the_options_do_not_name_are_treated_alike(rng):
    genome = GroupedRules(OptimizerGenome(groups=("hidden", "last")))
    rules = [by_group(rule) for rule in grown(genome, rng)]
    assert all(rule["first"] == rule["vectors"] for rule in rules)
    assert any(rule["first"] != rule["hidden"] for rule in rules)
    assert any(rule["first"] != rule["last"] for rule in rules)


def test_a_mutation_always_changes_the_optimizer(genome, rng):
    for _ in range(150):
        rule = canonical(genome.random(rng))
        assert canonical(genome.mutate(rule, rng)) != rule


def test_mutations_give_parts_take_them_and_let_them_inherit():
    genome = GroupedRules(OptimizerGenome(groups=GROUPS, rates=Rates(part=1, weakest=1)))
    part = replace(ADAMW, lr=0.05, beta1=0.5)
    rng, rule = np.random.default_rng(0), with_parts(ADAMW, {"last": part})
    mutants = [genome.mutate(rule, rng) for _ in range(200)]
    found = [dict(one.parts) for one in mutants]
    assert {len(parts) for parts in found} == {0, 1, 2}
    assert any("last" in parts and parts["last"].beta1 == one.beta1 for parts, one in zip(found, mutants, strict=True))


def test_without_its_rate_no_part_comes_or_goes(rng):
    genome = GroupedRules(OptimizerGenome(groups=GROUPS, rates=Rates(part=0)))
    rule = with_parts(ADAMW, {"last": replace(ADAMW, lr=0.05)})
    assert all([group for group, _ in genome.mutate(rule, rng).parts] == ["last"] for _ in range(30))


def test_a_part_that_inherits_gives_up_one_value_and_keeps_the_others(genome, rng):
    seen = 0
    for rule in grown(genome, rng):
        base, parts = genome._divided(rule)
        before = {cell: own_values(part, base) for cell, part in parts.items()}
        genome._regrouped(base, parts, rng)
        for cell, part in parts.items():
            own = own_values(part, base)
            if cell in before and own != before[cell]:
                assert own.items() <= before[cell].items()
                seen += len(before[cell]) - len(own) < len(own)  # it kept more than it gave up
    assert seen


def test_a_mutation_may_change_a_part_that_is_there_and_a_part_may_go_to_either_child(rng):
    genome = GroupedRules(OptimizerGenome(groups=("last",), terms=ALL, rates=Rates(part=0)))
    last = replace(ADAMW, weight_decay=0.0)
    rule = canonical(with_parts(ADAMW, {"last": last}))
    mutants = [genome.mutate(rule, rng) for _ in range(60)]
    assert any(dict(one.parts) != dict(rule.parts) and replace(one, parts=()) == ADAMW for one in mutants)
    children = [genome.crossover(rule, ADAMW, rng) for _ in range(30)]
    assert {bool(first.parts) for first, _ in children} == {True, False}


def test_parts_follow_a_mutated_base_in_what_they_inherit(rng):
    genome = GroupedRules(OptimizerGenome(groups=GROUPS, rates=Rates(part=0, structure=0, flag=0)))
    rule = with_parts(ADAMW, {"last": replace(ADAMW, lr=0.05)})
    mutants = [genome.mutate(rule, rng) for _ in range(60)]
    moved = [one for one in mutants if one.beta1 != ADAMW.beta1]
    assert moved
    assert all(dict(one.parts)["last"].beta1 == one.beta1 and dict(one.parts)["last"].lr == 0.05 for one in moved)


def test_a_part_of_one_parent_goes_to_one_child_and_inherits_from_its_base(genome, rng):
    a, b = with_parts(ADAMW, {"last": replace(ADAMW, lr=0.05)}), Rule((("GRAD", 1.0),), lr=0.2)
    for _ in range(30):
        children = genome.crossover(a, b, rng)
        with_part = [child for child in children if child.parts]
        assert len(with_part) == 1
        ((_, part),) = with_part[0].parts
        assert part == replace(with_part[0], parts=(), lr=0.05)


def test_parts_of_both_parents_are_crossed_with_each_other(genome, rng):
    a = with_parts(ADAMW, {"last": replace(ADAMW, lr=0.05, beta1=0.5)})
    b = with_parts(ADAMW, {"last": replace(ADAMW, lr=0.06, beta1=0.6)})
    found = {(part.lr, part.beta1) for _ in range(40) for one in genome.crossover(a, b, rng) for _, part in one.parts}
    assert found == {(0.05, 0.5), (0.05, 0.6), (0.06, 0.5), (0.06, 0.6)}


def test_muons_numbers_alone_evolve(rng):
    genome = GroupedRules(OptimizerGenome(groups=("hidden",), numbers_only="muon"))
    rules = grown(genome, rng)
    for rule in map(by_group, rules):
        assert rule["hidden"].terms == (("ORTHOGONAL_NESTEROV", 1.0),)
        assert not rule["hidden"].bias_correction
        assert {rule[group].terms for group in ("first", "last", "vectors")} == {(("ADAM_TERM", 1.0),)}
    assert len({by_group(rule)["hidden"].lr for rule in rules}) > 60
    assert genome.seeds() == [KNOWN["muon"]]
    drawn = [by_group(genome.random(rng)) for _ in range(20)]
    assert all(rule["hidden"].lr != rule["last"].lr for rule in drawn)


def test_encodings_tell_parts_apart(genome):
    rules = [ADAMW, *(with_parts(ADAMW, {group: replace(ADAMW, lr=0.05)}) for group in GROUPS)]
    codes = [genome.encode(canonical(rule)) for rule in rules]
    assert len({code.tobytes() for code in codes}) == 5
    assert len({code.shape for code in codes}) == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"groups": ("last", "last")}, r"groups: must be each once, got \['last', 'last'\]"),
        ({"seeds": ("muon",), "terms": ALL}, "seeds: muon needs hidden among the groups"),
        ({"seeds": ("muon",), "groups": GROUPS}, "seeds: muon needs ORTHOGONAL_NESTEROV among the terms"),
        ({"numbers_only": "muon"}, "numbers_only: muon needs hidden among the groups"),
        ({"numbers_only": "adam", "terms": ("GRAD",)}, "terms: have no effect beside numbers_only"),
        (
            {"numbers_only": "orthogonal_adam_scheduled", "max_terms": 1},
            "numbers_only: orthogonal_adam_scheduled needs max_terms of 2 at least",
        ),
    ],
)
def test_wrong_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        OptimizerGenome(**options)


def test_json_of_groups_that_the_genome_does_not_have_is_refused():
    rule = with_parts(ADAMW, {"last": replace(ADAMW, lr=0.05, terms=(("GRAD", 1.0), ("SIGN_GRAD", 1.0)))})
    data = GroupedRules(OptimizerGenome(groups=GROUPS)).to_json(rule)
    with pytest.raises(ValueError, match="parts: first, last, vectors must be alike"):
        GroupedRules(OptimizerGenome(groups=("hidden",))).from_json(data)
    with pytest.raises(ValueError, match="parts: the genome has no groups"):
        build_genome(OptimizerGenome(), Context(Streams(0))).from_json(data)
    with pytest.raises(ValueError, match="terms: must be at most 1, got 2"):
        GroupedRules(OptimizerGenome(groups=GROUPS, max_terms=1)).from_json(data)


def test_known_seeds_are_all_with_a_schedule_that_terms_and_groups_can_say():
    def seeds(**options):
        return OptimizerGenome(seeds="known", **options).seed_names

    assert seeds() == ("adamw_scheduled", "rmsprop_scheduled")
    assert seeds(terms=ALL) == tuple(name for name in SCHEDULED if name != "muon_scheduled")
    assert seeds(terms=ALL, groups=("hidden",)) == tuple(SCHEDULED)
    assert GroupedRules(OptimizerGenome(seeds="known", terms=ALL, groups=GROUPS)).seeds() == list(SCHEDULED.values())
