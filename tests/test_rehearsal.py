"""Faults that plugins have, planted one at a time: ``check`` tells each in one sentence, before anything is written."""

from __future__ import annotations

import re

import pytest
from click.testing import CliRunner

from evokit.cli import main

PLUGIN = """\
import random
import sys
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from evokit import Component, Evaluation, hookimpl
from evokit.individuals import weights_of
from evokit.searches.archive import only_ok
from evokit.searches.stepping import AskTell
from evokit.individuals import make_individual


@dataclass(frozen=True)
class Lists:
    length: int = 4
    phenotype: ClassVar[str] = "vector"

    def random(self, rng):
        return rng.uniform(-5, 5, self.length).tolist()

    def crossover(self, a, b, rng):
        cut = int(rng.integers(1, self.length))
        return a[:cut] + b[cut:], b[:cut] + a[cut:]

    def mutate(self, genes, rng):
        genes = list(genes)
        genes[int(rng.integers(self.length))] = float(rng.uniform(-5, 5))
        return genes

    def canonical(self, genes):
        return list(genes)

    def express(self, genes):
        return np.array(genes)

    def encode(self, genes):
        return np.array(genes, np.float32)

    def show(self, genes):
        return str(genes)

    def seeds(self):
        return [[0.5] * self.length]

    def to_json(self, genes):
        return list(genes)

    def from_json(self, data):
        return list(data)


@dataclass(frozen=True)
class Squares:
    objectives: ClassVar = {"cost": "min"}
    takes: ClassVar = frozenset({"vector"})
    slots: ClassVar = {}
    budgets: ClassVar = (1, 4)
    context: ClassVar = "squares, version 1"

    def evaluate(self, batch, budget):
        return [float((vector**2).sum()) for vector in batch]


@dataclass(frozen=True)
class Hill:
    reads: ClassVar = frozenset()

    def build(self, context):
        return Climb(context.genome, weights_of(context.fitness.objectives), 3)


class Climb(AskTell):
    def ask(self):
        rng = np.random.default_rng([len(self.archive.known), self.generation])
        return [make_individual(self._genome, self._genome.random(rng), self._weights) for _ in range(4)]

    def tell(self, individuals):
        self.population = only_ok(individuals)
        self.archive.add(self.generation, individuals, individuals)
        self.generation += 1


@dataclass(frozen=True)
class Best:
    def build(self, context):
        return Model()


class Model:
    budgets = (1,)
    deterministic = True
    goal = "min"
    unit = "point"

    def settings(self, best):
        return [{}]

    def fit(self, setting, seed, budget, scratch):
        path = scratch / "model"
        path.write_text("a model")
        return Evaluation(values=(0.0,), work=1, artifact=str(path))

    def score(self, artifact, split):
        return np.zeros(3)


@hookimpl
def evokit_components():
    return [
        Component("genome", "lists", Lists),
        Component("fitness", "squares", Squares),
        Component("search", "hill", Hill),
        Component("final", "model", Best, fits="squares"),
    ]
"""
RECIPE = """\
seed: 0
plugins: [./toy.py]
fitness: {name: squares}
genome: {name: lists}
search: {name: generational, population: 8, generations: 3}
execution: {backend: inline}
"""
HILL = "search={name: hill}"

# What is planted: the line that it replaces, what comes in its place, the member that is to be named, options of the recipe.
FAULTS: dict[str, tuple[str, str, str, str]] = {
    # members
    "no context": ('    context: ClassVar = "squares, version 1"\n', "", "context", ""),
    "no budgets": ("    budgets: ClassVar = (1, 4)\n", "", "budgets", ""),
    "no objectives": ('    objectives: ClassVar = {"cost": "min"}\n', "", "objectives", ""),
    "no takes": ('    takes: ClassVar = frozenset({"vector"})\n', "", "takes", ""),
    "no slots": ("    slots: ClassVar = {}\n", "", "slots", ""),
    "evaluate misspelt": ("def evaluate(", "def evalute(", "evalute", ""),
    "evaluate is a number": ("    def evaluate(self, batch, budget):\n        return [float((vector**2).sum()) for vector in batch]\n", "    evaluate: ClassVar = 3\n", "evaluate", ""),
    "context is a method": ('    context: ClassVar = "squares, version 1"\n', '    def context(self):\n        return "squares"\n', "context", ""),
    "context is a number": ('context: ClassVar = "squares, version 1"', "context: ClassVar = 1", "context", ""),
    "budgets descend": ("(1, 4)", "(4, 1)", "budgets", ""),
    "budgets are one number": ("ClassVar = (1, 4)", "ClassVar = 4", "budgets", ""),
    "budgets are none": ("ClassVar = (1, 4)", "ClassVar = ()", "budgets", ""),
    "budgets begin at 0": ("(1, 4)", "(0, 4)", "budgets", ""),
    "budgets are fractions": ("(1, 4)", "(0.5, 4)", "budgets", ""),
    "a goal that is none": ('{"cost": "min"}', '{"cost": "least"}', "objectives", ""),
    "objectives are a list": ('{"cost": "min"}', '["cost"]', "objectives", ""),
    "takes is a number": ('frozenset({"vector"})', "3", "takes", ""),
    "slots are a list": ("slots: ClassVar = {}", "slots: ClassVar = [1]", "slots", ""),
    "a property that raises": ('    context: ClassVar = "squares, version 1"\n', '    @property\n    def context(self):\n        return 1 / 0\n', "context", ""),
    "no random": ("def random(", "def randm(", "randm", ""),
    "no express": ("def express(", "def expres(", "expres", ""),
    "no to_json": ("def to_json(", "def tojson(", "tojson", ""),
    "no from_json": ("def from_json(", "def parse(", "from_json", ""),
    "no mutate": ("def mutate(", "def mutant(", "mutate", ""),
    "no crossover": ("def crossover(", "def cross(", "crossover", ""),
    # building
    "build returns nothing": ("        return Model()\n", "        Model()\n", "build", ""),
    "build raises": ("        return Model()\n", "        return {}['model']\n", "KeyError", ""),
    "build ends the process": ("        return Model()\n", "        sys.exit(0)\n", "SystemExit", ""),
    "a final without fit": ("def fit(", "def fitted(", "fit", ""),
    "a final without score": ("def score(", "def scored(", "score", ""),
    "a final without goal": ('    goal = "min"\n', "", "goal", ""),
    "a final without unit": ('    unit = "point"\n', "", "unit", ""),
    # in place
    "mutate in place": ("        genes = list(genes)\n        genes[int", "        genes[int", "Lists.mutate", ""),
    "crossover in place": ("        return a[:cut] + b[cut:], b[:cut] + a[cut:]\n", "        a[cut:], b[cut:] = b[cut:], a[cut:]\n        return a, b\n", "Lists.crossover", ""),
    "express in place": ("        return np.array(genes)\n", "        genes.sort()\n        return np.array(genes)\n", "Lists.express", ""),
    "encode in place": ("        return np.array(genes, np.float32)\n", "        genes.sort()\n        return np.array(genes, np.float32)\n", "Lists.encode", ""),
    "show in place": ("        return str(genes)\n", "        genes.sort()\n        return str(genes)\n", "Lists.show", ""),
    "evaluate in place": ("        return [float((vector**2)", "        batch[0] -= 1\n        return [float((vector**2)", "Squares.evaluate", ""),
    "evaluate sorts its batch": ("        return [float((vector**2)", "        batch.sort(key=lambda vector: vector[0])\n        return [float((vector**2)", "Squares.evaluate", ""),
    "random gives one list to all": ("        return rng.uniform(-5, 5, self.length).tolist()", "        ALL[:] = rng.uniform(-5, 5, self.length).tolist()\n        return ALL", "Lists.random", "|def canonical(self, genes):\n        return list(genes)|def canonical(self, genes):\n        return genes"),
    # chance
    "random from random": ("rng.uniform(-5, 5, self.length).tolist()", "[random.uniform(-5, 5) for _ in range(self.length)]", "Lists.random", ""),
    "mutate from numpy.random": ("= float(rng.uniform(-5, 5))", "= float(np.random.uniform(-5, 5))", "Lists.mutate", ""),
    "mutate from an unseeded generator": ("= float(rng.uniform(-5, 5))", "= float(np.random.default_rng().uniform(-5, 5))", "Lists.mutate", ""),
    "crossover seeds numpy.random": ("        cut = int(rng", "        np.random.seed(0)\n        cut = int(rng", "Lists.crossover", ""),
    "evaluate from random": ("float((vector**2).sum())", "float((vector**2).sum()) + random.random()", "Squares.evaluate", ""),
    "evaluate from numpy.random": ("float((vector**2).sum())", "float((vector**2).sum()) + np.random.normal()", "Squares.evaluate", ""),
    "evaluate from an unseeded generator": ("float((vector**2).sum())", "float((vector**2).sum()) + np.random.default_rng().normal()", "Squares.evaluate", ""),
    "evaluate counts its calls": ("        return [float((vector**2)", "        CALLS.append(len(CALLS))\n        return [CALLS[-1] + float((vector**2)", "Squares.evaluate", ""),
    "a value depends on the batch": ("float((vector**2).sum())", "float((vector**2).sum()) / len(batch)", "Squares.evaluate", ""),
    # answers
    "one child": ("return a[:cut] + b[cut:], b[:cut] + a[cut:]", "return [a[:cut] + b[cut:]]", "Lists.crossover", ""),
    "a child that is none": ("return a[:cut] + b[cut:], b[:cut] + a[cut:]", "return a[:cut] + b[cut:], None", "Lists.crossover", ""),
    "crossover returns nothing": ("        return a[:cut] + b[cut:], b[:cut] + a[cut:]\n", "        a[:cut] + b[cut:]\n", "Lists.crossover", ""),
    "mutate returns nothing": ("= float(rng.uniform(-5, 5))\n        return genes\n", "= float(rng.uniform(-5, 5))\n", "Lists.mutate", ""),
    "random returns nothing": ("        return rng.uniform(-5, 5, self.length).tolist()", "        rng.uniform(-5, 5, self.length).tolist()", "Lists.random", ""),
    "express returns nothing": ("        return np.array(genes)\n", "        np.array(genes)\n", "Lists.express", ""),
    "encode returns text": ("        return np.array(genes, np.float32)\n", "        return 'features'\n", "Lists.encode", ""),
    "show returns a list": ("return str(genes)", "return list(genes)", "Lists.show", ""),
    "evaluate returns nothing": ("        return [float((vector**2).sum()) for vector in batch]\n", "        [float((vector**2).sum()) for vector in batch]\n", "Squares.evaluate", ""),
    "evaluate returns a number": ("[float((vector**2).sum()) for vector in batch]", "3.0", "Squares.evaluate", ""),
    "evaluate returns text": ("float((vector**2).sum())", "'cheap'", "Squares.evaluate", ""),
    "evaluate returns a mapping": ("[float((vector**2).sum()) for vector in batch]", "{'cost': 1.0}", "Squares.evaluate", ""),
    "evaluate returns one too few": ("for vector in batch]", "for vector in batch][1:]", "Squares.evaluate", ""),
    "evaluate returns a cube": ("[float((vector**2).sum()) for vector in batch]", "np.zeros((len(batch), 1, 1))", "Squares.evaluate", ""),
    "evaluate returns an empty array": ("[float((vector**2).sum()) for vector in batch]", "np.zeros(0)", "Squares.evaluate", ""),
    "evaluate returns two objectives": ("[float((vector**2).sum()) for vector in batch]", "[(1.0, 2.0) for vector in batch]", "Squares.evaluate", ""),
    "an evaluation without values": ("float((vector**2).sum())", "Evaluation()", "Squares.evaluate", ""),
    "an evaluation of a number": ("float((vector**2).sum())", "Evaluation(values=3.0)", "Squares.evaluate", ""),
    "an outcome that is none": ("float((vector**2).sum())", "Evaluation(outcome='fine')", "Squares.evaluate", ""),
    "metrics that are text": ("float((vector**2).sum())", "Evaluation(values=(1.0,), metrics={'speed': 'high'})", "Squares.evaluate", ""),
    "evaluate is not a number": ("float((vector**2).sum())", "float('nan')", "not a number", ""),
    # JSON
    "genes that JSON cannot write": ("    def to_json(self, genes):\n        return list(genes)", "    def to_json(self, genes):\n        return np.array(genes)", "Lists.to_json", ""),
    "genes with a NaN": ("    def to_json(self, genes):\n        return list(genes)", "    def to_json(self, genes):\n        return [float('nan')]", "Lists.to_json", ""),
    "genes that do not come back": ("        return list(data)", "        return list(data)[::-1]", "Lists.from_json", ""),
    "from_json returns nothing": ("        return list(data)", "        list(data)", "Lists.from_json", ""),
    "canonical that goes on": ("    def canonical(self, genes):\n        return list(genes)", "    def canonical(self, genes):\n        return [gene / 2 for gene in genes]", "Lists.canonical", ""),
    # exceptions of every kind, and the end
    "random raises": ("        return rng.uniform(-5, 5, self.length).tolist()", "        raise KeyError('length')", "KeyError", ""),
    "crossover raises": ("        cut = int(rng", "        raise RuntimeError('no cut')\n        cut = int(rng", "RuntimeError", ""),
    "mutate raises": ("        genes = list(genes)\n        genes[int", "        raise LookupError('no gene')\n        genes[int", "LookupError", ""),
    "express raises": ("        return np.array(genes)\n", "        return genes.missing\n", "AttributeError", ""),
    "to_json raises": ("    def to_json(self, genes):\n        return list(genes)", "    def to_json(self, genes):\n        raise OSError('no disk')", "OSError", ""),
    "seeds raise": ("        return [[0.5] * self.length]", "        raise OSError('no file')", "OSError", ""),
    "evaluate raises": ("        return [float((vector**2)", "        raise TypeError('no vector')\n        return [float((vector**2)", "TypeError: no vector", ""),
    "evaluate exits": ("        return [float((vector**2)", "        sys.exit(0)\n        return [float((vector**2)", "SystemExit", ""),
    "mutate exits": ("        genes = list(genes)\n        genes[int", "        sys.exit('enough')\n        genes[int", "SystemExit", ""),
    "random exits": ("        return rng.uniform(-5, 5, self.length).tolist()", "        sys.exit(3)", "SystemExit", ""),
    "an exception of its own": ("        return [float((vector**2)", "        raise type('Odd', (BaseException,), {})('odd')\n        return [float((vector**2)", "Odd: odd", ""),
    "half a character": ("        return [float((vector**2)", "        raise ValueError('cut \\ud83d')\n        return [float((vector**2)", "ValueError", ""),
    "megabytes of text": ("        return [float((vector**2)", "        raise ValueError('x' * 10**6)\n        return [float((vector**2)", "ValueError", ""),
    # searches
    "a search that keeps no archive": ("        self.archive.add(self.generation, individuals, individuals)\n", "", "archive.add", HILL),
    "a search that counts no generation": ("        self.generation += 1\n", "", "generation", HILL),
    "a search that asks for genes": ("return [make_individual(self._genome, self._genome.random(rng), self._weights) for _ in range(4)]", "return [self._genome.random(rng) for _ in range(4)]", "Climb.ask", HILL),
    "a search that forgets its state": ("        self.population = only_ok(individuals)\n", "        self.population = only_ok(individuals)\n        self.luck = getattr(self, 'luck', 0) + 1\n", "saved and loaded", HILL + "|[len(self.archive.known), self.generation]|[getattr(self, 'luck', 0)]"),
    "a search that raises": ("        self.population = only_ok(individuals)\n", "        self.population = only_ok(individuals)\n        raise IndexError('no one')\n", "IndexError", HILL),
    "a search without tell": ("def tell(", "def told(", "tell", HILL),
}  # fmt: skip


def check(folder, plugin, *overrides):
    (folder / "toy.py").write_text(plugin)
    (folder / "recipe.yaml").write_text(RECIPE)
    words = [word for override in overrides if override for word in ("--set", override)]
    return CliRunner().invoke(main, ["check", str(folder / "recipe.yaml"), *words])


def test_the_plugin_without_a_fault_is_fine(tmp_path):
    for override in ("", HILL, "screens=[{name: surrogate, model: {name: ridge}}]"):
        answer = check(tmp_path, PLUGIN, override)
        assert (answer.exit_code, answer.exception) == (0, None), answer.output


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_told_in_one_sentence(fault, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    line, instead, named, how = FAULTS[fault]
    override, _, more = how.partition("|")
    plugin = f"ALL, CALLS = [], []\n{PLUGIN.replace(line, instead)}"
    assert plugin != f"ALL, CALLS = [], []\n{PLUGIN}"
    if more:
        plugin = plugin.replace(*more.split("|"))
    answer = check(tmp_path, plugin, override)
    assert answer.exit_code == 2, answer.output
    assert isinstance(answer.exception, SystemExit)
    told = [text for text in answer.stderr.splitlines() if not text.startswith("Loaded the plugin")]
    assert len(told) == 1, answer.stderr
    assert "Traceback" not in told[0]
    assert named in told[0]
    assert "toy.py" in told[0]
    assert len(told[0]) < 3000
    assert answer.stdout == ""
