"""Continuous parts in closed form: what the bigrams of the training split say, as a GPT-2.

With every projection zero, the model is the bigram model of the factors. Its layer norms cost it nothing: the residual
stream has a constant part, the anchor, so large that the norm of the whole hardly depends on the rest; each norm's gain
takes the common divisor back, and the last one leaves the anchor as it is, along which the head reads its bias.
"""

from __future__ import annotations

import logging
import math
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import Any

import numpy as np
import torch

from evokit.common.keys import array_key, digest
from evokit.data.cache import prepared
from evokit.data.text import Blocks, Documents, full_blocks
from evokit.energy import Cost, Meter
from evokit.errors import UserError
from evokit.streams import Streams
from evokit_crystalline.closed_form.basis import ANCHOR, CODES, CONTENT, basis, position_codes
from evokit_crystalline.closed_form.bigrams import Bigrams, count_bigrams
from evokit_crystalline.closed_form.checked import Checks, checked_sweeps
from evokit_crystalline.closed_form.factors import (
    Factors,
    carried,
    newton_contexts,
    newton_words,
    svd_factors,
    unigram_factors,
)
from evokit_crystalline.gpt2.options import Continuous
from evokit_crystalline.gpt2.sizes import EMBEDDING, HEAD, LAYER_NORMS, POSITIONS, Sizes

logger = logging.getLogger("evokit")

ANCHOR_SIZE = 2000.0
"""Large against the content (norms up to about 50), small enough that float32 keeps the content to 1e-4."""
EDITION = 3  # of the code that fits; part of the cache's key
TAUGHT = "taught."
"""Before the names, in the cache, of the parts that crystals are fitted beside, where those are others."""


@dataclass(frozen=True, eq=False)
class Fitted:
    """Continuous parts and what it cost to fit them, when that was done.

    Args:
        parts: Of the model.
        taught: What crystals are fitted beside, which has not counted their lessons; the same where nothing does.
        cost: Of both.
    """

    parts: dict[str, torch.Tensor]
    taught: dict[str, torch.Tensor]
    cost: Cost


def fitted_parts(
    options: Continuous,
    sizes: Sizes,
    train: Documents,
    block: int,
    threads: int,
    streams: Streams,
    meter: Meter,
    checks: Blocks | None = None,
    counted_last: Documents | None = None,
) -> Fitted:
    """Every tensor of ``sizes.continuous()``, fitted to the training split once, and then read from the user's cache.

    Args:
        options: Which fit, and its smoothing.
        sizes: Of an untied model.
        train: The training split.
        block: Tokens of a block; bigrams do not cross blocks' documents.
        threads: Torch threads, part of the result.
        streams: Of the SVD's start.
        meter: Measures what it costs.
        checks: Blocks of other training documents, for the options that are ``checked``.
        counted_last: Training documents, the lessons of crystals among them, that ``last_sweeps`` count.

    Raises:
        UserError: The head is tied, the model is too narrow, there are fewer training tokens than are to be counted, or
            none are left for the checks that the options ask for.
    """
    if sizes.tied:
        raise UserError("fitness gpt2_loss: continuous.fit needs a head of its own: add tied: false to model")
    if sizes.n_embd <= CONTENT:
        raise UserError(f"fitness gpt2_loss: continuous.fit needs n_embd above {CONTENT}, got {sizes.n_embd}")
    if options.checked and not checks:
        raise UserError(
            "fitness gpt2_loss: continuous.caps, continuous.more_sweeps and continuous.lessons need training tokens "
            "that are left out: there are too few training documents"
        )
    blocks = counted_blocks(train, block, options.fit_tokens)
    identity = {
        "edition": EDITION,
        "options": _said(options),
        "sizes": asdict(sizes),
        "train": train.digest,
        "block": block,
        "threads": threads,
        "stream": streams.at("svd").entropy(),
        "versions": [version(name) for name in ("numpy", "scipy", "torch")],
    }
    if options.checked and checks is not None:
        identity["checks"] = [array_key(tokens) for tokens in (checks.inputs, checks.targets)]
    if counted_last is not None:
        identity["counted_last"] = counted_last.digest

    def make() -> dict[str, np.ndarray]:
        bigrams = count_bigrams(blocks, sizes.vocab_size, options.discount)
        factors = fit_factors(options, bigrams, sizes.n_embd - CONTENT, streams, checks)
        made = bigram_parts(bigrams, factors, sizes)
        if counted_last is not None and checks is not None:
            logger.info("Closed form: sweeps that count the lessons of crystals as well")
            everything = count_bigrams(full_blocks(counted_last, block), sizes.vocab_size, options.discount)
            last = _further(options, everything, carried(factors, bigrams, everything), options.last_sweeps, checks)
            taught = {TAUGHT + name: part for name, part in made.items()}
            made = bigram_parts(everything, last, sizes) | taught
        return {name: part.numpy() for name, part in made.items()}

    arrays, cost = prepared(f"gpt2-parts-{digest(identity)}", make, meter)
    parts = {name: torch.from_numpy(arrays[name]) for name in sizes.continuous()}
    taught = {name: torch.from_numpy(arrays.get(TAUGHT + name, arrays[name])) for name in parts}
    return Fitted(parts, taught, cost)


def _said(options: Continuous) -> dict[str, Any]:
    """The options, without those that ask for nothing: fits from before there were these are still found."""
    said = asdict(options)
    if options.fit_tokens is None:
        del said["fit_tokens"]
    if not options.checked:
        for name in ("caps", "more_sweeps", "more_pseudo_counts"):
            del said[name]
    if not options.lessons:
        for name in ("lessons", "last_sweeps"):
            del said[name]
    return said


def counted_blocks(train: Documents, block: int, tokens: int | None) -> Blocks:
    """All blocks, or the first of an order that no seed changes, so that fewer tokens are a part of more."""
    blocks = full_blocks(train, block)
    if tokens is None:
        return blocks
    if not block <= tokens <= len(blocks) * block:
        raise UserError(
            f"fitness gpt2_loss: continuous.fit_tokens must be between a block of {block} and the "
            f"{len(blocks) * block} tokens in whole blocks that the fit may count, got {tokens}"
        )
    order = Streams(0).at("gpt2_loss", "counted").numpy().permutation(len(blocks))
    return blocks.take(np.sort(order[: tokens // block]))


def fit_factors(
    options: Continuous, bigrams: Bigrams, rank: int, streams: Streams, checks: Blocks | None = None
) -> Factors:
    """Factors of the bigrams as the recipe asks; ``checks`` are for what it asks to be ``checked``."""
    factors = _unchecked_factors(options, bigrams, rank, streams)
    if checks is None or not options.checked:
        return factors

    return _further(options, bigrams, factors, options.more_sweeps, checks)


def _further(options: Continuous, bigrams: Bigrams, factors: Factors, most: int, checks: Blocks) -> Factors:
    """The factors after as many more sweeps, ``most`` at most, as help on the checks."""

    def sweep(factors: Factors) -> Factors:
        return _sweep(options, bigrams, factors, options.more_pseudo_counts)

    return checked_sweeps(factors, sweep, most, options.caps, Checks.of(checks, bigrams))


def _unchecked_factors(options: Continuous, bigrams: Bigrams, rank: int, streams: Streams) -> Factors:
    if options.fit == "unigram":
        return unigram_factors(bigrams, rank)
    logger.info("Closed form: SVD of the log bigram ratio, %d contexts, rank %d", len(bigrams.backoff), rank)
    factors = svd_factors(bigrams, rank, streams)
    if options.fit == "bigram_svd":
        return factors
    logger.info("Closed form: Newton steps, sweeps of contexts and words: %d", options.sweeps)
    factors = newton_contexts(bigrams, factors, options.context_pseudo_counts)
    for _ in range(1, options.sweeps):
        factors = _sweep(options, bigrams, factors, options.context_pseudo_counts)
    return factors


def _sweep(options: Continuous, bigrams: Bigrams, factors: Factors, context_pseudo_counts: float) -> Factors:
    """A Newton step of the head, then one of the input embedding."""
    factors = newton_words(bigrams, factors, options.word_pseudo_counts)
    return newton_contexts(bigrams, factors, context_pseudo_counts)


def bigram_parts(bigrams: Bigrams, factors: Factors, sizes: Sizes) -> dict[str, torch.Tensor]:
    """The factors as the continuous parts of an untied GPT-2.

    Every token that training never read has the last context's embedding; every one that it never predicted has the
    last word's row, with an equal share of its probability.

    Args:
        bigrams: Say which token is which context and word.
        factors: Of rank ``n_embd - CONTENT``.
        sizes: Of the model.
    """
    directions = torch.from_numpy(basis(sizes.n_embd))
    anchor, content, codes = directions[ANCHOR], directions[CONTENT:], directions[CODES]
    gain = ANCHOR_SIZE / math.sqrt(sizes.n_embd)
    b = factors.b.clone()
    b[-1] -= math.log(max(bigrams.n_unseen, 1))
    words, contexts = (torch.from_numpy(of()) for of in (bigrams.word_of, bigrams.context_of))
    parts = {
        EMBEDDING: factors.E[contexts] @ content + ANCHOR_SIZE * anchor,
        POSITIONS: torch.from_numpy(position_codes(sizes.n_positions)) @ codes,
        HEAD: factors.H[words] @ content + (b[words] / ANCHOR_SIZE)[:, None] * anchor,
        "transformer.ln_f.weight": torch.full((sizes.n_embd,), gain),
        "transformer.ln_f.bias": torch.zeros(sizes.n_embd),
    }
    for layer in range(sizes.n_layer):
        for norm in LAYER_NORMS:
            # What projections read has no anchor: its constant would drown the content.
            parts[f"transformer.h.{layer}.{norm}.weight"] = torch.full((sizes.n_embd,), gain)
            parts[f"transformer.h.{layer}.{norm}.bias"] = -ANCHOR_SIZE * anchor
    for name, shape in sizes.continuous().items():
        if name not in parts:
            parts[name] = torch.zeros(shape)  # biases of the projections
    return {name: parts[name] for name in sizes.continuous()}
