"""Callback ``wandb``: a run of Weights & Biases, offline unless the recipe says otherwise."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from evokit.callbacks.tracked import champion, figures, files, final_figures, parameters, words
from evokit.common.files import write_atomically
from evokit.facts import EndFacts, GenerationFacts, RunFacts
from evokit.interfaces import Context


@dataclass(frozen=True)
class Wandb:
    """Tells Weights & Biases of a run: recipe, figures of each generation, champion, its small files.

    Offline nothing leaves the machine: ``wandb sync`` sends it later. A run that is gone on with has the same id, which
    lies in ``wandb.txt`` of its directory; sync all its parts.

    Args:
        project: Name.
        entity: User or team; null: the account's own.
        mode: ``offline``, or ``online`` with an account.
        folder: Where the folder ``wandb`` is; null: the run directory.
    """

    project: str = "evokit"
    entity: str | None = None
    mode: Literal["offline", "online"] = "offline"
    folder: Path | None = None

    @property
    def in_run(self) -> bool:
        """Whether what it writes goes with the run directory."""
        return self.folder is None and self.mode == "offline"

    def build(self, context: Context) -> WandbRun:
        return WandbRun(self)


class WandbRun:
    """The callback; errors are those of Weights & Biases."""

    def __init__(self, options: Wandb) -> None:
        self._options = options
        self._run: Any = None
        self._begun = False  # whether what is replayed was told before

    def run_started(self, run: RunFacts) -> None:
        import wandb

        kept, options = run.directory / "wandb.txt", self._options
        self._begun = kept.exists()
        self._run = wandb.init(
            project=options.project,
            entity=options.entity,
            dir=str(options.folder or run.directory),
            mode=options.mode,
            id=kept.read_text().strip() if self._begun else None,
            resume="allow" if options.mode == "online" else None,
            name=run.name,
            config={**parameters(run), "directory": str(run.directory.absolute())},
            reinit="create_new",
            settings=wandb.Settings(console="off", silent=True, symlink=False),
        )
        write_atomically(kept, f"{self._run.id}\n".encode())

    def generation_ended(self, run: RunFacts, generation: GenerationFacts) -> None:
        if not (generation.replayed and self._begun):
            self._run.log(figures(generation), step=generation.generation)

    def run_ended(self, run: RunFacts, end: EndFacts) -> None:
        found = {f"final/{key}": value for key, value in final_figures(run, end).items()}
        try:
            self._run.summary.update({**found, **words(end), "champion": champion(run, end)})
            for path in files(run):
                self._run.save(str(path), base_path=str(run.directory), policy="now")
        finally:
            self._run.finish(exit_code=0 if end.status == "done" else 1)
