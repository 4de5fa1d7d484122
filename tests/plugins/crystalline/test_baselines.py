"""AdamW as a contender, and the closed form."""

import logging
import math

import numpy as np
import pytest
import torch

from evokit.errors import UserError
from evokit_crystalline import baselines
from evokit_crystalline.baselines import AdamWContender, build_adamw
from evokit_crystalline.fitness import build_fitness
from evokit_crystalline.gpt2.files import read_model
from evokit_crystalline.gpt2.measuring import mean_losses
from evokit_crystalline.gpt2.sizes import HEAD
from evokit_crystalline.options import AdamW, Gpt2Loss, Muon
from tests.plugins.crystalline.tiny import SIZES, context, documents, fitted_context, fitted_with_crystals

FITNESS = build_fitness(Gpt2Loss(SIZES, tokens=128, block=16), context())
OPTIONS = AdamW(steps=12, rungs=(4,), lr=(3e-2,), batch=3)
STEP = 3 * 16  # tokens read


@pytest.fixture(params=[AdamW, Muon], ids=["adamw", "muon"])
def contender(request):
    return AdamWContender(request.param(**vars(OPTIONS)), FITNESS, documents(seed=1))


def trained(contender, scratch, budget=12 * STEP, setting=None, seed=0):
    result = contender.fit(setting or contender.settings(None)[0], seed, budget, scratch)
    return result, read_model(result.artifact)[0]


def equal(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def test_training_lowers_the_validation_loss(contender, tmp_path):
    result, _ = trained(contender, tmp_path)
    assert result.values[0] < math.log(50257) - 1
    assert result.metrics.keys() == {"perplexity", "padded_loss"}
    assert result.work == 12 * STEP


def test_a_seed_repeats_bit_for_bit_and_another_differs(contender, tmp_path):
    _, a = trained(contender, tmp_path / "a")
    _, b = trained(contender, tmp_path / "b")
    _, other = trained(contender, tmp_path / "c", seed=1)
    assert equal(a, b)
    assert not equal(a, other)


def test_a_higher_budget_continues_a_lower_one_and_counts_what_it_adds(contender, tmp_path):
    straight, expected = trained(contender, tmp_path / "straight")
    rung, _ = trained(contender, tmp_path / "rungs", budget=4 * STEP)
    assert rung.metrics.keys() == {"perplexity"}
    continued, tensors = trained(contender, tmp_path / "rungs")
    assert equal(tensors, expected)
    assert continued.values == straight.values
    assert continued.work == 8 * STEP


def test_a_killed_run_goes_on_to_the_same_bits(contender, tmp_path, monkeypatch):
    _, expected = trained(contender, tmp_path / "whole")
    update = baselines.Training.update
    monkeypatch.setattr(baselines, "SAVE_EVERY_S", 0.0)

    def killed(training, *args):
        if training.step == 7:
            raise KeyboardInterrupt
        return update(training, *args)

    monkeypatch.setattr(baselines.Training, "update", killed)
    with pytest.raises(KeyboardInterrupt):
        trained(contender, tmp_path / "killed")

    steps = []
    monkeypatch.setattr(
        baselines.Training, "update", lambda self, *args: steps.append(self.step) or update(self, *args)
    )
    result, tensors = trained(contender, tmp_path / "killed")
    assert steps == [7, 8, 9, 10, 11]
    assert equal(tensors, expected)
    assert result.work == 12 * STEP


def test_the_state_of_another_training_is_not_continued(contender, tmp_path):
    _, expected = trained(contender, tmp_path / "alone", seed=1)
    trained(contender, tmp_path / "used", budget=4 * STEP)
    _, tensors = trained(contender, tmp_path / "used", seed=1)
    assert equal(tensors, expected)


def test_muon_turns_gradients_of_the_layers_matrices_to_orthogonal_steps(tmp_path):
    """A step from momentum zero is -lr 0.2 sqrt(larger side) times a matrix whose singular values are mostly near 1."""
    training, *others = (
        AdamWContender(kind(**vars(OPTIONS)), FITNESS, documents(seed=1)).start(
            {"lr": 1.0, "weight_decay": 0.0, "schedule": "constant"}, 0, tmp_path
        )
        for kind in (Muon, AdamW)
    )
    before = {name: tensor.clone() for name, tensor in training.tensors.items()}
    matrices = {f"{slot}.weight" for slot in FITNESS.slots}
    blocks = AdamWContender(OPTIONS, FITNESS, documents(seed=1))._batch(0, 0)
    for one in (training, *others):
        one.update(blocks, 1e-2)
    assert matrices < before.keys()
    for name, tensor in training.tensors.items():
        if name in matrices:
            values = torch.linalg.svdvals(tensor - before[name]) / (1e-2 * 0.2 * math.sqrt(max(tensor.shape)))
            assert values.median() > 0.6, name  # the smallest need more than its five iterations
            assert values.max() < 1.3, name
        else:
            assert torch.equal(tensor, others[0].tensors[name]), name


def test_muon_of_a_torch_without_it_is_a_sentence(monkeypatch):
    monkeypatch.delattr(torch.optim, "Muon")
    AdamWContender(OPTIONS, FITNESS, documents(seed=1))
    with pytest.raises(UserError, match=r"baseline muon: needs torch 2\.9 or newer, this is"):
        AdamWContender(Muon(**vars(OPTIONS)), FITNESS, documents(seed=1))


def test_a_training_that_diverges_says_so(contender, tmp_path):
    setting = contender.settings(None)[0] | {"lr": 1e38}
    result = contender.fit(setting, 0, 12 * STEP, tmp_path)
    assert (result.outcome, result.values) == ("diverged", ())
    assert 0 < result.work < 12 * STEP


def test_an_epoch_reads_each_block_once(contender):
    n = len(contender._blocks) // 3
    read = np.concatenate([contender._batch(0, step).inputs for step in range(n)])
    assert len({block.tobytes() for block in read}) == 3 * n


def test_settings_are_the_grid(contender):
    options = AdamW(lr=(1e-3, 3e-3), weight_decay=(0.0, 0.1), schedule=("constant", "cosine"))
    assert len(AdamWContender(options, FITNESS, documents(seed=1)).settings(None)) == 8
    assert contender.settings(None) == [{"lr": 3e-2, "weight_decay": 0.01, "schedule": "constant"}]


def test_progress_is_reported(contender, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(baselines, "REPORT_EVERY_S", 0.0)
    with caplog.at_level(logging.INFO, "evokit"):
        trained(contender, tmp_path)
    assert f"{type(contender.options).__name__} step 12/12, loss " in caplog.text


def test_a_score_is_a_mean_per_document(contender, tmp_path):
    result, _ = trained(contender, tmp_path, budget=4 * STEP)
    scores = contender.score(result.artifact, documents(5, tokens=40, seed=7))
    assert scores.shape == (5,)
    assert (np.abs(scores - math.log(50257)) < 3).all()


def test_a_budget_off_the_ladder_is_an_error(contender, tmp_path):
    with pytest.raises(ValueError, match="budget must be one of"):
        contender.fit(contender.settings(None)[0], 0, 5, tmp_path)


def test_training_text_shorter_than_a_batch_is_an_error():
    with pytest.raises(UserError, match="the training split has 1 blocks, less than a batch"):
        AdamWContender(OPTIONS, FITNESS, documents(1, tokens=16))


def test_rungs_beyond_the_steps_are_an_error():
    with pytest.raises(ValueError, match="rungs must ascend and stay below steps"):
        AdamW(steps=10, rungs=(20,))


def test_a_rehearsal_leaves_no_model_and_scales_with_the_steps(tmp_path):
    fitness = build_fitness(Gpt2Loss(SIZES, tokens=128, block=16), context())
    short, long = (build_adamw(AdamW(steps=steps, batch=2), context(fitness=fitness)) for steps in (2, 2000))
    assert long.rehearse(tmp_path)[0] > short.rehearse(tmp_path)[0]
    assert list(tmp_path.iterdir()) == []


def test_adamw_from_the_fitness_starts_at_the_loss_of_the_parts_alone(float64, tmp_path):
    fitness, genome = fitted_with_crystals()
    contender = build_adamw(AdamW(steps=1, start="fitness", batch=4), fitted_context(fitness=fitness))
    training = contender.start(contender.settings(None)[0], 0, tmp_path / "state")
    off = [genome.express(np.zeros(8, int))[name] for name in fitness.slots]
    blocks = contender._batch(0, 0)
    assert training.update(blocks, 0.0) == pytest.approx(mean_losses(fitness.frame, [off], blocks)[0])
    (zeros,) = fitness.mean_losses([off], 256)
    assert contender.validated(training.tensors, 0, padded=False).values[0] == pytest.approx(zeros)


def test_a_random_start_may_be_tied_whatever_the_fitness_is(learned_parts, tmp_path):
    fitness, _, _ = learned_parts
    contender = build_adamw(AdamW(steps=1, tied=True, batch=4), fitted_context(fitness=fitness))
    result = contender.fit(contender.settings(None)[0], 0, contender.budgets[-1], tmp_path)
    tensors, sizes = read_model(result.artifact)
    assert sizes.tied
    assert HEAD not in tensors
    assert contender.score(result.artifact, fitness.validation).shape == (4,)


def test_a_tied_start_from_the_fitness_is_refused():
    with pytest.raises(ValueError, match="tied belongs to start: random"):
        AdamW(start="fitness", tied=True)
