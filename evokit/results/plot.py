"""``evokit plot``: value against CPU seconds for all methods of runs on one plot, with the values beside it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evokit.assembly.jobs import CHAMPION
from evokit.common.files import write_atomically
from evokit.common.names import told_apart
from evokit.common.text import table
from evokit.errors import UserError
from evokit.interfaces import WORK
from evokit.progress import number
from evokit.results.crossing import Crossing, Split, crossings, method
from evokit.results.curves import Curve, Curves, Point, read_curves

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SUFFIXES = (".png", ".svg")
COLUMNS = (
    "run", "contender", "split", "point", "work", "steps", "cpu_s", "cpu_s_with_tuning", "value", "low", "high",
)  # fmt: skip
ENTRY_INCHES, CHARACTER_INCHES = 0.75, 0.075  # of the legend: a line and its gaps, a small letter
LARGEST = 1e100  # value that is drawn: beyond, as penalties may be, an axis would show nothing else
LEAST_S = 1e-3  # CPU seconds of what was too quick for the clock, on a logarithmic axis
SAYS = {"at": "", "beyond": "more than ", "within": "at most "}


@dataclass(frozen=True)
class Plotted:
    """What is on a plot: the curves of each run or repeat, and where trainings cross their champions."""

    curves: Sequence[Curves]
    crossings: Sequence[Sequence[Crossing]]


def plotted(folders: Sequence[Path]) -> Plotted:
    """Read runs that have one objective in common.

    Raises:
        UserError: One is no run directory, has measured nobody, or has another objective.
    """
    curves = [one for folder in folders for one in read_curves(folder)]
    first = curves[0]
    for one in curves:
        if (one.objective, one.goal) != (first.objective, first.goal):
            raise UserError(
                f"{first.run} and {one.run} do not fit on one plot: the objective of the first is {first.objective} "
                f"({first.goal}), of the second {one.objective} ({one.goal})"
            )
    return Plotted(curves, [crossings(one) for one in curves])


def check_suffix(path: Path) -> None:
    """
    Raises:
        UserError: The suffix names no format that is drawn.
    """
    if path.suffix not in SUFFIXES:
        raise UserError(f"--out {path} must end in {' or '.join(SUFFIXES)}, which says the format")


def write(one: Plotted, path: Path) -> Path:
    """Draw to ``path`` and write the values beside it; returns where those are."""
    from evokit.common.figures import save

    values = path.with_suffix(".csv")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        save(drawn(one), path)
        write_atomically(values, csv_text(one).encode())
    except OSError as error:
        raise UserError(f"{error.filename or path} cannot be written: {error.strerror}") from error
    return values


def csv_text(one: Plotted) -> str:
    """A line per point, test value and crossing, under ``COLUMNS``."""
    text = io.StringIO()
    rows = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    rows.writeheader()
    for curves, crossed in zip(one.curves, one.crossings, strict=True):
        for curve in curves.curves:
            rows.writerows({"run": curves.run, "contender": curve.name} | row for row in _rows(curve))
        rows.writerows({"run": curves.run} | _crossing_row(each) for each in crossed)
    return text.getvalue()


def _rows(curve: Curve) -> Iterator[dict[str, Any]]:
    for point in curve.points:
        yield {
            "split": "validation",
            "point": point.kind,
            "work": point.work,
            "steps": curve.steps if point.kind == "finished" else None,
            "cpu_s": round(point.cpu_s, 3),
            "cpu_s_with_tuning": round(point.tuned_cpu_s, 3),
            "value": point.value,
        }
    if curve.test is not None:
        low, high = curve.interval or (None, None)
        last = {"split": "test", "point": "finished", "work": curve.last.work, "steps": curve.steps}
        seconds = {"cpu_s": round(curve.last.cpu_s, 3), "cpu_s_with_tuning": round(curve.last.tuned_cpu_s, 3)}
        yield last | seconds | {"value": curve.test, "low": low, "high": high}


def _crossing_row(one: Crossing) -> dict[str, Any]:
    return {
        "contender": one.method,
        "split": one.split,
        "point": f"{SAYS[one.bound]}crossing",
        "work": round(one.work),
        "steps": None if one.steps is None else round(one.steps),
        "cpu_s": round(one.cpu_s, 3),
        "cpu_s_with_tuning": round(one.tuned_cpu_s, 3),
        "value": one.level,
    }


def told(one: Plotted) -> str:
    """Finished models and crossings for a terminal; empty lines between tables, and the rest in sentences."""
    shared = len(one.curves) > 1
    rows = [
        (
            curves.run if shared else "",
            curve.name,
            f"{curve.last.cpu_s:.1f}",
            f"{curve.last.tuned_cpu_s:.1f}",
            number(curve.last.value),
            "" if curve.test is None else number(curve.test),
        )
        for curves in one.curves
        for curve in curves.curves
    ]
    parts = [table(("run", "", "CPU s", "with tuning", "validation", "test"), rows)]
    parts += [
        "\n".join(sentence(each, curves.run if shared else "") for each in crossed)
        for curves, crossed in zip(one.curves, one.crossings, strict=True)
        if crossed
    ]
    return "\n\n".join(parts)


def sentence(one: Crossing, run: str = "", unit: str = WORK) -> str:
    """What the champion is worth, in words."""
    amount = f"{one.work:,.0f} {unit}" if one.steps is None else f"{one.steps:,.0f} steps"
    tuned = f", {one.tuned_cpu_s:,.0f} with tuning ({one.tuned_ratio:.2g} times)"
    return (
        f"{f'{run}: ' if run else ''}the champion's {one.split} value {number(one.level)} is worth {SAYS[one.bound]}"
        f"{amount} of {one.method}, which take {one.cpu_s:,.0f} CPU s against {one.champion_cpu_s:,.0f} "
        f"({one.ratio:.2g} times){tuned if one.tuned_cpu_s > one.cpu_s else ''}"
    )


def drawn(one: Plotted) -> Any:
    """The figure: a panel for validation and, where test values are on record, one for the test split."""
    from evokit.common.figures import panels

    splits: list[Split] = ["validation"]
    if any(curve.test is not None for curves in one.curves for curve in curves.curves):
        splits.append("test")
    figure, axes = panels(len(splits))
    looks = _looks(one)
    for axis, split in zip(axes, splits, strict=True):
        for curves, crossed in zip(one.curves, one.crossings, strict=True):
            for curve in reversed(curves.curves):  # the champion on top
                label = _label(one, curves, curve)
                draw = _draw_test if split == "test" else _draw_validation
                draw(axis, curve, looks[label] | {"lw": 2.2 if curve.name == CHAMPION else 1.4})
            for each in crossed:
                if each.split == split and each.bound == "at":
                    _draw_crossing(axis, each)
        _scale(axis)
        axis.set_ylabel(f"{one.curves[0].objective}, {split}")
    handles = [_handle(look, label) for label, look in looks.items()]
    entry = ENTRY_INCHES + CHARACTER_INCHES * max(map(len, looks))
    ncols = max(1, int(figure.get_figwidth() / entry))
    figure.legend(handles=handles, loc="outside lower center", ncols=ncols, fontsize="small", frameon=False)
    return figure


def _looks(one: Plotted) -> dict[str, dict[str, Any]]:
    """Colour of each label; when all are used they come again with dashes and squares."""
    from matplotlib import rc_context, rcParams

    from evokit.common.figures import STYLE

    labels = dict.fromkeys(_label(one, curves, curve) for curves in one.curves for curve in curves.curves)
    with rc_context(STYLE):
        colours = rcParams["axes.prop_cycle"].by_key()["color"]
    rounds = [{"ls": "-", "marker": "o"}, {"ls": "--", "marker": "s"}, {"ls": ":", "marker": "^"}]
    return {
        label: {"color": colours[at % len(colours)]} | rounds[at // len(colours) % len(rounds)]
        for at, label in enumerate(labels)
    }


def _label(one: Plotted, curves: Curves, curve: Curve) -> str:
    """The same for all repeats of a run, which share their look."""
    name = curve.name
    if curve.trained and curve.steps is not None:
        what, *how = method(curve).split(", ")
        name = ", ".join([what, f"{curve.steps:,} steps", *how])
    folders = [each.folder for each in one.curves]
    if len({folder.resolve() for folder in folders}) == 1:
        return name
    return f"{told_apart(folders)[folders.index(curves.folder)]}: {name}"


def _handle(look: Mapping[str, Any], label: str) -> Any:
    from matplotlib.lines import Line2D

    return Line2D([], [], ms=5, label=label, **look)


def _scale(axis: Axes) -> None:
    """Seconds on a logarithmic axis, with as many plain numbers as there is room for."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axis.set_xscale("log")
    axis.margins(x=0.08)
    low, high = axis.get_xlim()
    wide = high / low
    subs = (1, 1.5, 2, 3, 4, 5, 7) if wide < 10 else (1, 2, 5) if wide < 50 else (1, 3) if wide < 1000 else (1,)
    axis.xaxis.set_major_locator(LogLocator(subs=subs))
    axis.xaxis.set_major_formatter(FuncFormatter(lambda seconds, _: f"{seconds:g}"))
    axis.xaxis.set_minor_formatter(NullFormatter())
    axis.set_xlabel("CPU seconds, without tuning")


def _draw_validation(axis: Axes, curve: Curve, look: Mapping[str, Any]) -> None:
    so_far = [point for point in curve.points if point.kind == "best so far"]
    trained = [point for point in curve.points if point.kind != "best so far"]
    line = {key: value for key, value in look.items() if key != "marker"}
    axis.step(*_places(so_far), where="post", **line)
    axis.plot(*_places([*so_far[-1:], *trained]), **line)
    for kind, face in (("rung", "white"), ("finished", look["color"])):
        at = _places([point for point in trained if point.kind == kind])
        axis.plot(*at, look["marker"], color=look["color"], mfc=face, ms=5)


def _places(points: Sequence[Point]) -> tuple[list[float], list[float]]:
    points = [point for point in points if abs(point.value) <= LARGEST]
    return [max(point.cpu_s, LEAST_S) for point in points], [point.value for point in points]


def _draw_test(axis: Axes, curve: Curve, look: Mapping[str, Any]) -> None:
    if curve.test is None or abs(curve.test) > LARGEST:
        return
    low, high = curve.interval or (curve.test, curve.test)
    errors = [[curve.test - low], [high - curve.test]]
    line = {key: value for key, value in look.items() if key not in ("lw", "ls")}
    axis.errorbar([max(curve.last.cpu_s, LEAST_S)], [curve.test], errors, ms=5, capsize=3, elinewidth=1, **line)


def _draw_crossing(axis: Axes, one: Crossing) -> None:
    """A cross where the training gets as good as the champion, with its price."""
    amount = f"{one.work:,.0f} units" if one.steps is None else f"{one.steps:,.0f} steps"
    axis.plot([one.champion_cpu_s, one.cpu_s], [one.level, one.level], ":", color="black", lw=1)
    axis.plot([one.cpu_s], [one.level], "x", color="black", ms=7)
    text = f"{amount},\n{one.ratio:.2g} times the cost"
    axis.annotate(text, (one.cpu_s, one.level), (6, 8), textcoords="offset points", fontsize="small")
