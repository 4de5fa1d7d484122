"""Writes the generated parts of the pages: ``python docs/generate.py``. A test compares, so they stay true.

A generated part stands between ``<!-- generated: NAME -->`` and ``<!-- end -->``; the rest of a page is left alone.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from configparser import ConfigParser
from importlib import import_module
from itertools import permutations, product
from pathlib import Path
from typing import get_args

import grimp
import parts
from click.testing import CliRunner

from evokit.cli import main
from evokit.cli.wording import facts, option_rows
from evokit.interfaces import Component, Kind
from evokit.plugins import load_plugins
from evokit.recipe.schema import Core, Ending
from evokit_optimizers.rules.terms import TERMS

PAGES = Path(__file__).parent
HELP_WIDTH = 100
PLUGINS = ("evokit_activations", "evokit_crystalline", "evokit_optimizers")
FACE = (
    "interfaces",
    "plugins",
    "builtin",
    "deap_toolbox",
)  # modules at the top that have arrows of their own


def refreshed(page: str) -> str:
    """A page with each generated part made anew."""
    return parts.refreshed(page, "generated", lambda name: PARTS[name]())


def settings() -> str:
    """The keys of a recipe that need no plugin."""
    return _table([*option_rows(Core), *option_rows(Ending, "final.")])


def components() -> str:
    """Every component of the distribution, by kind, with its docstring and options."""
    offers = [offer for offer in load_plugins().offers if offer.built_in]  # other people's are not described here
    sections = []
    for kind in get_args(Kind):
        found = sorted((one for one in offers if one.component.kind == kind), key=lambda one: one.component.name)
        if found:
            sections.append(f"## {kind}")
            sections += [_component(one.component, one.plugin) for one in found]
    return "\n\n".join(sections)


def commands() -> str:
    """The help of ``evokit`` and of each of its commands."""
    names = [[], *([name] for name in main.commands)]
    return "\n\n".join(f"## {' '.join(('evokit', *name))}\n\n```text\n{_help(name)}```" for name in names)


def terms() -> str:
    """What an update rule may be made of."""
    rows = [f"| `{name}` | `{term.formula}` |" for name, term in TERMS.items()]
    return "\n".join(["| term | step |", "| --- | --- |", *rows])


def wings() -> str:
    """Each wing of the core, from the top floor down, with what its docstring says."""
    says = {wing: inspect.getdoc(import_module(f"evokit.{wing}")) or "" for wing in _wings()}
    return "\n\n".join(f"**`{wing}`**: {' '.join(told.split()).replace('``', '`')}" for wing, told in says.items())


def house() -> str:
    """The wings as a picture: arrows are imports, without those that a longer way implies."""
    graph = grimp.build_graph("evokit", *PLUGINS)
    boxes = {name: [f"evokit.{name}"] for name in [*_wings(), *FACE]} | {"systems": PLUGINS}
    arrows = {
        (one, other)
        for one, other in permutations(boxes, 2)
        for source, target in product(boxes[one], boxes[other])
        if graph.direct_import_exists(importer=source, imported=target, as_packages=True)
    }
    lines = [f"    {one} --> {other}" for one, other in sorted(_reduced(arrows))]
    offered = {_wing(one.component) for one in load_plugins().offers if one.plugin == "core"}
    lines += [f"    builtin -.-> {wing}" for wing in sorted(offered)]
    return "\n".join(["```mermaid", "flowchart TD", '    systems["the three systems, as plugins"]', *lines, "```"])


def objects() -> str:
    """What others may rely on, by the headings of its page; the site has the docstring of each in its place."""
    rows = re.findall(r"^(## .*)|^\| `([\w.]+)` \|", (PAGES / "api.md").read_text(), re.MULTILINE)
    named = [heading or f"::: {name if '.' in name else f'evokit.{name}'}" for heading, name in rows]
    return "\n\n".join(line for line in named if line != "::: evokit.testing")  # whose functions have a section


def _wing(component: Component) -> str:
    return component.options_class.__module__.split(".")[1]


def _wings() -> list[str]:
    """In the order of the layers that ``make lint`` holds them to."""
    config = ConfigParser()
    config.read(PAGES.parent / "setup.cfg")
    layers = re.split(r"[\n|]+", config["importlinter:contract:wings"]["layers"])
    return [
        name for name in map(str.strip, layers) if name and (PAGES.parent / "evokit" / name / "__init__.py").exists()
    ]


def _reduced(arrows: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """Without arrows that a longer way implies."""

    def reaches(start: str, end: str, without: tuple[str, str]) -> bool:
        ahead = [other for one, other in arrows if one == start and (one, other) != without]
        return end in ahead or any(reaches(other, end, without) for other in ahead)

    return {arrow for arrow in arrows if not reaches(*arrow, arrow)}


def _help(name: list[str]) -> str:
    return CliRunner().invoke(main, [*name, "--help"], prog_name="evokit", terminal_width=HELP_WIDTH).output


def _component(component: Component, plugin: str) -> str:
    belongs = [f"belongs to {component.fits}"] if component.fits else []
    extra = [f"extra {component.extra}"] if component.extra else []
    known = "; ".join([f"plugin {plugin}", *extra, *belongs, *facts(component)])
    rows = list(option_rows(component.options_class))
    options = _table(rows) if rows else "No options."
    return f"### {component.name}\n\n*{known}*\n\n{_prose(component.options_class)}\n\n{options}"


def _prose(options: type) -> str:
    """The docstring in Markdown; what its class raises is what a recipe is refused for."""
    text = (inspect.getdoc(options) or "").replace("``", "`")
    return re.sub(r"Raises:\n\s+ValueError:(?: In `build`:)?", "Refused:", text)


def _table(rows: Iterable[tuple[str, str, str]]) -> str:
    cells = [(f"`{name}`", values.replace("|", r"\|"), default) for name, values, default in rows]
    lines = [f"| {' | '.join(row)} |" for row in cells]
    return "\n".join(["| option | values | default |", "| --- | --- | --- |", *lines])


PARTS: Mapping[str, Callable[[], str]] = {
    "settings": settings, "components": components, "commands": commands, "terms": terms, "wings": wings,
    "house": house, "objects": objects,
}  # fmt: skip


if __name__ == "__main__":
    for path in sorted(PAGES.glob("*.md")):
        path.write_text(refreshed(path.read_text()))
