from types import SimpleNamespace

import numpy as np
import pytest

from evokit.contracts.blame import ContractError
from evokit.contracts.members import refuse_misfit


def test_a_fitness_of_numpy_budgets_is_fine():
    refuse_misfit(
        "fitness",
        SimpleNamespace(
            objectives={"a": "min"},
            budgets=np.array([1, 2]),
            context="",
            takes=frozenset({"bits"}),
            slots={},
            evaluate=len,
        ),
    )


def test_budgets_that_repeat_are_refused():
    fitness = SimpleNamespace(
        objectives={"a": "min"}, budgets=(1, 1), context="", takes={"bits"}, slots={}, evaluate=len
    )
    with pytest.raises(ContractError, match="ascending whole numbers above 0"):
        refuse_misfit("fitness", fitness)


def fitness(**members):
    whole = {"objectives": {"a": "min"}, "budgets": (1,), "context": "", "takes": {"bits"}, "slots": {}}
    return SimpleNamespace(**whole, evaluate=len, **members)


@pytest.mark.parametrize(
    ("members", "said"),
    [
        ({"batch": "many"}, "has batch 'many': it must be a whole number, 1 at least"),
        ({"work_unit": 3}, "has work_unit 3: it must be a line of text, in the plural, such as 'tokens'"),
        ({"work_unit": ""}, "has work_unit ''"),
        ({"work_unit": " "}, "has work_unit ' '"),
        ({"work_unit": "a\nb"}, r"has work_unit 'a\\nb'"),
        ({"batch": 0}, "batch 0"),
        ({"batch": 2.5}, r"batch 2\.5"),
        ({"cases": -2}, "cases -2: it must be a whole number, 0"),
        ({"constraints": 2}, "constraints 2: it must be a tuple of names"),
        ({"constraints": "weight"}, "constraints 'weight': it must be a tuple of names"),
        ({"constraints": (None,)}, "tuple of names"),
        ({"constraints": ("v", "v")}, "each needs a name of its own"),
        ({"constraints": ("a",)}, "each needs a name of its own"),
        ({"prepared": {"x": 3.0}}, r"mapping of names to evokit\.energy\.Cost"),
        ({"prepared": 3}, "has prepared 3"),
        ({"fresh": 5}, r"has fresh 5: it must be a method, fresh\(\)"),
        ({"fresh": None}, "has fresh None: it must be a method"),
        ({"constraints": None}, "has constraints None"),
        ({"batch": None}, "has batch None"),
        ({"fingerprint": b"x"}, "it must be a method, fingerprint"),
        ({"fingerprints": len}, "has 'fingerprints', which nobody asks for; did you mean 'fingerprint'"),
        ({"contraints": ("v",)}, "did you mean 'constraints'"),
    ],
)
def test_what_a_fitness_may_have_must_be_as_meant(members, said):
    with pytest.raises(ContractError, match=said):
        refuse_misfit("fitness", fitness(**members))


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"batch": np.int64(3)},
        {"cases": 0, "constraints": []},
        {"work_unit": "tokens"},
        {"refitted": None, "prepared": {}},
    ],
)
def test_what_is_as_meant_passes(members):
    refuse_misfit("fitness", fitness(batches=[], printed="x", **members))
