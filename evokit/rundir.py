"""The run directory: its files, its identity, and who may write to it."""

from __future__ import annotations

import hashlib
import json
import platform
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from evokit.checkpoint import write_atomically
from evokit.errors import UserError
from evokit.recipe.schema import Recipe

PACKAGES = ("evokit", "deap", "numpy", "scikit-learn", "scipy", "torch", "transformers", "tokenizers", "datasets")


class RunDirectory:
    """Where things are in a run directory."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.recipe = path / "recipe.yaml"
        self.ledger = path / "ledger.sqlite"
        self.metrics = path / "metrics.jsonl"
        self.checkpoints = path / "checkpoint"
        self.artifacts = path / "artifacts"
        self.summary = path / "summary.json"

    def create(self, recipe: Recipe) -> None:
        """Make the directory of a new run.

        Raises:
            UserError: It cannot be made.
        """
        try:
            self.artifacts.mkdir(parents=True)
        except OSError as error:
            raise UserError(f"{self.path} cannot be made: {error.strerror}") from error
        self.keep_recipe(recipe)

    def keep_recipe(self, recipe: Recipe) -> None:
        """Write the resolved recipe."""
        write_atomically(self.recipe, recipe.to_yaml().encode())

    def read_summary(self) -> dict[str, Any] | None:
        if not self.summary.exists():
            return None
        summary: dict[str, Any] = json.loads(self.summary.read_text())
        return summary

    def write_summary(self, summary: Mapping[str, Any]) -> None:
        write_atomically(self.summary, (json.dumps(summary, indent=1) + "\n").encode())

    def relative(self, path: str | Path) -> str:
        """``path`` as seen from the run directory, so that the directory can be moved."""
        path = Path(path)
        return (
            str(path.resolve().relative_to(self.path.resolve())) if path.is_absolute() or path.exists() else str(path)
        )


def identity(recipe: Recipe) -> dict[str, Any]:
    """All that a resumed run must share with its beginning, or its numbers would not be one run's (C4)."""
    return {
        "recipe": recipe.digest,
        "seed": recipe.seed,
        "device": recipe.execution.device,
        "threads": recipe.execution.threads,
        "machine": f"{platform.system()} {platform.machine()} {cpu_model()}",
        "versions": versions(),
    }


def versions() -> dict[str, str]:
    """Python and the packages that decide numbers."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def cpu_model() -> str:
    """The processor's name: kernels are chosen by it, so bits may differ between two."""
    if sys.platform == "linux":
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor()


def refuse_other_identity(then: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Refuse to resume under another recipe, machine or set of versions.

    Raises:
        UserError: Names everything that differs.
    """
    differences = []
    for name, value in then.items():
        if name == "versions":
            changed = {p for p in value.keys() | now[name].keys() if value.get(p) != now[name].get(p)}
            differences += [f"{p} {value.get(p)} -> {now[name].get(p)}" for p in sorted(changed)]
        elif value != now[name]:
            differences.append(f"{name} {value} -> {now[name]}")
    if differences:
        raise UserError(
            f"this run cannot be resumed, its identity changed ({'; '.join(differences)}); "
            "restore it, or start a new run with another --out"
        )


def file_digest(path: Path) -> str:
    """blake2b of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()


def now() -> str:
    """UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")
