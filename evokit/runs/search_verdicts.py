"""What searches of repeats found where nothing is tested: values, fronts and archives, beside those of controls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from evokit.genomes.individuals import weights_of
from evokit.interfaces import Goal
from evokit.runs.summary import best_value, told
from evokit.statistics.averages import mean
from evokit.statistics.pareto import gaps, hypervolumes
from evokit.statistics.verdicts import corrected, verdict

SEARCH = "search"
Values = Mapping[str, Sequence[float]]
"""Of the search and of each control, one value a repeat."""
Fronts = Mapping[tuple[int, str], Sequence[Sequence[float]]]
"""Repeat and whose it is, to its points."""


def of_values(summaries: Sequence[Mapping[str, Any]]) -> Values:
    """The best value of each repeat, of search and controls; that measured again where all of them have one.

    Args:
        summaries: One per repeat; nothing is said where there are data, whose test split is what counts, several
            objectives or an archive, or where one of them found nothing feasible.
    """
    if not summaries or any(one["data"] or len(one["objectives"]) > 1 or one.get("archive") for one in summaries):
        return {}
    controls = [{one["name"]: one for one in summary["baselines"] if not one["trained"]} for summary in summaries]
    entries = {SEARCH: [(one["best"] or {}, best_value(one)) for one in summaries]}
    entries |= {name: [(one[name], one[name]["validation"]) for one in controls] for name in _shared(controls)}
    # What was measured again flatters nobody, what was chosen by does: of all the one or of all the other.
    again = all(entry.get("confirmed") is not None for some in entries.values() for entry, _ in some)
    values = {name: [_value(entry, found, again) for entry, found in some] for name, some in entries.items()}
    return {name: told for name, some in values.items() if len(told := _known(some)) == len(summaries)}


def _value(entry: Mapping[str, Any], found: float | None, again: bool) -> float | None:
    """What was found, or measured ``again`` of it; None of what violates constraints."""
    if found is None or entry.get("confirmed_violation"):
        return None
    return float(entry["confirmed"]) if again else found


def _known(values: Sequence[float | None]) -> list[float]:
    return [one for one in values if one is not None]


def of_fronts(summaries: Sequence[Mapping[str, Any]]) -> tuple[dict[str, Any], Values]:
    """What stands in place of one repeat's ``hypervolume`` and ``gaps``, and the hypervolumes of each repeat.

    All are in one box around the fronts of all repeats, so that they can be compared and averaged.

    Args:
        summaries: One per repeat; nothing is said where one of them has no front.
    """
    if not summaries or not all(one.get("hypervolume") for one in summaries):
        return {}, {}
    names = _shared([one["hypervolume"] for one in summaries])
    fronts = {(at, name): _front(one, name) for at, one in enumerate(summaries) for name in names}
    weights = weights_of(summaries[0]["objectives"])
    volumes = hypervolumes(fronts, weights)
    values = {name: [volumes[at, name] for at in range(len(summaries))] for name in names}
    distances = gaps(fronts, weights)
    between = {
        name: {
            measure: float(mean([distances[at, name][measure] for at in range(len(summaries))]))
            for measure in ("igd_plus", "epsilon")
        }
        for name in names
        if all((at, name) in distances for at in range(len(summaries)))  # an empty front has none
    }
    return {"hypervolume": _means(values), "gaps": between}, values


def of_archives(summaries: Sequence[Mapping[str, Any]]) -> tuple[dict[str, Any], Values]:
    """What stands in place of one repeat's figures in ``archive``, and the QD scores of each repeat.

    Args:
        summaries: One per repeat; nothing is said where one of them has no archive.
    """
    archives = [archive for one in summaries if (archive := one.get("archive"))]
    if not archives or len(archives) < len(summaries):
        return {}, {}
    figures = {
        measure: {
            name: [one[measure][name] for one in archives] for name in _shared([one[measure] for one in archives])
        }
        for measure in ("elites", "coverage", "qd_score")
    }
    return {measure: _means(values) for measure, values in figures.items()}, figures["qd_score"]


def judged(measure: str, values: Values, goal: Goal = "max") -> list[dict[str, Any]]:
    """The search against each control by a measure, corrected for the number of controls."""
    if SEARCH not in values or len(values[SEARCH]) < 2:
        return []
    says = f"over {len(values[SEARCH])} repeats of the whole run; speaks of the method"
    family = [verdict(name, _row(values[SEARCH]), _row(one), goal, says) for name, one in values.items()]
    return [{"measure": measure, **told(one)} for one in corrected(family[1:])]


def _row(values: Sequence[float]) -> np.ndarray:
    return np.asarray(values, dtype=float)


def _front(summary: Mapping[str, Any], name: str) -> Sequence[Sequence[float]]:
    if name == SEARCH:
        return [one["values"] for one in summary["front"]]
    return next(one["front"] for one in summary["baselines"] if one["name"] == name)


def _shared(measured: Sequence[Mapping[str, Any]]) -> list[str]:
    """The search and the controls that all repeats have, in their order."""
    first, *others = measured or [{}]
    return [name for name in first if all(name in one for one in others)]


def _means(values: Values) -> dict[str, float]:
    return {name: float(mean(one)) for name, one in values.items()}
