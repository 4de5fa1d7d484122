"""What a resumed run must share with its beginning, and what two recipes differ in (C4)."""

from __future__ import annotations

import functools
import json
import platform
import sys
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from evokit.assembly.directory import REMEDY
from evokit.common.version import VERSION
from evokit.errors import UserError
from evokit.recipe.schema import PLACEMENT, Recipe

PACKAGES = (
    "cmaes", "deap", "moocore", "numpy", "optuna", "scikit-learn", "scipy", "torch", "transformers", "tokenizers",
    "datasets",
)  # fmt: skip
# What a resume may change: ``Recipe.digest`` leaves it out.
FREE = (
    "search.generations", "stop", "final.test", "export", "callbacks", "init.from", "init.top",
    *(f"execution.{key}" for key in PLACEMENT),
)  # fmt: skip
SAID = 80  # characters of a value in a message
GENOME = "content of the genome's files"


def identity(recipe: Recipe, data_digest: str = "", fitness: str = "", genome: str = "") -> dict[str, Any]:
    """All that a resumed run must share with its beginning, or its numbers would not be one run's (C4)."""
    return {
        "recipe": recipe.digest,
        **({"data": data_digest} if data_digest else {}),
        **({"fitness": fitness} if fitness else {}),  # its context
        **({GENOME: genome} if genome else {}),  # the digest of its files
        "seed": recipe.seed,
        "device": recipe.execution.device,
        "threads": recipe.execution.threads,
        "machine": f"{platform.system()} {platform.machine()} {cpu_model()}",
        "versions": versions(),
    }


def versions() -> dict[str, str]:
    """Python and the packages that decide numbers."""
    packages = {package: number for package in PACKAGES if (number := _version(package))}
    return {"python": platform.python_version(), "evokit": VERSION, **packages}


@functools.cache  # reading it takes longer than a small run, and a process goes on with what it has imported
def _version(package: str) -> str:
    """Empty if it is not installed."""
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def cpu_model() -> str:
    """The processor's name: kernels are chosen by it, so bits may differ between two."""
    if sys.platform == "linux":
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor()


def refuse_other_recipe(then: Recipe, now: Recipe) -> None:
    """Refuse to resume under a recipe that differs in what decides its numbers; nothing is touched.

    Raises:
        UserError: Names every key that differs.
    """
    changed = [
        f"{text}, the function itself" if key == "fitness.digest" else text
        for key, text in differences(then, now)
        if not _free(key)
    ]
    if changed:
        raise UserError(f"this run cannot be resumed, its recipe changed ({'; '.join(changed)}); {REMEDY}")


def differences(then: Recipe, now: Recipe) -> list[tuple[str, str]]:
    """Every key in which two recipes differ, with the words ``key: before -> after``; paths by their names."""
    return [(key, f"{key}: {before:.{SAID}} -> {after:.{SAID}}") for key, (before, after) in side_by_side([then, now])]


def side_by_side(recipes: Sequence[Recipe]) -> list[tuple[str, list[str]]]:
    """Every key in which recipes differ, with what each says, JSON or ``nothing``; paths by their names."""
    leaves = [dict(_flat(recipe.portable)) for recipe in recipes]
    keys = dict.fromkeys(key for one in leaves for key in one)
    rows = [(key, [_said(one, key) for one in leaves]) for key in keys]
    return [(key, said) for key, said in rows if len(set(said)) > 1]


def refuse_other_identity(then: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Refuse to resume under another recipe, machine or set of versions.

    Raises:
        UserError: Names everything that differs.
    """
    differences = []
    for name, value in then.items():
        if name == "versions":
            changed = {p for p in value.keys() | now[name].keys() if value.get(p) != now[name].get(p)}
            differences += [f"{p} {value.get(p)} -> {now[name].get(p)}" for p in sorted(changed)]
        elif value != now.get(name):
            differences.append(f"{name} {value} -> {now.get(name)}")
    if differences:
        raise UserError(f"this run cannot be resumed, its identity changed ({'; '.join(differences)}); {REMEDY}")


def refuse_other_genome(then: Mapping[str, Any] | None, content: str) -> None:
    """Refuse to read what a run found with files of its genome that have changed since.

    Args:
        then: The run's identity, None if it has written none.
        content: The genome's ``content_digest`` now, empty if it has no files.

    Raises:
        UserError: They have.
    """
    if then is not None and then.get(GENOME, "") != content:
        raise UserError(
            f"the {GENOME} is another than when this run was begun, so its genes say something else; {REMEDY}"
        )


def _flat(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every leaf of JSON values with its dotted path; an empty mapping or list is a leaf."""
    below = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    if not below:
        yield path, value
    for key, item in below:
        yield from _flat(item, f"{path}.{key}" if path else str(key))


def _free(key: str) -> bool:
    return any(key == free or key.startswith(f"{free}.") for free in FREE)


def _said(values: Mapping[str, Any], key: str) -> str:
    return json.dumps(values[key]) if key in values else "nothing"
