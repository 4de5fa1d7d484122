"""The page as a file."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from evokit.assembly.directory import RunDirectory, now
from evokit.common.files import write_atomically
from evokit.common.version import VERSION
from evokit.errors import UserError, readable
from evokit.recipe.schema import Recipe
from evokit.results.page.sections import sections
from evokit.results.page.sources import source
from evokit.results.report import head_lines

log = logging.getLogger("evokit")

NAME = "report.html"


def page_text(folder: Path, recipe: Recipe | None = None) -> str:
    """The page of a run.

    Args:
        folder: The run directory.
        recipe: What was run, if it is at hand.

    Raises:
        UserError: This is no run directory, or nothing was measured yet.
    """
    of = source(folder, recipe)
    title, *about = head_lines(of.summary)
    page: str = _template().render(
        name=of.summary["recipe"].removesuffix(".yaml"),
        about=[title, *about],
        lacking=of.lacking,
        sections=sections(of),
        written=f"Written {now()} by evokit {VERSION}.",
    )
    return page


def write_page(folder: Path, recipe: Recipe | None = None) -> Path:
    """Write the page into the run directory and return where it is. Arguments and errors are those of ``page_text``."""
    path = folder / NAME
    try:
        write_atomically(path, page_text(folder, recipe).encode())
    except OSError as error:
        raise UserError(f"{error.filename or path} cannot be written: {error.strerror}") from error
    return path


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


@cache
def _template() -> Any:
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    here = files(__package__)
    style = Markup((here / "style.css").read_text(encoding="utf-8"))
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.globals["style"] = style
    environment.filters["drawing"] = Markup  # of figures, whose text is escaped where they are drawn
    return environment.from_string((here / "page.html").read_text(encoding="utf-8"))
