"""Tasks on their way through a crew, and the policy for those that lose their worker, which all back ends share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from evokit.interfaces import Evaluation
from evokit.measuring.execution import LOST, Task


@dataclass(frozen=True, slots=True)
class Piece:
    """A task or one member of it, on its way through a crew."""

    task: Task
    index: int  # of the task in its map
    first: int = 0  # position of its first member in the task
    tries: int = 1


def settle(piece: Piece, evaluations: Sequence[Evaluation], retries: int) -> list[Piece]:
    """What has to be evaluated again; nothing if the evaluations stand (C6).

    A batch in which one cost the worker is tried again member by member, so that one harms no other; a lone one is
    tried ``retries`` times more. All other failures are the individual's own and stand.
    """
    if not any(one.outcome in LOST for one in evaluations):
        return []
    task = piece.task
    if len(task.genes) > 1:
        return [
            Piece(replace(task, genes=[genes]), piece.index, piece.first + offset)
            for offset, genes in enumerate(task.genes)
        ]
    return [replace(piece, tries=piece.tries + 1)] if piece.tries <= retries else []


def told(evaluation: Evaluation, piece: Piece) -> Evaluation:
    """A failure that was tried several times says so."""
    if piece.tries == 1 or evaluation.outcome not in LOST:
        return evaluation
    return replace(evaluation, message=f"{evaluation.message}, {piece.tries} times")
