"""Crystals drawn from the data's own directions: quantised factors of ridge solutions on random training tokens.

With the continuous parts fixed, the loss is a convex function of the hidden state. Its Newton step at each token, the
working response ``S⁻¹ (h_target - E_p h)`` with ``S`` the average covariance of the head's rows under the softmax, is
what a layer should add there. A ridge regression of the responses on what the layer can see is one step of iteratively
reweighted least squares: nothing is propagated back through any layer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from evokit.data.text import Blocks
from evokit.streams import Streams
from evokit_crystalline import gpt2
from evokit_crystalline.basis import CODES, CONTENT, basis, shift_codes
from evokit_crystalline.gpt2 import Projection, State
from evokit_crystalline.loss import EVALUATED_TOKENS
from evokit_crystalline.matrices import Dense, LowRank, StructuredMatrix, Zero
from evokit_crystalline.measuring import Frame, groups
from evokit_crystalline.sizes import Sizes

SHARPNESS = 40.0
"""Of scores between position codes: the nearest wrong position is at least 0.29 lower, which leaves it e⁻¹¹."""
OFFSETS = (1, 1, 1, 2, 2, 3, 4, None)
"""What a head looks at, drawn for each: so many tokens back, or the mean of all tokens so far."""
SHARE_OF_PREVIOUS = 0.5  # of places whose heads all look at the previous token
DAMPING, RIDGE, SCALES = (0.3, 1.0, 3.0), (1.0, 3.0, 10.0), (0.3, 0.6, 1.0)
RANKS = (1 / 4, 1 / 2, 1)  # of the width
LEVELS = 7
"""A factor's entries are -7 to 7 times a scale for each column."""
SUBSET = 0.5
MLP_RIDGE = 10.0  # times the ridge of attention: four times the features, and most of them say what the token is

Place = Mapping[str, StructuredMatrix]  # name of a projection within its block -> matrix
NAMES = ("attn.c_attn", "attn.c_proj", "mlp.c_fc", "mlp.c_proj")


@dataclass(frozen=True, eq=False)
class Responses:
    """What the loss asks the hidden state to become, token by token, with every projection zero.

    Args:
        tokens: ``(n_blocks, length)`` int64 inputs.
        pull: ``(n_blocks, length, rank)`` target's head row minus the expected one, in content coordinates.
        curvature: ``(rank, rank)`` average covariance of the head's rows under the softmax.
    """

    tokens: torch.Tensor
    pull: torch.Tensor
    curvature: torch.Tensor


def working_responses(frame: Frame, blocks: Blocks) -> Responses:
    """Responses of the model without projections to ``blocks``, which were not used to fit its continuous parts."""
    sizes, head = frame.sizes, frame.head
    content = torch.from_numpy(basis(sizes.n_embd))[CONTENT:].T
    rows, targets = head.rounded.float() @ content, head.weight @ content
    total, square = torch.zeros(len(rows)), torch.zeros(content.shape[1], content.shape[1])
    off: list[Projection] = [Zero(shape) for shape in sizes.slots().values()]
    pulls = []
    for group in groups(blocks):
        flat = gpt2.hidden(frame.parts, off, sizes, torch.from_numpy(group.inputs)).flatten(0, 1)
        words = torch.from_numpy(group.targets).flatten()
        for at in range(0, len(flat), EVALUATED_TOKENS):
            chunk = slice(at, at + EVALUATED_TOKENS)
            logits = flat[chunk] @ head.rounded.float().T
            if head.log_counts is not None:
                logits += head.log_counts
            logits.sub_(logits.amax(1, keepdim=True)).exp_()
            p = logits.div_(logits.sum(1, keepdim=True))
            mean = p @ rows
            pulls.append(targets[words[chunk]] - mean)
            total += p.sum(0)
            square += mean.T @ mean
    pull = torch.cat(pulls)
    curvature = (rows.T @ (total[:, None] * rows) - square) / len(pull)
    tokens = torch.from_numpy(blocks.inputs)
    return Responses(tokens, pull.view(*tokens.shape, -1), curvature)


def learn_places(frame: Frame, responses: Responses, n_places: int, streams: Streams) -> list[Place]:
    """Blocks of four crystals that belong together; place ``i`` is the same however many there are.

    An even place is fitted as the first block of the model, an odd one to what its predecessor leaves to be done.
    """
    places: list[Place] = []
    for i in range(n_places):
        before = places[-1] if i % 2 and frame.sizes.n_layer > 1 else None
        places.append(_learn(frame, responses, before, streams.at("learned", i).numpy()))
    return places


def attention(sizes: Sizes, offsets: Sequence[int | None], *, strided: bool) -> Dense:
    """``c_attn`` whose head ``i`` copies the content from ``offsets[i]`` tokens back, or the mean over all so far.

    Args:
        sizes: Of the model.
        offsets: One per head; None is the mean.
        strided: Whether a head takes every n-th content coordinate or a piece of them.

    Raises:
        ValueError: A head is too narrow for the position codes.
    """
    d, width = sizes.n_embd, sizes.n_embd // sizes.n_head
    directions = basis(d)
    codes = directions[CODES].T
    if width < codes.shape[1]:
        raise ValueError(f"a head needs {codes.shape[1]} dimensions for the position codes, got {width}")
    weight = np.zeros((d, 3, sizes.n_head, width), np.float32)
    for head, offset in enumerate(offsets):
        if offset is not None:
            turned = codes @ shift_codes(sizes.n_positions, offset)
            weight[:, 0, head, : codes.shape[1]] = SHARPNESS * np.sqrt(width) * turned
            weight[:, 1, head, : codes.shape[1]] = codes
    values = np.concatenate([directions[CONTENT:], np.zeros((CONTENT, d), np.float32)]).T
    shape = (d, width, sizes.n_head) if strided else (d, sizes.n_head, width)
    values = values.reshape(shape)
    weight[:, 2] = values.transpose(0, 2, 1) if strided else values
    return Dense(weight.reshape(d, 3 * d))


def quantised(
    matrix: torch.Tensor, left: torch.Tensor, right: torch.Tensor, rank: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Factors ``U``, ``V`` of the best approximation of a rank, rounded to ``2 * LEVELS + 1`` levels for each column.

    Best for inputs of the moment ``left`` and outputs in the metric ``right``.

    Args:
        matrix: ``(n_in, n_out)``.
        left: ``(n_in, n_in)`` positive definite.
        right: ``(n_out, n_out)`` positive definite.
        rank: At most the smaller side.

    Returns:
        ``(n_out, rank)`` and ``(n_in, rank)``; the approximation is ``V Uᵀ``.
    """
    a, c = torch.linalg.cholesky(left), torch.linalg.cholesky(right)
    u, s, vt = torch.linalg.svd(a.T @ matrix @ c, full_matrices=False)
    root = s[:rank].sqrt()
    V = torch.linalg.solve_triangular(a.T, u[:, :rank] * root, upper=True)
    U = torch.linalg.solve_triangular(c.T, vt[:rank].T * root, upper=True)
    return _rounded(U), _rounded(V)


def _learn(frame: Frame, responses: Responses, before: Place | None, rng: np.random.Generator) -> Place:
    sizes, n_blocks = frame.sizes, len(responses.tokens)
    subset = torch.from_numpy(np.sort(rng.choice(n_blocks, max(1, round(SUBSET * n_blocks)), replace=False)))
    pull, first = responses.pull[subset].flatten(0, 1), 0
    with torch.no_grad():
        state = gpt2.start(frame.parts, sizes, responses.tokens[subset])
        if before is not None:
            start, first = state[0], 4
            for stage, name in enumerate(NAMES):
                state = gpt2.advance(frame.parts, sizes, stage, before[name], state)
            pull = pull - _content(state[0] - start) @ responses.curvature
        place: dict[str, StructuredMatrix] = {"attn.c_attn": _random_attention(sizes, rng)}
        state = gpt2.advance(frame.parts, sizes, first, place["attn.c_attn"], state)
        place["attn.c_proj"], pull = _fit(state, pull, responses.curvature, rng)
        state = gpt2.advance(frame.parts, sizes, first + 1, place["attn.c_proj"], state)
        typical = state[1].square().sum(-1).mean().sqrt().item()
        features = rng.standard_normal((sizes.n_embd, sizes.inner)) * (rng.choice([1.0, 2.0]) / typical)
        place["mlp.c_fc"] = Dense(features.astype(np.float32))
        state = gpt2.advance(frame.parts, sizes, first + 2, place["mlp.c_fc"], state)
        place["mlp.c_proj"], _ = _fit(state, pull, responses.curvature, rng, MLP_RIDGE)
    return place


def _fit(
    state: State, pull: torch.Tensor, curvature: torch.Tensor, rng: np.random.Generator, stiffness: float = 1.0
) -> tuple[LowRank, torch.Tensor]:
    """A crystal from what the projection reads to the residual stream, and what it leaves to be pulled."""
    features, rank = state[1].flatten(0, 1), curvature.shape[0]
    damping, ridge, scale, share = (float(rng.choice(values)) for values in (DAMPING, RIDGE, SCALES, RANKS))
    metric = curvature + damping * curvature.diagonal().mean() * torch.eye(rank)
    moment = features.T @ features
    moment += stiffness * ridge * moment.diagonal().mean() * torch.eye(len(moment))
    solution = torch.linalg.solve(metric, torch.linalg.solve(moment, features.T @ pull).T).T
    U, V = quantised(scale * solution, moment, metric, max(1, round(share * rank)))
    crystal = LowRank(torch.from_numpy(basis(state[0].shape[-1]))[CONTENT:].T @ U, V)
    return crystal, pull - _content(crystal.apply(features)) @ curvature


def _random_attention(sizes: Sizes, rng: np.random.Generator) -> Dense:
    drawn = [OFFSETS[i] for i in rng.integers(len(OFFSETS), size=sizes.n_head)]
    offsets = [1] * sizes.n_head if rng.random() < SHARE_OF_PREVIOUS else drawn
    return attention(sizes, offsets, strided=bool(rng.integers(2)))


def _content(x: torch.Tensor) -> torch.Tensor:
    return x.reshape(-1, x.shape[-1]) @ torch.from_numpy(basis(x.shape[-1]))[CONTENT:].T


def _rounded(factor: torch.Tensor) -> torch.Tensor:
    step = factor.abs().amax(0).clamp(min=torch.finfo(torch.float32).tiny) / LEVELS
    return (factor / step).round() * step
