"""The genomes of optimizers."""

from __future__ import annotations

from evokit.interfaces import Context
from evokit_optimizers.grouped_genome import GroupedRules
from evokit_optimizers.options import OptimizerGenome, OptimizerSpace
from evokit_optimizers.plain_genome import Rules
from evokit_optimizers.rated_genome import RatedRules
from evokit_optimizers.rule_space import RuleSpace


def build_genome(options: OptimizerGenome, context: Context) -> Rules:
    """The genome of a recipe, or of a subclass of its options; it needs nothing of the run."""
    if options.rate_only:
        return RatedRules(options)
    return GroupedRules(options) if options.groups else Rules(options)


def build_space(options: OptimizerSpace, context: Context) -> RuleSpace:
    """The same rules as a space."""
    return RuleSpace(build_genome(options, context))
