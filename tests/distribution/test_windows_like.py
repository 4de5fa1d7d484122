"""Nothing in evokit needs POSIX: every module is imported and runs are made with no more than what Windows has.

That is simulated, see ``windows_like/sitecustomize.py``: it shows that no module of POSIX is needed, not that the
branches for Windows do there what they should.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.small import RECIPES

ROOT = Path(__file__).parents[2]
LIKE_WINDOWS = Path(__file__).parents[1] / "windows_like"
IMPORT_ALL = """\
import importlib, pkgutil, sys, warnings
warnings.simplefilter("ignore")
for name in sys.argv[1:]:
    package = importlib.import_module(name)
    for module in pkgutil.walk_packages(package.__path__, name + "."):
        if not module.name.startswith("evokit.measuring.backends.ray"):  # its extra
            importlib.import_module(module.name)
from evokit.common.stops import NAMES, signal
print([name for name in NAMES if hasattr(signal, name)])
"""


def python(*words):
    paths = (LIKE_WINDOWS, ROOT, ROOT / "plugins")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, paths))}
    command = [sys.executable, *map(str, words)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)


def evokit(*words):
    return python("-c", "from evokit.cli import main; main()", *words)


def test_every_module_is_imported():
    done = python("-c", IMPORT_ALL, "evokit", "evokit_activations", "evokit_crystalline", "evokit_optimizers")
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "['SIGINT', 'SIGTERM']"


@pytest.mark.parametrize("backend", ["inline", "processes"])
def test_a_run_is_made(tmp_path, backend):
    short = ("--set", "search.generations=3", "--set", f"execution.backend={backend}", "--set", "execution.workers=2")
    done = evokit("run", RECIPES / "onemax.yaml", *short, "--out", tmp_path / "run")
    assert done.returncode == 0, done.stderr
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    assert summary["status"] == "done"
    assert summary["search"]["cpu_s"] > 0


def test_a_recipe_is_checked():
    done = evokit("check", RECIPES / "onemax.yaml")
    assert done.returncode == 0, done.stderr


def test_a_limit_of_memory_is_refused(tmp_path):
    limited = ("--set", "execution={backend: processes, workers: 1, memory_mb: 4000}")
    done = evokit("run", RECIPES / "onemax.yaml", *limited, "--out", tmp_path / "run")
    assert done.returncode == 1
    assert "execution.memory_mb needs Linux" in done.stderr
    assert "Traceback" not in done.stderr
