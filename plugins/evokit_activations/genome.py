"""Activation tensors as a genome. A run's individuals are jobs on them: a shard of images, or the targets of all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Literal

import numpy as np

TENSORS = "tensors"


@dataclass(frozen=True)
class Shard:
    """A fixed list of training images whose representations are searched together in one job.

    Args:
        index: Images ``index * size`` to ``(index + 1) * size`` of the training side.
        method: How their targets come about: ``search`` or the name of a control.
        cycle: Of search and learning, from 0.
        network: Key of the network whose activations the search begins with; empty is the untrained one.
    """

    index: int
    method: str = "search"
    cycle: int = 0
    network: str = ""


@dataclass(frozen=True)
class Targets:
    """The stored targets of many shards.

    Args:
        method: How they came about.
        shards: Indices of the shards, ascending.
        digest: Of their tensors, in the order of ``shards``.
        cycle: Of search and learning that found them.
        network: Key of the network that they were searched with; empty is the untrained one.
    """

    method: str
    shards: tuple[int, ...]
    digest: str
    cycle: int = 0
    network: str = ""

    def each(self) -> list[Shard]:
        """The shards."""
        return [Shard(index, self.method, self.cycle, self.network) for index in self.shards]


@dataclass(frozen=True)
class CycleNetwork:
    """A network that goes on from the one searched with, learns stored targets, and is searched with next.

    Args:
        learns: The targets.
    """

    learns: Targets


Genes = Shard | Targets | CycleNetwork


def written(genes: Shard | Targets) -> dict[str, Any]:
    """The fields as they stand in ledgers and files, and under which keys are made: a network is a ``proposal``."""
    data = asdict(genes)
    network = data.pop("network")
    return {**data, "proposal": network}


@dataclass(frozen=True)
class ActivationTensors:
    """The activations of a network's layers, for each image a population of its own.

    Crossover is the mean of two random parents. Mutation adds Gaussian noise, ``channel`` with one number a channel or
    ``element`` with one an element, in units of the channel's standard deviation in the parents; then the child, or
    with ``smooth: noise`` the noise alone, is smoothed, and with ``normalise`` brought to zero mean and unit variance.
    Logits get noise an element and are recentred.
    """

    genes: ClassVar[str] = TENSORS
    phenotype: ClassVar[str] = TENSORS
    only_declared: ClassVar[bool] = True  # its individuals are jobs, which other searches cannot draw or cross

    noise: Literal["element", "channel"] = "element"
    smooth: Literal["child", "noise"] = "child"
    normalise: bool = True

    def random(self, rng: np.random.Generator) -> Genes:
        """The first shard, which any search has; what is random about a shard is decided by its images."""
        return Shard(0)

    def crossover(self, a: Genes, b: Genes, rng: np.random.Generator) -> tuple[Genes, Genes]:
        """Not for jobs: their tensors are crossed inside of them."""
        return a, b

    def mutate(self, genes: Genes, rng: np.random.Generator) -> Genes:
        """Not for jobs: their tensors mutate inside of them."""
        return genes

    def express(self, genes: Genes) -> Genes:
        return genes

    def to_json(self, genes: Genes) -> dict[str, Any]:
        if isinstance(genes, CycleNetwork):
            return {"learns": self.to_json(genes.learns)}
        data = written(genes)
        return data if isinstance(genes, Shard) else data | {"shards": list(genes.shards)}

    def from_json(self, data: Mapping[str, Any]) -> Genes:
        if "learns" in data:
            learns = self.from_json(data["learns"])
            assert isinstance(learns, Targets)
            return CycleNetwork(learns)
        method, cycle, network = str(data["method"]), int(data["cycle"]), str(data["proposal"])
        if "index" in data:
            return Shard(int(data["index"]), method, cycle, network)
        shards = tuple(int(one) for one in data["shards"])
        return Targets(method, shards, str(data["digest"]), cycle, network)

    def show(self, genes: Genes) -> str:
        if isinstance(genes, CycleNetwork):
            return f"network that learned {self.show(genes.learns)}"
        where = f"of method {genes.method} in cycle {genes.cycle}"
        if isinstance(genes, Shard):
            return f"shard {genes.index} {where}"
        return f"targets of {len(genes.shards)} shards {where}, digest {genes.digest}"
