import json
import shutil

import pytest

from evokit.assembly.directory import RunDirectory
from evokit.runs.found import find_runs
from tests.small import run, write_recipe


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """A finished run; tests look at copies of it."""
    folder = tmp_path_factory.mktemp("runs")
    run(write_recipe(folder), folder / "all" / "done", "search.generations=3")
    return folder / "all" / "done"


@pytest.fixture
def folder(done, tmp_path):
    for name in ("recipe.yaml", "metrics.jsonl", "summary.json", "ledger.sqlite"):
        (tmp_path / "one").mkdir(exist_ok=True)
        (tmp_path / "one" / name).write_bytes((done / name).read_bytes())
    return tmp_path


def change(folder, **values):
    path = folder / "one" / "summary.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def test_a_finished_run_is_listed_with_its_best(folder):
    (one,) = find_runs(folder)
    summary = RunDirectory(folder / "one").read_summary()
    assert (one.status, one.recipe, one.generations) == ("done", "small.yaml", 3)
    assert one.best == summary["best"]["values"][0]


@pytest.mark.parametrize("status", ["interrupted", "failed", "baselines"])
def test_a_run_that_ended_otherwise_keeps_its_word(folder, status):
    change(folder, status=status)
    assert [one.status for one in find_runs(folder)] == [status]


def test_a_run_without_its_process_has_crashed_and_tells_how_far_it_came(folder):
    change(folder, status="running", best=None, generations=0)
    (one,) = find_runs(folder)
    assert (one.status, one.generations) == ("crashed", 3)
    assert one.best is not None


def test_a_search_that_was_interrupted_tells_its_best_so_far(folder):
    change(folder, status="interrupted", best=None)
    (one,) = find_runs(folder)
    assert one.status == "interrupted"
    assert one.best is not None


def test_a_torn_line_of_metrics_is_passed_over(folder):
    change(folder, status="running", best=None, generations=0)
    with (folder / "one" / "metrics.jsonl").open("ab") as file:
        file.write(b'[1]\n{"generation": 3}\n\xff\n{"generation": 3, "be')
    assert [one.generations for one in find_runs(folder)] == [3]


def test_a_run_at_work_is_running(folder):
    change(folder, status="running")
    with RunDirectory(folder / "one").lock():
        assert [one.status for one in find_runs(folder)] == ["running"]


def test_a_resumed_run_at_work_is_running_whatever_its_summary_says(folder):
    with RunDirectory(folder / "one").lock():
        assert [one.status for one in find_runs(folder)] == ["running"]


def test_a_run_killed_before_its_first_summary_has_crashed(folder):
    (folder / "one" / "summary.json").unlink()
    assert [one.status for one in find_runs(folder)] == ["crashed"]


def test_a_damaged_run_hides_no_other(folder):
    (folder / "two").mkdir()
    (folder / "two" / "recipe.yaml").touch()
    (folder / "two" / "summary.json").write_text("{")
    shutil.copytree(folder / "one", folder / "three")
    (folder / "three" / "ledger.sqlite").unlink()
    assert [one.status for one in find_runs(folder)] == ["done", "damaged", "damaged"]


def test_a_folder_that_is_not_there_has_no_runs(tmp_path):
    assert list(find_runs(tmp_path / "none")) == []


def test_looking_changes_nothing(done):
    before = {path: path.stat().st_mtime_ns for path in done.rglob("*")}
    list(find_runs(done.parent))
    assert {path: path.stat().st_mtime_ns for path in done.rglob("*")} == before
