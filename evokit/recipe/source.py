"""A recipe from its files and the command line: what it extends, merged, and what ``--set`` changes."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from evokit.recipe.by_name import absent, recipe_named
from evokit.recipe.yaml_source import SET, KeyPath, Node, Problem, RecipeError, Where, describe, parse_yaml

MISSES = " is missing"  # ends the message of a key that is


@dataclass
class Source:
    """A merged recipe and the problems met so far that did not stop the reading."""

    root: Node
    problems: list[Problem] = field(default_factory=list)

    def unreadable(self, path: KeyPath) -> bool:
        """Whether the value at ``path``, or one that it is in, was reported already: what follows from that is not."""
        nodes = (self.root.at(path[: n + 1]) for n in range(len(path)))
        return any(node is not None and not node.readable for node in nodes)

    def report(self, path: KeyPath, message: str) -> None:
        if self.unreadable(path):
            return
        self.problems.append(Problem(self.root.nearest(path), path, message))

    def report_whole(self, path: KeyPath, message: str) -> None:
        """Report options that do not go together or are missing, of the command line if one of them is from there."""
        node = self.root.at(path)
        if node is not None and message.removesuffix(MISSES) in node.left:
            message += "; a section of another name begins without the options of the one before, so give it again"
        below = node.value.values() if node is not None and isinstance(node.value, dict) else ()
        if any(one.where.file == SET for one in below) and not self.unreadable(path):
            self.problems.append(Problem(Where(SET), path, message))
        else:
            self.report(path, message)

    def error(self) -> RecipeError:
        """All problems: the recipe's own file first, by line, then what it extends, then the command line."""
        files = [self.root.where.file, *(problem.where.file for problem in self.problems)]

        def rank(problem: Problem) -> tuple[bool, int, int]:
            where = problem.where
            return where.file == SET, files.index(where.file), where.line

        return RecipeError(list(dict.fromkeys(map(str, sorted(self.problems, key=rank)))))


def read_source(path: Path, overrides: Sequence[str] = ()) -> Source:
    """Read a recipe with all that it extends and the ``--set`` overrides.

    Mappings merge key by key and lists replace. A mapping whose ``name`` changes is replaced whole: the options of
    another component are not options of this one. Overrides replace what they name, shorter paths first and a name
    before the options beside it, so their order on the command line matters only for the same path.

    Raises:
        RecipeError: A file cannot be read or is not YAML, or files extend each other in a circle.
    """
    problems: list[Problem] = []
    root = _read_chain(path, (), problems)
    for assignment in sorted(_assignments(overrides, problems), key=_general_first):
        root = _set(root, assignment.path, assignment.value, problems)
    return Source(root, problems)


def given_source(data: Mapping[str, Any], name: str, overrides: Sequence[str] = ()) -> Source:
    """A recipe that Python holds, and the ``--set`` overrides; relative paths start from the current folder.

    Args:
        data: JSON values; NumPy's numbers and arrays, tuples and paths are taken as what they stand for.
        name: Of the recipe, for messages.
        overrides: As of ``read_source``.
    """
    problems: list[Problem] = []
    root = _given(data, (), Where(name), problems)
    if "extends" in data:
        problems.append(Problem(root.where, ("extends",), "only a file extends another; write the values themselves"))
    if "plugins" in data:
        root = replace(root, value={**root.value, "plugins": _absolute(root.value["plugins"])})
    for assignment in sorted(_assignments(overrides, problems), key=_general_first):
        root = _set(root, assignment.path, assignment.value, problems)
    return Source(root, problems)


def _given(value: Any, path: KeyPath, where: Where, problems: list[Problem]) -> Node:
    if hasattr(value, "tolist"):  # of NumPy
        value = value.tolist()
    if isinstance(value, Mapping):
        return Node({str(key): _given(one, (*path, str(key)), where, problems) for key, one in value.items()}, where)
    if isinstance(value, list | tuple):
        return Node([_given(one, (*path, place), where, problems) for place, one in enumerate(value)], where)
    if isinstance(value, os.PathLike):
        return Node(os.fspath(value), where)
    if value is None or isinstance(value, str | bool | int) or (isinstance(value, float) and math.isfinite(value)):
        return Node(value, where)
    problems.append(Problem(where, path, f"{describe(value)} has no place in a recipe"))
    return Node(None, where, readable=False)


def merge(base: Node, over: Node) -> Node:
    """``over`` on top of ``base``: mappings of the same or no name merge, everything else is replaced."""
    if not (isinstance(base.value, dict) and isinstance(over.value, dict)):
        return over
    if "name" in over.value and "name" in base.value and over.value["name"].plain() != base.value["name"].plain():
        return replace(over, left=tuple(base.value))
    merged = {
        key: merge(base.value[key], node) if key in base.value else node for key, node in over.value.items()
    }  # fmt: skip
    return Node({**base.value, **merged}, over.where)


def _read_chain(path: Path, below: tuple[Path, ...], problems: list[Problem]) -> Node:
    """A file merged over what it extends, without the key ``extends``; ``below`` are the files that led to it."""
    root = _read_file(path, problems)
    if not isinstance(root.value, dict):
        raise RecipeError([f"{root.where}: a recipe is a mapping (key: value), got {describe(root.plain())}"])
    values = dict(root.value)
    if "plugins" in values:
        values["plugins"] = _absolute(values["plugins"])
    parent = values.pop("extends", None)
    root = replace(root, value=values)
    if parent is not None and not parent.readable:
        raise RecipeError(list(map(str, problems)))  # the rest means nothing without it
    if parent is None or parent.value is None:
        return root
    if not isinstance(parent.value, str):
        problem = f"must be the path of a recipe, got {describe(parent.plain())}"
        problems.append(Problem(parent.where, ("extends",), problem))
        return root
    target = path.parent / Path(parent.value).expanduser()
    if not target.is_file():
        target = recipe_named(parent.value) or target
    chain = (*below, path)
    if any(_same_file(target, seen) for seen in chain):
        circle = " -> ".join(map(str, (*chain, target)))
        raise RecipeError([f"{parent.where}: extends: recipes extend each other in a circle: {circle}"])
    if not target.is_file():
        raise RecipeError([f"{parent.where}: extends: {target}: {absent(Path(parent.value))}"])
    return merge(_read_chain(target, chain, problems), root)


def _same_file(a: Path, b: Path) -> bool:
    return os.path.realpath(a) == os.path.realpath(b)


def _absolute(plugins: Node) -> Node:
    """Plugin paths made independent of the file that names them; what is no path is left to validation."""
    if isinstance(plugins.value, str):
        return replace(plugins, value=plugins.where.resolve(plugins.value))
    if not isinstance(plugins.value, list):
        return plugins
    return replace(
        plugins,
        value=[replace(n, value=n.where.resolve(n.value)) if isinstance(n.value, str) else n for n in plugins.value],
    )


def _read_file(path: Path, problems: list[Problem]) -> Node:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise RecipeError([f"{path}: {absent(path)}"]) from None
    except UnicodeDecodeError as error:
        raise RecipeError([f"{path}: not a text file in UTF-8 ({error.reason} at byte {error.start})"]) from error
    except (OSError, ValueError) as error:
        raise RecipeError([f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}"]) from error
    return parse_yaml(text, str(path), (), problems)


@dataclass(frozen=True)
class _Assignment:
    path: KeyPath
    value: Node


def _assignments(overrides: Iterable[str], problems: list[Problem]) -> Iterator[_Assignment]:
    for override in overrides:
        name, equals, text = override.partition("=")
        keys = tuple(name.strip().split("."))
        if not equals or not all(keys):
            problems.append(Problem(Where(SET), (), f"must look like search.population=64, got {override!r:.80}"))
            continue
        path = tuple(int(key) if key.isascii() and key.isdigit() else key for key in keys)
        if path[0] == "extends":
            problems.append(Problem(Where(SET), path, "a recipe says itself what it extends; write it into its file"))
            continue
        value = parse_yaml(text, SET, path, problems)
        yield _Assignment(path, _absolute(value) if path == ("plugins",) else value)


def _general_first(assignment: _Assignment) -> tuple[int, bool]:
    return len(assignment.path), assignment.path[-1] != "name"


def _set(root: Node, path: KeyPath, value: Node, problems: list[Problem], done: KeyPath = ()) -> Node:
    """The tree with ``value`` at ``path``; mappings on the way are made, list positions must exist."""
    if not path:
        return value
    key, rest = path[0], path[1:]
    if isinstance(root.value, list):
        if not (isinstance(key, int) and key < len(root.value)):
            have = f"the list has {len(root.value)} entries, counted from 0"
            problems.append(Problem(Where(SET), (*done, *path), have))
            return root
        items = list(root.value)
        items[key] = _set(items[key], rest, value, problems, (*done, key))
        return replace(root, value=items)
    key = str(key)
    entries, left = dict(root.value) if isinstance(root.value, dict) else {}, root.left
    if key == "name" and not rest and "name" in entries and entries["name"].plain() != value.plain():
        entries, left = {}, tuple(entries)
    below = entries.get(key, Node({}, value.where))
    entries[key] = _set(below, rest, value, problems, (*done, key))
    return Node(entries, root.where, left=left)
