"""Who stands in a summary: champion and baselines, with the variants of each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from evokit.runs.summary import best_value

INFEASIBLE = " (nobody feasible)"


def entries(summary: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Label and entry of each contender."""
    if (final := champion(summary)) is not None:
        infeasible = summary["best"] is not None and summary["best"].get("violation")
        yield "champion" + INFEASIBLE * bool(infeasible), final
    for entry in summary["baselines"]:
        yield entry["name"] + _remark(entry), entry


def champion(summary: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The champion's entry, with the search's value where its models have none on validation; None before it is."""
    if (final := summary["final"]) is None:
        return None
    validation = final["validation"] if final["validation"] is not None else best_value(summary)
    return {**final, "validation": validation}


def vault_entries(vault: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The same of the contenders that an opened vault scored."""
    yield "champion", vault["final"]
    for entry in vault["baselines"]:
        yield entry["name"] + _remark(entry), entry


def with_variants(entries: Iterable[tuple[str, Mapping[str, Any]]]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Each entry, then those of its variants of one name, such as longer trainings, one group after the other."""
    entries = list(entries)
    yield from entries
    for name in dict.fromkeys(_variant_name(one) for _, entry in entries for one in entry["variants"]):
        for label, entry in entries:
            yield from ((f"{label}, {name}", one) for one in entry["variants"] if _variant_name(one) == name)


def _variant_name(variant: Mapping[str, Any]) -> str:
    return str(variant["name"]).rpartition(", ")[2]


def _remark(entry: Mapping[str, Any]) -> str:
    if entry["skipped"]:
        return " (skipped)"
    if entry.get("violation"):
        return INFEASIBLE
    fitted = bool(entry["seeds"])  # else it was stopped before that was known
    return " (untuned)" if entry["trained"] and fitted and entry["settings_tried"] == 1 else ""
