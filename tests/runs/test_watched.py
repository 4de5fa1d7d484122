import json
import shutil
from types import SimpleNamespace

import pytest

from evokit.assembly.directory import RunDirectory
from evokit.errors import UserError
from evokit.runs import watched
from evokit.runs.watched import follow, sight, told
from tests.cli.commands import invoke
from tests.small import run, write_recipe

LIMIT_S = 0.0  # between looks; a test waits for nobody


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """A finished run; tests look at copies of it."""
    folder = tmp_path_factory.mktemp("watched")
    run(write_recipe(folder), folder / "done", "search.generations=4")
    return folder / "done"


@pytest.fixture
def under_way(done, tmp_path):
    """A run that has taken one of four generations; it is at work while somebody holds its lock."""
    folder = shutil.copytree(done, tmp_path / "run")
    summary = json.loads((folder / "summary.json").read_text())
    beginning = {"status": "running", "best": None, "generations": 0, "stopped": ""}
    (folder / "summary.json").write_text(json.dumps(summary | beginning))
    first = (folder / "metrics.jsonl").read_bytes().splitlines(keepends=True)[:1]
    (folder / "metrics.jsonl").write_bytes(b"".join(first))
    return folder


def contents(folder):
    return {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_a_finished_run_is_told_with_all_that_it_measured(done):
    seen = sight(RunDirectory(done))
    summary = RunDirectory(done).read_summary()
    assert (seen.status, seen.ended, seen.generations, seen.left_s) == ("done", True, (4, 4), None)
    assert seen.best == summary["best"]["values"][0]
    assert seen.rows["search"]["measured"] == summary["evaluations"]["measured"]
    assert seen.cpu_s == pytest.approx(summary["cpu_s"])


def test_the_time_left_is_what_the_generations_so_far_took(under_way, monkeypatch):
    looked = watched._Looked({}, "search", {"search": (20.0, 10.0)}, 0)
    monkeypatch.setattr(watched, "_look_up", lambda directory: looked)
    with RunDirectory(under_way).lock():
        seen = sight(RunDirectory(under_way))
    assert (seen.status, seen.generations, seen.left_s) == ("running", (1, 4), 60.0)
    assert "Generation 1/4, the search has at most 60 s left" in told("a", seen)


def test_who_watches_changes_nothing(under_way):
    before = contents(under_way)
    with RunDirectory(under_way).lock():
        assert sight(RunDirectory(under_way)).best is not None
    assert contents(under_way) == before


def test_a_run_that_has_measured_nothing_is_told_as_running(done, tmp_path):
    (tmp_path / "new").mkdir()
    shutil.copy(done / "recipe.yaml", tmp_path / "new")
    with RunDirectory(tmp_path / "new").lock():
        seen = sight(RunDirectory(tmp_path / "new"))
    assert (seen.status, seen.generations, seen.rows) == ("running", (0, 4), {})
    assert told("new", seen) == "new: running\nGeneration 0/4"


def test_following_ends_with_the_run(done, under_way, monkeypatch):
    waits = []

    def end(seconds):
        waits.append(seconds)
        if len(waits) == 2:
            held.__exit__(None, None, None)
            shutil.copy(done / "summary.json", under_way)

    monkeypatch.setattr(watched, "time", SimpleNamespace(sleep=end))
    held = RunDirectory(under_way).lock()
    held.__enter__()
    assert [seen.status for seen in follow(RunDirectory(under_way), 5.0)] == ["running", "running", "done"]
    assert waits == [5.0, 5.0]


def test_of_several_repeats_the_last_is_told(tmp_path):
    run(write_recipe(tmp_path), tmp_path / "run", "search.generations=2", "repeats=2")
    seen = sight(RunDirectory(tmp_path / "run"))
    assert (seen.status, seen.repeats, seen.generations) == ("done", (2, 2), (2, 2))
    assert sum(seen.rows["search"].values()) > 0
    assert told("run", seen).startswith("run: done, repeat 2 of 2\nGeneration 2/2\n")


def test_what_is_no_run_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"is no run directory: it has no recipe\.yaml"):
        next(follow(RunDirectory(tmp_path), LIMIT_S))


@pytest.mark.parametrize("words", [(), ("--once",)])
def test_the_command_prints_a_finished_run(done, words):
    answer = invoke("watch", done, *words)
    assert answer.exit_code == 0
    assert answer.stdout.startswith(f"{done}: done\nGeneration 4/4\nBest so far: ones ")
    assert (f"evokit report {done}" in answer.stdout) == (not words)


def test_the_command_fails_with_the_run(under_way):
    answer = invoke("watch", under_way)
    assert answer.exit_code == 1
    assert answer.stdout.startswith(f"{under_way}: crashed\n")
    assert invoke("watch", under_way, "--once").exit_code == 0


def test_without_a_terminal_a_moment_is_printed_once(done, under_way, monkeypatch):
    looks = []

    def end(seconds):
        looks.append(seconds)
        if len(looks) == 3:
            held.__exit__(None, None, None)
            shutil.copy(done / "summary.json", under_way)

    monkeypatch.setattr(watched, "time", SimpleNamespace(sleep=end))
    held = RunDirectory(under_way).lock()
    held.__enter__()
    answer = invoke("watch", under_way)
    assert len(looks) == 3
    assert answer.stdout.count(f"{under_way}: running\n") == answer.stdout.count(f"{under_way}: done\n") == 1
