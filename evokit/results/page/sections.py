"""The sections of the page, in the order in which a reader doubts what a run found."""

from __future__ import annotations

import shlex
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import astuple
from typing import Any

from evokit.common.charts import Figure, Series, heat_map, line_chart
from evokit.common.text import Table, size
from evokit.errors import UserError
from evokit.facts import ReportFacts
from evokit.measuring.history import all_failures, measuring_time
from evokit.progress import energy, number
from evokit.results import report
from evokit.results.archive_text import archive_told, merged
from evokit.results.cost_text import cost_remark, cost_tables, unit_of
from evokit.results.crossing import crossings
from evokit.results.curves import Curves, read_curves
from evokit.results.entries import entries
from evokit.results.front_text import front_told
from evokit.results.page import drawings
from evokit.results.page.blocks import Block, Section, figures, lines, tables, text
from evokit.results.page.explorer import explorer
from evokit.results.page.population import population
from evokit.results.page.screening import screens
from evokit.results.page.sources import Source
from evokit.results.plot import sentence
from evokit.runs.costs import PREPARE
from evokit.runs.found import BY_HAND, go_on
from evokit.runs.repeats import final_goal

FAILURES = 20  # kinds that are listed
MESSAGE = 300  # characters of one


def sections(source: Source) -> list[Section]:
    """All that have something to say."""
    made = (found, curves, costs, screens, population, front, archive)
    later = (failures, openings, recipe, versions, commands)
    parts = [*(make(source) for make in made), *plugins(source), *(make(source) for make in later)]
    return [one for one in parts if one.blocks]


def found(source: Source) -> Section:
    """The champion, the verdicts, and how sure they are."""
    summary = source.summary
    contenders = list(entries(summary))
    later = set(report.screen_lines(summary))  # which have a section of their own
    verdicts = [report.said(summary, one) for one in _rival_first(summary)]
    volumes = front_told(summary)[-1] if summary["front"] else ()
    lead = (*report.search_lines(summary), *verdicts, *volumes, *report.found_lines(summary, source.best_so_far))
    blocks = lines(*(one for one in lead if one not in later))
    blocks += figures(*_judged(summary, contenders)) + tables(report.search_tables(summary))
    if contenders:
        blocks += tables(report.contest_tables(contenders, summary["verdicts"], "test", report.chosen_by(summary)))
        told = (
            *report.same_lines(summary), *report.edge_lines(summary), *report.repaid_lines(summary),
            *report.method_lines(summary["verdicts"]),
        )  # fmt: skip
        blocks += lines(*told, *report.skipped_lines(summary))
    if (vault := summary.get("vault")) is not None:
        blocks += tables(report.vault_tables(vault), report.vault_title(vault))
        blocks += lines(*(report.said(vault, one) for one in _rival_first(vault)), *report.opening_lines(vault))
    if summary["best"] and source.best_so_far is None:
        blocks += text(summary["best"]["show"], "The champion")
    for title, shown in report.controls_shown(contenders):
        blocks += text(shown, title)
    return Section("What it found", blocks)


def _rival_first(judged: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return sorted(judged["verdicts"], key=lambda one: one["against"] != judged["rival"])


def _judged(summary: Mapping[str, Any], contenders: Sequence[tuple[str, Mapping[str, Any]]]) -> list[Figure | None]:
    """Champion and rivals, or with several objectives what their fronts dominate; and the champion against each."""
    goal = summary["objective"]["goal"]
    final = goal if summary["final"] is None else final_goal(summary)
    rivals = ((one["against"], one["difference"], one["interval"]) for one in _rival_first(summary))
    return [
        drawings.volumes(summary.get("hypervolume") or {})
        or drawings.values("Champion and rivals", contenders, final, goal),
        drawings.differences(rivals, f"champion minus rival ({drawings.BETTER[final]})"),
    ]


def curves(source: Source) -> Section:
    """Value by generation, by work and by CPU seconds."""
    name = source.summary["objective"]["name"]
    records = [(part, part.noted()) for part in source.parts]
    several = len(records) > 1
    by_generation = [
        Series(f"{key}{f', repeat {at + 1}' if several else ''}", _noted(noted, key))
        for key in ("best", "mean")
        if key == "best" or not several
        for at, (_, noted) in enumerate(records)
    ]
    read = _curves(source)
    ways = [(curve.name, curve) for one in read for curve in one.curves]
    y = f"{read[0].objective}, validation" if read else ""
    drawn = [
        line_chart(f"{name} by generation", by_generation, x="generation", y=name),
        drawings.against(ways, "work", unit_of(source.summary), y),
        drawings.against(ways, "CPU seconds", "CPU seconds, without tuning", y),
    ]
    worth = [
        sentence(each, one.run if several else "", unit_of(source.summary)) for one in read for each in crossings(one)
    ]
    return Section("Curves", [*figures(*drawn), *lines(*worth)])


def _noted(records: Sequence[Mapping[str, Any]], key: str) -> list[tuple[float, float]]:
    return [(one["generation"] + 1, one[key]) for one in records if one.get(key) is not None]


def _curves(source: Source) -> list[Curves]:
    if source.recipe is None:
        return []
    try:
        return read_curves(source.folder, source.recipe)
    except UserError:
        return []  # nothing was measured at full budget yet


def costs(source: Source) -> Section:
    """What everyone took, everything included, and where the time went."""
    contenders = list(entries(source.summary))
    blocks = lines(*report.in_all_lines(source.summary))
    if contenders:
        blocks += tables(cost_tables(source.summary, contenders)) + lines(cost_remark(contenders))
    phases: dict[str, Any] = {}
    measured: defaultdict[str, int] = defaultdict(int)
    measuring_s: defaultdict[str, float] = defaultdict(float)
    kept: set[tuple[Any, ...]] = set()  # what one repeat prepared and others took from it, to the last digit
    for _, ledger in source.ledgers():
        for phase, cost in ledger.costs().items():
            identity = (phase, *astuple(cost))
            if phase.startswith(PREPARE) and identity in kept:
                continue
            kept.add(identity)
            phases[phase] = phases[phase] + cost if phase in phases else cost
        for phase, n, seconds in measuring_time(ledger):
            measured[phase] += n
            measuring_s[phase] += seconds
    rows = [
        (
            phase,
            f"{measured[phase]:,}" if measured[phase] else "",
            f"{one.cpu_s:.1f}",
            f"{one.wall_s:.1f}",
            f"{measuring_s[phase] / one.wall_s:.2f}" if measured[phase] and one.wall_s else "",
            energy(one.energy_j, one.estimated_j),
            size(one.peak_memory_bytes) if one.peak_memory_bytes else "",
        )
        for phase, one in phases.items()
    ]
    head = ("phase", "measured", "CPU s", "wall s", "measured at once", "energy", "peak memory")
    blocks += tables([Table(head, rows)], "Where the time went")
    if measured:
        blocks += lines("Measured at once is how many workers were busy on average: seconds of measurements by wall s.")
    return Section("Cost", blocks)


def front(source: Source) -> Section:
    """The Pareto front, a figure for each pair of objectives, whose points are told one by one."""
    summary = source.summary
    if not summary["front"]:
        return Section("Front", [])
    title, members, _ = front_told(summary)
    shown = explorer(summary, champion=source.best_so_far is None)
    picture = [Block("explorer", shown)] if shown else []
    return Section("Front", [*picture, *tables([members], title)])


def archive(source: Source) -> Section:
    """The archive of elites as a map."""
    told = source.summary.get("archive")
    if told is None:
        return Section("Archive", [])
    title, members, remark = archive_told(source.summary)
    objective = source.summary["objective"]
    values = [value for row in told["map"] for value in row if value is not None]
    drawn = []
    if values:
        first, *more = told["descriptors"]
        low_first = objective["goal"] == "min"
        axes = [(one["metric"], one["low"], one["high"]) for one in (first, *more[:1])]
        drawn.append(
            heat_map(
                f"Best {objective['name']} by {' and '.join(name for name, *_ in axes)}, "
                f"from {number(max(values) if low_first else min(values))} (faint) "
                f"to {number(min(values) if low_first else max(values))} (strong){merged(told)}",
                told["map"],
                across=axes[0],
                up=axes[1] if more else None,
                best=min(values) if low_first else max(values),
                worst=max(values) if low_first else min(values),
            )
        )
    return Section("Archive", [*lines(f"{title}."), *figures(*drawn), *tables([members]), *lines(remark)])


def plugins(source: Source) -> list[Section]:
    """What plugins add; one that raises is named with its error."""
    if source.recipe is None:
        return []
    facts = ReportFacts(source.folder, source.recipe.resolved, source.summary)
    added: list[Section] = []
    for name, ask in source.recipe.registry.reporting:
        try:
            added += [
                Section(one.title, [*_content(one.content), *figures(*one.figures)])
                for answer in ask(report=facts)
                for one in answer
            ]
        except Exception as error:
            told = f"The plugin {name} could not add to this page: {type(error).__name__}: {error}"
            added.append(Section(f"Plugin {name}", lines(told)))
    return added


def _content(content: str) -> list[Block]:
    """What knows itself to be HTML, as ``markupsafe.Markup`` does, is; all else is text."""
    return [Block("html", content)] if hasattr(content, "__html__") else text(content)


def failures(source: Source) -> Section:
    """What failed, and the commands that look at one of each kind."""
    rows: list[tuple[str, ...]] = []
    for part, ledger in source.ledgers():
        rows += [
            (
                one.phase,
                one.outcome,
                " ".join(one.message.split())[:MESSAGE],
                f"{one.n:,}",
                shlex.join(["evokit", "replay", str(part.path), one.key[:12]]),
            )
            for one in all_failures(ledger)
        ]
    shown = rows[:FAILURES]
    rest = f"And {len(rows) - FAILURES:,} more kinds." if len(rows) > FAILURES else ""
    head = ("phase", "outcome", "message", "times", "to look at one")
    return Section("Failures", [*tables([Table(head, shown)]), *lines(rest)])


def openings(source: Source) -> Section:
    """When the test split was opened, and who else opened it."""
    opened = source.summary["test_openings"]
    rows = [(f"{one['number']}", one["reason"], one["at"]) for one in opened]
    head = ("opening", "reason", "at")
    return Section(
        "Openings of the test split", [*lines(*report.test_lines(source.summary)), *tables([Table(head, rows)])]
    )


def recipe(source: Source) -> Section:
    """The recipe with every default."""
    content = source.recipe_text()
    return Section("Recipe", [Block("folded", content, "As it ran, with every default")] if content else [])


def versions(source: Source) -> Section:
    """Of Python and of the packages that decide numbers."""
    told = source.summary.get("versions", {})
    return Section("Versions", lines(", ".join(f"{name} {version}" for name, version in told.items())))


def commands(source: Source) -> Section:
    """What repeats and checks the run."""
    folder, again = str(source.folder), str(source.folder.with_name(f"{source.folder.name}-again"))
    asked = source.summary.get("asked", [])
    words: list[tuple[str, list[str]]] = []
    if asked and asked != BY_HAND:
        words.append(("the same run again, elsewhere", ["evokit", "run", *asked, "--out", again]))
    words += [
        ("the claims of this page, measured again", ["evokit", "verify", folder]),
        ("the same as text", ["evokit", "report", folder]),
        ("this page, written anew", ["evokit", "report", "--html", folder]),
    ]
    told = [f"{shlex.join(command)}  # {what}" for what, command in words]
    if source.now.status in ("crashed", "failed", "interrupted"):
        told.insert(0, f"{go_on(asked, source.folder)}  # goes on with it")
    return Section("Commands", text("\n".join(told)))
