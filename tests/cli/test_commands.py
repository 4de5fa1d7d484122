"""The commands that read finished runs: runs, report, export, verify, unseal; and doctor."""

import json
import re
import shlex
import shutil
import sys

import pytest

from evokit.assembly.directory import RunDirectory
from evokit.progress import number
from evokit.recipe import load_recipe
from evokit.runs.found import find_runs
from tests.cli.commands import invoke
from tests.small import RECIPES, TOY_RECIPE, run, write_recipe

ONEMAX = RECIPES / "onemax.yaml"


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    folder = tmp_path_factory.mktemp("toy")
    (folder / "toy.yaml").write_text(TOY_RECIPE)
    run(folder / "toy.yaml", folder / "runs" / "toy")
    return folder / "runs" / "toy"


def test_runs_lists_states_and_verdicts(toy):
    done = invoke("runs", toy.parent)
    assert done.exit_code == 0
    assert "toy.yaml" in done.stdout
    assert " against " in done.stdout


def test_runs_shows_a_crashed_run(tmp_path):
    RunDirectory(tmp_path / "lost").create(load_recipe(ONEMAX))
    assert "crashed" in invoke("runs", tmp_path).stdout
    told = invoke("report", tmp_path / "lost")
    assert told.exit_code == 2
    again = f"evokit run {tmp_path / 'lost'}/recipe.yaml --out {tmp_path / 'lost'} --resume"
    assert told.stderr == f"{tmp_path / 'lost'} was stopped before anything was measured. Go on with: {again}\n"
    assert invoke(*shlex.split(again)[1:], "--set", "search.generations=2").exit_code == 0


def killed(toy, tmp_path):
    """A copy of a run as SIGKILL leaves it: its summary is from its beginning."""
    folder = shutil.copytree(toy, tmp_path / "killed")
    summary = json.loads((folder / "summary.json").read_text())
    summary |= {"status": "running", "best": None, "generations": 0, "baselines": [], "final": None, "verdicts": []}
    (folder / "summary.json").write_text(json.dumps(summary))
    return folder


def test_report_and_runs_agree_about_a_killed_run(toy, tmp_path):
    folder = killed(toy, tmp_path)
    (listed,) = find_runs(tmp_path)
    told = invoke("report", folder).stdout
    assert listed.status == "crashed"
    assert f"toy.yaml: crashed, seed 0, {listed.generations} generations" in told
    assert re.search(rf"best so far: \w+ {number(listed.best)}\.", told)
    assert f"Go on with: evokit run {toy.parent.parent / 'toy.yaml'} --out {folder} --resume" in told


def test_report_and_runs_agree_about_a_run_at_work(toy, tmp_path):
    folder = killed(toy, tmp_path)
    with RunDirectory(folder).lock():
        assert [one.status for one in find_runs(tmp_path)] == ["running"]
        told = invoke("report", folder).stdout
    assert "toy.yaml: running, " in told
    assert "--resume" not in told


def test_runs_of_an_empty_folder_says_so(tmp_path):
    assert invoke("runs", tmp_path).stdout == f"No runs in {tmp_path}.\n"


def test_report_prints_the_finding(toy):
    done = invoke("report", toy)
    assert done.exit_code == 0
    assert "Verdict: the champion" in done.stdout


def test_verify_repeats_the_claims(toy):
    done = invoke("verify", toy)
    assert done.exit_code == 0
    assert "DOES NOT HOLD" not in done.stdout
    assert "key of the champion" in done.stdout


def test_verify_of_a_false_claim_is_exit_code_1(tmp_path):
    recipe = write_recipe(tmp_path)
    run(recipe, tmp_path / "run", "search.generations=2")
    path = tmp_path / "run" / "summary.json"
    summary = json.loads(path.read_text())
    summary["best"]["values"] = [99.0]
    path.write_text(json.dumps(summary))
    done = invoke("verify", tmp_path / "run")
    assert done.exit_code == 1
    assert "ones of the champion: 99.0 DOES NOT HOLD, found " in done.stdout
    assert done.stderr.splitlines()[-1] == "1 claim does not hold"


def test_unseal_prints_the_report_and_a_second_one_says_so(tmp_path):
    (tmp_path / "toy.yaml").write_text(TOY_RECIPE)
    run(tmp_path / "toy.yaml", tmp_path / "run", "data.vault=0.6")
    done = invoke("unseal", tmp_path / "run")
    assert done.exit_code == 0
    assert "The vault, opened at " in done.stdout
    again = invoke("unseal", tmp_path / "run")
    assert again.exit_code == 0
    assert "nothing is scored again" in again.stdout


def test_unseal_of_a_run_without_a_vault_is_one_sentence_and_exit_code_2(toy):
    done = invoke("unseal", toy)
    assert done.exit_code == 2
    assert done.stderr.splitlines()[-1] == f"{toy} has no vault; a recipe keeps one with data: {{..., vault: 0.5}}"
    assert "Traceback" not in done.stderr


def test_an_interrupted_unseal_says_how_to_go_on(toy, monkeypatch):
    def interrupted(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr("evokit.results.unseal.unseal", interrupted)
    done = invoke("unseal", toy)
    assert done.exit_code == 130
    assert f"Go on with: evokit unseal {toy}" in done.stderr


def test_export_says_where(toy, tmp_path):
    done = invoke("export", toy, "--out", tmp_path / "out")
    assert done.exit_code == 0
    assert done.stdout == f"Exported to {tmp_path / 'out'}\n"


def test_export_of_repeats_says_whose(tmp_path):
    (tmp_path / "toy.yaml").write_text(TOY_RECIPE)
    summary = run(tmp_path / "toy.yaml", tmp_path / "run", "repeats=2")
    told = " ".join(invoke("export", tmp_path / "run").stdout.split())
    assert told.endswith(f"text, of the repeat with seed {summary['seed']}, whose champion has the best value of 2")


@pytest.mark.parametrize("command", ["report", "verify", "unseal", "export"])
def test_what_is_no_run_is_one_sentence_and_exit_code_2(tmp_path, command):
    done = invoke(command, tmp_path)
    assert done.exit_code == 2
    assert "is no run directory" in done.stderr
    assert done.stderr.count("\n") == 1


def test_doctor_ends_with_1_only_if_something_is_bad():
    done = invoke("doctor")
    assert done.exit_code == int("BAD" in done.stdout)
    assert f"python: {sys.version.split()[0]}" in done.stdout


def test_commands_that_load_local_plugins_name_them(tmp_path):
    recipe = write_recipe(tmp_path)
    run(recipe, tmp_path / "run", "search.generations=2")
    for arguments in (["check", recipe], ["verify", tmp_path / "run"]):
        assert "odd.py, which is code." in invoke(*arguments).stderr
