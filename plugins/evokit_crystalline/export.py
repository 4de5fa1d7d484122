"""Export of a model for transformers, and of the crystals that a search chose for other libraries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from evokit.data.vocabulary import gpt2_tokenizer
from evokit.interfaces import Context, Measured
from evokit_crystalline.crystals.saved import NAME, save_individuals
from evokit_crystalline.gpt2.files import read_model, save_tensors
from evokit_crystalline.options import LibraryFile, Transformers


def build_export(options: Transformers, context: Context) -> TransformersExport:
    """The export, which needs nothing of the run."""
    return TransformersExport()


class TransformersExport:
    """Writes a directory that ``transformers.GPT2LMHeadModel.from_pretrained`` loads."""

    def export(self, artifact: Path, out: Path) -> None:
        """Write ``config.json``, ``model.safetensors`` and the tokenizer's files to the directory ``out``.

        Args:
            artifact: What a contender for ``gpt2_loss`` wrote.
            out: Made if missing; ``transformers.GPT2LMHeadModel.from_pretrained`` loads it.
        """
        from transformers import GPT2Config

        tensors, sizes = read_model(artifact)
        out.mkdir(parents=True, exist_ok=True)
        config = GPT2Config(**sizes.to_config(), architectures=["GPT2LMHeadModel"])
        config.save_pretrained(out)
        save_tensors(tensors, out / "model.safetensors", {"format": "pt"})
        tokenizer = gpt2_tokenizer()
        tokenizer.model_max_length = sizes.n_positions
        tokenizer.save_pretrained(out)


@dataclass(frozen=True)
class LibraryExport:
    """The crystals of the best individuals as a file for libraries."""

    options: LibraryFile
    context: Context

    def export_measured(self, measured: Sequence[Measured], out: Path) -> None:
        """Write ``library.safetensors``, of as many individuals as the options say.

        Args:
            measured: Of a search.
            out: A directory, made if missing.
        """
        genome = self.context.genome
        best = {str(one.genes): one for one in sorted(measured, key=lambda one: one.evaluation.values[0])}
        chosen = list(best.values())[: self.options.individuals]
        out.mkdir(parents=True, exist_ok=True)
        layers = (genome.express(genome.from_json(one.genes)) for one in chosen)
        save_individuals(layers, out / NAME, getattr(self.context.fitness, "origin", ""))
