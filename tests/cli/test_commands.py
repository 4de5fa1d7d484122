"""The commands that read: list, show, check, runs, report, export, verify, unseal, doctor."""

import json
import re
import shlex
import shutil
import sys

import pytest
from click.testing import CliRunner

from evokit.assembly.directory import RunDirectory
from evokit.cli import main
from evokit.common.extras import DISTRIBUTION
from evokit.components import registry
from evokit.plugins import load_plugins
from evokit.progress import number
from evokit.recipe import load_recipe
from evokit.runs.found import find_runs
from tests.small import RECIPES, TOY, TOY_RECIPE, evokit, run, write_recipe

ONEMAX = RECIPES / "onemax.yaml"
COMPONENTS = [offer.component for offer in load_plugins().offers]
PYTHON = ("Annotated", "Optional[", "Union", "Literal", "typing", "NoneType")


def invoke(*words):
    return CliRunner().invoke(main, list(map(str, words)))


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    folder = tmp_path_factory.mktemp("toy")
    (folder / "toy.yaml").write_text(TOY_RECIPE)
    run(folder / "toy.yaml", folder / "runs" / "toy")
    return folder / "runs" / "toy"


# --- list


def test_list_names_every_component_with_its_plugin():
    done = invoke("list")
    assert done.exit_code == 0
    components, _, origins = done.stdout.partition("\n\n")
    lines = [line.split() for line in components.splitlines()[2:]]
    assert {(line[0], line[1]) for line in lines} == {
        (o.component.kind, o.component.name) for o in load_plugins().offers
    }
    assert ["core", DISTRIBUTION] in [line.split()[:2] for line in origins.splitlines()]


def test_list_has_a_column_for_what_is_needed_only_if_something_is(monkeypatch):
    head = invoke("list").stdout.splitlines()[0].split()
    lacking = any(offer.lacks for offer in load_plugins().offers)
    assert head == ["kind", "name", "for", "plugin", *(["needs"] if lacking else [])]
    monkeypatch.setattr(registry, "lacking", lambda distribution, extra: ("torch",) if extra else ())
    lines = invoke("list").stdout.splitlines()
    assert lines[0].split() == ["kind", "name", "for", "plugin", "needs"]
    assert {line.endswith(f"{DISTRIBUTION}[neural]") for line in lines if " adamw " in line} <= {True}


def test_list_names_a_broken_plugin_and_goes_on(tmp_path, monkeypatch):
    info = tmp_path / "shaky-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: shaky\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[evokit]\nwobbly = shaky\n")
    (tmp_path / "shaky.py").write_text("import no_such_module\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    done = evokit("list")
    assert done.returncode == 0
    assert "onemax" in done.stdout
    assert "The plugin wobbly of shaky is broken: " in done.stderr
    assert "no_such_module" in done.stderr
    assert "Traceback" not in done.stderr


# --- show


@pytest.mark.parametrize(
    "offer", load_plugins().offers, ids=lambda offer: f"{offer.component.kind}-{offer.component.name}"
)
def test_show_tells_every_component_in_plain_words(offer):
    done = invoke("show", offer.component.name)
    assert done.exit_code == 0, done.output
    assert offer.component.kind in done.stdout
    assert not [
        word for word in ("Annotated", "Optional[", "Union", "Literal", "typing", "NoneType") if word in done.stdout
    ]


def test_show_tells_options_with_limits_and_defaults():
    text = " ".join(invoke("show", "generational").stdout.split())
    assert "population integer, at least 2 32" in text


def test_show_of_an_unknown_name_suggests_one():
    done = invoke("show", "tournamnt")
    assert done.exit_code == 2
    assert "did you mean 'tournament'?" in done.stderr


def test_show_of_a_name_that_resembles_none_suggests_nothing():
    done = invoke("show", "xyz")
    assert (done.exit_code, done.stderr) == (2, "there is no component 'xyz'; evokit list shows all\n")


def test_show_takes_the_words_of_every_line_of_list():
    components, _, _ = invoke("list").stdout.partition("\n\n")
    for line in components.splitlines()[2:]:
        *words, plugin = line.split()
        done = invoke("show", *words)
        assert done.exit_code == 0, line
        assert f"(plugin {plugin}," in done.stdout
        assert words[1] in done.stdout
    assert invoke("show", "baseline", "adamw", "gpt2_loss").stdout.count("(plugin ") == 1


def test_show_takes_a_full_name():
    assert invoke("show", "search", "core:generational").stdout == invoke("show", "generational").stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["search"], "search is a kind of component; evokit show search NAME shows one of: "),
        (["search", "generationel"], "there is no search 'generationel'; did you mean 'generational'?"),
        (["search", "bits"], "there is no search 'bits'; evokit list"),
        (["baseline", "adamw", "onemax"], "baseline 'adamw' belongs to gpt2_loss, trained_accuracy, not to onemax"),
        (["generational", "please", "now"], "show takes [KIND] NAME [FITNESS], got generational please now"),
        (["generational", "please"], "component 'generational' belongs to any fitness, not to please"),
    ],
)
def test_show_of_what_there_is_not_is_one_sentence(words, message):
    done = invoke("show", *words)
    assert done.exit_code == 2
    assert done.stderr.startswith(message)
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "fact"),
    [
        ("genome real_vector", "expresses vector\ngenes of kind real_vector\n"),
        ("fitness sphere", "takes vector\nobjectives "),
        ("mutation bit_flip", "genes of kind bits\n"),
        ("search generational", "reads crossover, init, mutation, screens, selection\n"),
    ],
)
def test_show_tells_what_a_component_goes_with(name, fact):
    assert fact in invoke("show", *name.split()).stdout


@pytest.mark.parametrize(
    "offer", load_plugins().offers, ids=lambda offer: f"{offer.component.kind}-{offer.component.name}"
)
def test_show_keeps_to_80_columns(offer, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    lines = invoke("show", offer.component.kind, offer.component.name).stdout.splitlines()
    assert max(map(len, lines)) <= 80


def test_list_keeps_to_80_columns():
    assert max(map(len, invoke("list").stdout.splitlines())) <= 80


def test_list_and_show_know_local_plugins():
    toy = str(TOY)
    done = invoke("list", "--plugins", toy)
    assert "squares                                       toy_plugin.py" in done.stdout
    assert f"toy_plugin.py  {toy}" in done.stdout
    done = invoke("show", "--plugins", toy, "fitness", "squares")
    assert "fitness: squares  (plugin toy_plugin.py)\ntakes vector\n" in done.stdout
    assert done.stderr == f"Loaded the plugin {toy}, which is code.\n"
    done = invoke("show", "--plugins", "nowhere.py", "squares")
    assert (done.exit_code, done.stderr) == (2, "plugin nowhere.py: no such file\n")


# --- check


@pytest.mark.parametrize("name", ["onemax", "sphere"])
def test_check_of_a_sound_recipe_estimates_it(name):
    done = invoke("check", RECIPES / f"{name}.yaml")
    assert done.exit_code == 0
    assert "the recipe is fine" in done.stdout
    assert "in all, about" in done.stdout


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
    if "extends" not in data:
        validator.validate(data)


# --- what finished runs are asked


def test_runs_lists_states_and_verdicts(toy):
    done = invoke("runs", toy.parent)
    assert done.exit_code == 0
    assert "toy.yaml" in done.stdout
    assert " against " in done.stdout


def test_runs_shows_a_crashed_run(tmp_path):
    RunDirectory(tmp_path / "lost").create(load_recipe(ONEMAX))
    assert "crashed" in invoke("runs", tmp_path).stdout
    told = invoke("report", tmp_path / "lost")
    assert told.exit_code == 2
    again = f"evokit run {tmp_path / 'lost'}/recipe.yaml --out {tmp_path / 'lost'} --resume"
    assert told.stderr == f"{tmp_path / 'lost'} was stopped before anything was measured. Go on with: {again}\n"
    assert evokit(*shlex.split(again)[1:], "--set", "search.generations=2").returncode == 0


def killed(toy, tmp_path):
    """A copy of a run as SIGKILL leaves it: its summary is from its beginning."""
    folder = shutil.copytree(toy, tmp_path / "killed")
    summary = json.loads((folder / "summary.json").read_text())
    summary |= {"status": "running", "best": None, "generations": 0, "baselines": [], "final": None, "verdicts": []}
    (folder / "summary.json").write_text(json.dumps(summary))
    return folder


def test_report_and_runs_agree_about_a_killed_run(toy, tmp_path):
    folder = killed(toy, tmp_path)
    (listed,) = find_runs(tmp_path)
    told = invoke("report", folder).stdout
    assert listed.status == "crashed"
    assert f"toy.yaml: crashed, seed 0, {listed.generations} generations" in told
    assert re.search(rf"best so far: \w+ {number(listed.best)}\.", told)
    assert f"Go on with: evokit run {toy.parent.parent / 'toy.yaml'} --out {folder} --resume" in told


def test_report_and_runs_agree_about_a_run_at_work(toy, tmp_path):
    folder = killed(toy, tmp_path)
    with RunDirectory(folder).lock():
        assert [one.status for one in find_runs(tmp_path)] == ["running"]
        told = invoke("report", folder).stdout
    assert "toy.yaml: running, " in told
    assert "--resume" not in told


def test_runs_of_an_empty_folder_says_so(tmp_path):
    assert invoke("runs", tmp_path).stdout == f"No runs in {tmp_path}.\n"


def test_report_prints_the_finding(toy):
    done = invoke("report", toy)
    assert done.exit_code == 0
    assert "Verdict: the champion" in done.stdout


def test_verify_repeats_the_claims(toy):
    done = invoke("verify", toy)
    assert done.exit_code == 0
    assert "DOES NOT HOLD" not in done.stdout
    assert "key of the champion" in done.stdout


def test_verify_of_a_false_claim_is_exit_code_1(tmp_path):
    recipe = write_recipe(tmp_path)
    run(recipe, tmp_path / "run", "search.generations=2")
    path = tmp_path / "run" / "summary.json"
    summary = json.loads(path.read_text())
    summary["best"]["values"] = [99.0]
    path.write_text(json.dumps(summary))
    done = invoke("verify", tmp_path / "run")
    assert done.exit_code == 1
    assert "ones of the champion: 99.0 DOES NOT HOLD, found " in done.stdout
    assert done.stderr.splitlines()[-1] == "1 claim does not hold"


def test_unseal_prints_the_report_and_a_second_one_says_so(tmp_path):
    (tmp_path / "toy.yaml").write_text(TOY_RECIPE)
    run(tmp_path / "toy.yaml", tmp_path / "run", "data.vault=0.6")
    done = invoke("unseal", tmp_path / "run")
    assert done.exit_code == 0
    assert "The vault, opened at " in done.stdout
    again = invoke("unseal", tmp_path / "run")
    assert again.exit_code == 0
    assert "nothing is scored again" in again.stdout


def test_unseal_of_a_run_without_a_vault_is_one_sentence_and_exit_code_2(toy):
    done = invoke("unseal", toy)
    assert done.exit_code == 2
    assert done.stderr.splitlines()[-1] == f"{toy} has no vault; a recipe keeps one with data: {{..., vault: 0.5}}"
    assert "Traceback" not in done.stderr


def test_an_interrupted_unseal_says_how_to_go_on(toy, monkeypatch):
    def interrupted(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr("evokit.results.unseal.unseal", interrupted)
    done = invoke("unseal", toy)
    assert done.exit_code == 130
    assert f"Go on with: evokit unseal {toy}" in done.stderr


def test_export_says_where(toy, tmp_path):
    done = invoke("export", toy, "--out", tmp_path / "out")
    assert done.exit_code == 0
    assert done.stdout == f"Exported to {tmp_path / 'out'}\n"


@pytest.mark.parametrize("command", ["report", "verify", "unseal", "export"])
def test_what_is_no_run_is_one_sentence_and_exit_code_2(tmp_path, command):
    done = invoke(command, tmp_path)
    assert done.exit_code == 2
    assert "is no run directory" in done.stderr
    assert done.stderr.count("\n") == 1


def test_doctor_ends_with_1_only_if_something_is_bad():
    done = invoke("doctor")
    assert done.exit_code == int("BAD" in done.stdout)
    assert f"python: {sys.version.split()[0]}" in done.stdout


def test_commands_that_load_local_plugins_name_them(tmp_path):
    recipe = write_recipe(tmp_path)
    run(recipe, tmp_path / "run", "search.generations=2")
    for arguments in (["check", recipe], ["verify", tmp_path / "run"]):
        assert "odd.py, which is code." in invoke(*arguments).stderr
