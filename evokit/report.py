"""A run's summary as text for a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from evokit.progress import duration, number


def report(summary: Mapping[str, Any]) -> str:
    """What a run found, in the order in which a reader doubts it."""
    parts = [_head(summary), _search(summary)]
    if rows := _contenders(summary):
        head = ("", "validation", "test", "95 % interval", "work", "CPU s", "wall s", "energy", "peak memory")
        parts.append(table(head, rows))
    parts.append("\n".join(_verdicts(summary)))
    parts.append(_energy(summary))
    return "\n\n".join(part for part in parts if part)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns of text, as wide as their widest entry; no line ends in spaces.

    >>> print(table(("a", "b"), [("1", "22")]))
    a  b
    -  --
    1  22
    """
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    lines = [head, ["-" * width for width in widths], *rows]
    return "\n".join(
        "  ".join(entry.ljust(width) for entry, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def size(n_bytes: float) -> str:
    """
    >>> size(12_300), size(5_400_000), size(2_100_000_000)
    ('12 kB', '5.4 MB', '2.1 GB')
    """
    for unit, factor in (("GB", 1e9), ("MB", 1e6)):
        if n_bytes >= factor:
            return f"{n_bytes / factor:.1f} {unit}"
    return f"{n_bytes / 1e3:.0f} kB"


def _head(summary: Mapping[str, Any]) -> str:
    repeats = f", {len(summary['repeats'])} repeats" if "repeats" in summary else f", seed {summary['seed']}"
    stopped = f"; {summary['stopped']}" if summary["stopped"] else ""
    lines = [f"{summary['recipe']}: {summary['status']}{repeats}, {summary['generations']} generations{stopped}"]
    if data := summary["data"]:
        splits = ", ".join(f"{name} {count:,}" for name, count in data["splits"].items())
        lines.append(f"Data: {data['name']} from {data['source']} ({splits})")
    return "\n".join(lines)


def _search(summary: Mapping[str, Any]) -> str:
    best, counts = summary["best"], summary["evaluations"]
    if best is None:
        return "Nothing was measured yet."
    objective = summary["objective"]
    direction = "lower" if objective["goal"] == "min" else "higher"
    lines = [
        f"Best {objective['name']} measured: {best['values'][0]:.6g} ({direction} is better), "
        f"born in generation {best['generation']}, key {best['key'][:8]}"
    ]
    if best["confirmed"] is not None:
        lines.append(f"On fresh data: {best['confirmed']:.6g}")
    if summary["would_have_reported"] not in (None, best["values"][0]):
        lines.append(f"If predictions counted as measurements it would read {summary['would_have_reported']:.6g}.")
    by_budget = ", ".join(f"{n} at {budget}" for budget, n in counts["by_budget"].items())
    lines.append(
        f"Evaluations: {counts['measured']} measured ({by_budget}), {counts['cached']} cached, "
        f"{counts['predicted']} predicted, {counts['failed']} failed"
    )
    for screen in summary["screens"]:
        lines.append(_screen(screen))
    if best["show"]:
        lines.append(best["show"])
    return "\n".join(lines)


def _screen(screen: Mapping[str, Any]) -> str:
    if screen["screen"] == "race":
        return f"Race: {screen['dropped']} dropped, {screen['work']:,} units of work at its rungs"
    text = f"Surrogate: {screen['screened_out']} screened out, {screen['fit_s']:.1f} s of fitting"
    if screen["audit"]:
        last = screen["audit"][-1]
        low, high = last["interval"]
        aside = sum(one["stepped_aside"] for one in screen["audit"])
        text += (
            f"; rank correlation on the last {last['n']} of its random share {last['rank_correlation']:.2f} "
            f"[{low:.2f}, {high:.2f}], stepped aside in {aside} of {len(screen['audit'])} generations"
        )
    return text


def _contenders(summary: Mapping[str, Any]) -> list[tuple[str, ...]]:
    final, baselines = summary["final"], summary["baselines"]
    rows = []
    if final is not None:
        # What the champion cost is the search that found it and the model that was made of it.
        both = {name: summary["search"][name] + final[name] for name in ("work", "cpu_s", "wall_s", "energy_j")}
        peak = max(summary["search"]["peak_memory_bytes"], final["peak_memory_bytes"])
        best = summary["best"]
        validation = final["validation"] if final["validation"] is not None else best and best["values"][0]
        rows.append(_row({**final, **both, "validation": validation, "peak_memory_bytes": peak}, "champion"))
    for entry in baselines:
        rows.append(_row(entry, entry["name"] + _remark(entry)))
    return rows


def _remark(entry: Mapping[str, Any]) -> str:
    if entry["skipped"]:
        return " (skipped)"
    trained = entry["settings"] is not None and "genes" not in entry["settings"]
    return " (untuned)" if trained and entry["settings_tried"] == 1 else ""


def _row(entry: Mapping[str, Any], name: str) -> tuple[str, ...]:
    interval = "" if entry["interval"] is None else "[{:.5g}, {:.5g}]".format(*entry["interval"])
    return (
        name,
        _value(entry["validation"]),
        _value(entry["test"]),
        interval,
        f"{entry['work']:,}",
        f"{entry['cpu_s']:.1f}",
        f"{entry['wall_s']:.1f}",
        f"{entry['energy_j']:.0f} J",
        size(entry["peak_memory_bytes"]),
    )


def _value(value: float | None) -> str:
    return "" if value is None else number(value)


def _verdicts(summary: Mapping[str, Any]) -> list[str]:
    lines = []
    for one in summary["verdicts"]:
        interval = "" if one["interval"] is None else " [{:+.4f}, {:+.4f}]".format(*one["interval"])
        rival = ", the best baseline on validation" if one["against"] == summary["rival"] else ""
        lines.append(
            f"Verdict: {one['verdict']} against {one['against']}{rival}: {one['difference']:+.4f}{interval}, "
            f"n = {one['n']}"
        )
    if summary["verdicts"]:
        lines.append(f"({summary['verdicts'][0]['method']})")
        lines.append(f"The test split was opened {len(summary['test_openings'])} time(s).")
    return lines


def _energy(summary: Mapping[str, Any]) -> str:
    energy = summary["energy"]
    return (
        f"In all {duration(summary['wall_s'])}, {summary['cpu_s']:.0f} CPU s, {energy['joules']:.0f} J "
        f"({energy['method']}: {energy['formula']})"
    )
