"""The functional cache: genes that do the same cost one measurement.

A fitness says by ``fingerprint(phenotype)`` what a phenotype does. Of those that do the same, at the same budget, in
the same context and phase, the first one that is asked for is measured and the others take its values.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from evokit.common.keys import array_key, digest, digest_bytes
from evokit.contracts.blame import ContractError, culprit
from evokit.interfaces import Evaluation, Fitness, Goal

Function = tuple[str, str, int]  # context, fingerprint, budget
CHECKED = 3  # of a phase, context and budget, so many are measured all the same, to see whether it is so


class Fingerprints:
    """The fingerprints of a fitness as answers of a fitness, so that they are taken where individuals are measured.

    Who has none, because it does not say or fails, is measured.
    """

    may_be_free = True

    def __init__(self, fitness: Any) -> None:
        self.objectives: Mapping[str, Goal] = {}
        self.budgets: Sequence[int] = (0,)
        self.slots: Mapping[str, Any] = {}
        self.takes, self.context = fitness.takes, fitness.context
        self._fitness = fitness

    def evaluate(self, batch: Sequence[Any], budget: int) -> Iterator[Evaluation]:
        for one in batch:
            yield Evaluation(message=fingerprint_text(self._fitness.fingerprint(one)))


class Functions:
    """Who was the first to do what, in one phase.

    Nothing here depends on who answers when: the first is the first that was asked for. Where that one failed, all
    others are measured, since a failure is shared with nobody.
    """

    def __init__(self) -> None:
        self._first: dict[Function, tuple[str, Evaluation]] = {}
        self._checks = Counter[tuple[str, int]]()  # by context and budget

    def note(self, function: Function, key: str, evaluation: Evaluation) -> None:
        """Take what was measured, those of a resumed run too, in the order of their slots."""
        first, _ = self._first.setdefault(function, (key, evaluation))
        context, _, budget = function
        self._checks[context, budget] += first != key

    def known(self, function: Function) -> bool:
        """Whether one that does it was measured, ok or not."""
        return function in self._first

    def failed(self, function: Function) -> bool:
        """Whether the first one that does it was measured and failed."""
        return function in self._first and not self._first[function][1].ok

    def checks_left(self, context: str, budget: int) -> int:
        """How many are still to be measured although another one does the same."""
        return max(CHECKED - self._checks[context, budget], 0)

    def values(self, function: Function) -> Evaluation:
        """Those of the first one, which have cost nothing."""
        first, known = self._first[function]
        return Evaluation(
            known.values,
            metrics=known.metrics,
            artifact=known.artifact,
            message=f"as {first}",
            cases=known.cases,
            constraints=known.constraints,
            source="reused",
        )

    def refuse_false(self, function: Function, evaluation: Evaluation, fitness: Fitness) -> None:
        """Compare one that was measured with the first that does the same.

        Raises:
            ContractError: Their values differ, so that the fingerprint says too little.
        """
        _, known = self._first[function]
        if known.ok and evaluation.ok and not known.says_as(evaluation):
            first, other = ([*one.values, *one.constraints] for one in (known, evaluation))
            raise ContractError(
                f"{culprit(fitness, 'fingerprint')} is the same for two individuals that were measured as {first} and"
                f" {other if other != first else 'with other cases'}; let it hold all that decides a value, such as the"
                " outputs on more inputs, or give it up"
            )


def fingerprint_text(fingerprint: Any) -> str:
    """The digest of what a fitness says; empty of None."""
    if fingerprint is None:
        return ""
    if isinstance(fingerprint, bytes):
        return digest_bytes(fingerprint)
    return array_key(fingerprint) if isinstance(fingerprint, np.ndarray) else digest(fingerprint)
