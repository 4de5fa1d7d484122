"""An update rule as values, and its canonical form."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal, get_args

from evokit_optimizers.rules.terms import QUANTITIES, TERMS, Term, Vocabulary

Clipping = Literal["none", "value", "norm"]
Decay = Literal["none", "cosine", "linear"]
Terms = tuple[tuple[str, float], ...]

NUMBERS = ("lr", "beta1", "beta2", "eps", "weight_decay", "clip_size", "warmup", "decay_span")


@dataclass(frozen=True)
class Rule:
    """``p -= lr_t * (weighted sum of terms)``; see ``evokit_optimizers.rules.engine`` for the order of operations.

    Args:
        terms: Names and signed weights; the same name may come twice.
        lr: Base learning rate.
        beta1: Of the momentum; in [0, 1).
        beta2: Of the second moment and of the slow momentum; in [0, 1).
        eps: Added to roots and norms.
        weight_decay: Of every parameter; exactly 0 is none.
        decoupled: The decay shrinks parameters by ``lr_t * weight_decay``; else it is added to the gradient (L2).
        bias_correction: Divide the moments by ``1 - beta**k`` in step k, counted from 1.
        clipping: Of the gradient before all else: each element to ``clip_size``, or the norm over all parameters.
        clip_size: Largest size or norm that passes.
        warmup: See ``evokit_optimizers.rules.schedule``; so for ``decay`` and ``decay_span``.
        vocabulary: What the names mean. Not part of a rule's identity or of its JSON.

    Raises:
        ValueError: A value is out of range, or a name is not in the vocabulary.
    """

    terms: Terms
    lr: float = 1e-3
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8
    weight_decay: float = 0.0
    decoupled: bool = True
    bias_correction: bool = True
    clipping: Clipping = "none"
    clip_size: float = 1.0
    warmup: float = 0.0
    decay: Decay = "none"
    decay_span: float = 1.0
    vocabulary: Vocabulary = field(default_factory=lambda: TERMS, compare=False, repr=False)

    def __post_init__(self) -> None:
        for name, weight in self.terms:
            if name not in self.vocabulary:
                raise ValueError(f"terms: no term is called {name!r}; there are {', '.join(self.vocabulary)}")
            if not math.isfinite(weight):
                raise ValueError(f"terms: the weight of {name} must be finite, got {weight}")
        for name in NUMBERS:
            value = getattr(self, name)
            if not (math.isfinite(value) and _RANGES[name][1](value)):
                raise ValueError(f"{name}: must be {_RANGES[name][0]}, got {value}")
        for name, words in (("clipping", get_args(Clipping)), ("decay", get_args(Decay))):
            if getattr(self, name) not in words:
                raise ValueError(f"{name}: must be one of {', '.join(words)}, got {getattr(self, name)!r}")

    @property
    def needs(self) -> frozenset[str]:
        """Names of the quantities that its terms ask for."""
        return frozenset(need for term in self.declared() for need in term.needs)

    @property
    def buffers(self) -> tuple[str, ...]:
        """State vectors that it keeps, each the size of the parameters."""
        return tuple(sorted({name for term in self.declared() for name in term.buffers}))

    @property
    def used(self) -> frozenset[str]:
        """The ``NUMBERS`` and flags that can change an update of this rule."""
        found = {number for need in self.needs for number in QUANTITIES[need].numbers}
        found |= {"lr", "weight_decay", "warmup", "decay"}
        conditions = {
            "bias_correction": any(QUANTITIES[need].corrected for need in self.needs),
            "clipping": self._feels_clipping(),
            "clip_size": self.clipping != "none" and self._feels_clipping(),
            "decoupled": self.weight_decay != 0,
            "decay_span": self.decay != "none",
        }
        return frozenset(found | {name for name, holds in conditions.items() if holds})

    def declared(self) -> list[Term]:
        """The term of each weight."""
        return [self.vocabulary[name] for name, _ in self.terms]

    def _feels_clipping(self) -> bool:
        decayed = self.weight_decay != 0 and not self.decoupled  # L2 decay comes after clipping and mixes with it
        return any(decayed or not term.ignores_clipping for term in self.declared())


_RANGES: dict[str, tuple[str, Any]] = {
    "lr": ("above 0", lambda x: x > 0),
    "beta1": ("in [0, 1)", lambda x: 0 <= x < 1),
    "beta2": ("in [0, 1)", lambda x: 0 <= x < 1),
    "eps": ("above 0", lambda x: x > 0),
    "weight_decay": ("at least 0", lambda x: x >= 0),
    "clip_size": ("above 0", lambda x: x > 0),
    "warmup": ("in [0, 1]", lambda x: 0 <= x <= 1),
    "decay_span": ("in (0, 1]", lambda x: 0 < x <= 1),
}

_DEFAULTS: dict[str, Any] = {
    item.name: item.default for item in fields(Rule) if item.name not in ("terms", "vocabulary")
}


def canonical(rule: Rule) -> Rule:
    """The one form of all rules that make the same updates.

    Terms that equal others are folded into them, duplicates merged and what cancels dropped; the largest weight is
    +1 or -1, the learning rate carries the rest; terms stand in the order of the vocabulary; what cannot matter is at
    its default. Updates change by rounding at most.
    """
    terms = _merged(_unmixed(_folded(rule), rule), rule.vocabulary)
    scale = max((abs(weight) for _, weight in terms), default=1.0)
    weight_decay = rule.weight_decay
    if rule.decoupled and scale != 1:
        weight_decay /= scale  # the parameters shrink by lr * weight_decay, which stays the same
    found = replace(
        rule,
        terms=tuple((name, weight / scale) for name, weight in terms),
        lr=rule.lr * scale,
        weight_decay=weight_decay,
    )
    if not terms and not (rule.decoupled and rule.weight_decay):
        return Rule((), vocabulary=rule.vocabulary)
    used = found.used
    values: dict[str, Any] = {
        name: getattr(found, name) if name in used else default for name, default in _DEFAULTS.items()
    }
    numbers = {name: float(values[name]) + 0.0 for name in NUMBERS}  # 1 and -0.0 have other JSON than 1.0 and 0.0
    return replace(found, **{**values, **numbers})


def _folded(rule: Rule) -> Terms:
    if rule.beta1 != 0:
        return rule.terms
    return tuple((rule.vocabulary[name].without_momentum or name, weight) for name, weight in rule.terms)


def _unmixed(terms: Terms, rule: Rule) -> Terms:
    """NESTEROV is a sum of MOMENTUM and GRAD: written so where one of them is there anyway."""
    names = {name for name, _ in terms}
    if "NESTEROV" not in names or not names & {"GRAD", "MOMENTUM"}:
        return terms
    parts = (("MOMENTUM", rule.beta1), ("GRAD", 1 - rule.beta1))
    return tuple(
        (part, weight * share)
        for name, weight in terms
        for part, share in (parts if name == "NESTEROV" else ((name, 1.0),))
    )


def _merged(terms: Iterable[tuple[str, float]], vocabulary: Vocabulary) -> Terms:
    sums = dict.fromkeys(vocabulary, 0.0)
    for name, weight in terms:
        sums[name] += weight
    return tuple((name, weight) for name, weight in sums.items() if weight != 0)


def rule_to_json(rule: Rule) -> dict[str, Any]:
    """JSON values, without the vocabulary."""
    values = {name: getattr(rule, name) for name in _DEFAULTS}
    return {"terms": [[name, weight] for name, weight in rule.terms], **values}


def rule_from_json(data: Any, vocabulary: Vocabulary = TERMS) -> Rule:
    """Rebuild a rule.

    Raises:
        ValueError: Something is missing, unknown, of another type or out of range.
    """
    if not isinstance(data, dict):
        raise ValueError(f"a rule must be a mapping, got {type(data).__name__}")
    expected = {"terms", *_DEFAULTS}
    for word, names in (("unknown", data.keys() - expected), ("missing", expected - data.keys())):
        if names:
            raise ValueError(f"{word} in a rule: {', '.join(sorted(map(str, names)))}")
    terms = data["terms"]
    if not isinstance(terms, list) or not all(_is_weighted_name(term) for term in terms):
        raise ValueError(f"terms: must be a list of [name, weight], got {terms!r}")
    for name, default in _DEFAULTS.items():
        wanted: tuple[type, ...] = (int, float) if isinstance(default, float) else (type(default),)
        if type(data[name]) not in wanted:
            raise ValueError(f"{name}: must be a {wanted[-1].__name__}, got {data[name]!r}")
    values: dict[str, Any] = {
        name: float(data[name]) if isinstance(_DEFAULTS[name], float) else data[name] for name in _DEFAULTS
    }
    return Rule(tuple((name, float(weight)) for name, weight in terms), **values, vocabulary=vocabulary)


def _is_weighted_name(term: Any) -> bool:
    return isinstance(term, list) and len(term) == 2 and isinstance(term[0], str) and type(term[1]) in (int, float)
