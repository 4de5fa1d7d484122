"""What a run measures: shards, by searching their images and forwarding what was stored, and stored targets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path

import torch
from torch import Tensor

from evokit.common.cores import set_threads
from evokit.common.keys import digest
from evokit.genomes.individuals import key_of
from evokit.interfaces import Evaluation, Goal
from evokit_activations.fitness import cross_entropies
from evokit_activations.genome import ActivationTensors, CycleNetwork, Genes, Shard, Targets
from evokit_activations.layerwise.search import LayerwiseSearch, refuse_other_layers
from evokit_activations.networks.frozen import DTYPES, FrozenNetwork, in_precision
from evokit_activations.networks.task import ImageTask
from evokit_activations.options import Layerwise
from evokit_activations.shards.cycles import CycleTrainer
from evokit_activations.targets.class_codes import UNSEARCHED, class_codes, mean_activations
from evokit_activations.targets.store import StoredShard, TargetStore, stored


class ShardJob:
    """The fitness of a layer-wise search. Work is counted in evaluations of candidates.

    A shard's images are searched in groups of ``lanes``; each image's random numbers are its own, so that only the
    last bits of products depend on its neighbours. What is reported of a shard is the mean cross-entropy of its
    targets as they were stored: read back from disk and forwarded again.

    Args:
        options: Of the search.
        tensors: How children are made.
        task: Images and network.
    """

    def __init__(self, options: Layerwise, tensors: ActivationTensors, task: ImageTask) -> None:
        self.options, self.tensors, self.task = options, tensors, task
        n = len(task.labels)
        refuse_other_layers(options, len(task.shape.channels))
        if n % options.shard:
            near = n - n % options.shard
            raise ValueError(
                f"shard: {options.shard} does not divide the {n} training images; set data.limit.train to {near},"
                " or another shard"
            )
        self.n_shards = n // options.shard
        self.objectives: Mapping[str, Goal] = task.objectives
        self.takes, self.slots = task.takes, task.slots
        first = options.population * options.shard
        later = sum(layer.generations for layer in options.layers) * (options.explorers + options.refiners)
        self.budgets: Sequence[int] = [first, first + later * options.shard] if later else [first]
        deciding = {name: value for name, value in asdict(options).items() if name != "shards"}
        self.context = digest(
            {
                "material": task.identity,  # these names decide keys of caches
                "training": asdict(task.options.training),  # of contenders, whose contexts come from this one
                "search": deciding,
                "genome": asdict(tensors),
                "stored": task.options.stored,
            }
        )
        self._store = None
        if task.directory is not None:
            self._store = TargetStore(task.directory, DTYPES[task.options.stored])
        self._streams = task.streams.at("search")
        self._cycles = CycleTrainer(options.cycles, tensors, task)
        self._codes: dict[str, list[Tensor]] = {}

    @property
    def store(self) -> TargetStore:
        """Where targets are. Raises ``ValueError``: there is no run to store them in."""
        if self._store is None:
            raise ValueError("targets are stored in a run's directory, and there is no run")
        return self._store

    def network(self, key: str) -> FrozenNetwork:
        """What shards with the network of that key are searched with; the empty one is the untrained network's."""
        return self._cycles.network(self.store.network_path(key) if key else None)

    def work(self, method: str) -> int:
        """Of a whole shard; codes count an evaluation an image."""
        if method in UNSEARCHED:
            return self.options.shard
        return self.budgets[0 if method == "first_generation" else -1]

    def evaluate(self, batch: Sequence[Genes], budget: int) -> Iterator[Evaluation]:
        """Search shards, learn or read stored targets; at the lower budget only the first population."""
        set_threads(self.task.threads)
        for genes in batch:
            if isinstance(genes, CycleNetwork):
                yield self._network(genes)
                continue
            with torch.inference_mode():
                evaluation = self._shard(genes, budget) if isinstance(genes, Shard) else self._targets(genes)
            yield evaluation

    def _shard(self, shard: Shard, budget: int) -> Evaluation:
        size = self.options.shard
        images = torch.arange(shard.index * size, (shard.index + 1) * size)
        full = budget == self.budgets[-1]
        method = shard.method if full else "first_generation"
        shard, network = replace(shard, method=method), self.network(shard.network)
        found = [self._found(part, shard, network) for part in torch.split(images, self.options.lanes)]
        layers = [torch.cat(layer) for layer in zip(*found, strict=True)]
        work = self.work(method)
        if not full or self._store is None:
            tensors = stored(layers, DTYPES[self.task.options.stored])
            return replace(self._evaluation(network, list(tensors.values()), images), work=work)
        path = self._store.write(shard, int(images[0]), layers)
        evaluation = self._evaluation(network, StoredShard(path).layers, images)
        return replace(evaluation, work=work, artifact=self._artifact(path))

    def _class_codes(self, method: str) -> list[Tensor]:
        """``(classes, ...)`` of each layer, for a control without a search."""
        task = self.task
        if method not in self._codes:
            if method == "class_mean":
                self._codes[method] = mean_activations(task)
            else:
                codes = class_codes(task.shape, self.options.smoothing, task.streams)
                self._codes[method] = [code.to(task.device) for code in codes]
        return self._codes[method]

    def _network(self, genes: CycleNetwork) -> Evaluation:
        path = self.store.network_path(key_of(self.tensors, genes))
        evaluation = self._cycles.train(genes, self.store, path)
        return replace(evaluation, artifact=self._artifact(path)) if evaluation.ok else evaluation

    def _artifact(self, path: Path) -> str:
        assert self.task.directory is not None
        return str(path.relative_to(self.task.directory))

    def _found(self, images: Tensor, shard: Shard, network: FrozenNetwork) -> list[Tensor]:
        """Representations of a group of images, each layer's."""
        method = shard.method
        task = self.task
        labels = task.labels[images]
        if method in UNSEARCHED:
            return [code[labels] for code in self._class_codes(method)]
        options = self.options
        if method == "first_generation":
            options = replace(options, layers=tuple(replace(one, generations=0) for one in options.layers))
        dtype = DTYPES[options.precision]
        search = LayerwiseSearch(in_precision(network, dtype), options, self.tensors, selecting=method != "unselected")
        streams = self._streams.at(method, "cycle", shard.cycle) if shard.cycle else self._streams.at(method)
        generators = [streams.at("image", int(image)).torch(task.device) for image in images]
        pixels = task.normalised(task.images[images]).to(dtype)
        return search.run(pixels, labels, generators).layers

    def _targets(self, targets: Targets) -> Evaluation:
        """All shards once more as they were stored."""
        read = self.store.read(targets, verified=True)
        network = self.network(targets.network)
        parts = [
            self._evaluation(network, shard.layers, torch.arange(len(shard.tensors["logits"])) + shard.first_image)
            for shard in read.shards
        ]
        return Evaluation((mean_of(parts),), work=len(read.images))

    def _evaluation(self, network: FrozenNetwork, layers: Sequence[Tensor], images: Tensor) -> Evaluation:
        """Of stored representations; the value is the cross-entropy of the logits."""
        metrics = cross_entropies(network, layers, self.task.labels[images])
        return Evaluation((metrics["cross_entropy_logits"],), metrics=metrics)


def mean_of(parts: Sequence[Evaluation]) -> float:
    """Mean of the values of shards, which are of one size."""
    return sum(part.values[0] for part in parts) / len(parts)
