"""Keeps what finished runs found, and writes it into the pages and into the headers of recipes.

python docs/results.py                                        writes every part anew, as ``make results`` does
python docs/results.py add RUN [--set KEY=VALUE]... [--name NAME]   keeps a run as docs/results/NAME.json

Tables stand between ``<!-- results: KIND NAME... -->`` and ``<!-- end -->``, a figure in running text between
``<!--r:PATH-->`` and ``<!--/r-->``, the measured lines of a recipe between ``# results: NAME...`` and ``# end``; see
``shown.py`` for kinds and paths. A test compares, and another finds figures that are typed by hand.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

import click

sys.path.append(str(Path(__file__).parents[1]))  # whose benchmarks say how a table reads

import parts
import picture
import result_files
import shown

from evokit.errors import UserError

PICTURE = result_files.ROOT / "docs" / "figures" / "main_job.svg"
FIGURE = re.compile(r"(<!--r:([^ >]+)-->).*?(<!--/r-->)", re.DOTALL)
HEADER = re.compile(r"^(# results: ([^\n]+)\n)(?:#[^\n]*\n)*?(# end)$", re.MULTILINE)


def pages(root: Path = result_files.ROOT) -> list[Path]:
    """Every file that may hold what is generated here."""
    return [root / "README.md", *sorted((root / "docs").glob("*.md")), *sorted((root / "recipes").rglob("*.yaml"))]


def refreshed(page: str, results: shown.Shown) -> str:
    """A page or a recipe with everything that comes from results made anew."""
    page = parts.refreshed(page, "results", results.part)
    page = FIGURE.sub(lambda found: f"{found[1]}{results.figure(found[2])}{found[3]}", page)
    return HEADER.sub(lambda found: f"{found[1]}{_comment(results.header(*found[2].split()))}{found[3]}", page)


def _comment(text: str) -> str:
    return "".join(f"# {line}\n" for line in text.splitlines())


@click.group(invoke_without_command=True, help=__doc__)
@click.pass_context
def main(context: click.Context) -> None:
    if context.invoked_subcommand is None:
        results = shown.shown()
        for path in pages():
            path.write_text(refreshed(path.read_text(), results))
        PICTURE.write_text(picture.main_job(result_files.all_results()["clso_gpt2"]))


@main.command()
@click.argument("run", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--set", "overrides", multiple=True, help="As given to evokit run.")
@click.option("--name", help="Of the result; by default the recipe's.")
def add(run: Path, overrides: tuple[str, ...], name: str | None) -> None:
    """Keep what a finished run found."""
    try:
        result = result_files.result_of(run, overrides)
    except UserError as error:
        raise click.UsageError(str(error)) from error
    path = result_files.file_of(name or result_files.default_name(result))
    result_files.write(result, path)
    click.echo(f"{path.relative_to(result_files.ROOT)} is written; make results shows it")


if __name__ == "__main__":
    main()
