import numpy as np
import pytest
import torch

from evokit.contracts.global_generators import global_states
from evokit.errors import UserError
from evokit.interfaces import Context
from evokit.networks.fitness import build_fitness
from evokit.networks.layers import trained
from evokit.networks.options import Adapters, TorchModule, Training
from evokit.networks.training import train
from evokit.streams import Streams
from evokit_crystalline.crystals.matrices import Dense
from tests.networks.nets import labelled, pictures, rows, texts

NETS = "tests.networks.nets"
FEW = Training(steps=4, rungs=(2,), batch=8)
LINEAR = {"layers": (Adapters("body.[03]", "ranks"),), "frozen": ("body",)}


def fitness(side=rows, module="Net", training=FEW, seed=0, **options):
    given = options if "directory" in options else {"module": f"{NETS}:{module}", **options}
    context = Context(Streams(seed), train=side(), validation=side(seed=1), data_digest="d")
    return build_fitness(TorchModule(training=training, length=8, **given), context)


def values(one, *phenotypes, budget=None):
    return [evaluation.values for evaluation in one.evaluate(phenotypes, budget or one.budgets[-1])]


def test_work_is_examples_read_and_rungs_are_prefixes():
    one = fitness()
    assert list(one.budgets) == [2 * 8 + 40, 4 * 8 + 40]
    stopped = fitness(training=Training(steps=2, batch=8))
    assert values(one, {}, budget=one.budgets[0]) == values(stopped, {})


def test_values_are_the_same_alone_in_company_and_elsewhere():
    options = {"options": {"dropout": 0.3}}
    one, phenotypes = fitness(**options), [{"lr": 0.1}, {"width": 5}, {}]
    before = global_states()
    together = values(one, *phenotypes)
    assert global_states() == before
    values(one, {}, budget=one.budgets[0])
    assert [values(one, phenotype)[0] for phenotype in reversed(phenotypes)] == together[::-1]
    assert values(fitness(**options), *phenotypes) == together
    assert len(set(together)) == 3


def test_training_is_torchs_own():
    one = fitness(training=Training(steps=3, batch=40, lr=0.1, optimizer="sgd"))
    module = one.individuals.clean({}, one._replicate)
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1, momentum=0.9)
    x, y = one.train_examples.inputs["x"], one.train_examples.targets
    for _ in range(3):  # of all rows, so that their order says nothing
        optimizer.zero_grad()
        ((module(x).squeeze(1) - y) ** 2).mean().backward()
        optimizer.step()
    x, y = one.validation.inputs["x"], one.validation.targets
    assert values(one, {})[0][0] == pytest.approx(((module(x).squeeze(1) - y) ** 2).mean().item(), rel=1e-4)


def test_matrices_replace_layers_and_stay_as_they_are(rng):
    one = fitness(layers=("body.[03]",), objectives=("loss", "multiply_adds"))
    assert one.takes == {"layers"}
    assert one.slots == {"body.0": (3, 8), "body.3": (8, 8)}
    matrices = {name: Dense(rng.normal(size=shape)) for name, shape in one.slots.items()}
    before = {name: one.dense().clone() for name, one in matrices.items()}
    evaluation = next(iter(one.evaluate([matrices], one.budgets[-1])))
    assert evaluation.values[1] == 3 * 8 + 8 * 8
    assert evaluation.metrics["parameters"] == 8 + 8 + 9  # biases and the head
    assert all(torch.equal(before[name], matrices[name].dense()) for name in matrices)


def test_what_is_frozen_stays_and_adapters_are_trained():
    one = fitness(**LINEAR)
    made = one.individuals.made({"ranks": [2, 0]})
    start = {name: value.clone() for name, value in made.module.state_dict().items()}
    assert list(trained(made.module)) == ["body.0.A", "body.0.B", "head.weight", "head.bias"]
    train(made.module, one.train_examples, made.training, 2, Streams(0), "cpu")
    changed = {name for name, value in made.module.state_dict().items() if not torch.equal(value, start[name])}
    assert changed == set(trained(made.module))


def test_frozen_batch_normalisation_keeps_its_statistics():
    for frozen in ((), ("norm",)):
        one = fitness(pictures, "Pictures", frozen=frozen)
        made = one.individuals.made({})
        train(made.module, one.train_examples, made.training, 2, Streams(0), "cpu")
        assert torch.equal(made.module.norm.running_mean, torch.zeros(2)) == bool(frozen)


def test_ranks_are_one_for_all_or_one_for_each_and_only_where_they_are_said_to_be():
    one = fitness(layers=(Adapters("body.[03]", "lora.rank", "lora.where"),))

    def count(rank, where):
        phenotype = {"lora": {"rank": rank, "where": where}}
        return next(iter(one.evaluate([phenotype], one.budgets[0]))).metrics["multiply_adds"]

    assert count(2, ["body.*"]) == 2 * (3 + 8) + 2 * (8 + 8)
    assert count([1, 2], ["body.*"]) == 1 * (3 + 8) + 2 * (8 + 8)
    assert count([1, 2], "body.3") == 2 * (8 + 8)
    assert count(3, []) == 0
    with pytest.raises(
        ValueError, match=r"lora\.rank holds 3 ranks, but 'body\.\[03\]' means 2 layers: body\.0, body\.3"
    ):
        count([1, 2, 3], [])


def test_parameters_take_the_place_of_options_and_of_training():
    one = fitness()
    assert values(one, {"width": 5}) == values(fitness(options={"width": 5}), {})
    slow = Training(steps=4, batch=8, lr=1e-5, schedule="cosine")
    assert values(one, {"lr": 1e-5, "schedule": "cosine"}) == values(fitness(training=slow), {})


def test_a_parameter_may_freeze_layers():
    one = fitness()
    assert list(trained(one.individuals.made({"frozen": ["body"]}).module)) == ["head.weight", "head.bias"]
    assert values(one, {"frozen": "body"}) == values(fitness(frozen=("body",)), {})


def test_a_vector_is_the_numbers_of_what_is_not_frozen():
    one = fitness(training=Training(steps=0), frozen=("body",))
    vector = np.arange(9.0)
    module = one.individuals.made(vector).module
    assert module.head.weight.flatten().tolist() == list(range(8))
    assert module.head.bias.item() == 8
    assert torch.equal(module.body[0].weight, one.individuals.base.body[0].weight)
    assert values(one, vector) != values(one, vector + 1)
    assert one.takes == {"params", "vector"}
    with pytest.raises(UserError, match=r"has 3 numbers, but 9 parameters .* \{name: real_vector, length: 9\}"):
        values(one, np.zeros(3))


def test_a_layer_that_always_draws_is_driven_when_it_is_measured():
    one, before = fitness(module="Noisy", training=Training(steps=0)), global_states()
    assert values(one, {}) == values(one, {})
    assert global_states() == before


@pytest.mark.parametrize(
    ("phenotype", "said"),
    [
        ({"ranks": [1, 1], "wdith": 3}, "nothing takes the genome's parameter 'wdith'.*did you mean 'width'"),
        ({"rank": 3, "lr": 0.1}, "layers name the parameter 'ranks', which the genome does not have"),
    ],
)
def test_a_genome_that_says_something_else_ends_the_run(phenotype, said):
    with pytest.raises(UserError, match=said):
        values(fitness(**LINEAR), phenotype)


@pytest.mark.parametrize("side", [pictures, labelled, texts])
def test_every_kind_of_data_has_loss_and_accuracy(side, gpt2):
    module = {"module": "Pictures"} if side is pictures else {"directory": gpt2}
    one = fitness(side, objectives=("accuracy", "loss"), training=Training(steps=1, batch=2), **module)
    evaluation = next(iter(one.evaluate([{}], one.budgets[0])))
    assert one.objectives == {"accuracy": "max", "loss": "min"}
    assert 0 <= evaluation.values[0] <= 1
    assert evaluation.values[1] > 0


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"layers": ("tail",)}, ValueError, "no layer of the module matches 'tail'"),
        ({"options": {"outputs": 2}}, ValueError, r"must return \(2\), a number for each row.*returns \(2, 2\)"),
        ({"options": {"inputs": 5}}, ValueError, "module: it fails on a batch of the data: RuntimeError: .*shapes"),
        ({"objectives": ("accuracy",)}, ValueError, "a table has a loss and no accuracy"),
        ({"training": Training(batch=41)}, UserError, "there are 40 training examples, less than 41"),
        ({"objectives": ("parameters",)}, ValueError, "the first must be loss or accuracy"),
        ({"layers": ("head", Adapters("head", "r"))}, ValueError, "not both"),
    ],
)
def test_what_does_not_fit_is_told_before_the_run(options, error, said):
    with pytest.raises(error, match=said):
        fitness(**options)


def test_a_loss_that_is_not_finite_has_diverged():
    evaluation = next(iter(fitness().evaluate([{"lr": 1e30, "optimizer": "sgd"}], 72)))
    assert evaluation.outcome == "diverged"
    assert "the loss is" in evaluation.message


def test_the_context_is_of_source_options_layers_and_seed():
    contexts = [
        one.context
        for one in (
            fitness(),
            fitness(seed=1),
            fitness(options={"width": 9}),
            fitness(frozen=("head",)),
            fitness(training=Training(steps=5)),
            fitness(**LINEAR),
            fitness().fresh(),
            fitness().fresh().fresh(),
        )
    ]
    assert len(set(contexts)) == len(contexts)
    assert fitness(training=Training(steps=4, batch=8)).context == contexts[0]  # rungs are no part of it


def test_fresh_begins_elsewhere_and_needs_something_to_train():
    one = fitness()
    assert len({values(one, {})[0], values(one.fresh(), {})[0], values(one.fresh().fresh(), {})[0]}) == 3
    with pytest.raises(UserError, match="nothing is trained"):
        fitness(training=Training(steps=0)).fresh()


def test_without_training_it_is_the_module_that_was_made():
    one = fitness(training=Training(steps=0))
    assert list(one.budgets) == [40]
    x, y = one.validation.inputs["x"], one.validation.targets
    with torch.no_grad():
        loss = ((one.individuals.base.eval()(x).squeeze(1) - y) ** 2).mean().item()
    assert values(one, {})[0][0] == pytest.approx(loss)
