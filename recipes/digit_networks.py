"""Small networks for handwritten digits, a fitness of one's own with two objectives: how well, and how large.

The five genes, from 0 to 1, are the settings of a network and its training. A budget is a number of epochs, and a lower
one is the beginning of a higher: the same weights to begin with, the same batches in the same order, no schedule.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np
from annotated_types import MinLen
from sklearn.datasets import load_digits

from evokit import Component, Context, Count, Evaluation, Goal, hookimpl

WIDEST = 64  # units of the hidden layer
BATCH = 96
N_TRAIN, N_JUDGING = 576, 400  # images that networks learn from, and of each of three sets that judge them


@dataclass(frozen=True)
class DigitNetworks:
    """Cross-entropy on images that the network did not learn from, and the logarithm of its number of weights.

    Genes: width of the hidden layer, scale of its first weights, learning rate, momentum and weight decay. The field is
    the recipe's option: epochs of the rungs and of the whole training.
    """

    epochs: Annotated[tuple[Count, ...], MinLen(1)] = (3, 9, 27)

    def build(self, context: Context) -> "Trainings":
        return Trainings(self.epochs, context)


class Trainings:
    """The fitness at work.

    Args:
        epochs: Ascending; the last is the whole training.
        context: Of the run.
        replicate: 0 in the search; others draw other weights and batches, and judge by images that nobody saw.
    """

    objectives: ClassVar[Mapping[str, Goal]] = {"cross_entropy": "min", "log2_weights": "min"}
    takes: ClassVar[frozenset[str]] = frozenset({"vector"})
    slots: ClassVar[Mapping[str, Any]] = {}

    def __init__(self, epochs: Sequence[int], context: Context, replicate: int = 0) -> None:
        self.budgets = epochs
        self.context = f"digit networks, replicate {replicate}"
        self._context, self._replicate = context, replicate
        x, y = load_digits(return_X_y=True)
        order = context.streams.at("images").numpy().permutation(len(y))  # as they come, a writer's are together
        x, y = x[order], y[order]
        x = ((x - x[:N_TRAIN].mean()) / x[:N_TRAIN].std()).astype(np.float32)
        first = N_TRAIN + replicate % 3 * N_JUDGING
        self._train = x[:N_TRAIN], y[:N_TRAIN]
        self._judging = x[first : first + N_JUDGING], y[first : first + N_JUDGING]

    def fresh(self) -> "Trainings":
        return Trainings(self.budgets, self._context, self._replicate + 1)

    def evaluate(self, batch: Sequence[np.ndarray], budget: int) -> list[Evaluation]:
        return [self._trained(genes, budget) for genes in batch]

    @np.errstate(all="ignore")  # a training that diverges has no finite value, and is recorded as failed
    def _trained(self, genes: np.ndarray, epochs: int) -> Evaluation:
        rng = self._context.streams.at("training", self._replicate).numpy()
        width, scale = round(WIDEST ** float(genes[0])), 10 ** (2 * genes[1] - 1)
        rate, momentum, decay = 10 ** (3 * genes[2] - 3), 0.98 * genes[3], 10 ** (4 * genes[4] - 6)
        network = Network(width, scale, rng)
        speed = np.zeros_like(network.weights)
        x, y = self._train
        for _ in range(epochs):
            order = rng.permutation(N_TRAIN)
            for rows in (order[start : start + BATCH] for start in range(0, N_TRAIN, BATCH)):
                slope = network.slope(x[rows], y[rows])
                speed = momentum * speed - rate * (slope + decay * network.weights)
                network.weights += speed
        images, digits = self._judging
        logits = network.outputs(images)[1]
        loss = np.mean(np.log(np.exp(logits).sum(1)) - logits[np.arange(len(digits)), digits])
        accuracy = np.mean(logits.argmax(1) == digits)
        n = network.weights.size
        return Evaluation(
            (float(loss), float(np.log2(n))), work=epochs, metrics={"accuracy": float(accuracy), "weights": n}
        )


class Network:
    """One hidden layer of rectifiers. All weights are one vector, of which the matrices are views.

    Args:
        width: Units of the hidden layer.
        scale: Of the random weights, 1 for those of He et al. 2015; biases begin with 0.
        rng: Draws the weights.
    """

    def __init__(self, width: int, scale: float, rng: np.random.Generator) -> None:
        self._width = width
        self.weights = np.zeros(65 * width + (width + 1) * 10, np.float32)
        self._views = self._in(self.weights)
        for matrix in self._views[::2]:
            matrix[:] = rng.standard_normal(matrix.shape) * scale * np.sqrt(2 / len(matrix))

    def outputs(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Of the hidden layer, and logits less the largest of each image."""
        first, first_biases, second, second_biases = self._views
        hidden = np.maximum(x @ first + first_biases, 0)
        logits = hidden @ second + second_biases
        return hidden, logits - logits.max(1, keepdims=True)

    def slope(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Of the mean cross-entropy, in the order of the weights."""
        hidden, logits = self.outputs(x)
        back = np.exp(logits)
        back /= back.sum(1, keepdims=True)
        back[np.arange(len(y)), y] -= 1
        back /= len(y)
        slope = np.empty_like(self.weights)
        first, first_biases, second, second_biases = self._in(slope)
        np.matmul(hidden.T, back, out=second)
        back.sum(0, out=second_biases)
        back = (back @ self._views[2].T) * (hidden > 0)
        np.matmul(x.T, back, out=first)
        back.sum(0, out=first_biases)
        return slope

    def _in(self, weights: np.ndarray) -> list[np.ndarray]:
        """The matrix ``(n_inputs, n_outputs)`` of each layer, and after it the biases."""
        width = self._width
        parts = np.split(weights, np.cumsum([64 * width, width, width * 10]))
        return [parts[0].reshape(64, width), parts[1], parts[2].reshape(width, 10), parts[3]]


@hookimpl
def evokit_components() -> list[Component]:
    return [Component("fitness", "digit_networks", DigitNetworks)]
