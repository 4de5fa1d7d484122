"""The nouns of evokit: what plugins offer and what searches, fitnesses and runs hand to each other.

Everything measured passes one door, ``Measure``; the test split passes none. Arrays are NumPy unless said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar

from evokit.energy import Meter
from evokit.score import Score as Score

if TYPE_CHECKING:  # these take a while to import
    import numpy as np
    from deap import gp, tools

    from evokit.streams import Streams

G = TypeVar("G")  # genes: immutable, whatever the genome says

Outcome = Literal["ok", "nan", "diverged", "raised", "timed_out", "out_of_memory", "worker_died"]
Source = Literal["measured", "cached", "reused", "predicted"]
Goal = Literal["min", "max"]
Kind = Literal[
    "genome", "primitives", "fitness", "data", "selection", "crossover", "mutation",
    "surrogate", "screen", "search", "final", "baseline", "export", "callback",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Evaluation:
    """One measurement. A prediction is not one: it is ``Individual.predicted`` and can reach no hall of fame.

    A fitness fills the first block; the second is the core's and overwritten by it.
    """

    values: tuple[float, ...] = ()  # raw, one per objective; empty unless ok
    outcome: Outcome = "ok"
    work: int = 0  # budget units really spent, 0 if cached or reused; a fitness that leaves it out spends the budget
    metrics: Mapping[str, float] = field(default_factory=dict)
    artifact: str = ""  # path below the run directory, on disk before this is returned
    message: str = ""
    cases: Any = field(default=None, compare=False)  # ``(n_cases,)`` values case by case, if the fitness tells them
    constraints: tuple[float, ...] = ()  # one per name in the fitness's ``constraints``; feasible if none is above 0

    source: Source = "measured"
    wall_s: float = 0.0
    cpu_s: float = 0.0
    energy_j: float = 0.0
    estimated_j: float = 0.0  # of these, not read from a counter
    peak_memory_bytes: int = 0  # of the process that measured it; 0 if not measured now

    @property
    def ok(self) -> bool:
        return self.outcome == "ok"

    def says_as(self, other: Evaluation) -> bool:
        """Whether another one tells the same to the last bit: outcome, values, constraints and cases."""
        mine, theirs = ([] if one.cases is None else list(one.cases) for one in (self, other))
        told = (self.outcome, self.values, self.constraints, mine)
        return told == (other.outcome, other.values, other.constraints, theirs)


@dataclass(eq=False, slots=True)
class Individual:
    """Genes with their fitness and their origin. Two individuals are the same if their keys are."""

    genes: Any  # canonical: the only form that is ever measured
    key: str  # digest of the canonical genes
    fitness: Score
    parents: tuple[str, ...] = ()  # keys
    born_by: str = "random"  # the operators that made it, joined by "+"
    predicted: float | tuple[float, ...] | None = None  # by a surrogate, one an objective if several; never a fitness
    audited: bool = False  # in a surrogate's random share: no later screen may drop it
    cases: np.ndarray | None = None  # ``(n_cases,)`` float64, of a measurement whose fitness tells them
    metrics: Mapping[str, float] = field(default_factory=dict)  # what else its measurement at full budget told

    def __deepcopy__(self, memo: dict[int, Any]) -> Individual:
        # Genes are immutable, so a clone shares them; DEAP clears and sets the fitness of clones.
        return replace(self, fitness=self.fitness.__deepcopy__(memo))


class Genome(Protocol[G]):
    """A representation. A genome that is one array returns ``IndexVector``, ``RealVector``, ``Bits`` or
    ``Permutation`` instead.

    ``phenotype`` names the kind that ``express`` makes. Optional methods: ``canonical(genes) -> genes``,
    ``encode(genes) -> (n_features,) float32`` for surrogates, which else see the JSON values of genes where these are
    flat; ``seeds() -> list of genes``, ``show(genes) -> str``. Optional ``content_digest``: a digest of the files that
    decide phenotypes, such as a library; a run is not resumed with another one.
    """

    phenotype: str

    def random(self, rng: np.random.Generator) -> G: ...
    def crossover(self, a: G, b: G, rng: np.random.Generator) -> tuple[G, G]: ...
    def mutate(self, genes: G, rng: np.random.Generator) -> G: ...
    def express(self, genes: G) -> Any:
        """The phenotype, which a fitness is handed."""

    def to_json(self, genes: G) -> Any: ...
    def from_json(self, data: Any) -> G: ...


class Primitives(Protocol):
    """What the trees of the genome ``tree`` are made of."""

    def primitive_set(self, n_inputs: int) -> gp.PrimitiveSetTyped:
        """DEAP's set with as many arguments, made anew. Its functions take and return arrays of one value a case."""


class Fitness(Protocol):
    """A function of phenotype and budget: the same answer alone, in any batch or order, on any worker, after any
    lower budget (C4).

    Optional: ``fresh() -> Fitness``, the same question on data or replicates that the search never saw; ``confirm``
    measures the best on it before a champion is named, and the champion once more on what ``fresh().fresh()`` gives.
    ``prepared``, name to ``evokit.energy.Cost``: what was done before the first measurement and counts in the run's
    costs; ``Context.meter`` measures it. ``refitted(phenotype) -> Fitness``, the same question after what individuals
    share was fitted anew to one of them, for searches that alternate; decided by phenotype and fitness alone and of the
    same budgets, with another ``context`` unless nothing changed. Every worker asks for it, so what took long belongs
    on disk, below the run directory; what it took counts as the search's. None where there is nothing to fit.
    ``batch``, how many are measured together at least, where many at once take little longer than one.
    ``by_hand``, True where a person or a laboratory answers: nothing is measured before the search asks.
    ``work_unit``, what budgets and work count, such as ``tokens``, for displays and reports.
    ``evaluate_one(phenotype, budget)`` in place of ``evaluate``. ``budgets``, ``slots``, ``takes`` and ``context`` may
    be left out, see ``evokit.assembly.defaults``.
    ``cases``, of how many cases each Evaluation at full budget holds a value, finite and with the goal of the first
    objective: what the selection ``lexicase`` compares. The ledger keeps them.
    ``constraints``, names of what each Evaluation holds a value of at every budget: an individual is feasible if none
    is above 0, and comes before all that are not (see ``Score``). Violations are added up, so scale them alike.
    ``fingerprint(phenotype) -> bytes | array | JSON value``, what it does, such as its outputs on a probe batch: those
    of one fingerprint have the same value to the last bit at every budget, so that the first one is measured and the
    others take its values (``reused``). Quick beside a measurement; None where nothing can be said.
    """

    objectives: Mapping[str, Goal]
    budgets: Sequence[int]  # ascending, the last is full; a value is the same whatever budgets were measured before
    context: str  # digest of all else that decides a value (data, model, refit); part of the cache key
    takes: frozenset[str]  # phenotype kinds
    slots: Mapping[str, Any]  # what the phenotype must fill, e.g. layer name -> (n_in, n_out)

    def evaluate(self, batch: Sequence[Any], budget: int) -> np.ndarray | Iterable[Evaluation]:
        """``batch`` holds phenotypes. Values ``(n,)`` or ``(n, n_objectives)``, or one Evaluation each, in order.

        May share work inside the batch. Exceptions make the host retry the members one by one (C6).
        """


WORK = "units of work"  # of a fitness that does not say


def work_unit(fitness: Any) -> str:
    """What its budgets and work count."""
    return getattr(fitness, "work_unit", WORK)


class Measure(Protocol):
    """The one door: cache, ledger, execution, energy. Writes the row before it answers."""

    generation: int

    def __call__(self, individuals: Sequence[Individual], budget: int | None = None) -> list[Evaluation]:
        """Measure at ``budget`` (default full), in order.

        Sets ``fitness`` and ``metrics`` only at full budget and only when ok.
        """

    def each(self, individuals: Iterable[Individual | None], n: int) -> Iterator[Individual]:
        """Measure at full budget ``n`` individuals that are made while others are measured.

        They are taken one by one as workers get free; None says that the next cannot be made before another came back.
        Each comes back, measured, in the order in which they were taken.
        """

    def refit(self, individual: Individual) -> bool:
        """From now on ask the fitness refitted to an individual. Whether its context is another one."""

    def renew(self) -> bool:
        """From now on ask the fitness on fresh data or replicates. Whether there were any left."""

    def born(self, individuals: Sequence[Individual], first: int = 0) -> None:
        """Record the lineage of a generation's new individuals, or of those from the place ``first`` on."""

    def predict(self, individuals: Sequence[Individual]) -> None:
        """Record that these were predicted and not measured."""

    def measured(self, before: int | None = None) -> list[Individual]:
        """All that were ok at full budget in generations below ``before``, in order of measurement."""

    def knows(self, key: str) -> bool:
        """Whether the key was already asked for at full budget, ok or not."""

    @property
    def budgets(self) -> Sequence[int]: ...

    @property
    def work(self) -> int:
        """Budget units spent so far in this phase."""


class Surrogate(Protocol):
    """A cheap model of the fitness. Fitted from scratch each time, so it has no state to save.

    Optional: ``spreads = False``, where it does not tell how sure it is, so that no acquisition may ask for it.
    """

    def fit(self, X: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> None:
        """``X`` ``(n, n_features)`` encodings, ``y`` ``(n,)`` values, lower is better."""

    def predict(self, X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mean and spread, ``(n,)`` each."""


class Screen(Protocol):
    """Decides who is worth a full measurement. Surrogate screen and race alike; a recipe chains them.

    Optional: ``forget()``, called after a refit of the fitness: what was learned from values of the old context may
    decide no more.
    """

    def __call__(self, candidates: Sequence[Individual], measure: Measure) -> list[Individual]:
        """Those worth a full measurement, in their order."""

    def observe(self, generation: int, measured: Sequence[Individual]) -> None:
        """Called once the survivors of the whole chain have their values."""

    def expected(self, n: float, generation: int) -> tuple[float, float]:
        """Of ``n`` candidates how many it lets through at most, and the work it spends; for estimates."""

    def summary(self) -> dict[str, Any]:
        """What it saved and what it cost, JSON values."""

    def state_dict(self) -> dict[str, Any]: ...
    def load_state_dict(self, state: Mapping[str, Any]) -> None: ...


class Search(Protocol):
    """Knows genomes and ``Measure``, not files, workers or clocks. State: JSON values and arrays only.

    Optional: ``job``, a fitness of the search's own that is measured in place of the recipe's, which it is made with.
    So a search whose populations are tensors measures whole shards of them. ``expected() -> (measurements, work)`` of
    the whole search, for estimates. ``breeds = False``, where the next individuals need no valid one among those
    before, so that a generation that fails as a whole ends nothing. ``shared() -> {key: n}``, of each member of the
    front how many individuals have its values; without it each stands for itself. ``receive(individuals)`` takes in
    measured individuals of another search, for islands. ``endless``, where it goes on for ever without a stop rule.
    ``functional = False``, where fingerprints of the fitness are not to be asked for, by its controls neither: metrics
    decide, which equal fingerprints do not promise, or individuals are measured one by one.
    ``metrics_read``, names of the fitness's metrics that it cannot do without. ``elites``, where it keeps an archive of
    them (``evokit.searches.elites.Elites``), for summary, report and export.
    """

    generation: int  # steps completed
    done: bool  # the horizon is reached or nothing is left to try
    population: Sequence[Individual]
    logbook: tools.Logbook  # a record a generation, with at least generation and best

    def ask(self) -> list[Individual]:
        """The next generation's new individuals, none of them measured."""

    def tell(self, individuals: Sequence[Individual]) -> None:
        """Take what ``ask`` gave back, measured or not."""

    def step(self, measure: Measure) -> None:
        """One generation: ask, screen, measure, tell."""

    def best(self) -> Individual:
        """The best ever measured. Raises ``LookupError`` if there is none."""

    def hall_of_fame(self) -> Sequence[Individual]:
        """The best ever measured, best first."""

    def front(self) -> Sequence[Individual]:
        """The Pareto front of all ever measured, a member a point; empty with one objective."""

    def state_dict(self) -> dict[str, Any]: ...
    def load_state_dict(self, state: Mapping[str, Any]) -> None: ...


@dataclass(frozen=True)
class Variant:
    """Another model of a contender's setting: ``keys`` are merged into the setting, a fit takes ``work``."""

    keys: Mapping[str, Any]
    work: int


class Contender(Protocol):
    """A way to a finished model: the champion's ``final`` and each baseline. Is never given the test split.

    ``deterministic`` says that the seed changes nothing, so that one fit serves all seeds.

    Optional: ``variants() -> {name: Variant}``, more models to finish of the setting that won, such as longer trained
    ones; those of one name are compared with each other. ``trainings``, how many trainings one fit holds; where the
    champion's contender has it, work is that of training and the summary tells what repays the search.
    ``goes_on``, whether a fit goes on from what a lower budget left in its scratch; its work is then what it adds.
    ``inspect(artifact) -> {name: JSON value}``, what else the summary and pages of plugins show of a finished model,
    such as a text that it writes; asked once at the end of a run, and no part of a verdict.
    """

    budgets: Sequence[int]  # ascending work of one fit, the last is full; a race over settings uses the others
    deterministic: bool
    goal: Goal  # of the metric that fit and score return
    unit: str  # what score returns a value for: document, image

    def settings(self, best: Individual | None) -> Sequence[Mapping[str, Any]]:
        """What is tried on validation, JSON values; one entry if there is nothing to tune."""

    def fit(self, setting: Mapping[str, Any], seed: int, budget: int, scratch: Path) -> Evaluation:
        """Value on validation; ``artifact`` is the model's path.

        ``scratch`` outlives a kill and is the same for all budgets of one (setting, seed). A baseline may be fitted
        while the search goes on, and must read nothing that a search writes.
        """

    def score(self, artifact: Path, split: Any) -> np.ndarray:
        """``(n_units,)`` metric per document or image. Interval and verdict are the core's."""


@dataclass(frozen=True)
class Measured:
    """An ok measurement of a search at full budget, as an export gets it."""

    genes: Any  # JSON values
    evaluation: Evaluation


@dataclass(frozen=True)
class Data:
    """What a data component builds. The host seals ``test`` away; no other component ever sees it before the end.

    ``origin`` says where the bytes came from (package and version, path, hub name); ``digest`` is of the content.
    ``vault`` is a part of the test split that only ``evokit unseal`` opens, made by ``evokit.cut_vault``.
    """

    name: str
    origin: str
    digest: str
    sizes: Mapping[str, int]  # e.g. train_documents, train_tokens
    train: Any
    validation: Any
    test: Any
    vault: Any = None


@dataclass(frozen=True)
class Context:
    """What a component is built with. Parts built before are there; the test split never is."""

    streams: Streams
    device: str = "cpu"
    threads: int = 1
    directory: Path | None = None  # of the run, below whose ``artifacts`` a fitness may store; None outside of a run
    train: Any = None
    validation: Any = None
    data_digest: str = ""
    fitness: Any = None
    genome: Any = None
    operators: Mapping[str, Any] = field(default_factory=dict)  # selection, crossover, mutation: ready to call
    screens: Sequence[Any] = ()
    init: Sequence[Any] = ()  # genes that the first population begins with
    # Makes the real thing of a nested section, e.g. a screen's surrogate; in another context by build(section, init=())
    build: Callable[..., Any] | None = None
    vary: Callable[..., Any] | None = None  # the recipe's parts with other sections, ``vary(genome=section)``
    meter: Meter = field(default_factory=Meter)  # the run's; measures what a part does when it is built


@dataclass(frozen=True)
class Component:
    """One offer of a plugin; the one hook ``evokit_components()`` returns them.

    ``options`` is a frozen dataclass whose fields are the recipe's keys and that imports nothing heavy; or where one
    lies, ``"module:Class"``, which is imported when it is first needed. ``build`` makes the real thing of
    ``(options, context)``: a function, or where one lies likewise. Without it that is what the method
    ``options.build(context)`` does, and without such a method the options are the thing. What others offer under the
    same (kind, fits, name) is told apart as ``plugin:name``, which recipes may always say.
    """

    kind: Kind
    name: str
    options: type | str
    fits: str = ""  # baselines, finals and exports: the fitness they belong to; empty fits any
    extra: str = ""  # of its distribution, without which it can be listed and not built
    build: str | Callable[[Any, Context], Any] = ""

    @property
    def options_class(self) -> type:
        """The class of the options.

        Raises:
            ImportError: The module that ``options`` names cannot be imported.
            AttributeError: It has no such class.
        """
        return _lying_at(self.options) if isinstance(self.options, str) else self.options

    def maker(self, options: Any) -> Callable[[Context], Any] | None:
        """What makes the real thing of some options; None if they are it.

        Raises:
            ImportError: The module that ``build`` names cannot be imported.
            AttributeError: It has no such function.
        """
        if not self.build:
            own: Callable[[Context], Any] | None = getattr(options, "build", None)
            return own
        function = _lying_at(self.build) if isinstance(self.build, str) else self.build
        return partial(function, options)


@cache
def _lying_at(name: str) -> Any:
    """What ``module:name`` stands for."""
    module, _, attribute = name.partition(":")
    return getattr(import_module(module), attribute)
