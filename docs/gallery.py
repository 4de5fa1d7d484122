"""Keeps what the gallery's pictures show of finished runs, and draws them.

python docs/gallery.py            draws every picture anew, as ``make results`` does
python docs/gallery.py add RUN    keeps what is drawn of a finished run as docs/results/gallery/NAME.json
"""

from __future__ import annotations

from pathlib import Path

import click
import gallery_pictures
import gallery_traces
import result_files

from evokit.errors import UserError

KEPT = result_files.KEPT / "gallery"
FIGURES = result_files.ROOT / "docs" / "figures" / "gallery"


@click.group(invoke_without_command=True, help=__doc__)
@click.pass_context
def main(context: click.Context) -> None:
    if context.invoked_subcommand is None:
        FIGURES.mkdir(exist_ok=True)
        for name, kept in result_files.all_results(KEPT).items():
            (FIGURES / f"{name}.svg").write_text(gallery_pictures.drawn(name, kept))


@main.command()
@click.argument("run", type=click.Path(exists=True, file_okay=False, path_type=Path))
def add(run: Path) -> None:
    """Keep what is drawn of a finished run."""
    try:
        name, kept = gallery_traces.kept_of(run)
    except UserError as error:
        raise click.UsageError(str(error)) from error
    path = result_files.file_of(name, KEPT)
    path.parent.mkdir(exist_ok=True)
    path.write_text(gallery_traces.as_text(kept))
    click.echo(f"{path.relative_to(result_files.ROOT)} is written; make results draws it")


if __name__ == "__main__":
    main()
