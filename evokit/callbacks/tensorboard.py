"""Callback ``tensorboard``: event files that TensorBoard shows."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evokit.callbacks.tracked import champion, figures, final_figures, parameters, place, words
from evokit.facts import EndFacts, GenerationFacts, RunFacts
from evokit.interfaces import Context

SUFFIX = ".evokit"  # of our files


@dataclass(frozen=True)
class Tensorboard:
    """Writes what a run reaches for ``tensorboard --logdir``: figures of each generation, its recipe, its champion.

    A run that is gone on with is written anew from its first generation, in place of what was there.

    Args:
        logdir: Where each run has a folder, by the name of its directory; null:
            ``tensorboard`` in the run directory.
    """

    logdir: Path | None = None

    @property
    def in_run(self) -> bool:
        """Whether what it writes goes with the run directory."""
        return self.logdir is None

    def build(self, context: Context) -> TensorboardWriter:
        return TensorboardWriter(self.logdir)


class TensorboardWriter:
    """The callback; errors are those of files.

    Args:
        logdir: As of ``Tensorboard``.
    """

    def __init__(self, logdir: Path | None) -> None:
        self._logdir = logdir
        self._writer: Any = None

    def run_started(self, run: RunFacts) -> None:
        from tensorboard.compat.proto.event_pb2 import SessionLog
        from tensorboard.summary.writer.event_file_writer import EventFileWriter

        folder = run.directory / "tensorboard" if self._logdir is None else self._logdir / place(run)
        for old in folder.glob(f"events.*{SUFFIX}"):
            old.unlink()
        self._writer = EventFileWriter(str(folder), filename_suffix=SUFFIX)
        # A reader that has the older files still drops what they have from this step on.
        self._add(session_log=SessionLog(status=SessionLog.START))
        told = parameters(run)
        self._add(summary=_hyperparameters(run.name, told))
        self._add(summary=_text("recipe", _table(told)))

    def generation_ended(self, run: RunFacts, generation: GenerationFacts) -> None:
        self._add(generation.generation, summary=_scalars(figures(generation)))

    def run_ended(self, run: RunFacts, end: EndFacts) -> None:
        step = max(end.summary["generations"] - 1, 0)
        found = {f"final/{key}": value for key, value in final_figures(run, end).items()}
        self._add(step, summary=_scalars(found))
        told = f"{_table(words(end))}\n\n```json\n{json.dumps(champion(run, end), indent=1, default=str)}\n```"
        self._add(step, summary=_text("champion", f"{told}\n\nRun directory: `{run.directory.absolute()}`"))
        self._add(step, summary=_end(end.status))
        self._writer.close()

    def _add(self, step: int = 0, **content: Any) -> None:
        from tensorboard.compat.proto.event_pb2 import Event

        self._writer.add_event(Event(wall_time=time.time(), step=step, **content))


def _scalars(values: dict[str, float]) -> Any:
    from tensorboard.compat.proto.summary_pb2 import Summary

    return Summary(value=[Summary.Value(tag=tag, simple_value=value) for tag, value in values.items()])


def _text(tag: str, markdown: str) -> Any:
    from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata
    from tensorboard.compat.proto.tensor_pb2 import TensorProto
    from tensorboard.compat.proto.tensor_shape_pb2 import TensorShapeProto
    from tensorboard.compat.proto.types_pb2 import DT_STRING

    metadata = SummaryMetadata(plugin_data=SummaryMetadata.PluginData(plugin_name="text"))
    shape = TensorShapeProto(dim=[TensorShapeProto.Dim(size=1)])
    tensor = TensorProto(dtype=DT_STRING, string_val=[markdown.encode()], tensor_shape=shape)
    return Summary(value=[Summary.Value(tag=f"{tag}/text_summary", metadata=metadata, tensor=tensor)])


def _hyperparameters(name: str, values: dict[str, Any]) -> Any:
    """The recipe for the tab of hyperparameters, which takes numbers, words and truth values."""
    from google.protobuf.struct_pb2 import Value
    from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData, SessionStartInfo

    start = SessionStartInfo(group_name=name, start_time_secs=time.time())
    for key, value in values.items():
        kind = "bool_value" if isinstance(value, bool) else "string_value" if isinstance(value, str) else "number_value"
        start.hparams[key].CopyFrom(Value(**{kind: value}))
    return _hparams("session_start_info", HParamsPluginData(session_start_info=start))


def _end(status: str) -> Any:
    from tensorboard.plugins.hparams.api_pb2 import STATUS_FAILURE, STATUS_SUCCESS
    from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData, SessionEndInfo

    how = STATUS_SUCCESS if status == "done" else STATUS_FAILURE
    end = SessionEndInfo(status=how, end_time_secs=time.time())
    return _hparams("session_end_info", HParamsPluginData(session_end_info=end))


def _hparams(tag: str, content: Any) -> Any:
    from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata

    plugin = SummaryMetadata.PluginData(plugin_name="hparams", content=content.SerializeToString())
    metadata = SummaryMetadata(plugin_data=plugin)
    return Summary(value=[Summary.Value(tag=f"_hparams_/{tag}", metadata=metadata)])


def _table(values: dict[str, Any]) -> str:
    return "\n".join(["| | |", "| --- | --- |", *(f"| {key} | {value} |" for key, value in values.items())])
