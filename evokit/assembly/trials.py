"""Fits of a contender in the shape of a fitness, so that one door measures them like individuals."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from copy import deepcopy
from dataclasses import replace
from typing import Any

from evokit.assembly.directory import RunDirectory
from evokit.common.files import share
from evokit.common.keys import digest
from evokit.interfaces import Contender, Evaluation, Goal


class Trials:
    """What a contender's phase measures: fits of (setting, seed). Has the shape of a Fitness.

    Args:
        name: The contender's; decides where its models lie.
        contender: Does the fitting.
        context: Digest of all that decides a fit's value besides setting and seed.
        directory: Scratch and models lie below its ``artifacts``.
    """

    takes = frozenset({"trial"})
    slots: Mapping[str, Any] = {}
    may_be_free = True  # a model that was there already costs nothing

    def __init__(self, name: str, contender: Contender, context: str, directory: RunDirectory) -> None:
        self.objectives: Mapping[str, Goal] = {"validation": contender.goal}
        self.budgets = contender.budgets
        self.context = context
        self.contender = contender
        self._directory = directory
        self._folder = directory.artifacts / re.sub(r"[^\w-]", "-", name)

    def evaluate(self, batch: Sequence[Any], budget: int) -> Iterator[Evaluation]:
        for trial in batch:
            scratch = self._folder / digest(trial, 6)
            scratch.mkdir(parents=True, exist_ok=True)
            setting = deepcopy(trial["setting"])  # what is recorded is what was asked for, whatever a fit does to it
            one = self.contender.fit(setting, trial["seed"], budget, scratch)
            artifact = self._directory.relative(one.artifact) if one.artifact else ""
            if artifact:
                share(self._directory.path / artifact)
            yield replace(one, artifact=artifact)


class TrialGenome:
    """Trials are JSON values already."""

    def express(self, trial: Any) -> Any:
        return trial

    def to_json(self, trial: Any) -> Any:
        return trial

    def from_json(self, data: Any) -> Any:
        return data
