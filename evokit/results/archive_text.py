"""An archive of elites in a report: its figures beside those of the controls, and a map of characters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from evokit.common.text import Table, table, wrapped
from evokit.progress import number
from evokit.results.front_text import averaged, of_repeat

SHADES = "░▒▓█"  # from the worst to the best


def archive_text(summary: Mapping[str, Any]) -> str:
    """How full the archive of elites is beside those of the controls, and a map of it by its first two descriptors."""
    archive = summary.get("archive")
    if archive is None:
        return ""
    title, figures, told = archive_told(summary)
    lines = [wrapped(f"{title}:"), "", table(*figures)]
    lines += ["", wrapped(told)] if told else []
    return "\n".join([*lines, "", *_map(archive, summary["objective"])] if archive["elites"]["search"] else lines)


def archive_told(summary: Mapping[str, Any]) -> tuple[str, Table, str]:
    """What the archive is of, its figures and those of the controls, and how many it could not place well."""
    archive, objective = summary["archive"], summary["objective"]
    kinds = f"{archive['cells']:,} cells" if archive["niches"] is None else f"{archive['niches']:,} niches"
    names = ", ".join(one["metric"] for one in archive["descriptors"])
    repeats = averaged(summary, "qd_score")
    rows = [
        (
            name,
            f"{n:,.1f}" if repeats > 1 else f"{n:,}",
            f"{archive['coverage'][name]:.1%}",
            number(archive["qd_score"][name]),
        )
        for name, n in archive["elites"].items()
    ]
    title = (
        f"Archive of the best in each of {kinds} by {names}; QD score: the sum over elites of how much better"
        f" than {number(archive['offset'])} their {objective['name']} is"
    )
    told = f"The map is that{of_repeat(summary)}. " if repeats > 1 else ""
    if archive["outside"] or archive["unplaced"]:
        outside = f"{archive['outside']:,} measured had a descriptor outside its bounds and count as at the bound"
        told += f"{outside}; {archive['unplaced']:,} had one that is no finite number or was not told, and no cell."
    return (
        title,
        Table((f"mean of {repeats} repeats" if repeats > 1 else "", "elites", "coverage", "QD score"), rows),
        told,
    )


def _map(archive: Mapping[str, Any], objective: Mapping[str, Any]) -> Iterator[str]:
    """A character a block of cells, the darker the better its best elite; empty where there is none."""
    first, *more = archive["descriptors"]
    values = sorted(value for row in archive["map"] for value in row if value is not None)
    low, high = values[0], values[-1]
    best, worst = (low, high) if objective["goal"] == "min" else (high, low)
    legend = f"{SHADES[-1]} {number(best)} ... {SHADES[0]} {number(worst)}"
    rest = ", the best over the other descriptors" if len(more) > 1 else ""
    rest += merged(archive)
    across = f"{first['metric']} {number(first['low'])} to {number(first['high'])} from left to right"
    up = f", {more[0]['metric']} {number(more[0]['low'])} to {number(more[0]['high'])} upwards" if more else ""
    yield wrapped(f"{objective['name']} by {across}{up}{rest} ({legend}):")
    yield ""
    for row in archive["map"]:
        yield f"|{''.join(_shade(value, worst, best) for value in row)}|"


def merged(archive: Mapping[str, Any]) -> str:
    """How many cells each place of the map has the best of; empty where it is one, or niches, which have no sides."""
    shown = (len(archive["map"][0]), len(archive["map"]))
    sides = [-(-one["cells"] // n) for one, n in zip(archive["descriptors"], shown, strict=False)]
    if archive["niches"] is not None or max(sides) == 1:
        return ""
    return f", each place the best of {' x '.join(map(str, sides))} cells"


def _shade(value: float | None, worst: float, best: float) -> str:
    if value is None:
        return " "
    share = 1.0 if best == worst else (value - worst) / (best - worst)
    return SHADES[min(int(share * len(SHADES)), len(SHADES) - 1)]
