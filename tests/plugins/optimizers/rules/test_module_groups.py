import pytest
import torch
from torch import nn

from evokit_optimizers.rules.module_groups import groups_by_name, parameter_groups


def words():
    """Embeddings, a hidden layer with a normalisation, and an output."""
    layers = {"words": nn.Embedding(5, 3), "places": nn.Embedding(4, 3), "norm": nn.LayerNorm(3)}
    return nn.ModuleDict({**layers, "hidden": nn.Linear(3, 3), "output": nn.Linear(3, 5)})


def test_convolutions_between_the_first_and_the_last_matrix_are_hidden():
    module = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Conv2d(2, 2, 3), nn.Flatten(), nn.Linear(2, 2))
    assert groups_by_name(module) == {
        "0.weight": "first",
        "0.bias": "vectors",
        "1.weight": "vectors",
        "1.bias": "vectors",
        "2.weight": "hidden",
        "2.bias": "vectors",
        "4.weight": "last",
        "4.bias": "vectors",
    }


def test_all_embeddings_are_first():
    groups = groups_by_name(words())
    assert [name for name, group in groups.items() if group == "first"] == ["words.weight", "places.weight"]
    assert (groups["hidden.weight"], groups["output.weight"]) == ("hidden", "last")


def test_bags_of_embeddings_and_kernels_of_one_and_three_dimensions_are_no_vectors():
    layers = {"bag": nn.EmbeddingBag(5, 3), "one": nn.Conv1d(3, 3, 1), "three": nn.Conv3d(3, 3, 1)}
    groups = groups_by_name(nn.ModuleDict({"before": nn.Linear(2, 2), **layers, "output": nn.Linear(3, 2)}))
    assert {name: group for name, group in groups.items() if name.endswith("weight")} == {
        "before.weight": "first",
        "bag.weight": "first",
        "one.weight": "hidden",
        "three.weight": "hidden",
        "output.weight": "last",
    }


def test_a_single_matrix_is_the_last():
    assert groups_by_name(nn.Linear(2, 2)) == {"weight": "last", "bias": "vectors"}


def test_what_is_frozen_has_no_group():
    module = words()
    module["output"].requires_grad_(False)
    assert groups_by_name(module)["hidden.weight"] == "hidden"
    assert "output.weight" not in groups_by_name(module)


def test_behind_a_frozen_first_layer_the_next_one_is_hidden():
    module = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2), nn.Linear(2, 2))
    module[0].requires_grad_(False)
    assert groups_by_name(module) == {
        "1.weight": "hidden", "1.bias": "vectors", "2.weight": "last", "2.bias": "vectors"
    }  # fmt: skip


def test_where_the_output_shares_the_weights_of_the_first_layer_the_one_between_is_hidden():
    module = nn.Sequential(nn.Embedding(5, 3), nn.Linear(3, 3, bias=False), nn.Linear(3, 5, bias=False))
    module[2].weight = module[0].weight
    assert groups_by_name(module) == {"0.weight": "first", "1.weight": "hidden"}


def test_an_output_that_shares_an_embeddings_weights_is_first_and_nothing_is_last():
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.words, self.hidden, self.output = nn.Embedding(5, 3), nn.Linear(3, 3), nn.Linear(3, 5, bias=False)
            self.output.weight = self.words.weight

        def get_output_embeddings(self):
            return self.output

    assert groups_by_name(Tied()) == {"words.weight": "first", "hidden.weight": "hidden", "hidden.bias": "vectors"}


@pytest.mark.parametrize("module", [words(), nn.Linear(2, 2)], ids=["all", "two"])
def test_an_optimizer_is_given_every_parameter_once_with_its_group(module):
    groups = parameter_groups(module)
    names = groups_by_name(module)
    optimizer = torch.optim.SGD(groups, lr=0.1)
    assert sorted(id(p) for group in optimizer.param_groups for p in group["params"]) == sorted(
        map(id, module.parameters())
    )
    for name, parameter in module.named_parameters():
        assert [one["group"] for one in groups if any(p is parameter for p in one["params"])] == [names[name]]
