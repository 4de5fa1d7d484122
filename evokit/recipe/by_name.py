"""The recipes that come along, by name: ``clso_gpt2``, ``paper/clso_gpt2``."""

from __future__ import annotations

import os
import re
from pathlib import Path

from evokit.common.names import did_you_mean

SUFFIX = ".yaml"


def recipes_folder() -> Path:
    """Where they lie: in the installed package, or in the checkout that the package is imported from."""
    here = Path(__file__).parent
    installed = here / "files"
    return installed if installed.is_dir() else here.parents[1] / "recipes"


def recipe_names() -> list[str]:
    """Their names, those in folders last."""
    folder = recipes_folder()
    names = [path.relative_to(folder).with_suffix("").as_posix() for path in folder.rglob(f"*{SUFFIX}")]
    return sorted(names, key=lambda name: (name.count("/"), name))


def recipe_named(name: str) -> Path | None:
    """The file of a recipe that comes along, None if none has that name."""
    return recipes_folder() / f"{name}{SUFFIX}" if name in recipe_names() else None


def outside(path: str) -> str:
    """A path that leads out of their folder to what lies beside it, such as ``runs``: that of the current folder.

    Args:
        path: Absolute; any other stays as it is.
    """
    folder = recipes_folder()
    beside = Path(path).is_relative_to(folder.parent) and not Path(path).is_relative_to(folder)
    return os.path.abspath(os.path.relpath(path, folder.parent)) if beside else path


def found(path: Path) -> Path:
    """What a recipe's path or name means: a file that lies there, else the recipe of that name, else ``path``."""
    return path if path.is_file() else recipe_named(path.as_posix()) or path


def namesake(path: Path) -> Path | None:
    """A file of one's own that a name of a recipe that comes along does not mean, though it may seem so."""
    own = path.with_name(f"{path.name}{SUFFIX}")
    return own if not path.is_file() and recipe_named(path.as_posix()) and own.is_file() else None


def absent(path: Path) -> str:
    """What to say of a recipe that is neither a file nor a name."""
    known = recipe_names()
    if path.suffix == SUFFIX and path.stem in known:
        return f"no such file; a recipe that comes along is called {path.stem!r}"
    return f"no such file{did_you_mean(path.as_posix().removesuffix(SUFFIX), known)}"


def headline(name: str) -> str:
    """What a recipe does: the beginning of its header."""
    comments = []
    for line in (recipes_folder() / f"{name}{SUFFIX}").read_text(encoding="utf-8").splitlines():
        if not line.startswith("#"):
            break
        comments.append(line.removeprefix("#").strip())
    return re.split(r"(?<=\?) |[.](?: |$)| \(", " ".join(comments), maxsplit=1)[0]
