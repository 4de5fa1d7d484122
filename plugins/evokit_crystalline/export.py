"""Export of a finished model for transformers."""

from __future__ import annotations

from pathlib import Path

from evokit.data.vocabulary import gpt2_tokenizer
from evokit_crystalline.finished import read_model, save_tensors


def export_transformers(artifact: Path, out: Path) -> None:
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
