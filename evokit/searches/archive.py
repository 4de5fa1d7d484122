"""What a search remembers of what was measured: the known keys, the best, the logbook."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from heapq import nlargest
from typing import Any

import numpy as np
from deap import tools

from evokit.common.readonly import readonly
from evokit.genomes.individuals import feasible_value
from evokit.interfaces import Individual, Score
from evokit.searches.front import Front
from evokit.statistics.averages import mean

COLUMNS = ("key", "parents", "born_by", "predicted")  # of an individual, in a state
HALL = 10  # places in the hall of fame


def only_ok(individuals: Iterable[Individual]) -> list[Individual]:
    """Those with an ok measurement at full budget; no other reaches a selection or a hall of fame (C1).

    NaN is excluded here too, for loops that measure by themselves: it wins half of DEAP's comparisons.
    """
    finite = math.isfinite
    return [one for one in individuals if (gains := one.fitness.wvalues) and all(map(finite, gains))]


def only_feasible(individuals: Iterable[Individual]) -> list[Individual]:
    """Those of ``only_ok`` that violate no constraint."""
    return [one for one in only_ok(individuals) if not one.fitness.violation]


def same_key(a: Individual, b: Individual) -> bool:
    return a.key == b.key


class Archive:
    """Known keys, the front, and DEAP's HallOfFame and Logbook, fed once a generation.

    The hall of fame compares objectives in their order; the front is kept where there are several.

    Args:
        genome: ``to_json`` and ``from_json`` for the state.
        weights: -1 per objective to minimise, +1 to maximise.
        size: Places in the hall of fame.
    """

    def __init__(self, genome: Any, weights: tuple[float, ...], size: int = HALL) -> None:
        self._genome, self._weights = genome, weights
        self.known: set[str] = set()
        self.refits = 0  # of the fitness; what was measured before the last one is gone
        self.hall = tools.HallOfFame(size, similar=same_key)
        self.front = Front()
        self._counted: set[str] = set()  # in the front's numbers; of those known who did not fail
        self.logbook = tools.Logbook()
        self._statistics = tools.Statistics(key=lambda one: one.fitness.values[0])
        for name, function in (("min", min), ("mean", mean), ("max", max)):
            self._statistics.register(name, function)

    def add(
        self,
        generation: int,
        told: Iterable[Individual],
        population: Sequence[Individual],
        best_of: Sequence[Individual] | None = None,
    ) -> None:
        """Take a generation's measured individuals and log its population.

        Args:
            generation: Number of the generation that ends.
            told: All that were asked for; those without a fitness are passed over.
            population: Whose statistics are logged; failed, predicted and infeasible members are left out.
            best_of: Those who may come into the hall of fame; all told if None.
        """
        measured = only_ok(told)
        self.hall.update(self._candidates(measured if best_of is None else only_ok(best_of)))
        front = self._extend_front(measured) if len(self._weights) > 1 else {}
        self.known.update(one.key for one in measured)
        valid = only_feasible(population)
        record = {name: float(value) for name, value in self._statistics.compile(valid).items()} if valid else {}
        best = feasible_value(self.hall[0]) if len(self.hall) else None
        refits = {"refits": self.refits} if self.refits else {}
        feasible = self._feasibility(measured)
        self.logbook.record(
            generation=generation, best=best, measured=len(measured), **record, **feasible, **front, **refits
        )

    def _candidates(self, measured: Sequence[Individual]) -> Sequence[Individual]:
        """Those that may come into the hall of fame, which DEAP asks of each more slowly: as many as it has places.

        With their equals, of whom those come in that were told last.
        """
        if len(self.hall) == self.hall.maxsize:
            worst = self.hall[-1].fitness.wvalues
            measured = [one for one in measured if one.fitness.wvalues > worst]
        if len(measured) <= self.hall.maxsize:
            return measured
        distinct = {one.key: one.fitness.wvalues for one in measured}
        least = nlargest(self.hall.maxsize, distinct.values())[-1]
        return [one for one in measured if one.fitness.wvalues >= least]

    def renew(self, measured_again: Sequence[Individual]) -> None:
        """Forget all values of the context before a refit; these are what is known in the new one."""
        found_first = {one.key for one in self.front}
        self.refits += 1
        self.hall.clear()
        self.front.clear()
        self._counted.clear()
        self.known = {one.key for one in measured_again}  # the failed too
        valid = only_ok(measured_again)
        self.hall.update(valid)
        if len(self._weights) > 1:
            # Who stood for a point goes on to do so.
            self._extend({one.key: one for one in sorted(valid, key=lambda one: one.key not in found_first)})

    def _feasibility(self, measured: Sequence[Individual]) -> dict[str, Any]:
        """Under constraints how many of a generation are feasible, and the least violation so far."""
        if not any(one.fitness.constraints for one in measured):
            return {}
        feasible = sum(not one.fitness.violation for one in measured)
        return {"feasible": feasible, "violation": self.hall[0].fitness.violation}

    def _extend_front(self, measured: Iterable[Individual]) -> dict[str, int]:
        """Points on the front, and how many of them are new, for the logbook."""
        new = self._extend({one.key: one for one in measured if one.key not in self._counted})
        return {"front": len(self.front), "front_new": new}

    def _extend(self, new: Mapping[str, Individual]) -> int:
        self._counted.update(new)
        return self.front.add(new.values())

    def best(self) -> Individual:
        """The best ever measured, after a refit the best since then.

        Raises:
            LookupError: Nothing valid was measured yet.
        """
        if not len(self.hall):
            raise LookupError("nothing valid was measured")
        one: Individual = self.hall[0]
        return one

    def state_dict(self) -> dict[str, Any]:
        return {
            "known": sorted(self.known),
            "refits": self.refits,
            "hall": dump_individuals(self.hall, self._genome),
            "front": dump_individuals(self.front, self._genome),
            "shared": self.front.shared,
            "logbook": [dict(record) for record in self.logbook],
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.known, self.refits = set(state["known"]), state.get("refits", 0)
        self.hall.clear()
        # DEAP puts a newcomer before its equals, so going from worst to best keeps their order.
        for one in reversed(load_individuals(state["hall"], self._genome, self._weights)):
            self.hall.insert(one)
        self.front.restore(load_individuals(state["front"], self._genome, self._weights), state.get("shared", {}))
        self._counted = set(self.known)  # the failed are asked for no more, so that they may be in it
        self.logbook.clear()
        for record in state["logbook"]:
            self.logbook.record(**record)


def dump_individuals(individuals: Iterable[Individual], genome: Any) -> dict[str, Any]:
    """Individuals as a state holds them: JSON values a column, genes that are arrays of one shape as one array."""
    ones = list(individuals)
    return {
        "genes": dump_genes([one.genes for one in ones], genome),
        "values": [list(one.fitness.values) for one in ones],
        "constraints": [list(one.fitness.constraints) for one in ones],
        **{name: [getattr(one, name) for one in ones] for name in COLUMNS},
        **_dumped_cases([one.cases for one in ones]),
        **({"metrics": [dict(one.metrics) for one in ones]} if any(one.metrics for one in ones) else {}),
    }


def dump_genes(genes: Sequence[Any], genome: Any) -> np.ndarray | list[Any]:
    """Arrays of one shape as one array, other genes as JSON values."""
    kinds = {(one.dtype, one.shape) if isinstance(one, np.ndarray) else None for one in genes}
    together = len(kinds) == 1 and None not in kinds
    return np.stack(genes) if together else list(map(genome.to_json, genes))


def load_genes(saved: Any, genome: Any) -> Any:
    """One entry of what ``dump_genes`` gave, as genes."""
    return readonly(saved.copy()) if isinstance(saved, np.ndarray) else genome.from_json(saved)


def _dumped_cases(cases: Sequence[np.ndarray | None]) -> dict[str, np.ndarray]:
    """``(n_individuals, n_cases)``, NaN for whoever has none, as the predicted; nothing where nobody has any."""
    n_cases = next((len(one) for one in cases if one is not None), 0)
    return {"cases": np.stack([np.full(n_cases, np.nan) if one is None else one for one in cases])} if n_cases else {}


def _loaded_cases(row: np.ndarray | None) -> np.ndarray | None:
    return None if row is None or np.isnan(row).any() else readonly(row.copy())


def load_individuals(
    data: Mapping[str, Any] | Sequence[Mapping[str, Any]], genome: Any, weights: tuple[float, ...]
) -> list[Individual]:
    """The inverse of ``dump_individuals``; also of what it gave in versions that wrote a mapping each."""
    if isinstance(data, Mapping):
        data = [dict(zip(data, entry, strict=True)) for entry in zip(*data.values(), strict=True)]
    return [
        Individual(
            genes=load_genes(entry["genes"], genome),
            key=entry["key"],
            fitness=Score(weights, tuple(entry["values"]), tuple(entry.get("constraints", ()))),
            parents=tuple(entry["parents"]),
            born_by=entry["born_by"],
            predicted=tuple(told) if isinstance(told := entry["predicted"], list) else told,
            cases=_loaded_cases(entry.get("cases")),
            metrics=entry.get("metrics", {}),
        )
        for entry in data
    ]
