"""The hooks that evokit calls, and when."""

from __future__ import annotations

from collections.abc import Iterable

import pluggy

from evokit.facts import EndFacts, EvaluationFacts, GenerationFacts, ReportFacts, ReportSection, RunFacts
from evokit.interfaces import Component

hookspec = pluggy.HookspecMarker("evokit")
hookimpl = pluggy.HookimplMarker("evokit")


@hookspec
def evokit_components() -> Iterable[Component]:  # type: ignore[empty-body]
    """Offer what a recipe may name: genomes, fitnesses, operators, surrogates, searches, data.

    Called once per run, after the recipe's ``plugins:`` list is read; all answers are used. What two
    plugins offer under one name is called ``plugin:name``; a built-in component keeps its name. Import torch inside
    ``build``, not at the top.
    """


@hookspec
def evokit_run_started(run: RunFacts) -> None:
    """Hear that a search begins or goes on.

    Called once per run and per repeat, in its own process, before anything is measured.
    """


@hookspec
def evokit_evaluation_ended(run: RunFacts, evaluation: EvaluationFacts) -> bool | None:
    """Hear of one that the search measured; True ends the search with the generation at work.

    Called in the run's own process as soon as the ledger has it, in the ledger's order, which workers do not change.
    """


@hookspec
def evokit_generation_ended(run: RunFacts, generation: GenerationFacts) -> bool | None:
    """Hear of a generation that has ended; True ends the search here."""


@hookspec
def evokit_run_ended(run: RunFacts, end: EndFacts) -> None:
    """Hear that a run ended, was interrupted or failed; called once its summary is written."""


@hookspec
def evokit_report_sections(report: ReportFacts) -> Iterable[ReportSection]:  # type: ignore[empty-body]
    """Add sections to the page of a run, ``report.html``; none where the run is nothing of the plugin's.

    Called whenever the page is written; all answers are used. One that raises is left out, and the page says so.
    """
