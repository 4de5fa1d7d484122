import shutil
import subprocess
import sys

import pytest
from click.testing import CliRunner

from evokit.cli import main
from evokit.cli.scaffold import new_genome
from evokit.common.extras import DISTRIBUTION
from evokit.errors import UserError
from tests.small import run
from tests.wheels import built, content, metadata_of

ROOT = __file__.rsplit("/tests/", 1)[0]


@pytest.fixture(scope="module")
def begun(tmp_path_factory):
    folder = tmp_path_factory.mktemp("plugin")
    return folder, CliRunner().invoke(main, ["new", "genome", "my_steps", "--out", str(folder)])


def test_it_writes_two_files_and_says_what_to_do_with_them(begun):
    folder, done = begun
    assert done.exit_code == 0
    assert {path.name for path in folder.iterdir()} == {"my_steps.py", "test_my_steps.py"}
    assert f"pytest {folder / 'test_my_steps.py'}" in done.output


def test_it_prints_a_project_that_packages_its_module_alone(begun, tmp_path):
    folder, done = begun
    project = done.output[done.output.index("[build-system]") :]
    for name in ("my_steps.py", "test_my_steps.py"):
        shutil.copy(folder / name, tmp_path)
    (tmp_path / "pyproject.toml").write_text(project)
    (tmp_path / "runs" / "my_steps").mkdir(parents=True)
    wheel = built(tmp_path, tmp_path / "out")
    assert content(wheel) == {"my_steps.py"}
    assert {"Name: my-steps", f"Requires-Dist: {DISTRIBUTION}"} <= set(metadata_of(wheel))


def test_its_test_passes(begun):
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_my_steps.py"]
    done = subprocess.run(command, cwd=begun[0], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout


def test_its_test_fails_for_a_genome_that_breaks_the_contract(begun, tmp_path):
    for path in begun[0].glob("*.py"):
        (tmp_path / path.name).write_text(path.read_text().replace("return tuple(sorted(genes))", "return genes[::-1]"))
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_my_steps.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1, done.stdout


def test_the_recipe_at_its_top_runs(begun, tmp_path):
    folder, _ = begun
    lines = (folder / "my_steps.py").read_text().splitlines()
    (folder / "my_steps.yaml").write_text("\n".join(line[4:] for line in lines[4:8]))
    summary = run(folder / "my_steps.yaml", tmp_path / "run", "search.generations=3", "execution={backend: inline}")
    assert summary["status"] == "done"
    assert summary["best"]["show"].count(" ") == 4


def test_it_is_written_as_our_own_code_is(begun):
    # Which imports are first-party depends on the folder, so their order is left out.
    for command in (["check", "--ignore=I001"], ["format", "--check"]):
        words = ["ruff", *command, "--no-cache", "--config", f"{ROOT}/pyproject.toml"]
        done = subprocess.run(
            [sys.executable, "-m", *words, "my_steps.py"], cwd=begun[0], capture_output=True, check=False
        )
        assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("name", ["My", "2nd", "a-b", "", "a__b", "../x"])
def test_what_is_no_name_is_refused(name, tmp_path):
    with pytest.raises(UserError, match="is no name of a genome"):
        new_genome(name, tmp_path)


def test_a_keyword_is_called_a_keyword(tmp_path):
    with pytest.raises(UserError, match="'class' is a keyword of Python; choose another name"):
        new_genome("class", tmp_path)


@pytest.mark.parametrize(("name", "what"), [("bits", "genome"), ("numpy", "Python module")])
def test_a_name_that_is_taken_is_refused(name, what, tmp_path):
    with pytest.raises(UserError, match=f"there is a {what} '{name}' already"):
        new_genome(name, tmp_path)


def test_nothing_is_overwritten(tmp_path):
    (tmp_path / "test_mine.py").write_text("kept")
    with pytest.raises(UserError, match=r"test_mine.py exists already"):
        new_genome("mine", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["test_mine.py"]
