"""A run as Python looks at it, finished or under way."""

from __future__ import annotations

import html
import json
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from evokit.assembly.directory import RunDirectory, repeat_folder
from evokit.assembly.parts import Parts, assemble
from evokit.common.extras import DISTRIBUTION, with_extra
from evokit.common.figures import require_matplotlib
from evokit.errors import UserError
from evokit.genomes.individuals import weights_of
from evokit.interfaces import Score
from evokit.measuring.ledger_files import ledger_of
from evokit.progress import number
from evokit.recipe.schema import Recipe
from evokit.runs.found import look
from evokit.runs.launch import open_recipe

COLUMNS = 50  # numbers of an array that get columns of their own
HERE = {  # results of SciPy, Optuna, pymoo and DEAP, and what a run calls them
    **dict.fromkeys(("best_params", "x", "X", "params", "recommendation"), "best"),
    **dict.fromkeys(("fun", "F", "best_fitness", "best_score"), "best_value"),
    **dict.fromkeys(("best_trials", "pareto", "pareto_front", "halloffame"), "front"),
    **dict.fromkeys(("trials", "trials_dataframe", "logbook"), "frame()"),
}


class Solution(NamedTuple):
    """A phenotype and what was measured of it, in the order of the objectives."""

    solution: Any
    values: tuple[float, ...]


class Run:
    """A run in its directory; what it tells is read when it is asked for, so one that is under way tells how far it is.

    Args:
        directory: Of the run.
        recipe: If it is at hand; it may hold a function that no file holds.
        keeper: Whose end removes a temporary directory.
    """

    def __init__(self, directory: Path, recipe: Recipe | None = None, keeper: Any = None) -> None:
        self.directory = directory
        self._recipe, self._keeper = recipe, keeper

    def __getattr__(self, name: str) -> Any:
        if name in HERE:
            raise AttributeError(f"a run has no {name}; it has {HERE[name]}")
        return self.__getattribute__(name)  # which tells what is wrong

    @cached_property
    def recipe(self) -> Recipe:
        """What was run, with every default; ``recipe.to_yaml()`` is a file for ``evokit run``.

        It names a function by the module that it can be imported from; one that cannot be is a file in the directory.
        """
        return self._recipe or open_recipe(self.directory)[0]

    @property
    def summary(self) -> dict[str, Any]:
        """What ``summary.json`` says.

        Raises:
            UserError: Nothing was measured yet.
        """
        summary, _ = look(RunDirectory(self.directory))
        if summary is None:
            raise UserError(f"{self.directory} has measured nothing yet")
        return dict(summary)

    @property
    def status(self) -> str:
        """``done``, ``running``, ``interrupted``, ``failed`` or ``crashed``."""
        return look(RunDirectory(self.directory))[1].status

    @property
    def best(self) -> Any:
        """The champion's phenotype, what the function was given; None if there is none.

        Raises:
            UserError: The run has repeats, whose champions are several.
        """
        found = self._champion
        return None if found is None else self._solution(found["genes"])

    @property
    def best_value(self) -> Any:
        """What was measured of the champion: a number, or one for each objective; None if there is none."""
        found = self._champion
        if found is None:
            return None
        return found["values"][0] if len(found["values"]) == 1 else tuple(found["values"])

    @property
    def front(self) -> list[Solution]:
        """The Pareto front of a run with several objectives."""
        return [Solution(self._solution(one["genes"]), tuple(one["values"])) for one in self.summary.get("front", [])]

    @property
    def verdicts(self) -> list[dict[str, Any]]:
        """Champion against each baseline: difference, interval, and what they amount to."""
        return list(self.summary["verdicts"])

    def rows(self, phase: str = "search") -> Iterator[dict[str, Any]]:
        """What was measured in a phase, in its order: parameters, values, constraints, outcome, costs."""
        self._refuse_repeats()
        with ledger_of(RunDirectory(self.directory).ledger) as ledger:
            rows, genes = ledger.rows(phase), ledger.genes()
        fitness = self._parts.fitness
        names, limits = list(fitness.objectives), list(getattr(fitness, "constraints", ()))
        for row in rows:
            one = row.evaluation
            yield {
                "generation": row.generation,
                **self._parameters(genes[row.key]),
                **dict(zip(names, one.values or [np.nan] * len(names), strict=True)),
                **dict(zip(limits, one.constraints, strict=False)),
                **one.metrics,
                "outcome": one.outcome,
                "source": one.source,
                "budget": row.budget,
                "work": one.work,
                "wall_s": one.wall_s,
                "cpu_s": one.cpu_s,
                "key": row.key,
            }

    def frame(self, phase: str = "search") -> Any:
        """``rows`` as a pandas ``DataFrame``. Raises ``UserError`` if pandas is not installed."""
        return _pandas().DataFrame(list(self.rows(phase)))

    @property
    def evaluations(self) -> Any:
        """All that the search measured, a pandas ``DataFrame``."""
        return self.frame()

    @property
    def history(self) -> Any:
        """A row for each generation, a pandas ``DataFrame``: best and mean value, evaluations so far."""
        path = RunDirectory(self.directory).metrics
        lines = path.read_text().splitlines() if path.exists() else []
        return _pandas().json_normalize([json.loads(line) for line in lines])

    def report(self) -> str:
        """What ``evokit report`` prints."""
        from evokit.results.report import report

        summary, state = look(RunDirectory(self.directory))
        if summary is None:
            raise UserError(f"{self.directory} has measured nothing yet")
        return report(summary, state)

    def plot(self) -> Any:
        """The matplotlib figure of ``evokit plot``: value against CPU seconds of search and baselines.

        With several objectives the Pareto fronts of search and control searches.

        Raises:
            UserError: matplotlib is not installed, or nothing was measured yet.
        """
        from evokit.results.fronts import drawn_fronts
        from evokit.results.plot import drawn, plotted

        require_matplotlib()
        if (summary := self.summary).get("front"):
            return drawn_fronts(summary)
        return drawn(plotted([self.directory]))

    def __repr__(self) -> str:
        return f"Run({str(self.directory)!r}: {self._told})"

    def _repr_html_(self) -> str:
        """For notebooks."""
        try:
            text = self.report()
        except UserError as error:
            text = str(error)
        return f'<pre style="font-family: monospace; line-height: 1.2">{html.escape(text)}</pre>'

    @property
    def _told(self) -> str:
        summary, state = look(RunDirectory(self.directory))
        if summary is None or state.best is None:
            return state.status
        return f"{state.status}, best {summary['objective']['name']} {number(state.best)}"

    @cached_property
    def _parts(self) -> Parts:
        return assemble(self.recipe, self.directory)

    def _refuse_repeats(self) -> None:
        summary = self.summary
        if "repeats" in summary:
            leader = str(repeat_folder(self.directory, summary["seed"] - self.recipe.seed))
            raise UserError(f"{self.directory} has repeats; evokit.open({leader!r}) is that of the best champion")

    @property
    def _champion(self) -> dict[str, Any] | None:
        self._refuse_repeats()
        summary = self.summary
        best: dict[str, Any] | None = summary["best"]
        return best or self._best_so_far()

    def _best_so_far(self) -> dict[str, Any] | None:
        """Of a run that is under way, whose summary is from its beginning."""
        with ledger_of(RunDirectory(self.directory).ledger) as ledger:
            rows, genes = ledger.present_rows("search"), ledger.genes()
        fitness = self._parts.fitness
        weights = weights_of(fitness.objectives)
        measured = [row for row in rows if row.evaluation.ok and row.budget == fitness.budgets[-1]]
        if not measured:
            return None
        best = max(measured, key=lambda row: Score(weights, row.evaluation.values, row.evaluation.constraints))
        return {"genes": genes[best.key], "values": best.evaluation.values}

    def _solution(self, genes: Any) -> Any:
        genome = self._parts.genome
        return _own(genome.express(genome.from_json(genes)))

    def _parameters(self, genes: Any) -> dict[str, Any]:
        solution = self._solution(genes)
        if isinstance(solution, dict):
            return solution
        if isinstance(solution, np.ndarray) and solution.ndim == 1 and len(solution) <= COLUMNS:
            return {f"x{place}": value for place, value in enumerate(solution.tolist())}
        return {"genes": genes}


def open(directory: str | Path) -> Run:
    """A run that is there, finished or under way, to look at; nothing is changed.

    Raises:
        UserError: This is no path, or no run directory.
    """
    folder = directory_of(directory)
    if not RunDirectory(folder).recipe.exists():
        raise UserError(f"{folder} is no run directory: it has no recipe.yaml")
    return Run(folder)


def directory_of(told: Any) -> Path:
    """Raises ``UserError`` for what is no path."""
    if not isinstance(told, str | Path):
        raise UserError(f"directory: must be a path, got {told!r:.60}")
    return Path(told)


def _own(solution: Any) -> Any:
    """A phenotype that its owner may change."""
    return solution.copy() if isinstance(solution, np.ndarray) else solution


def _pandas() -> Any:
    try:
        import pandas
    except ImportError as error:
        raise UserError(f"tables are pandas', which is not installed: {with_extra(DISTRIBUTION, 'pandas')}") from error
    return pandas
