"""What ``evokit new`` writes, installed by pip without a network: listed, run, tested and checked by its name."""

import os
import re
import site
import subprocess
import sys

import pytest

from evokit.cli.new import KINDS
from evokit.cli.scaffold import SCAFFOLDS, new_plugin
from tests.wheels import ROOT

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A folder with a distribution of each kind, and the environment in which they are installed, editable."""
    folder = tmp_path_factory.mktemp("scaffolds")
    for kind in KINDS:
        new_plugin(kind, f"my_{kind}", folder / kind)
    python = folder / "venv" / "bin" / "python"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", python.parent.parent], check=True)
    (own,) = (folder / "venv").glob("lib/python*/site-packages")
    places = [ROOT, ROOT / "plugins", *site.getsitepackages()]  # of this environment, pip among them
    (own / "evokit_of_the_checkout.pth").write_text("".join(f"{place}\n" for place in places))
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | {"COLUMNS": "200"}
    pip = [python, "-m", "pip", "install", "-q", "--no-index", "--no-deps", "--no-build-isolation"]
    done = subprocess.run(
        [*pip, *(word for kind in KINDS for word in ("-e", folder / kind))], env=environ, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr

    def call(*words):
        command = [python, "-c", "from evokit.cli import main; main()", *words]
        if words[0] == "pytest":
            command = [python, "-m", *words]
        return subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, timeout=250)

    return call


def test_all_are_listed(installed):
    rows = [line.split() for line in installed("list").stdout.splitlines()]
    for kind in KINDS:
        for component in SCAFFOLDS[kind].kinds:
            assert any(row[:2] == [component, f"my_{kind}"] and row[-1] == f"my_{kind}" for row in rows), component
        assert [f"my_{kind}", f"my-{kind}", "0.1.0"] in rows


@pytest.mark.parametrize("kind", KINDS)
def test_each_runs_is_tested_and_checked(installed, kind):
    small = ("--set", "search.generations=3", "--set", "plugins=[]", "--set", "execution.backend=inline")
    done = installed("run", f"{kind}/my_{kind}.yaml", "--out", f"runs/{kind}", *small)
    assert done.returncode == 0, done.stderr
    done = installed("pytest", "-q", "-p", "no:cacheprovider", f"{kind}/test_my_{kind}.py")
    assert done.returncode == 0, done.stdout
    done = installed("check-plugin", f"my_{kind}", "--recipe", f"{kind}/my_{kind}.yaml")
    assert done.returncode == 0, done.stdout
    assert re.findall(r"^ok +(\w+) my_\w+$", done.stdout, re.MULTILINE) == list(SCAFFOLDS[kind].kinds)
