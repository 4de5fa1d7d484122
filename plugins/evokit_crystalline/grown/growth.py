"""Crystals fitted one place after the other, each to the model with those before it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np
import torch

from evokit.common.keys import array_key, digest
from evokit.data.cache import Arrays
from evokit.data.text import Blocks
from evokit.streams import Streams
from evokit_crystalline.closed_form.responses import moment_solution
from evokit_crystalline.crystals.matrices import Dense, StructuredMatrix, Zero
from evokit_crystalline.gpt2 import model
from evokit_crystalline.gpt2.chunks import chunks
from evokit_crystalline.gpt2.measuring import GROUP, Frame, groups, mean_losses, torch_threads
from evokit_crystalline.gpt2.model import State
from evokit_crystalline.grown.patterns import PATTERNS
from evokit_crystalline.grown.responses import base_predictions, content_of, estimated_means
from evokit_crystalline.grown.store import Fits
from evokit_crystalline.grown.structures import Regression, block_diagonal, joined, low_rank, ternary
from evokit_crystalline.learned.sets import reading_attention

EDITION = 2  # of the code that fits; part of the key of a fit
SHARES = (1.0, 0.6, 0.36, 0.2)  # of a step, each tried as long as it is better than the one before
READING = ("heads", "scale")  # genes that decide what a place reads


@dataclass(frozen=True)
class Place:
    """A sublayer whose crystals are fitted, and how.

    Args:
        sublayer: Its number in the order in which the model applies them: of block ``i`` attention is ``2 i``, the MLP
            the one after it.
        genes: By name, JSON values.
    """

    sublayer: int
    genes: Mapping[str, Any]

    @property
    def is_attention(self) -> bool:
        return self.sublayer % 2 == 0


class Layers(dict[str, StructuredMatrix]):
    """Slot to matrix; ``work`` are the tokens that fits read: those to fit to once, those that check in each check."""

    work: int = 0


class Growth:
    """Fits crystals and remembers them.

    Args:
        frame: Continuous parts in closed form.
        fitted: Blocks that crystals are fitted to; nothing else was.
        checked: Blocks that decide whether a fit is taken.
        n_predicted: On how many tokens of the former predictions are computed, at most.
        context: Digest of the frame and of all that the bits of a computation with it depend on.
        threads: Torch threads, part of the result.
        fits: Where fits are kept.
    """

    def __init__(
        self, frame: Frame, fitted: Blocks, checked: Blocks, n_predicted: int, context: str, threads: int, fits: Fits
    ) -> None:
        self._frame, self._fitted, self._checked, self._threads = frame, fitted, checked, threads
        self._slots = list(frame.sizes.slots())
        self._n_predicted = min(n_predicted, fitted.inputs.size)
        self.fits = fits
        self._context = digest([EDITION, context, *(_key(one) for one in (fitted, checked)), n_predicted])

    def grow(self, places: Sequence[Place]) -> Layers:
        """Layers with the crystals of ``places``, fitted in their order; those that do not help stay off.

        Bits are decided by the places alone, whatever was fitted before.
        """
        matrices: list[StructuredMatrix] = [Zero(shape) for shape in self._frame.sizes.slots().values()]
        with torch_threads(self._threads), torch.no_grad():
            loss, key, work = float(self._base["loss"]) if places else 0.0, self._context, 0
            for place in places:
                name = digest([key, place.sublayer, place.genes])
                arrays = self.fits.get(name, partial(self._fit, key, matrices, place, loss))
                work += self._fitted.inputs.size + int(arrays["checks"]) * self._checked.inputs.size
                if "first" in arrays:  # else the model, and with it all that is fitted to it, is the one before
                    key, loss = name, float(arrays["loss"])
                    matrices = _with(matrices, place, _crystals(arrays))
        layers = Layers(zip(self._slots, matrices, strict=True))
        layers.work = work
        return layers

    @cached_property
    def _base(self) -> Arrays:
        off = [Zero(shape) for shape in self._frame.sizes.slots().values()]

        def make() -> Arrays:
            (loss,) = mean_losses(self._frame, [off], self._checked)
            return base_predictions(self._frame, self._fitted) | {"loss": np.array(loss)}

        return self.fits.get(self._context, make)

    @cached_property
    def _positions(self) -> torch.Tensor:
        """``(n,)`` where each token to fit to stands among the distinct ones."""
        return torch.from_numpy(np.searchsorted(self._base["tokens"], self._fitted.inputs.flatten()))

    def _fit(self, key: str, matrices: Sequence[StructuredMatrix], place: Place, loss: float) -> Arrays:
        """Crystals of a place, the loss with them, and how many checks it took; no crystals where none helps.

        Args:
            key: Of ``matrices``.
            matrices: Of the model so far.
            place: What is fitted.
            loss: Of the model so far.
        """
        genes = place.genes
        asked = self._asked_for(key, matrices, place)
        first = Dense(asked["first"])
        moment, product, curvature = (torch.from_numpy(asked[name]) for name in ("moment", "product", "curvature"))
        solution = moment_solution(moment, product, curvature, genes["damping"], genes["ridge"])
        parts = _structured(Regression(*solution, content_of(self._frame)), genes)
        best, checks = {"loss": np.array(loss)}, 0
        before = np.inf
        for share in SHARES:
            made = {"first": asked["first"], "scale": np.array(share * genes["step"]), **parts}
            with_it = _with(matrices, place, (first, _crystals(made)[1]))
            (after,) = mean_losses(self._frame, [with_it], self._checked)
            checks += 1
            if after < best["loss"]:
                best = made | {"loss": np.array(after)}
            if after >= before:
                break
            before = after
        return best | {"checks": np.array(checks)}

    def _asked_for(self, key: str, matrices: Sequence[StructuredMatrix], place: Place) -> Arrays:
        """What a place reads by ``first`` and what is asked of it, as sums over tokens.

        It takes most of the time of a fit and does not depend on the genes that say how the second projection is made,
        so individuals that differ in these alone share it.
        """
        reading = {name: place.genes[name] for name in READING if name in place.genes}

        def make() -> Arrays:
            state, hidden = self._states(matrices, place)
            pull, curvature = self._responses(matrices, hidden)
            if place.is_attention:
                patterns = [PATTERNS[name] for name in place.genes["heads"]]
                first = reading_attention(self._frame.sizes, patterns, state, pull, curvature)
            else:
                first = self._random_features(place, state)
            moment, product = self._moments(place, first, state, pull)
            sums = {"moment": moment, "product": product, "curvature": curvature}
            return {"first": first.dense().numpy()} | {name: one.contiguous().numpy() for name, one in sums.items()}

        return self.fits.get(digest([key, "asked for", place.sublayer, reading]), make)

    def _states(self, matrices: Sequence[StructuredMatrix], place: Place) -> tuple[State, torch.Tensor]:
        """What comes to a place, and ``(n, n_embd)`` what the head reads, on all tokens to fit to.

        Sublayers that are off are passed by.
        """
        parts, sizes = self._frame.parts, self._frame.sizes
        streams, inners, hidden = [], [], []
        for group in groups(self._fitted):
            state = model.start(parts, sizes, torch.from_numpy(group.inputs))
            for sublayer in range(len(matrices) // 2):
                if sublayer == place.sublayer:
                    streams.append(state[0])
                    inners.append(state[1])
                first, second = matrices[2 * sublayer : 2 * sublayer + 2]
                if not isinstance(second, Zero):
                    state = model.advance(parts, sizes, 2 * sublayer, first, state)
                state = model.advance(parts, sizes, 2 * sublayer + 1, second, state)
            hidden.append(state[1].flatten(0, 1))
        return (torch.cat(streams), torch.cat(inners)), torch.cat(hidden)

    def _responses(
        self, matrices: Sequence[StructuredMatrix], hidden: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """``(n, rank)`` pulls on the states and ``(rank, rank)`` the metric that turns them into steps."""
        base_means = torch.from_numpy(self._base["means"])[self._positions]
        means, curvature = base_means, torch.from_numpy(self._base["curvature"])
        if not all(isinstance(matrix, Zero) for matrix in matrices):
            base_content = torch.from_numpy(self._base["content"])[self._positions]
            # One draw for all places and individuals: common random numbers.
            drawn = Streams(0).at("grown", "predicted").numpy().permutation(len(hidden))[: self._n_predicted]
            chosen = torch.from_numpy(np.sort(drawn))
            means, curvature = estimated_means(self._frame, hidden, base_content, base_means, chosen)
        rows = self._frame.head.weight @ content_of(self._frame)
        return rows[torch.from_numpy(self._fitted.targets.flatten())] - means, curvature

    def _random_features(self, place: Place, state: State) -> Dense:
        """``c_fc`` of random directions, the same of a place for all individuals but for the scale."""
        sizes = self._frame.sizes
        typical = state[1].square().sum(-1).mean().sqrt().item()
        rng = Streams(0).at("grown", "features", place.sublayer).numpy()
        drawn = rng.standard_normal((sizes.n_embd, sizes.inner))
        return Dense((drawn * (place.genes["scale"] / typical)).astype(np.float32))

    def _moments(
        self, place: Place, first: StructuredMatrix, state: State, pull: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Of what the second projection reads: its moment, and its product with the pulls; sums are float64."""
        parts, sizes = self._frame.parts, self._frame.sizes
        moment: Any = 0.0
        product: Any = 0.0
        pulls = pull.view(*state[1].shape[:2], -1)
        for group in chunks(len(state[1]), GROUP):
            inner = model.advance(parts, sizes, 2 * place.sublayer, first, (state[0][group], state[1][group]))[1]
            features = inner.flatten(0, 1)
            moment = moment + (features.T @ features).double()
            product = product + (features.T @ pulls[group].flatten(0, 1)).double()
        return moment.float(), product.float()


def _structured(regression: Regression, genes: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """The output projection in its structure, at full step."""
    if genes["structure"] == "block_diagonal":
        made = block_diagonal(regression, genes["blocks"])
    else:
        rank = max(1, round(genes["rank"] * regression.content.shape[1]))
        made = (ternary if genes["structure"] == "ternary" else low_rank)(regression, rank)
    return {name: part.contiguous().numpy() for name, part in made.items()}


def _crystals(arrays: Arrays) -> tuple[StructuredMatrix, StructuredMatrix]:
    return Dense(arrays["first"]), joined(arrays, float(arrays["scale"]))


def _with(
    matrices: Sequence[StructuredMatrix], place: Place, crystals: Sequence[StructuredMatrix]
) -> list[StructuredMatrix]:
    at = 2 * place.sublayer
    return [*matrices[:at], *crystals, *matrices[at + 2 :]]


def _key(blocks: Blocks) -> list[str]:
    return [array_key(tokens) for tokens in (blocks.inputs, blocks.targets)]
