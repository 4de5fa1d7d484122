"""YAML text as trees of JSON values that remember where they were written, and back."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode

from evokit.errors import UserError
from evokit.recipe.by_name import outside, recipes_folder

KeyPath = tuple[str | int, ...]  # keys and list positions from the top of the recipe
SET = "--set"
MAX_DEPTH = 50
MAX_NODES = 100_000  # aliases can make a short file explode
TAG = "tag:yaml.org,2002:"


class RecipeError(UserError):
    """Everything that is wrong with a recipe, one line per problem."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(self.problems))

    def __reduce__(self) -> tuple[type, tuple[Sequence[str]]]:
        return type(self), (self.problems,)  # and not from the text, letter by letter


@dataclass(frozen=True)
class Where:
    """A line of a file, or the command line."""

    file: str  # as the user typed it, or --set
    line: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file

    def resolve(self, path: str) -> str:
        """An absolute path; a relative one starts from the folder of the file that names it, ``~`` is a home.

        Where a recipe that comes along leads out of the recipes' folder, to runs, it means those of the current folder.
        """
        folder = "" if self.file == SET else os.path.dirname(self.file)
        full = os.path.abspath(os.path.join(folder, os.path.expanduser(path)))
        comes_along = folder and Path(folder).absolute().is_relative_to(recipes_folder())
        return outside(full) if comes_along else full


@dataclass(frozen=True)
class Node:
    """A value and its place. Mappings are ``dict[str, Node]``, lists ``list[Node]``."""

    value: Any
    where: Where
    readable: bool = True  # False: it was reported and stands for nothing
    left: tuple[str, ...] = ()  # keys of a section of another name, in whose place it is

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

    def at(self, path: KeyPath) -> Node | None:
        """The value at ``path``, None if there is none."""
        node: Node | None = self
        for key in path:
            node = node.child(key) if node else None
        return node

    def nearest(self, path: KeyPath) -> Where:
        """Where the value at ``path`` is written, or else what should have held it."""
        node = self.at(path)
        return node.where if node else self.nearest(path[:-1])


@dataclass(frozen=True)
class Problem:
    where: Where
    path: KeyPath
    message: str

    def __str__(self) -> str:
        path = ".".join(map(str, self.path))
        return f"{self.where}: {path}: {self.message}" if path else f"{self.where}: {self.message}"


def dump_yaml(data: Any) -> str:
    """JSON values as YAML that ``read_source`` reads back to equal values."""
    yaml = YAML(typ="safe", pure=True)
    yaml.default_flow_style = False
    yaml.sort_base_mapping_type_on_output = False  # type: ignore[assignment]
    yaml.width = 4096
    yaml.allow_unicode = False  # ruamel.yaml writes some line separators in a way that it does not read back
    text = StringIO()
    yaml.dump(data, text)
    return text.getvalue()


def parse_yaml(text: str, file: str, path: KeyPath, problems: list[Problem]) -> Node:
    """The tree of one YAML document.

    Args:
        file: Name for messages.
        path: Where in the recipe the document belongs, for messages.
        problems: Gains duplicate keys, tags and values that JSON does not know.

    Raises:
        RecipeError: The text is not YAML 1.2, or no tree of a sensible size.
    """

    def refuse(line: int, message: str) -> RecipeError:
        return RecipeError([str(Problem(_place(file, line), path, message))])

    if re.search(r"^%YAML\s+(?!1\.2\b)", text, re.MULTILINE):
        raise refuse(1, "recipes are YAML 1.2")
    try:
        yaml = YAML(typ="safe", pure=True)
        yaml.composer.warn_double_anchors = False
        document = yaml.compose(text)
        return _Converter(file, problems).node(document, path, _place(file, 1))
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        what = ", ".join(part for part in (error.context, error.problem) if part)
        raise refuse(mark.line + 1 if mark else 1, f"not YAML: {what}") from error
    except RecursionError as error:
        raise refuse(1, "nested too deeply") from error
    except YAMLError as error:
        raise refuse(1, f"not YAML: {' '.join(str(error).split())}") from error
    except (ValueError, OverflowError) as error:  # ruamel.yaml lets these escape on "\\UFFFFFFFF"
        raise refuse(1, f"not YAML: {error}") from error


def _place(file: str, line: int) -> Where:
    return Where(file) if file == SET else Where(file, line)


@dataclass
class _Converter:
    """Turns a node graph of ruamel.yaml into a tree of ours."""

    file: str
    problems: list[Problem]
    count: int = 0

    def node(self, node: Any, path: KeyPath, where: Where) -> Node:
        self.count += 1
        if self.count > MAX_NODES or len(path) > MAX_DEPTH:
            raise RecipeError([f"{where}: the file is too large or refers to itself"])
        if node is None:
            return Node(None, where)
        if not self._known_tag(node):
            self.problems.append(Problem(where, path, f"tags are not read here: {node.tag}"))
            return Node(None, where, readable=False)
        if isinstance(node, MappingNode):
            return Node(self._mapping(node, path), where)
        if isinstance(node, SequenceNode):
            items = enumerate(node.value)
            return Node([self.node(item, (*path, i), self._where(item)) for i, item in items], where)
        try:
            return Node(_scalar(node), where)
        except ValueError as error:
            self.problems.append(Problem(where, path, str(error)))
            return Node(None, where, readable=False)

    def _mapping(self, node: Any, path: KeyPath) -> dict[str, Node]:
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
        return _place(self.file, node.start_mark.line + 1)

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
            if "\0" in text:
                raise ValueError("a NUL character is no part of a text or path")
            return text


def _integer(digits: str) -> int:
    try:
        number = int(digits, 0) if re.match(r"[-+]?0[box]", digits) else int(digits)
    except ValueError as error:
        raise ValueError(f"not an integer: {digits:.20}") from error
    if not -(2**63) <= number < 2**63:
        raise ValueError(f"an integer has at most 64 bits here, got {digits:.30}")
    return number


def _finite(digits: str) -> float:
    try:
        number = float(digits)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f"not a finite number: {digits:.20}")
    return number


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
