"""A run as callbacks hear of it: what happens, and after a resume what happened before (marked ``replayed``)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import asdict
from functools import partial
from types import MappingProxyType
from typing import Any

import numpy as np

from evokit.callbacks.listeners import Listeners, own
from evokit.facts import EndFacts, EvaluationFacts, GenerationFacts, RunFacts
from evokit.genomes.individuals import constraints_of
from evokit.interfaces import Search
from evokit.measuring.ledger import Row
from evokit.recipe.schema import Recipe
from evokit.runs.resources import Resources

META = "stopped_by_callback"  # in the ledger: the one decision of callbacks that a resume could not repeat


def names_of(recipe: Recipe, callbacks: Sequence[Any] = ()) -> frozenset[str]:
    """Who listens to a run of a recipe; callbacks are those that Python gives."""
    plugins = (name for name, _ in recipe.registry.callbacks)
    return frozenset([*plugins, *(one.name for one in recipe.callbacks), *(name for name, _ in own(callbacks))])


class Telling:
    """Tells the callbacks of a run.

    Args:
        run: The run.
        callbacks: Those that Python gives.
    """

    def __init__(self, run: Resources, callbacks: Sequence[Any] = ()) -> None:
        self._run = run
        recipe = run.recipe
        built = [(section.name, run.parts.build(section)) for section in recipe.callbacks]
        self._listeners = Listeners([*recipe.registry.callbacks, *built, *own(callbacks)])
        self._names = names_of(recipe, callbacks)
        self._facts: RunFacts | None = None
        self._metrics: list[dict[str, Any]] = []  # of the generations that ended before this run was gone on with
        self._stopped: Mapping[str, Any] | None = None

    @property
    def row(self) -> Callable[[Row, Any, bool], None] | None:
        """What the search's measure tells of its rows; None if nobody listens."""
        return self._row if self._listeners.hear("evaluation_ended") else None

    @property
    def stopped_by(self) -> str:
        """Whose wish ended the search; empty if it was nobody's."""
        return str(self._stopped["callback"]) if self._stopped else ""

    @property
    def failed(self) -> list[dict[str, Any]]:
        """Callbacks that raised: ``callback``, ``times``, and the first ``message``."""
        return [{"callback": name, **asdict(failure)} for name, failure in self._listeners.failed.items()]

    def begin(self, search: Search) -> None:
        """A search begins, or goes on after generations that are told again."""
        run = self._run
        ended = run.ledger.meta(META)
        if ended and ended["callback"] in self._names and ended["under"] == _under(run.recipe):
            self._stopped = ended
        elif ended:
            run.ledger.set_meta(META, None)
        if not self._listeners.any:
            return
        fitness = run.parts.fitness
        self._metrics = run.directory.noted()
        self._facts = RunFacts(
            directory=run.directory.path,
            name=run.recipe.path.stem,
            seed=run.recipe.seed,
            objectives=MappingProxyType(dict(fitness.objectives)),
            constraints=constraints_of(fitness),
            recipe=MappingProxyType(deepcopy(run.recipe.resolved)),
            resumed=bool(self._metrics or run.ledger.counts("search")["measured"]),
        )
        self._tell("run_started")
        if search.generation and (self._listeners.hear("generation_ended") or self.row):
            self._again(search.generation)

    def generation(self, search: Search, record: Mapping[str, Any], work: int) -> None:
        """A generation has ended."""
        if not self._listeners.hear("generation_ended"):
            return
        hall = search.hall_of_fame()
        genes = hall[0].genes if hall else None
        express = (lambda: None) if genes is None else partial(self._expressed, genes)
        replayed = record["generation"] < len(self._metrics)
        self._tell("generation_ended", _generation(record, work, replayed, express))

    def stop(self, search: Search) -> str:
        """Why the search ends here, as somebody asked for it; empty if nobody did."""
        if self._stopped is None and self._listeners.stop and search.generation:
            self._stopped = {
                "callback": self._listeners.stopped_by,
                "generation": search.generation,
                "reason": self._listeners.stop,
                "under": _under(self._run.recipe),
            }
            self._run.ledger.set_meta(META, self._stopped)
        if self._stopped and search.generation >= self._stopped["generation"]:
            return str(self._stopped["reason"])
        return ""

    def end(self, summary: Mapping[str, Any]) -> None:
        """The run has ended, and this is its summary."""
        if self._facts is None:
            return
        best = summary["best"]
        facts = EndFacts(
            status=summary["status"],
            stopped=summary["stopped"],
            summary=MappingProxyType(deepcopy(dict(summary))),
            values=tuple(best["values"]) if best else None,
            _express=partial(self._from_json, best["genes"]) if best else lambda: None,
        )
        self._tell("run_ended", facts)

    def _again(self, generations: int) -> None:
        """Tell of generations that the checkpoint covers; nothing that is answered counts."""
        run = self._run
        heard = self.row
        genes = run.ledger.genes() if heard else {}
        rows = iter(run.ledger.rows("search"))
        row, work = next(rows, None), 0
        for number, record in enumerate(self._metrics[:generations]):
            while row is not None and row.generation <= number:
                work += row.evaluation.work
                if heard and row.evaluation.source == "measured":
                    express = partial(self._from_json, genes[row.key])
                    self._tell("evaluation_ended", _evaluation(row, express, True), heeded=False)
                row = next(rows, None)
            self._tell("generation_ended", _generation(record, work, True, lambda: None), heeded=False)

    def _row(self, row: Row, genes: Any, before: bool) -> None:
        self._tell("evaluation_ended", _evaluation(row, partial(self._expressed, genes), before))

    def _tell(self, method: str, *facts: Any, heeded: bool = True) -> None:
        self._listeners.tell(method, self._facts, *facts, heeded=heeded)

    def _expressed(self, genes: Any) -> Any:
        """A phenotype that its owner may change."""
        solution = self._run.parts.genome.express(genes)
        return solution.copy() if isinstance(solution, np.ndarray) else solution

    def _from_json(self, genes: Any) -> Any:
        return self._expressed(self._run.parts.genome.from_json(genes))


def _under(recipe: Recipe) -> dict[str, Any]:
    """What decides when a search ends; where it has changed, a search that a callback ended goes on."""
    values = recipe.portable
    return {"generations": values["search"].get("generations"), "stop": values["stop"]}


def _generation(record: Mapping[str, Any], work: int, replayed: bool, express: Callable[[], Any]) -> GenerationFacts:
    return GenerationFacts(
        generation=record["generation"],
        best=record["best"],
        work=work,
        evaluations=MappingProxyType(dict(record["evaluations"])),
        record=MappingProxyType(dict(record)),
        replayed=replayed,
        _express=express,
    )


def _evaluation(row: Row, express: Callable[[], Any], replayed: bool) -> EvaluationFacts:
    one = row.evaluation
    return EvaluationFacts(
        number=row.seq,
        generation=row.generation,
        key=row.key,
        values=tuple(one.values),
        constraints=tuple(one.constraints),
        metrics=MappingProxyType(dict(one.metrics)),
        outcome=one.outcome,
        message=one.message,
        budget=row.budget,
        work=one.work,
        wall_s=one.wall_s,
        cpu_s=one.cpu_s,
        replayed=replayed,
        _express=express,
    )
