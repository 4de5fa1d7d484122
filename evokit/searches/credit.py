"""What a search does for operators that learn from how their children fare.

Such an operator has ``begun()``, a copy that has learnt nothing; ``learn(lessons)``, once a generation;
``figures()``, numbers by name for the logbook; ``state_dict()`` and ``load_state_dict(state)``. One that is several has
``draw(rng) -> (label, operator)`` as well: the label goes into the child's ``born_by`` and comes back in its lesson.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

import numpy as np

from evokit.interfaces import Individual, Score
from evokit.searches.archive import only_ok

Lesson = tuple[str, bool]  # a label, empty for an operator that is one; whether the child beat its parents


def begun(operator: Any) -> Any:
    """An operator as a search begins with it: of one that learns, a copy that is the search's own."""
    return operator.begun() if hasattr(operator, "begun") else operator


def drawn(kind: str, operator: Any, rng: np.random.Generator) -> tuple[str, Callable[..., Any]]:
    """What makes the next child, and its word in ``born_by``: the kind, of several operators with the label of one."""
    if not hasattr(operator, "draw"):
        return kind, operator
    label, one = operator.draw(rng)
    return f"{kind}:{label}", one


def lessons(
    kind: str, children: Iterable[Individual], parents: Iterable[Individual], known: Collection[str]
) -> list[Lesson]:
    """How the children of a kind of operator fared, by their lineage.

    A child has beaten its parents if it dominates one of them and none of them is as good or dominates it: with one
    objective, if it is better than the best.

    Args:
        kind: crossover or mutation.
        children: Of a generation. Those that failed have not beaten anybody; who was not measured teaches nothing.
        parents: Those among whom the parents were; a child none of whose parents is here teaches nothing.
        known: Keys of all that were measured, failed or not.
    """
    scores = {one.key: one.fitness for one in only_ok(parents)}
    learnt = []
    for one in children:
        label = next((word[len(kind) + 1 :] for word in one.born_by.split("+") if word.partition(":")[0] == kind), None)
        rivals = [scores[key] for key in one.parents if key in scores]
        valid = bool(only_ok([one]))
        if label is None or not rivals or not (valid or one.key in known):
            continue
        learnt.append((label, valid and _beats(one.fitness, rivals)))
    return learnt


def _beats(score: Score, rivals: Sequence[Score]) -> bool:
    as_good = any(rival.wvalues == score.wvalues or rival.dominates(score) for rival in rivals)
    return not as_good and any(score.dominates(rival) for rival in rivals)
