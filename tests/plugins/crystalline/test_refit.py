"""The closed-form refit of the head."""

import pytest
import torch

from evokit_crystalline.assemble import ClosedFormModel
from evokit_crystalline.matrices import Zero
from evokit_crystalline.measuring import Frame, mean_losses
from evokit_crystalline.options import ClosedForm, Continuous, Gpt2Loss
from evokit_crystalline.refit import refitted_head
from evokit_crystalline.sizes import HEAD
from tests.plugins.crystalline.tiny import FITTED, fitted_context


@pytest.fixture(scope="module")
def fitness(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EVOKIT_CACHE", str(tmp_path_factory.mktemp("cache")))
        options = Gpt2Loss(FITTED, tokens=512, block=16, continuous=Continuous(fit="bigram_svd"))
        return options.build(fitted_context())


def test_the_refit_lowers_the_loss_of_what_it_was_fitted_to_and_changes_the_head_alone(fitness):
    off = [Zero(shape) for shape in FITTED.slots().values()]
    parts = refitted_head(fitness.frame, off, fitness.held_out.lessons, 5.0)
    after = Frame.of(FITTED, parts, "float32")
    (before_loss,), (after_loss,) = (mean_losses(f, [off], fitness.held_out.lessons) for f in (fitness.frame, after))
    assert after_loss < before_loss - 0.01
    assert all(torch.equal(part, fitness.frame.parts[name]) for name, part in parts.items() if name != HEAD)


def test_validation_decides_between_refits(fitness, tmp_path):
    contender = ClosedForm(refit=(5.0,)).build(fitted_context(fitness=fitness, genome=None))
    assert isinstance(contender, ClosedFormModel)
    settings = contender.settings(None)
    assert settings == [{"crystals": "zero"}, {"crystals": "zero", "refit": 5.0}]
    plain, refitted = (contender.fit(one, 0, 512, tmp_path / str(i)) for i, one in enumerate(settings))
    (measured,) = fitness.evaluate([{name: Zero(shape) for name, shape in FITTED.slots().items()}], 512)
    assert plain.values == pytest.approx(measured.values, rel=1e-5)
    assert refitted.values != plain.values


def test_what_is_refitted_is_finished_without_it_as_well(fitness):
    with_refit, without = (
        ClosedForm(refit=refit).build(fitted_context(fitness=fitness, genome=None)) for refit in ((5.0,), ())
    )
    assert with_refit.variants()["not refitted"].keys == {"refit": None}
    assert without.variants() == {}


def test_a_model_that_is_not_refitted_is_the_plain_one(fitness, tmp_path):
    contender = ClosedForm(refit=(5.0,)).build(fitted_context(fitness=fitness, genome=None))
    plain = contender.settings(None)[0]
    again = plain | dict(contender.variants()["not refitted"].keys)
    first, second = (contender.fit(one, 0, 512, tmp_path / str(i)) for i, one in enumerate((plain, again)))
    assert first.values == second.values
