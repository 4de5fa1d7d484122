import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "evokit-tour"


@pytest.fixture
def installed_example(tmp_path, monkeypatch):
    """The example as pip would install it: its module and the metadata made of its ``pyproject.toml``."""
    project = tomllib.loads((EXAMPLE / "pyproject.toml").read_text())["project"]
    info = tmp_path / "site" / f"evokit_tour-{project['version']}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Name: {project['name']}\nVersion: {project['version']}\n")
    points = "\n".join(f"{name} = {module}" for name, module in project["entry-points"]["evokit"].items())
    (info / "entry_points.txt").write_text(f"[evokit]\n{points}\n")
    monkeypatch.syspath_prepend(info.parent)
    monkeypatch.syspath_prepend(EXAMPLE)
    yield
    for module in ("evokit_tour", "test_evokit_tour"):
        sys.modules.pop(module, None)
