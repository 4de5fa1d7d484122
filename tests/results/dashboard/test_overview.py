import json
import os
import shutil
from datetime import UTC, datetime

import pytest

from evokit.assembly.directory import RunDirectory
from evokit.errors import UserError
from evokit.results.dashboard.overview import COLUMNS, Row, in_order, refuse_links_out, row_of, runs_below


def told(path):
    return row_of("run", path, path.parent)


def test_runs_are_found_below_and_nothing_else_is_one(tmp_path):
    for name in ("a", "more/b", "a/repeat-0", ".hidden/c", "1/2/3/d", "1/2/3/4/e"):
        (tmp_path / name / "artifacts").mkdir(parents=True)
        (tmp_path / name / "recipe.yaml").touch()
    (tmp_path / "recipes").mkdir()
    (tmp_path / "recipes" / "recipe.yaml").touch()
    (tmp_path / "more" / "link").symlink_to(tmp_path / "a")
    assert sorted(name for name, _ in runs_below(tmp_path)) == ["1/2/3/d", "a", "more/b"]
    assert [name for name, _ in runs_below(tmp_path / "a")] == ["."]


@pytest.mark.parametrize("down", [False, True])
def test_what_is_not_known_comes_last_and_equals_by_name(tmp_path, down):
    rows = [Row(name, tmp_path, "done", best=best) for name, best in [("d", None), ("b", 2.0), ("a", 2.0), ("c", 1.0)]]
    order = [row.name for row in in_order(rows, "best", down)]
    assert order == (["a", "b", "c", "d"] if down else ["c", "a", "b", "d"])
    assert all(len(in_order(rows, column, down)) == 4 for column in COLUMNS)


def test_a_finished_run_is_told_with_its_best(done):
    row, summary = told(done), RunDirectory(done).read_summary()
    assert (row.status, row.recipe, row.generation, row.openings) == ("done", "small.yaml", "2", 0)
    assert (row.objective, row.best) == ("ones", summary["best"]["values"][0])


def test_a_run_was_written_when_the_last_of_its_files_was(done, tmp_path):
    folder, later = shutil.copytree(done, tmp_path / "run"), 4_000_000_000
    os.utime(folder / "summary.json", (later, later))
    assert told(folder).written == datetime.fromtimestamp(later, UTC)


def test_a_run_at_work_is_told_with_its_horizon(done, tmp_path):
    folder = shutil.copytree(done, tmp_path / "run")
    (folder / "summary.json").unlink()
    with RunDirectory(folder).lock():
        row = told(folder)
    assert (row.status, row.generation) == ("running", "0/2")


def test_the_verdict_is_that_against_the_rival(done, tmp_path):
    folder = shutil.copytree(done, tmp_path / "run")
    summary = json.loads((folder / "summary.json").read_text())
    verdict = {
        "verdict": "better",
        "difference": 0.5,
        "interval": [0.25, 0.75],
        "n": 9,
        "method": "a; higher is better",
    }
    judged = {"rival": "b", "verdicts": [verdict | {"against": "a"}, verdict | {"against": "b"}]}
    (folder / "summary.json").write_text(json.dumps(summary | judged))
    assert told(folder).told == (
        "The champion is better than b, the best baseline on validation: +0.5 [+0.25, +0.75] (higher is better), n = 9"
    )


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "is damaged"),
        ("[]", "it is no mapping"),
        (None, "its files cannot be understood"),
    ],
)
def test_a_damaged_summary_is_told_in_a_sentence(done, tmp_path, content, words):
    folder = shutil.copytree(done, tmp_path / "run")
    summary = json.loads((folder / "summary.json").read_text())
    (folder / "summary.json").write_text(json.dumps(summary | {"verdicts": 3}) if content is None else content)
    row = told(folder)
    assert row.status == "damaged"
    assert words in row.told
    assert "\n" not in row.told


def test_a_lost_ledger_is_told(done, tmp_path):
    folder = shutil.copytree(done, tmp_path / "run")
    (folder / "ledger.sqlite").unlink()
    assert (told(folder).status, "ledger.sqlite is gone" in told(folder).told) == ("damaged", True)


def test_a_run_that_leads_out_of_the_folder_is_not_read(done, tmp_path):
    folder = shutil.copytree(done, tmp_path / "inside" / "run")
    (tmp_path / "secret").write_text("secret")
    (folder / "artifacts" / "more").mkdir()
    (folder / "artifacts" / "more" / "link").symlink_to(tmp_path / "secret")
    with pytest.raises(UserError, match=r"link leads out of .*inside, so nothing of this run is shown"):
        refuse_links_out(folder, tmp_path / "inside")
    refuse_links_out(folder, tmp_path)
    assert (told(folder).status, told(folder).recipe) == ("damaged", "")
