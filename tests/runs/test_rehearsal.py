"""Faults that plugins have, planted one at a time: ``check`` tells each in one sentence, before anything is written."""

from __future__ import annotations

import re
import sys

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
from evokit.genomes.individuals import weights_of
from evokit.searches.archive import only_ok
from evokit.searches.stepping import AskTell
from evokit.genomes.individuals import make_individual


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
        return list(genes)  # canonical

    def express(self, genes):
        return np.array(genes)

    def encode(self, genes):
        return np.array(genes, np.float32)

    def show(self, genes):
        return str(genes)

    def seeds(self):
        return [[0.5] * self.length]

    def to_json(self, genes):
        return list(genes)  # JSON

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

# Lines and pieces of the plugin that faults take the place of.
EVALUATE = "        return [float((vector**2).sum()) for vector in batch]\n"
VALUES = "[float((vector**2).sum()) for vector in batch]"
VALUE = "float((vector**2).sum())"
DRAW = "        return rng.uniform(-5, 5, self.length).tolist()\n"
CUT = "        cut = int(rng.integers(1, self.length))\n"
CROSS = "        return a[:cut] + b[cut:], b[:cut] + a[cut:]\n"
COPIED = "        genes = list(genes)\n"
GENE = "= float(rng.uniform(-5, 5))"
CANONICAL = "        return list(genes)  # canonical\n"
EXPRESS = "        return np.array(genes)\n"
FEATURES = "        return np.array(genes, np.float32)\n"
SHOW = "        return str(genes)\n"
CONTEXT = '    context: ClassVar = "squares, version 1"\n'
SORT = "        genes.sort()\n"
WRITE = "        return list(genes)  # JSON\n"
READ = "        return list(data)\n"
ASKED = "make_individual(self._genome, self._genome.random(rng), self._weights)"
OK = "        self.population = only_ok(individuals)\n"

# What is planted: the piece that goes, what comes in its place, and what the sentence must name.
FAULTS = {
    # members
    "context misspelt": ("context:", "contxt:", "contxt"),
    "budgets misspelt": ("budgets: ClassVar", "budgts: ClassVar", "budgts"),
    "no objectives": ('    objectives: ClassVar = {"cost": "min"}\n', "", "objectives"),
    "takes misspelt": ("takes: ClassVar", "take: ClassVar", "take"),
    "slots misspelt": ("slots: ClassVar", "slot: ClassVar", "slot"),
    "evaluate misspelt": ("def evaluate(", "def evalute(", "evalute"),
    "evaluate is a number": (
        "    def evaluate(self, batch, budget):\n" + EVALUATE,
        "    evaluate: ClassVar = 3\n",
        "evaluate",
    ),
    "context is a method": (CONTEXT, '    def context(self):\n        return "squares"\n', "context"),
    "context is a number": (CONTEXT, "    context: ClassVar = 1\n", "context"),
    "a property that raises": (CONTEXT, "    @property\n    def context(self):\n        return 1 / 0\n", "context"),
    "budgets descend": ("(1, 4)", "(4, 1)", "budgets"),
    "budgets are one number": ("ClassVar = (1, 4)", "ClassVar = 4", "budgets"),
    "budgets are none": ("ClassVar = (1, 4)", "ClassVar = ()", "budgets"),
    "budgets begin at 0": ("(1, 4)", "(0, 4)", "budgets"),
    "budgets are fractions": ("(1, 4)", "(0.5, 4)", "budgets"),
    "a goal that is none": ('{"cost": "min"}', '{"cost": "least"}', "objectives"),
    "objectives are a list": ('{"cost": "min"}', '["cost"]', "objectives"),
    "takes is a number": ('frozenset({"vector"})', "3", "takes"),
    "slots are a list": ("slots: ClassVar = {}", "slots: ClassVar = [1]", "slots"),
    "no random": ("def random(", "def randm(", "randm"),
    "no express": ("def express(", "def expres(", "expres"),
    "no to_json": ("def to_json(", "def tojson(", "tojson"),
    "no from_json": ("def from_json(", "def parse(", "from_json"),
    "no mutate": ("def mutate(", "def mutant(", "mutate"),
    "no crossover": ("def crossover(", "def cross(", "crossover"),
    # building
    "build returns nothing": ("        return Model()\n", "        Model()\n", "build"),
    "build raises": ("        return Model()\n", "        return {}['model']\n", "KeyError"),
    "build ends the process": ("        return Model()\n", "        sys.exit(0)\n", "SystemExit"),
    "a final without fit": ("def fit(", "def fitted(", "fit"),
    "a final without score": ("def score(", "def scored(", "score"),
    "a final without goal": ('    goal = "min"\n', "", "goal"),
    "a final without unit": ('    unit = "point"\n', "", "unit"),
    # in place
    "mutate in place": (COPIED, "", "Lists.mutate"),
    "crossover in place": (
        CROSS,
        "        a[cut:], b[cut:] = b[cut:], a[cut:]\n        return a, b\n",
        "Lists.crossover",
    ),
    "express in place": (EXPRESS, SORT + EXPRESS, "Lists.express"),
    "encode in place": (FEATURES, SORT + FEATURES, "Lists.encode"),
    "show in place": (SHOW, SORT + SHOW, "Lists.show"),
    "evaluate in place": (EVALUATE, "        batch[0] -= 1\n" + EVALUATE, "Squares.evaluate"),
    "evaluate sorts its batch": (
        EVALUATE,
        "        batch.sort(key=lambda vector: vector[0])\n" + EVALUATE,
        "Squares.evaluate",
    ),
    "random gives one list to all": (
        DRAW,
        "        ALL[:] = rng.uniform(-5, 5, self.length)\n        return ALL\n",
        "Lists.random",
    ),
    # chance
    "random from random": (
        "rng.uniform(-5, 5, self.length).tolist()",
        "[random.uniform(-5, 5) for _ in range(self.length)]",
        "Lists.random",
    ),
    "mutate from numpy.random": (GENE, "= float(np.random.uniform(-5, 5))", "Lists.mutate"),
    "mutate from an unseeded generator": (GENE, "= float(np.random.default_rng().uniform(-5, 5))", "Lists.mutate"),
    "crossover seeds numpy.random": (CUT, "        np.random.seed(0)\n" + CUT, "Lists.crossover"),
    "evaluate from random": (VALUE, VALUE + " + random.random()", "Squares.evaluate"),
    "evaluate from numpy.random": (VALUE, VALUE + " + np.random.normal()", "Squares.evaluate"),
    "evaluate from an unseeded generator": (VALUE, VALUE + " + np.random.default_rng().normal()", "Squares.evaluate"),
    "evaluate counts its calls": (
        EVALUATE,
        "        ALL.append(1)\n" + EVALUATE.replace(VALUE, "len(ALL)"),
        "Squares.evaluate",
    ),
    "a value depends on the batch": (VALUE, VALUE + " / len(batch)", "Squares.evaluate"),
    # answers
    "a value that is complex": (VALUES, "np.array(" + VALUES + ") * 1j", "Squares.evaluate"),
    "work below nothing": (VALUE, "Evaluation(values=(1.0,), work=-5)", "Squares.evaluate"),
    "one child": ("+ b[cut:], b[:cut] + a[cut:]", "+ b[cut:],\n", "Lists.crossover"),
    "a child that is none": ("b[:cut] + a[cut:]", "None", "Lists.crossover"),
    "crossover returns nothing": (CROSS, "        a + b\n", "Lists.crossover"),
    "mutate returns nothing": (GENE + "\n        return genes\n", GENE + "\n", "Lists.mutate"),
    "random returns nothing": (DRAW, "        rng.uniform(-5, 5, self.length)\n", "Lists.random"),
    "express returns nothing": (EXPRESS, "        np.array(genes)\n", "Lists.express"),
    "encode returns infinity": (FEATURES, "        return np.full(3, np.inf)\n", "Lists.encode"),
    "encode returns text": (FEATURES, "        return 'features'\n", "Lists.encode"),
    "show returns a list": (SHOW, "        return list(genes)\n", "Lists.show"),
    "evaluate returns nothing": (EVALUATE, "        batch[0].sum()\n", "Squares.evaluate"),
    "evaluate returns a number": (VALUES, "3.0", "Squares.evaluate"),
    "evaluate returns text": (VALUE, "'cheap'", "Squares.evaluate"),
    "evaluate returns a mapping": (VALUES, "{'cost': 1.0}", "Squares.evaluate"),
    "evaluate returns one too few": (VALUES, VALUES + "[1:]", "Squares.evaluate"),
    "evaluate returns a cube": (VALUES, "np.zeros((len(batch), 1, 1))", "Squares.evaluate"),
    "evaluate returns an empty array": (VALUES, "np.zeros(0)", "Squares.evaluate"),
    "evaluate returns two objectives": (VALUE, "(1.0, 2.0)", "Squares.evaluate"),
    "an evaluation without values": (VALUE, "Evaluation()", "Squares.evaluate"),
    "an evaluation of a number": (VALUE, "Evaluation(values=3.0)", "Squares.evaluate"),
    "an outcome that is none": (VALUE, "Evaluation(outcome='fine')", "Squares.evaluate"),
    "metrics that are text": (VALUE, "Evaluation(values=(1.0,), metrics={'speed': 'high'})", "Squares.evaluate"),
    "evaluate is not a number": (VALUE, "float('nan')", "not a number"),
    # JSON
    "genes that JSON cannot write": (WRITE, "        return np.array(genes)  # JSON\n", "Lists.to_json"),
    "genes with a NaN": (WRITE, "        return [float('nan')]\n", "Lists.to_json"),
    "genes that do not come back": (READ, "        return data[::-1]\n", "Lists.from_json"),
    "from_json returns nothing": (READ, "        list(data)\n", "Lists.from_json"),
    "canonical that goes on": (CANONICAL, "        return [gene / 2 for gene in genes]\n", "Lists.canonical"),
    # exceptions of every kind, and the end
    "random raises": (DRAW, "        raise KeyError('length')\n", "KeyError"),
    "crossover raises": (CUT, "        raise RuntimeError('no cut')\n", "RuntimeError"),
    "mutate raises": (COPIED, "        raise LookupError('no gene')\n", "LookupError"),
    "express raises": (EXPRESS, "        return genes.missing\n", "AttributeError"),
    "to_json raises": (WRITE, "        raise OSError('no disk')\n", "OSError"),
    "seeds raise": ("        return [[0.5] * self.length]\n", "        raise OSError('no file')\n", "OSError"),
    "evaluate raises": (EVALUATE, "        raise TypeError('no vector')\n", "TypeError: no vector"),
    "evaluate exits": (EVALUATE, "        sys.exit(0)\n", "SystemExit"),
    "mutate exits": (COPIED, "        sys.exit('enough')\n", "SystemExit"),
    "random exits": (DRAW, "        sys.exit(3)\n", "SystemExit"),
    "an exception of its own": (EVALUATE, "        raise type('Odd', (BaseException,), {})('odd')\n", "Odd: odd"),
    "half a character": (EVALUATE, "        raise ValueError('cut \\ud83d')\n", "ValueError"),
    "megabytes of text": (EVALUATE, "        raise ValueError('x' * 10**6)\n", "ValueError"),
    # searches
    "a search that keeps no archive": (
        "        self.archive.add(self.generation, individuals, individuals)\n",
        "",
        "archive.add",
    ),
    "a search that counts no generation": ("        self.generation += 1\n", "", "generation"),
    "a search that asks for genes": (ASKED, "self._genome.random(rng)", "Climb.ask"),
    "a search that forgets its state": (OK, OK + "        self.luck = self.generation\n", "saved and loaded"),
    "a search that raises": (OK, "        raise IndexError('no one')\n", "IndexError"),
    "a search without tell": ("def tell(", "def told(", "tell"),
}


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
    piece, instead, named = FAULTS[fault]
    assert piece in PLUGIN
    faulty = PLUGIN.replace(piece, instead)
    if "ALL" in instead:  # one list for all individuals, which canonical would copy
        faulty = f"ALL = []\n{faulty}".replace(CANONICAL, "        return genes\n")
    if "luck" in instead:
        faulty = faulty.replace("len(self.archive.known)", "getattr(self, 'luck', 0)")
    answer = check(tmp_path, faulty, HILL if "search" in fault else "")
    assert answer.exit_code == 2, answer.output
    assert isinstance(answer.exception, SystemExit)
    told = [text for text in answer.stderr.splitlines() if not text.startswith("Loaded the plugin")]
    assert len(told) == 1, answer.stderr
    assert "Traceback" not in told[0]
    assert named in told[0]
    assert "toy.py" in told[0]
    assert len(told[0]) < 3000
    assert answer.stdout == ""


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("return None", r"Squares\.fresh \(plugin toy\.py, .*toy\.py:\d+\) returned nothing; return a fitness"),
        ("return Squares", "returned the class Squares; return a fitness"),
        ("return 3", "int has no evaluate"),
        ("return Lists()", "Lists .* has no evaluate"),
        ("raise KeyError('rows')", r"Squares\.fresh .*raised KeyError: 'rows'"),
        ("raise ValueError('no rows left')", "confirm: no rows left"),
    ],
)
def test_what_confirms_is_a_fitness(body, told, tmp_path):
    plugin = PLUGIN.replace("    def evaluate(", f"    def fresh(self):\n        {body}\n\n    def evaluate(")
    answer = check(tmp_path, plugin, "confirm={top: 1}")
    assert (answer.exit_code, answer.stdout) == (2, "")
    assert re.search(told, answer.stderr)
    assert "Traceback" not in answer.stderr


def test_known_individuals_that_the_population_has_no_room_for_are_told(tmp_path, caplog):
    seeds = "return [[0.5] * self.length]"
    plugin = PLUGIN.replace(seeds, "return [[i / 10] * self.length for i in range(10)]")
    assert check(tmp_path, plugin).exit_code == 0
    assert "search.population has no room for the last 2 of the individuals that the genome begins with" in caplog.text
    caplog.clear()
    assert check(tmp_path, plugin, "search.population=10").exit_code == 0
    assert not caplog.records


RARE = {  # faults that a rehearsal does not meet
    "mutate in place": (COPIED, "        genes = genes if genes[0] < -2 else list(genes)\n", "Lists.mutate"),
    "evaluate in place": (
        EVALUATE,
        "        if batch[0][0] < -2:\n            batch[0][:] = 0\n" + EVALUATE,
        "Squares.evaluate",
    ),
}


@pytest.mark.parametrize("backend", ["inline", "processes"])
@pytest.mark.parametrize("fault", RARE)
def test_a_change_in_place_in_a_rare_branch_ends_the_run(fault, backend, tmp_path):
    piece, instead, named = RARE[fault]
    (tmp_path / "toy.py").write_text(PLUGIN.replace(piece, instead))
    (tmp_path / "recipe.yaml").write_text(RECIPE)
    words = ["--set", f"execution.backend={backend}", "--set", "search.population=60", "--out", str(tmp_path / "run")]
    answer = CliRunner().invoke(main, ["run", str(tmp_path / "recipe.yaml"), *words])
    assert answer.exit_code == 2, answer.output
    assert re.search(rf"{re.escape(named)} \(plugin toy\.py, .*toy\.py:\d+\) changes the", answer.stderr)
    assert "Traceback" not in answer.output


def test_what_a_plugin_raises_later_ends_the_run_in_one_sentence(tmp_path):
    late = PLUGIN.replace(OK, "        if self.generation == 2:\n            raise IndexError('no one')\n" + OK)
    (tmp_path / "toy.py").write_text(late)
    (tmp_path / "recipe.yaml").write_text(RECIPE)
    words = ["run", str(tmp_path / "recipe.yaml"), "--set", HILL, "--out", str(tmp_path / "run")]
    answer = CliRunner().invoke(main, words)
    assert answer.exit_code == 1
    assert re.search(r"toy\.py:\d+ raised IndexError: no one; the run cannot go on", answer.stderr)
    assert (tmp_path / "run" / "summary.json").exists()


def test_nothing_is_left_of_a_run_that_was_refused(tmp_path):
    (tmp_path / "toy.py").write_text(PLUGIN.replace(EVALUATE, "        raise TypeError('no vector')\n"))
    (tmp_path / "recipe.yaml").write_text(RECIPE)
    words = ["run", str(tmp_path / "recipe.yaml"), "--out", str(tmp_path / "run")]
    assert CliRunner().invoke(main, words).exit_code == 2
    assert not (tmp_path / "run").exists()


LUCKY = """
@dataclass(frozen=True)
class Lucky:
    takes: ClassVar = frozenset({"vector"})

    def build(self, context):
        return Luck()


class Luck(Squares):
    def __init__(self):
        object.__setattr__(self, "luck", DRAWN)

    def evaluate(self, batch, budget):
        return [self.luck + value for value in super().evaluate(batch, budget)]


@hookimpl"""


@pytest.mark.parametrize("drawn", ["random.random()", "np.random.rand()", "np.random.default_rng().random()"])
def test_luck_while_a_fitness_is_built_is_noticed(drawn, tmp_path):
    lucky = PLUGIN.replace("\n@hookimpl", LUCKY.replace("DRAWN", drawn)).replace(
        '"squares", Squares', '"squares", Lucky'
    )
    answer = check(tmp_path, lucky)
    assert answer.exit_code == 2, answer.output
    assert re.search(r"Lucky\.build \(plugin toy\.py, .*toy\.py:\d+\) builds a fitness that answers", answer.stderr)


def test_an_import_in_a_method_is_no_use_of_a_generator(tmp_path):
    (tmp_path / "draws_on_import.py").write_text("import random\nrandom.random()\n")
    lazy = f"        sys.path.insert(0, {str(tmp_path)!r})\n        import draws_on_import\n"
    assert check(tmp_path, PLUGIN.replace(COPIED, lazy + COPIED)).exit_code == 0
    sys.modules.pop("draws_on_import")


def test_a_control_with_a_genome_of_its_own_is_rehearsed_too(tmp_path):
    wrong = PLUGIN.replace("length: int = 4", "length: int = 4\n    wrong: bool = False").replace(
        COPIED, "        genes = genes if self.wrong else list(genes)\n"
    )
    assert check(tmp_path, wrong).exit_code == 0
    control = "baselines=[{name: same_search, genome: {name: lists, wrong: true}}]"
    answer = check(tmp_path, wrong, control)
    assert answer.exit_code == 2
    assert "Lists.mutate" in answer.stderr


@pytest.mark.parametrize(
    ("step", "told"),
    [
        ("        return super().step(measure) if not self.generation else None\n", "leaves generation at 1 after"),
        (
            "        super().step(measure)\n        self.population[0].fitness.values = (-1.0,)\n",
            r"gives \w{8} a fitness of \[-1\.0\], which was not measured",
        ),
    ],
)
def test_a_step_that_invents_or_does_nothing_ends_the_run(step, told, tmp_path):
    stepping = PLUGIN.replace(
        "class Climb(AskTell):\n", f"class Climb(AskTell):\n    def step(self, measure):\n{step}\n"
    )
    (tmp_path / "toy.py").write_text(stepping)
    (tmp_path / "recipe.yaml").write_text(RECIPE)
    words = ["run", str(tmp_path / "recipe.yaml"), "--set", HILL, "--out", str(tmp_path / "run")]
    answer = CliRunner().invoke(main, words)
    assert answer.exit_code == 2, answer.output
    assert re.search(rf"Climb\.step \(plugin toy\.py, .*\) {told}", answer.stderr)
