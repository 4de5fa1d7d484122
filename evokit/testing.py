"""The contract of a genome as one test: for the authors of plugins, and for evokit's own genomes."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np

from evokit.individuals import canonical, key_of
from evokit.interfaces import Context
from evokit.streams import Streams

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
        A function without arguments. It raises ``AssertionError`` that names each broken rule and its remedy.
    """

    def test_genome() -> None:
        case = _case(genome, options, slots or {})
        found = [(rule, rule.evidence(case)) for rule in RULES]
        broken = [f"{rule.name}: {evidence}\n  remedy: {rule.remedy}" for rule, evidence in found if evidence]
        if broken:
            raise AssertionError(f"{type(case.genome).__name__} breaks {len(broken)} rule(s)\n" + "\n".join(broken))

    return test_genome


@dataclass(frozen=True)
class _Case:
    genome: Any
    declared: str  # phenotype that the options promise; a recipe is checked against it before anything is built

    def rng(self, *names: str | int) -> np.random.Generator:
        return Streams(0).at("conformance", *names).numpy()

    def samples(self) -> list[Any]:
        """Genes as a run holds them: canonical, arrays read-only."""
        return [canonical(self.genome, self.genome.random(self.rng("random", i))) for i in range(N_SAMPLES)]

    def pairs(self) -> Iterator[tuple[Any, Any]]:
        samples = self.samples()
        return zip(samples, samples[1:] + samples[:1], strict=True)

    def offspring(self) -> Iterator[Any]:
        """Both children of each pair and a mutant, as a search makes them."""
        for i, (a, b) in enumerate(self.pairs()):
            children = tuple(self.genome.crossover(a, b, self.rng("crossover", i)))
            if len(children) != 2:
                raise TypeError(f"crossover returned {len(children)} genes instead of two")
            yield from children
            yield self.genome.mutate(a, self.rng("mutation", i))

    def text(self, genes: Any) -> str:
        return json.dumps(self.genome.to_json(genes), sort_keys=True, allow_nan=False)

    def reread(self, genes: Any) -> Any:
        return self.genome.from_json(json.loads(self.text(genes)))


@dataclass(frozen=True)
class _Rule:
    """``check`` returns what is wrong, empty if nothing is; what it raises is wrong too."""

    name: str
    remedy: str
    check: Callable[[_Case], str]

    def evidence(self, case: _Case) -> str:
        try:
            return self.check(case)
        except Exception as error:
            return f"{type(error).__name__}: {error}"


def _case(genome: str | object, options: Mapping[str, Any], slots: Mapping[str, Any]) -> _Case:
    if isinstance(genome, str):
        from pydantic import TypeAdapter

        from evokit.plugins import load_plugins

        offered = load_plugins().find("genome", genome).options
        genome = TypeAdapter(offered).validate_python(dict(options))
    elif options:
        raise TypeError(f"options belong to a genome's name; this is an instance: {genome!r}")
    declared = str(getattr(genome, "phenotype", ""))
    fitness = SimpleNamespace(
        objectives={"value": "min"}, budgets=(1,), context="", takes=frozenset({declared}), slots=slots
    )
    build = getattr(genome, "build", None)
    built = genome if build is None else build(Context(Streams(0), fitness=fitness))
    return _Case(built, declared)


def _same_stream(case: _Case) -> str:
    genome = case.genome
    a, b = next(case.pairs())
    makers: dict[str, Callable[[np.random.Generator], Any]] = {
        "random": lambda rng: [genome.random(rng)],
        "crossover": lambda rng: genome.crossover(a, b, rng),
        "mutate": lambda rng: [genome.mutate(a, rng)],
    }
    for name, make in makers.items():
        for i in range(N_SAMPLES):
            first, second = ([key_of(genome, genes) for genes in make(case.rng(name, i))] for _ in range(2))
            if first != second:
                return f"{name} made different genes from two generators in the same state"
    return ""


def _unchanged(case: _Case) -> str:
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
                return f"{name} changed the genes that it was given"
    return ""


def _one_form(case: _Case) -> str:
    for genes in [*case.samples(), *case.offspring()]:
        once = canonical(case.genome, genes)
        if case.text(once) != case.text(canonical(case.genome, once)):
            return f"canonical changes what is canonical already: {case.text(once):.80}"
    return ""


def _survives(case: _Case) -> str:
    for genes in case.samples():
        if key_of(case.genome, case.reread(genes)) != key_of(case.genome, genes):
            return f"from_json(to_json(genes)) has another key: {case.text(genes):.80}"
    return ""


def _children(case: _Case) -> str:
    for genes in case.offspring():
        if key_of(case.genome, case.reread(genes)) != key_of(case.genome, genes):
            return f"a child does not survive JSON: {case.text(genes):.80}"
    return ""


def _expressed(case: _Case) -> str:
    phenotype = getattr(case.genome, "phenotype", "")
    if not phenotype or phenotype != case.declared:
        return f"the options declare phenotype {case.declared!r}, what they build {phenotype!r}"
    for genes in [*case.samples(), *case.offspring()]:
        if case.genome.express(canonical(case.genome, genes)) is None:
            return f"express returned None for {case.text(genes):.80}"
    return ""


def _encoded(case: _Case) -> str:
    if not hasattr(case.genome, "encode"):
        return ""
    individuals = [canonical(case.genome, genes) for genes in [*case.samples(), *case.offspring()]]
    encodings = [np.asarray(case.genome.encode(genes)) for genes in individuals]
    kinds = sorted({f"{encoding.dtype} {encoding.shape}" for encoding in encodings})
    if len(kinds) > 1 or encodings[0].dtype != np.float32 or encodings[0].ndim != 1:
        return f"encode returned {', '.join(kinds)}"
    if not all(np.isfinite(encoding).all() for encoding in encodings):
        return "encode returned a number that is not finite"
    return ""


def _extras(case: _Case) -> str:
    genome = case.genome
    known = genome.seeds() if hasattr(genome, "seeds") else []
    for i, genes in enumerate(known):
        if key_of(genome, case.reread(genes)) != key_of(genome, genes):
            return f"seed {i} does not survive JSON"
    shown = genome.show(case.samples()[0]) if hasattr(genome, "show") else ""
    return "" if isinstance(shown, str) else f"show returned {type(shown).__name__}"


def _no_globals(case: _Case) -> str:
    before = _global_states()
    for genes in [*case.samples(), *case.offspring()]:
        case.genome.express(canonical(case.genome, genes))
    after = _global_states()
    touched = [name for name in before if before[name] != after[name]]
    return f"the global generator of {' and '.join(touched)} was used" if touched else ""


def _global_states() -> dict[str, str]:
    import torch

    return {
        "random": repr(random.getstate()),
        "numpy.random": repr([np.asarray(part).tolist() for part in np.random.get_state()]),  # noqa: NPY002
        "torch": repr(torch.get_rng_state().tolist()),
    }


RULES = (
    _Rule(
        "no global generator is touched",
        "draw from the rng argument; for torch use Streams.torch() or a torch.Generator seeded from rng",
        _no_globals,
    ),
    _Rule("same stream, same genes", "draw only from the rng argument and keep no state between calls", _same_stream),
    _Rule("parents stay unchanged", "work on a copy and return new genes", _unchanged),
    _Rule("canonical has one answer", "let canonical(canonical(genes)) equal canonical(genes)", _one_form),
    _Rule(
        "genes survive JSON",
        "to_json returns lists, dicts, strings, finite numbers, booleans or None (use .tolist() or int() on NumPy's);"
        " from_json rebuilds the same genes",
        _survives,
    ),
    _Rule(
        "children are genes", "crossover returns two, mutate one, all of them genes that from_json accepts", _children
    ),
    _Rule(
        "every individual can be expressed",
        "declare phenotype as a ClassVar of options and genome alike, and return what a fitness of that kind measures",
        _expressed,
    ),
    _Rule("encodings agree", "encode returns finite float32 of one shape (n_features,) for all genes", _encoded),
    _Rule("extras fit", "seeds returns a list of genes that from_json accepts, show a string", _extras),
)
