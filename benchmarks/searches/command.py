"""The command: what is measured, what is kept, what is shown."""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from benchmarks.searches.contenders import Contender, of_kind
from benchmarks.searches.figures import draw
from benchmarks.searches.measure import Piece, measured
from benchmarks.searches.problems import Suite
from benchmarks.searches.store import Store
from benchmarks.searches.suites import SUITES
from benchmarks.searches.table import heading, markdown, summed_up

INSTALL = "pip install 'evokit-deap[bench]'"


def main(words: Sequence[str]) -> int:
    """Measure what is missing, or show what is there; 0, or 2 for wrong words."""
    given = _parser().parse_args(words)
    suite = SUITES[given.suite]
    known = of_kind(suite.kind)
    unknown = [name for name in given.only or () if name not in known]
    if unknown:
        print(f"{given.suite} has no contender {', '.join(unknown)}; it has {', '.join(known)}", file=sys.stderr)
        return 2
    for name in given.only or known:
        if not known[name].installed:
            print(f"{name} is left out: {known[name].needs} is not installed; {INSTALL} ends this", file=sys.stderr)
    known = {name: one for name, one in known.items() if one.installed}
    store = Store(Path(given.out))
    if not given.table:
        _measure(store, list(_pieces(given, known)), given.jobs)
    _show(store, suite, Path(given.out), given.json)
    return 0


def _show(store: Store, suite: Suite, out: Path, kept: Path | None) -> None:
    """Print a table for each dimension and budget, write what they say, and draw the curves."""
    summary = summed_up(store, suite)
    out.mkdir(parents=True, exist_ok=True)
    path = kept or out / f"{suite.name}.json"
    path.write_text(json.dumps(summary, indent=1, sort_keys=True) + "\n")
    for cell in summary["cells"]:
        print(f"\n{heading(suite.name, cell)}\n\n{markdown(cell)}")
        print(f"\n{draw(store, suite, cell['dimension'], cell['each'], out)}")


def _pieces(given: argparse.Namespace, known: dict[str, Contender]) -> Iterator[Piece]:
    """All that is asked for, small budgets first."""
    suite = SUITES[given.suite]
    budgets = given.budgets or suite.budgets
    functions = [name for name in suite.functions if not given.functions or name in given.functions]
    for dimension in given.dimensions or suite.dimensions:
        for each in sorted(budgets):
            for name in known:
                if given.only and name not in given.only:
                    continue
                one = known[name]
                later = [other for other in budgets if each < other <= one.most.get(dimension, other)]
                # A run at the largest budget holds those at smaller ones, unless it was told.
                if each > one.most.get(dimension, each) or (later and not one.told):
                    continue
                for function in functions:
                    yield Piece(given.suite, name, dimension, each, function, given.runs)


def _measure(store: Store, pieces: Sequence[Piece], jobs: int) -> None:
    """Measure what the store lacks, writing each piece as it is done."""
    todo = [piece for piece in pieces if not store.has(piece.key, piece.runs)]
    print(f"{len(todo)} of {len(pieces)} pieces are to be measured", flush=True)
    for done, row in enumerate(_rows(todo, jobs), 1):
        store.put(row)
        print(f"{done}/{len(todo)} {_told(row)}", flush=True)


def _rows(pieces: Sequence[Piece], jobs: int) -> Iterator[dict[str, Any]]:
    """As they are done; one job is this process."""
    if jobs == 1:
        yield from map(measured, pieces)
        return
    with ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn")) as pool:
        for future in as_completed([pool.submit(measured, piece) for piece in pieces]):
            yield future.result()


def _told(row: Mapping[str, Any]) -> str:
    """What is printed of a row."""
    runs = row["runs"]
    seconds = sum(run["seconds"] for run in runs) / len(runs)
    failed = sum(run["ending"].startswith("failed") for run in runs)
    what = f"{row['contender']} {row['suite']} {row['function']}, {runs[0]['budget']} evaluations"
    return f"{what}: {seconds:.2f} s a run{f', {failed} failed' if failed else ''}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks searches", description=__doc__)
    parser.add_argument("--suite", choices=list(SUITES), default="bbob")
    parser.add_argument("--dimensions", type=int, nargs="+", help="those of the suite unless given")
    parser.add_argument(
        "--budgets", type=int, nargs="+", help="evaluations per dimension, those of the suite unless given"
    )
    parser.add_argument("--functions", nargs="+", help="names of functions (all)")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="names of contenders (all)")
    parser.add_argument("--runs", type=int, default=11, help="runs of a function, each on an instance of its own (11)")
    parser.add_argument("--jobs", type=int, default=1, help="processes (1)")
    parser.add_argument("--out", default="runs/searches", help="folder of results (runs/searches)")
    parser.add_argument("--table", action="store_true", help="measure nothing, show what is there")
    parser.add_argument(
        "--json", type=Path, help="of the table; docs/results/searches_bbob.json is what the page on benchmarks shows"
    )
    return parser
