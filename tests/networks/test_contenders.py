import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from evokit.errors import UserError
from evokit.interfaces import Context
from evokit.networks.contenders import build_fixed
from evokit.networks.export import build_export
from evokit.networks.options import Adapters, FixedModule, ModuleState, Training
from evokit.streams import Streams
from tests.networks.nets import labelled, rows
from tests.networks.test_fitness import FEW, LINEAR, fitness

UNTRAINED = Training(steps=0)


def fixed(one, *parameters):
    return build_fixed(FixedModule(parameters or ({},)), Context(Streams(0), fitness=one))


def fitted(contender, scratch, seed=0, budget=None, place=0):
    setting = contender.settings(None)[place]
    return contender.fit(setting, seed, budget or contender.budgets[-1], scratch)


def test_the_network_that_is_scored_is_the_one_that_was_measured(tmp_path):
    contender = fixed(fitness(**LINEAR), {"ranks": [2, 1], "lr": 0.1})
    result = fitted(contender, tmp_path)
    assert contender.score(result.artifact, rows(seed=1)).mean() == pytest.approx(result.values[0], rel=1e-5)


def test_what_an_option_of_its_own_made_is_scored_with_it(tmp_path):
    contender = fixed(fitness(), {"width": 5})
    result = fitted(contender, tmp_path)
    assert contender.score(result.artifact, rows(seed=1)).mean() == pytest.approx(result.values[0], rel=1e-5)


def test_only_the_full_budget_leaves_a_model(tmp_path):
    assert fitted(fixed(one := fitness()), tmp_path, budget=one.budgets[0]).artifact == ""


def test_seeds_begin_elsewhere_than_the_search_and_each_other(tmp_path):
    one = fitness()
    contender = fixed(one)
    found = {fitted(contender, tmp_path / str(seed), seed).values for seed in (0, 1)}
    assert len(found | {next(iter(one.evaluate([{}], one.budgets[-1]))).values}) == 3
    assert not contender.deterministic


def test_what_is_not_trained_is_the_network_of_the_search(tmp_path):
    one = fitness(training=UNTRAINED)
    contender = fixed(one)
    assert contender.deterministic
    assert fitted(contender, tmp_path, 3).values == next(iter(one.evaluate([{}], one.budgets[-1]))).values


def test_a_score_is_one_value_a_unit(tmp_path, gpt2):
    contender = fixed(fitness(labelled, training=UNTRAINED, directory=gpt2, objectives=("accuracy",)))
    artifact = fitted(contender, tmp_path).artifact
    scores = contender.score(artifact, labelled(seed=5))
    assert (contender.goal, contender.unit) == ("max", "document")
    assert scores.shape == (6,)  # of pairs of texts, one of each class
    assert set(np.unique(scores)) <= {0.0, 0.5, 1.0}


def test_parameters_that_fit_nothing_are_told_before_the_search():
    with pytest.raises(UserError, match="did you mean 'width'"):
        fixed(fitness(), {"widht": 3})
    with pytest.raises(ValueError, match="the rank at body"):
        fixed(fitness(**LINEAR), {"ranks": 9})


def test_an_export_of_a_module_is_its_state(tmp_path):
    one = fitness(**LINEAR)
    artifact = fitted(fixed(one, {"ranks": 1}), tmp_path / "fit").artifact
    build_export(ModuleState(), Context(Streams(0), fitness=one)).export(artifact, tmp_path / "out")
    module = copy.deepcopy(one.individuals.base)
    module.load_state_dict(load_file(tmp_path / "out" / "model.safetensors"))


def test_an_export_of_a_directory_is_one_that_transformers_loads(tmp_path, gpt2):
    from transformers import AutoModelForSequenceClassification

    layers = (Adapters("h.*.mlp.c_*", "rank"),)
    training = replace(FEW, batch=2, lr=0.1)
    contender = fixed(one := fitness(labelled, directory=gpt2, layers=layers, training=training), {"rank": 2})
    result = fitted(contender, tmp_path / "fit")
    build_export(ModuleState(), Context(Streams(0), fitness=one)).export(result.artifact, tmp_path / "out")
    loaded = AutoModelForSequenceClassification.from_pretrained(tmp_path / "out").eval()
    tensors = load_file(result.artifact)
    name = "transformer.h.0.mlp.c_fc.weight"
    assert torch.equal(loaded.state_dict()[name], tensors[name])
    assert not torch.equal(tensors[name], one.individuals.base.state_dict()[name])
