"""The functional cache in a whole run: in its own process and by workers."""

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
