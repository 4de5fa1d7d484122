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
from evokit_activations.genome import ActivationTensors, Genes, Proposal, Shard, Targets
from evokit_activations.layerwise.search import (
    LayerwiseSearch,
    forward_from,
    label_log_likelihood,
    refuse_other_layers,
)
from evokit_activations.networks.task import CHUNK, Material, Untrained
from evokit_activations.options import Layerwise
from evokit_activations.shards.cycles import Proposals
from evokit_activations.targets.class_codes import class_codes, mean_activations
from evokit_activations.targets.store import StoredShard, TargetStore, stored

UNSEARCHED = ("class_code", "class_mean")
DTYPES = {name: getattr(torch, name) for name in ("float64", "float32", "bfloat16", "float16")}


class ShardJob:
    """The fitness of a layer-wise search. Work is counted in evaluations of candidates.

    A shard's images are searched in groups of ``lanes``; each image's random numbers are its own, so that only the
    last bits of products depend on its neighbours. What is reported of a shard is the mean cross-entropy of its
    targets as they were stored: read back from disk and forwarded again.

    Args:
        options: Of the search.
        tensors: How children are made.
        material: Images and network.
    """

    def __init__(self, options: Layerwise, tensors: ActivationTensors, material: Material) -> None:
        self.options, self.tensors, self.material = options, tensors, material
        n = len(material.labels)
        refuse_other_layers(options, len(material.shape.channels))
        if n % options.shard:
            near = n - n % options.shard
            raise ValueError(
                f"shard: {options.shard} does not divide the {n} training images; set data.limit.train to {near},"
                " or another shard"
            )
        self.n_shards = n // options.shard
        self.objectives: Mapping[str, Goal] = material.objectives
        self.takes, self.slots = material.takes, material.slots
        first = options.population * options.shard
        later = sum(layer.generations for layer in options.layers) * (options.explorers + options.refiners)
        self.budgets: Sequence[int] = [first, first + later * options.shard] if later else [first]
        kept = {name: value for name, value in asdict(options).items() if name != "shards"}
        self.context = digest(
            {
                "material": material.identity,
                "training": asdict(material.options.training),  # of contenders, whose contexts come from this one
                "search": kept,
                "genome": asdict(tensors),
                "stored": material.options.stored,
            }
        )
        self._store = None
        if material.directory is not None:
            self._store = TargetStore(material.directory, DTYPES[material.options.stored])
        self._streams = material.streams.at("search")
        self._proposals = Proposals(options.cycles, material)
        self._codes: dict[str, list[Tensor]] = {}

    @property
    def store(self) -> TargetStore:
        """Where targets are. Raises ``ValueError``: there is no run to store them in."""
        if self._store is None:
            raise ValueError("targets are stored in a run's directory, and there is no run")
        return self._store

    def network(self, proposal: str) -> Untrained:
        """What shards that begin with that proposal are searched with; the empty one is the untrained network's."""
        return self._proposals.network(self.store.proposal_path(proposal) if proposal else None)

    def work(self, method: str) -> int:
        """Of a whole shard; codes count an evaluation an image."""
        if method in UNSEARCHED:
            return self.options.shard
        return self.budgets[0 if method == "first_generation" else -1]

    def evaluate(self, batch: Sequence[Genes], budget: int) -> Iterator[Evaluation]:
        """Search shards, learn or read stored targets; at the lower budget only the first population."""
        set_threads(self.material.threads)
        for genes in batch:
            if isinstance(genes, Proposal):
                yield self._proposal(genes)
                continue
            with torch.inference_mode():
                evaluation = self._shard(genes, budget) if isinstance(genes, Shard) else self._targets(genes)
            yield evaluation

    def _shard(self, shard: Shard, budget: int) -> Evaluation:
        size = self.options.shard
        images = torch.arange(shard.index * size, (shard.index + 1) * size)
        full = budget == self.budgets[-1]
        method = shard.method if full else "first_generation"
        shard, network = replace(shard, method=method), self.network(shard.proposal)
        found = [self._found(part, shard, network) for part in torch.split(images, self.options.lanes)]
        layers = [torch.cat(layer) for layer in zip(*found, strict=True)]
        work = self.work(method)
        if not full or self._store is None:
            tensors = stored(layers, DTYPES[self.material.options.stored])
            return replace(self._evaluation(network, list(tensors.values()), images), work=work)
        path = self._store.write(shard, int(images[0]), layers)
        evaluation = self._evaluation(network, StoredShard(path).layers, images)
        return replace(evaluation, work=work, artifact=self._artifact(path))

    def _class_codes(self, method: str) -> list[Tensor]:
        """``(classes, ...)`` of each layer, for a control without a search."""
        material = self.material
        if method not in self._codes:
            if method == "class_mean":
                self._codes[method] = mean_activations(material)
            else:
                codes = class_codes(material.shape, self.options.layers, material.streams)
                self._codes[method] = [code.to(material.device) for code in codes]
        return self._codes[method]

    def _proposal(self, proposal: Proposal) -> Evaluation:
        path = self.store.proposal_path(key_of(self.tensors, proposal))
        evaluation = self._proposals.learn(proposal, self.store, path)
        return replace(evaluation, artifact=self._artifact(path)) if evaluation.ok else evaluation

    def _artifact(self, path: Path) -> str:
        assert self.material.directory is not None
        return str(path.relative_to(self.material.directory))

    def _found(self, images: Tensor, shard: Shard, network: Untrained) -> list[Tensor]:
        """Representations of a group of images, each layer's."""
        method = shard.method
        material = self.material
        labels = material.labels[images]
        if method in UNSEARCHED:
            return [code[labels] for code in self._class_codes(method)]
        options = self.options
        if method == "first_generation":
            options = replace(options, layers=tuple(replace(one, generations=0) for one in options.layers))
        dtype = DTYPES[options.precision]
        search = LayerwiseSearch(in_precision(network, dtype), options, self.tensors, selecting=method != "unselected")
        streams = self._streams.at(method, "cycle", shard.cycle) if shard.cycle else self._streams.at(method)
        generators = [streams.at("image", int(image)).torch(material.device) for image in images]
        pixels = material.normalised(material.images[images]).to(dtype)
        return search.run(pixels, labels, generators).layers

    def _targets(self, targets: Targets) -> Evaluation:
        """All shards once more as they were stored."""
        read = self.store.read(targets, verified=True)
        network = self.network(targets.proposal)
        parts = [
            self._evaluation(network, shard.layers, torch.arange(len(shard.tensors["logits"])) + shard.first_image)
            for shard in read.shards
        ]
        return Evaluation((mean_of(parts),), work=len(read.images))

    def _evaluation(self, network: Untrained, layers: Sequence[Tensor], images: Tensor) -> Evaluation:
        """Of stored representations; the value is the cross-entropy of the logits."""
        metrics = cross_entropies(network, layers, self.material.labels[images])
        return Evaluation((metrics["cross_entropy_logits"],), metrics=metrics)


def cross_entropies(network: Untrained, layers: Sequence[Tensor], labels: Tensor) -> dict[str, float]:
    """Mean cross-entropy over images when a network goes on from each layer's representations.

    Args:
        network: That was searched with.
        layers: ``(n, ...)`` each, the logits last.
        labels: ``(n,)`` int64.
    """
    metrics = {}
    for layer, tensor in enumerate(layers):
        pieces = torch.split(tensor.to(labels.device).float(), CHUNK)
        logits = torch.cat([forward_from(network, layer, one, len(layers) - 1) for one in pieces])
        name = f"block{layer}" if layer < len(layers) - 1 else "logits"
        metrics[f"cross_entropy_{name}"] = -float(label_log_likelihood(logits, labels).double().mean())
    return metrics


def mean_of(parts: Sequence[Evaluation]) -> float:
    """Mean of the values of shards, which are of one size."""
    return sum(part.values[0] for part in parts) / len(parts)


def in_precision(untrained: Untrained, dtype: torch.dtype) -> Untrained:
    """The network in another precision, its statistics too."""
    if dtype == torch.float32:
        return untrained
    parameters = {name: value.to(dtype) for name, value in untrained.parameters.items()}
    statistics = {name: value.to(dtype) for name, value in untrained.statistics.items()}
    return Untrained(untrained.shape, parameters, statistics)
