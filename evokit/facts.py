"""What callbacks and sections of reports are told of a run: facts that nobody can change a run with."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from evokit.common.charts import Figure
from evokit.interfaces import Goal, Outcome

# What a callback may have: methods of that name, a plugin hooks that are called ``evokit_`` and the name. The word is
# what is told beside the run.
METHODS: Mapping[str, str] = {
    "run_started": "",
    "evaluation_ended": "evaluation",
    "generation_ended": "generation",
    "run_ended": "end",
}


class StopSearch(Exception):  # noqa: N818 - the name says what it does
    """Raised by a callback, it ends the search with the generation at work, as an answer of True does.

    Its message is the reason that report and summary tell.
    """


@dataclass(frozen=True)
class RunFacts:
    """The run that a callback is told of.

    Attributes:
        directory: Where it lies; ``evokit.open`` tells more of it.
        name: Of its recipe.
        seed: Of all that is drawn.
        objectives: Name to ``min`` or ``max``.
        constraints: Names.
        recipe: What is run, with every default; JSON values, a copy.
        resumed: Whether it goes on. What was before comes once more and is marked ``replayed``.
    """

    directory: Path
    name: str
    seed: int
    objectives: Mapping[str, Goal]
    constraints: tuple[str, ...]
    recipe: Mapping[str, Any] = field(repr=False)
    resumed: bool = False


@dataclass(frozen=True)
class EvaluationFacts:
    """One that the search measured; what is known already or predicted is not.

    Attributes:
        number: Its place among all that the search asked for.
        generation: From 0.
        key: Of its genes; ledger and tables have the same.
        values: One for each objective; empty if it failed.
        constraints: One for each, not above 0 where it is kept to.
        metrics: What the fitness told beside them.
        outcome: ``ok``, or how it failed.
        message: Why.
        budget: At which it was measured.
        work: Units of work that were spent.
        wall_s: Seconds.
        cpu_s: CPU seconds.
        replayed: Whether this was measured before the run was gone on with.
    """

    number: int
    generation: int
    key: str
    values: tuple[float, ...]
    constraints: tuple[float, ...]
    metrics: Mapping[str, float]
    outcome: Outcome
    message: str
    budget: int
    work: int
    wall_s: float
    cpu_s: float
    replayed: bool
    _express: Callable[[], Any] = field(repr=False, compare=False)

    @property
    def ok(self) -> bool:
        """Whether it has values."""
        return self.outcome == "ok"

    @property
    def value(self) -> float | None:
        """That of the first objective; None if it failed."""
        return self.values[0] if self.values else None

    @property
    def solution(self) -> Any:
        """What the fitness was given; made when it is asked for."""
        return self._express()


@dataclass(frozen=True)
class GenerationFacts:
    """A generation that has ended.

    Attributes:
        generation: From 0.
        best: Best value of the first objective so far; None before anything valid was measured.
        work: Units of work so far.
        evaluations: How many so far, by where they came from: ``measured``, ``cached``, ``reused``, ``predicted``; and
            how many of the measured ``failed``.
        record: All that ``metrics.jsonl`` says of it.
        replayed: Whether it ended before the run was gone on with.
    """

    generation: int
    best: float | None
    work: int
    evaluations: Mapping[str, int]
    record: Mapping[str, Any] = field(repr=False)
    replayed: bool
    _express: Callable[[], Any] = field(repr=False, compare=False)

    @property
    def mean(self) -> float | None:
        """Mean value of the first objective in the population; None where nobody has one."""
        return self.record.get("mean")

    @property
    def solution(self) -> Any:
        """Where it was best so far, what the fitness was given; None if nothing is valid, and for what is replayed."""
        return self._express()


@dataclass(frozen=True)
class EndFacts:
    """The end of a run, whatever ended it.

    Attributes:
        status: ``done``, ``interrupted`` or ``failed``.
        stopped: Why the search ended, empty if it did not.
        summary: What ``summary.json`` says; a copy.
        values: Of the champion, one for each objective; None if there is none.
    """

    status: str
    stopped: str
    summary: Mapping[str, Any] = field(repr=False)
    values: tuple[float, ...] | None
    _express: Callable[[], Any] = field(repr=False, compare=False)

    @property
    def solution(self) -> Any:
        """The champion, as the fitness is given it; None if there is none."""
        return self._express()


@dataclass(frozen=True)
class ReportFacts:
    """The run that a page is written of.

    Attributes:
        directory: Where it lies.
        recipe: What was run, with every default; JSON values.
        summary: What ``summary.json`` says.
    """

    directory: Path
    recipe: Mapping[str, Any] = field(repr=False)
    summary: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True)
class ReportSection:
    """What a plugin adds to ``report.html``.

    Attributes:
        title: Of the section.
        content: Text that may hold anything and keeps its lines; or HTML, as ``markupsafe.Markup``, whose ``format``
            escapes what it is given.
        figures: Beside each other below it; ``evokit.common.charts`` draws some.
    """

    title: str
    content: str = ""
    figures: Sequence[Figure] = ()
