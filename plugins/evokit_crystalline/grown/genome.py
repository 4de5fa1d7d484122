"""The genome whose genes say how each crystal is made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from evokit.errors import UserError
from evokit.genomes.space.genome import Genes, SpaceGenome
from evokit.genomes.space.layout import layout_of
from evokit.genomes.space.parameters import Choice
from evokit.interfaces import Context
from evokit_crystalline.fitness import Gpt2Fitness
from evokit_crystalline.gpt2.sizes import Sizes
from evokit_crystalline.grown.growth import Growth, Layers, Place
from evokit_crystalline.grown.patterns import PATTERNS
from evokit_crystalline.grown.store import Fits
from evokit_crystalline.options import Grown, GrownSeed

ON, HEADS = "on", "heads"
RANKS = (1 / 8, 1 / 4, 1 / 2, 1)  # shares of the content's directions
RIDGES = (0.1, 0.3, 1, 3, 10, 30)
DAMPINGS = (0.1, 0.3, 1)
STEPS = (0.3, 0.5, 0.7, 1)
SCALES = (0.5, 1, 1.5, 2, 3)  # of what random features read
BLOCKS = (2, 4, 8)
RANKED = ("low_rank", "ternary")  # structures

Names = Mapping[str, int]  # of places, in the order in which they are fitted; to the number of the sublayer


class GrownGenome(SpaceGenome):
    """Genes are those of a space, a group for each place; the phenotype are the fitted ``layers``.

    Args:
        sizes: Of the model.
        growth: Fits the crystals.
        seeds: Names of individuals to begin with.
    """

    phenotype: ClassVar[str] = Grown.phenotype

    def __init__(self, sizes: Sizes, growth: Growth, seeds: Sequence[GrownSeed] = ("off", "hand")) -> None:
        self._names, self._n_head, self._seeds, self.growth = places_of(sizes), sizes.n_head, seeds, growth
        super().__init__(layout_of({name: _parameters(number, sizes) for name, number in self._names.items()}))

    def canonical(self, genes: Genes) -> Genes:
        """The same without what places need that are off, heads in the order of what they may look at."""
        kept = list(super().canonical(genes))
        for place, leaf in enumerate(self.leaves):
            if leaf.path[-1] == HEADS and kept[place] is not None:
                kept[place] = tuple(sorted(kept[place]))
        return tuple(kept)

    def express(self, genes: Genes) -> Layers:
        """The layers; fitting them takes seconds a place."""
        told = super().express(genes)
        return self.growth.grow([Place(number, told[name]) for name, number in self._names.items() if told[name][ON]])

    def seeds(self) -> list[Genes]:
        """All places off, which is the closed form alone; all on, as a trial by hand had them; or which of these."""
        return [self.from_json(self._alike(seed == "hand")) for seed in self._seeds]

    def _alike(self, on: bool) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, number in self._names.items():
            found[name] = {ON: on}
            if on:
                found[name] |= {"structure": "low_rank", "rank": 1, "ridge": 1, "damping": 0.3, "step": 1}
                found[name] |= {"scale": 1, "ridge": 3} if number % 2 else {HEADS: self._heads(number)}
        return found

    def _heads(self, number: int) -> list[str]:
        names = ("back_1", "window_4", "window_16", "all") if not number else ("back_1", "back_2", "back_3", "window_2")
        chosen = [names[head % len(names)] for head in range(self._n_head)]
        return sorted(chosen, key=list(PATTERNS).index)


def places_of(sizes: Sizes) -> Names:
    """Attentions from input to output, then MLPs from output to input.

    >>> places_of(Sizes(n_layer=2))
    {'attention_0': 0, 'attention_1': 2, 'mlp_1': 3, 'mlp_0': 1}
    """
    blocks = range(sizes.n_layer)
    return {f"attention_{i}": 2 * i for i in blocks} | {f"mlp_{i}": 2 * i + 1 for i in reversed(blocks)}


def build_genome(options: Grown, context: Context) -> GrownGenome:
    """The genome over the training blocks that the fitness leaves to crystals.

    Raises:
        UserError: The fitness is another one, its continuous parts are not fitted, or it leaves too few blocks.
    """
    fitness = context.fitness
    if not isinstance(fitness, Gpt2Fitness):
        raise UserError("genome grown: fits crystals to what gpt2_loss asks for: name that fitness")
    blocks, length = fitness.crystal_blocks("genome grown:"), fitness.options.block
    n_checked = max(1, options.checked_tokens // length)
    n_fitted = max(1, len(blocks) - n_checked if options.fit_tokens is None else options.fit_tokens // length)
    if n_checked + n_fitted > len(blocks):
        raise UserError(
            f"genome grown: the closed form leaves {len(blocks)} blocks of {length} tokens to crystals, too few for"
            f" {n_checked} that check fits (checked_tokens) and {n_fitted} that they are fitted to (fit_tokens)"
        )
    fits = Fits(None if context.directory is None else context.directory / "artifacts" / "grown")
    growth = Growth(
        fitness.taught,
        blocks.take(slice(n_checked, n_checked + n_fitted)),
        blocks.take(slice(n_checked)),
        options.predicted_tokens,
        fitness.context,
        fitness.threads,
        fits,
    )
    return GrownGenome(fitness.options.model, growth, options.seeds)


def _parameters(number: int, sizes: Sizes) -> dict[str, Any]:
    """Of a place. All have an order but structures and what heads look at, so that local searches take small steps."""
    on = {ON: True}
    own = (
        {"scale": Choice(SCALES, ordered=True, when=on)}
        if number % 2
        else {HEADS: Choice(list(PATTERNS), length=sizes.n_head, when=on)}
    )
    return {
        ON: Choice((False, True)),
        **own,
        "structure": Choice((*RANKED, "block_diagonal"), when=on),
        "rank": Choice(RANKS, ordered=True, when={"structure": list(RANKED)}),
        "blocks": Choice(BLOCKS, ordered=True, when={"structure": "block_diagonal"}),
        "ridge": Choice(RIDGES, ordered=True, when=on),
        "damping": Choice(DAMPINGS, ordered=True, when=on),
        "step": Choice(STEPS, ordered=True, when=on),
    }
