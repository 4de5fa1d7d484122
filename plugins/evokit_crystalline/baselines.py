"""What the champion is compared with: AdamW, as in the paper, Muon, and the closed form without a search."""

from __future__ import annotations

import itertools
import logging
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from evokit.data.text import Blocks, Documents, full_blocks
from evokit.errors import UserError
from evokit.interfaces import Context, Evaluation, Genome, Individual
from evokit.streams import Streams
from evokit_crystalline.closed_form.coordinates import to_fit_coordinates
from evokit_crystalline.crystals.matrices import StructuredMatrix, Zero
from evokit_crystalline.fitness import Gpt2Fitness
from evokit_crystalline.gpt2.continuous import random_matrices, random_parts
from evokit_crystalline.gpt2.files import save_model
from evokit_crystalline.gpt2.measuring import torch_threads
from evokit_crystalline.models import AssembledModel, ModelContender
from evokit_crystalline.options import AdamW, ClosedForm
from evokit_crystalline.training.adamw import MOMENTS, Training
from evokit_crystalline.training.schedule import schedule_factor

SAVE_EVERY_S = 30.0
REPORT_EVERY_S = 10.0
REHEARSED_STEPS = 3

logger = logging.getLogger("evokit")


def build_adamw(options: AdamW, context: Context) -> AdamWContender:
    """AdamW, or Muon and AdamW, on the fitness's model and the training split."""
    return AdamWContender(options, context.fitness, context.train)


def build_closed_form(options: ClosedForm, context: Context) -> ClosedFormModel:
    """The fitness's closed form, without a champion."""
    return ClosedFormModel(options, context.fitness, context.genome)


class AdamWContender(ModelContender):
    """Trains all parameters of the fitness's GPT-2 on blocks of the training split.

    Work is counted in tokens read, ``batch * block`` a step; a token read in training costs about three times a
    token read in an evaluation. Continuous parts that the recipe takes from a pretrained model are where training
    starts from too; those of a closed form only if the recipe says so.

    Args:
        options: What the recipe says.
        fitness: Gives sizes, precision, threads and validation.
        train: The training split.

    Raises:
        UserError: The training split has not one batch of whole blocks.
    """

    deterministic = False
    goes_on = True

    def __init__(self, options: AdamW, fitness: Gpt2Fitness, train: Documents) -> None:
        super().__init__(fitness)
        if options.muon and not hasattr(torch.optim, "Muon"):
            raise UserError(f"baseline muon: needs torch 2.9 or newer, this is {torch.__version__}: install another")
        self.options = options
        self._blocks = full_blocks(train, fitness.options.block)
        if len(self._blocks) < options.batch:
            name = type(options).__name__.lower()
            raise UserError(f"baseline {name}: the training split has {len(self._blocks)} blocks, less than a batch")
        tied = fitness.options.model.tied if options.tied is None else options.tied
        self.sizes = replace(fitness.options.model, tied=tied)
        self._work_per_step = options.batch * fitness.options.block
        self.budgets: Sequence[int] = [steps * self._work_per_step for steps in (*options.rungs, options.steps)]

    def settings(self, best: Individual | None) -> list[dict[str, Any]]:
        """The grid; ``best`` changes nothing."""
        grid = itertools.product(self.options.lr, self.options.weight_decay, self.options.schedule)
        return [{"lr": lr, "weight_decay": decay, "schedule": schedule} for lr, decay, schedule in grid]

    def fit(self, setting: Mapping[str, Any], seed: int, budget: int, scratch: Path) -> Evaluation:
        """Train up to ``budget`` tokens, from the state in ``scratch`` if a lower budget or a killed run left one.

        The work returned is what this budget adds to the last lower one that was fitted in ``scratch``.

        Raises:
            ValueError: The budget is none of ``budgets``.
        """
        if budget not in self.budgets:
            raise ValueError(f"budget must be one of {list(self.budgets)}, got {budget}")
        scratch.mkdir(parents=True, exist_ok=True)
        lower = [rung for rung in self.budgets if rung < budget and _artifact(scratch, rung).exists()]
        work = budget - max(lower, default=0)
        with torch_threads(self.fitness.threads):
            training, steps = self.start(setting, seed, scratch / "state.safetensors"), budget // self._work_per_step
            training.load(steps)
            if not self._train(training, steps):
                spent = training.step * self._work_per_step - (budget - work)
                return Evaluation(outcome="diverged", work=spent, message=f"the loss is not finite at {training}")
        save_model(training.tensors, self.sizes, _artifact(scratch, budget))
        result = self.validated(training.tensors, work, padded=budget == self.budgets[-1])
        return replace(result, artifact=str(_artifact(scratch, budget))) if result.ok else result

    def rehearse(self, scratch: Path) -> tuple[float, int]:
        """Seconds and bytes on disk that one full fit will take, by timing a few steps."""
        with torch_threads(self.fitness.threads):
            training = self.start(self.rehearsed(), 0, scratch / "state.safetensors")
            training.update(self._batch(0, 0), 0.0)
            started = time.perf_counter()
            for step in range(1, 1 + REHEARSED_STEPS):
                training.update(self._batch(0, step), 0.0)
        seconds = (time.perf_counter() - started) / REHEARSED_STEPS * self.options.steps
        size = sum(parameter.nbytes for parameter in training.parameters.values())
        return seconds, size * (len(self.budgets) + 1 + len(MOMENTS))

    def rehearsed(self) -> dict[str, Any]:
        """The setting whose steps are timed."""
        return self.settings(None)[0]

    def _train(self, training: Training, steps: int) -> bool:
        """Train until ``steps`` are done and save; False if the loss stops being finite."""
        started, first = time.monotonic(), training.step
        saved = reported = started
        while training.step < steps:
            loss = training.update(self._batch(training.seed, training.step), self._rate(training))
            if not math.isfinite(loss):
                return False
            now = time.monotonic()
            if now - reported >= REPORT_EVERY_S:
                left = (now - started) / (training.step - first) * (steps - training.step)
                name = type(self.options).__name__
                logger.info("%s step %d/%d, loss %.2f, %.0f s left", name, training.step, steps, loss, left)
                reported = now
            if now - saved >= SAVE_EVERY_S:
                training.save()
                saved = now
        training.save()
        return True

    def start(self, setting: Mapping[str, Any], seed: int, path: Path) -> Training:
        """A training at step 0, with its state to be saved to ``path``."""
        tensors = self.first_tensors(setting, Streams(seed).at("adamw", "start"))
        if self.starts_fitted:
            tensors = to_fit_coordinates(tensors)
        return Training(self.fitness, self.sizes, tensors, self.held(), setting, seed, path, self.options.muon)

    def first_tensors(self, setting: Mapping[str, Any], streams: Streams) -> dict[str, torch.Tensor]:
        """The full state dict that training starts from."""
        matrices = random_matrices(self.sizes, streams)
        if self.options.start == "random" and self.fitness.options.continuous.init != "pretrained":
            return {**random_parts(self.sizes, streams), **matrices}
        if self.options.start == "fitness":
            matrices = {n: m * (not n.endswith("c_proj.weight")) for n, m in matrices.items()}
        return {**self.fitness.frame.parts, **matrices}

    @property
    def starts_fitted(self) -> bool:
        """Whether training starts from parts in closed form."""
        return self.options.start == "fitness" and self.fitness.options.continuous.fit is not None

    def held(self) -> frozenset[str]:
        """Names of tensors that are not trained."""
        return frozenset()

    def _batch(self, seed: int, step: int) -> Blocks:
        """Blocks of one step: each epoch visits all blocks once, in an order of its own."""
        per_epoch = len(self._blocks) // self.options.batch
        epoch, at = divmod(step, per_epoch)
        order = Streams(seed).at("adamw", "epoch", epoch).numpy().permutation(len(self._blocks))
        return self._blocks.take(order[at * self.options.batch : (at + 1) * self.options.batch])

    def _rate(self, training: Training) -> float:
        setting, options = training.setting, self.options
        return float(setting["lr"]) * schedule_factor(
            setting["schedule"], training.step, options.steps, round(options.warmup * options.steps)
        )


class ClosedFormModel(AssembledModel):
    """The continuous parts alone, or beside crystals that nobody selected.

    Args:
        options: Which crystals.
        fitness: Whose continuous parts.
        genome: Its random individuals are the random crystals.
    """

    def __init__(self, options: ClosedForm, fitness: Gpt2Fitness, genome: Genome[Any]) -> None:
        super().__init__(fitness, genome, options.remaps)
        self._crystals = options.crystals
        self.deterministic = self._crystals == "zero"

    def settings(self, best: Individual | None) -> list[dict[str, Any]]:
        """``best`` changes nothing."""
        return [{"crystals": self._crystals, "remaps": n} for n in self._remaps]

    def fit(self, setting: Mapping[str, Any], seed: int, budget: int, scratch: Path) -> Evaluation:
        """Assemble and validate; ``seed`` draws the random crystals, one individual."""
        if setting["crystals"] == "zero":
            phenotype: Mapping[str, StructuredMatrix] = {n: Zero(shape) for n, shape in self.fitness.slots.items()}
        else:
            phenotype = self._genome.express(self._genome.random(Streams(seed).at("random_crystals").numpy()))
        return self._assembled(phenotype, setting, budget, scratch)

    def rehearsed(self) -> dict[str, Any]:
        return self.settings(None)[-1]


def _artifact(scratch: Path, budget: int) -> Path:
    return scratch / f"model-{budget}.safetensors"
