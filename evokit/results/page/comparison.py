"""The sections of a page about several runs."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from evokit.assembly.identity import side_by_side
from evokit.common.charts import Figure
from evokit.common.names import told_apart
from evokit.common.text import Table
from evokit.errors import UserError
from evokit.genomes.individuals import weights_of
from evokit.interfaces import WORK
from evokit.progress import number
from evokit.results import report
from evokit.results.compare import COSTS, Compared, machine_lines, method_lines, sentence, values_table, verdicts
from evokit.results.cost_text import cost_table, parts_tables, total_cost, unit_of
from evokit.results.curves import Curve, read_curves
from evokit.results.entries import champion
from evokit.results.front_text import of_repeat, volumes_line
from evokit.results.page import drawings
from evokit.results.page.blocks import Block, Section, figures, lines, tables, text
from evokit.runs.repeats import final_goal
from evokit.statistics.pareto import hypervolumes


def named(runs: Sequence[Compared]) -> list[Compared]:
    """The same by their shortest names."""
    names = told_apart([one.path for one in runs])
    return [replace(one, name=name) for name, one in zip(names, runs, strict=True)]


def about(runs: Sequence[Compared]) -> Iterator[str]:
    """A line for each run: its recipe and how it ended."""
    for one in runs:
        yield f"{one.name}: {next(iter(report.head_lines(one.summary)))}"


def comparison_sections(runs: Sequence[Compared], out: Path) -> list[Section]:
    """All that have something to say.

    Args:
        runs: The first is held against the others.
        out: Where the page lies.
    """
    parts = (found(runs), curves(runs), costs(runs), recipes(runs), versions(runs), commands(runs, out))
    return [one for one in parts if one.blocks]


def found(runs: Sequence[Compared]) -> Section:
    """Verdicts of the first run against each other one, values of all, and what each says of its own rivals."""
    first, *others = runs
    judged, reasons = verdicts(first, others)
    said = [*(sentence(first, one) for one in judged), *method_lines(judged)]
    drawn: list[Figure | None] = []
    for group in _groups(runs):
        objectives, objective = group[0].summary["objectives"], group[0].summary["objective"]
        if fronts := {one.name: [point["values"] for point in one.summary["front"]] for one in group if _front(one)}:
            shares = hypervolumes(fronts, weights_of(objectives))
            said.append(volumes_line(shares))
            said += [
                f"{one.name}: its front is that{of}." for one in group if _front(one) and (of := of_repeat(one.summary))
            ]
            drawn += [drawings.volumes(shares), *drawings.fronts(objectives, fronts)]
            continue
        entries = [(one.name, entry) for one in group if (entry := champion(one.summary)) is not None]
        if entries and all(entry["test"] is None for _, entry in entries):
            told = ", ".join(f"{name} {number(entry['validation'])}" for name, entry in entries)
            said.append(f"On validation, {objective['name']} ({drawings.BETTER[objective['goal']]}): {told}")
        if entries:
            drawn.append(drawings.values("The champions", entries, final_goal(group[0].summary), objective["goal"]))
    rows = [(one.against, one.difference, one.interval if one.n > 1 else None) for one in judged]
    if rows:
        better = drawings.BETTER[final_goal(first.summary)]
        drawn.append(drawings.differences(rows, f"{first.name} minus the other ({better})"))
    blocks = [Block("lines", [*said, *reasons]), *figures(*drawn), *tables([values_table(runs)])]
    return Section("What they found", [*blocks, *tables([_own_rivals(runs)], "Each on its own")])


def _groups(runs: Sequence[Compared]) -> list[list[Compared]]:
    """Runs whose values may stand on one axis."""
    groups: dict[tuple[Any, ...], list[Compared]] = {}
    for one in runs:
        final = one.summary["final"] or {}
        same = (*one.summary["objectives"].items(), final.get("goal"), final.get("test") is None)
        groups.setdefault(same, []).append(one)
    return list(groups.values())


def _front(one: Compared) -> bool:
    return bool(one.summary["front"])


def _own_rivals(runs: Sequence[Compared]) -> Table:
    """The verdict of each run against its own best baseline."""
    rows = []
    for one in runs:
        for judged in one.summary["verdicts"]:
            if judged["against"] == one.summary["rival"]:
                difference, interval = f"{judged['difference']:+.4g}", report.interval_text(judged["interval"])
                rows.append((one.name, judged["against"], difference, interval, judged["verdict"]))
    return Table(("run", "against its best baseline", "difference", "95 % interval", "verdict"), rows)


def curves(runs: Sequence[Compared]) -> Section:
    """The champions' ways by work and by CPU seconds, a pair of figures for each objective."""
    ways: dict[tuple[str, str], list[tuple[str, Curve]]] = {}
    lacking = []
    for one in runs:
        try:
            for read in read_curves(one.path, one.recipe):
                ways.setdefault((read.objective, read.goal), []).append((one.name, read.curves[0]))
        except UserError as error:
            lacking.append(f"{one.name} has no curve: {error}")
    units = {unit_of(one.summary) for one in runs}
    drawn = [
        drawings.against(several, what, x, f"{name}, validation")
        for (name, _), several in ways.items()
        for what, x in (("work", units.pop() if len(units) == 1 else WORK), ("CPU seconds", "CPU seconds"))
    ]
    return Section("Curves", [*figures(*drawn), *([Block("lines", lacking)] if lacking else [])])


def costs(runs: Sequence[Compared]) -> Section:
    """What led to each champion, everything included."""
    finished = [one for one in runs if one.summary["final"] is not None]
    rows = [(one.name, total_cost(one.summary, one.summary["final"])) for one in finished]
    shown = [cost_table("what it took", rows)] if rows else []
    parts = parts_tables((one.name, one.summary["final"]) for one in finished)
    whole = [f"{one.name}: {next(report.in_all_lines(one.summary))}" for one in runs]
    return Section("Cost", [*tables([*shown, *parts]), Block("lines", [COSTS, *machine_lines(runs), *whole])])


def recipes(runs: Sequence[Compared]) -> Section:
    """Keys in which the recipes differ."""
    rows = [(key, *said) for key, said in side_by_side([one.recipe for one in runs])]
    return Section("How the recipes differ", _by_run("key", runs, rows) or lines("In nothing."))


def versions(runs: Sequence[Compared]) -> Section:
    """Packages of which the runs had different versions."""
    told = [one.summary.get("versions", {}) for one in runs]
    packages = dict.fromkeys(package for one in told for package in one)
    rows = [(package, *(one.get(package, "none") for one in told)) for package in packages]
    return Section("Versions", _by_run("package", runs, [row for row in rows if len(set(row[1:])) > 1]))


def _by_run(what: str, runs: Sequence[Compared], rows: Sequence[Sequence[str]]) -> list[Block]:
    return tables([Table((what, *(one.name for one in runs)), rows)])


def commands(runs: Sequence[Compared], out: Path) -> Section:
    """What writes this page anew, and what tells more of each run."""
    folders = [str(one.path) for one in runs]
    words = [
        (["evokit", "compare", "--html", str(out), *folders], "this page, written anew"),
        (["evokit", "compare", *folders], "the same as text"),
        *((["evokit", "report", "--html", str(one.path)], f"the page of {one.name}") for one in runs),
    ]
    return Section("Commands", text("\n".join(f"{shlex.join(command)}  # {what}" for command, what in words)))
