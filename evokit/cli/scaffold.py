"""The beginning of a plugin: a genome that works, its test, and what makes it a distribution."""

from __future__ import annotations

import importlib.util
import keyword
import re
from pathlib import Path
from string import Template

from evokit.common.extras import DISTRIBUTION
from evokit.errors import UserError
from evokit.plugins import load_plugins

_GENOME = Template('''\
"""The genome ``$name``: here rising sequences of numbers, to be replaced by a representation of your own.

A recipe that evolves it, for instance $name.yaml beside this file:

    plugins: [./$name.py]
    genome: {name: $name, length: 5}
    fitness: {name: sphere}
    search: {name: generational}
"""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from annotated_types import Ge

from evokit import Component, hookimpl

Genes = tuple[float, ...]  # any value that is never changed in place


@dataclass(frozen=True)
class $cls:
    """``length`` numbers between -1 and 1. The fields are the recipe's options."""

    length: Annotated[int, Ge(1)] = 5
    phenotype: ClassVar[str] = "vector"  # what express makes, so which fitnesses can measure it

    def random(self, rng: np.random.Generator) -> Genes:
        """Draw from ``rng`` and from nothing else."""
        return self.canonical(tuple(rng.uniform(-1, 1, self.length).tolist()))

    def crossover(self, a: Genes, b: Genes, rng: np.random.Generator) -> tuple[Genes, Genes]:
        """Two children; the parents stay as they are."""
        swap = rng.random(self.length) < 0.5
        first = tuple(y if s else x for x, y, s in zip(a, b, swap, strict=True))
        second = tuple(x if s else y for x, y, s in zip(a, b, swap, strict=True))
        return self.canonical(first), self.canonical(second)

    def mutate(self, genes: Genes, rng: np.random.Generator) -> Genes:
        place = int(rng.integers(self.length))
        moved = float(np.clip(genes[place] + 0.1 * rng.standard_normal(), -1, 1))
        return self.canonical((*genes[:place], moved, *genes[place + 1 :]))

    def canonical(self, genes: Genes) -> Genes:
        """The one form of equal individuals, which is measured and stored. Leave it out if genes have only one."""
        return tuple(sorted(genes))

    def express(self, genes: Genes) -> np.ndarray:
        """What a fitness is handed."""
        return np.array(genes)

    def encode(self, genes: Genes) -> np.ndarray:
        """Features for surrogates, float32. Leave it out if nothing screens this genome."""
        return np.array(genes, dtype=np.float32)

    def show(self, genes: Genes) -> str:
        """For people."""
        return " ".join(f"{number:+.3f}" for number in genes)

    def to_json(self, genes: Genes) -> list[float]:
        return list(genes)

    def from_json(self, data: list[float]) -> Genes:
        return tuple(data)


@hookimpl
def evokit_components() -> list[Component]:
    return [Component("genome", "$name", $cls)]
''')
_PROJECT = Template("""\
[build-system]
requires = ["setuptools>=70"]
build-backend = "setuptools.build_meta"

[project]
name = "$distribution"
version = "0.1.0"
dependencies = ["$evokit"]

[project.entry-points.evokit]
$name = "$name"

[tool.setuptools]
py-modules = ["$name"]
""")
_TEST = Template('''\
"""The contract of the genome ``$name``: a failed check names the rule and the remedy."""

from evokit.testing import genome_conformance
from $name import $cls

test_$name = genome_conformance($cls(length=3))
''')


def new_genome(name: str, folder: Path) -> list[Path]:
    """Write ``NAME.py`` and ``test_NAME.py`` and return their paths.

    Raises:
        UserError: The name is no name for a module and a component, it is taken, or a file is there already.
    """
    _check(name)
    cls = "".join(part.capitalize() for part in name.split("_"))
    files = {folder / f"{name}.py": _GENOME, folder / f"test_{name}.py": _TEST}
    for path in files:
        if path.exists():
            raise UserError(f"{path} exists already; choose another name or folder")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for path, template in files.items():
            path.write_text(template.substitute(name=name, cls=cls))
    except OSError as error:
        raise UserError(f"{error.filename} cannot be written: {error.strerror}") from error
    return list(files)


def project_of(name: str) -> str:
    """A ``pyproject.toml`` that makes ``NAME.py`` a distribution of its own: that module, whatever lies beside it."""
    return _PROJECT.substitute(name=name, distribution=name.replace("_", "-"), evokit=DISTRIBUTION)


def _check(name: str) -> None:
    if keyword.iskeyword(name):
        raise UserError(f"{name!r} is a keyword of Python; choose another name")
    if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name):
        raise UserError(f"{name!r} is no name of a genome: use small letters, digits and underscores: my_genome")
    if name in load_plugins().names("genome"):
        raise UserError(f"there is a genome {name!r} already; choose another name")
    if importlib.util.find_spec(name) is not None:
        raise UserError(f"there is a Python module {name!r} already; choose another name")
