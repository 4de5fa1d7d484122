"""The primitives that update rules are made of. Imports no torch: values are looked up when they are first run."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pkgutil import resolve_name
from typing import Any


@dataclass(frozen=True)
class Quantity:
    """Something that a term may ask for by name.

    ``buffers`` are the states that it takes, all starting at zero, with the shapes that ``state_shape`` says,
    ``numbers`` the hyper-parameters that decide it, and ``corrected`` says whether the flag ``bias_correction``
    touches it.
    """

    buffers: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    corrected: bool = False


_TURNED = ("left", "left_basis", "right", "right_basis", "turned_square")

QUANTITIES: Mapping[str, Quantity] = {
    "gradient": Quantity(),  # g, after clipping and L2 decay
    "momentum": Quantity(("average",), ("beta1",), corrected=True),  # m = beta1 m + (1 - beta1) g
    "rms": Quantity(("square",), ("beta2", "eps"), corrected=True),  # sqrt(v) + eps
    "max_rms": Quantity(("square", "maximum"), ("beta2", "eps"), corrected=True),  # sqrt(max of all v so far) + eps
    # sqrt(r c / mean(r)) + eps and sqrt(r) + eps, r and c the averages of g^2 in rows and columns of a matrix.
    "factored_rms": Quantity(("columns", "rows"), ("beta2", "eps"), corrected=True),
    "row_rms": Quantity(("rows",), ("beta2", "eps"), corrected=True),
    # Eigenvectors of the averages of g g^T and g^T g, taken each tenth step, and sqrt(w) + eps, w the average of the
    # squares of g among them.
    "left_basis": Quantity(_TURNED, ("beta2",)),
    "right_basis": Quantity(_TURNED, ("beta2",)),
    "turned_rms": Quantity(_TURNED, ("beta2", "eps"), corrected=True),
    "slow_momentum": Quantity(("slow",), ("beta2",)),  # beta2-average of the gradients before this step's
    "long_momentum": Quantity(("long",), ("beta3",)),  # n = beta3 n + (1 - beta3) g, not corrected
    "last_gradient": Quantity(("last",)),  # the step before's g
    "error": Quantity(("error",)),  # e, what signs have left out so far
    "beta1": Quantity(numbers=("beta1",)),
    "beta2": Quantity(numbers=("beta2",)),
    "eps": Quantity(numbers=("eps",)),
    "ns_steps": Quantity(numbers=("ns_steps",)),
    "scratch": Quantity(),  # memory to overwrite
}


PER_TENSOR = frozenset({"rows", "columns", "left", "left_basis", "right", "right_basis"})
"""The states of which a parameter has another number than of elements."""


def state_shape(name: str, shape: Sequence[int]) -> tuple[int, ...]:
    """Of a state for a parameter: a number for each of its rows or columns, for each pair of them, or for each element.

    A tensor of more dimensions is a matrix with its first dimension as rows. A vector has rows of one element and no
    columns or pairs; what is longer than 256 has no pairs.
    """
    if name.startswith(("left", "right")):
        n = (shape[0] if name.startswith("left") else math.prod(shape[1:])) if len(shape) > 1 else 0
        return (n, n) if n <= 256 else (0, 0)
    if name == "columns":
        return (math.prod(shape[1:]) if len(shape) > 1 else 0,)
    return tuple(shape[:1]) if name == "rows" else tuple(shape)


@dataclass(frozen=True)
class Term:
    """One primitive of an update.

    Args:
        formula: For people, in the words of ``evokit_optimizers.rules.show``.
        needs: Names of ``QUANTITIES``, in the order of the value's arguments.
        value: ``value(out, *needs)`` writes the term into ``out`` and changes nothing else but ``scratch``. Vectors
            are lists of tensors. A function, or where to find one as ``"module:function"``; an export copies its
            source, so it may use nothing but torch and functions of its own module.
        per_tensor: The lists hold the parameters in their shapes; else the split into tensors must not matter.
        without_momentum: Name of the term that it equals if beta1 is 0.
        ignores_clipping: Its value is the same whatever clipping did to the gradient.
        flops: Operations on each element, see ``evokit_optimizers.rules.cost``.
        orthogonal: It makes matrices orthogonal, by ``newton_schulz`` of the kernels, whose operations come on top, in
            as many steps as the rule's ``ns_steps`` says.

    Raises:
        ValueError: A need has no such name.
    """

    formula: str
    needs: tuple[str, ...]
    value: Callable[..., None] | str
    per_tensor: bool = False
    without_momentum: str = ""
    ignores_clipping: bool = False
    flops: int = 1
    orthogonal: bool = False

    def __post_init__(self) -> None:
        for need in self.needs:
            if need not in QUANTITIES:
                raise ValueError(f"needs: no quantity is called {need!r}; there are {', '.join(QUANTITIES)}")

    @property
    def buffers(self) -> frozenset[str]:
        """States that it needs."""
        return frozenset(name for need in self.needs for name in QUANTITIES[need].buffers)

    def function(self) -> Callable[..., None]:
        """The value, looked up if it was given as text."""
        found: Any = resolve_name(self.value) if isinstance(self.value, str) else self.value
        return found  # type: ignore[no-any-return]


Vocabulary = Mapping[str, Term]

_K = "evokit_optimizers.rules.kernels:"

TERMS: Vocabulary = {
    "GRAD": Term("g", ("gradient",), _K + "same", flops=0),
    "MOMENTUM": Term("m", ("momentum",), _K + "same", without_momentum="GRAD", flops=0),
    "RMS_NORM": Term("g / (sqrt(v) + eps)", ("gradient", "rms"), _K + "ratio"),
    "ADAM_TERM": Term("m / (sqrt(v) + eps)", ("momentum", "rms"), _K + "ratio", without_momentum="RMS_NORM"),
    "SIGN_GRAD": Term("sign(g)", ("gradient",), _K + "sign", ignores_clipping=True),
    "NESTEROV": Term(
        "(beta1 m + (1 - beta1) g)",
        ("gradient", "momentum", "beta1", "scratch"),
        _K + "mix",
        without_momentum="GRAD",
        flops=3,
    ),
    "SIGN_MOMENTUM": Term(
        "sign(beta1 s + (1 - beta1) g)",
        ("gradient", "slow_momentum", "beta1", "scratch"),
        _K + "sign_of_mix",
        without_momentum="SIGN_GRAD",
        flops=4,
    ),
    "AMSGRAD": Term("m / (sqrt(max v) + eps)", ("momentum", "max_rms"), _K + "ratio"),
    "GRAD_DIFFERENCE": Term("(g - g_last)", ("gradient", "last_gradient"), _K + "difference"),
    "NORM_GRAD": Term("g / (norm(g) + eps)", ("gradient", "eps"), _K + "normed", per_tensor=True, flops=3),
    "ORTHOGONAL_MOMENTUM": Term(
        "orthogonal(m)", ("momentum", "ns_steps"), _K + "orthogonal", per_tensor=True, flops=0, orthogonal=True
    ),
    "ORTHOGONAL_NESTEROV": Term(
        "orthogonal(beta1 m + (1 - beta1) g)",
        ("gradient", "momentum", "beta1", "scratch", "ns_steps"),
        _K + "orthogonal_mix",
        per_tensor=True,
        without_momentum="ORTHOGONAL_MOMENTUM",
        flops=3,
        orthogonal=True,
    ),
    "LONG_ADAM_TERM": Term("n / (sqrt(v) + eps)", ("long_momentum", "rms"), _K + "ratio"),
    "ADAFACTOR_TERM": Term("m / (sqrt(r c / mean(r)) + eps)", ("momentum", "factored_rms"), _K + "ratio"),
    "ADAM_MINI_TERM": Term("m / (sqrt(r) + eps)", ("momentum", "row_rms"), _K + "ratio"),
    "SOAP_TERM": Term(
        "U ((U^T m V) / (sqrt(w) + eps)) V^T",
        ("momentum", "left_basis", "right_basis", "turned_rms"),
        _K + "turned_ratio",
        per_tensor=True,
    ),
    "NADAM_TERM": Term(
        "(beta1 m + (1 - beta1) g) / (sqrt(v) + eps)",
        ("gradient", "momentum", "beta1", "scratch", "rms"),
        _K + "ratio_of_mix",
        without_momentum="RMS_NORM",
        flops=4,
    ),
    "SOAP_NESTEROV": Term(
        "U ((U^T (beta1 m + (1 - beta1) g) V) / (sqrt(w) + eps)) V^T",
        ("gradient", "momentum", "beta1", "scratch", "left_basis", "right_basis", "turned_rms"),
        _K + "turned_ratio_of_mix",
        per_tensor=True,
        without_momentum="SOAP_TERM",
        flops=4,
    ),
    "SIGN_ERROR": Term(
        "mean(abs(g + e)) sign(g + e)",
        ("gradient", "error", "scratch"),
        _K + "compensated_sign",
        per_tensor=True,
        flops=5,
    ),
}
"""The article's five first, then what a recipe can switch on. The order is that of canonical rules."""
