"""The functional cache in a whole run: in its own process and by workers."""

import pytest

from evokit.measuring.ledger_files import ledger_of
from evokit.recipe import RecipeError
from tests.small import launched

PLUGIN = '''
from dataclasses import dataclass
from typing import ClassVar

from evokit import Component, hookimpl


@dataclass(frozen=True)
class Half:
    """Counts ones among the first half of the bits; the others do nothing."""

    objectives: ClassVar = {"ones": "max"}
    budgets: ClassVar = (1,)
    context: ClassVar = "half"
    slots: ClassVar = {}
    takes: ClassVar = frozenset({"bits"})

    def evaluate(self, batch, budget):
        return [float(bits[: len(bits) // 2].sum()) for bits in batch]

    def fingerprint(self, bits):
        return bits[: len(bits) // 2]


@hookimpl
def evokit_components():
    return [Component("fitness", "half", Half)]
'''
RECIPE = """\
seed: 1
plugins: [./half.py]
fitness: {name: half}
genome: {name: bits, length: 12}
search: {name: generational, population: 12, generations: 8}
crossover: {name: uniform}
mutation: {name: bit_flip}
"""


def told(rows):
    return [(row.seq, row.key, row.evaluation.source, row.evaluation.values, row.evaluation.work) for row in rows]


def test_one_of_those_that_do_the_same_is_measured_whoever_measures(tmp_path):
    (tmp_path / "half.py").write_text(PLUGIN)
    ways = [["execution.backend=inline"], ["execution.backend=processes", "execution.workers=2"]]
    (summary, rows), (_, by_workers) = (
        launched(tmp_path, RECIPE, overrides, str(number)) for number, overrides in enumerate(ways)
    )
    assert told(rows) == told(by_workers)
    counts = summary["evaluations"]
    assert counts["measured"] == sum(row.evaluation.work for row in rows)
    assert counts["reused"] == sum(row.evaluation.source == "reused" for row in rows) > counts["measured"]
    assert counts["measured"] <= 2**6 + 3  # what six bits can do, and the twins that are measured all the same
    assert summary["best"]["values"] == [6.0]


@pytest.mark.parametrize(
    ("says", "message"),
    [
        ("1 / 0", r"Half\.fingerprint .* fails on all of 2 individuals: ZeroDivisionError"),
        ("object()", r"Half\.fingerprint .* fails on all"),
        ("__import__('os').urandom(8)", r"Half\.fingerprint .* says something else when the same individual is asked"),
    ],
)
def test_a_fingerprint_that_spares_nothing_is_told_before_the_search(says, message, tmp_path):
    (tmp_path / "half.py").write_text(PLUGIN.replace("bits[: len(bits) // 2]\n\n\n", f"{says}\n\n\n"))
    with pytest.raises(RecipeError, match=message):
        launched(tmp_path, RECIPE, ["execution.backend=inline"])
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("search", ["{name: steady_state, population: 6, in_flight: 2, generations: 2}"])
def test_what_a_search_does_not_ask_for_its_controls_do_not_either(search, tmp_path):
    (tmp_path / "half.py").write_text(PLUGIN)
    text = RECIPE.replace("{name: generational, population: 12, generations: 8}", search)
    text += "baselines: [{name: random_search}]\nexecution: {backend: inline}\n"
    summary, _ = launched(tmp_path, text, [])
    with ledger_of(tmp_path / "run" / "ledger.sqlite") as ledger:
        counts = ledger.counts("baseline/random_search")
    assert (summary["evaluations"]["reused"], counts["reused"]) == (0, 0)
    assert counts["measured"] == summary["search"]["work"]
