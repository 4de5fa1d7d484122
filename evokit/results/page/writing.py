"""The page as a file."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from evokit.assembly.directory import RunDirectory, now
from evokit.common.files import write_atomically
from evokit.common.version import VERSION
from evokit.errors import UserError, readable
from evokit.recipe.schema import Recipe
from evokit.results.compare import compared
from evokit.results.page.blocks import Section
from evokit.results.page.comparison import about, comparison_sections, named
from evokit.results.page.sections import sections
from evokit.results.page.sources import source
from evokit.results.page.templates import policy_source, rendered
from evokit.results.report import head_lines

log = logging.getLogger("evokit")

NAME = "report.html"
SUFFIXES = (".html", ".htm")


def page_text(folder: Path, recipe: Recipe | None = None, script: str = "") -> str:
    """The page of a run.

    Args:
        folder: The run directory.
        recipe: What was run, if it is at hand.
        script: By which a page that is served follows its run; it may ask the server that the page came from.

    Raises:
        UserError: This is no run directory, or nothing was measured yet.
    """
    of = source(folder, recipe)
    title, *about = head_lines(of.summary)
    what, place = of.summary["recipe"].removesuffix(".yaml"), of.folder.resolve().name
    name = what if place == what else f"{what}: {place}"
    return _page(name, [title, *about], sections(of), of.lacking, script)


def comparison_text(folders: Sequence[Path], out: Path) -> str:
    """The page that puts runs beside each other.

    Args:
        folders: The run directories; the first is held against each other one.
        out: Where the page lies.

    Raises:
        UserError: One is no run directory, or its search has not ended.
    """
    runs = named([compared(folder) for folder in folders])
    names = ", ".join(one.name for one in runs)
    return _page(f"Comparison of {names}", list(about(runs)), comparison_sections(runs, out))


def _page(
    name: str, about: Sequence[str], sections: Sequence[Section], lacking: Sequence[str] = (), script: str = ""
) -> str:
    return rendered(
        __package__,
        "page.html",
        name=name,
        about=about,
        sections=sections,
        lacking=lacking,
        written=f"Written {now()} by evokit {VERSION}.",
        script=script,
        policy=f"; script-src {policy_source(script)}; connect-src 'self'" if script else "",
    )


def write_page(folder: Path, recipe: Recipe | None = None) -> Path:
    """Write the page into the run directory and return where it is. Arguments and errors are those of ``page_text``."""
    path = folder / NAME
    _write(path, page_text(folder, recipe))
    return path


def check_page(path: Path) -> None:
    """
    Raises:
        UserError: This is no name of a page, but of a run perhaps.
    """
    if path.suffix not in SUFFIXES:
        raise UserError(f"--html {path} must end in {' or '.join(SUFFIXES)}: it is the page that is written")


def write_comparison(folders: Sequence[Path], out: Path) -> None:
    """Write the page that puts runs beside each other. Arguments and errors are those of ``comparison_text``."""
    _write(out, comparison_text(folders, out))


def _write(path: Path, page: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, page.encode())
    except OSError as error:
        raise UserError(f"{error.filename or path} cannot be written: {error.strerror}") from error


@contextmanager
def written_at_the_end(folder: Path, recipe: Recipe | None = None) -> Iterator[None]:
    """Write the page when what changes a run ends, however it ends; a page that cannot be written is a warning.

    Where the run was refused, nothing of what lies there is touched.
    """
    try:
        yield
    except UserError:
        raise
    except BaseException:
        _write_or_warn(folder, recipe)
        raise
    _write_or_warn(folder, recipe)


def _write_or_warn(folder: Path, recipe: Recipe | None) -> None:
    if not RunDirectory(folder).summary.exists():
        return
    try:
        write_page(folder, recipe)
    except Exception as error:  # whatever is wrong with a page, the run is what counts
        log.warning("%s was not written: %s: %s", folder / NAME, type(error).__name__, readable(str(error)))
