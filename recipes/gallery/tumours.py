"""Which measurements of a tumour tell whether it is malignant: Wisconsin's data, which come with scikit-learn."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from sklearn.datasets import load_breast_cancer

from evokit import Component, Context, Goal, hookimpl

FOLDS = 5
N_SEARCH = 380  # patients that the search sees; the other 189 confirm
RIDGE = 1.0


@dataclass(frozen=True)
class Tumours:
    """Error of a linear classifier on some of 30 measurements, in per cent, and how many these are.

    In the search the error is that of cross-validation; a fresh one is of patients that the search never saw.
    """

    def build(self, context: Context) -> "Selected":
        return Selected(context)


class Selected:
    """The fitness at work.

    Args:
        context: Of the run.
        fresh: Whether patients judge that the search never saw.
    """

    objectives: ClassVar[Mapping[str, Goal]] = {"error": "min", "measurements": "min"}
    takes: ClassVar[frozenset[str]] = frozenset({"bits"})
    slots: ClassVar[Mapping[str, Any]] = {}
    budgets: ClassVar[Sequence[int]] = (1,)

    def __init__(self, context: Context, fresh: bool = False) -> None:
        self.context = f"tumours, fresh {fresh}"
        self._context = context
        x, y = load_breast_cancer(return_X_y=True)
        order = context.streams.at("patients").numpy().permutation(len(y))
        x, y = x[order], 2.0 * y[order] - 1
        x = (x - x[:N_SEARCH].mean(0)) / x[:N_SEARCH].std(0)
        rows = np.arange(len(y))
        if fresh:
            parts = [(rows[:N_SEARCH], rows[N_SEARCH:])]
        else:
            folds = np.array_split(rows[:N_SEARCH], FOLDS)
            parts = [(np.setdiff1d(rows[:N_SEARCH], fold), fold) for fold in folds]
        self._parts = [(x[learn], y[learn], x[judge], y[judge]) for learn, judge in parts]

    def fresh(self) -> "Selected":
        return Selected(self._context, fresh=True)

    def evaluate(self, batch: Sequence[np.ndarray], budget: int) -> list[tuple[float, float]]:
        return [(self._error(np.flatnonzero(bits)), float(np.sum(bits))) for bits in batch]

    def _error(self, chosen: np.ndarray) -> float:
        wrong = [np.sign(_scores(x[:, chosen], y, others[:, chosen])) != truth for x, y, others, truth in self._parts]
        return 100 * float(np.concatenate(wrong).mean())


def _scores(x: np.ndarray, y: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Of ``others`` by ridge regression on x, ``(n_rows, n_columns)``, and classes y, -1 or 1."""
    mean = y.mean()
    weights = np.linalg.solve(x.T @ x + RIDGE * np.eye(x.shape[1]), x.T @ (y - mean))
    return others @ weights + mean


@hookimpl
def evokit_components() -> list[Component]:
    return [Component("fitness", "tumours", Tumours)]
