from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from evokit.contracts.global_generators import global_states
from evokit.errors import UserError
from evokit.interfaces import Context
from evokit.networks.options import OwnModule
from evokit.streams import Streams
from evokit_optimizers.baselines import build_tuned
from evokit_optimizers.fitness import build_fitness
from evokit_optimizers.options import TrainedAccuracy
from evokit_optimizers.rivals import Sgd
from evokit_optimizers.rules.known import KNOWN
from evokit_optimizers.rules.rule import Rule
from evokit_optimizers.tasks.module import ModuleTask
from evokit_optimizers.tasks.options import Language, OneTask
from evokit_optimizers.training.method import Evolved
from evokit_optimizers.training.trainer import Trainer
from evokit_optimizers.training.training import Training
from tests.networks.nets import gpt2_in, labelled, pictures, rows, texts

NETS = "tests.networks.nets"
OPTIONS = TrainedAccuracy(
    module=f"{NETS}:Pictures", steps=6, rungs=(3,), seeds=2, batch=4, check_every=2, language=Language(length=8)
)
SGD = Rule((("GRAD", 1.0),), lr=0.1)


def fitness(side=pictures, **changes):
    options = replace(OPTIONS, **changes)
    return build_fitness(options, Context(Streams(0), train=side(), validation=side(seed=1), data_digest="d"))


def task(frozen=(), name="Pictures"):
    return ModuleTask("set", OwnModule(f"{NETS}:{name}", frozen=frozen), pictures(), pictures(seed=1), 4, 8, "cpu")


def evaluated(one, *rules, budget=None):
    return list(one.evaluate([KNOWN[name] for name in rules], budget or one.budgets[-1]))


def test_values_are_the_same_alone_in_company_and_after_a_lower_budget():
    one, before = fitness(), global_states()
    together = evaluated(one, "adam", "sgd")
    assert global_states() == before
    again = fitness()
    evaluated(again, "sgd", budget=again.budgets[0])
    assert evaluated(again, "sgd") + evaluated(again, "adam") == together[::-1]
    assert [evaluation.work for evaluation in together] == [12, 12]


def test_a_step_of_gradient_descent_is_torchs():
    one, streams = task(), Streams(5)
    training = Training(one, Evolved(SGD), streams, 10)
    module = one.network.module
    theirs = [piece.clone().requires_grad_() for piece in one.network.pieces(training.parameters)]
    chosen = training.next_batch()
    training.advance(1)
    statistics = one.network.statistics()
    logits = one._train.outputs(one.network.called(theirs, statistics, training=True), module, chosen)
    F.cross_entropy(logits, one._train.targets[chosen]).backward()
    expected = torch.cat([(piece - 0.1 * piece.grad).reshape(-1) for piece in theirs])
    assert torch.allclose(training.parameters, expected, atol=1e-6)
    assert torch.equal(training.statistics["norm.running_mean"], statistics["norm.running_mean"])
    assert not torch.equal(statistics["norm.running_mean"], one.network.statistics()["norm.running_mean"])


def test_only_what_is_not_frozen_is_trained():
    one = task(frozen=("conv", "norm"))
    assert [parameter.name for parameter in one.network.parameters] == ["head.weight", "head.bias"]
    assert one.network.n_parameters == 8 * 2 + 2
    with pytest.raises(ValueError, match="all of it is frozen"):
        task(frozen=("*",))


def test_starts_are_the_modules_own_and_one_a_seed():
    network = task().network
    first, same, other = (network.initial(torch.Generator().manual_seed(seed)) for seed in (0, 0, 1))
    assert torch.equal(first, same)
    assert not torch.equal(first, other)
    assert torch.equal(first[22:24], torch.zeros(2))  # the normalisation's bias


@pytest.mark.parametrize("side", [labelled, texts])
def test_a_model_directory_learns_texts(side, tmp_path):
    one = fitness(side, module=OwnModule(directory=gpt2_in(tmp_path)), batch=2, steps=2, rungs=(), seeds=1)
    (evaluation,) = evaluated(one, "adam")
    assert evaluation.ok
    contender = build_tuned(Sgd(), Context(Streams(0), fitness=one))
    assert contender.unit == "document"


def test_a_contender_is_scored_by_unit(tmp_path):
    one = fitness()
    contender = build_tuned(Sgd(), Context(Streams(0), fitness=one))
    fitted = contender.fit(contender.settings(None)[0], 0, one.budgets[-1], tmp_path)
    test = pictures(12, seed=4)
    scores = contender.score(fitted.artifact, test)
    assert scores.shape == (12,)
    assert set(np.unique(scores)) <= {0.0, 0.5, 1.0}  # the mean of two networks


def test_muon_takes_the_matrices_between_the_first_and_the_last():
    assert [one.name for one in task(name="Deep").network.parameters if one.group == "hidden"] == ["body.1.weight"]


def test_a_parameter_that_is_not_used_stays_where_it_is():
    one = task(name="Deep")
    outcome = Trainer([one]).train(Evolved(SGD), [Streams(0)], 2, 2)
    where = [parameter.name for parameter in one.network.parameters].index("unused")
    assert one.network.pieces(outcome.networks[0].parameters)[where] == 7.0


@pytest.mark.parametrize(
    ("side", "changes", "error", "said"),
    [
        (rows, {"module": f"{NETS}:Net"}, ValueError, "a table has no accuracy; .*torch_module"),
        (pictures, {"batch": 21}, UserError, "set has 20 training examples, less than 21"),
        (pictures, {"together": 2}, ValueError, "the network of set is trained alone"),
        (pictures, {"module": f"{NETS}:Net"}, ValueError, "module: it fails on a batch of the data"),
        (texts, {"module": f"{NETS}:Words", "tasks": ("mnist",)}, ValueError, "text is one task"),
    ],
)
def test_what_does_not_fit_is_told(side, changes, error, said):
    with pytest.raises(error, match=said):
        fitness(side, **changes)


@pytest.mark.parametrize("changes", [{"precision": "bfloat16"}, {"tasks": (OneTask("mnist", model=Language),)}])
def test_what_belongs_to_our_networks_is_refused(changes):
    with pytest.raises(ValueError, match="module: a network of one's own"):
        replace(OPTIONS, **changes)


def test_the_context_knows_the_module():
    contexts = {
        fitness().context,
        fitness(module=OwnModule(f"{NETS}:Pictures", frozen=("conv",))).context,
        fitness(module=f"{NETS}:Deep").context,
    }
    assert len(contexts) == 3
    mapping = fitness(module=OwnModule(f"{NETS}:Pictures"))
    assert mapping.context == fitness().context
