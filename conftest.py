"""Modules that need an extra are collected, for doctests, only where it is; openings of tests are not the user's."""

import gc
import os
import tempfile
from importlib.util import find_spec
from itertools import count
from pathlib import Path

import pytest
from hypothesis import settings

pytest_plugins = ["tests.known_skips"]
collect_ignore = [] if find_spec("ray") else [f"evokit/measuring/backends/{name}.py" for name in ("ray", "ray_actor")]

# Set at once, for fixtures of modules and all subprocesses.
STATES = tempfile.TemporaryDirectory(prefix="evokit-states-")
os.environ["EVOKIT_STATE"] = STATES.name
os.environ.setdefault("OMP_NUM_THREADS", "1")  # tensors are small here, and threads wait for each other spinning
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # hundreds of subprocesses would each compile all that they import
NUMBERS = count()

# For ``make mutants``, whose code is slower, and where a change must be noticed each time or never.
settings.register_profile("mutants", deadline=None, derandomize=True)
# A busy machine takes as long as it takes; a test that hangs is ended by pytest's own time-out.
settings.register_profile("default", deadline=None)
settings.load_profile("default")


@pytest.fixture(autouse=True)
def _own_state(monkeypatch):
    """What one test opens is nothing to the next."""
    monkeypatch.setenv("EVOKIT_STATE", str(Path(STATES.name) / str(next(NUMBERS))))


def pytest_collection_finish():
    """What was imported and collected is there to the end: garbage is looked for in what comes after it alone."""
    gc.collect()
    gc.freeze()


def pytest_unconfigure():
    STATES.cleanup()
