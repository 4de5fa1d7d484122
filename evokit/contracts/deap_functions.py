"""Functions of ``deap.tools`` by name: which there are, what they take, and how they are called on genes."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from deap import tools

from evokit.common.bounds import reflected
from evokit.common.names import did_you_mean, listed
from evokit.common.readonly import readonly
from evokit.contracts.global_generators import driven_by

GIVEN = frozenset({"ind1", "ind2", "individual", "individuals", "k", "fit_attr"})  # parameters that no recipe sets
STRATEGY = "needs individuals with a strategy of their own, which arrays of genes do not have"


def check_call(operator: str, arguments: Mapping[str, Any], known: Sequence[str], refused: Mapping[str, str]) -> None:
    """Hold an operator's name and its keyword arguments against ``deap.tools``.

    Args:
        operator: What a recipe names.
        arguments: By name.
        known: Functions that may be named.
        refused: Others that ``deap.tools`` has, with the reason.

    Raises:
        ValueError: There is no such function or it is refused, an argument is unknown, or one is missing.
    """
    if operator in refused:
        raise ValueError(f"operator: {operator} {refused[operator]}")
    if operator not in known:
        hint = did_you_mean(operator, [*known, *refused])
        raise ValueError(f"operator: deap.tools has no {operator!r} of this kind{hint} (available: {listed(known)})")
    parameters = inspect.signature(getattr(tools, operator)).parameters
    taken = {name: one for name, one in parameters.items() if name not in GIVEN}
    for name in arguments:
        if name not in taken:
            raise ValueError(f"{operator} has no argument {name!r}{did_you_mean(name, taken)} (it has {listed(taken)})")
    missing = [name for name, one in taken.items() if one.default is one.empty and name not in arguments]
    if missing:
        raise ValueError(f"{operator} needs {' and '.join(missing)} as well")


def refuse_kind(operator: str, kinds: Mapping[str, frozenset[str]], genome: Any) -> None:
    """Raises ``ValueError`` for an operator on genes that it is not for, or of which there are too few to cut."""
    if genome.genes not in kinds[operator]:
        fitting = listed(name for name, fits in kinds.items() if genome.genes in fits)
        raise ValueError(
            f"{operator} works on genes of kind {listed(kinds[operator])}, the genome has {genome.genes} (those that"
            f" fit: {fitting})"
        )
    if genome.n_genes < 2:
        raise ValueError(f"{operator} needs two or more genes")


def refuse_bounds(operator: str, arguments: Mapping[str, Any], genome: Any) -> None:
    """Raises ``ValueError`` where ``low`` and ``up`` do not go with the genome's own bounds."""
    for name, bound, outwards in (("low", "low", True), ("up", "high", False)):
        if name not in arguments:
            continue
        try:
            told = np.broadcast_to(np.asarray(arguments[name], float), (genome.n_genes,))
        except (TypeError, ValueError):
            message = f"{name}: must be a number or a list of {genome.n_genes}, got {arguments[name]!r:.60}"
            raise ValueError(message) from None
        if genome.genes == "index_vector":  # what is drawn between them must be a gene
            wrong = (told < 0) if outwards else (told >= np.asarray(genome.sizes))
            rule = "genes begin with 0" if outwards else f"genes end with {min(genome.sizes) - 1}"
        else:  # genes must lie between them
            own = getattr(genome, bound)
            wrong = (told > own) if outwards else (told < own)
            rule = f"genes lie between {genome.low.min():g} and {genome.high.max():g}"
        if wrong.any():
            raise ValueError(f"{name} of {operator}: {rule}, got {arguments[name]!r:.60}")


def called(function: Callable[..., Sequence[Any]], arguments: Mapping[str, Any], genome: Any) -> Callable[..., Any]:
    """An operator of DEAP's as a function of read-only arrays of genes and a generator.

    It works on lists, since on arrays DEAP's swaps of slices read what they have just written. Real numbers that leave
    the genome's bounds are folded back as between mirrors.
    """

    def call(*genes_and_rng: Any) -> tuple[np.ndarray, ...]:
        *genes, rng = genes_and_rng
        with driven_by(rng):
            made = function(*(one.tolist() for one in genes), **arguments)
        return tuple(readonly(_inside(np.array(one, genome.dtype), genome)) for one in made)

    return call


def _inside(genes: np.ndarray, genome: Any) -> np.ndarray:
    if not hasattr(genome, "low") or ((genes >= genome.low) & (genes <= genome.high)).all():
        return genes
    return reflected(genes, genome.low, genome.high)


def refuse_failing(operator: str, call: Callable[[], Any]) -> None:
    """Call once what will be called in a run.

    Raises:
        ValueError: It raises, as with an argument of a wrong type.
    """
    try:
        call()
    except Exception as error:
        raise ValueError(f"{operator} raises {type(error).__name__} with these arguments: {error}") from error
