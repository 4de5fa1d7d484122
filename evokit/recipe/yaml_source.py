"""Recipe files as trees of JSON values that remember where they were written."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode

from evokit.errors import UserError

Path_ = tuple[str | int, ...]  # keys and list positions from the top of the recipe
SET = "--set"
MAX_DEPTH = 50
MAX_NODES = 100_000  # aliases can make a short file explode
TAG = "tag:yaml.org,2002:"


class RecipeError(UserError):
    """Everything that is wrong with a recipe, one line per problem."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))


@dataclass(frozen=True)
class Where:
    """A line of a file, or the command line."""

    file: str  # as the user typed it, or --set
    line: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file

    def resolve(self, path: str) -> str:
        """An absolute path; a relative one starts from the folder of the file that names it."""
        folder = "" if self.file == SET else os.path.dirname(self.file)
        return os.path.abspath(os.path.join(folder, path))


@dataclass(frozen=True)
class Node:
    """A value and its place. Mappings are ``dict[str, Node]``, lists ``list[Node]``."""

    value: Any
    where: Where

    def plain(self) -> Any:
        """The value as JSON."""
        if isinstance(self.value, dict):
            return {key: node.plain() for key, node in self.value.items()}
        if isinstance(self.value, list):
            return [node.plain() for node in self.value]
        return self.value

    def child(self, key: str | int) -> Node | None:
        if isinstance(self.value, dict) and isinstance(key, str):
            return self.value.get(key)
        if isinstance(self.value, list) and isinstance(key, int) and 0 <= key < len(self.value):
            return self.value[key]  # type: ignore[no-any-return]
        return None

    def at(self, path: Path_) -> Node | None:
        """The value at ``path``, None if there is none."""
        node: Node | None = self
        for key in path:
            node = node.child(key) if node else None
        return node

    def nearest(self, path: Path_) -> Where:
        """Where the value at ``path`` is written, or else what should have held it."""
        node = self.at(path)
        return node.where if node else self.nearest(path[:-1])


@dataclass(frozen=True)
class Problem:
    where: Where
    path: Path_
    message: str

    def __str__(self) -> str:
        path = ".".join(map(str, self.path))
        return f"{self.where}: {path}: {self.message}" if path else f"{self.where}: {self.message}"


@dataclass
class Source:
    """A merged recipe and the problems met so far that did not stop the reading."""

    root: Node
    problems: list[Problem] = field(default_factory=list)

    def report(self, path: Path_, message: str) -> None:
        self.problems.append(Problem(self.root.nearest(path), path, message))

    def error(self) -> RecipeError:
        """All problems, those of one file together and in the order of its lines."""
        files = list(dict.fromkeys(problem.where.file for problem in self.problems))
        ordered = sorted(self.problems, key=lambda problem: (files.index(problem.where.file), problem.where.line))
        return RecipeError(list(dict.fromkeys(map(str, ordered))))


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


def dump_yaml(data: Any) -> str:
    """JSON values as YAML that ``read_source`` reads back to equal values."""
    from io import StringIO

    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    yaml.width = 4096
    yaml.allow_unicode = False  # ruamel.yaml writes some line separators in a way that it does not read back
    text = StringIO()
    yaml.dump(data, text)
    return text.getvalue()


def merge(base: Node, over: Node) -> Node:
    """``over`` on top of ``base``: mappings of the same or no name merge, everything else is replaced."""
    if not (isinstance(base.value, dict) and isinstance(over.value, dict)):
        return over
    if "name" in over.value and "name" in base.value and over.value["name"].plain() != base.value["name"].plain():
        return over
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
    if parent is None or parent.value is None:
        return root
    if not isinstance(parent.value, str):
        problem = f"must be the path of a recipe, got {describe(parent.plain())}"
        problems.append(Problem(parent.where, ("extends",), problem))
        return root
    target = path.parent / parent.value
    chain = (*below, path)
    if any(_same_file(target, seen) for seen in chain):
        circle = " -> ".join(map(str, (*chain, target)))
        raise RecipeError([f"{parent.where}: extends: recipes extend each other in a circle: {circle}"])
    if not target.is_file():
        raise RecipeError([f"{parent.where}: extends: {target}: no such file"])
    return merge(_read_chain(target, chain, problems), root)


def _same_file(a: Path, b: Path) -> bool:
    return os.path.realpath(a) == os.path.realpath(b)


def _absolute(plugins: Node) -> Node:
    """Plugin paths made independent of the file that names them; what is no path is left to validation."""
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
        raise RecipeError([f"{path}: no such file"]) from None
    except UnicodeDecodeError as error:
        raise RecipeError([f"{path}: not a text file in UTF-8 ({error.reason} at byte {error.start})"]) from error
    except (OSError, ValueError) as error:
        raise RecipeError([f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}"]) from error
    return _parse(text, str(path), (), problems)


def _parse(text: str, file: str, path: Path_, problems: list[Problem]) -> Node:
    """The tree of one YAML document.

    Args:
        file: Name for messages.
        path: Where in the recipe the document belongs, for messages.
        problems: Gains duplicate keys, tags and values that JSON does not know.
    """
    if re.match(r"%YAML\s+(?!1\.2\b)", text):
        raise RecipeError([f"{file}:1: recipes are YAML 1.2"])
    yaml = YAML(typ="safe", pure=True)
    try:
        document = yaml.compose(text)
        return _Converter(file, problems).node(document, path, Where(file, 1))
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        what = ", ".join(part for part in (error.context, error.problem) if part)
        raise RecipeError([f"{Where(file, mark.line + 1) if mark else file}: not YAML: {what}"]) from error
    except RecursionError as error:
        raise RecipeError([f"{file}: nested too deeply"]) from error
    except YAMLError as error:
        raise RecipeError([f"{file}: not YAML: {' '.join(str(error).split())}"]) from error
    except (ValueError, LookupError, AttributeError, TypeError, AssertionError, NotImplementedError) as error:
        # ruamel.yaml lets these escape on some malformed directives, tags and escapes.
        raise RecipeError([f"{file}: not YAML: {error or type(error).__name__}"]) from error


@dataclass
class _Converter:
    """Turns a node graph of ruamel.yaml into a tree of ours."""

    file: str
    problems: list[Problem]
    count: int = 0

    def node(self, node: Any, path: Path_, where: Where) -> Node:
        self.count += 1
        if self.count > MAX_NODES or len(path) > MAX_DEPTH:
            raise RecipeError([f"{where}: the file is too large or refers to itself"])
        if node is None:
            return Node(None, where)
        if not self._known_tag(node):
            self.problems.append(Problem(where, path, f"tags are not read here: {node.tag}"))
            return Node(None, where)
        if isinstance(node, MappingNode):
            return Node(self._mapping(node, path), where)
        if isinstance(node, SequenceNode):
            items = enumerate(node.value)
            return Node([self.node(item, (*path, i), self._where(item)) for i, item in items], where)
        try:
            return Node(_scalar(node), where)
        except ValueError as error:
            self.problems.append(Problem(where, path, str(error)))
            return Node(None, where)

    def _mapping(self, node: Any, path: Path_) -> dict[str, Node]:
        found: dict[str, Node] = {}
        for key, value in node.value:
            where = self._where(key)
            if not isinstance(key, ScalarNode):
                self.problems.append(Problem(where, path, "a key must be a word"))
            elif key.value in found:
                first = found[key.value].where.line
                self.problems.append(Problem(where, (*path, key.value), f"given twice, first in line {first}"))
            else:
                # The line of the key: a value in block style begins only below it.
                found[key.value] = self.node(value, (*path, key.value), where)
        return found

    def _where(self, node: Any) -> Where:
        return Where(self.file, 0 if self.file == SET else node.start_mark.line + 1)

    def _known_tag(self, node: Any) -> bool:
        kinds = {MappingNode: ("map",), SequenceNode: ("seq",)}
        known = kinds.get(type(node), ("null", "bool", "int", "float", "str", "timestamp", "merge", "value"))
        return str(node.tag).removeprefix(TAG) in known and str(node.tag).startswith(TAG)


def _scalar(node: Any) -> str | int | float | bool | None:
    text: str = node.value
    digits = text.replace("_", "")
    match str(node.tag).removeprefix(TAG):
        case "null":
            return None
        case "bool":
            return text.lower() == "true"
        case "int":
            return _integer(digits)
        case "float":
            return _finite(digits)
        case _:
            if any("\ud800" <= character <= "\udfff" for character in text):
                raise ValueError("half a character (a lone surrogate) is not text")
            return text


def _integer(digits: str) -> int:
    try:
        return int(digits, 0) if re.match(r"[-+]?0[box]", digits) else int(digits)
    except ValueError as error:
        raise ValueError(f"not an integer: {digits:.20}") from error


def _finite(digits: str) -> float:
    try:
        number = float(digits)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f"not a finite number: {digits:.20}")
    return number


@dataclass(frozen=True)
class _Assignment:
    path: Path_
    value: Node


def _assignments(overrides: Iterable[str], problems: list[Problem]) -> Iterator[_Assignment]:
    for override in overrides:
        name, equals, text = override.partition("=")
        keys = tuple(name.strip().split("."))
        if not equals or not all(keys):
            problems.append(Problem(Where(SET), (), f"must look like search.population=64, got {override!r:.80}"))
            continue
        path = tuple(int(key) if key.isascii() and key.isdigit() else key for key in keys)
        value = _parse(text, SET, path, problems)
        yield _Assignment(path, _absolute(value) if path == ("plugins",) else value)


def _general_first(assignment: _Assignment) -> tuple[int, bool]:
    return len(assignment.path), assignment.path[-1] != "name"


def _set(root: Node, path: Path_, value: Node, problems: list[Problem], done: Path_ = ()) -> Node:
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
    entries = dict(root.value) if isinstance(root.value, dict) else {}
    if key == "name" and not rest and "name" in entries and entries["name"].plain() != value.plain():
        entries = {}
    below = entries.get(key, Node({}, value.where))
    entries[key] = _set(below, rest, value, problems, (*done, key))
    return Node(entries, root.where)


def describe(value: Any) -> str:
    """A value in a few words, for the end of a message."""
    match value:
        case dict():
            return "a mapping"
        case list():
            return "a list"
        case None:
            return "nothing"
        case bool():
            return str(value).lower()
        case str():
            return f"{value!r:.60}"
        case _:
            return f"{value!s:.60}"
