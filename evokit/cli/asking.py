"""``evokit ask`` and ``evokit tell``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from evokit.cli.tell import tell as say


@click.command()
@click.argument("place", metavar="RECIPE|RUN", type=click.Path(path_type=Path))
@click.option("--set", "overrides", multiple=True, metavar="KEY=VALUE", help="Override a value of the recipe.")
@click.option("--out", type=click.Path(path_type=Path), help="Run directory. Default: runs/NAME for NAME.yaml.")
@click.option("--format", "form", type=click.Choice(["json", "csv"]), default="json", show_default=True)
def ask(place: Path, overrides: tuple[str, ...], out: Path | None, form: str) -> None:
    """Print what a search wants measured, for a laboratory or a person.

    A recipe whose fitness is `told` begins a run, or goes on with it; asked twice it answers the same. What was
    measured goes to `evokit tell`.
    """
    from evokit.calls.asking import begun
    from evokit.calls.tables import as_csv, as_json

    with begun(place, overrides, out) as search:
        done, waiting, run = search.done, search.open, search.directory
        say((as_csv(waiting) if form == "csv" else as_json(waiting, search.told_names, _shown(run))).rstrip("\n"))
    then = f"evokit report {_shown(run)}" if done else f"evokit tell {_shown(run)} RESULTS"
    say(f"The search is done: {then}" if done else f"{len(waiting)} to measure; then: {then}", err=True)


@click.command("tell")
@click.argument("run", type=click.Path(path_type=Path))
@click.argument("results", type=click.Path(path_type=Path, allow_dash=True))
def tell(run: Path, results: Path) -> None:
    """Take what was measured of candidates that `evokit ask` printed.

    RESULTS, or - for standard input, is a table with a header: a column `id`, and one for each objective and each
    constraint of the recipe; other columns are passed over. Cells are left empty where a candidate failed. Or JSON: a
    list of such entries, or a mapping of ids to numbers. Part of a generation is kept until the rest is told.
    """
    from evokit.calls.asking import begun
    from evokit.calls.tables import results as read
    from evokit.errors import UserError

    try:
        text = sys.stdin.read() if str(results) == "-" else results.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{results} cannot be read: {error}") from error
    with begun(run) as search:
        found = read(text, str(results), search.told_names)
        if search.done:
            raise UserError(f"the search is done, and asks for nobody: evokit report {run}")
        for one in found:
            if one.name not in search.candidates:
                raise UserError(f"{one.place}: {one.name!r} is not being asked for; evokit ask {run} prints who is")
        search.tell_numbers({one.name: one.numbers for one in found})
        left, done = len(search.open), search.done
        complete = set(search.candidates).isdisjoint(one.name for one in found)
    failed = sum(one.numbers is None for one in found)
    say(f"{len(found)} told" + (f", {failed} of them failed" if failed else "") + ".")
    if done:
        say(f"The search is done: evokit report {run}")
    elif complete:
        say(f"That was all of a generation; the next {left}: evokit ask {run}")
    else:
        say(f"{left} of the generation are still to be measured: evokit ask {run}")


def _shown(path: Path) -> str:
    """Relative to where somebody is, if it is below."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
