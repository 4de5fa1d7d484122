"""The beginning of a plugin: a distribution with a component that works, its recipe, its test and a README."""

from __future__ import annotations

import importlib.util
import keyword
import re
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import NamedTuple

from evokit.common.extras import DISTRIBUTION
from evokit.errors import UserError
from evokit.interfaces import Kind
from evokit.plugins import load_plugins

HERE = files("evokit.cli") / "scaffolds"


class Scaffold(NamedTuple):
    """What ``evokit new`` writes of a kind.

    Attributes:
        title: Of its README.
        kinds: Of the components that it offers.
        tests: Lines of its test, after its imports.
    """

    title: str
    kinds: tuple[Kind, ...]
    tests: Mapping[str, str]  # by the kit that each calls, how it calls it


SCAFFOLDS: Mapping[str, Scaffold] = {
    "genome": Scaffold("A genome", ("genome",), {"genome": "$cls(length=3)"}),
    "primitives": Scaffold("Primitives of trees", ("primitives",), {"primitives": "$cls()"}),
    "fitness": Scaffold("A fitness", ("fitness",), {"fitness": "$cls()"}),
    "operator": Scaffold(
        "A crossover, a mutation and a selection",
        ("crossover", "mutation", "selection"),
        {"crossover": "${cls}Crossover()", "mutation": "${cls}Mutation()", "selection": "${cls}Selection()"},
    ),
    "surrogate": Scaffold("A surrogate", ("surrogate",), {"surrogate": "$cls()"}),
    "screen": Scaffold("A screen", ("screen",), {"screen": "$cls()"}),
    "search": Scaffold("A search", ("search",), {"search": "$cls(generations=5)"}),
    "data": Scaffold("Data", ("data",), {"data": "$cls()"}),
    "baseline": Scaffold("A baseline", ("baseline",), {"baseline": "$cls(), recipe=RECIPE"}),
    "callback": Scaffold("A callback", ("callback",), {"callback": "$cls()"}),
    "export": Scaffold("An export", ("export",), {"export": "$cls(), recipe=RECIPE"}),
}


def new_plugin(kind: str, name: str, folder: Path) -> list[Path]:
    """Write ``NAME.py``, ``NAME.yaml``, ``test_NAME.py``, ``pyproject.toml`` and ``README.md``; return their paths.

    Args:
        kind: One of ``SCAFFOLDS``.
        name: Of module and component.
        folder: Where; made if it is not there.

    Raises:
        UserError: The name is no name for a module and a component, it is taken, or a file is there already.
    """
    scaffold = SCAFFOLDS[kind]
    _check(name, kind, scaffold.kinds)
    words = {
        "name": name,
        "cls": "".join(part.capitalize() for part in name.split("_")),
        "distribution": name.replace("_", "-"),
        "evokit": DISTRIBUTION,
        "title": scaffold.title,
    }
    texts = {
        f"{name}.py": _filled(f"{kind}.py", words),
        f"{name}.yaml": _filled(f"{kind}.yaml", words),
        f"test_{name}.py": _test(scaffold, words),
        "pyproject.toml": _filled("pyproject.toml", words),
        "README.md": _filled("README.md", words),
    }
    for path in (folder / file for file in texts):
        if path.exists():
            raise UserError(f"{path} exists already; choose another name or folder")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for file, text in texts.items():
            (folder / file).write_text(text)
    except OSError as error:
        raise UserError(f"{error.filename} cannot be written: {error.strerror}") from error
    return [folder / file for file in texts]


def _filled(file: str, words: Mapping[str, str]) -> str:
    return Template((HERE / f"{file}.txt").read_text()).substitute(words)


def _test(scaffold: Scaffold, words: Mapping[str, str]) -> str:
    """The contract of each component as one line."""
    calls = {kit: Template(call).substitute(words) for kit, call in scaffold.tests.items()}
    kits = ", ".join(f"{kit}_conformance" for kit in calls)
    classes = ", ".join(sorted(call.partition("(")[0] for call in calls.values()))
    beside = any("RECIPE" in call for call in calls.values())
    name, several = words["name"], len(calls) > 1
    return "\n".join(
        [
            f'"""The contract of ``{name}``: a failed check names the rule and the remedy."""\n',
            *(["from pathlib import Path\n"] if beside else []),
            f"from evokit.testing import {kits}\n",
            f"from {name} import {classes}\n",
            *([f'RECIPE = Path(__file__).with_name("{name}.yaml")\n'] if beside else []),
            *(f"test_{kit if several else name} = {kit}_conformance({call})" for kit, call in calls.items()),
            "",
        ]
    )


def _check(name: str, what: str, kinds: tuple[Kind, ...]) -> None:
    if keyword.iskeyword(name):
        raise UserError(f"{name!r} is a keyword of Python; choose another name")
    if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name):
        raise UserError(f"{name!r} is no name of a plugin: use small letters, digits and underscores: my_{what}")
    registry = load_plugins()
    for kind in kinds:
        if any(offer.component.kind == kind and name == offer.own_name for offer in registry.offers):
            raise UserError(f"there is a {kind} {name!r} already; choose another name")
    if importlib.util.find_spec(name) is not None:
        raise UserError(f"there is a Python module {name!r} already; choose another name")
