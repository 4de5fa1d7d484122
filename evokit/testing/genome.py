"""The contract of a genome."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np

from evokit.contracts.blame import ContractError, culprit, raised, wrote_to_readonly
from evokit.contracts.global_generators import global_states
from evokit.contracts.members import refuse_misfit
from evokit.genomes.individuals import canonical, key_of
from evokit.interfaces import Component, Context
from evokit.plugins import load_plugins
from evokit.streams import Streams
from evokit.testing.rules import ANSWERS, Broken, Finding, Rule, refuse_broken
from evokit.testing.setting import checked_options

N_SAMPLES = 16


def genome_conformance(
    genome: str | object, /, *, slots: Mapping[str, Any] | None = None, **options: Any
) -> Callable[[], None]:
    """A test that pytest collects: ``test_tours = genome_conformance("tours", n_cities=8)``.

    It finds the genome as a recipe does, builds it, and checks what a run relies on: same stream, same genes;
    parents unchanged; one key per individual; genes survive JSON; children are genes; every individual can be
    expressed and encoded; no global generator is touched.

    Args:
        genome: Name under which a plugin offers it, or an instance of its options.
        slots: What the fitness would publish, for a genome that asks for it in ``build``.
        options: As in a recipe.

    Returns:
        A function without arguments. It raises ``AssertionError`` that names the first broken rule, which explains the
        others, with the method, its file and line, and the remedy; and ``ValueError`` for options that a recipe would
        be refused for.
    """

    def test_genome() -> None:
        check_genome(*_found(genome, options), slots or {})

    return test_genome


def check_genome(component: Component, options: Any, slots: Mapping[str, Any]) -> None:
    """What the test does, of a component and its options.

    Raises:
        AssertionError: As above.
    """
    case = _case(component, options, slots)
    refuse_broken(case, RULES, case.genome.genome)


@dataclass(frozen=True)
class _Asked:
    """A genome whose methods say which of them raised."""

    genome: Any

    def __getattr__(self, name: str) -> Any:
        value = getattr(self.genome, name)
        if not callable(value):
            return value

        def ask(*arguments: Any) -> Any:
            try:
                return value(*arguments)
            except (Exception, SystemExit) as error:
                rule = UNCHANGED if wrote_to_readonly(error) else ANSWERS if name in MADE_OF_GENES else ""
                raise Broken(rule, name, f"raised {raised(error, self.genome)}") from error

        return ask


@dataclass(frozen=True)
class _Case:
    genome: Any  # asked
    declared: str  # phenotype that the options promise; a recipe is checked against it before anything is built

    def rng(self, *names: str | int) -> np.random.Generator:
        return Streams(0).at("conformance", *names).numpy()

    def samples(self) -> list[Any]:
        """Genes as a run holds them: canonical, arrays read-only."""
        return [canonical(self.genome, self.made("random", self.rng("random", i))) for i in range(N_SAMPLES)]

    def made(self, method: str, *arguments: Any) -> Any:
        """The genes that a method makes."""
        genes = getattr(self.genome, method)(*arguments)
        if genes is None:
            raise Broken(ANSWERS, method, "returned nothing")
        return genes

    def children(self, a: Any, b: Any, rng: np.random.Generator) -> Sequence[Any]:
        children = self.made("crossover", a, b, rng)
        if not isinstance(children, tuple | list) or len(children) != 2:
            count = len(children) if isinstance(children, tuple | list) else type(children).__name__
            raise Broken(CHILDREN, "crossover", f"returned {count} genes instead of two")
        return children

    def pairs(self) -> Iterator[tuple[Any, Any]]:
        samples = self.samples()
        return zip(samples, samples[1:] + samples[:1], strict=True)

    def offspring(self) -> Iterator[tuple[str, Any]]:
        """Both children of each pair and a mutant, as a search makes them, each with the method that made it."""
        for i, (a, b) in enumerate(self.pairs()):
            yield from (("crossover", child) for child in self.children(a, b, self.rng("crossover", i)))
            yield "mutate", self.made("mutate", a, self.rng("mutation", i))

    def all(self) -> list[Any]:
        return [*self.samples(), *(genes for _, genes in self.offspring())]

    def text(self, genes: Any) -> str:
        data = self.genome.to_json(genes)
        try:
            return json.dumps(data, sort_keys=True, allow_nan=False)
        except (TypeError, ValueError, RecursionError) as error:
            raise Broken(SURVIVES, "to_json", f"returned what JSON cannot hold: {error}") from error

    def reread(self, genes: Any) -> Any:
        return self.genome.from_json(json.loads(self.text(genes)))


def _case(component: Component, genome: Any, slots: Mapping[str, Any]) -> _Case:
    declared = str(getattr(genome, "phenotype", ""))
    fitness = SimpleNamespace(
        objectives={"value": "min"}, budgets=(1,), context="", takes=frozenset({declared}), slots=slots
    )
    make = component.maker(genome)
    built = genome if make is None else make(Context(Streams(0), fitness=fitness))
    if built is None:
        raise AssertionError(f"{culprit(make)} returned nothing; return the genome")
    try:
        refuse_misfit("genome", built)
    except ContractError as error:
        raise AssertionError(str(error)) from error
    return _Case(_Asked(built), declared)


def _found(genome: str | object, options: Mapping[str, Any]) -> tuple[Component, Any]:
    """A genome's component and its options; those beside a name are checked as a recipe's."""
    if isinstance(genome, str):
        registry = load_plugins()
        component = registry.find("genome", genome)
        return component, checked_options(registry, component, options)
    if options:
        raise TypeError(f"options belong to a genome's name; this is an instance: {genome!r}")
    return Component("genome", "", type(genome)), genome


def _answers(case: _Case) -> Finding | None:
    for genes in case.all():
        case.genome.express(canonical(case.genome, genes))
    return None


def _same_stream(case: _Case) -> Finding | None:
    genome = case.genome
    a, b = next(case.pairs())
    makers: dict[str, Callable[[np.random.Generator], Sequence[Any]]] = {
        "random": lambda rng: [genome.random(rng)],
        "crossover": lambda rng: case.children(a, b, rng),
        "mutate": lambda rng: [genome.mutate(a, rng)],
    }
    for name, make in makers.items():
        for i in range(N_SAMPLES):
            first, second = ([key_of(genome, genes) for genes in make(case.rng(name, i))] for _ in range(2))
            if first != second:
                return name, "made different genes from two generators in the same state"
    return None


def _unchanged(case: _Case) -> Finding | None:
    genome = case.genome
    uses: dict[str, Callable[[Any, Any, np.random.Generator], Any]] = {
        "crossover": lambda a, b, rng: genome.crossover(a, b, rng),
        "mutate": lambda a, _, rng: genome.mutate(a, rng),
        "express": lambda a, _, __: genome.express(a),
    }
    for name, use in uses.items():
        for i, (a, b) in enumerate(case.pairs()):
            before = case.text(a), case.text(b)
            use(a, b, case.rng(name, i))
            if (case.text(a), case.text(b)) != before:
                return name, "changed the genes that it was given"
    return None


def _one_form(case: _Case) -> Finding | None:
    for genes in case.all():
        once = canonical(case.genome, genes)
        if case.text(once) != case.text(canonical(case.genome, once)):
            return "canonical", f"changes what is canonical already: {case.text(once):.80}"
    return None


def _survives(case: _Case) -> Finding | None:
    for genes in case.samples():
        if key_of(case.genome, case.reread(genes)) != key_of(case.genome, genes):
            return "from_json", f"of to_json(genes) has another key: {case.text(genes):.80}"
    return None


def _children(case: _Case) -> Finding | None:
    for method, genes in case.offspring():
        try:
            if key_of(case.genome, case.reread(genes)) != key_of(case.genome, genes):
                return method, f"made genes that do not survive JSON: {case.text(genes):.80}"
        except Broken as broken:
            return method, f"made genes of which {broken.method} {broken.did}"
    return None


def _expressed(case: _Case) -> Finding | None:
    phenotype = case.genome.phenotype
    if not phenotype or phenotype != case.declared:
        return "phenotype", f"is {phenotype!r} of the genome that is built, and {case.declared!r} of its options"
    for genes in case.all():
        if case.genome.express(canonical(case.genome, genes)) is None:
            return "express", f"returned None for {case.text(genes):.80}"
    return None


def _encoded(case: _Case) -> Finding | None:
    if not hasattr(case.genome, "encode"):
        return None
    individuals = [canonical(case.genome, genes) for genes in case.all()]
    encodings = [np.asarray(case.genome.encode(genes)) for genes in individuals]
    kinds = sorted({f"{encoding.dtype} {encoding.shape}" for encoding in encodings})
    if len(kinds) > 1 or encodings[0].dtype != np.float32 or encodings[0].ndim != 1:
        return "encode", f"returned {', '.join(kinds)}"
    if not all(np.isfinite(encoding).all() for encoding in encodings):
        return "encode", "returned a number that is not finite"
    return None


def _extras(case: _Case) -> Finding | None:
    genome = case.genome
    known = genome.seeds() if hasattr(genome, "seeds") else []
    for i, genes in enumerate(known):
        try:
            survives = key_of(genome, case.reread(genes)) == key_of(genome, genes)
        except Broken as broken:
            return "seeds", f"returned genes of which {broken.method} {broken.did}"
        if not survives:
            return "seeds", f"returned genes that do not survive JSON: number {i}"
    shown = genome.show(case.samples()[0]) if hasattr(genome, "show") else ""
    return None if isinstance(shown, str) else ("show", f"returned {type(shown).__name__}")


def _no_globals(case: _Case) -> Finding | None:
    a, b = next(case.pairs())
    uses: dict[str, Callable[[np.random.Generator], Any]] = {
        "random": lambda rng: case.genome.random(rng),
        "crossover": lambda rng: case.genome.crossover(a, b, rng),
        "mutate": lambda rng: case.genome.mutate(a, rng),
        "express": lambda _: case.genome.express(a),
    }
    for name, use in uses.items():
        for i in range(N_SAMPLES):
            before = global_states()
            use(case.rng(name, i))
            after = global_states()
            if touched := [one for one in before if before[one] != after[one]]:
                return name, f"used the global generator of {' and '.join(touched)}"
    return None


SURVIVES = "genes survive JSON"
UNCHANGED = "parents stay unchanged"
CHILDREN = "children are genes"
MADE_OF_GENES = ("random", "crossover", "mutate", "express")

# In this order: a rule may rely on those before it, so that the first that is broken explains those after it.
RULES = (
    Rule(
        ANSWERS,
        "let random, crossover, mutate and express return something for all genes that random, crossover and mutate"
        " make",
        _answers,
    ),
    Rule(
        SURVIVES,
        "to_json returns lists, dicts, strings, finite numbers, booleans or None (use .tolist() or int() on NumPy's);"
        " from_json rebuilds the same genes",
        _survives,
    ),
    Rule(UNCHANGED, "work on a copy and return new genes", _unchanged),
    Rule(
        "no global generator is touched",
        "draw from the rng argument; for torch use Streams.torch() or a torch.Generator seeded from rng",
        _no_globals,
    ),
    Rule("same stream, same genes", "draw only from the rng argument and keep no state between calls", _same_stream),
    Rule(CHILDREN, "crossover returns two, mutate one, all of them genes that from_json accepts", _children),
    Rule("canonical has one answer", "let canonical(canonical(genes)) equal canonical(genes)", _one_form),
    Rule(
        "every individual can be expressed",
        "declare phenotype as a ClassVar of options and genome alike, and return what a fitness of that kind measures",
        _expressed,
    ),
    Rule("encodings agree", "encode returns finite float32 of one shape (n_features,) for all genes", _encoded),
    Rule("extras fit", "seeds returns a list of genes that from_json accepts, show a string", _extras),
)
