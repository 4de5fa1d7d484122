"""The wheel in an environment of its own, installed by pip without extras."""

import os
import shutil
import subprocess
import sys

import pytest

from tests.wheels import ROOT, built, built_evokit, content, metadata_of

MOST_BYTES = 400e6


def test_code_and_recipes_of_the_checkout_are_in_the_wheel(tmp_path):
    wheel = built_evokit(tmp_path)
    home = "evokit/recipe/files/"
    packed = {name.removeprefix(home) for name in content(wheel) if name.startswith(home)}
    assert packed == {
        path.relative_to(ROOT / "recipes").as_posix()
        for pattern in ("*.yaml", "*.py")  # a recipe may have a plugin beside it
        for path in (ROOT / "recipes").rglob(pattern)
    }
    assert "Name: evokit-deap" in metadata_of(wheel)
    code = {name for name in content(wheel) if name.endswith(".py") and not name.startswith(home)}
    homes = (ROOT, ROOT / "plugins")  # a package that setup.cfg does not list is in no wheel
    assert code == {
        path.relative_to(home).as_posix() for home in homes for path in home.glob("evokit*/**/*.py") if path.is_file()
    }


@pytest.mark.slow
def test_pip_installs_it_and_the_example_gets_it(tmp_path):
    python = tmp_path / "venv" / "bin" / "python"
    subprocess.run([sys.executable, "-m", "venv", python.parent.parent], check=True)
    before = size(tmp_path / "venv")
    wheel = built_evokit(tmp_path)
    tour = built(shutil.copytree(ROOT / "examples" / "evokit-tour", tmp_path / "tour"), tmp_path / "tour_wheel")
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    pip = [python, "-m", "pip", "install", "-q", "--find-links", wheel.parent, "-c", ROOT / "constraints.txt", tour]
    done = subprocess.run(pip, env=environ, capture_output=True, text=True, check=False)
    if "connection" in done.stderr.lower():
        pytest.skip(f"no package index can be reached: {done.stderr[-200:]}; a network ends this")
    assert done.returncode == 0, done.stderr
    assert size(tmp_path / "venv") - before < MOST_BYTES

    empty = tmp_path / "empty"
    empty.mkdir()

    def evokit(*words):
        command = [python.parent / "evokit", *words]
        return subprocess.run(command, cwd=empty, env=environ, capture_output=True, text=True, check=False)

    assert "tours" in evokit("list").stdout
    done = evokit("run", "onemax")
    assert done.returncode == 0, done.stderr
    assert (empty / "runs" / "onemax" / "summary.json").exists()


def size(folder):
    """Bytes of all files below a folder."""
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file())
