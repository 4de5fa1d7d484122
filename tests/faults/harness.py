"""What the proofs share: a small recipe with every phase, processes that are killed, and what must be equal then."""

from __future__ import annotations

import importlib.util
import json
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evokit.common.keys import digest
from evokit.measuring.ledger_files import same_but_for_costs
from evokit.recipe import RecipeError, load_recipe
from evokit.runs.checkpoint import load_checkpoint

ROOT = Path(__file__).parents[2]
TOY = ROOT / "tests" / "toy_plugin.py"
RECIPE = """\
seed: 5
plugins: [./toy_plugin.py]
data: {name: points}
fitness: {name: squares, sleep: 0.004, renewable: true, shared: true}
genome: {name: real_vector, length: 2, low: -3, high: 9}
search: {name: generational, population: 10, generations: 10, elites: 1, refit_every: 3}
crossover: {name: uniform}
mutation: {name: gaussian}
screens:
  - {name: surrogate, model: {name: parabola}, refit_every: 2, top: 0.4, random: 0.3}
  - {name: race, keep: 0.6}
confirm: {top: 3}
baselines: [{name: descent, lr: [0.1, 0.3]}, {name: random_search}]
final: {seeds: 2}
execution: {batch: 4}
"""
BACKENDS = ("inline", "processes", "ray")
TOLD = (
    "best",
    "front",
    "hypervolume",
    "gaps",
    "archive",
    "verdicts",
    "rival",
    "would_have_reported",
    "evaluations",
    "generations",
    "stopped",
    "test_openings",
)
GONE_S = 10.0  # within which workers of a killed run must be gone


def write_recipe(folder: Path, text: str = RECIPE) -> Path:
    """The recipe with a plugin of its own in ``folder``, which may be there already."""
    folder.mkdir(exist_ok=True)
    shutil.copy(TOY, folder)
    path = folder / "toy.yaml"
    path.write_text(text)
    return path


def missing(backend: str) -> str:
    """Why a back end cannot be tested here; empty if it can."""
    try:
        load_recipe(ROOT / "recipes" / "onemax.yaml", [f"execution.backend={backend}"])
    except RecipeError:
        return f"recipes do not know execution.backend {backend} yet"
    if backend == "ray" and importlib.util.find_spec("ray") is None:
        return "ray is not installed; pip install 'evokit-deap[ray]' ends this"
    return ""


def on(backend: str, workers: int) -> list[str]:
    """Overrides that put a run on a back end; ``inline`` has one worker, whatever is asked for."""
    return [f"execution.backend={backend}", *([] if backend == "inline" else [f"execution.workers={workers}"])]


def each_backend(*more: Any) -> pytest.MarkDecorator:
    """Parametrises by back end; those that this checkout or machine lacks are skipped with the reason."""
    reasons = {backend: missing(backend) for backend in BACKENDS}
    return pytest.mark.parametrize(
        "backend",
        [
            pytest.param(backend, marks=pytest.mark.skip(reason=reasons[backend]) if reasons[backend] else ())
            for backend in BACKENDS
        ],
    )


class Victim:
    """``evokit run`` in a process of its own.

    Args:
        recipe: Its file.
        out: Run directory.
        overrides: As after ``--set``.
        resume: Go on with what is there.
        point: Where it kills itself, see the driver, and ``number``: the how manieth time.
        commit_every: Seconds between commits of the ledger.
        file_limit: Bytes that a file may have.
    """

    def __init__(
        self,
        recipe: Path,
        out: Path,
        *overrides: str,
        resume: bool = False,
        point: str = "never",
        number: int = 0,
        commit_every: float = 0.1,
        file_limit: int = resource.RLIM_INFINITY,
    ) -> None:
        words = ["run", recipe, "--out", out, *(["--resume"] if resume else [])]
        for override in overrides:
            words += ["--set", override]
        command = [sys.executable, "-m", "tests.faults.driver", point, number, commit_every, *words]
        self.process = subprocess.Popen(
            list(map(str, command)),
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (file_limit, file_limit)),
        )

    def ends(self) -> int:
        """Wait; the exit code."""
        self.output, self.errors = self.process.communicate(timeout=120)
        return self.process.returncode

    def dies(self) -> bool:
        """Wait; whether it was killed."""
        return self.ends() == -signal.SIGKILL

    def kill(self) -> bool:
        """SIGKILL, and wait for its workers to notice; whether it was still at work.

        Raises:
            AssertionError: A worker outlives it.
        """
        workers = [one for one in children(self.process.pid) if not is_rays(one)]
        self.process.kill()
        killed = self.dies()
        deadline = time.monotonic() + GONE_S
        while left := [pid for pid in workers if alive(pid)]:
            assert time.monotonic() < deadline, f"workers {left} outlive their run"
            time.sleep(0.05)
        return killed


def is_rays(pid: int) -> bool:
    """Whether a process is one of Ray's own on a node, which end by themselves some time after their cluster.

    They hold no evaluation: actors, which do, are called ``ray::Actor``.
    """
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
    except FileNotFoundError:
        return False
    return any("/ray/" in word or word.startswith("ray::") for word in words) and not words[0].startswith("ray::Actor")


def children(pid: int) -> list[int]:
    """Direct children of a process and theirs."""
    try:
        direct = [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []
    return [one for child in direct for one in (child, *children(child))]


def alive(pid: int) -> bool:
    """Whether a process is there and no zombie that waits for its parent."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] != "Z"
    except OSError:
        return False


def finish(recipe: Path, out: Path, *overrides: str, resume: bool = False) -> float:
    """Run to the end; seconds from the first file to the end."""
    victim = Victim(recipe, out, *overrides, resume=resume)
    wait_for(out, victim)
    started = time.monotonic()
    assert victim.ends() == 0, victim.errors
    return time.monotonic() - started


def wait_for(out: Path, victim: Victim) -> None:
    """Until there is a run directory."""
    while not out.exists() and victim.process.poll() is None:
        time.sleep(0.005)


def killed_after(recipe: Path, out: Path, seconds: float, *overrides: str, **how: Any) -> bool:
    """Start, and kill so long after the first file; whether it was still at work."""
    victim = Victim(recipe, out, *overrides, **how)
    wait_for(out, victim)
    time.sleep(seconds)
    return victim.kill()


def summary_of(out: Path) -> dict[str, Any]:
    return dict(json.loads((out / "summary.json").read_text()))


def champion(out: Path) -> str:
    """Digest of the champion and all that is said of it; openings of the test split without their time."""
    summary = summary_of(out)
    told = {name: summary[name] for name in TOLD}
    told["test_openings"] = [[one["number"], one["reason"]] for one in told["test_openings"]]
    for name in ("final", *range(len(summary["baselines"]))):
        entry = summary["final"] if name == "final" else summary["baselines"][name]
        told[str(name)] = {key: entry[key] for key in ("settings", "validation", "test", "interval", "work")}
    return digest(told)


def population(out: Path) -> str:
    """Digest of the last checkpoint: population, known keys, hall of fame, logbook."""
    state = load_checkpoint(out / "checkpoint")
    assert state is not None
    return digest({name: state["search"][name] for name in ("generation", "population", "archive")})


def assert_same_end(out: Path, whole: Path) -> None:
    """Champion, population, ledger and metrics are those of the uninterrupted run."""
    assert champion(out) == champion(whole)
    assert population(out) == population(whole)
    assert same_but_for_costs(out / "ledger.sqlite", whole / "ledger.sqlite")
    assert (out / "metrics.jsonl").read_text() == (whole / "metrics.jsonl").read_text()


def generator(*names: object) -> np.random.Generator:
    """Of the instants of one test."""
    return np.random.default_rng(int(digest(list(map(str, names))), 16))
