"""The ``evaluate`` of a DEAP script as a fitness."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from evokit.common.keys import digest
from evokit.contracts.global_generators import driven_by
from evokit.errors import said
from evokit.genomes.toolbox import Script, loaded
from evokit.interfaces import Context, Goal
from evokit.streams import Streams


@dataclass(frozen=True)
class Toolbox:
    """``toolbox.evaluate`` of a DEAP script, which ``evokit.wrap`` runs and keeps as a ``pickle``.

    It is given an individual of its own each time; what it changes of it is forgotten. Where it draws from Python's or
    NumPy's global generator, the run's seed and the individual decide what it draws.
    """

    pickle: Path | None = None
    digest: str = ""  # of the functions that a run began with
    objectives: Mapping[str, Goal] = field(default_factory=lambda: {"value": "min"})
    held: Any = field(default=None, init=False, repr=False, compare=False)  # the script itself, where it is at hand

    takes: ClassVar[frozenset[str]] = frozenset({"deap"})

    def build(self, context: Context) -> ScriptFitness:
        return ScriptFitness(self.held or self._found(context), self, context.streams)

    def _found(self, context: Context) -> Script:
        if self.pickle is None:
            raise ValueError("pickle: there is none; a toolbox is run by evokit.wrap, from Python")
        kept = self.pickle if context.directory is None else context.directory / "artifacts" / self.pickle.name
        path = kept if kept.exists() else self.pickle
        try:
            return loaded(path.read_bytes())
        except Exception as error:
            raise ValueError(f"pickle: the toolbox in {path} cannot be read: {said(error)}") from error


class ScriptFitness:
    """What ``Toolbox`` builds.

    Args:
        script: Of DEAP.
        options: Its objectives and what is known of its code.
        streams: Decide what ``evaluate`` draws.
    """

    takes = frozenset({"deap"})
    slots: Mapping[str, Any] = {}
    budgets = (1,)

    def __init__(self, script: Script, options: Toolbox, streams: Streams) -> None:
        self.script, self.objectives = script, options.objectives
        self.context = digest([options.digest, list(options.objectives), str(streams.entropy())])
        self._streams = streams.at("toolbox", "evaluate")
        self.__wrapped__ = script.functions["evaluate"]  # the place that messages name

    def evaluate(self, batch: Sequence[Any], budget: int) -> list[Any]:
        return [self._one(individual) for individual in batch]

    def _one(self, individual: Any) -> Any:
        codec = self.script.codec
        written = codec.write(individual)
        with driven_by(self._streams.at(digest(written)).numpy()):
            return self.script.functions["evaluate"](codec.read(written))
