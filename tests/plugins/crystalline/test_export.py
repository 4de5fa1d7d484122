"""Export for transformers."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from evokit.data.text import document_blocks
from evokit_crystalline.assemble import assembled
from evokit_crystalline.finished import FinishedModels, save_model
from evokit_crystalline.genome import Crystalline
from evokit_crystalline.library import LibraryOptions
from evokit_crystalline.options import Continuous, Gpt2Loss, Transformers
from tests.plugins.crystalline.tiny import (
    FITTED,
    ONE_LOSS,
    SIZES,
    context,
    documents,
    fitted_context,
    markov,
    phenotype,
)


@pytest.fixture
def exported(float64, tmp_path):
    path = tmp_path
    fitness = Gpt2Loss(SIZES, tokens=128, block=16).build(context())
    matrices = {f"{slot}.weight": matrix.dense() for slot, matrix in phenotype(0).items()}
    save_model({**fitness.frame.parts, **matrices}, SIZES, path / "model.safetensors")
    Transformers().export(path / "model.safetensors", path / "out")
    return fitness, path


def test_transformers_repeats_the_score(exported):
    from transformers import GPT2LMHeadModel

    fitness, path = exported
    split = documents(3, tokens=45, seed=9)
    blocks = document_blocks(split, 16)
    model = GPT2LMHeadModel.from_pretrained(path / "out").eval()
    with torch.no_grad():
        logits = model(torch.from_numpy(blocks.inputs)).logits.flatten(0, 1)
    losses = functional.cross_entropy(logits, torch.from_numpy(blocks.targets).flatten(), reduction="none")
    expected = np.bincount(blocks.documents, losses.view(len(blocks), -1).sum(1).numpy()) / 45
    assert FinishedModels(fitness).score(path / "model.safetensors", split) == pytest.approx(expected, rel=ONE_LOSS)


def test_transformers_repeats_the_score_of_a_closed_form_with_learned_crystals(float64, tmp_path, monkeypatch):
    from transformers import GPT2LMHeadModel

    monkeypatch.setenv("EVOKIT_CACHE", str(tmp_path / "cache"))
    options = Gpt2Loss(FITTED, tokens=256, block=16, continuous=Continuous(fit="bigram_newton"))
    fitness = options.build(fitted_context())
    genome = Crystalline(LibraryOptions(size=4, kinds=("zero", "learned"))).build(fitted_context(fitness=fitness))
    model = assembled(fitness, genome.express(np.array([1, 1, 1, 1, 3, 3, 0, 0])))
    save_model(model, FITTED, tmp_path / "model.safetensors")
    Transformers().export(tmp_path / "model.safetensors", tmp_path / "out")
    split = markov(3, tokens=45, seed=9)
    blocks = document_blocks(split, 16)
    theirs = GPT2LMHeadModel.from_pretrained(tmp_path / "out").eval()
    with torch.no_grad():
        logits = theirs(torch.from_numpy(blocks.inputs)).logits.flatten(0, 1)
    losses = functional.cross_entropy(logits, torch.from_numpy(blocks.targets).flatten(), reduction="none")
    expected = np.bincount(blocks.documents, losses.view(len(blocks), -1).sum(1).numpy()) / 45
    found = FinishedModels(fitness).score(tmp_path / "model.safetensors", split)
    assert found == pytest.approx(expected)


def test_the_tokenizer_comes_with_the_model(exported):
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(exported[1] / "out")
    assert tokenizer("Hello world").input_ids == [15496, 995]
    assert tokenizer.model_max_length == SIZES.n_positions
