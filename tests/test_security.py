"""What docs/security.md says is so."""

import ast
import json
import pickle
import re
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

import evokit
from evokit.assembly.warm_start import best_genes
from evokit.cli import main
from evokit.recipe import RecipeError, load_recipe
from evokit.runs.checkpoint import load_checkpoint
from tests.small import PLUGIN, run, write_recipe

ROOT = Path(evokit.__file__).parents[1]
PAGE = (ROOT / "docs" / "security.md").read_text()
SOURCES = [*(ROOT / "evokit").rglob("*.py"), *(ROOT / "plugins").rglob("*.py")]
RUNS_CODE = {"eval", "exec", "compile", "__import__"}
UNPICKLES = {"pickle", "cloudpickle", "dill", "joblib", "shelve", "marshal"}
# Between a run and its own workers; a format of images, read so that nothing in it executes; what is written only to be
# compared; functions of runs from Python, which are code; and objects in the genes of a DEAP script's own individuals.
MAY_PICKLE = {
    "evokit/measuring/backends/processes.py",
    "evokit/measuring/backends/worker.py",
    "evokit/contracts/in_place.py",
    "evokit/data/image_files.py",
    "evokit/common/code.py",
    "evokit/calls/minimizing.py",
    "evokit/fitnesses/function.py",
    "evokit/genomes/toolbox.py",
    "evokit/genomes/deap_json.py",
}


def calls(path):
    """Names of what a module calls, such as ``eval`` or ``torch.load``, each with its keywords."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), {word.arg: ast.unparse(word.value) for word in node.keywords}


def imports(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield (node.module or "").partition(".")[0]


# --- recipes are data


@pytest.mark.parametrize(
    "value",
    [
        "!!python/object/apply:pathlib.Path.touch [{mark}]",
        "!!python/object/new:pathlib.Path [{mark}]",
        "!!python/name:os.system",
        "!include {mark}",
    ],
)
def test_nothing_in_a_recipe_executes(tmp_path, value):
    mark = tmp_path / "executed"
    recipe = tmp_path / "r.yaml"
    recipe.write_text(f"seed: {value.format(mark=mark)}\n")
    with pytest.raises(RecipeError):
        load_recipe(recipe)
    assert not mark.exists()


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_text_becomes_code_and_no_file_is_unpickled(path):
    name = str(path.relative_to(ROOT))
    for function, keywords in calls(path):
        assert function not in RUNS_CODE
        assert "allow_pickle" not in keywords
        assert "trust_remote_code" not in keywords
        assert function != "torch.load"
    assert name in MAY_PICKLE or not UNPICKLES & set(imports(path))


# --- run directories from elsewhere


class Bomb:
    def __reduce__(self):
        return Path.touch, (Path("executed"),)


@pytest.mark.parametrize("name", ["00000009.safetensors", "00000009.pt"])
def test_a_pickle_in_place_of_a_checkpoint_is_not_opened(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).write_bytes(pickle.dumps(Bomb()))
    assert load_checkpoint(tmp_path) is None
    assert not Path("executed").exists()


@pytest.fixture(scope="module")
def foreign(tmp_path_factory):
    """A finished run whose plugin leaves a mark whenever it is loaded."""
    folder = tmp_path_factory.mktemp("foreign")
    recipe = write_recipe(folder)
    run(recipe, folder / "runs" / "small", "search.generations=2", "execution.backend=inline")
    (folder / "odd.py").write_text(f"{PLUGIN}\nfrom pathlib import Path\nPath(__file__).with_name('loaded').touch()\n")
    return folder


COMMANDS = {
    "report": ["report", "runs/small"],
    "runs": ["runs", "runs"],
    "run": ["run", "small.yaml", "--out", "elsewhere", "--set", "search.generations=1"],
    "check": ["check", "small.yaml"],
    "verify": ["verify", "runs/small"],
    "unseal": ["unseal", "runs/small"],
    "export": ["export", "runs/small"],
    "replay": ["replay", "runs/small", "0"],
}


def said_to_load():
    """The commands that the page says load plugins, and those that it says do not."""
    loads, loads_not = (re.search(rf"^\| {answer} \| (.*) \|$", PAGE, re.MULTILINE)[1] for answer in ("yes", "no"))
    return set(re.findall(r"`evokit (\w+)`", loads)), set(re.findall(r"`evokit (\w+)`", loads_not))


@pytest.mark.parametrize("command", COMMANDS)
def test_the_commands_load_plugins_where_the_page_says_so(foreign, tmp_path, monkeypatch, command):
    shutil.copytree(foreign, tmp_path, dirs_exist_ok=True)
    recipe = tmp_path / "runs" / "small" / "recipe.yaml"
    recipe.write_text(recipe.read_text().replace(str(foreign), str(tmp_path)))
    monkeypatch.chdir(tmp_path)
    CliRunner().invoke(main, COMMANDS[command])
    loads, loads_not = said_to_load()
    assert command in loads | loads_not
    assert (tmp_path / "loaded").exists() == (command in loads)


def test_a_report_as_a_page_loads_and_names_plugins_as_the_page_on_trust_says(foreign):
    (foreign / "loaded").unlink(missing_ok=True)
    answer = CliRunner().invoke(main, ["report", "--html", str(foreign / "runs" / "small")])
    assert f"Loaded the plugin {foreign / 'odd.py'}, which is code." in answer.stderr
    assert (foreign / "loaded").exists()
    assert "`evokit report --html`" in re.search(r"^\| yes \| (.*) \|$", PAGE, re.MULTILINE)[1]


def test_a_warm_start_loads_no_plugin_of_the_other_run(foreign):
    (foreign / "loaded").unlink(missing_ok=True)
    assert best_genes(foreign / "runs" / "small", 2)
    assert not (foreign / "loaded").exists()


def test_evokit_run_names_the_plugins_that_it_loaded(foreign, tmp_path):
    answer = CliRunner().invoke(main, ["run", str(foreign / "small.yaml"), "--out", str(tmp_path), "--set", "seed=9"])
    assert f"Loaded the plugin {foreign / 'odd.py'}, which is code." in answer.stderr


def test_the_summary_of_a_foreign_run_is_read_as_data(foreign, tmp_path):
    shutil.copytree(foreign / "runs" / "small", tmp_path / "run")
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    summary["recipe"] = "{0.__class__} %s $(touch executed)"
    (tmp_path / "run" / "summary.json").write_text(json.dumps(summary))
    answer = CliRunner().invoke(main, ["report", str(tmp_path / "run")])
    assert answer.exit_code == 0
    assert summary["recipe"] in answer.output
