"""What trees are made of: sets of primitives by name, as ``deap.gp`` holds them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
from annotated_types import MinLen
from deap import gp

Array = Any  # a float or Boolean array ``(n_rows,)``, or one number for all rows


def protected_div(a: Array, b: Array) -> Array:
    """``a / b``, 1 where ``b`` is 0. Source: Koza 1992, "Genetic Programming", section 6.1.1."""
    zero = np.equal(b, 0)
    return np.where(zero, 1.0, np.true_divide(a, np.where(zero, 1.0, b)))


def protected_log(a: Array) -> Array:
    """The logarithm of the absolute value, 0 where that is 0. Source: as ``protected_div``."""
    size = np.abs(a)
    return np.log(np.where(np.equal(size, 0), 1.0, size))


def protected_sqrt(a: Array) -> Array:
    """The root of the absolute value. Source: as ``protected_div``."""
    return np.sqrt(np.abs(a))


def either(condition: Array, then: Array, otherwise: Array) -> Array:
    """``then`` where the condition holds, ``otherwise`` where not."""
    return np.where(condition, then, otherwise)


def nand(a: Array, b: Array) -> Array:
    return np.logical_not(np.logical_and(a, b))


def nor(a: Array, b: Array) -> Array:
    return np.logical_not(np.logical_or(a, b))


Functions = Mapping[str, tuple[Callable[..., Array], int]]

NUMBERS: Functions = {  # functions of arrays, and how many they take
    "add": (np.add, 2), "sub": (np.subtract, 2), "mul": (np.multiply, 2), "div": (protected_div, 2),
    "neg": (np.negative, 1), "abs": (np.abs, 1), "square": (np.square, 1), "min": (np.minimum, 2),
    "max": (np.maximum, 2), "sin": (np.sin, 1), "cos": (np.cos, 1), "tanh": (np.tanh, 1), "exp": (np.exp, 1),
    "log": (protected_log, 1), "sqrt": (protected_sqrt, 1),
}  # fmt: skip
TRUTHS: Functions = {
    "and": (np.logical_and, 2), "or": (np.logical_or, 2), "not": (np.logical_not, 1), "if": (either, 3),
    "xor": (np.logical_xor, 2), "nand": (nand, 2), "nor": (nor, 2),
}  # fmt: skip
Number = Literal[
    "add", "sub", "mul", "div", "neg", "abs", "square", "min", "max", "sin", "cos", "tanh", "exp", "log", "sqrt"
]
Truth = Literal["and", "or", "not", "if", "xor", "nand", "nor"]


def _of_one_type(names: Sequence[str], known: Functions, kind: type, n_inputs: int) -> gp.PrimitiveSetTyped:
    """DEAP's set of functions of ``n_inputs`` values of one type; of a name that stands twice one."""
    primitives = gp.PrimitiveSetTyped(kind.__name__, [kind] * n_inputs, kind)
    for name in dict.fromkeys(names):
        function, arity = known[name]
        primitives.addPrimitive(function, [kind] * arity, kind, name)
    return primitives


@dataclass(frozen=True)
class Arithmetic:
    """Functions of numbers that are defined everywhere.

    ``div`` is 1 where the divisor is 0; ``log`` and ``sqrt`` are of the absolute value, ``log`` 0 at 0. What overflows
    fails. ``elementary`` is the same with more ``functions``.
    """

    functions: Annotated[tuple[Number, ...], MinLen(1)] = ("add", "sub", "mul", "div")

    def primitive_set(self, n_inputs: int) -> gp.PrimitiveSetTyped:
        """Functions of ``n_inputs`` numbers."""
        return _of_one_type(self.functions, NUMBERS, float, n_inputs)


@dataclass(frozen=True)
class Elementary(Arithmetic):
    """Functions of numbers that are defined everywhere, with sine, cosine, exponential and logarithm among them.

    As ``arithmetic``, with other ``functions`` unless they are named.
    """

    functions: Annotated[tuple[Number, ...], MinLen(1)] = ("add", "sub", "mul", "div", "sin", "cos", "exp", "log")


@dataclass(frozen=True)
class Boolean:
    """Functions of truth values. ``if`` takes three: where the first is true the second, else the third."""

    functions: Annotated[tuple[Truth, ...], MinLen(1)] = ("and", "or", "not", "if")

    def primitive_set(self, n_inputs: int) -> gp.PrimitiveSetTyped:
        """Functions of ``n_inputs`` truth values."""
        return _of_one_type(self.functions, TRUTHS, bool, n_inputs)


@dataclass(frozen=True)
class Conditional(Arithmetic):
    """Numbers and truth values in one tree: ``arithmetic`` with ``lt``, ``and``, ``not`` and ``if``.

    ``functions`` are those of numbers. ``if`` takes a truth value and two numbers, ``lt`` tells whether the first
    number is less than the second.
    """

    def primitive_set(self, n_inputs: int) -> gp.PrimitiveSetTyped:
        """Functions of ``n_inputs`` numbers."""
        primitives = super().primitive_set(n_inputs)
        primitives.addPrimitive(np.less, [float, float], bool, "lt")
        primitives.addPrimitive(np.logical_and, [bool, bool], bool, "and")
        primitives.addPrimitive(np.logical_not, [bool], bool, "not")
        primitives.addPrimitive(either, [bool, float, float], float, "if")
        for value in (False, True):  # DEAP ends branches with a terminal of the type
            primitives.addTerminal(value, bool)
        return primitives
