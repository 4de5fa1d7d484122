"""Callback ``mlflow``: a run of an MLflow experiment."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evokit.callbacks.tracked import champion, figures, files, final_figures, parameters, words
from evokit.common.files import write_atomically
from evokit.facts import EndFacts, GenerationFacts, RunFacts
from evokit.interfaces import Context

LONGEST = 6000  # characters of a parameter that MLflow keeps
AT_ONCE = 100  # parameters that a store takes in one call
ENDINGS = {"done": "FINISHED", "interrupted": "KILLED"}


@dataclass(frozen=True)
class MLflow:
    """Tells MLflow of a run: its recipe as parameters, figures of each generation, its champion, its small files.

    A run that is gone on with goes on in MLflow, under the id that it left in ``mlflow.txt`` of its directory.

    Args:
        experiment: Name; it is made if there is none.
        tracking_uri: Of the server or folder; null: what ``MLFLOW_TRACKING_URI``
            says, or MLflow's default.
    """

    experiment: str = "evokit"
    tracking_uri: str | None = None

    def build(self, context: Context) -> MLflowRun:
        return MLflowRun(self)


class MLflowRun:
    """The callback; errors are those of MLflow."""

    def __init__(self, options: MLflow) -> None:
        self._options = options
        self._client: Any = None
        self._id = ""
        self._last = -1  # generation that MLflow knows of

    def run_started(self, run: RunFacts) -> None:
        from mlflow import MlflowClient
        from mlflow.entities import Param

        self._client = MlflowClient(tracking_uri=self._options.tracking_uri)
        kept = run.directory / "mlflow.txt"
        if kept.exists():
            self._id = kept.read_text().strip()
            self._client.update_run(self._id, status="RUNNING")
            self._last = max((one.step for one in self._client.get_metric_history(self._id, "work")), default=-1)
            return
        experiment = self._client.get_experiment_by_name(self._options.experiment)
        where = experiment.experiment_id if experiment else self._client.create_experiment(self._options.experiment)
        tags = {"evokit.directory": str(run.directory.absolute()), "evokit.seed": str(run.seed)}
        self._id = self._client.create_run(where, run_name=run.name, tags=tags).info.run_id
        told = [Param(key, str(value)[:LONGEST]) for key, value in parameters(run).items()]
        for first in range(0, len(told), AT_ONCE):
            self._client.log_batch(self._id, params=told[first : first + AT_ONCE])
        write_atomically(kept, f"{self._id}\n".encode())

    def generation_ended(self, run: RunFacts, generation: GenerationFacts) -> None:
        if generation.generation > self._last:
            self._log(figures(generation), generation.generation)

    def run_ended(self, run: RunFacts, end: EndFacts) -> None:
        step = max(end.summary["generations"] - 1, 0)
        self._log({f"final/{key}": value for key, value in final_figures(run, end).items()}, step)
        for key, value in words(end).items():
            self._client.set_tag(self._id, f"evokit.{key}", value)
        self._client.log_dict(self._id, champion(run, end), "champion.json")
        self._keep(files(run))
        self._client.set_terminated(self._id, status=ENDINGS.get(end.status, "FAILED"))

    def _log(self, values: Mapping[str, float], step: int) -> None:
        from mlflow.entities import Metric

        now = int(time.time() * 1000)
        self._client.log_batch(self._id, metrics=[Metric(key, value, now, step) for key, value in values.items()])

    def _keep(self, paths: Iterable[Path]) -> None:
        for path in paths:
            self._client.log_artifact(self._id, str(path))
