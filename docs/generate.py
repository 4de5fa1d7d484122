"""Writes the generated parts of the pages: ``python docs/generate.py``. A test compares, so they stay true.

A generated part stands between ``<!-- generated: NAME -->`` and ``<!-- end -->``; the rest of a page is left alone.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import get_args

import parts
from click.testing import CliRunner

from evokit.cli import main
from evokit.cli.wording import option_rows
from evokit.interfaces import Component, Kind
from evokit.plugins import load_plugins
from evokit.recipe.schema import Core, Seeds

PAGES = Path(__file__).parent
DISTRIBUTION = "evokit"  # other people's plugins may be installed, but are not described here
HELP_WIDTH = 100
DECLARED = {
    "phenotype": "expresses {}",
    "takes": "takes {}",
    "objectives": "objectives {}",
    "genes": "genes of kind {}",
    "reads": "reads {}",
}


def refreshed(page: str) -> str:
    """A page with each generated part made anew."""
    return parts.refreshed(page, "generated", lambda name: PARTS[name]())


def settings() -> str:
    """The keys of a recipe that need no plugin."""
    return _table([*option_rows(Core), *option_rows(Seeds, "final.")])


def components() -> str:
    """Every component of the distribution, by kind, with its docstring and options."""
    offers = [offer for offer in load_plugins().offers if offer.distribution == DISTRIBUTION]
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


def _help(name: list[str]) -> str:
    return CliRunner().invoke(main, [*name, "--help"], prog_name="evokit", terminal_width=HELP_WIDTH).output


def _component(component: Component, plugin: str) -> str:
    facts = "; ".join([f"plugin {plugin}", *_facts(component)])
    rows = list(option_rows(component.options))
    options = _table(rows) if rows else "No options."
    return f"### {component.name}\n\n*{facts}*\n\n{_prose(component.options)}\n\n{options}"


def _facts(component: Component) -> Iterator[str]:
    """What the options class declares, by which a recipe's parts are checked against each other."""
    if component.fits:
        yield f"belongs to {component.fits}"
    for name, words in DECLARED.items():
        value = getattr(component.options, name, None)
        if isinstance(value, Mapping):
            yield words.format(", ".join(f"{key} ({goal})" for key, goal in value.items()))
        elif value:
            yield words.format(value if isinstance(value, str) else ", ".join(sorted(value)))


def _prose(options: type) -> str:
    """The docstring in Markdown; what its class raises is what a recipe is refused for."""
    text = (inspect.getdoc(options) or "").replace("``", "`")
    return re.sub(r"Raises:\n\s+ValueError:(?: In `build`:)?", "Refused:", text)


def _table(rows: Iterable[tuple[str, str, str]]) -> str:
    cells = [(f"`{name}`", values.replace("|", r"\|"), default) for name, values, default in rows]
    lines = [f"| {' | '.join(row)} |" for row in cells]
    return "\n".join(["| option | values | default |", "| --- | --- | --- |", *lines])


PARTS: Mapping[str, Callable[[], str]] = {"settings": settings, "components": components, "commands": commands}


if __name__ == "__main__":
    for path in sorted(PAGES.glob("*.md")):
        path.write_text(refreshed(path.read_text()))
