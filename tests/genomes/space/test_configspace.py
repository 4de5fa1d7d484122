import json
from pathlib import Path

import numpy as np
import pytest

from evokit import Choice, Float, Int, Order, Space, Subset

# As ConfigSpace 1.2 writes it.
FILE = {
    "name": "x",
    "hyperparameters": [
        {"type": "constant", "name": "k", "value": 3, "meta": None},
        {"type": "uniform_int", "name": "layers", "lower": 1, "upper": 8, "default_value": 4, "log": False,
         "meta": None},
        {"type": "uniform_float", "name": "lr", "lower": 1e-05, "upper": 1.0, "default_value": 0.01, "log": True,
         "meta": None},
        {"type": "categorical", "name": "opt", "choices": ["adam", "sgd"], "weights": None, "default_value": "adam",
         "meta": None},
        {"type": "ordinal", "name": "size", "sequence": ["s", "m", "l"], "default_value": "s", "meta": None},
        {"type": "uniform_float", "name": "sgd.momentum", "lower": 0.0, "upper": 1.0, "default_value": 0.5,
         "log": False, "meta": None},
        {"type": "uniform_float", "name": "warm", "lower": 0.0, "upper": 1.0, "default_value": 0.5, "log": False,
         "meta": None},
    ],
    "conditions": [
        {"type": "EQ", "child": "sgd.momentum", "parent": "opt", "value": "sgd"},
        {"type": "AND", "child": "warm", "conditions": [
            {"type": "IN", "child": "warm", "parent": "opt", "values": ["sgd", "adam"]},
            {"type": "OR", "child": "warm", "conditions": [
                {"type": "GT", "child": "warm", "parent": "layers", "value": 3},
                {"type": "LT", "child": "warm", "parent": "layers", "value": 2},
            ]},
        ]},
    ],
    "forbiddens": [
        {"type": "AND", "clauses": [
            {"type": "EQUALS", "name": "opt", "value": "sgd"}, {"type": "IN", "name": "size", "values": ["s", "l"]},
        ]},
    ],
    "python_module_version": "1.2.0",
    "format_version": 0.4,
}  # fmt: skip
SAME = Space(
    {
        "k": 3,
        "layers": Int(1, 8),
        "lr": Float(1e-5, 1, log=True),
        "opt": Choice(["adam", "sgd"]),
        "size": Choice(["s", "m", "l"], ordered=True),
        "sgd": {"momentum": Float(0, 1, when={"opt": ["sgd"]})},
        "warm": Float(
            0,
            1,
            when=[{"opt": ["sgd", "adam"], "layers": {"above": 3}}, {"opt": ["sgd", "adam"], "layers": {"below": 2}}],
        ),
    },
    ({"opt": ["sgd"], "size": ["s", "l"]},),
)  # fmt: skip


def test_what_configspace_wrote_is_read():
    assert Space.from_configspace(FILE) == SAME


def test_a_file_becomes_the_parameters_of_a_recipe(tmp_path):
    path = tmp_path / "space.json"
    path.write_text(json.dumps(FILE))
    assert Space(file=path) == Space.from_configspace(path) == SAME
    with pytest.raises(ValueError, match="file: holds parameters and what is forbidden; leave these out"):
        Space({"x": 1}, file=path)
    with pytest.raises(ValueError, match=r"file: .*nowhere.json: cannot be read as JSON"):
        Space(file=Path("nowhere.json"))


def test_written_and_read_it_is_the_same_space(rng):
    again = Space.from_configspace(SAME.to_configspace())
    first, second = SAME.build(None), again.build(None)
    for genes in (first.random(rng) for _ in range(200)):
        assert second.from_json(first.to_json(genes)) == genes
    for genes in (second.random(rng) for _ in range(200)):
        assert first.from_json(second.to_json(genes)) == genes


def test_steps_become_an_order_and_ends_of_ranges_the_numbers_before():
    space = Space({
        "x": Float(0, 1, step=0.25),
        "n": Int(1, 9),
        "y": Float(0, 1, when={"n": {"at_least": 3, "at_most": 5, "not": 4}}),
    }, ({"n": {"above": 7}},))  # fmt: skip
    data = space.to_configspace("name")
    assert data["hyperparameters"][0] == {
        "type": "ordinal", "name": "x", "meta": None, "sequence": [0.0, 0.25, 0.5, 0.75, 1.0], "default_value": 0.5,
    }  # fmt: skip
    (condition,) = data["conditions"]
    told = [(one["type"], one["value"]) for one in condition["conditions"]]
    assert told == [("GT", 2), ("LT", 6), ("NEQ", 4)]
    assert data["forbiddens"] == [{"type": "IN", "name": "n", "values": [8, 9]}]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"hyperparameters": None}, "is not a ConfigSpace file: there is no list of hyperparameters"),
        ({"hyperparameters": [{"type": "normal_float", "name": "x"}]}, "x: a space knows nothing like 'normal_float'"),
        ({"hyperparameters": [{"type": "categorical", "name": "x", "choices": [1, 2], "weights": [1, 2]}]},
         "x: a space has no weights of choices"),
        ({"forbiddens": [{"type": "RELATION_EQ"}]}, "forbidden: a space knows no combination like 'RELATION_EQ'"),
        ({"conditions": [{"type": "ODD", "child": "lr"}]}, "lr: a space knows no condition like 'ODD'"),
    ],
)  # fmt: skip
def test_what_a_space_cannot_say_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        Space.from_configspace(FILE | change)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"s": Subset([1, 2])}, "s: ConfigSpace knows nothing like a parameter of kind subset"),
        ({"o": Order([1, 2])}, "o: ConfigSpace knows nothing like a parameter of kind order"),
        ({"x": Float(0, 1, length=2)}, "x: ConfigSpace knows nothing like a parameter of kind list"),
        ({"x": Float(0, 1), "y": Float(0, 1, when={"x": {"at_least": 0.5}})}, "y: ConfigSpace knows above and below"),
    ],
)
def test_what_configspace_cannot_say_is_refused(parameters, message):
    with pytest.raises(ValueError, match=message):
        Space(parameters).to_configspace()


def test_the_package_reads_and_writes_the_same():
    package = pytest.importorskip("ConfigSpace", reason="ConfigSpace is not installed; pip install ConfigSpace")
    theirs = package.ConfigurationSpace.from_serialized_dict(SAME.to_configspace())
    assert Space.from_configspace(theirs).build(None) is not None
    genome = SAME.build(None)
    theirs.seed(0)
    for one in theirs.sample_configuration(50):
        values = {name: value.item() if isinstance(value, np.generic) else value for name, value in dict(one).items()}
        assert genome.allowed(genome.from_json(values))
