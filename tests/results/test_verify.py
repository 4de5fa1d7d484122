import json
import sqlite3

import pytest

from evokit.assembly.directory import RunDirectory
from evokit.errors import UserError
from evokit.results.report import report
from evokit.results.verify import Claim, verify
from tests.runs.test_run import SPHERE
from tests.small import TOY_RECIPE, run, write_recipe


@pytest.fixture
def toy(tmp_path):
    (tmp_path / "toy.yaml").write_text(TOY_RECIPE)
    run(tmp_path / "toy.yaml", tmp_path / "run")
    return tmp_path / "run"


@pytest.fixture
def small(tmp_path):
    run(write_recipe(tmp_path), tmp_path / "run", "search.generations=3")
    return tmp_path / "run"


def change(run, change):
    path = run / "summary.json"
    summary = json.loads(path.read_text())
    change(summary)
    path.write_text(json.dumps(summary))


def failing(run):
    return [claim.what for claim in verify(run) if not claim.holds]


def test_an_honest_run_holds(toy):
    claims = list(verify(toy))
    assert all(claim.holds for claim in claims)
    what = " ".join(claim.what for claim in claims)
    assert all(word in what for word in ("recipe", "key", "loss of the champion", "digest of", "test value of descent"))


def test_the_value_on_fresh_data_is_claimed_too(small):
    assert "ones of the champion on fresh data" in [claim.what for claim in verify(small)]
    change(small, lambda summary: summary["best"].update(confirmed=-1.0))
    assert failing(small) == ["ones of the champion on fresh data"]


def test_a_value_that_was_measured_again_is_measured_there(tmp_path):
    recipe = tmp_path / "sphere.yaml"
    recipe.write_text(SPHERE + "confirm: {top: 3}\n")
    summary = run(recipe, tmp_path / "run", "search.generations=2")
    assert summary["best"]["confirmed_on"] == "again"
    assert failing(tmp_path / "run") == []
    change(tmp_path / "run", lambda summary: summary["best"].update(confirmed_on="fresh"))
    assert failing(tmp_path / "run") == ["distance of the champion on fresh data"]


def test_a_better_value_than_measured_does_not_hold(toy):
    change(toy, lambda summary: summary["best"].update(values=[summary["best"]["values"][0] - 1e-3]))
    assert failing(toy) == ["loss of the champion"]


def test_other_genes_do_not_hold(toy):
    change(toy, lambda summary: summary["best"].update(genes=[2.9]))
    assert failing(toy) == ["key of the champion", "loss of the champion"]


def test_a_better_test_value_does_not_hold(toy):
    change(toy, lambda summary: summary["final"].update(test=0.0))
    assert failing(toy) == ["test value of champion"]


def artifact_of(run, name):
    summary = json.loads((run / "summary.json").read_text())
    entry = next(one for one in (summary["final"], *summary["baselines"]) if one["name"] == name)
    return run / entry["artifacts"][0]


def test_an_exchanged_model_does_not_hold(toy):
    artifact_of(toy, "descent").write_text("2.75")
    assert len(failing(toy)) == 2


def test_a_lost_model_does_not_hold(toy):
    artifact_of(toy, "descent").unlink()
    claims = [claim for claim in verify(toy) if not claim.holds]
    assert [claim.found for claim in claims] == ["no such file", "no model to score"]


def test_every_verification_is_an_opening_in_ledger_and_summary(toy):
    list(verify(toy))
    list(verify(toy))
    with sqlite3.connect(toy / "ledger.sqlite") as db:
        assert [reason for (reason,) in db.execute("SELECT reason FROM openings")] == ["final", "verify", "verify"]
    summary = RunDirectory(toy).read_summary()
    assert [one["reason"] for one in summary["test_openings"]] == ["final", "verify", "verify"]
    assert "opened 3 times" in report(summary)


def test_repeats_are_verified_one_by_one(tmp_path):
    run(write_recipe(tmp_path), tmp_path / "run", "repeats=2", "search.generations=2")
    claims = list(verify(tmp_path / "run"))
    assert {claim.what.split(":")[0] for claim in claims} == {"repeat-0", "repeat-1"}
    assert all(claim.holds for claim in claims)


def test_openings_of_repeats_are_all_told(toy, tmp_path):
    recipe = toy.parent / "toy.yaml"
    run(recipe, tmp_path / "twice", "repeats=2", "search.generations=1")
    list(verify(tmp_path / "twice"))
    summary = RunDirectory(tmp_path / "twice").read_summary()
    assert [one["reason"] for one in summary["test_openings"]] == ["final", "verify"] * 2
    assert summary["register"]["openings"] >= 4


def test_an_unfinished_run_is_refused(small):
    change(small, lambda summary: summary.update(status="interrupted"))
    with pytest.raises(UserError, match=r"has no finished run to verify; evokit run \.\.\. --resume"):
        list(verify(small))


def test_what_is_no_run_is_refused(tmp_path):
    with pytest.raises(UserError, match="is no run directory"):
        list(verify(tmp_path))


@pytest.mark.parametrize(
    ("claimed", "found", "holds"),
    [(1.0, 1.0 + 1e-7, True), (1.0, 1.0 + 1e-5, False), ("a", "a", True), ("a", "b", False), (1.0, "nan: ?", False)],
)
def test_numbers_hold_within_rounding_all_else_exactly(claimed, found, holds):
    assert Claim("it", claimed, found).holds is holds
