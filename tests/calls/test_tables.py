import json

import numpy as np
import pytest

from evokit import UserError
from evokit.calls.tables import as_csv, as_json, results

TOLD = ["yield", "cost"]


def told(text, names=TOLD):
    return {one.name: one.numbers for one in results(text, "r", names)}


def test_candidates_are_written_as_json_and_as_a_table():
    some = {"ca": {"t": 1.5, "tags": ["x"]}, "cb": {"t": 2.0}}
    assert json.loads(as_json(some, TOLD, "lab"))["candidates"][0] == {"id": "ca", "candidate": some["ca"]}
    assert as_csv(some) == 'id,t,tags\nca,1.5,"[""x""]"\ncb,2.0,\n'
    assert as_csv({"ca": np.array([1.0, 2.0])}) == "id,x0,x1\nca,1.0,2.0\n"


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_a_table_tells_by_its_header_and_empty_is_failed(delimiter):
    lines = ["\ufeffid,t,cost,yield", "ca,9,-1, 2.5", "cb,9,,", "", "cc,9,failed,nan"]
    assert told("\n".join(lines).replace(",", delimiter)) == {"ca": (2.5, -1.0), "cb": None, "cc": None}


def test_a_parameter_called_as_an_objective_is_not_taken_for_it():
    assert told("id,yield,yield,cost\nca,1,2,3") == {"ca": (2.0, 3.0)}


@pytest.mark.parametrize(
    "text",
    [
        '{"ca": [2, -1], "cb": null}',
        '{"ca": {"yield": 2, "cost": -1}, "cb": [null, null]}',
        '[{"id": "ca", "yield": 2, "cost": -1}, {"id": "cb", "yield": null, "cost": null}]',
        '{"candidates": [{"id": "ca", "yield": 2, "cost": -1}, {"id": "cb", "yield": null, "cost": null}]}',
    ],
)
def test_results_may_be_json(text):
    assert told(text) == {"ca": (2.0, -1.0), "cb": None}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id,yield\nca,1", "r:1: there is no column 'cost'"),
        ("id,yield,cost\nca,1,2\ncb,abc,2", "r:3: yield is 'abc', which is no number; leave it empty"),
        ('id,yield,cost\nca,"1,5",2', "with a point"),
        ("id,yield,cost\nca,inf,2", "r:2: yield is 'inf'"),
        ("id,yield,cost\nca,1", "r:2: there are 2 cells, and 3 columns"),
        ("id,yield,cost\nca,1,", "r:2: ca has yield and no cost"),
        ("id,yield,cost\nca,1,2\nca,1,2", "r:3: ca is there twice, in r:2 too"),
        ("id,yield,cost\n", "tells of nobody"),
        ("", "there is no column 'id'"),
        ('{"ca": 1}', "there are 1 numbers where"),
        ('[{"id": "ca",\n "yield": 1}]', "r:1: ca has no 'cost'"),
        ('[{"yield": 1}]', "is no mapping with an 'id'"),
        ("[1,", "r:1: this is no JSON"),
        ('[{"id": "ca", "yield": true, "cost": 1}]', "yield is True"),
    ],
)
def test_what_does_not_fit_is_told_with_its_line(text, message):
    with pytest.raises(UserError, match=message):
        told(text)
