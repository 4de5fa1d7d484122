"""The CLSO paper's surrogate: an embedding of each gene's choice, then a small perceptron."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from evokit.interfaces import Context
from evokit.options import Count, Positive
from evokit.surrogates.features import check_points, first_columns

if TYPE_CHECKING:
    import torch


class EmbeddingMLPSurrogate:
    """Members that differ in their random start alone; mean and standard deviation over them.

    All members train at once, full batch, on standardised values. With one member the spread is zero.

    Args:
        sizes: Number of choices of each gene.
        options: Sizes and training of the network.
    """

    def __init__(self, sizes: Sequence[int], options: EmbeddingMLP) -> None:
        self._sizes = sizes
        self._options = options
        self._parameters: list[torch.Tensor] = []
        self._centre = 0.0
        self._scale = 1.0
        self.spreads = options.members > 1

    def fit(self, X: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> None:
        """Fit to ``(n, n_genes)`` choices and ``(n,)`` values in the order of measurement. One draw seeds the start.

        Raises:
            ValueError: Fewer than two measurements.
        """
        import torch

        check_points(X, y)
        X, y = X[-self._options.window :], np.asarray(y[-self._options.window :], dtype=np.float64)
        self._centre = float(y.mean())
        self._scale = float(y.std()) or 1.0
        target = torch.tensor((y - self._centre) / self._scale, dtype=torch.float32)
        generator = torch.Generator().manual_seed(int(rng.integers(2**63)))
        self._parameters = _start(self._sizes, self._options, generator)
        optimizer = torch.optim.Adam(self._parameters, lr=self._options.lr)
        rows = self._rows(X)
        for _ in range(self._options.epochs):
            optimizer.zero_grad()
            errors = _outputs(self._parameters, rows) - target
            # Summed over members, so that each gets the gradient that it would get alone.
            errors.square().mean(dim=1).sum().backward()  # type: ignore[no-untyped-call]
            optimizer.step()

    def predict(self, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mean and spread, ``(n,)`` float64 each. Raises ``RuntimeError`` before ``fit``."""
        import torch

        if not self._parameters:
            raise RuntimeError("fit comes before predict")
        with torch.inference_mode():
            outputs = _outputs(self._parameters, self._rows(X)).double().numpy()
        return self._centre + self._scale * outputs.mean(axis=0), self._scale * outputs.std(axis=0)

    def _rows(self, X: np.ndarray) -> torch.Tensor:
        """Row of each member's, gene's and choice's embedding in the one table, ``(members, n, n_genes)``."""
        import torch

        rows = X.astype(np.int64) + first_columns(self._sizes)
        members = np.arange(self._options.members)[:, None, None] * sum(self._sizes)
        return torch.from_numpy(rows[None] + members)


def _start(sizes: Sequence[int], options: EmbeddingMLP, generator: torch.Generator) -> list[torch.Tensor]:
    """The table, then weight ``(members, n_in, n_out)`` and bias of each layer, distributed as torch's defaults."""
    import torch

    widths = (len(sizes) * options.embedding, *options.hidden, 1)
    parameters = [torch.randn(options.members * sum(sizes), options.embedding, generator=generator)]
    for n_in, n_out in pairwise(widths):
        bound = n_in**-0.5
        for shape in ((options.members, n_in, n_out), (options.members, 1, n_out)):
            parameters.append(torch.empty(shape).uniform_(-bound, bound, generator=generator))
    return [parameter.requires_grad_() for parameter in parameters]


def _outputs(parameters: Sequence[torch.Tensor], rows: torch.Tensor) -> torch.Tensor:
    """Standardised predictions, ``(members, n)``."""
    import torch

    table, *layers = parameters
    hidden = torch.nn.functional.embedding(rows, table).flatten(2)
    *inner, last = zip(layers[::2], layers[1::2], strict=True)
    for weight, bias in inner:
        hidden = torch.baddbmm(bias, hidden, weight).relu()
    return torch.baddbmm(last[1], hidden, last[0]).squeeze(2)


@dataclass(frozen=True)
class EmbeddingMLP:
    """Embedding of each gene's choice, concatenated; layers of ``hidden`` with ReLU; one output.

    Trained from scratch by Adam at ``lr`` for ``epochs`` full batches on the last ``window`` measurements. The paper
    has one member and goes on training it, 50 batches a generation; several ``members`` give a spread.

    Source: CLSO, section 3.4; sizes and training are its published code's.
    """

    embedding: Count = 16
    hidden: tuple[Count, ...] = (64, 32)
    lr: Positive = 1e-3
    epochs: Count = 100
    window: Count = 1000
    members: Count = 4
    genes: ClassVar[frozenset[str]] = frozenset({"index_vector", "bits"})

    def build(self, context: Context) -> EmbeddingMLPSurrogate:
        genome: Any = context.genome
        sizes = genome.sizes if genome.genes == "index_vector" else (2,) * genome.n_genes
        return EmbeddingMLPSurrogate(sizes, self)
