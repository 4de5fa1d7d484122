"""Reads the code blocks of a page and does what they say, as a reader would in an empty folder."""

from __future__ import annotations

import contextlib
import doctest
import io
import re
import runpy
import shlex
import sqlite3
import subprocess
import sys
import textwrap
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from evokit.cli import main
from evokit.common.text import table

BLOCK = re.compile(r"^```(\w+)(?: (title|add|from|needs)=(\S+))?\n(.*?)^```$", re.DOTALL | re.MULTILINE)
HOOK = "@hookimpl\n"
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


@dataclass(frozen=True)
class Block:
    """A fenced block.

    Attributes:
        role: What it is to the file: its whole (``title``), an excerpt of it (``from``), or what to ``add``: methods go
            to the class above the hook, a block with a hook replaces the hook. Or another library's code,
            which ``needs`` it and runs where it is installed.
        line: Its first line in the page.
    """

    language: str
    role: str
    file: str
    text: str
    line: int


def blocks(page: str) -> Iterator[Block]:
    for found in BLOCK.finditer(page):
        language, role, file, text = (part or "" for part in found.groups())
        yield Block(language, role, file, text, page[: found.start(4)].count("\n") + 1)


class Reader:
    """Follows the blocks of one page in their order; the working directory is the reader's folder.

    ``console`` blocks are commands with their output, in which ``...`` stands for what varies; after a command of
    evokit ``> FILE`` keeps it. A ``sql`` block asks the ledger of the last run, and the ``text`` block after it is the
    answer.
    """

    def __init__(self) -> None:
        self.code, self.run_directory, self.answer = 0, Path(), ""
        self.names: dict[str, Any] = {}  # what ``pycon`` blocks have defined so far

    def follow(self, block: Block) -> None:
        """Raises ``AssertionError`` if what happens is not what the page says, ``KeyError`` for an unknown block."""
        if block.role:
            {"title": _write, "add": _add, "from": _compare_file, "needs": _run_there}[block.role](block)
        else:
            self._actions()[block.language](block)

    def _actions(self) -> dict[str, Callable[[Block], None]]:
        drawn = {"mermaid": lambda block: None}  # a picture, which another test compares with the code
        return {"console": self._console, "sql": self._sql, "text": self._text, "pycon": self._doctest, **drawn}

    def _console(self, block: Block) -> None:
        for session in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
            command, _, expected = session.partition("\n")
            _compare(self._output(command), expected, f"line {block.line}: $ {command}")

    def _output(self, command: str) -> str:
        """Of ``evokit ...``, ``pytest ...``, ``python FILE`` or ``echo $?``, which tells the last exit code."""
        command, _, file = command.partition(" > ")
        words = shlex.split(command)
        if words == ["echo", "$?"]:
            return str(self.code)
        environment = {}
        while "=" in words[0]:
            name, _, environment[name] = words.pop(0).partition("=")
        program, *arguments = words
        if program == "pytest":
            done = subprocess.run([sys.executable, "-m", "pytest", *arguments], capture_output=True, text=True)
            self.code = done.returncode
            return done.stdout
        if program == "python":
            with contextlib.redirect_stdout(io.StringIO()) as told, _beside(arguments[0]):
                runpy.run_path(arguments[0], run_name="__main__")
            return told.getvalue()
        assert program == "evokit", f"a reader cannot run {command!r}"
        answer = CliRunner().invoke(main, arguments, prog_name="evokit", env=environment)
        assert answer.exception is None or isinstance(answer.exception, SystemExit), repr(answer.exception)
        self.code = answer.exit_code
        if arguments[0] == "run":
            out = arguments[arguments.index("--out") + 1] if "--out" in arguments else f"runs/{Path(arguments[1]).stem}"
            self.run_directory = Path(out)
        if not file:
            return answer.output
        Path(file).write_text(answer.stdout)
        return answer.stderr

    def _sql(self, block: Block) -> None:
        cursor = sqlite3.connect(self.run_directory / "ledger.sqlite").execute(block.text)
        head = [column[0] for column in cursor.description]
        self.answer = table(head, [[str(value) for value in row] for row in cursor])

    def _doctest(self, block: Block) -> None:
        test = doctest.DocTestParser().get_doctest(block.text, {}, "page", "page", block.line)
        test.globs = self.names
        assert doctest.DocTestRunner(optionflags=FLAGS).run(test, clear_globs=False).failed == 0

    def _text(self, block: Block) -> None:
        """Text after a question is its answer; other text is generated, which another test compares."""
        if self.answer:
            _compare(self.answer, block.text, f"line {block.line}")
        self.answer = ""


@contextlib.contextmanager
def _beside(script: str) -> Iterator[None]:
    """As Python does it, the modules that lie beside a script can be imported."""
    sys.path.insert(0, str(Path(script).absolute().parent))
    try:
        yield
    finally:
        del sys.path[0]


def _write(block: Block) -> None:
    Path(block.file).write_text(block.text)


def _add(block: Block) -> None:
    head, hook, tail = Path(block.file).read_text().partition(HOOK)
    methods = textwrap.indent(block.text, "    ")
    text = f"\n{block.text}" if HOOK in block.text else f"{methods}\n\n{hook}{tail}"
    Path(block.file).write_text(f"{head.rstrip()}\n\n{text}")


def _run_there(block: Block) -> None:
    code = compile(block.text, f"line {block.line}", "exec")
    if find_spec(block.file):
        with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings(action="ignore"):  # they are not ours
            exec(code, {"__name__": "__main__"})


def _compare_file(block: Block) -> None:
    assert block.text in Path(block.file).read_text(), f"line {block.line} is not in {block.file}"


def _compare(found: str, expected: str, place: str) -> None:
    """Word for word, but for ``...`` and the width of blanks."""
    if not doctest.OutputChecker().check_output(f"{expected.strip()}\n", f"{found.strip()}\n", FLAGS):
        raise AssertionError(f"{place}\n--- the page says\n{expected}\n--- it is\n{found}")
