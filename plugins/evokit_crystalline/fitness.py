"""The GPT-2 loss of individuals that express ``layers``."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from evokit.common.keys import array_key, digest
from evokit.data.text import Blocks, Documents, full_blocks
from evokit.energy import Cost, Meter
from evokit.errors import UserError
from evokit.interfaces import Context, Evaluation, Goal
from evokit.recipe.schema import as_json
from evokit.streams import Streams
from evokit_crystalline.closed_form.fitted import fitted_parts
from evokit_crystalline.closed_form.held_out import HeldOut, held_out
from evokit_crystalline.closed_form.remap import cached_remap
from evokit_crystalline.crystals.matrices import StructuredMatrix
from evokit_crystalline.crystals.operations import all_operations
from evokit_crystalline.gpt2.continuous import continuous_parts
from evokit_crystalline.gpt2.loss import fastest_precision
from evokit_crystalline.gpt2.measuring import Frame, mean_losses, torch_threads
from evokit_crystalline.gpt2.model import Projection
from evokit_crystalline.gpt2.sizes import PROJECTIONS
from evokit_crystalline.gpt2.slots import matrices_in
from evokit_crystalline.learned.cached import cached_crystal_sets
from evokit_crystalline.options import Gpt2Loss

REFITS = 3  # that read held-out blocks of their own; later ones read them again
FEWEST = 2  # blocks of a refit: one to fit, one to check


class Gpt2Fitness:
    """Mean next-token cross-entropy in nats on blocks of the validation split, the same for every individual.

    Work is counted in tokens. The blocks' order is drawn once and for all runs, so that a prefix stands for all
    documents.

    Args:
        options: What the recipe says.
        frame: The continuous parts.
        validation: The split that the blocks come from.
        data_digest: Of the data, for the context.
        threads: Torch threads, part of the result.
        skip: How many blocks of the order are left to others.
        held_out: Training blocks that the continuous parts were not fitted to, for crystals and refits.
        taught: What crystals are fitted beside; by default the frame.
        prepared: What was done before the first measurement, and its cost.
        origin: Digest of how the continuous parts were made, the same on any machine.
        n_refits: How often the continuous parts were refitted to an individual.
        directory: Where refits are cached; None caches none.

    Raises:
        UserError: There are fewer blocks than the budget asks for.
    """

    work_unit = "tokens"

    def __init__(
        self,
        options: Gpt2Loss,
        frame: Frame,
        validation: Documents,
        *,
        data_digest: str = "",
        threads: int = 1,
        skip: int = 0,
        held_out: HeldOut | None = None,
        taught: Frame | None = None,
        prepared: Mapping[str, Cost] | None = None,
        origin: str = "",
        n_refits: int = 0,
        directory: Path | None = None,
    ) -> None:
        self.options, self.frame, self.validation, self.threads = options, frame, validation, threads
        self.budgets: Sequence[int] = (*options.rungs, options.tokens)
        self.objectives: Mapping[str, Goal] = dict.fromkeys(options.objectives, "min")
        self.takes = options.takes
        self.slots: Mapping[str, Any] = options.model.slots()
        self.precision = frame.head.precision
        self._data_digest, self._skip = data_digest, skip
        self.held_out, self.taught, self.prepared = held_out, taught or frame, dict(prepared or {})
        self.origin, self.n_refits, self._directory = origin, n_refits, directory
        self.blocks = _validation_blocks(validation, options.block, skip, options.tokens)
        self.context = digest(
            {
                "data": data_digest,
                "model": asdict(options.model),
                "parts": {name: array_key(part.cpu().numpy()) for name, part in frame.parts.items()},
                "block": options.block,
                "precision": self.precision,
                "device": str(frame.head.weight.device),
                "threads": threads,
                "skip": skip,
                "refits": n_refits,
                "objectives": options.objectives,
            }
        )

    def evaluate(self, batch: Sequence[Mapping[str, StructuredMatrix]], budget: int) -> list[Evaluation]:
        """Measure each phenotype on the first ``budget`` tokens.

        Raises:
            ValueError: The budget is none of ``budgets``, or a phenotype does not fill the slots; names the layer.
        """
        if budget not in self.budgets:
            raise ValueError(f"budget must be one of {list(self.budgets)}, got {budget}")
        moved: dict[int, StructuredMatrix] = {}
        device = self.frame.head.weight.device
        losses = self.mean_losses([matrices_in(phenotype, self.slots, device, moved) for phenotype in batch], budget)
        # Crystals that were fitted to be measured cost tokens as well.
        works = [budget + getattr(phenotype, "work", 0) for phenotype in batch]
        answers = [evaluation(float(loss), work) for loss, work in zip(losses, works, strict=True)]
        return [self._with_operations(*pair) for pair in zip(answers, batch, strict=True)]

    def mean_losses(self, batch: Sequence[Sequence[Projection]], budget: int, frame: Frame | None = None) -> np.ndarray:
        """``(n,)`` mean nats of projections in the order of the slots, in ``frame`` or else the fitness's own."""
        with torch_threads(self.threads):
            blocks = self.blocks.take(slice(budget // self.options.block))
            return mean_losses(frame or self.frame, batch, blocks)

    def fresh(self) -> Gpt2Fitness:
        """The same question on the next validation blocks, which neither this one nor those before it used.

        Raises:
            UserError: The validation split has not so many blocks left.
        """
        return Gpt2Fitness(
            self.options,
            self.frame,
            self.validation,
            data_digest=self._data_digest,
            threads=self.threads,
            skip=self._skip + len(self.blocks),
        )

    @property
    def refitted(self) -> Callable[[Mapping[str, StructuredMatrix]], Gpt2Fitness] | None:
        """Makes the fitness whose head reads an individual's states through the best linear map of them.

        Each of the first few refits is fitted to training blocks of its own. None where the continuous parts are not
        fitted in closed form, where there are too few training blocks for it, and on other devices than the processor.
        """
        possible = self._learns and self.held_out is not None and len(self.held_out.for_refits) >= FEWEST
        return self._refitted if possible else None

    @property
    def _learns(self) -> bool:
        """Whether regressions on hidden states are to be had: they are computed on the processor."""
        return self.frame.head.weight.device.type == "cpu"

    def _refitted(self, phenotype: Mapping[str, StructuredMatrix]) -> Gpt2Fitness:
        parts = self.refitted_parts(phenotype)
        return self if parts is None else self._with(Frame.of(self.options.model, parts, self.precision))

    def refitted_parts(self, phenotype: Mapping[str, StructuredMatrix]) -> dict[str, torch.Tensor] | None:
        """The continuous parts that ``refitted`` goes by; None if no map helps."""
        assert self.held_out is not None
        blocks = self.held_out.for_refits
        size = max(FEWEST, len(blocks) // REFITS)
        at = self.n_refits % REFITS * size % (len(blocks) - size + 1)
        layers = matrices_in(phenotype, self.slots, self.frame.head.weight.device, {})
        with torch_threads(self.threads):
            return cached_remap(self.frame, layers, blocks.take(slice(at, at + size)), self.context, self._directory)

    def _with(self, frame: Frame) -> Gpt2Fitness:
        return Gpt2Fitness(
            self.options,
            frame,
            self.validation,
            data_digest=self._data_digest,
            threads=self.threads,
            skip=self._skip,
            held_out=self.held_out,
            taught=self.taught,
            prepared=self.prepared,
            n_refits=self.n_refits + 1,
            directory=self._directory,
        )

    def _with_operations(self, one: Evaluation, phenotype: Mapping[str, StructuredMatrix]) -> Evaluation:
        """The evaluation with the second objective, if the recipe asks for it."""
        if not one.ok or "madds" not in self.objectives:
            return one
        cost = all_operations(phenotype.values())
        counts = {"multiply_adds": cost.multiply_adds, "additions": cost.additions}
        return replace(one, values=(*one.values, float(cost.total)), metrics={**one.metrics, **counts})

    def learn(self, n_sets: int, streams: Streams, meter: Meter) -> list[dict[tuple[int, int], StructuredMatrix]]:
        """Sets of crystals that belong together, fitted beside ``taught`` to training blocks that it never saw.

        Raises:
            UserError: The continuous parts are not fitted, or two projections of a block have one shape.
        """
        blocks = self.crystal_blocks("library.kinds: learned")
        if len(set(self.slots.values())) < len(PROJECTIONS):
            raise UserError("library.kinds: learned needs four different shapes in a block: choose another n_inner")
        with torch_threads(self.threads):
            sets, self.prepared["library"] = cached_crystal_sets(
                self.taught, blocks, n_sets, streams, self.context, meter
            )
        return sets

    def crystal_blocks(self, what: str) -> Blocks:
        """Training blocks that crystals may be fitted to: the parts of ``taught`` never saw them.

        Raises:
            UserError: The continuous parts are not fitted, or not on the processor; it begins with ``what``.
        """
        if not self._learns:
            raise UserError(f"{what} is computed on the processor: write execution: {{device: cpu}}")
        if self.held_out is None:
            raise UserError(f"{what} needs continuous parts in closed form: add continuous: {{fit: ...}}")
        return self.held_out.for_crystals

    @property
    def sublayers(self) -> list[tuple[str, str]]:
        """Layers that read each other's numbers: the two projections of each attention and of each MLP."""
        slots = list(self.slots)
        return list(zip(slots[::2], slots[1::2], strict=True))

    def arrangements(self, n_sets: int) -> list[dict[str, int]]:
        """Sets of ``learn`` that were fitted to work together: layer name to set; layers not named are off.

        The attention of an even set in the first block, that of the odd one after it in the second.
        """
        slots = list(self.slots)
        first, second = slots[:2], slots[len(PROJECTIONS) : len(PROJECTIONS) + 2]
        return [
            dict.fromkeys(first, i) | dict.fromkeys(second if i + 1 < n_sets else [], i + 1)
            for i in range(0, n_sets, 2)
        ]


def build_fitness(options: Gpt2Loss, context: Context) -> Gpt2Fitness:
    """The fitness of a run; random continuous parts are decided by the run's seed, a closed form by the data alone."""
    aside, taught, prepared = None, None, {}
    if options.continuous.fit is None:
        streams = context.streams.at("gpt2_loss", "continuous")
        parts = continuous_parts(options.continuous, options.model, streams)
    else:
        counted, aside = held_out(
            context.train, options.block, checked=options.continuous.checked, lessons=options.continuous.lessons
        )
        # A start of the SVD that is the same in all runs, so that repeats share the fit.
        streams = Streams(0).at("gpt2_loss", "continuous")
        fitted = fitted_parts(
            options.continuous,
            options.model,
            counted,
            options.block,
            context.threads,
            streams,
            context.meter,
            aside.for_checks,
            aside.counted_last,
        )
        parts, prepared = fitted.parts, {"closed_form": fitted.cost}
        if options.continuous.lessons:
            taught = Frame.of(options.model, fitted.taught, "float32")
    placed = {name: part.to(context.device) for name, part in parts.items()}
    precision = options.precision
    if precision == "auto":
        precision = fastest_precision(context.device) if options.continuous.fit is None else "float32"
    frame = Frame.of(options.model, placed, precision)
    return Gpt2Fitness(
        options,
        frame,
        context.validation,
        data_digest=context.data_digest,
        threads=context.threads,
        held_out=aside,
        taught=taught,
        prepared=prepared,
        origin=_origin(options, context),
        directory=None if context.directory is None else context.directory / "artifacts" / "refits",
    )


def _origin(options: Gpt2Loss, context: Context) -> str:
    """Of the continuous parts: a closed form is decided by data and options alone, others by the run's seed as well."""
    made = {
        "continuous": as_json(options.continuous, brief=True),
        "model": asdict(options.model),
        "data": context.data_digest,
    }
    return digest(made | ({} if options.continuous.fit else {"seed": context.streams.entropy()}))


def evaluation(loss: float, work: int, metrics: Mapping[str, float] | None = None, artifact: str = "") -> Evaluation:
    """The evaluation of a mean loss in nats; one that is not finite is of the outcome ``nan``."""
    if not math.isfinite(loss):
        return Evaluation(outcome="nan", work=work, message=f"the loss is {loss}")
    perplexity = float(np.exp(np.minimum(loss, np.log(np.finfo(np.float64).max))))
    return Evaluation((loss,), work=work, metrics={"perplexity": perplexity, **(metrics or {})}, artifact=artifact)


def _validation_blocks(validation: Documents, block: int, skip: int, tokens: int) -> Blocks:
    """The blocks at ``skip`` and after it in an order that no seed changes."""
    blocks = full_blocks(validation, block)
    order = Streams(0).at("gpt2_loss", "validation").numpy().permutation(len(blocks))
    taken = order[skip : skip + tokens // block]
    if len(taken) * block < tokens:
        raise UserError(
            f"fitness gpt2_loss: tokens: the validation split has {max(0, len(blocks) - skip) * block} tokens in "
            f"whole blocks of {block} left, {tokens} are needed"
        )
    return blocks.take(taken)
