from dataclasses import dataclass
from typing import ClassVar

from evokit.interfaces import Component
from evokit.recipe.fit import fitting, genes_misfit, genes_of, phenotype_misfit, reads


@dataclass(frozen=True)
class Silent:
    """Declares nothing."""


@dataclass(frozen=True)
class AnyGenes:
    genes: ClassVar[frozenset[str]] = frozenset()


def test_a_genome_that_names_no_genes_brings_its_own(registry):
    assert genes_of(registry.find("genome", "tours")) == "own"
    assert genes_of(registry.find("genome", "bits")) == "bits"


def test_an_operator_that_names_no_genes_works_on_any(registry):
    genome = registry.find("genome", "tours")
    for options in (Silent, AnyGenes):
        assert genes_misfit(Component("mutation", "any", options), genome, registry) == ""


def test_fitting_are_those_that_work_on_the_genome(registry):
    assert fitting("mutation", registry.find("genome", "bits"), registry) == ["flip", "own"]
    assert fitting("mutation", registry.find("genome", "tours"), registry) == ["own"]


def test_a_pair_in_which_one_says_nothing_is_left_to_the_run(registry):
    bits = registry.find("genome", "bits")
    assert phenotype_misfit(Component("fitness", "silent", Silent), bits, registry) == ""
    assert phenotype_misfit(registry.find("fitness", "onemax"), Component("genome", "silent", Silent), registry) == ""


def test_a_search_reads_nothing_unless_it_says_so(registry):
    assert reads(registry.find("search", "random_search")) == frozenset()
    assert "screens" in reads(registry.find("search", "generational"))


def test_a_genome_may_be_for_those_alone_that_name_its_genes(registry):
    @dataclass(frozen=True)
    class Jobs:
        genes: ClassVar[str] = "jobs"
        only_declared: ClassVar[bool] = True

    @dataclass(frozen=True)
    class NamesThem:
        genes: ClassVar[frozenset[str]] = frozenset({"jobs"})

    genome = Component("genome", "jobs", Jobs)
    assert "for those that name jobs" in genes_misfit(Component("search", "any", Silent), genome, registry)
    assert genes_misfit(Component("search", "named", NamesThem), genome, registry) == ""
    assert genes_misfit(Component("baseline", "of_the_fitness", Silent, fits="loss"), genome, registry) == ""
