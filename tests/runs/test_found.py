import json
import math
import shutil
import sqlite3
from contextlib import closing

import pytest

from evokit.assembly.directory import RunDirectory
from evokit.runs.found import find_runs, go_on, look
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


def test_what_a_killed_run_spent_is_told_by_its_ledger(done, folder):
    whole = RunDirectory(done).read_summary()
    change(folder, status="running", wall_s=0.0, cpu_s=0.0, energy=whole["energy"] | {"joules": 0.0})
    summary, now = look(RunDirectory(folder / "one"))
    assert now.status == "crashed"
    assert {key: summary[key] for key in ("wall_s", "cpu_s")} == pytest.approx(
        {key: whole[key] for key in ("wall_s", "cpu_s")}
    )
    assert summary["energy"]["joules"] == pytest.approx(whole["energy"]["joules"])


def test_shared_seconds_of_a_killed_run_count_once_and_of_an_old_one_none_are_known(folder):
    change(folder, status="running", wall_s=0.0)
    ledger = folder / "one" / "ledger.sqlite"
    with closing(sqlite3.connect(ledger)) as db, db:
        db.execute("UPDATE costs SET wall_s = 3")
        db.execute("UPDATE costs SET beside_s = 1")
        (n,) = db.execute("SELECT count(*) FROM costs").fetchone()
    assert look(RunDirectory(folder / "one"))[0]["wall_s"] == 2 * n
    with closing(sqlite3.connect(ledger)) as db, db:
        db.execute("ALTER TABLE costs DROP COLUMN beside_s")
    assert look(RunDirectory(folder / "one"))[0]["wall_s"] == 3 * n


def test_what_a_run_spent_that_was_killed_before_that_was_saved_is_not_known(folder):
    change(folder, status="running", wall_s=0.0)
    with closing(sqlite3.connect(folder / "one" / "ledger.sqlite")) as db, db:
        db.execute("UPDATE costs SET wall_s = 0")
    assert math.isnan(look(RunDirectory(folder / "one"))[0]["wall_s"])


def test_a_lost_ledger_is_damage_with_its_reason_whatever_the_summary_says(folder):
    change(folder, status="failed")
    (folder / "one" / "ledger.sqlite").unlink()
    _, now = look(RunDirectory(folder / "one"))
    assert (now.status, now.generations) == ("damaged", 3)
    assert "ledger.sqlite is gone" in now.problem


@pytest.fixture(scope="module")
def repeated(tmp_path_factory):
    folder = tmp_path_factory.mktemp("repeated")
    run(write_recipe(folder), folder / "all" / "run", "search.generations=3", "repeats=2")
    return folder / "all" / "run"


@pytest.mark.parametrize("killed_in", [0, 1])
def test_of_a_run_that_was_killed_in_a_repeat_all_that_is_there_is_told(repeated, tmp_path, killed_in):
    out = shutil.copytree(repeated, tmp_path / "run")
    top, last = out / "summary.json", out / f"repeat-{killed_in}" / "summary.json"
    before = RunDirectory(out).read_summary()
    last.write_text(json.dumps(json.loads(last.read_text()) | {"status": "running", "best": None, "wall_s": 0.0}))
    if killed_in == 0:
        top.unlink()
        shutil.rmtree(out / "repeat-1")
    else:
        top.write_text(json.dumps(before | {"status": "running", "repeats": before["repeats"][:1], "wall_s": 0.0}))
    summary, now = look(RunDirectory(out))
    (one,) = find_runs(tmp_path)
    assert (one.status, one.generations, one.best) == ("crashed", 3, now.best)
    assert one.best is not None
    assert summary["asked"] == before["asked"]
    assert (len(summary["repeats"]), summary["repeats_planned"]) == (1, 2)
    spent = [RunDirectory(out / f"repeat-{n}").read_summary()["wall_s"] for n in range(killed_in)]
    assert summary["wall_s"] > sum(spent)


def test_the_verdict_is_that_against_the_rival(folder):
    verdicts = [{"against": "a", "verdict": "worse"}, {"against": "b", "verdict": "better"}]
    change(folder, verdicts=verdicts, rival="b")
    assert [one.verdict for one in find_runs(folder)] == ["better against b"]


def test_generations_and_best_are_the_summarys_where_there_are_no_metrics(folder):
    (folder / "one" / "metrics.jsonl").unlink()
    change(folder, status="running", generations=2)
    (one,) = find_runs(folder)
    assert (one.status, one.generations) == ("crashed", 2)
    assert one.best == RunDirectory(folder / "one").read_summary()["best"]["values"][0]


def test_a_run_at_work_is_running_also_while_its_ledger_is_not_there(folder):
    (folder / "one" / "ledger.sqlite").unlink()
    with RunDirectory(folder / "one").lock():
        assert [one.status for one in find_runs(folder)] == ["running"]


def test_the_command_that_goes_on_with_a_repeat_goes_on_with_all(repeated):
    assert go_on(["a.yaml"], repeated / "repeat-1") == go_on(["a.yaml"], repeated)
    assert go_on(["a.yaml"], repeated.parent / "repeat-1").endswith("repeat-1 --resume")


def test_looking_changes_nothing(done):
    before = {path: path.stat().st_mtime_ns for path in done.rglob("*")}
    list(find_runs(done.parent))
    assert {path: path.stat().st_mtime_ns for path in done.rglob("*")} == before
