"""Cycles of search and learning: networks that learn what was found, whose activations the next search begins with.

Source: "Decoupling search and learning in neural net training", 2.1 (Amortization) and 6, whose first limitation is
that it searches once.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

import torch.nn.functional as F

from evokit.interfaces import Evaluation
from evokit_activations.genome import ActivationTensors, CycleNetwork
from evokit_activations.models import read_network, trained_network
from evokit_activations.networks.frozen import FrozenNetwork
from evokit_activations.networks.task import ImageTask
from evokit_activations.networks.training import DivergedError, Training
from evokit_activations.options import Cycles
from evokit_activations.targets.objective import target_objective
from evokit_activations.targets.store import TargetStore


class CycleTrainer:
    """The networks of a search's cycles.

    Args:
        options: How each learns.
        tensors: How targets are made.
        task: Images, and the untrained network that the first cycle begins with.
    """

    def __init__(self, options: Cycles, tensors: ActivationTensors, task: ImageTask) -> None:
        self.options, self.tensors, self.task = options, tensors, task
        self._last: tuple[Path, FrozenNetwork] | None = None

    def network(self, path: Path | None) -> FrozenNetwork:
        """What a search goes forward with.

        Args:
            path: Of the network of the last cycle; None is the untrained one.
        """
        if path is None:
            return self.task.untrained
        if self._last is None or self._last[0] != path:
            self._last = path, read_network(path, self.task.device)
        return self._last[1]

    def train(self, genes: CycleNetwork, store: TargetStore, path: Path) -> Evaluation:
        """Train the network that was searched with on what was found, and write it.

        The value is its cross-entropy on the images that it learned; work is counted in images seen.

        Args:
            genes: What is learned.
            store: Has the targets.
            path: Of the file.
        """
        task, learns, setting = self.task, genes.learns, asdict(self.options)
        before = self.network(store.network_path(learns.network) if learns.network else None)
        as_found = {"average": "none", "supervise": "all", **setting}
        objective = target_objective(task, self.tensors, store.read(learns), as_found)
        streams = task.streams.at("proposal", learns.method, learns.cycle)  # the name decides the numbers
        length = replace(task.options.training, epochs=self.options.epochs, rungs=())
        training = Training(task, before.shape, before.parameters, objective, setting, streams, length)
        work = self.options.epochs * len(objective.images)
        try:
            training.advance(self.options.epochs)
        except DivergedError as error:
            return Evaluation(outcome="diverged", work=work, message=str(error))
        learned = trained_network(task, training, setting)
        path.parent.mkdir(parents=True, exist_ok=True)
        learned.save(path)
        logits = learned.logits(task.images[objective.images]).double()
        value = float(F.cross_entropy(logits, task.labels[objective.images]))
        metrics = {"loss": training.loss, "validation": float(learned.correct(task.validation).mean())}
        return Evaluation((value,), work=work, metrics=metrics)
