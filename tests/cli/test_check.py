"""``evokit check``."""

import json
import os
import re
import subprocess

import pytest

from tests.cli.commands import invoke
from tests.small import RECIPES, command, write_recipe

ONEMAX = RECIPES / "onemax.yaml"


@pytest.mark.parametrize("name", ["onemax", "sphere"])
def test_check_of_a_sound_recipe_estimates_it(name):
    done = invoke("check", RECIPES / f"{name}.yaml")
    assert done.exit_code == 0
    assert "the recipe is fine" in done.stdout
    assert "in all, about" in done.stdout


def test_who_waits_at_a_terminal_sees_what_takes_so_long():
    reader, terminal = os.openpty()
    done = subprocess.run(command(["check", ONEMAX]), stdout=subprocess.PIPE, stderr=terminal, text=True, check=True)
    os.close(terminal)
    told = os.read(reader, 10_000).decode().split("\r\n")
    os.close(reader)
    assert told[1:] == ["Rehearsing", "Timing: a few individuals", ""]
    assert "Timing" not in done.stdout


def test_check_writes_nothing(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    invoke("check", ONEMAX)
    assert list(tmp_path.iterdir()) == []


def test_check_tells_all_mistakes(tmp_path):
    (tmp_path / "bad.yaml").write_text("fitness: {name: onemux}\ngenome: {name: bits, length: 0}\n")
    done = invoke("check", tmp_path / "bad.yaml")
    assert done.exit_code == 2
    assert len(done.stderr.splitlines()) == 3


@pytest.mark.parametrize(("how", "told"), [("raises", "raised: ArithmeticError"), ("nan", "nan: the fitness is not")])
def test_check_refuses_a_fitness_that_fails_always(tmp_path, how, told):
    done = invoke("check", write_recipe(tmp_path), "--set", f"fitness={{name: odd, fails: {how}, all: true}}")
    assert done.exit_code == 2
    assert re.search(rf"Odd\.evaluate .* fails on all of 8 random individuals, on the first one {told}", done.stderr)
    assert "fine" not in done.output


def test_check_tells_of_a_fitness_that_fails_at_times(tmp_path):
    done = invoke("check", write_recipe(tmp_path), "--set", "fitness={name: odd, fails: raises}")
    assert "of 3 random individuals failed, the first one raised: ArithmeticError" in done.stderr
    assert done.exit_code == ("3 of 3" in done.stderr)


def test_check_tells_of_what_splits_share(tmp_path):
    import datasets

    words, others = ([f"{name}{i}" for i in range(200)] for name in ("word", "other"))
    parts = [[*words[:14], *others], [*words[50:64], *others[::-1]]]
    sides = {"train": [*map(" ".join, parts), "No."], "validation": ["So. " * 99], "test": [" ".join(words), "No."]}
    data = {side: datasets.Dataset.from_dict({"text": texts}) for side, texts in sides.items()}
    datasets.DatasetDict(data).save_to_disk(tmp_path / "speeches")
    model = "{vocab_size: 50257, n_positions: 16, n_embd: 8, n_layer: 1, n_head: 1}"
    (tmp_path / "said.yaml").write_text(f"""\
data: {{name: huggingface, path: {tmp_path}/speeches}}
fitness: {{name: gpt2_loss, model: {model}, tokens: 64, block: 16}}
genome: {{name: crystalline, library: {{size: 8}}}}
search: {{name: generational, population: 4, generations: 1, elites: 0}}
crossover: {{name: uniform}}
mutation: {{name: reset}}
""")
    done = invoke("check", tmp_path / "said.yaml")
    assert done.exit_code == 0, done.stderr
    told = " ".join(done.stdout.split())
    assert "near-duplicates of texts of another split that were left out: 1; 1 of 2 test texts have 3% or more" in told
    assert "of test/00000000 5%, most of it in train/00000000." in told


def test_check_needs_a_recipe_or_the_schema():
    assert invoke("check").exit_code == 2


def test_check_prints_the_schema_of_what_is_installed():
    schema = json.loads(invoke("check", "--schema").stdout)
    assert schema["required"] == ["fitness", "genome", "search"]
    assert schema["additionalProperties"] is False
    assert {"seed", "fitness", "screens", "baselines", "execution"} <= schema["properties"].keys()
    names = [one["properties"]["name"]["enum"][0] for one in schema["$defs"]["fitness"]["oneOf"]]
    assert {"onemax", "sphere", "gpt2_loss"} <= set(names)


def test_check_prints_the_schema_with_a_recipes_own_plugins(tmp_path):
    schema = json.loads(invoke("check", write_recipe(tmp_path), "--schema").stdout)
    assert "odd" in [one["properties"]["name"]["enum"][0] for one in schema["$defs"]["fitness"]["oneOf"]]


@pytest.fixture(scope="module")
def validator():
    import jsonschema

    schema = json.loads(invoke("check", "--schema").stdout)
    kind = jsonschema.validators.validator_for(schema)
    kind.check_schema(schema)
    return kind(schema)


@pytest.mark.parametrize("path", sorted(RECIPES.glob("*.yaml")), ids=lambda path: path.stem)
def test_our_recipes_keep_the_schema(path, validator):
    from ruamel.yaml import YAML

    data = YAML(typ="safe").load(path.read_text())
    if not {"extends", "plugins"} & data.keys():  # the schema knows what is installed, not a recipe's own plugins
        validator.validate(data)
