"""Wheels as ``pip wheel`` builds them, without fetching anything."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

ROOT = Path(__file__).parent.parent
SOURCES = ("LICENSE", "README.md", "evokit", "plugins", "pyproject.toml", "recipes", "setup.cfg")


def built(project: Path, out: Path) -> Path:
    """The wheel of the project in a folder, by the back end that its ``pyproject.toml`` names, which is setuptools."""
    code = "import sys; from setuptools import build_meta; build_meta.build_wheel(sys.argv[1])"
    out.mkdir(exist_ok=True)
    done = subprocess.run(
        [sys.executable, "-c", code, str(out)], cwd=project, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    (wheel,) = out.glob("*.whl")
    return wheel


def built_evokit(folder: Path) -> Path:
    """evokit's own wheel, from a copy of its sources, so that the build leaves nothing in the checkout."""
    copy = folder / "sources"
    copy.mkdir()
    for name in SOURCES:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, copy)
    return built(copy, folder / "wheel")


def content(wheel: Path) -> set[str]:
    """The files that a wheel installs, without its metadata."""
    with ZipFile(wheel) as file:
        return {name for name in file.namelist() if ".dist-info/" not in name}


def metadata_of(wheel: Path) -> list[str]:
    """The lines of a wheel's metadata."""
    with ZipFile(wheel) as file:
        (name,) = (name for name in file.namelist() if name.endswith(".dist-info/METADATA"))
        return file.read(name).decode().splitlines()
