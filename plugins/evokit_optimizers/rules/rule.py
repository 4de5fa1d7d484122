"""An update rule as values."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields
from typing import Any, Literal, get_args

from evokit_optimizers.rules.groups import GROUPS, Group
from evokit_optimizers.rules.terms import QUANTITIES, TERMS, Term, Vocabulary

Clipping = Literal["none", "value", "norm"]
Decay = Literal["none", "cosine", "linear"]
Terms = tuple[tuple[str, float], ...]

Trick = Literal["centralised", "cautious", "trust_ratio"]
TRICKS: tuple[Trick, ...] = get_args(Trick)
"""Flags of what is done to the gradient or to the sum of the terms."""

NUMBERS = (
    "lr",
    "beta1",
    "beta2",
    "eps",
    "weight_decay",
    "clip_size",
    "warmup",
    "decay_span",
    "beta3",
    "averaging",
    "lookahead",
    "lookahead_step",
    "ns_steps",
)

COUNTS = ("lookahead", "ns_steps")
"""Of these, the whole ones."""


@dataclass(frozen=True)
class Rule:
    """``p -= lr_t * (weighted sum of terms)``; see ``evokit_optimizers.rules.engine`` for the order of operations.

    With ``parts`` it is the base: the rule of all groups of parameters that have no part. What follows from terms and
    numbers, such as ``used``, speaks of the base alone; ``evokit_optimizers.rules.parts`` has the rule of each group.

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
        centralised: Take the mean over each output unit from its gradient, after clipping.
        cautious: Leave out those elements of the step that do not go down the gradient, and stretch the others.
        trust_ratio: Make the step of each tensor, decoupled decay included, as long as ``lr_t`` times the tensor.
        beta3: Of the long momentum; in [0, 1).
        averaging: About the fraction of the horizon over which weights are averaged for evaluation, see ``memory`` of
            ``evokit_optimizers.rules.schedule``; 0 evaluates them as they are.
        lookahead: After every so many steps, at least 2, slow weights go towards the parameters, which then go on from
            there; 0 is none.
        lookahead_step: How far, in (0, 1]; 1 is all the way, as without.
        ns_steps: Newton and Schulz's, at least 1, in which terms make a matrix orthogonal.
        parts: Groups with rules of their own, each once, in the order of ``GROUPS``; parts have no parts.
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
    centralised: bool = False
    cautious: bool = False
    trust_ratio: bool = False
    beta3: float = 0.9999
    averaging: float = 0.0
    lookahead: int = 0
    lookahead_step: float = 0.5
    ns_steps: int = 5
    parts: tuple[tuple[Group, Rule], ...] = ()
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
        names = [group for group, _ in self.parts]
        if names != [group for group in GROUPS if group in names]:
            raise ValueError(f"parts: must be some of {', '.join(GROUPS)}, each once in this order, got {names}")
        if nested := [group for group, part in self.parts if part.parts]:
            raise ValueError(f"parts: that of {nested[0]} has parts")

    @property
    def needs(self) -> frozenset[str]:
        """Names of the quantities that its terms ask for."""
        return frozenset(need for term in self.declared() for need in term.needs)

    @property
    def buffers(self) -> tuple[str, ...]:
        """States that it keeps, of the shapes that ``state_shape`` says."""
        return tuple(sorted({name for term in self.declared() for name in term.buffers}))

    @property
    def used(self) -> frozenset[str]:
        """The ``NUMBERS`` and flags that can change an update of this rule."""
        found = {number for need in self.needs for number in QUANTITIES[need].numbers}
        found |= {"lr", "weight_decay", "warmup", "decay", "averaging", "lookahead"}
        conditions: dict[str, bool] = {
            "bias_correction": any(QUANTITIES[need].corrected for need in self.needs),
            "clipping": self._feels_clipping(),
            "clip_size": self.clipping != "none" and self._feels_clipping(),
            "decoupled": self.weight_decay != 0,
            "decay_span": self.decay != "none",
            "lookahead_step": self.lookahead != 0,
            **{name: bool(self.terms) for name in TRICKS},
        }
        return frozenset(found | {name for name, holds in conditions.items() if holds})

    def declared(self) -> list[Term]:
        """The term of each weight."""
        return [self.vocabulary[name] for name, _ in self.terms]

    def _feels_clipping(self) -> bool:
        # L2 decay and the mean come after clipping and mix with it.
        mixed = (self.weight_decay != 0 and not self.decoupled) or self.centralised
        return any(mixed or not term.ignores_clipping for term in self.declared())


_RANGES: dict[str, tuple[str, Any]] = {
    "lr": ("above 0", lambda x: x > 0),
    "beta1": ("in [0, 1)", lambda x: 0 <= x < 1),
    "beta2": ("in [0, 1)", lambda x: 0 <= x < 1),
    "beta3": ("in [0, 1)", lambda x: 0 <= x < 1),
    "eps": ("above 0", lambda x: x > 0),
    "weight_decay": ("at least 0", lambda x: x >= 0),
    "clip_size": ("above 0", lambda x: x > 0),
    "warmup": ("in [0, 1]", lambda x: 0 <= x <= 1),
    "averaging": ("in [0, 1]", lambda x: 0 <= x <= 1),
    "decay_span": ("in (0, 1]", lambda x: 0 < x <= 1),
    "lookahead": ("0 or a whole number of at least 2", lambda x: x == int(x) and (x == 0 or x >= 2)),
    "lookahead_step": ("in (0, 1]", lambda x: 0 < x <= 1),
    "ns_steps": ("a whole number of at least 1", lambda x: x == int(x) and x >= 1),
}

DEFAULTS: dict[str, Any] = {
    item.name: item.default for item in fields(Rule) if item.name not in ("terms", "parts", "vocabulary")
}
"""Numbers and flags at their defaults."""

ADDED = (*TRICKS, "beta3", "averaging", "lookahead", "lookahead_step", "ns_steps")
"""Of these, what the JSON of a rule has only where it is not at its default, since rules of before do not have it."""
