"""The contract of a surrogate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from evokit.contracts.global_generators import DRAW
from evokit.genomes.encoding import encoder_of
from evokit.testing.rules import ANSWERS, NO_GLOBALS, UNCHANGED, Broken, Finding, Rule, asked, refuse_broken, twice
from evokit.testing.setting import Candidate, Setting, Surroundings, candidate, settings

N_MEASURED, N_ASKED = 40, 12
CLOSE = 1e-3  # of the values' deviation: what float32 may differ by where another number of rows is multiplied at once

Points = tuple[np.ndarray, np.ndarray]


def surrogate_conformance(
    surrogate: str | object, /, *, recipe: Surroundings = None, **options: Any
) -> Callable[[], None]:
    """A test that pytest collects: ``test_nearest = surrogate_conformance("nearest")``.

    It checks what a screen relies on: finite means and spreads of the right shape; what it is given unchanged; same
    stream, same predictions; fitted from scratch each time; a prediction that is the same alone; the lower value
    predicted lower; two measurements, and equal ones, no failure; no global generator touched.

    Args:
        surrogate: Name under which a plugin offers it, or an instance of its options.
        recipe: What is around it: a recipe's file, or a mapping of some sections, such as ``{"genome": {...}}``. Left
            out: a genome of each kind of genes that it names, or of bits.
        options: As in a recipe; left out, those of ``recipe``.

    Returns:
        A function without arguments. It raises ``AssertionError`` that names the first broken rule, with the method,
        its file and line, and the remedy; ``ValueError`` or ``UserError`` for what a recipe would be refused for.
    """

    def test_surrogate() -> None:
        check_surrogate(candidate("surrogate", surrogate, recipe, options))

    return test_surrogate


def check_surrogate(one: Candidate) -> None:
    """What the test does. Raises as it does."""
    for setting in settings(one):
        refuse_broken(_Case(setting), RULES, setting.build(), one.component.name)


@dataclass(frozen=True)
class _Case:
    setting: Setting

    def rng(self, name: str) -> np.random.Generator:
        return self.setting.parts.context.streams.at("conformance", name).numpy()

    @cached_property
    def features(self) -> np.ndarray:
        """Of distinct individuals, as a screen encodes them; read-only."""
        genome, rng = self.setting.parts.genome, self.rng("genes")
        encode = encoder_of(genome, "positions", self.rng("encoder"))
        genes = [genome.random(rng) for _ in range(4 * (N_MEASURED + N_ASKED))]
        encode.fit(genes)
        _, first = np.unique(encode(genes), axis=0, return_index=True)
        return _locked(encode(genes)[np.sort(first)])

    @cached_property
    def known(self) -> Points:
        """Measurements: values grow with the features, so that whoever learns anything learns that."""
        X = _locked(self.features[:N_MEASURED].copy())
        return X, _locked(np.asarray(X, float) @ np.linspace(1, 2, X.shape[1]))

    @cached_property
    def new(self) -> np.ndarray:
        return _locked(self.features[-N_ASKED:].copy())

    def fitted(self, points: Points, model: Any = None) -> Any:
        model = self.setting.build() if model is None else model
        asked(model, "fit", *points, self.rng("fit"))
        return model

    def predicted(self, model: Any, X: np.ndarray | None = None) -> Points:
        X = self.new if X is None else X
        answer = asked(model, "predict", X)
        if not isinstance(answer, tuple | list) or len(answer) != 2:
            raise Broken(ANSWERS, "predict", f"returned {type(answer).__name__} instead of mean and spread")
        mean, spread = (np.asarray(one) for one in answer)
        if mean.shape != (len(X),) or spread.shape != (len(X),):
            raise Broken(ANSWERS, "predict", f"returned shapes {mean.shape} and {spread.shape} for {len(X)} rows")
        if not (np.isfinite(mean).all() and np.isfinite(spread).all()):
            raise Broken(ANSWERS, "predict", "returned a number that is not finite")
        if (spread < 0).any():
            raise Broken(ANSWERS, "predict", "returned a spread below 0")
        return mean, spread


def _locked(array: np.ndarray) -> np.ndarray:
    array.flags.writeable = False
    return array


def _same(one: Points, other: Points) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def _answers(case: _Case) -> Finding | None:
    X, y = case.known
    for told in ((X, y), (X[:2], y[:2]), (X, _locked(np.ones(len(X))))):
        case.predicted(case.fitted(told))
    return None


def _unchanged(case: _Case) -> Finding | None:
    X, y, new = (array.copy() for array in (*case.known, case.new))  # these can be written to
    model = case.fitted((X, y))
    case.predicted(model, new)
    if not _same((X, y), case.known):
        return "fit", "changed the measurements that it was given"
    return None if np.array_equal(new, case.new) else ("predict", "changed the features that it was given")


def _no_globals(case: _Case) -> Finding | None:
    *_, touched = twice(lambda: case.predicted(case.fitted(case.known)))
    return ("fit", f"used the global generator of {' and '.join(touched)}") if touched else None


def _same_stream(case: _Case) -> Finding | None:
    first, again, _ = twice(lambda: case.fitted(case.known))
    if not _same(case.predicted(first), case.predicted(again)):
        return "fit", "leads to other predictions from a generator in the same state"
    if not _same(case.predicted(first), case.predicted(first)):
        return "predict", "answers something else the next time"
    return None


def _from_scratch(case: _Case) -> Finding | None:
    X, y = case.known
    once = case.fitted(case.known)
    other = case.fitted(case.known, case.fitted((X[: len(X) // 2], _locked(-y[: len(X) // 2]))))
    if not _same(case.predicted(once), case.predicted(other)):
        return "fit", "goes on from what it was fitted to before"
    return None


def _alone(case: _Case) -> Finding | None:
    model = case.fitted(case.known)
    mean, _ = case.predicted(model)
    alone = np.concatenate([case.predicted(model, case.new[i : i + 1])[0] for i in range(len(case.new))])
    if not np.allclose(mean, alone, rtol=0, atol=CLOSE * float(np.std(case.known[1]))):
        return "predict", f"answers {mean[0]:g} for an individual among others and {alone[0]:g} for it alone"
    return None


def _learns(case: _Case) -> Finding | None:
    X, y = case.known
    mean, _ = case.predicted(case.fitted(case.known), X)
    if float(mean @ (y - y.mean())) <= 0:
        return "predict", "predicts low values where high ones were measured"
    return None


RULES = (
    Rule(
        ANSWERS,
        "fit to (n, n_features) and (n,), from two measurements on, also equal ones; return mean and spread, (n,) each,"
        " finite, no spread below 0",
        _answers,
    ),
    Rule(UNCHANGED, "work on a copy of X and y", _unchanged),
    Rule(NO_GLOBALS, f"{DRAW}; seed a library's model by int(rng.integers(2**31))", _no_globals),
    Rule("same stream, same predictions", DRAW, _same_stream),
    Rule("fitted from scratch", "let fit forget what it was fitted to before", _from_scratch),
    Rule("a prediction is the same alone", "let no prediction depend on the other rows of X", _alone),
    Rule("lower is predicted lower", "predict the values themselves, of which lower is better", _learns),
)
