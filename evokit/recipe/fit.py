"""Which components fit together, from what their options classes declare; nothing is built."""

from __future__ import annotations

from collections.abc import Iterable

from evokit.interfaces import Component, Kind
from evokit.plugins import Registry

OWN = "own"  # gene kind of a genome that brings its operators, and the name of those operators


def listed(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "none"


def genes_of(genome: Component) -> str:
    """The kind of genes that a genome has; one that does not say brings its own operators."""
    return str(getattr(genome.options, "genes", OWN))


def reads(search: Component) -> frozenset[str]:
    """The sections that a search reads, of selection, crossover, mutation, screens and init."""
    return frozenset(getattr(search.options, "reads", ()))


def phenotype_misfit(fitness: Component, genome: Component, registry: Registry) -> str:
    """Why this fitness cannot measure this genome; empty if it can, or if one of them does not say."""
    takes = getattr(fitness.options, "takes", None)
    phenotype = getattr(genome.options, "phenotype", None)
    if takes is None or phenotype is None or phenotype in takes:
        return ""
    fitting = [c.name for c in registry.components("genome") if getattr(c.options, "phenotype", None) in takes]
    return (
        f"genome {genome.name!r} expresses {phenotype}, fitness {fitness.name!r} takes {listed(takes)} "
        f"(genomes that fit: {listed(fitting)})"
    )


def genes_misfit(component: Component, genome: Component, registry: Registry) -> str:
    """Why an operator, surrogate, screen, search or baseline cannot work on this genome; empty if it can."""
    genes = genes_of(genome)
    if _works_on(component, genes):
        return ""
    return (
        f"{component.kind} {component.name!r} works on genes of kind {listed(_genes(component))}, "
        f"genome {genome.name!r} has {genes} "
        f"(those that fit: {listed(fitting(component.kind, genome, registry, component.fits))})"
    )


def fitting(kind: Kind, genome: Component, registry: Registry, fits: str = "") -> list[str]:
    """Names of the components of a kind that work on a genome."""
    genes = genes_of(genome)
    return [component.name for component in registry.components(kind, fits) if _works_on(component, genes)]


def _genes(component: Component) -> frozenset[str]:
    """The kinds of genes that a component works on; none declared means any."""
    return frozenset(getattr(component.options, "genes", ()))


def _works_on(component: Component, genes: str) -> bool:
    declared = _genes(component)
    return not declared or genes in declared
