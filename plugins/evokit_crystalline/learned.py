"""Crystals drawn from the data's own directions: quantised factors of ridge solutions on random training tokens.

With the continuous parts fixed, the loss is a convex function of the hidden state. Its Newton step at each token, the
working response ``S⁻¹ (h_target - E_p h)`` with ``S`` the average covariance of the head's rows under the softmax, is
what a layer should add there. A ridge regression of the responses on what the layer can see is one step of iteratively
reweighted least squares: nothing is propagated back through any layer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch

from evokit.streams import Streams
from evokit_crystalline import gpt2
from evokit_crystalline.basis import CONTENT, basis
from evokit_crystalline.gpt2 import State
from evokit_crystalline.looks import Look, attention, weights
from evokit_crystalline.matrices import Dense, LowRank, StructuredMatrix, Zero
from evokit_crystalline.measuring import Frame
from evokit_crystalline.responses import Responses, ridge_solution
from evokit_crystalline.sizes import Sizes

LOOKS = (
    *(Look(back) for back in (1, 1, 2, 3)),
    *(Look(width=width) for width in (2.0, 4.0, 6.0, 13.0, np.inf)),
)
"""Of which the heads of a block draw, each at most once; the previous token is there twice."""
READ_RIDGE, READ_DAMPING = 1.0, 0.3  # of the regressions whose directions heads read
DAMPING, RIDGE, SCALES = (0.3, 1.0), (0.3, 1.0, 3.0), (0.4, 0.6)
RANKS = (1 / 4, 1 / 2, 1)  # of the width
LEVELS = 7
"""A factor's entries are -7 to 7 times a scale for each column."""
SUBSET = 0.4  # of the blocks, for each place
MLP_RIDGE = 10.0  # times the ridge of attention: four times the features, and most of them say what the token is

Place = Mapping[str, StructuredMatrix]  # name of a projection within its block -> matrix
NAMES = ("attn.c_attn", "attn.c_proj", "mlp.c_fc", "mlp.c_proj")


def learn_places(frame: Frame, responses: Responses, n_places: int, streams: Streams) -> list[Place]:
    """Blocks of four crystals that belong together; place ``i`` is the same however many there are.

    An even place is fitted as the first block of the model, an odd one to what its predecessor's attention leaves to be
    done.
    """
    places: list[Place] = []
    for i in range(n_places):
        before = places[-1] if i % 2 and frame.sizes.n_layer > 1 else None
        places.append(_learn(frame, responses, before, streams.at("learned", i).numpy()))
    return places


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
    u, s, vt, a, c = _decomposed(matrix, left, right)
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
            start, first = state[0], len(NAMES)
            mixed = before["attn.c_proj"]
            assert isinstance(mixed, LowRank)
            off = (Zero((sizes.n_embd, sizes.inner)), Zero((sizes.inner, sizes.n_embd)))
            for stage, crystal in enumerate((before["attn.c_attn"], mixed, *off)):
                state = gpt2.advance(frame.parts, sizes, stage, crystal, state)
            pull = pull - _content(state[0] - start) @ responses.curvature / mixed.scale
        place: dict[str, StructuredMatrix] = {"attn.c_attn": _attention(sizes, state, pull, responses.curvature, rng)}
        state = gpt2.advance(frame.parts, sizes, first, place["attn.c_attn"], state)
        place["attn.c_proj"], pull = _fit(state, pull, responses.curvature, rng)
        state = gpt2.advance(frame.parts, sizes, first + 1, place["attn.c_proj"], state)
        typical = state[1].square().sum(-1).mean().sqrt().item()
        features = rng.standard_normal((sizes.n_embd, sizes.inner)) * (rng.choice([1.0, 2.0]) / typical)
        place["mlp.c_fc"] = Dense(features.astype(np.float32))
        state = gpt2.advance(frame.parts, sizes, first + 2, place["mlp.c_fc"], state)
        place["mlp.c_proj"], _ = _fit(state, pull, responses.curvature, rng, MLP_RIDGE)
    return place


def _attention(
    sizes: Sizes, state: State, pull: torch.Tensor, curvature: torch.Tensor, rng: np.random.Generator
) -> Dense:
    """Heads that look where it was drawn and read the directions there that say most about the responses."""
    drawn = rng.choice(len(LOOKS), sizes.n_head, replace=sizes.n_head > len(LOOKS))
    looks, width = [LOOKS[i] for i in drawn], sizes.n_embd // sizes.n_head
    content = _content(state[1]).view(*state[1].shape[:2], -1)
    read: dict[Look, torch.Tensor] = {}
    for look in dict.fromkeys(looks):
        seen = weights(look, sizes.n_positions, content.shape[1]) @ content
        read[look] = _directions(seen.flatten(0, 1), pull, curvature)
    values, taken = [], dict.fromkeys(looks, 0)
    for look in looks:  # a second head with the same look reads what the first has no room for
        values.append(read[look][:, taken[look] : taken[look] + width].numpy())
        taken[look] += width
    return attention(sizes, looks, values)


def _directions(features: torch.Tensor, pull: torch.Tensor, curvature: torch.Tensor) -> torch.Tensor:
    """``(n, rank)`` directions of features in the order of what they explain, of unit mean square and then rounded."""
    solution, moment, metric = ridge_solution(features, pull, curvature, READ_DAMPING, READ_RIDGE)
    u, _, _, a, _ = _decomposed(solution, moment, metric)
    V = torch.linalg.solve_triangular(a.T, u, upper=True)
    return _rounded(V / (features @ V).square().mean(0).sqrt())


def _fit(
    state: State, pull: torch.Tensor, curvature: torch.Tensor, rng: np.random.Generator, stiffness: float = 1.0
) -> tuple[LowRank, torch.Tensor]:
    """A crystal from what the projection reads to the residual stream, and what it leaves to be pulled.

    A full step overshoots, as the curvature is another one where it matters; the crystal takes a part of it, its scale.
    That part does what there is to do, so the whole step counts as done.
    """
    features, rank = state[1].flatten(0, 1), curvature.shape[0]
    damping, ridge, scale, share = (float(rng.choice(values)) for values in (DAMPING, RIDGE, SCALES, RANKS))
    solution, moment, metric = ridge_solution(features, pull, curvature, damping, stiffness * ridge)
    U, V = quantised(solution, moment, metric, max(1, round(share * rank)))
    crystal = LowRank(torch.from_numpy(basis(state[0].shape[-1]))[CONTENT:].T @ U, V, scale)
    return crystal, pull - _content(crystal.apply(features)) @ curvature / scale


def _decomposed(matrix: torch.Tensor, left: torch.Tensor, right: torch.Tensor) -> Sequence[torch.Tensor]:
    """SVD ``u``, ``s``, ``vt`` of a matrix seen in two metrics, and the lower Cholesky factors of both."""
    a, c = torch.linalg.cholesky(left), torch.linalg.cholesky(right)
    return (*torch.linalg.svd(a.T @ matrix @ c, full_matrices=False), a, c)


def _content(x: torch.Tensor) -> torch.Tensor:
    return x.reshape(-1, x.shape[-1]) @ torch.from_numpy(basis(x.shape[-1]))[CONTENT:].T


def _rounded(factor: torch.Tensor) -> torch.Tensor:
    step = factor.abs().amax(0).clamp(min=torch.finfo(torch.float32).tiny) / LEVELS
    return (factor / step).round() * step
