"""Operators of which one is drawn for each child, the oftener the more its children beat their parents.

What the crossover and the mutation ``adaptive`` have in common.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
from annotated_types import Gt, Le

from evokit.interfaces import Context
from evokit.options import Probability

Share = Annotated[float, Gt(0), Le(1)]


@dataclass(frozen=True, kw_only=True)
class Rule:
    """How chances follow success; see ``Adaptive``."""

    allocation: Literal["pursuit", "matching"] = "pursuit"
    alpha: Share = 0.3
    beta: Share = 0.8
    least: Probability | None = None

    def least_of(self, n: int) -> float:
        """The least chance of each of ``n`` operators.

        Raises:
            ValueError: ``least`` leaves nothing to share out.
        """
        least = 1 / (2 * n) if self.least is None else self.least
        if n * least >= 1:
            raise ValueError(f"least ({least:g}): must be less than {1 / n:g}, one over the number of operators")
        return least


class Adaptive:
    """Several operators as one; it learns once a generation which of them succeed.

    Args:
        operators: By label, two or more.
        rule: ``alpha`` is how fast an operator's quality follows the share of its children that beat their parents.
            ``matching`` makes chances proportional to qualities, above ``least`` each; ``pursuit`` moves them by
            ``beta`` towards all that can be had for the one of highest quality and ``least`` for the others.

    Source: Thierens 2005, "An Adaptive Pursuit Strategy for Allocating Operator Probabilities", algorithms 1 and 2;
    there after each child, here once a generation, with the mean of the rewards.
    """

    def __init__(self, operators: Mapping[str, Callable[..., Any]], rule: Rule) -> None:
        self._operators, self._rule, self._least = operators, rule, rule.least_of(len(operators))
        self._quality = dict.fromkeys(operators, 1.0)
        self._chance = dict.fromkeys(operators, 1 / len(operators))

    def begun(self) -> Adaptive:
        """The same operators, of which nothing has been learnt."""
        return Adaptive(self._operators, self._rule)

    def draw(self, rng: np.random.Generator) -> tuple[str, Callable[..., Any]]:
        """One of the operators with its label, by one draw."""
        ends = np.cumsum(list(self._chance.values()))
        place = int(np.searchsorted(ends, rng.random() * ends[-1], side="right"))
        return list(self._operators.items())[place]

    def __call__(self, *genes_and_rng: Any) -> Any:
        """For those who teach nothing: what one of the operators answers."""
        _, operator = self.draw(genes_and_rng[-1])
        return operator(*genes_and_rng)

    def learn(self, lessons: Sequence[tuple[str, bool]]) -> None:
        """Take how children fared: the label of the operator that made one, and whether it beat its parents."""
        tried, won = Counter(label for label, _ in lessons), Counter(label for label, success in lessons if success)
        for label, n in tried.items():
            self._quality[label] += self._rule.alpha * (won[label] / n - self._quality[label])
        if tried:
            aims = self._matching() if self._rule.allocation == "matching" else self._pursued()
            pace = 1.0 if self._rule.allocation == "matching" else self._rule.beta
            self._chance = {label: old + pace * (aims[label] - old) for label, old in self._chance.items()}

    def _matching(self) -> dict[str, float]:
        total = sum(self._quality.values())
        if not total:
            return self._chance
        free = 1 - len(self._quality) * self._least
        return {label: self._least + free * quality / total for label, quality in self._quality.items()}

    def _pursued(self) -> dict[str, float]:
        highest = max(self._quality.values())
        best = [label for label, quality in self._quality.items() if quality == highest]
        if len(best) > 1:
            return self._chance  # there is nobody to pursue
        most = 1 - (len(self._quality) - 1) * self._least
        return {label: most if label == best[0] else self._least for label in self._quality}

    def figures(self) -> dict[str, float]:
        """The chance of each operator, by label."""
        return dict(self._chance)

    def state_dict(self) -> dict[str, Any]:
        return {"quality": dict(self._quality), "chance": dict(self._chance)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self._quality, self._chance = dict(state["quality"]), dict(state["chance"])


def adaptive(sections: Sequence[Any], rule: Rule, context: Context) -> Adaptive:
    """The operators of nested sections as one; a second one of a name is called ``gaussian-2``.

    Raises:
        ValueError: One of them changes with time by itself, or ``least`` leaves nothing to share out.
    """
    assert context.build is not None
    operators: dict[str, Callable[..., Any]] = {}
    seen: Counter[str] = Counter()
    for section in sections:
        seen[section.name] += 1
        label = section.name if seen[section.name] == 1 else f"{section.name}-{seen[section.name]}"
        operators[label] = context.build(section)
        if hasattr(operators[label], "at") or hasattr(operators[label], "learn"):
            raise ValueError(f"operators: {label} changes with time by itself; name one that does not")
    return Adaptive(operators, rule)
