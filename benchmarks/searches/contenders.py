"""Who is measured: a line for each search of evokit and for each peer."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmarks.searches import peers, peers_constrained, peers_fronts, peers_ribs, peers_spaces
from benchmarks.searches import peers_discrete as discrete
from benchmarks.searches import peers_trees as trees
from benchmarks.searches.fronts import NUMBER, POPULATION
from benchmarks.searches.illumination import CELLS, METRICS, Described
from benchmarks.searches.own import searched
from benchmarks.searches.problems import Problem, Record
from evokit.common.extras import DISTRIBUTION

SLOW_BITS = {64: 50, 100: 50}
ENDLESS = 10**9  # generations, where the budget ends a run
Sections = Mapping[str, Any]


@dataclass(frozen=True)
class Contender:
    """A search under a name.

    Attributes:
        kind: Of the problems that it takes.
        run: Spends a record; gets a seed.
        needs: The package that it is of.
        own: Whether it is evokit's.
        told: Whether it is told its budget, so that its runs of two budgets have nothing in common.
        most: By dimension the largest budget per dimension for which a run takes a bearable time; others have no limit.
    """

    name: str
    kind: str
    run: Callable[[Record, int], None] = field(repr=False)
    needs: str = "evokit"
    own: bool = False
    told: bool = False
    most: Mapping[int, int] = field(default_factory=dict)

    @property
    def installed(self) -> bool:
        return find_spec(self.needs) is not None

    @property
    def version(self) -> str:
        """Of its package, and of evokit's the commit, as its version may stand still for long."""
        if self.needs != "evokit":
            return metadata.version(self.needs)
        asked = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty"]
        found = subprocess.run(asked, capture_output=True, text=True, check=False)
        return " ".join([metadata.version(DISTRIBUTION), *found.stdout.split()])


def _evolving(population: int, crossover: Sections, mutation: Sections, **more: Any) -> Sections:
    return {
        "search": {"name": "generational", "population": population, "generations": ENDLESS, **more},
        "selection": {"name": "tournament", "size": 3},
        "crossover": crossover,
        "mutation": mutation,
    }


def _growing(scaling: bool = True) -> Sections:
    sections = _evolving(200, {"name": "subtree"}, {"name": "tree", "prob": 0.2}, elites=2)
    fitness = {"name": "symbolic_regression", "scaling": scaling}
    return {**sections, "selection": {"name": "tournament", "size": 5}, "fitness": fitness}


# Sections of a recipe, or what makes them of (evaluations, dimension) for those that are told their budget.
VECTOR: Mapping[str, Sections | Callable[[int, int], Sections]] = {
    "cma": {"search": {"name": "cma"}},
    "de": {"search": {"name": "de"}},
    "de_shrinking": lambda budget, n: {"search": {"name": "de", "population": 18 * n, "shrink_over": budget}},
    "auto": {"search": {"name": "auto"}},
    "generational": _evolving(50, {"name": "simulated_binary"}, {"name": "polynomial"}),
    "quasi_newton": {"search": {"name": "quasi_newton"}},
    "random_search": {"search": {"name": "random_search"}},
}
BITS: Mapping[str, Sections | Callable[[int, int], Sections]] = {
    "generational": _evolving(50, {"name": "uniform"}, {"name": "bit_flip"}),
    "auto": {"search": {"name": "auto"}},
    "steady_state": _evolving(50, {"name": "uniform"}, {"name": "bit_flip"}, name="steady_state", in_flight=1),
    "random_search": {"search": {"name": "random_search"}},
}
PERMUTATION: Mapping[str, Sections | Callable[[int, int], Sections]] = {
    "auto": {"search": {"name": "auto"}},
    "generational": _evolving(50, {"name": "edge"}, {"name": "inversion"}),
    "generational_order": _evolving(50, {"name": "order"}, {"name": "inversion"}),
    "random_search": {"search": {"name": "random_search"}},
}
TREE: Mapping[str, Sections | Callable[[int, int], Sections]] = {
    "generational": _growing(),
    "generational_unscaled": _growing(scaling=False),
    "random_search": {"search": {"name": "random_search"}},
}


def _trading(name: str, eta: float = 15.0, prob: float = 0.9) -> Callable[[Problem], Sections]:
    """Populations of one size, with the operators of each search's paper, and those of ZDT's on bits."""
    search = {"name": name, "population": POPULATION, "generations": ENDLESS}
    numbers = {"crossover": {"name": "simulated_binary", "eta": eta, "prob": prob}, "mutation": {"name": "polynomial"}}
    bits = {"crossover": {"name": "two_point", "prob": 0.9}, "mutation": {"name": "bit_flip"}}
    return lambda problem: {"search": search, **(bits if problem.kind == "bits" else numbers)}


FRONTS: Mapping[str, Callable[[Any], Sections]] = {
    "nsga2": _trading("nsga2"),
    "nsga3": _trading("nsga3", eta=30.0, prob=1.0),
    "sms_emoa": _trading("sms_emoa"),
    "random_search": lambda problem: {"search": {"name": "random_search"}},
}
VARIED = {"crossover": {"name": "own"}, "mutation": {"name": "own"}}
SPACES: Mapping[str, Sections | Callable[[int, int], Sections]] = {
    "auto": {"search": {"name": "auto"}},
    "model_based": {"search": {"name": "model_based"}, **VARIED},
    "steady_state": _evolving(16, *VARIED.values(), name="steady_state", in_flight=1),
    "random_search": {"search": {"name": "random_search"}},
}
BOUNDED = {name: VECTOR[name] for name in ("auto", "quasi_newton", "cma", "de", "generational", "random_search")}
OWN = {
    "constrained": BOUNDED,
    "vector": VECTOR,
    "bits": BITS,
    "permutation": PERMUTATION,
    "tree": TREE,
    "space": SPACES,
}


def _described(name: str, **options: Any) -> Callable[[Described], Sections]:
    """The search of a problem with descriptors."""

    def sections(problem: Described) -> Sections:
        bounds = {"low": -problem.reach, "high": problem.reach, "cells": CELLS}
        descriptors = [{"metric": metric, **bounds} for metric in METRICS]
        archive = {"descriptors": descriptors, "offset": problem.worst, "generations": ENDLESS}
        return {"search": {"name": name, **archive, **options}}

    return sections


def _bred(name: str, **more: Any) -> Callable[[Described], Sections]:
    """One that breeds, with steps along all axes."""

    def sections(problem: Described) -> Sections:
        mutation = {"name": "gaussian", "prob": 1, "sigma": problem.sigma, "relative": False, "bounds": "clip"}
        own = {"crossover": {"name": "own", "prob": 0}, "mutation": mutation, **more}
        return {**_described(name, **{SIZES[name]: peers_ribs.MUTANTS})(problem), **own}

    return sections


def _strategies(**options: Any) -> Callable[[Described], Sections]:
    """Those of CMA-ME, as many and as wide as pyribs'."""
    size = {"emitters": peers_ribs.EMITTERS, "batch": peers_ribs.BATCH}

    def sections(problem: Described) -> Sections:
        return _described("cma_me", sigma=problem.sigma / (problem.box[1] - problem.box[0]), **size, **options)(problem)

    return sections


SIZES = {"map_elites": "batch", "novelty": "population"}
ARCHIVE: Mapping[str, Callable[[Any], Sections]] = {
    "map_elites": _bred("map_elites"),
    "map_elites_line": _bred("map_elites", crossover={"name": "line", "sigma": peers_ribs.LINE}),
    "cma_me": _strategies(),
    "cma_mae": _strategies(learning_rate=0.01),
    "novelty": _bred("novelty"),
    "random_search": lambda problem: {"search": {"name": "random_search", "batch": peers_ribs.MUTANTS}},
}


def _by_problem(name: str, kind: str, given: Callable[[Any], Sections]) -> Contender:
    def run(record: Record, seed: int) -> None:
        searched(given(record.problem), record, seed)

    return Contender(name, kind, run, own=True)


def _own(name: str, kind: str, given: Sections | Callable[[int, int], Sections]) -> Contender:
    def run(record: Record, seed: int) -> None:
        sections = given(record.budget, record.problem.dimension) if callable(given) else given
        searched(sections, record, seed)

    return Contender(name, kind, run, own=True, told=callable(given))


SAME: Mapping[str, str] = {  # of evokit's searches the peer that does the same
    "nsga2": "pymoo_nsga2",
    "nsga3": "pymoo_nsga3",
    "sms_emoa": "pymoo_sms_emoa",
    "map_elites": "ribs_map_elites",
    "map_elites_line": "ribs_line",
    "cma_me": "ribs_cma_me",
    "cma_mae": "ribs_cma_mae",
}
CONTENDERS: tuple[Contender, ...] = (
    *(_own(name, kind, given) for kind, table in OWN.items() for name, given in table.items()),
    Contender("cmaes_ipop", "vector", peers.cmaes_ipop, needs="cmaes"),
    Contender("pycma_bipop", "vector", peers.pycma_bipop, needs="cma"),
    Contender("pycma_lq", "vector", peers.pycma_lq, needs="cma", most={20: 50}),
    Contender("scipy_slsqp", "vector", peers.scipy_slsqp, needs="scipy"),
    Contender("pymoo_de", "vector", peers.pymoo_de, needs="pymoo"),
    Contender("pymoo_ga", "vector", peers.pymoo_ga, needs="pymoo"),
    Contender("deap_simple", "vector", peers.deap_simple, needs="deap"),
    Contender("optuna_tpe", "vector", peers.optuna_tpe, needs="optuna", most={5: 50, 20: 0}),
    Contender("nevergrad_ngopt", "vector", peers.nevergrad_ngopt, needs="nevergrad", told=True, most={5: 500, 20: 50}),
    Contender("deap_bits", "bits", discrete.deap_bits, needs="deap"),
    Contender("pymoo_bits", "bits", discrete.pymoo_bits, needs="pymoo"),
    Contender("nevergrad_one_plus_one", "bits", discrete.nevergrad_one_plus_one, needs="nevergrad", most=SLOW_BITS),
    Contender("nevergrad_fast_ga", "bits", discrete.nevergrad_fast_ga, needs="nevergrad", most=SLOW_BITS),
    Contender("deap_permutation", "permutation", discrete.deap_permutation, needs="deap"),
    Contender("deap_trees", "tree", trees.deap_trees, needs="deap"),
    Contender("gplearn", "tree", trees.gplearn_regressor, needs="gplearn"),
    Contender("pymoo_permutation", "permutation", discrete.pymoo_permutation, needs="pymoo"),
    Contender("pymoo_ga", "constrained", peers_constrained.pymoo_ga, needs="pymoo"),
    Contender("pymoo_de", "constrained", peers_constrained.pymoo_de, needs="pymoo"),
    Contender("pymoo_isres", "constrained", peers_constrained.pymoo_isres, needs="pymoo"),
    Contender("scipy_slsqp", "constrained", peers_constrained.scipy_slsqp, needs="scipy"),
    *(Contender(name, "fronts", loop, needs="pymoo") for name, loop in peers_fronts.PYMOO.items()),
    Contender("optuna_nsga2", "fronts", peers_fronts.optuna_nsga2, needs="optuna", most={NUMBER: 50}),
    Contender("optuna_tpe", "space", peers_spaces.optuna_tpe, needs="optuna"),
    Contender("nevergrad_ngopt", "space", peers_spaces.nevergrad_ngopt, needs="nevergrad", told=True),
    Contender("pymoo_mixed", "space", peers_spaces.pymoo_mixed, needs="pymoo"),
    *(_by_problem(name, "fronts", given) for name, given in FRONTS.items()),
    *(_by_problem(name, "archive", given) for name, given in ARCHIVE.items()),
    *(Contender(name, "archive", loop, needs="ribs") for name, loop in peers_ribs.LOOPS.items()),
)


def of_kind(kind: str) -> dict[str, Contender]:
    """The contenders for a kind of problem, by name."""
    return {one.name: one for one in CONTENDERS if one.kind == kind}
