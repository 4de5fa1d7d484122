"""What the tests of whole runs share: a small recipe, a plugin whose fitness can be told to misbehave, a display."""

from __future__ import annotations

import math
import subprocess
import sys
from collections.abc import Sequence
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from evokit.measuring.ledger import Ledger
from evokit.measuring.ledger_files import ledger_of, same_but_for_costs
from evokit.progress import LineProgress
from evokit.recipe import load_recipe
from evokit.runs import run as running
from evokit.runs.launch import launch

RECIPES = Path(__file__).parent.parent / "recipes"
TOY = Path(__file__).parent / "toy_plugin.py"
TOY_RECIPE = f"""\
plugins: [{TOY}]
data: {{name: points}}
fitness: {{name: squares}}
genome: {{name: real_vector, length: 1, low: -3, high: 3}}
search: {{name: generational, population: 8, generations: 4}}
mutation: {{name: gaussian}}
crossover: {{name: uniform}}
baselines: [{{name: descent}}, {{name: random_search}}]
execution: {{backend: inline}}
"""
PLUGIN = '''
import time
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from evokit import Component, Evaluation, hookimpl


@dataclass(frozen=True)
class Odd:
    """Counts ones; ``fails`` says how, for individuals with an odd number of them or for all."""

    fails: str = ""
    all: bool = False
    sleep: float = 0.0
    fresh_data: bool = True
    objectives: ClassVar = {"ones": "max"}
    budgets: ClassVar = (1, 4)
    context: ClassVar = "odd"
    slots: ClassVar = {}
    takes: ClassVar = frozenset({"bits"})

    def build(self, context):
        return self if self.fresh_data else Stale(self.fails)

    def fresh(self):
        return self

    def evaluate(self, batch, budget):
        for bits in batch:
            time.sleep(self.sleep)
            bad = self.all or bits.sum() % 2
            if self.fails == "raises" and bad:
                raise ArithmeticError("an odd number of ones")
            if self.fails == "exits" and bad:
                raise SystemExit(0)
            if self.fails == "interrupts" and bad:
                raise KeyboardInterrupt
            yield Evaluation(values=(float("nan") if self.fails == "nan" and bad else float(bits.sum()),), work=budget)


class Stale:
    objectives, budgets, context, slots, takes = {"ones": "max"}, (1, 4), "odd", {}, frozenset({"bits"})

    def __init__(self, fails):
        self.fails = fails

    def evaluate(self, batch, budget):
        return [Evaluation(values=(float(bits.sum()),), work=budget) for bits in batch]


@dataclass(frozen=True)
class Line:
    """A surrogate that imports nothing heavy, unlike ridge: each bit's share in the value, by least squares."""

    def build(self, context):
        return Shares()


class Shares:
    def fit(self, X, y, rng):
        self.mean = y.mean()
        self.shares = np.linalg.lstsq(X.astype(float) - 0.5, y - self.mean, rcond=None)[0]

    def predict(self, X):
        return self.mean + (X.astype(float) - 0.5) @ self.shares, np.zeros(len(X))


@hookimpl
def evokit_components():
    return [Component("fitness", "odd", Odd), Component("surrogate", "line", Line)]
'''
RECIPE = """\
seed: 3
plugins: [./odd.py]
fitness: {name: odd}
genome: {name: bits, length: 16}
search: {name: generational, population: 8, generations: 8, elites: 1}
crossover: {name: uniform}
mutation: {name: bit_flip}
screens:
  - {name: surrogate, model: {name: line}, refit_every: 2, top: 0.3, random: 0.3}
  - {name: race, keep: 0.5}
confirm: {top: 2}
execution: {backend: inline}
baselines: [{name: random_search}, {name: coordinate_descent}]
"""


def write_recipe(folder: Path, text: str = RECIPE) -> Path:
    """The small recipe and its plugin in ``folder``."""
    (folder / "odd.py").write_text(PLUGIN)
    path = folder / "small.yaml"
    path.write_text(text)
    return path


def run(recipe: Path, out: Path, *overrides: str, resume: bool = False, only=None, log: StringIO | None = None):
    """Launch in this process; gives the summary."""
    return launch(load_recipe(recipe, overrides), out, LineProgress(log or StringIO()), resume=resume, only=only)


def evokit(*words: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """A real process."""
    return subprocess.run(command(words), cwd=cwd, capture_output=True, text=True, timeout=120, check=False)


def start(*words: object, first: str = "") -> subprocess.Popen[str]:
    """A real process that is not waited for."""
    pipe = subprocess.PIPE
    return subprocess.Popen(command(words, first), stdout=pipe, stderr=pipe, text=True, start_new_session=True)


def command(words: Sequence[object], first: str = "") -> list[str]:
    """What starts ``evokit`` with these words, in a process that executes the code ``first``."""
    # A suite that a shell put in the background hands on that SIGINT is ignored; a person's terminal does not.
    listen = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    return [sys.executable, "-c", f"{listen}; {first or 'pass'}; from evokit.cli import main; main()", *map(str, words)]


def files(folder: Path) -> dict[str, bytes]:
    """Every file below ``folder`` with its content."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def launched(folder: Path, text: str, overrides: Sequence[str], name: str = "run", resume: bool = False) -> Any:
    """Run a recipe's text in ``folder / name``; gives the summary and the rows of its search."""
    path = folder / "recipe.yaml"
    path.write_text(text)
    summary = launch(load_recipe(path, overrides), folder / name, LineProgress(StringIO()), resume=resume)
    with ledger_of(folder / name / "ledger.sqlite") as ledger:
        return summary, ledger.rows("search")


def killed_and_resumed(folder: Path, text: str, monkeypatch: Any) -> tuple[Any, list[Any]]:
    """A whole run of a recipe's text is that which is killed half way and resumed; gives its summary and rows."""
    monkeypatch.setattr(running, "CHECKPOINT_EVERY_S", 0.0)
    monkeypatch.setattr(running, "CHECKPOINT_SHARE", math.inf)
    whole, rows = launched(folder, text, [], "whole")
    with monkeypatch.context() as patch:
        patch.setattr(Ledger, "add", killed_after(len(rows) // 2))
        with pytest.raises(KeyboardInterrupt):
            launched(folder, text, [], "killed")
    resumed, _ = launched(folder, text, [], "killed", resume=True)
    assert whole["best"] == resumed["best"]
    assert same_but_for_costs(folder / "whole" / "ledger.sqlite", folder / "killed" / "ledger.sqlite")
    return whole, rows


def killed_after(rows: int) -> Any:
    """A ledger that ends the run before it writes more than so many rows."""
    whole_add, left = Ledger.add, [rows]

    def add(ledger: Ledger, some: Sequence[Any]) -> None:
        left[0] -= len(some)
        if left[0] < 0:
            raise KeyboardInterrupt
        whole_add(ledger, some)

    return add
