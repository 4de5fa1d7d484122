import random

import numpy as np
import pytest
import torch

from evokit.contracts.global_generators import global_states
from evokit.errors import UserError
from evokit.networks.options import OwnModule
from evokit.networks.source import Source, seeded
from evokit.streams import Streams

NETS = "tests.networks.nets"


def source(name="Net", task="table", n_classes=0, **options):
    return Source(OwnModule(f"{NETS}:{name}", **options), task, n_classes)


def test_one_stream_makes_one_network_and_leaves_the_global_generators_alone():
    one, before = source(options={"width": 4}), global_states()
    first, same, other = (one.build(Streams(seed)).state_dict() for seed in (0, 0, 1))
    assert global_states() == before
    assert first["head.weight"].shape == (1, 4)
    assert all(torch.equal(first[name], same[name]) for name in first)
    assert not torch.equal(first["head.weight"], other["head.weight"])


def test_whatever_a_layer_draws_from_is_driven():
    def drawn():
        with seeded(Streams(0)):
            return torch.rand(1).item(), random.random(), np.random.rand()  # noqa: NPY002 - what users do

    assert drawn() == drawn()


def test_overrides_take_the_place_of_options():
    made = source(options={"width": 4, "inputs": 5}).build(Streams(0), {"width": 6})
    assert made.body[0].weight.shape == (6, 5)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"module": "nowhere_at_all:Net"}, "cannot be imported .*No module named 'nowhere_at_all'"),
        ({"module": f"{NETS}:Nett"}, "cannot be imported .*no attribute 'Nett'"),
        ({"module": "Net"}, "no colon"),
        ({"module": f"{NETS}:np"}, "is no class or function"),
        ({"module": f"{NETS}:not_a_module"}, "makes no torch.nn.Module but 3"),
        ({"module": f"{NETS}:Lazy"}, "has lazy layers"),
        ({"module": f"{NETS}:Net", "options": {"widht": 3}}, "cannot be made with the options .*'widht'"),
        ({"module": f"{NETS}:Net", "frozen": ("tail",)}, "frozen: no layer or parameter"),
    ],
)
def test_what_cannot_be_made_is_told_in_a_sentence(options, said):
    with pytest.raises(ValueError, match=said):
        Source(OwnModule(**options), "table").build(Streams(0))


@pytest.mark.parametrize("options", [{}, {"module": "a:b", "directory": "c"}, {"directory": "c", "file": "d"}])
def test_it_is_a_module_or_a_directory(options):
    with pytest.raises(ValueError, match=r"module: say either|file: it belongs to module"):
        OwnModule(**options)


def test_a_file_beside_the_recipe_is_known_by_its_source(tmp_path):
    path = tmp_path / "net.py"
    text = "from torch import nn\n\n\nclass Net(nn.Linear):\n    def __init__(self):\n        super().__init__(2, {})\n"
    told = []
    for width in (3, 3, 4):
        path.write_text(text.format(width))
        one = Source(OwnModule("Net", file=path), "table")
        made = one.build(Streams(0))
        told.append(one.identity(made))
        assert made.weight.shape == (width, 2)
    assert told[0] == told[1] != told[2]


def test_the_modules_that_layers_are_written_in_count(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "own_net_of_test.py").write_text(
        "import own_layers_of_test\n\n\ndef Net():\n    return own_layers_of_test.Layer(2, 3)\n"
    )
    told = []
    for number in (1, 2):
        text = f"from torch import nn\n\n\nclass Layer(nn.Linear):\n    number = {number}\n"
        (tmp_path / "own_layers_of_test.py").write_text(text)
        one = Source(OwnModule("own_net_of_test:Net"), "table")
        told.append(one.identity(one.build(Streams(0))))
    assert told[0] != told[1]


def test_a_genomes_parameter_that_nothing_takes_is_told(gpt2):
    with pytest.raises(UserError, match=r"'widht'.*no such option; did you mean 'width'.*has dropout, inputs"):
        source().refuse_unknown(["widht"])
    directory = Source(OwnModule(directory=gpt2), "labels", 2)
    directory.refuse_unknown(["resid_pdrop"])
    with pytest.raises(UserError, match="did you mean 'resid_pdrop'"):
        directory.refuse_unknown(["resid_prop"])


def test_a_directory_is_a_model_with_the_head_that_the_data_need(gpt2):
    labels = Source(OwnModule(directory=gpt2), "labels", 3).build(Streams(0), {"n_layer": 1})
    assert labels.score.weight.shape == (3, 8)
    assert len(labels.transformer.h) == 1
    text = Source(OwnModule(directory=gpt2), "text").build(Streams(0))
    assert text.lm_head.weight.shape == (50257, 8)


def test_weights_in_a_directory_are_read_and_count(gpt2, tmp_path, capfd):
    one = Source(OwnModule(directory=gpt2), "labels", 2)
    made = one.build(Streams(0))
    made.save_pretrained(tmp_path)
    stored = Source(OwnModule(directory=tmp_path), "labels", 2)
    capfd.readouterr()
    again = stored.build(Streams(1))
    assert torch.equal(again.score.weight, made.score.weight)
    told = capfd.readouterr()
    assert not told.err + told.out
    identity = stored.identity(again)
    Source(OwnModule(directory=gpt2), "labels", 2).build(Streams(7)).save_pretrained(tmp_path)
    assert stored.identity(again) != identity


def test_a_directory_that_is_none_is_told(tmp_path, gpt2):
    with pytest.raises(ValueError, match=r"there is no config\.json in"):
        Source(OwnModule(directory=tmp_path), "labels", 2)
    with pytest.raises(ValueError, match="models of transformers read texts and images, no table"):
        Source(OwnModule(directory=gpt2), "table")
