"""``evokit compare``."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("runs", nargs=-1, required=True, metavar="RUN RUN...", type=click.Path(path_type=Path))
@click.option(
    "--html", "page", metavar="FILE", type=click.Path(path_type=Path), help="Write it as a page with figures instead."
)
def compare(runs: tuple[Path, ...], page: Path | None) -> None:
    """Put runs beside each other: how their recipes differ, what they found, what it took.

    The first is held against each other one by paired differences, where the test units are the same.
    """
    from evokit.errors import UserError

    if page is not None:
        from evokit.results.page import check_page, write_comparison

        check_page(page)
    if len(runs) < 2:
        raise UserError("compare needs at least two run directories")
    if page is not None:
        write_comparison(runs, page)
        click.echo(f"Written to {page}")
        return
    from evokit.results.compare import compared, comparison

    click.echo(comparison([compared(run) for run in runs]))
