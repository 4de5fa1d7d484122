"""The rules of the optimizer genome as a space of named parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from evokit.genomes.space.genome import Genes, SpaceGenome
from evokit.genomes.space.layout import DOT, Leaf, layout_of
from evokit.genomes.space.parameters import Choice, Float, Int, Subset
from evokit_optimizers.options import SEEDS, OptimizerGenome
from evokit_optimizers.plain_genome import STRUCTURE, Rules
from evokit_optimizers.rules.groups import GROUPS, Group
from evokit_optimizers.rules.parts import by_group, with_parts
from evokit_optimizers.rules.rule import COUNTS, NUMBERS, Rule, Terms
from evokit_optimizers.rules.search_space import COMPLEMENT, LINEAR, SCALES
from evokit_optimizers.rules.show import show_rule

# Parameters of numbers whose field is a choice of whether and how, or that are said by another scale.
_NAMES = {
    "weight_decay": "weight_decay_size",
    "warmup": "warmup_span",
    "averaging": "averaging_span",
    "lookahead": "lookahead_every",
}
_SWITCH = (False, True)


class RuleSpace(SpaceGenome):
    """Genes are those of a space; the phenotype is the ``Rule`` that they say.

    The base is the rule of the groups that the options do not name, or of the last group if they name all. Each other
    group has a part or not, all of whose values are its own.

    Two points may say the same: weights are scaled to the largest and what does not matter does not exist, but terms
    that equal others, and parts that equal the base, are not told from them.

    Args:
        rules: The genome that says which rules there are, whose random rules and seeds are this one's.
    """

    phenotype: ClassVar[str] = OptimizerGenome.phenotype

    def __init__(self, rules: Rules) -> None:
        self._rules, self.options = rules, rules.options
        shared = [group for group in GROUPS if group not in self.options.groups] or GROUPS[-1:]
        self._base: Group = shared[0]
        self._own = tuple(group for group in self.options.groups if group not in shared)
        frozen = SEEDS[self.options.numbers_only] if self.options.numbers_only else None
        self._known: Mapping[Group, Rule] = by_group(frozen) if frozen else {}
        super().__init__(layout_of(self._parameters()))
        self._sizes = [
            [place for place, leaf in enumerate(self.leaves) if _is_size(leaf, prefix)]
            for prefix in ((), *((group,) for group in self._own))
        ]

    def random(self, rng: np.random.Generator) -> Genes:
        """A random rule of the genome ``optimizer``."""
        return self.point(self._rules.random(rng))

    def seeds(self) -> list[Genes]:
        """The points of the known optimizers of the options."""
        return [self.point(rule) for rule in self._rules.seeds()]

    def canonical(self, genes: Genes) -> Genes:
        """The same without what does not exist, the largest weight of each sum at the upper bound."""
        kept = list(super().canonical(genes))
        low, high = self.options.bounds.weight
        for places in self._sizes:
            sizes = {place: kept[place] for place in places if kept[place] is not None}
            if sizes and (largest := max(sizes.values())) < high:
                kept = [max(low, one / largest * high) if place in sizes else one for place, one in enumerate(kept)]
        return tuple(kept)

    def express(self, genes: Genes) -> Rule:
        params: dict[str, Any] = super().express(genes)
        parts = {group: self._rule(params[group], group) for group in self._own if group in params}
        return with_parts(self._rule(params, self._base), parts)

    def point(self, rule: Rule) -> Genes:
        """The genes of a rule.

        Args:
            rule: Of terms of the options, alike in the groups that they do not name. A number outside its bounds is
                moved to the nearer one, of too many terms those with the largest weights stay, and a choice that the
                options lack becomes their first.
        """
        rules = by_group(rule)
        base = self._told(rules[self._base])
        told = dict(base)
        for group in self._own:
            own = self._told(rules[group])
            told[f"{group}_part"] = own != base
            told |= {f"{group}{DOT}{name}": value for name, value in own.items()}
        genes: list[Any] = [None] * len(self.leaves)
        for place in self.layout.order:
            leaf = self.leaves[place]
            if leaf.exists(genes):
                genes[place] = self.kinds[place].gene(_nearest(leaf, told[leaf.name]))
        return tuple(genes)

    def show(self, genes: Genes) -> str:
        return show_rule(self.express(genes))

    def _parameters(self) -> dict[str, Any]:
        found = self._cell(self._base)
        for group in self._own:
            cell = self._cell(group)
            if not self._known or _structure(self._known[group]) == _structure(self._known[self._base]):
                found[f"{group}_part"] = Choice(_SWITCH)
                cell["when"] = {f"{group}_part": True}
            found[group] = cell
        return found

    def _cell(self, group: Group) -> dict[str, Any]:
        """What says the rule of a group, by name."""
        options, known = self.options, self._known.get(group)
        found: dict[str, Any] = {}
        names = [name for name, _ in known.terms] if known else list(options.terms)
        used = {name: Rule(((name, 1.0),), vocabulary=options.vocabulary).used for name in names}
        if not known:
            most = min(options.max_terms, len(names))
            found["terms"] = Subset(names, at_least=1, at_most=most)
            size = {"size": Float(*options.bounds.weight, log=True)} if most > 1 else {}
            found["weights"] = {
                name: {"when": {"terms": {"has": name}}, **size, "sign": Choice((1, -1))} for name in names
            }
        for number in ("lr", "beta1", "beta2", "beta3", "eps", "ns_steps"):
            users = [name for name in names if number in used[name]]
            if users and getattr(options.bounds, number) is not None:
                found[_name(number)] = self._number(number, None if known or users == names else _has(users))
        corrected = [name for name in names if "bias_correction" in used[name]]
        if corrected and not known:
            found["bias_correction"] = Choice(_SWITCH, when=None if corrected == names else _has(corrected))
        decays = ("none", *(("decoupled", "l2") if not known else ("decoupled",) if known.decoupled else ("l2",)))
        found |= self._sized("weight_decay", decays, "weight_decay")
        found |= self._sized("clipping", options.clippings, "clip_size")
        found |= self._sized("warmup", _SWITCH, "warmup")
        found |= self._sized("decay", options.decays, "decay_span")
        found |= self._sized("averaging", _SWITCH, "averaging")
        if ahead := self._sized("lookahead", _SWITCH, "lookahead"):
            found |= {**ahead, "lookahead_step": self._number("lookahead_step", {"lookahead": [True]})}
        return found | {name: Choice(_SWITCH) for name in options.tricks}

    def _sized(self, name: str, kinds: Sequence[Any], number: str) -> dict[str, Any]:
        """A choice that may be off, and its number where it is not; nothing where the bounds have no such number."""
        on = [kind for kind in kinds if kind not in ("none", False)]
        if getattr(self.options.bounds, number) is None:
            return {}
        choice = {name: Choice(kinds)} if len(kinds) > 1 else {}
        condition = {name: on} if len(on) < len(kinds) else None
        return {**choice, **({_name(number): self._number(number, condition)} if on else {})}

    def _number(self, name: str, when: Mapping[str, Any] | None) -> Float | Int:
        low, high = getattr(self.options.bounds, name)
        if name in COUNTS:
            return Int(int(low), int(high), log=SCALES[name] is not LINEAR, when=when)
        if SCALES[name] is COMPLEMENT:
            low, high = 1 - high, 1 - low
        return Float(low, high, log=SCALES[name] is not LINEAR, when=when)

    def _rule(self, params: Mapping[str, Any], group: Group) -> Rule:
        known = self._known.get(group)
        numbers: dict[str, Any] = {}
        for name in NUMBERS:
            if (value := params.get(_name(name))) is not None:
                numbers[name] = 1 - value if SCALES[name] is COMPLEMENT else value
        found: dict[str, Any] = {name: params[name] for name in self.options.tricks}
        found["clipping"] = params.get("clipping", self.options.clippings[0])
        found["decay"] = params.get("decay", self.options.decays[0])
        if known:
            found |= {name: getattr(known, name) for name in STRUCTURE}
        else:
            found["terms"] = _terms(params)
            found["decoupled"] = params.get("weight_decay") != "l2"
            found["bias_correction"] = params.get("bias_correction", True)
        return Rule(**found, **numbers, vocabulary=self.options.vocabulary)

    def _told(self, rule: Rule) -> dict[str, Any]:
        """What all parameters of a cell would be, by name."""
        terms = sorted(rule.terms, key=lambda term: -abs(term[1]))[: self.options.max_terms]
        told: dict[str, Any] = {"terms": [name for name, _ in terms], "bias_correction": rule.bias_correction}
        scale = max((abs(weight) for _, weight in terms), default=1.0) / self.options.bounds.weight[1]
        for name, weight in terms:
            told[f"weights{DOT}{name}{DOT}size"] = abs(weight) / scale
            told[f"weights{DOT}{name}{DOT}sign"] = 1 if weight > 0 else -1
        for name in NUMBERS:
            value = getattr(rule, name)
            told[_name(name)] = 1 - value if SCALES[name] is COMPLEMENT else value
        told["weight_decay"] = ("decoupled" if rule.decoupled else "l2") if rule.weight_decay else "none"
        told |= {name: getattr(rule, name) > 0 for name in ("warmup", "averaging", "lookahead")}
        return told | {name: getattr(rule, name) for name in ("clipping", "decay", *self.options.tricks)}


def _name(number: str) -> str:
    """Of the parameter that says a number."""
    return f"1-{number}" if SCALES[number] is COMPLEMENT else _NAMES.get(number, number)


def _has(terms: list[str]) -> dict[str, Any]:
    return {"terms": {"has": terms}}


def _is_size(leaf: Leaf, prefix: tuple[str, ...]) -> bool:
    return leaf.path[:-2] == (*prefix, "weights") and leaf.path[-1] == "size"


def _structure(rule: Rule) -> list[Any]:
    return [getattr(rule, name) for name in STRUCTURE]


def _terms(params: Mapping[str, Any]) -> Terms:
    weights = {name: params["weights"][name] for name in params["terms"]}
    largest = max(one.get("size", 1.0) for one in weights.values())
    return tuple((name, one["sign"] * one.get("size", 1.0) / largest) for name, one in weights.items())


def _nearest(leaf: Leaf, value: Any) -> Any:
    """What the parameter may be that is nearest to a value."""
    parameter = leaf.parameter
    if isinstance(parameter, Float | Int):
        return min(max(value, parameter.low), parameter.high)
    if isinstance(parameter, Choice) and value not in parameter.options:
        return parameter.options[0]
    return value
