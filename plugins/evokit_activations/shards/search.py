"""The search of a run: all shards of the training images, a few a generation; its best is the set of their targets."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from typing import Any

from deap import tools

from evokit.genomes.individuals import make_individual, weights_of
from evokit.interfaces import Context, Individual, Measure, Score
from evokit.searches.archive import dump_individuals, load_individuals, only_ok
from evokit_activations.genome import CycleNetwork, Shard
from evokit_activations.options import Layerwise
from evokit_activations.shards.job import ShardJob
from evokit_activations.targets.class_codes import UNSEARCHED

log = logging.getLogger("evokit")


class ShardSearch:
    """One ``step`` measures the next shards of a cycle, or behind its last shard the network that learns them.

    The one individual in its hall of fame is the set of all targets of the last cycle that has ended, in the first
    cycle of all so far. Its fitness is the mean over its shards' measured values, all of one size.

    Args:
        job: Measures shards and knows what they stored.
        genome: Writes genes.
        method: Of the shards.
    """

    def __init__(self, job: ShardJob, genome: Any, method: str = "search") -> None:
        self.job, self.method = job, method
        self.generation = 0
        self.cycles = 1 if method in UNSEARCHED else job.options.cycles.number  # codes are the same in each
        self._steps = -(-job.n_shards // job.options.shards) + 1  # of a cycle: shards, then learning
        self.horizon = self.cycles * self._steps - 1
        self.population: Sequence[Individual] = []  # the cycle's shards so far that did not fail
        self.logbook = tools.Logbook()
        self._genome, self._weights = genome, weights_of(job.objectives)
        self._hall: list[Individual] = []
        self._network = ""  # key of the network that this cycle's shards begin with

    @property
    def done(self) -> bool:
        return self.generation >= self.horizon

    def ask(self) -> list[Individual]:
        cycle, step = divmod(self.generation, self._steps)
        if step == self._steps - 1:
            return self._networks()
        first = step * self.job.options.shards
        last = min(first + self.job.options.shards, self.job.n_shards)
        shards = (Shard(index, self.method, cycle, self._network) for index in range(first, last))
        return [make_individual(self._genome, shard, self._weights, born_by=self.method) for shard in shards]

    def tell(self, individuals: Sequence[Individual]) -> None:
        cycle, step = divmod(self.generation, self._steps)
        self.generation += 1
        if step == self._steps - 1:
            self._network = next((one.key for one in only_ok(individuals)), self._network)
            self.population = []
        else:
            self.population = [*self.population, *only_ok(individuals)]
            if self.population and (cycle == 0 or step == self._steps - 2):
                self._hall = [self._all_targets()]
        best = self._hall[0].fitness.values[0] if self._hall else None
        images = len(self.population) * self.job.options.shard
        self.logbook.record(
            generation=self.generation - 1, best=best, measured=len(individuals), cycle=cycle, images=images
        )

    def step(self, measure: Measure) -> None:
        measure.generation = self.generation
        asked = self.ask()
        measure.born(asked)
        started = time.monotonic()
        measure(asked)
        self.tell(asked)
        measure.born([*asked, *self._hall])
        self._say_speed(asked, time.monotonic() - started)

    def best(self) -> Individual:
        if not self._hall:
            raise LookupError("nothing valid was measured")
        return self._hall[0]

    def hall_of_fame(self) -> Sequence[Individual]:
        return list(self._hall)

    def front(self) -> Sequence[Individual]:
        return []

    def state_dict(self) -> dict[str, Any]:
        return {
            "generation": self.generation,
            "population": dump_individuals(self.population, self._genome),
            "proposal": self._network,  # its name in earlier checkpoints too
            "hall": dump_individuals(self._hall, self._genome),
            "logbook": [dict(record) for record in self.logbook],
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.generation = state["generation"]
        self.population = load_individuals(state["population"], self._genome, self._weights)
        self._network = state["proposal"]
        self._hall = load_individuals(state["hall"], self._genome, self._weights)
        self.logbook.clear()
        for record in state["logbook"]:
            self.logbook.record(**record)

    def expected(self) -> tuple[int, int]:
        """Measurements and work of the whole search, for estimates."""
        shards, learned = self.cycles * self.job.n_shards, self.cycles - 1
        images = self.job.n_shards * self.job.options.shard
        work = shards * self.job.work(self.method) + learned * self.job.options.cycles.epochs * images
        return shards + learned, work

    def _networks(self) -> list[Individual]:
        """The network that learns what the cycle found, if it found anything."""
        if not self.population:
            return []
        network = CycleNetwork(self.job.store.targets([one.genes for one in self.population]))
        parents = tuple(one.key for one in self.population)
        return [make_individual(self._genome, network, self._weights, parents, "learning")]

    def _say_speed(self, asked: Sequence[Individual], seconds: float) -> None:
        n_shards = sum(isinstance(one.genes, Shard) for one in asked)
        if not n_shards:
            return
        size, all_shards = self.job.options.shard, self.cycles * self.job.n_shards
        cycle, step = divmod(self.generation, self._steps)
        done = cycle * self.job.n_shards + min(step * self.job.options.shards, self.job.n_shards)
        speed = n_shards * size / max(seconds, 1e-9)
        left = (all_shards - done) * size / speed
        log.info("%d of %d images, %.3g a second, %.0f s left", done * size, all_shards * size, speed, left)

    def _all_targets(self) -> Individual:
        targets = self.job.store.targets([one.genes for one in self.population])
        parents = tuple(one.key for one in self.population)
        individual = make_individual(self._genome, targets, self._weights, parents, "all_shards")
        mean = sum(one.fitness.values[0] for one in self.population) / len(self.population)
        individual.fitness = Score(self._weights, (mean,))
        return individual


def build_search(options: Layerwise, context: Context) -> ShardSearch:
    """The search of a run, with the job that is measured instead of the fitness.

    Raises:
        ValueError: The options do not fit the data or the network.
    """
    return ShardSearch(ShardJob(options, context.genome, context.fitness), context.genome)
