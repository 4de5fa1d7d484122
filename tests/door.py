"""A ``Measure`` as a run has it, with a fitness that remembers what it was asked."""

import hashlib
import json
from dataclasses import replace

import numpy as np

from evokit.assembly.jobs import Job
from evokit.energy import Meter
from evokit.genomes.index_vector import IndexVector
from evokit.genomes.individuals import make_individual, weights_of
from evokit.interfaces import Evaluation
from evokit.measuring.backends.inline import Inline
from evokit.measuring.ledger import Ledger
from evokit.measuring.measure import LedgeredMeasure


class Progress:
    """Remembers what a display is told."""

    def __init__(self):
        self.told, self.paces = [], []

    def evaluated(self, done, total, measured, cached, seconds_left):
        self.told.append((done, total, measured, cached))

    def pace(self, work_per_s, busy, unit):
        self.paces.append((work_per_s, busy))


class OneJob:
    """Where everything that is asked for is one fitness of one genome."""

    def __init__(self, fitness, genome):
        self.fitness, self.genome = fitness, genome

    def job(self, name, refits=()):
        fitness = self.fitness
        for text in refits:
            fitness = fitness.refitted(self.genome.express(self.genome.from_json(json.loads(text))))
        return Job(fitness, self.genome.express)


class SumFitness:
    """Weighted sum of the genes, plus an error that shrinks with the budget; fails where ``fails(genes)`` says so."""

    def __init__(self, budgets=(1,), goal="min", fails=lambda genes: None, die_at=None, context="sum"):
        self.takes, self.slots, self.objectives = frozenset({"indices"}), {}, {"sum": goal}
        self.budgets, self.context = budgets, context
        self.fails, self.die_at = fails, die_at
        self.batches = []

    @property
    def evaluated(self):
        return [genes for batch, _ in self.batches for genes in batch]

    def evaluate(self, batch, budget):
        if self.die_at is not None and len(self.batches) >= self.die_at:
            raise KeyboardInterrupt
        self.batches.append(([tuple(genes.tolist()) for genes in batch], budget))
        return [self.answer(genes, budget) for genes in batch]

    def answer(self, genes, budget):
        outcome = self.fails(genes)
        if outcome is not None:
            return Evaluation(outcome=outcome, work=budget, message="as planned")
        luck = int.from_bytes(hashlib.blake2b(genes.tobytes(), digest_size=2).digest(), "little") / 2**16
        value = genes @ np.arange(1, len(genes) + 1) + luck * (self.budgets[-1] - budget)
        return Evaluation(values=(float(value),), work=budget)


class DriftingSum(SumFitness):
    """Each refit adds ``drift`` to all values and the sum of the champion's genes, so that old values look better."""

    def __init__(self, drift=100.0, added=0.0, **options):
        super().__init__(**options)
        self.options, self.drift, self.added = options, drift, added

    def refitted(self, genes):
        if not self.drift:
            return self
        added = self.added + self.drift + float(genes.sum())
        one = type(self)(self.drift, added, **(self.options | {"context": f"after {added}"}))
        one.batches = self.batches  # one memory of all that was asked for
        return one

    def answer(self, genes, budget):
        one = super().answer(genes, budget)
        return replace(one, values=(one.values[0] + self.added,)) if one.ok else one


GENOME = IndexVector([4] * 4)


def door(fitness=None, ledger=None, genome=GENOME, batch=3, phase="search", progress=None):
    fitness = SumFitness() if fitness is None else fitness
    ledger = Ledger(":memory:") if ledger is None else ledger
    jobs = OneJob(fitness, genome)
    executor = Inline(jobs, Meter([], [], 10.0))
    return LedgeredMeasure(phase, genome, fitness, ledger, executor, batch, progress or Progress(), jobs=jobs)


def people(*genes, genome=GENOME, goal="min"):
    return [make_individual(genome, np.array(one), weights_of({"value": goal})) for one in genes]


def story(ledger, phase="search"):
    """The rows of a phase without times and joules."""
    return [
        (r.seq, r.generation, r.key, r.budget, e.source, e.outcome, e.values, e.work, e.message)
        for r in ledger.rows(phase)
        for e in [r.evaluation]
    ]
