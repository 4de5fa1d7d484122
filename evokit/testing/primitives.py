"""The contract of primitives: the functions that trees are made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np

from evokit.contracts.blame import PASSED, raised
from evokit.contracts.global_generators import DRAW
from evokit.genomes.tree import Tree, refuse_barren
from evokit.testing.rules import ANSWERS, NO_GLOBALS, UNCHANGED, Broken, Finding, Rule, asked, refuse_broken, twice
from evokit.testing.setting import Candidate, Setting, Surroundings, candidate, settings

N_CASES, N_INPUTS, N_TREES = 9, 3, 20
MADE = "primitive_set"
CLOSE = 1e-9  # of a value: what it may differ by where another number of cases is computed at once


def primitives_conformance(
    primitives: str | object, /, *, recipe: Surroundings = None, **options: Any
) -> Callable[[], None]:
    """A test that pytest collects: ``test_waves = primitives_conformance("waves", frequency=2)``.

    It checks what trees rely on: a set that is made anew and is the same each time, of which every tree can be grown;
    functions that take arrays and plain numbers and give one value a case; that value the same alone and each time;
    arrays unchanged; no global generator touched. Numbers and truth values are tried; of a set with other types those
    functions that take them are tried in whole trees alone.

    Args:
        primitives: Name under which a plugin offers them, or an instance of their options.
        recipe: What is around them: a recipe's file, or a mapping of some sections. Its fitness says how many inputs
            there are; left out, there are three.
        options: As in a recipe; left out, those of ``recipe``.

    Returns:
        A function without arguments. It raises ``AssertionError`` that names the first broken rule, with the function,
        its file and line, and the remedy; ``ValueError`` or ``UserError`` for what a recipe would be refused for.
    """

    def test_primitives() -> None:
        check_primitives(candidate("primitives", primitives, recipe, options))

    return test_primitives


def check_primitives(one: Candidate) -> None:
    """What the test does. Raises as it does."""
    for setting in settings(one):
        refuse_broken(_Case(setting), RULES, setting.build(), one.component.name)


def _arrays(kind: type, rng: np.random.Generator) -> np.ndarray | None:
    """Values of a type, one a case, zeros and negative ones among them; None for a type that nobody knows."""
    if kind is bool:
        return rng.random(N_CASES) < 0.5
    if kind in (float, int, object):
        return np.concatenate([[0.0, -1.0, 1e6], rng.normal(0, 2, N_CASES - 3)]).astype(int if kind is int else float)
    return None


@dataclass(frozen=True)
class _Case:
    setting: Setting

    @cached_property
    def inputs(self) -> Sequence[str]:
        known: Sequence[str] = getattr(self.setting.parts.fitness, "slots", {}).get("inputs", ())
        return known or [f"x{place}" for place in range(N_INPUTS)]

    def made(self) -> Any:
        return asked(self.setting.build(), MADE, len(self.inputs))

    @cached_property
    def functions(self) -> Mapping[str, tuple[Callable[..., Any], list[np.ndarray]]]:
        """Each function whose arguments are of types that are known, with an array for each of them."""
        from deap import gp

        primitives, found = self.made(), {}
        rng = self.setting.parts.context.streams.at("conformance").numpy()
        for name, node in primitives.mapping.items():
            if isinstance(node, gp.Primitive):
                arrays = [_arrays(kind, rng) for kind in node.args]
                if all(one is not None for one in arrays):
                    found[name] = primitives.context[name], [one for one in arrays if one is not None]
        return found

    def trees(self) -> list[np.ndarray]:
        """What random trees give; nothing where inputs are of types that nobody knows."""
        primitives, streams = self.made(), self.setting.parts.context.streams
        tree = Tree(primitives, self.inputs, max_height=6, max_size=64, first_height=(1, 4))
        rng = streams.at("trees").numpy()
        columns = [one for kind in primitives.ins if (one := _arrays(kind, rng)) is not None]
        if len(columns) < len(primitives.ins):
            return []
        found = []
        for genes in (tree.random(rng) for _ in range(N_TREES)):
            try:
                found.append(tree.express(genes)(columns))
            except PASSED:
                raise
            except BaseException as error:  # also a function that ends the process
                raise Broken(ANSWERS, MADE, f"leads to {tree.show(genes):.80}, which raised {raised(error)}") from error
        return found


def _called(name: str, function: Callable[..., Any], arguments: Sequence[Any], rule: str = ANSWERS) -> np.ndarray:
    """What a function gives for arguments, of one value each or one for all.

    Raises:
        Broken: It raised, or gave something else.
    """
    try:
        with np.errstate(all="ignore"):
            answer = np.asarray(function(*arguments))
    except PASSED:
        raise
    except BaseException as error:  # also one that ends the process
        what = ", ".join("a number" if not np.ndim(one) else f"{len(one)} cases" for one in arguments)
        raise Broken(rule, MADE, f"has {name!r}, which for {what} raised {raised(error, function)}") from error
    n = max((len(one) for one in arguments if np.ndim(one)), default=0)
    if answer.dtype.kind not in "biuf" or answer.shape not in ((), (n,)):
        told = f"{answer.dtype} of shape {answer.shape}"
        raise Broken(ANSWERS, MADE, f"has {name!r}, which for {n or 'no'} cases gave {told}")
    return answer


def _answers(case: _Case) -> Finding | None:
    from deap import gp

    made = case.made()
    if not isinstance(made, gp.PrimitiveSetTyped):
        return MADE, f"returned {type(made).__name__} instead of a PrimitiveSet of DEAP"
    if len(made.arguments) != len(case.inputs):
        return MADE, f"({len(case.inputs)}) made a set of {len(made.arguments)} inputs"
    try:
        refuse_barren(made)
    except ValueError as error:
        return MADE, f"made a set of which no tree can be grown: {error}"
    for name, (function, arrays) in case.functions.items():
        plain = [one[0].item() for one in arrays]
        for arguments in (arrays, plain, [*plain[:1], *arrays[1:]]):
            _called(name, function, arguments)
    for values in case.trees():
        if values.shape != (N_CASES,) or values.dtype.kind not in "biuf":
            return MADE, f"leads to a tree that gives {values.dtype} of shape {values.shape} for {N_CASES} cases"
    return None


def _same_set(case: _Case) -> Finding | None:
    one = case.setting.build()
    first, again = (asked(one, MADE, len(case.inputs)) for _ in range(2))
    if first is again:
        return MADE, "returned the same object again, to which a genome has added its constants"
    if list(first.mapping) != list(again.mapping):
        return MADE, "returned a set of other names the next time"
    return None


def _unchanged(case: _Case) -> Finding | None:
    for name, (function, arrays) in case.functions.items():
        given = [one.copy() for one in arrays]
        _called(name, function, given, UNCHANGED)
        if not all(np.array_equal(one, before) for one, before in zip(given, arrays, strict=True)):
            return MADE, f"has {name!r}, which changed an array that it was given"
    return None


def _no_globals(case: _Case) -> Finding | None:
    for name, (function, arrays) in case.functions.items():
        *_, touched = twice(partial(_called, name, function, arrays))
        if touched:
            return MADE, f"has {name!r}, which used the global generator of {' and '.join(touched)}"
    return None


def _alone(case: _Case) -> Finding | None:
    for name, (function, arrays) in case.functions.items():
        whole, again = (np.broadcast_to(_called(name, function, arrays), N_CASES) for _ in range(2))
        if not np.array_equal(whole, again, equal_nan=True):
            return MADE, f"has {name!r}, which gives something else the next time"
        for at in range(N_CASES):
            alone = _called(name, function, [one[at : at + 1] for one in arrays])
            if not np.allclose(alone, whole[at], rtol=CLOSE, atol=0, equal_nan=True):
                told = f"{whole[at]:g} for a case among others and {np.ravel(alone)[0]:g} for it alone"
                return MADE, f"has {name!r}, which gives {told}"
    return None


RULES = (
    Rule(
        ANSWERS,
        "make a deap.gp.PrimitiveSet or PrimitiveSetTyped with as many inputs, of functions that take arrays (n_cases,)"
        " and plain numbers alike, as NumPy's do, and give one number or truth value a case",
        _answers,
    ),
    Rule("the same set, made anew", "make a new set in each call, and let options alone decide its names", _same_set),
    Rule(UNCHANGED, "give a new array", _unchanged),
    Rule(NO_GLOBALS, f"{DRAW}; a tree's functions draw nothing", _no_globals),
    Rule(
        "a value for each case, by that case alone",
        "let nothing but the case's own values decide, such as no mean over all cases",
        _alone,
    ),
)
