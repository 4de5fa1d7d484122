"""Export of a model for transformers."""

from __future__ import annotations

from pathlib import Path

from evokit.data.vocabulary import gpt2_tokenizer
from evokit.interfaces import Context
from evokit_crystalline.gpt2.files import read_model, save_tensors
from evokit_crystalline.options import Transformers


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
