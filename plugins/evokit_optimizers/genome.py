"""The optimizer genome."""

from __future__ import annotations

from evokit.interfaces import Context
from evokit_optimizers.grouped_genome import GroupedRules
from evokit_optimizers.options import OptimizerGenome
from evokit_optimizers.plain_genome import Rules


def build_genome(options: OptimizerGenome, context: Context) -> Rules:
    """The genome of a recipe, or of a subclass of its options; it needs nothing of the run."""
    return GroupedRules(options) if options.groups else Rules(options)
