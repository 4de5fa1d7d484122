"""What the dashboard answers to a browser."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from evokit.assembly.directory import RunDirectory
from evokit.errors import RunFailed, UserError, said
from evokit.recipe.schema import Recipe
from evokit.results.dashboard.overview import COLUMNS, Row, in_order, refuse_links_out, row_of, runs_below
from evokit.results.page.templates import policy_source, rendered
from evokit.results.page.writing import page_text
from evokit.runs.launch import open_recipe
from evokit.runs.watched import sight, told

if TYPE_CHECKING:
    from starlette.applications import Starlette
    from starlette.requests import Request
    from starlette.responses import Response

FIRST = "written"  # the column by which runs are sorted unless somebody asks for another
HOSTS = ["127.0.0.1", "localhost"]
HEADERS = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff"}


def application(folder: Path, opened: Callable[[Recipe], None]) -> Starlette:
    """The pages of the runs below a folder.

    Args:
        folder: In which runs lie, or below which.
        opened: Told of each recipe that was loaded, which loads the local plugins that it names.
    """
    from starlette.applications import Starlette
    from starlette.middleware import Middleware
    from starlette.middleware.trustedhost import TrustedHostMiddleware
    from starlette.responses import Response
    from starlette.routing import Route

    pages = _Pages(folder, opened)
    routes = [
        Route("/", pages.runs),
        Route("/run/{name:path}", pages.run),
        Route("/favicon.ico", lambda request: Response(status_code=204)),
    ]
    # A page of another site whose name leads to this machine must not read what is here.
    hosts = Middleware(TrustedHostMiddleware, allowed_hosts=HOSTS, www_redirect=False)
    return Starlette(routes=routes, middleware=[hosts])


class _Pages:
    def __init__(self, folder: Path, opened: Callable[[Recipe], None]) -> None:
        self._folder, self._opened = folder, opened
        self._loading = threading.Lock()  # answers are made side by side, and loading a recipe executes plugins

    def runs(self, request: Request) -> Response:
        """The table of all runs."""
        column = request.query_params.get("sort", FIRST)
        column = column if column in COLUMNS else FIRST
        down = request.query_params.get("down", str(int(COLUMNS[column].down))) == "1"
        rows = in_order([row_of(name, run, self._folder) for name, run in runs_below(self._folder)], column, down)
        return _answer(
            "runs.html",
            columns=[_Heading(name, one.heading, column, down) for name, one in COLUMNS.items()],
            folder=self._folder.resolve(),
            links=[f"run/{quote(row.name)}" for row in rows],
            names=[_shown(row, self._folder) for row in rows],
            rows=rows,
            running=sum(row.status == "running" for row in rows),
        )

    def run(self, request: Request) -> Response:
        """The report of a run, which follows one at work, or how far it is before there is one."""
        from starlette.responses import Response

        name = request.path_params["name"].strip("/") or "."
        run = next((run for one, run in runs_below(self._folder) if one == name), None)
        if run is None:
            return _answer(
                "words.html", 404, title="No such run", sentence=f"There is no run {name} below {self._folder}."
            )
        if request.headers.get("sec-fetch-site") == "cross-site":  # whose click would execute plugins of the recipe
            return _answer(
                "words.html", 403, title="Not from there", sentence="Another site led here. Open it from here."
            )
        row = row_of(name, run, self._folder)
        shown, script = _shown(row, self._folder), _beside("follow.js") if row.status == "running" else ""
        try:
            refuse_links_out(run, self._folder)
            if RunDirectory(run).read_summary() is None and not list(run.glob("repeat-*/summary.json")):
                return _answer("words.html", title=shown, text=told(shown, sight(RunDirectory(run))))
            with self._loading:
                page = page_text(run, self._recipe(run), script)
        except Exception as error:  # files that look like those of a run may hold anything
            known = isinstance(error, UserError | RunFailed)
            words = str(error) if known else f"Its files cannot be understood ({said(error)})."
            return _answer("words.html", 200 if known else 500, title=shown, sentence=words)
        return Response(_bytes(page), media_type="text/html", headers=HEADERS)

    def _recipe(self, run: Path) -> Recipe | None:
        try:
            recipe, _ = open_recipe(run)
        except UserError:
            return None  # a page can do without, and says so
        self._opened(recipe)
        return recipe


class _Heading:
    """A link that sorts by a column, the other way round if that is how the table is sorted."""

    def __init__(self, name: str, heading: str, sorted_by: str, down: bool) -> None:
        self.text = heading
        self.sorted = ("descending" if down else "ascending") if name == sorted_by else ""
        self.link = f"?sort={name}&down={int(not down if self.sorted else COLUMNS[name].down)}"


def _shown(row: Row, folder: Path) -> str:
    return folder.resolve().name if row.name == "." else row.name


def _answer(template: str, status: int = 200, **values: Any) -> Response:
    from starlette.responses import Response

    script = policy_source(_beside("live.js"))
    policy = (
        f"default-src 'none'; style-src 'unsafe-inline'; script-src {script}; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    now = f"{datetime.now():%H:%M:%S}"
    page = rendered(
        __package__, template, script=_beside("live.js"), more_style=_beside("table.css"), now=now, **values
    )
    return Response(_bytes(page), status, {**HEADERS, "Content-Security-Policy": policy}, "text/html")


def _bytes(page: str) -> bytes:
    return page.encode(errors="backslashreplace")  # names of files may hold what is no letter


@cache
def _beside(name: str) -> Any:
    """A file beside this module that goes into pages as it is."""
    from markupsafe import Markup

    return Markup((files(__package__) / name).read_text(encoding="utf-8"))
