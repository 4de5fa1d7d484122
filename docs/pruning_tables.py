"""What pruning with several objectives is worth, as tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.searches.table import between


def tables(one: Mapping[str, Any]) -> str:
    """Searches beside each other, after what repeats it."""
    head = (
        "search",
        "trained in full",
        "hypervolume at a third",
        "at two thirds",
        "at all of the work",
        f"less {one['reference']}",
        "on fresh images",
        f"less {one['reference']}",
        "CPU s",
    )
    rows = [
        (
            each["name"],
            f"{each['in_full']:.0f}",
            *(f"{volume['mean']:.3f}" for volume in each["volume"]),
            _less(each["less"]) if each["name"] != one["reference"] else "",
            f"{each['fresh']['mean']:.3f}",
            _less(each["fresh_less"]) if each["name"] != one["reference"] else "",
            f"{each['cpu_s']:.1f}",
        )
        for each in one["contenders"]
    ]
    where = (
        f"`{one['command']}`, {one['date']}, {one['processor']}: {one['runs']} seeds, {one['work']:,} epochs each, "
        f"{one['full']} in full. Means; differences are paired by seed, with Student's 95 % interval."
    )
    return f"{where}\n\n{_table(head, rows)}"


def rungs(one: Mapping[str, Any]) -> str:
    """What each rung knows of the whole training."""
    head = ("epochs", "rank correlation with all", "kept", "of the final front, kept by fronts", "kept by loss alone")
    rows = [
        (
            str(each["rung"]),
            f"{each['rank_correlation']['mean']:.2f}{between(each['rank_correlation']['interval'])}",
            *(f"{each[key]['mean']:.0%}" for key in ("kept", "by_front", "by_loss")),
        )
        for each in one["rungs"]
    ]
    return _table(head, rows)


def _less(value: Mapping[str, Any]) -> str:
    return f"{value['mean']:+.3f}{between(value['interval'], '+')}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return "\n".join(f"| {' | '.join(line)} |" for line in (head, ["---"] * len(head), *rows))
