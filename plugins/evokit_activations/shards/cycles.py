"""Cycles of search and learning: networks that learn what was found, whose activations the next search begins with.

Source: "Decoupling search and learning in neural net training", 2.1 (Amortization) and 6, whose first limitation is
that it searches once.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

import torch
from torch import Tensor

from evokit.interfaces import Evaluation
from evokit_activations.genome import Proposal
from evokit_activations.models import finished_network, read_network
from evokit_activations.networks.network import forward
from evokit_activations.networks.task import CHUNK, Material, Untrained
from evokit_activations.networks.training import DivergedError, Representations, Targets, Training
from evokit_activations.options import Cycles
from evokit_activations.targets.averages import ClassLogits
from evokit_activations.targets.store import TargetStore


class Proposals:
    """The networks of a search's cycles.

    Args:
        options: How each learns.
        material: Images, and the untrained network that the first cycle begins with.
    """

    def __init__(self, options: Cycles, material: Material) -> None:
        self.options, self.material = options, material
        self._last: tuple[Path, Untrained] | None = None

    def network(self, path: Path | None) -> Untrained:
        """What a search goes forward with.

        Args:
            path: Of a proposal; None is the untrained network.
        """
        if path is None:
            return self.material.untrained
        if self._last is None or self._last[0] != path:
            learned = read_network(path, self.material.device)
            self._last = path, Untrained(learned.shape, learned.parameters, learned.statistics)
        return self._last[1]

    def learn(self, proposal: Proposal, store: TargetStore, path: Path) -> Evaluation:
        """Train the network that was searched with on what was found, and write it.

        The value is its cross-entropy on the images that it learned; work is counted in images seen.

        Args:
            proposal: What is learned.
            store: Has the targets.
            path: Of the file.
        """
        material, options, learns = self.material, self.options, proposal.learns
        before = self.network(store.proposal_path(learns.proposal) if learns.proposal else None)
        found: Targets = store.read(learns)
        if options.logits == "class":
            found = ClassLogits(found, material.labels, material.shape.classes)
        targets = Representations(found, options.kl, 0, material.options.training.augment)
        streams = material.streams.at("proposal", learns.method, learns.cycle)
        length = replace(material.options.training, epochs=options.epochs, rungs=())
        training = Training(material, before.shape, before.parameters, targets, asdict(options), streams, length)
        work = options.epochs * len(targets.images)
        try:
            training.advance(options.epochs)
        except DivergedError as error:
            return Evaluation(outcome="diverged", work=work, message=str(error))
        learned = finished_network(material, training, asdict(options))
        path.parent.mkdir(parents=True, exist_ok=True)
        learned.save(path)
        after = Untrained(learned.shape, learned.parameters, learned.statistics)
        value = cross_entropy(material, after, targets.images)
        metrics = {"loss": training.loss, "validation": float(learned.correct(material.validation).mean())}
        return Evaluation((value,), work=work, metrics=metrics)


def cross_entropy(material: Material, network: Untrained, images: Tensor) -> float:
    """Mean over training images."""
    pixels, labels = material.normalised(material.images[images]), material.labels[images]
    with torch.inference_mode():
        logits = [
            forward(network.shape, network.parameters, piece, network.statistics)[1]
            for piece in torch.split(pixels, CHUNK)
        ]
    return float(torch.nn.functional.cross_entropy(torch.cat(logits).double(), labels))
