"""The continuous parts of a GPT-2: embeddings, layer norms and biases; and the dense start of a trained one."""

from __future__ import annotations

import math
from dataclasses import replace

import torch

from evokit.errors import UserError
from evokit.streams import Streams
from evokit_crystalline.gpt2.options import Continuous
from evokit_crystalline.gpt2.sizes import EMBEDDING, HEAD, POSITIONS, Sizes

INIT_STD = 0.02
"""``initializer_range`` of ``transformers.GPT2Config``."""


def continuous_parts(options: Continuous, sizes: Sizes, streams: Streams) -> dict[str, torch.Tensor]:
    """Every tensor of ``sizes.continuous()``, float32, as the recipe asks."""
    if options.source is None:
        return random_parts(sizes, streams)
    return pretrained_parts(options.source, sizes)


def random_parts(sizes: Sizes, streams: Streams) -> dict[str, torch.Tensor]:
    """What transformers starts a GPT-2 from: embeddings N(0, 0.02), layer norms the identity, biases zero."""
    parts = {}
    for name, shape in sizes.continuous().items():
        if name in (EMBEDDING, POSITIONS, HEAD):
            parts[name] = _normal(shape, INIT_STD, streams.at(name))
        else:
            parts[name] = torch.ones(shape) if name.endswith("weight") else torch.zeros(shape)
    return parts


def random_matrices(sizes: Sizes, streams: Streams) -> dict[str, torch.Tensor]:
    """Dense starts of the projections under their state-dict names.

    N(0, 0.02), and for those that write to the residual stream N(0, 0.02 / sqrt(2 n_layer)).

    Source: Radford et al. 2019, "Language Models are Unsupervised Multitask Learners", section 2.3.
    """
    matrices = {}
    for slot, shape in sizes.slots().items():
        std = INIT_STD / math.sqrt(2 * sizes.n_layer) if slot.endswith("c_proj") else INIT_STD
        matrices[f"{slot}.weight"] = _normal(shape, std, streams.at(slot))
    return matrices


def pretrained_parts(source: str, sizes: Sizes) -> dict[str, torch.Tensor]:
    """Continuous parts of a saved GPT-2; of more positions than ``sizes`` has, the first ones.

    Args:
        source: A directory, or a name on the hub, which ``transformers`` then downloads.
        sizes: What the recipe says.

    Raises:
        UserError: The model cannot be had, or its sizes are not the recipe's.
    """
    from transformers import GPT2LMHeadModel

    try:
        # Only safetensors: files of the older kind are pickles.
        model, report = GPT2LMHeadModel.from_pretrained(
            source, dtype=torch.float32, output_loading_info=True, use_safetensors=True
        )
        found = Sizes.from_config(model.config)
    except (OSError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"continuous parts: {source} is no GPT-2 that transformers can load: {reason}") from error
    # transformers fills what a file lacks with random numbers and only warns.
    if missing := sorted(set(report["missing_keys"]) & sizes.continuous().keys()):
        raise UserError(f"continuous parts: the model {source} lacks {', '.join(missing)}")
    if _comparable(found) != _comparable(sizes) or found.n_positions < sizes.n_positions:
        raise UserError(f"the sizes of the model {source} are not the recipe's: {found}")
    tensors = model.state_dict()
    parts = {name: tensors[name].detach().clone() for name in sizes.continuous()}
    return parts | {POSITIONS: parts[POSITIONS][: sizes.n_positions].clone()}


def _comparable(sizes: Sizes) -> Sizes:
    return replace(sizes, n_positions=1, n_inner=sizes.inner)


def _normal(shape: tuple[int, ...], std: float, streams: Streams) -> torch.Tensor:
    return torch.empty(shape).normal_(std=std, generator=streams.torch())
