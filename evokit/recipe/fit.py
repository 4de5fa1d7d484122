"""Which components fit together, from what their options classes declare; nothing is built."""

from __future__ import annotations

from collections.abc import Iterable

from evokit.common.names import listed
from evokit.components.declared import declared, declared_names
from evokit.components.registry import Registry
from evokit.interfaces import Component, Kind

DEFAULT_SELECTION = "tournament"
OWN = "own"  # gene kind of a genome that brings its operators, and the name of those operators


def genes_of(genome: Component) -> str:
    """The kind of genes that a genome has; one that does not say brings its own operators."""
    return str(declared(genome, "genes") or OWN)


def brings_operators(genome: Component) -> bool:
    """Whether a recipe that names no operators means the genome's own."""
    return genes_of(genome) == OWN or bool(declared(genome, "own_operators"))


def reads(search: Component) -> frozenset[str]:
    """The sections that a search reads, of selection, crossover, mutation, screens and init."""
    return declared_names(search, "reads") or frozenset()


def read_by(searches: Iterable[Component | None]) -> frozenset[str]:
    """The sections that one or more of several searches read."""
    return frozenset[str]().union(*(reads(search) for search in searches if search))


def phenotype_misfit(fitness: Component, genome: Component, registry: Registry) -> str:
    """Why this fitness cannot measure this genome; empty if it can, or if one of them does not say."""
    takes = declared_names(fitness, "takes")
    phenotype = declared(genome, "phenotype")
    if takes is None or phenotype is None or phenotype in takes:
        return ""
    fitting = [c.name for c in registry.components("genome") if declared(c, "phenotype") in takes]
    return (
        f"genome {genome.name!r} expresses {phenotype}, fitness {fitness.name!r} takes {listed(takes)} "
        f"(genomes that fit: {listed(fitting)})"
    )


def genes_misfit(component: Component, genome: Component, registry: Registry, fits: str = "") -> str:
    """Why an operator, surrogate, screen, search or baseline cannot work on this genome; empty if it can.

    ``fits`` is the fitness whose own components are named among those that fit.
    """
    if _works_on(component, genome):
        return ""
    that_fit = f"(those that fit: {listed(fitting(component.kind, genome, registry, fits))})"
    if not _genes(component):
        return (
            f"{component.kind} {component.name!r} does not name the genes that it works on, and genome {genome.name!r} "
            f"is for those that name {genes_of(genome)} {that_fit}"
        )
    return (
        f"{component.kind} {component.name!r} works on genes of kind {listed(_genes(component))}, "
        f"genome {genome.name!r} has {genes_of(genome)} {that_fit}"
    )


def fitting(kind: Kind, genome: Component, registry: Registry, fits: str = "") -> list[str]:
    """Names of the components of a kind that work on a genome."""
    return [component.name for component in registry.components(kind, fits) if _works_on(component, genome)]


def _genes(component: Component) -> frozenset[str]:
    """The kinds of genes that a component works on; none declared means any."""
    return declared_names(component, "genes") or frozenset()


def _works_on(component: Component, genome: Component) -> bool:
    """Declared or, where nothing is declared, any; what belongs to a fitness knows the genomes that express for it."""
    declared = _genes(component)
    if declared or component.fits:
        return not declared or genes_of(genome) in declared
    return not getattr(genome.options_class, "only_declared", False)
