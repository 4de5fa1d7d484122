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
from evokit_crystalline.closed_form.basis import CONTENT, basis
from evokit_crystalline.closed_form.responses import Responses, ridge_solution
from evokit_crystalline.crystals.matrices import Dense, LowRank, StructuredMatrix, Zero
from evokit_crystalline.gpt2 import model
from evokit_crystalline.gpt2.measuring import Frame
from evokit_crystalline.gpt2.model import State
from evokit_crystalline.gpt2.sizes import PROJECTIONS, Sizes
from evokit_crystalline.learned.attention import AttentionPattern, attention, attention_weights
from evokit_crystalline.learned.quantised import decomposed, quantised, rounded

PATTERNS = (
    *(AttentionPattern(back) for back in (1, 1, 2, 3)),
    *(AttentionPattern(width=width) for width in (2.0, 4.0, 6.0, 13.0, np.inf)),
)
"""Of which the heads of a block draw, each at most once; the previous token is there twice."""
READ_RIDGE, READ_DAMPING = 1.0, 0.3  # of the regressions whose directions heads read
DAMPING, RIDGE, SCALES = (0.3, 1.0), (0.3, 1.0, 3.0), (0.4, 0.6)
RANKS = (1 / 4, 1 / 2, 1)  # of the width
SUBSET = 0.4  # of the blocks, for each set
MLP_RIDGE = 10.0  # times the ridge of attention: four times the features, and most of them say what the token is

NamedCrystals = Mapping[str, StructuredMatrix]  # name of a projection within its block -> matrix


def learn_crystal_sets(frame: Frame, responses: Responses, n_sets: int, streams: Streams) -> list[NamedCrystals]:
    """Sets of four crystals, for one block of the model each; set ``i`` is the same however many there are.

    An even set is fitted as the first block of the model, an odd one to what its predecessor's attention leaves to be
    done.
    """
    sets: list[NamedCrystals] = []
    for i in range(n_sets):
        before = sets[-1] if i % 2 and frame.sizes.n_layer > 1 else None
        sets.append(_learn(frame, responses, before, streams.at("learned", i).numpy()))
    return sets


def _learn(frame: Frame, responses: Responses, before: NamedCrystals | None, rng: np.random.Generator) -> NamedCrystals:
    sizes, n_blocks = frame.sizes, len(responses.tokens)
    subset = torch.from_numpy(np.sort(rng.choice(n_blocks, max(1, round(SUBSET * n_blocks)), replace=False)))
    pull, first = responses.pull[subset].flatten(0, 1), 0
    with torch.no_grad():
        state = model.start(frame.parts, sizes, responses.tokens[subset])
        if before is not None:
            start, first = state[0], len(PROJECTIONS)
            mixed = before["attn.c_proj"]
            assert isinstance(mixed, LowRank)
            off = (Zero((sizes.n_embd, sizes.inner)), Zero((sizes.inner, sizes.n_embd)))
            for stage, crystal in enumerate((before["attn.c_attn"], mixed, *off)):
                state = model.advance(frame.parts, sizes, stage, crystal, state)
            pull = pull - _content(state[0] - start) @ responses.curvature / mixed.scale
        learned: dict[str, StructuredMatrix] = {"attn.c_attn": _attention(sizes, state, pull, responses.curvature, rng)}
        state = model.advance(frame.parts, sizes, first, learned["attn.c_attn"], state)
        learned["attn.c_proj"], pull = _fit(state, pull, responses.curvature, rng)
        state = model.advance(frame.parts, sizes, first + 1, learned["attn.c_proj"], state)
        typical = state[1].square().sum(-1).mean().sqrt().item()
        features = rng.standard_normal((sizes.n_embd, sizes.inner)) * (rng.choice([1.0, 2.0]) / typical)
        learned["mlp.c_fc"] = Dense(features.astype(np.float32))
        state = model.advance(frame.parts, sizes, first + 2, learned["mlp.c_fc"], state)
        learned["mlp.c_proj"], _ = _fit(state, pull, responses.curvature, rng, MLP_RIDGE)
    return learned


def _attention(
    sizes: Sizes, state: State, pull: torch.Tensor, curvature: torch.Tensor, rng: np.random.Generator
) -> Dense:
    drawn = rng.choice(len(PATTERNS), sizes.n_head, replace=sizes.n_head > len(PATTERNS))
    return reading_attention(sizes, [PATTERNS[i] for i in drawn], state, pull, curvature)


def reading_attention(
    sizes: Sizes, patterns: Sequence[AttentionPattern], state: State, pull: torch.Tensor, curvature: torch.Tensor
) -> Dense:
    """``c_attn`` with heads of the patterns that read the directions there that say most about the responses.

    Args:
        sizes: Of the model.
        patterns: One per head.
        state: Before the projection.
        pull: ``(n, rank)``, a row for each token of the state.
        curvature: ``(rank, rank)``.
    """
    width = sizes.n_embd // sizes.n_head
    content = _content(state[1]).view(*state[1].shape[:2], -1)
    read: dict[AttentionPattern, torch.Tensor] = {}
    for pattern in dict.fromkeys(patterns):
        seen = attention_weights(pattern, sizes.n_positions, content.shape[1]) @ content
        read[pattern] = _directions(seen.flatten(0, 1), pull, curvature)
    values, taken = [], dict.fromkeys(patterns, 0)
    for pattern in patterns:  # a second head with the same pattern reads what the first has no room for
        values.append(read[pattern][:, taken[pattern] : taken[pattern] + width].numpy())
        taken[pattern] += width
    return attention(sizes, patterns, values)


def _directions(features: torch.Tensor, pull: torch.Tensor, curvature: torch.Tensor) -> torch.Tensor:
    """``(n, rank)`` directions of features in the order of what they explain, of unit mean square and then rounded."""
    solution, moment, metric = ridge_solution(features, pull, curvature, READ_DAMPING, READ_RIDGE)
    u, _, _, a, _ = decomposed(solution, moment, metric)
    V = torch.linalg.solve_triangular(a.T, u, upper=True)
    return rounded(V / (features @ V).square().mean(0).sqrt())


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


def _content(x: torch.Tensor) -> torch.Tensor:
    return x.reshape(-1, x.shape[-1]) @ torch.from_numpy(basis(x.shape[-1]))[CONTENT:].T
