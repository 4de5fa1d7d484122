"""The command: measures, and prints a table."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from benchmarks.fidelities.ranking import ranked
from benchmarks.fidelities.trainings import Row, Settings, trainings
from evokit.assembly.directory import now
from evokit.assembly.identity import cpu_model
from evokit.common.files import write_atomically

JSON = "fidelities.json"
DESCRIPTION = """How well cheaper budgets of an optimizer search rank rules, and what they cost. A call goes on where
one of the same settings ended; after --limit seconds it stops, and the same command goes on. Correlations are
Spearman's with 95 % intervals: with the full budget on the same seeds, and on fresh ones, which a search is after; the
last over the third that is best there as well."""


def main(words: Sequence[str]) -> int:
    """Measure; the exit code is 0 if all is measured, 1 if time ran out, 2 for wrong words or others' results."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks fidelities", description=DESCRIPTION)
    defaults = asdict(Settings())
    for name in ("rules", "steps", "seeds", "validation", "seed", "threads"):
        parser.add_argument(f"--{name}", type=int, default=defaults[name])
    parser.add_argument("--shares", type=float, nargs="+", default=defaults["shares"])
    parser.add_argument("--images", default=defaults["images"])
    parser.add_argument("--limit", type=float, default=float("inf"))
    parser.add_argument("--out", type=Path, default=Path("fidelities"))
    parser.add_argument("--json", type=Path, help="docs/results/fidelities.json is what the page on benchmarks shows")
    given = parser.parse_args(words)
    values = {one.name: getattr(given, one.name) for one in fields(Settings)}
    path = given.out / JSON
    try:
        settings = Settings(**{**values, "shares": tuple(values["shares"])})
        rows = read(path, settings)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    began, complete = time.monotonic(), True
    for new in trainings(settings, rows):
        rows += new
        write(path, settings, rows)
        print(f"rule {new[0]['rule'] + 1} of {settings.rules}, seed {new[0]['replicate']}", file=sys.stderr)
        if time.monotonic() - began > given.limit:
            complete = len(rows) == _n_rows(settings)
            break
    write(path, settings, rows)
    print(markdown(ranked(settings, rows)))
    if given.json:
        of = {"command": "python -m benchmarks fidelities", "date": now()[:10], "processor": cpu_model()}
        lines = {**of, "settings": _as_json(settings), "fidelities": ranked(settings, rows)}
        given.json.write_text(json.dumps(lines, indent=1) + "\n")
    return 0 if complete else 1


def read(path: Path, settings: Settings) -> list[Row]:
    """Rows of an earlier call.

    Raises:
        ValueError: It had other settings.
    """
    if not path.exists():
        return []
    found = json.loads(path.read_text())
    if found["settings"] != _as_json(settings):
        raise ValueError(f"{path} has other settings, {found['settings']}; give another --out")
    rows: list[Row] = found["trainings"]
    return rows


def write(path: Path, settings: Settings, rows: Sequence[Row]) -> None:
    """All that was measured so far, and what it says."""
    found = {"date": now(), "settings": _as_json(settings), "fidelities": ranked(settings, rows), "trainings": rows}
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, json.dumps(found, allow_nan=False).encode())


def markdown(lines: Sequence[dict[str, Any]]) -> str:
    """A table of what ``ranked`` found."""
    head = [
        "steps",
        "of",
        "seeds",
        "work",
        "CPU s a rule",
        "with full budget",
        "with fresh seeds",
        "among the best third",
        "best fifth kept",
    ]
    cells = [
        [
            *(str(line[name]) for name in ("steps", "horizon", "seeds")),
            f"{line['work']:.0%}",
            f"{line['cpu_s']:.2f}",
            *("{:.2f} [{:.2f}, {:.2f}]".format(*line[name]) for name in ("with_full", "with_fresh", "among_good")),
            "" if line["kept"] is None else f"{line['kept']:.0%}",
        ]
        for line in lines
    ]
    rules = lines[0]["rules"] if lines else 0
    return f"{rules} rules\n\n" + "\n".join(f"| {' | '.join(row)} |" for row in [head, ["---"] * len(head), *cells])


def _as_json(settings: Settings) -> dict[str, Any]:
    values: dict[str, Any] = json.loads(json.dumps(asdict(settings)))
    return values


def _n_rows(settings: Settings) -> int:
    return settings.rules * settings.seeds * (2 + 2 * len(settings.shorter))
