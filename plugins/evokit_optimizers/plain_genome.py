"""The optimizer genome without groups: a weighted sum of terms with its numbers and flags."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

import numpy as np

from evokit_optimizers.options import SEEDS, OptimizerGenome
from evokit_optimizers.rules.canonical import canonical
from evokit_optimizers.rules.parts import by_group, in_vocabulary
from evokit_optimizers.rules.rule import DEFAULTS, NUMBERS, Rule, Terms
from evokit_optimizers.rules.rule_json import rule_from_json, rule_to_json
from evokit_optimizers.rules.search_space import NUMBERS_WITH_OFF, numbers_of
from evokit_optimizers.rules.show import show_rule

# Inherited together: a kind and its size mean nothing apart.
LINKED = (
    ("lr",),
    ("beta1",),
    ("beta2",),
    ("eps",),
    ("weight_decay", "decoupled"),
    ("bias_correction",),
    ("clipping", "clip_size"),
    ("warmup",),
    ("decay", "decay_span"),
)

LATER = (
    ("lookahead", "lookahead_step"),
    ("ns_steps",),
)  # so too, where bounds offer the first; recipes of before have none of them

# Of which encodings of before say nothing.
LATER_TERMS = ("ADAFACTOR_TERM", "ADAM_MINI_TERM", "SOAP_TERM", "NADAM_TERM", "SOAP_NESTEROV", "SIGN_ERROR")

STRUCTURE = ("terms", "bias_correction", "decoupled")  # what numbers_only keeps

_DRAWN_LATER = ("beta3", "lookahead_step", "ns_steps")  # after the numbers that all recipes have

_TRICK = 0.2  # chance that a random rule has one
_NEGATIVE = 0.25  # chance that a drawn weight is negative; a rule of negative weights alone climbs


class Rules:
    """The genome over ``Rule``, which is genes and phenotype in one.

    Bounds are those of ``random`` and ``mutate``. ``from_json`` takes every sound rule of at most ``max_terms`` terms,
    since a canonical rule's learning rate carries the scale of its weights.

    Source: optimizer evolution article, "How the Genome Works" and "The Structural Mutations".
    """

    phenotype: ClassVar[str] = OptimizerGenome.phenotype

    def __init__(self, options: OptimizerGenome) -> None:
        self.options = options
        self.vocabulary = options.vocabulary
        # What recipes of before do not have takes no draws of theirs.
        long = any("long_momentum" in self.vocabulary[name].needs for name in options.terms)
        averaged = options.bounds.averaging is not None
        self._later = [names for names in LATER if getattr(options.bounds, names[0]) is not None]
        self._added = (*([("beta3",)] if long else []), *([("averaging",)] if averaged else []), *self._later)
        self._weighted = [name for name in self.vocabulary if name in options.terms or name not in LATER_TERMS]
        lacking = {name for names in LATER if names not in self._later for name in names}
        self._encoded = [name for name in NUMBERS if name not in lacking]
        self._with_off = [
            name for name in NUMBERS_WITH_OFF if name in self._encoded and (name != "averaging" or averaged)
        ]
        self._frozen = in_vocabulary(SEEDS[options.numbers_only], self.vocabulary) if options.numbers_only else None

    def random(self, rng: np.random.Generator) -> Rule:
        """Numbers from the bounds; the first term drawn has weight 1, so that most random rules descend."""
        options, bounds = self.options, self.options.bounds
        flags: dict[str, Any] = {name: bool(rng.random() < 0.5) for name in ("decoupled", "bias_correction")}
        numbers: dict[str, Any] = {
            name: bounds.draw(name, rng) for name in ("lr", "beta1", "beta2", "eps", "clip_size", "decay_span")
        }
        offered = {name for names in self._added for name in names}
        numbers |= {name: bounds.draw(name, rng) for name in _DRAWN_LATER if name in offered}
        for name in NUMBERS_WITH_OFF:
            on = getattr(bounds, name) is not None and rng.random() < 0.5
            numbers[name] = bounds.draw(name, rng) if on else DEFAULTS[name]
        flags["clipping"] = _choice(options.clippings, rng)
        flags["decay"] = _choice(options.decays, rng)
        flags |= {name: bool(rng.random() < _TRICK) for name in options.tricks}
        terms = self._random_terms(rng)
        if self._frozen is not None:
            terms = self._frozen.terms
            flags |= {"decoupled": self._frozen.decoupled, "bias_correction": self._frozen.bias_correction}
        return Rule(terms, **numbers, **flags, vocabulary=self.vocabulary)

    def crossover(self, a: Rule, b: Rule, rng: np.random.Generator) -> tuple[Rule, Rule]:
        """Single-point on the term lists, a cut in each; uniform on numbers and flags.

        A number that only one parent uses goes to both children, as the other has no say about it. A child with too
        many terms loses the smallest weights.
        """
        cut_a, cut_b = rng.integers(len(a.terms) + 1), rng.integers(len(b.terms) + 1)
        lists = (a.terms, b.terms)
        if self._frozen is None:
            lists = (a.terms[:cut_a] + b.terms[cut_b:], b.terms[:cut_b] + a.terms[cut_a:])
        first: dict[str, Any] = {}
        second: dict[str, Any] = {}
        for names in (*LINKED, *self._added, *((name,) for name in self.options.tricks)):
            swap = rng.random() < 0.5
            one, two = (b, a) if swap else (a, b)
            if (names[0] in one.used) != (names[0] in two.used):
                one = two = one if names[0] in one.used else two
            first |= {name: getattr(one, name) for name in names}
            second |= {name: getattr(two, name) for name in names}
        return (
            replace(a, terms=self._distinct(lists[0] or a.terms), **first),
            replace(b, terms=self._distinct(lists[1] or b.terms), **second),
        )

    def mutate(self, genes: Rule, rng: np.random.Generator, strength: float | None = None) -> Rule:
        """Change structure, flags, signs and numbers at the options' rates.

        Args:
            genes: Left unchanged.
            rng: Decides all.
            strength: Factor on every rate and on the size of steps; None draws it, see ``Rates``. A search that
                anneals passes its own.
        """
        strength = self.options.rates.strength(rng) if strength is None else strength
        rule = self._flagged(genes, strength, rng)
        if self._frozen is None and rng.random() < self.options.rates.structure * strength:
            rule = replace(rule, terms=self._restructured(rule.terms, rng))
        return self._moved(rule, strength, rng)

    def canonical(self, genes: Rule) -> Rule:
        return canonical(genes)

    def express(self, genes: Rule) -> Rule:
        return genes

    def to_json(self, genes: Rule) -> dict[str, Any]:
        return rule_to_json(genes)

    def from_json(self, data: Any) -> Rule:
        """Raises ``ValueError``: no sound rule, too many terms, or parts that no groups of the options have."""
        rule = rule_from_json(data, self.vocabulary)
        n_terms = max(len(one.terms) for one in by_group(rule).values())
        if n_terms > self.options.max_terms:
            raise ValueError(f"terms: must be at most {self.options.max_terms}, got {n_terms}")
        if rule.parts and not self.options.groups:
            raise ValueError("parts: the genome has no groups")
        return rule

    def seeds(self) -> list[Rule]:
        """The known optimizers of the options."""
        return [in_vocabulary(rule, self.vocabulary) for rule in self.options.seed_rules]

    def encode(self, genes: Rule) -> np.ndarray:
        """``(n_features,)`` float32: a weight per term, numbers between their bounds, flags."""
        weights = dict(genes.terms)
        used, movable = genes.used, numbers_of(genes)
        numbers = [self._unit(name, getattr(genes, name)) if name in movable else 0.0 for name in self._encoded]
        flags = [name in movable for name in NUMBERS_WITH_OFF if name in self._encoded]
        flags += [genes.decoupled, genes.bias_correction and "bias_correction" in used]
        flags += [genes.clipping == kind for kind in ("value", "norm")]
        flags += [genes.decay == kind for kind in ("cosine", "linear")]
        flags += [getattr(genes, name) for name in self.options.tricks]
        return np.array([*(weights.get(name, 0.0) for name in self._weighted), *numbers, *flags], dtype=np.float32)

    def show(self, genes: Rule) -> str:
        return show_rule(genes)

    def _unit(self, name: str, value: float) -> float:
        return 0.0 if getattr(self.options.bounds, name) is None else self.options.bounds.unit(name, value)

    def _random_terms(self, rng: np.random.Generator) -> Terms:
        n_terms = rng.integers(1, min(self.options.max_terms, len(self.options.terms)) + 1)
        names = rng.permutation(self.options.terms)[:n_terms].tolist()
        return tuple((name, self._random_weight(rng) if i else 1.0) for i, name in enumerate(names))

    def _random_weight(self, rng: np.random.Generator) -> float:
        size = self.options.bounds.draw("weight", rng)
        return -size if rng.random() < _NEGATIVE else size

    def _distinct(self, terms: Terms) -> Terms:
        """Each term once, with its first weight; the largest weights if there are too many."""
        weights: dict[str, float] = {}
        for name, weight in terms:
            weights.setdefault(name, weight)
        largest = sorted(weights, key=lambda name: -abs(weights[name]))[: self.options.max_terms]
        return _normalised(tuple((name, weight) for name, weight in weights.items() if name in largest))

    def _restructured(self, terms: Terms, rng: np.random.Generator) -> Terms:
        """One term added, removed or exchanged for another that keeps its weight."""
        absent = [name for name in self.options.terms if name not in dict(terms)]
        ways = ["add"] if absent and len(terms) < self.options.max_terms else []
        ways += ["remove"] if len(terms) > 1 else []
        ways += ["change"] if absent and terms else []
        if not ways:
            return terms
        way = _choice(ways, rng)
        if way == "add":
            return _normalised((*terms, (_choice(absent, rng), self._random_weight(rng))))
        i = int(rng.integers(len(terms)))
        new = ((_choice(absent, rng), terms[i][1]),) if way == "change" else ()
        return _normalised(terms[:i] + new + terms[i + 1 :])

    def _flagged(self, rule: Rule, strength: float, rng: np.random.Generator) -> Rule:
        options, prob = self.options, self.options.rates.flag * strength
        changes: dict[str, Any] = {}
        for name in ("bias_correction", "decoupled"):
            if rng.random() < prob and self._frozen is None:
                changes[name] = not getattr(rule, name)
        for name in options.tricks:
            if rng.random() < prob:
                changes[name] = not getattr(rule, name)
        for name, kinds in (("clipping", options.clippings), ("decay", options.decays)):
            others = [kind for kind in kinds if kind != getattr(rule, name)]
            if rng.random() < prob and others:
                changes[name] = _choice(others, rng)
        for name in self._with_off:
            if rng.random() < prob and (getattr(rule, name) or getattr(options.bounds, name)):
                changes[name] = DEFAULTS[name] if getattr(rule, name) else options.bounds.draw(name, rng)
        return replace(rule, **changes)

    def _moved(self, rule: Rule, strength: float, rng: np.random.Generator) -> Rule:
        """Steps of numbers, weights and signs, at least one number or weight."""
        rates, bounds = self.options.rates, self.options.bounds
        sigma = rates.sigma * strength
        names = [name for name in numbers_of(rule) if getattr(bounds, name) is not None]
        n_weights = len(rule.terms) if self._frozen is None and len(rule.terms) > 1 else 0
        moves = rng.random(len(names) + n_weights) < rates.number * strength
        if not moves.any():
            moves[rng.integers(len(moves))] = True
        moved = [name for name, move in zip(names, moves[: len(names)], strict=True) if move]
        numbers: dict[str, Any] = {name: bounds.moved(name, getattr(rule, name), sigma, rng) for name in moved}
        weights = [weight for _, weight in rule.terms]
        for i in np.flatnonzero(moves[len(names) :]).tolist():
            size = bounds.moved("weight", abs(weights[i]), sigma, rng)
            weights[i] = size if weights[i] > 0 else -size
        if self._frozen is None:
            weights = [-weight if rng.random() < rates.sign * strength else weight for weight in weights]
        terms = tuple((name, weight) for (name, _), weight in zip(rule.terms, weights, strict=True))
        return replace(rule, terms=_normalised(terms), **numbers)


def _normalised(terms: Terms) -> Terms:
    """The largest weight is 1 or -1. The scale is dropped: the learning rate moves by steps of its own."""
    scale = max((abs(weight) for _, weight in terms), default=1.0)
    return tuple((name, weight / scale) for name, weight in terms)


def _choice(values: Any, rng: np.random.Generator) -> Any:
    return values[int(rng.integers(len(values)))]
