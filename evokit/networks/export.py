"""The champion's network as files that its own code loads."""

from __future__ import annotations

import shutil
from pathlib import Path

from safetensors.torch import load_file

from evokit.interfaces import Context
from evokit.networks.contenders import overrides_of
from evokit.networks.fitness import ModuleFitness
from evokit.networks.options import ModuleState


def build_export(options: ModuleState, context: Context) -> ModuleExport:
    """The export of a run."""
    return ModuleExport(context.fitness)


class ModuleExport:
    """Writes a network's state; of a model directory one that ``from_pretrained`` loads.

    Args:
        fitness: What it was measured with.
    """

    def __init__(self, fitness: ModuleFitness) -> None:
        self._fitness = fitness

    def export(self, artifact: Path, out: Path) -> None:
        """Write the files.

        Args:
            artifact: What a contender wrote.
            out: A directory, made if missing.
        """
        out.mkdir(parents=True, exist_ok=True)
        if self._fitness.options.module:
            shutil.copyfile(artifact, out / "model.safetensors")
            return
        module = self._fitness.individuals.clean(overrides_of(artifact))
        module.load_state_dict(load_file(artifact))
        module.save_pretrained(out)  # type: ignore[operator] # a model of transformers
