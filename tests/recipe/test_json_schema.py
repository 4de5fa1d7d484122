import json

import pytest

from evokit.plugins import RESTRICT, load_plugins
from evokit.recipe import json_schema


@pytest.fixture(scope="module")
def schema(registry):
    return json_schema(registry)


def references(schema):
    if isinstance(schema, dict):
        yield from ([schema["$ref"]] if "$ref" in schema else [])
        schema = list(schema.values())
    if isinstance(schema, list):
        for item in schema:
            yield from references(item)


def test_every_reference_leads_somewhere(schema):
    found = set(references(schema))
    assert found
    assert all(reference.removeprefix("#/$defs/") in schema["$defs"] for reference in found)


def test_it_is_json(schema):
    assert json.loads(json.dumps(schema)) == schema


def test_a_section_is_one_alternative_per_name(schema):
    alternatives = schema["$defs"]["genome"]["oneOf"]
    assert [option["properties"]["name"] for option in alternatives] == [
        {"enum": ["bits", "fake_plugin.py:bits"]},
        {"enum": ["tours", "fake_plugin.py:tours"]},
    ]


def test_an_alternative_has_bounds_defaults_and_no_other_keys(schema):
    bits, tours = schema["$defs"]["genome"]["oneOf"]
    assert bits["required"] == ["name", "length"]
    assert bits["properties"]["length"]["minimum"] == 1
    assert tours["properties"]["n_cities"]["default"] == 5
    assert bits["additionalProperties"] is False


def test_a_nested_section_refers_to_its_kind(schema):
    (screen,) = schema["$defs"]["screen"]["oneOf"]
    assert screen["properties"]["model"]["$ref"] == "#/$defs/surrogate"
    assert screen["properties"]["others"]["items"] == {"$ref": "#/$defs/surrogate"}


def test_dataclasses_inside_options_keep_apart_by_component(schema):
    assert "fitness.loss.Model" in schema["$defs"]


def test_final_is_the_cores_part_alone_or_with_the_options_of_a_final(schema):
    keys = [sorted(option["properties"]) for option in schema["properties"]["final"]["anyOf"]]
    assert keys == [["seeds", "test"], ["polish", "seeds", "test"]]


def test_fitness_genome_and_search_are_required(schema):
    assert schema["required"] == ["fitness", "genome", "search"]


def test_a_section_with_options_of_something_foreign_has_any_key(monkeypatch):
    monkeypatch.delenv(RESTRICT)
    schema = json_schema(load_plugins())
    (deap,) = (one for one in schema["$defs"]["crossover"]["oneOf"] if "deap" in one["properties"]["name"]["enum"])
    assert deap["additionalProperties"] is True
    assert sorted(deap["properties"]) == ["name", "operator", "prob"]
