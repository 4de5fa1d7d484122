"""A map of the hidden states, folded into the head, and the fitness that is refitted by it."""

import numpy as np
import pytest
import torch

from evokit_crystalline.baselines import build_closed_form
from evokit_crystalline.closed_form.basis import ANCHOR, CONTENT, basis
from evokit_crystalline.closed_form.fitted import ANCHOR_SIZE
from evokit_crystalline.closed_form.remap import _folded, _loss, _states, remapped
from evokit_crystalline.crystals.matrices import Dense, Zero
from evokit_crystalline.fitness import build_fitness
from evokit_crystalline.gpt2.measuring import Frame, mean_losses
from evokit_crystalline.gpt2.options import Continuous
from evokit_crystalline.gpt2.sizes import HEAD
from evokit_crystalline.options import ClosedForm, Gpt2Loss
from tests.plugins.crystalline.tiny import FITTED, fitted_context


def phenotype_of(seed):
    rng = np.random.default_rng(seed)
    return {name: Dense(0.3 * rng.normal(size=shape)) for name, shape in FITTED.slots().items()}


OFF = [Zero(shape) for shape in FITTED.slots().values()]


@pytest.fixture(scope="module")
def fitness(tmp_path_factory):
    options = Gpt2Loss(FITTED, tokens=512, rungs=(128,), block=16, continuous=Continuous(fit="unigram"))
    return build_fitness(options, fitted_context(directory=tmp_path_factory.mktemp("run")))


def embedded(fitness):
    """The fitness with random rows in embedding and head, so that a map has something to do."""
    generator = torch.Generator().manual_seed(0)
    content = torch.from_numpy(basis(16))[CONTENT:]
    parts = {name: part.to(torch.get_default_dtype()) for name, part in fitness.frame.parts.items()}
    for name in (HEAD, "transformer.wte.weight"):
        parts[name] = parts[name] + torch.randn(len(parts[name]), 8, generator=generator) @ content
    return Frame.of(FITTED, parts, "float32")


def test_a_folded_map_gives_the_loss_of_mapped_states(fitness, float64):
    frame, blocks = embedded(fitness), fitness.held_out.for_refits
    states = _states(frame, OFF, blocks)
    added = 0.1 * torch.randn(9, 8, generator=torch.Generator().manual_seed(1))
    folded = Frame.of(FITTED, {**frame.parts, HEAD: _folded(frame, added)}, "float32")
    expected = mean_losses(folded, [OFF], blocks)[0]
    directions = torch.from_numpy(basis(16))
    short = (1 - states.hidden @ directions[ANCHOR] / ANCHOR_SIZE).abs().max()  # of the one that the head reads
    per_one = (frame.parts[HEAD] @ directions[CONTENT:].T @ added[-1]).abs().max()
    assert abs(_loss(frame, states, added) - expected) <= 2 * short * per_one < 1e-3
    assert _loss(frame, states, torch.zeros(9, 8)) == pytest.approx(mean_losses(frame, [OFF], blocks)[0])


def test_the_map_lowers_the_loss_on_blocks_that_it_was_not_fitted_to(fitness):
    frame = embedded(fitness)
    parts = remapped(frame, OFF, fitness.held_out.for_refits)
    after = Frame.of(FITTED, parts, "float32")
    (before_loss,), (after_loss,) = (mean_losses(one, [OFF], fitness.held_out.for_crystals) for one in (frame, after))
    assert after_loss < before_loss - 0.1
    assert all(torch.equal(part, frame.parts[name]) for name, part in parts.items() if name != HEAD)


def test_where_no_map_is_better_on_the_blocks_left_out_there_is_none(fitness, monkeypatch):
    monkeypatch.setattr("evokit_crystalline.closed_form.remap.STEPS", (-1.0,))
    assert remapped(embedded(fitness), OFF, fitness.held_out.for_refits) is None


def test_the_refitted_fitness_asks_the_same_of_another_context(fitness):
    layers = phenotype_of(0)
    other = fitness.refitted(layers)
    assert other.context != fitness.context
    assert other.budgets == fitness.budgets
    np.testing.assert_array_equal(other.blocks.inputs, fitness.blocks.inputs)
    np.testing.assert_array_equal(other.fresh().blocks.inputs, fitness.fresh().blocks.inputs)
    assert other.fresh().frame is other.frame


def test_a_refit_is_the_same_for_all_who_read_the_run_directory(fitness, monkeypatch):
    first = fitness.refitted(phenotype_of(1))
    monkeypatch.setattr(
        "evokit_crystalline.closed_form.remap.remapped", lambda *_: pytest.fail("it was computed again")
    )
    assert fitness.refitted(phenotype_of(1)).context == first.context
    with pytest.raises(pytest.fail.Exception):
        fitness.refitted(phenotype_of(2))


def test_the_first_refits_read_blocks_of_their_own(fitness, monkeypatch):
    seen = []
    monkeypatch.setattr(
        "evokit_crystalline.closed_form.remap.remapped", lambda *args: seen.append(args[2].inputs) or args[0].parts
    )
    one = fitness
    for seed in range(3, 7):
        one = one.refitted(phenotype_of(seed))
    rows = [{tuple(row) for row in inputs.tolist()} for inputs in seen]
    assert all(a.isdisjoint(b) for i, a in enumerate(rows[:3]) for b in rows[:i])
    assert rows[3] == rows[0]


def test_without_a_closed_form_there_is_nothing_to_refit():
    assert build_fitness(Gpt2Loss(FITTED, tokens=512, block=16), fitted_context()).refitted is None


def test_validation_decides_how_many_maps_a_model_has(fitness, tmp_path):
    contender = build_closed_form(ClosedForm(remaps=2), fitted_context(fitness=fitness, genome=None))
    settings = contender.settings(None)
    assert settings == [{"crystals": "zero", "remaps": n} for n in range(3)]
    off = {name: Zero(shape) for name, shape in FITTED.slots().items()}
    twice = fitness.refitted(off).refitted(off)
    (measured,) = twice.evaluate([off], 512)
    assert contender.fit(settings[2], 0, 512, tmp_path).values == measured.values  # products with zeros are exact


def test_what_is_mapped_is_tried_without_it_as_well(fitness, tmp_path):
    mapped, plain = (
        build_closed_form(ClosedForm(remaps=n), fitted_context(fitness=fitness, genome=None)) for n in (1, 0)
    )
    assert plain.variants() == {}
    off = mapped.settings(None)[1] | dict(mapped.variants()["not refitted"].keys)
    assert off in mapped.settings(None)  # so that the cache answers for it
    found = mapped.fit(off, 0, 512, tmp_path / "off").values
    assert found == plain.fit(plain.settings(None)[0], 0, 512, tmp_path / "plain").values
