"""The ``select`` of a DEAP script as a selection."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from evokit.contracts.blame import ContractError, blamed
from evokit.contracts.global_generators import driven_by
from evokit.genomes.toolbox import Script
from evokit.interfaces import Context, Individual


@dataclass(frozen=True)
class ToolboxSelection:
    """``toolbox.select`` of a DEAP script; belongs to the genome ``toolbox``, see ``evokit.wrap``.

    As in DEAP's loops it draws as many as the population has, who are parents in that order, and draws again when those
    are used up.

    Raises:
        ValueError: In ``build``: the genome is another one, or the toolbox has no ``select``.
    """

    genes: ClassVar[frozenset[str]] = frozenset({"deap"})

    def build(self, context: Context) -> ScriptSelection:
        script = getattr(context.genome, "script", None)
        if not isinstance(script, Script):
            raise ValueError("toolbox: is for the genome toolbox alone")
        if "select" not in script.functions:
            raise ValueError("the toolbox has no select: register it, or name another selection")
        return ScriptSelection(script)


class ScriptSelection:
    """What ``ToolboxSelection`` builds."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self.__wrapped__ = script.functions["select"]  # the place that messages name

    def __call__(self, population: Sequence[Individual], n: int, rng: np.random.Generator) -> list[Individual]:
        return self._drawn(population, self._made(population), n, rng)

    def on(self, pool: Sequence[Individual]) -> Callable[..., list[Individual]]:
        """The same from one population, whose individuals are made once."""
        made, waiting = self._made(pool), list[Individual]()

        def draw(pool: Sequence[Individual], n: int, rng: np.random.Generator) -> list[Individual]:
            while len(waiting) < n:
                waiting.extend(self._drawn(pool, made, len(pool), rng))
            drawn, waiting[:n] = waiting[:n], []
            return drawn

        return draw

    def _made(self, pool: Sequence[Individual]) -> list[Any]:
        """Individuals of the script with their values."""
        made = [self._script.codec.read(one.genes) for one in pool]
        for one, known in zip(made, pool, strict=True):
            one.fitness.values = known.fitness.values
        return made

    def _drawn(
        self, pool: Sequence[Individual], made: Sequence[Any], n: int, rng: np.random.Generator
    ) -> list[Individual]:
        known = {id(one): place for place, one in enumerate(made)}
        select = self._script.functions["select"]
        with blamed(select), driven_by(rng):
            chosen = list(select(list(made), n))
        if not chosen or any(id(one) not in known for one in chosen):
            raise ContractError("toolbox.select returned somebody who was not among those that it was given, or nobody")
        return [pool[known[id(one)]] for one in chosen]
