import importlib.util
import subprocess
import sys
import tomllib

import pytest
from click.testing import CliRunner

from evokit.cli import main
from evokit.cli.new import KINDS
from evokit.cli.scaffold import SCAFFOLDS, new_plugin
from evokit.common.extras import DISTRIBUTION
from evokit.errors import UserError
from tests.small import run
from tests.wheels import ROOT, built, content, metadata_of

SMALL = ("search.generations=3", "execution={backend: inline}")


@pytest.fixture(scope="module")
def begun(tmp_path_factory):
    """A folder with a distribution of each kind, as the command writes it."""
    folder = tmp_path_factory.mktemp("plugins")
    for kind in KINDS:
        done = CliRunner().invoke(main, ["new", kind, f"my_{kind}", "--out", str(folder / kind)])
        assert done.exit_code == 0, done.output
    return folder


def test_the_command_knows_every_scaffold():
    assert set(SCAFFOLDS) == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_it_writes_a_whole_distribution(begun, kind):
    files = {path.name for path in (begun / kind).iterdir()}
    assert files >= {f"my_{kind}.py", f"my_{kind}.yaml", f"test_my_{kind}.py", "pyproject.toml", "README.md"}
    project = tomllib.loads((begun / kind / "pyproject.toml").read_text())["project"]
    assert project["entry-points"]["evokit"] == {f"my_{kind}": f"my_{kind}"}
    assert project["dependencies"] == [DISTRIBUTION]


def test_it_says_what_to_do_with_them(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    told = CliRunner().invoke(main, ["new", "genome", "my_steps"]).output
    assert (tmp_path / "my-steps" / "my_steps.py").exists()
    for command in ("evokit run my-steps/my_steps.yaml", "pytest my-steps", "pip install -e my-steps"):
        assert command in told


@pytest.mark.parametrize("kind", KINDS)
def test_its_recipe_runs_as_it_stands(begun, tmp_path, kind):
    summary = run(begun / kind / f"my_{kind}.yaml", tmp_path / "run", *SMALL)
    assert summary["status"] == "done"
    assert summary["best"] is not None


@pytest.mark.parametrize("kind", KINDS)
def test_its_tests_pass(begun, kind, monkeypatch):
    """Called here: a process of pytest for each would take longer than they do."""
    monkeypatch.syspath_prepend(begun / kind)
    spec = importlib.util.spec_from_file_location(f"test_my_{kind}", begun / kind / f"test_my_{kind}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    tests = [value for name, value in vars(module).items() if name.startswith("test_")]
    assert len(tests) == len(SCAFFOLDS[kind].tests)
    for test in tests:
        test()


def test_its_test_fails_for_a_genome_that_breaks_the_contract(begun, tmp_path):
    for path in (begun / "genome").glob("*.py"):
        (tmp_path / path.name).write_text(path.read_text().replace("return tuple(sorted(genes))", "return genes[::-1]"))
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_my_genome.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1, done.stdout


@pytest.mark.parametrize("config", [[], ["--config", str(ROOT / "pyproject.toml")]])
def test_it_is_written_as_our_own_code_is(begun, config):
    # Which imports are first-party depends on the folder, so their order is left out.
    for command in (["check", "--ignore=I001"], ["format", "--check"]):
        words = [sys.executable, "-m", "ruff", *command, "--no-cache", *config, *KINDS]
        done = subprocess.run(words, cwd=begun, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout


def test_its_wheel_holds_its_module_alone(tmp_path):
    new_plugin("genome", "my_steps", tmp_path / "steps")
    (tmp_path / "steps" / "runs" / "my_steps").mkdir(parents=True)
    wheel = built(tmp_path / "steps", tmp_path / "out")
    assert content(wheel) == {"my_steps.py"}
    assert {"Name: my-steps", f"Requires-Dist: {DISTRIBUTION}"} <= set(metadata_of(wheel))


@pytest.mark.parametrize("name", ["My", "2nd", "a-b", "", "a__b", "../x"])
def test_what_is_no_name_is_refused(name, tmp_path):
    with pytest.raises(UserError, match="is no name of a plugin"):
        new_plugin("genome", name, tmp_path)


def test_a_keyword_is_called_a_keyword(tmp_path):
    with pytest.raises(UserError, match="'class' is a keyword of Python; choose another name"):
        new_plugin("genome", "class", tmp_path)


@pytest.mark.parametrize(
    ("kind", "name", "what"),
    [("genome", "bits", "genome"), ("operator", "tournament", "selection"), ("genome", "numpy", "Python module")],
)
def test_a_name_that_is_taken_is_refused(kind, name, what, tmp_path):
    with pytest.raises(UserError, match=f"there is a {what} '{name}' already"):
        new_plugin(kind, name, tmp_path)


def test_nothing_is_overwritten(tmp_path):
    (tmp_path / "test_mine.py").write_text("kept")
    with pytest.raises(UserError, match=r"test_mine.py exists already"):
        new_plugin("genome", "mine", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["test_mine.py"]
