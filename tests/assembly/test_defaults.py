from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from evokit.assembly.defaults import completed
from evokit.contracts.blame import ContractError
from evokit.interfaces import Context
from evokit.measuring.ledger_files import ledger_of
from evokit.streams import Streams
from tests.small import run

WITHOUT_CONTEXT = """
from dataclasses import dataclass
from typing import ClassVar

from evokit import Component, hookimpl


@dataclass(frozen=True)
class Own:
    objectives: ClassVar = {"ones": "max"}

    def build(self, context):
        return self

    def evaluate_one(self, bits, budget):
        return float(bits.sum())


@hookimpl
def evokit_components():
    return [Component("fitness", "own", Own)]
"""


@dataclass(frozen=True)
class Least:
    to: float = 0.0
    objectives: ClassVar = {"distance": "min"}

    def evaluate_one(self, vector, budget):
        return float(abs(vector - self.to).sum()) * budget


class Slotted(Least):
    __slots__ = ()
    budgets = (1, 2)
    slots: ClassVar = {"layer": (1, 2)}
    takes = frozenset({"bits"})
    context = "mine"


def build(fitness, seed=0, data=""):
    return completed(fitness, fitness, Context(Streams(seed), data_digest=data))


def test_what_is_not_said_is_completed():
    fitness = build(Least())
    assert (fitness.slots, fitness.budgets, "anything" in fitness.takes) == ({}, (1,), True)
    assert fitness.evaluate([np.ones(2), np.zeros(2)], 3) == [6.0, 0.0]
    assert isinstance(fitness, Least)
    assert replace(fitness, to=1.0).evaluate([np.ones(2)], 1) == [0.0]


@pytest.mark.parametrize("itself", [True, False])
def test_what_is_built_again_and_again_has_the_context_of_each_run(itself):
    kept = Least()
    options = kept if itself else Least(2.0)
    first, second = (completed(kept, options, Context(Streams(seed))) for seed in (0, 1))
    again = completed(first, options, Context(Streams(1)))
    assert first.context != second.context == again.context
    assert first.evaluate([np.ones(2)], 1) == again.evaluate([np.ones(2)], 1) == [2.0]


def test_what_is_said_stays():
    fitness = build(Slotted())
    assert (fitness.budgets, fitness.slots, fitness.takes, fitness.context) == (
        (1, 2), {"layer": (1, 2)}, {"bits"}, "mine"
    )  # fmt: skip


def test_the_context_is_of_options_data_and_seed():
    same, *others = [
        build(Least()),
        build(Least()),
        build(Least(1.0)),
        build(Least(), seed=1),
        build(Least(), data="d"),
    ]
    assert same.context == others[0].context
    assert len({one.context for one in others}) == 4


def test_a_context_that_cannot_be_made_is_asked_for():
    @dataclass(frozen=True)
    class Reads(Least):
        file: Path = Path("table.csv")

    @dataclass(frozen=True)
    class Fresh(Least):
        def fresh(self):
            return self

    with pytest.raises(ContractError, match=r"Reads .*has no context, and what lies at its option table\.csv"):
        build(Reads())
    with pytest.raises(ContractError, match=r"Fresh .*has fresh and no context"):
        build(Fresh())


def test_a_misspelt_member_is_not_completed():
    @dataclass(frozen=True)
    class Misspelt(Least):
        contxt: ClassVar = "mine"

    assert not hasattr(build(Misspelt()), "context")


def test_a_fitness_without_a_context_is_known_again_and_has_one_for_each_seed(tmp_path):
    """Its options build themselves, as docs/plugins.md has it, and one with another horizon loads plugins twice."""
    (tmp_path / "own.py").write_text(WITHOUT_CONTEXT)
    text = "plugins: [own.py]\nfitness: {name: own}\ngenome: {name: bits, length: 8}\nmutation: {name: bit_flip}\n"
    text += "crossover: {name: uniform}\nsearch: {name: generational, population: 4, generations: 2}\n"
    (tmp_path / "own.yaml").write_text(text + "execution: {backend: inline}\n")
    run(tmp_path / "own.yaml", tmp_path / "run")
    longer = run(tmp_path / "own.yaml", tmp_path / "run", "search.generations=3", resume=True)
    assert longer["generations"] == 3
    run(tmp_path / "own.yaml", tmp_path / "both", "repeats=2")
    run(tmp_path / "own.yaml", tmp_path / "alone", "seed=1")
    contexts = []
    for folder in ("both/repeat-0", "both/repeat-1", "alone"):
        with ledger_of(tmp_path / folder / "ledger.sqlite") as ledger:
            contexts.append(ledger.meta("identity")["fitness"])
    assert contexts[0] != contexts[1] == contexts[2]
