"""Classification of texts by individuals that express ``layers``."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import torch

from evokit.common.keys import array_key, digest
from evokit.data.labelled import LabelledTexts
from evokit.errors import UserError
from evokit.interfaces import Context, Evaluation, Goal
from evokit_crystalline.crystals.matrices import StructuredMatrix
from evokit_crystalline.gpt2 import model
from evokit_crystalline.gpt2.chunks import chunks
from evokit_crystalline.gpt2.continuous import continuous_parts
from evokit_crystalline.gpt2.measuring import torch_threads
from evokit_crystalline.gpt2.model import Projection, Tensors
from evokit_crystalline.gpt2.sizes import EMBEDDING, Sizes
from evokit_crystalline.gpt2.slots import matrices_in
from evokit_crystalline.text_classification.head import fit_head, log_probabilities, scores
from evokit_crystalline.text_classification.options import TextClassification
from evokit_crystalline.text_classification.texts import Encoded

GROUP = 64
"""Texts computed at once. A constant, because the last bits of a product depend on its shape."""


class TextFitness:
    """Cross-entropy in nats, or accuracy, on the same validation texts for every individual.

    Args:
        options: What the recipe says.
        parts: Everything of the GPT-2 but its projections' matrices.
        train: Labelled texts that the head is fitted on.
        validation: Labelled texts that it is scored on.
        data_digest: Of the data, for the context.
        threads: Torch threads, part of the result.
        skip: How many validation texts are left to others.

    Raises:
        UserError: A side has too few texts of a class.
    """

    work_unit = "tokens"

    def __init__(
        self,
        options: TextClassification,
        parts: Tensors,
        train: LabelledTexts,
        validation: LabelledTexts,
        *,
        data_digest: str = "",
        threads: int = 1,
        skip: int = 0,
    ) -> None:
        self.options, self.parts, self.threads = options, parts, threads
        self.data = {"train": train, "validation": validation}
        self.classes = train.classes
        self.objectives: Mapping[str, Goal] = {options.metric: "min" if options.metric == "cross_entropy" else "max"}
        self.budgets: Sequence[int] = [self.work_of(texts) for texts in (*options.rungs, options.train_texts)]
        self.takes = options.takes
        self.slots: Mapping[str, Any] = options.model.slots()
        self.device = parts[EMBEDDING].device
        self._data_digest, self._skip = data_digest, skip
        self.train = self.train_texts(options.train_texts)
        order = validation.balanced(skip + options.validation_texts)
        self.validation = Encoded.of(validation, order[skip:], options.length)
        settings = asdict(options)
        for name in ("train_texts", "rungs", "continuous"):  # budgets are no part of it, the parts are digested
            del settings[name]
        self.context = digest(
            {
                "data": data_digest,
                "settings": settings,
                "parts": {name: array_key(part.cpu().numpy()) for name, part in parts.items()},
                "device": str(self.device),
                "threads": threads,
                "skip": skip,
            }
        )

    def work_of(self, train_texts: int) -> int:
        """Tokens read for a head on so many training texts and its validation."""
        return (train_texts + self.options.validation_texts) * self.options.length

    def train_texts(self, n: int) -> Encoded:
        """The first ``n`` balanced training texts."""
        data = self.data["train"]
        return Encoded.of(data, data.balanced(n), self.options.length)

    def evaluate(self, batch: Sequence[Mapping[str, StructuredMatrix]], budget: int) -> list[Evaluation]:
        """Fit the head of each phenotype on the training texts of ``budget`` and score it on validation.

        Raises:
            ValueError: The budget is none of ``budgets``, or a phenotype does not fill the slots; names the layer.
        """
        if budget not in self.budgets:
            raise ValueError(f"budget must be one of {list(self.budgets)}, got {budget}")
        n = budget // self.options.length - self.options.validation_texts
        moved: dict[int, StructuredMatrix] = {}
        layers = [matrices_in(phenotype, self.slots, self.device, moved) for phenotype in batch]
        return [self._evaluated(one, self.train.first(n), budget) for one in layers]

    def fresh(self) -> TextFitness:
        """The same question on the next validation texts, which neither this one nor those before it used.

        Raises:
            UserError: The validation split has not so many texts of each class left.
        """
        return TextFitness(
            self.options,
            self.parts,
            self.data["train"],
            self.data["validation"],
            data_digest=self._data_digest,
            threads=self.threads,
            skip=self._skip + self.options.validation_texts,
        )

    def features(self, layers: Sequence[Projection], texts: Encoded, parts: Tensors | None = None) -> np.ndarray:
        """``(n, n_embd)`` float64: the mean of the last hidden states over a text's own tokens."""
        with torch_threads(self.threads):
            return mean_states(parts or self.parts, layers, self.options.model, texts)

    def judged(self, log_probabilities: np.ndarray, labels: np.ndarray, work: int) -> Evaluation:
        """The evaluation of ``(n, n_classes)`` log probabilities of texts, accuracy and cross-entropy as metrics."""
        metrics = {name: float(values.mean()) for name, values in scores(log_probabilities, labels).items()}
        if not all(map(math.isfinite, metrics.values())):
            return Evaluation(outcome="nan", work=work, message=f"the cross-entropy is {metrics['cross_entropy']}")
        return Evaluation((metrics[self.options.metric],), work=work, metrics=metrics)

    def _evaluated(self, layers: Sequence[Projection], train: Encoded, work: int) -> Evaluation:
        head = fit_head(self.features(layers, train), train.labels, self.options.C)
        if head is None:
            return Evaluation(outcome="nan", work=work, message="hidden states are not finite")
        found = log_probabilities(self.features(layers, self.validation), *head)
        return self.judged(found, self.validation.labels, work)


def build_fitness(options: TextClassification, context: Context) -> TextFitness:
    """The fitness of a run; random continuous parts are decided by the run's seed.

    Raises:
        UserError: The data are not labelled.
    """
    if not isinstance(context.train, LabelledTexts):
        raise UserError(
            "fitness text_classification needs labelled texts, such as data: {name: prose_periods} or "
            "{name: labelled_text, config: sst2}"
        )
    parts = continuous_parts(options.continuous, options.model, context.streams.at("text_classification", "continuous"))
    placed = {name: part.to(context.device) for name, part in parts.items()}
    return TextFitness(
        options,
        placed,
        context.train,
        context.validation,
        data_digest=context.data_digest,
        threads=context.threads,
    )


def mean_states(parts: Tensors, layers: Sequence[Projection], sizes: Sizes, texts: Encoded) -> np.ndarray:
    """``(n, n_embd)`` float64 means over each text's own tokens; what is padded behind them changes nothing."""
    device = parts[EMBEDDING].device
    means = []
    with torch.no_grad():
        for at in chunks(len(texts), GROUP):
            tokens = torch.from_numpy(texts.tokens[at]).to(device)
            counts = torch.from_numpy(texts.counts[at]).to(device)
            states = model.hidden(parts, layers, sizes, tokens).double()
            own = torch.arange(tokens.shape[1], device=device) < counts[:, None]
            means.append((states * own[:, :, None]).sum(1) / counts[:, None])
    return torch.cat(means).cpu().numpy()
