"""The champion as a model."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from evokit.data.text import EOS, join_documents
from evokit.data.vocabulary import escaped_text
from evokit.interfaces import Individual, Score
from evokit.streams import Streams
from evokit_crystalline.final import build_champion
from evokit_crystalline.fitness import build_fitness
from evokit_crystalline.genome import build_genome
from evokit_crystalline.gpt2.files import read_model
from evokit_crystalline.gpt2.sampling import sampled
from evokit_crystalline.gpt2.sizes import HEAD
from evokit_crystalline.options import AdamW, Assemble, Crystalline, Gpt2Loss
from tests.plugins.crystalline.tiny import ONE_LOSS, SIZES, context, documents, fitted_context


def made():
    fitness = build_fitness(Gpt2Loss(SIZES, tokens=128, block=16), context())
    genome = build_genome(Crystalline(), context(fitness=fitness))
    genes = genome.random(np.random.default_rng(0))
    return fitness, genome, Individual(genes, "key", Score((-1.0,)))


@pytest.fixture(scope="module")
def parts():
    return made()


@pytest.fixture
def contender(parts):
    fitness, genome, _ = parts
    return build_champion(Assemble(), context(fitness=fitness, genome=genome))


def test_the_model_has_the_champions_loss(float64, tmp_path):
    fitness, genome, best = made()
    contender = build_champion(Assemble(), context(fitness=fitness, genome=genome))
    (setting,) = contender.settings(best)
    result = contender.fit(setting, 0, 128, tmp_path)
    (measured,) = fitness.evaluate([genome.express(best.genes)], 128)
    assert result.values == pytest.approx(measured.values, rel=ONE_LOSS)
    assert result.work == 128


def test_the_file_holds_the_matrices_and_the_continuous_parts(parts, contender, tmp_path):
    fitness, genome, best = parts
    tensors, sizes = read_model(contender.fit(contender.settings(best)[0], 0, 128, tmp_path).artifact)
    assert sizes == SIZES
    layers = genome.express(best.genes)
    assert all((tensors[f"{slot}.weight"] == layers[slot].dense()).all() for slot in fitness.slots)
    assert all((tensors[name] == part).all() for name, part in fitness.frame.parts.items())


def test_a_score_reads_so_many_blocks_of_each_document(parts, contender, tmp_path):
    fitness, genome, best = parts
    artifact = contender.fit(contender.settings(best)[0], 0, 128, tmp_path).artifact
    limited = build_fitness(replace(fitness.options, final_blocks_per_document=2), context())
    split = documents(3, tokens=50, seed=5)
    cut = documents(3, tokens=50, seed=5)
    short = type(cut)(np.concatenate([cut.document(i)[:32] for i in range(3)]), np.arange(4) * 32, cut.names)
    scores = build_champion(Assemble(), context(fitness=limited, genome=genome)).score(artifact, split)
    assert scores.tolist() == contender.score(artifact, short).tolist()  # of the same blocks in the same groups


def test_documents_of_one_unit_have_one_score_the_mean_over_their_tokens(parts, contender, tmp_path):
    _, _, best = parts
    artifact = contender.fit(contender.settings(best)[0], 0, 128, tmp_path).artifact
    split = join_documents([documents(1, tokens, seed=5).tokens for tokens in (30, 10, 20)], ["a", "b", "c"])
    each = contender.score(artifact, split)
    scores = contender.score(artifact, replace(split, groups=np.array([7, 3, 7])))
    assert scores == pytest.approx([(30 * each[0] + 20 * each[2]) / 50, each[1]])


def test_losses_by_position_average_to_the_validation_loss(float64, tmp_path):
    fitness, genome, best = made()
    contender = build_champion(Assemble(), context(fitness=fitness, genome=genome))
    result = contender.fit(contender.settings(best)[0], 0, 128, tmp_path)
    losses = contender.inspect(Path(result.artifact))["loss_by_position"]
    assert len(losses) == 16
    assert np.mean(losses) == pytest.approx(result.values[0], rel=ONE_LOSS)


def test_an_inspection_is_the_same_twice_and_tells_what_was_sampled(parts, contender, tmp_path):
    fitness, _, best = parts
    artifact = Path(contender.fit(contender.settings(best)[0], 0, 128, tmp_path).artifact)
    found = contender.inspect(artifact)
    assert json.dumps(found) == json.dumps(contender.inspect(artifact))
    sample = found["sample"]
    assert sample["document"] == fitness.validation.names[0]
    assert sample["prompt"] == escaped_text(fitness.validation.document(0)[:8])  # half a block
    assert sample["n_tokens"] == 8  # the other half
    frame, layers = contender.frame(read_model(artifact)[0], "float32"), contender.layers(read_model(artifact)[0])
    rng = Streams(0).at("gpt2_loss", "sample").numpy()
    read = np.array([EOS, *fitness.validation.document(0)[:8]])
    assert sample["text"] == escaped_text(sampled(frame, layers, read, 8, temperature=0.8, top_k=40, rng=rng))


def test_without_a_champion_there_is_nothing_to_assemble(contender):
    with pytest.raises(ValueError, match="there is no champion to assemble"):
        contender.settings(None)


def test_a_rehearsal_tells_the_size_of_the_model(contender, parts, tmp_path):
    seconds, size = contender.rehearse(tmp_path / "rehearsal")
    result = contender.fit(contender.settings(parts[2])[0], 0, 128, tmp_path)
    assert seconds > 0
    assert size == pytest.approx((tmp_path / result.artifact).stat().st_size, rel=1e-3)


def test_the_crystals_stay_and_the_parts_learn(learned_parts, tmp_path):
    fitness, genome, best = learned_parts
    contender = build_champion(
        Assemble(hybrid=AdamW(steps=4, lr=(1e-2,), batch=4)), fitted_context(fitness=fitness, genome=genome)
    )
    (setting,) = contender.settings(best)
    result = contender.fit(setting, 0, contender.budgets[-1], tmp_path)
    tensors, sizes = read_model(result.artifact)
    layers = genome.express(best.genes)
    assert not sizes.tied
    assert all(torch.equal(tensors[f"{slot}.weight"], layers[slot].dense()) for slot in fitness.slots)
    learned = {HEAD, "transformer.wte.weight"}
    for name, part in fitness.frame.parts.items():  # positions and norms stay, as crystals rely on them
        if name in learned:
            assert (tensors[name] - part).abs().max() > 5e-3  # half a step
        else:
            assert torch.equal(tensors[name], part)
    with pytest.raises(ValueError, match="there is no champion to train on"):
        contender.settings(None)
