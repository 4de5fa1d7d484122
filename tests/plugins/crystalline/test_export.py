"""Export for transformers."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch.nn import functional

from evokit.data.text import EOS, document_blocks
from evokit.data.vocabulary import escaped_text
from evokit.interfaces import Evaluation, Measured
from evokit.streams import Streams
from evokit_crystalline.crystals.saved import read_saved
from evokit_crystalline.export import LibraryExport, TransformersExport
from evokit_crystalline.fitness import build_fitness
from evokit_crystalline.gpt2.files import save_model
from evokit_crystalline.gpt2.options import Continuous
from evokit_crystalline.models import ModelContender, assembled
from evokit_crystalline.options import Gpt2Loss, LibraryFile
from tests.plugins.crystalline.tiny import (
    FITTED,
    ONE_LOSS,
    SIZES,
    context,
    documents,
    fitted_context,
    learned_genome,
    markov,
    phenotype,
)


def test_a_library_holds_the_best_individuals_each_once(tmp_path):
    """Genes are the seeds of normal phenotypes here; their losses, out of order."""
    genome = SimpleNamespace(from_json=int, express=phenotype)
    fitness = SimpleNamespace(origin="how it was made")
    measured = [Measured(genes, Evaluation((loss,))) for genes, loss in ((0, 5.0), (1, 4.0), (2, 4.5), (1, 4.0))]
    export = LibraryExport(LibraryFile(individuals=2), context(genome=genome, fitness=fitness))
    export.export_measured(measured, tmp_path / "library")
    saved = read_saved(tmp_path / "library" / "library.safetensors")
    assert len(saved.arrangements) == 2
    assert saved.beside == "how it was made"
    for arrangement, seed in zip(saved.arrangements, (1, 2), strict=True):
        for name, matrix in phenotype(seed).items():
            assert saved.sets[arrangement[name]][matrix.shape].dense().tolist() == matrix.dense().tolist()


@pytest.fixture
def exported(float64, tmp_path):
    path = tmp_path
    fitness = build_fitness(Gpt2Loss(SIZES, tokens=128, block=16), context())
    matrices = {f"{slot}.weight": matrix.dense() for slot, matrix in phenotype(0).items()}
    save_model({**fitness.frame.parts, **matrices}, SIZES, path / "model.safetensors")
    TransformersExport().export(path / "model.safetensors", path / "out")
    return fitness, path


def transformers_score(folder, split):
    """Mean cross-entropy of each document, by transformers' own model in ``folder``; of equally long documents."""
    from transformers import GPT2LMHeadModel

    blocks = document_blocks(split, 16)
    model = GPT2LMHeadModel.from_pretrained(folder).eval()
    with torch.no_grad():
        logits = model(torch.from_numpy(blocks.inputs)).logits.flatten(0, 1)
    losses = functional.cross_entropy(logits, torch.from_numpy(blocks.targets).flatten(), reduction="none")
    return np.bincount(blocks.documents, losses.view(len(blocks), -1).sum(1).numpy()) / len(split.document(0))


def test_transformers_repeats_the_score(exported):
    fitness, path = exported
    split = documents(3, tokens=45, seed=9)
    expected = transformers_score(path / "out", split)
    assert ModelContender(fitness).score(path / "model.safetensors", split) == pytest.approx(expected, rel=ONE_LOSS)


def test_transformers_repeats_the_score_of_a_closed_form_with_learned_crystals(float64, tmp_path):
    options = Gpt2Loss(FITTED, tokens=256, block=16, continuous=Continuous(fit="bigram_newton"))
    fitness = build_fitness(options, fitted_context())
    genome = learned_genome(fitness, 4)
    model = assembled(fitness, genome.express(np.array([1, 1, 1, 1, 3, 3, 0, 0])))
    save_model(model, FITTED, tmp_path / "model.safetensors")
    TransformersExport().export(tmp_path / "model.safetensors", tmp_path / "out")
    split = markov(3, tokens=45, seed=9)
    found = ModelContender(fitness).score(tmp_path / "model.safetensors", split)
    assert found == pytest.approx(transformers_score(tmp_path / "out", split))


def test_transformers_writes_the_same_text(exported):
    from transformers import GPT2LMHeadModel

    fitness, path = exported
    told = ModelContender(fitness).inspect(path / "model.safetensors")["sample"]
    model = GPT2LMHeadModel.from_pretrained(path / "out").eval()
    rng, text = Streams(0).at("gpt2_loss", "sample").numpy(), [EOS, *fitness.validation.document(0)[:8]]
    for luck in rng.random(told["n_tokens"]):
        with torch.no_grad():
            logits = model(torch.tensor([text])).logits[0, -1] / told["temperature"]
        best = logits.sort(descending=True, stable=True).indices[: told["top_k"]]
        chances = logits[best].softmax(0).cumsum(0)
        text.append(int(best[(chances <= luck).sum()]))
    assert escaped_text(text[9:]) == told["text"]


def test_the_tokenizer_comes_with_the_model(exported):
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(exported[1] / "out")
    assert tokenizer("Hello world").input_ids == [15496, 995]
    assert tokenizer.model_max_length == SIZES.n_positions
