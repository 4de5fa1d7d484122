"""The vault of the toy: with ``vault: 0.6`` the test point 2.5 is tested on, and 1.0 and 1.5 are kept."""

import json
import shutil
import sqlite3
from io import StringIO
from pathlib import Path

import numpy as np
import pytest

from evokit.assembly.directory import RunDirectory
from evokit.errors import UserError
from evokit.measuring.ledger import Ledger
from evokit.progress import LineProgress
from evokit.results.report import report
from evokit.results.unseal import unseal
from evokit.results.verify import verify
from tests.small import TOY_RECIPE, run, write_recipe

SEALED = ("data.vault=0.6", "execution.backend=inline")


@pytest.fixture
def launched(tmp_path):
    """Runs the toy recipe with a vault; gives the run directory."""

    def launched(*overrides, name="run", recipe="toy.yaml", **how):
        (tmp_path / recipe).write_text(TOY_RECIPE)
        run(tmp_path / recipe, tmp_path / name, *SEALED, *overrides, **how)
        return tmp_path / name

    return launched


def opened(folder):
    """The summary after unsealing, and what was said meanwhile."""
    log = StringIO()
    return unseal(folder, LineProgress(log)), log.getvalue()


def summary_of(folder):
    return RunDirectory(folder).read_summary()


def rows(folder, query):
    with sqlite3.connect(folder / "ledger.sqlite") as db:
        return db.execute(query).fetchall()


def values(folder, points):
    """The champion's squared distances by hand."""
    model = float((folder / summary_of(folder)["final"]["artifacts"][0]).read_text())
    return np.square(np.array(points) - model)


@pytest.fixture
def scored(monkeypatch):
    """Every model that was scored, which is the only thing that its text is read for, in order."""
    models, read_text = [], Path.read_text

    def spy(self, *options, **more):
        models.extend([self] if self.name == "model.txt" else [])
        return read_text(self, *options, **more)

    monkeypatch.setattr(Path, "read_text", spy)
    return models


def test_a_run_and_its_verification_score_no_unit_of_the_vault(launched):
    folder = launched()
    assert summary_of(folder)["final"]["n_units"] == 1
    assert all(claim.holds for claim in verify(folder))
    assert {len(json.loads(units)) for (units,) in rows(folder, "SELECT units FROM scores")} == {1}
    assert summary_of(folder)["vault"] is None
    assert [reason for (reason,) in rows(folder, "SELECT reason FROM openings")] == ["final", "verify"]


def test_the_vault_is_scored_with_values_intervals_and_verdicts_as_the_test_is(launched):
    folder = launched()
    before = summary_of(folder)
    summary, _ = opened(folder)
    vault = summary["vault"]
    assert vault["final"]["test"] == pytest.approx(values(folder, [1.0, 1.5]).mean())
    assert vault["final"]["n_units"] == 2
    assert vault["final"]["interval"][0] < vault["final"]["test"] < vault["final"]["interval"][1]
    assert [one["against"] for one in vault["verdicts"]] == ["descent", "random_search"]
    for one, entry in zip(vault["verdicts"], vault["baselines"], strict=True):
        assert one["difference"] == pytest.approx(vault["final"]["test"] - entry["test"])
        assert one["n"] == 2
    assert vault["rival"] == before["rival"]
    assert summary == before | {"vault": vault} == summary_of(folder)
    assert rows(folder, "SELECT reason FROM openings") == [("final",), ("unseal",)]


def test_variants_and_their_verdicts_are_in_the_vault_too(launched):
    folder = launched("fitness.twice=true", "final={seeds: 2}")
    vault = opened(folder)[0]["vault"]
    assert [one["name"] for one in vault["final"]["variants"]] == ["champion, twice"]
    assert [one["against"] for one in vault["verdicts"]] == [one["against"] for one in summary_of(folder)["verdicts"]]
    assert len(vault["baselines"][0]["test_by_seed"]) == 2


def test_the_report_has_the_vault_under_a_heading_of_its_own(launched):
    folder = launched()
    assert "vault" not in report(summary_of(folder))
    summary, _ = opened(folder)
    head, _, tail = report(summary).partition(f"The vault, opened at {summary['vault']['opened_at']}:")
    assert "Verdict: the champion" in head
    assert "Verdict: the champion" in tail
    assert f"{summary['vault']['final']['test']:.4f}" in tail
    assert "toy.yaml (unseal) 1 time" in " ".join(tail.split())


def test_a_second_unsealing_answers_from_what_was_written(launched, scored):
    folder = launched()
    n_models = len(scored)
    summary, _ = opened(folder)
    assert len(scored) == 2 * n_models  # on the test, and in the vault
    content = (folder / "ledger.sqlite").read_bytes()
    again, said = opened(folder)
    assert again == summary
    assert f"The vault was opened at {summary['vault']['opened_at']}; nothing is scored again." in said
    assert len(scored) == 2 * n_models
    assert (folder / "ledger.sqlite").read_bytes() == content


def test_an_unsealing_that_was_killed_goes_on_and_is_one_opening(launched, monkeypatch):
    folder = launched()
    whole = launched(name="whole")
    expected = opened(whole)[0]["vault"]
    add_score, calls = Ledger.add_score, []

    def killed(self, opening, *what):
        if calls:
            raise KeyboardInterrupt
        calls.append(what)
        add_score(self, opening, *what)

    with monkeypatch.context() as patched:
        patched.setattr(Ledger, "add_score", killed)
        with pytest.raises(KeyboardInterrupt):
            opened(folder)
    assert summary_of(folder)["vault"] is None
    summary, said = opened(folder)
    assert "what was not scored then is scored now" in said
    assert rows(folder, "SELECT reason FROM openings") == [("final",), ("unseal",)]
    assert summary["vault"]["final"] == expected["final"]
    assert summary["vault"]["verdicts"] == expected["verdicts"]
    assert summary["vault"]["register"]["openings"] == 2  # that of the whole one and this


def test_who_unsealed_these_units_before_is_told_and_hinders_nobody(launched):
    first, said = opened(launched())
    assert "before on this machine" not in said
    second, said = opened(launched(name="again", recipe="other.yaml"))
    assert (
        "These units, or a part of them, were opened 1 time before on this machine: toy.yaml (unseal) 1 time." in said
    )
    assert second["vault"]["final"]["test"] == first["vault"]["final"]["test"]


def test_a_run_that_tested_on_units_of_the_vault_is_told_too(launched):
    launched("data.vault=0.0", name="open", recipe="open.yaml")
    _, said = opened(launched())
    assert "opened 1 time before on this machine: open.yaml (final) 1 time." in said


def test_repeats_are_all_unsealed_and_combined_as_their_tests_are(launched):
    folder = launched("repeats=3", "search.generations=2")
    summary, said = opened(folder)
    parts = [summary_of(folder / f"repeat-{i}")["vault"] for i in range(3)]
    vault = summary["vault"]
    assert vault["final"]["test_by_seed"] == [one["final"]["test"] for one in parts]
    assert vault["final"]["test"] == pytest.approx(np.mean([one["final"]["test"] for one in parts]))
    assert "the method" in vault["verdicts"][0]["method"]
    assert vault["register"]["openings"] == 3
    assert "before on this machine" not in said  # its own repeats are not others
    assert opened(folder)[0] == summary
    assert "The vault, opened at" in report(summary)


def test_repeats_that_are_resumed_keep_their_vault(launched, tmp_path):
    folder = launched("repeats=2", "search.generations=2")
    summary, _ = opened(folder)
    launched("repeats=2", "search.generations=2", resume=True)
    assert summary_of(folder) == summary


def test_the_vault_is_the_end_of_a_search(launched):
    folder = launched()
    opened(folder)
    before = summary_of(folder)
    with pytest.raises(UserError, match=r"cannot go on under another search\.generations: its vault was opened"):
        launched("search.generations=9", resume=True)
    assert summary_of(folder) == before
    launched("export=[text]", resume=True)


def test_repeats_whose_vault_was_opened_do_not_go_on_either(launched):
    folder = launched("repeats=2", "search.generations=2")
    opened(folder)
    with pytest.raises(UserError, match="its vault was opened"):
        launched("repeats=2", "search.generations=3", resume=True)


def test_a_lost_summary_gets_its_vault_back_without_scoring(launched, scored):
    folder = launched()
    summary, _ = opened(folder)
    (folder / "summary.json").write_text("{")
    launched(resume=True)
    n_scored = len(scored)
    assert opened(folder)[0]["vault"] == summary["vault"]
    assert len(scored) == n_scored > 0


# --- what is refused, and leaves the vault closed


def closed(folder):
    return ("unseal",) not in rows(folder, "SELECT reason FROM openings")


def test_a_run_without_a_vault_is_refused(launched):
    folder = launched("data.vault=0.0")
    with pytest.raises(UserError, match=r"run has no vault; a recipe keeps one with data: \{\.\.\., vault: 0\.5\}"):
        opened(folder)
    assert closed(folder)


def test_a_run_without_data_is_refused(tmp_path):
    run(write_recipe(tmp_path), tmp_path / "run", "search.generations=2")
    with pytest.raises(UserError, match="has no vault"):
        opened(tmp_path / "run")


def test_an_unfinished_run_is_refused(launched):
    folder = launched()
    directory = RunDirectory(folder)
    directory.write_summary(directory.read_summary() | {"status": "interrupted"})
    with pytest.raises(UserError, match=r"has no finished run to unseal; evokit run \.\.\. --resume"):
        opened(folder)
    assert closed(folder)


@pytest.mark.parametrize("whose", ["final", "baselines"])
def test_a_changed_model_is_refused(launched, whose):
    folder = launched()
    entry = summary_of(folder)[whose]
    artifact = (entry[0] if whose == "baselines" else entry)["artifacts"][0]
    (folder / artifact).write_text("1.25")
    with pytest.raises(UserError, match="is not the model that was frozen: the vault stays closed"):
        opened(folder)
    assert closed(folder)


def test_a_lost_model_is_refused(launched):
    folder = launched()
    (folder / summary_of(folder)["final"]["artifacts"][0]).unlink()
    with pytest.raises(UserError, match="is gone: the vault stays closed"):
        opened(folder)
    assert closed(folder)


def test_another_model_than_the_frozen_one_cannot_be_slipped_in(launched):
    folder = launched()
    directory = RunDirectory(folder)
    (folder / "artifacts" / "better.txt").write_text("1.25")
    summary = directory.read_summary()
    directory.write_summary(summary | {"final": summary["final"] | {"artifacts": ["artifacts/better.txt"]}})
    with pytest.raises(UserError, match="is not the model that was frozen"):
        opened(folder)
    assert closed(folder)


# --- openings of the test split on this machine


def test_summary_and_report_count_the_openings_of_all_runs_of_a_machine(launched):
    launched()
    other = launched(name="other", recipe="other.yaml")
    list(verify(other))
    summary = summary_of(other)
    assert summary["register"]["openings"] == 3
    text = " ".join(report(summary).split())
    assert "The test split was opened 2 times." in text
    assert (
        "It, or a part of it, was opened 3 times on this machine up to then: toy.yaml (final) 1 time; other.yaml "
        "(final) 1 time; other.yaml (verify) 1 time. Not counted: other machines, other users," in text
    )


def test_a_part_of_the_test_split_is_told_as_a_part(launched):
    launched("data.vault=0.0", "data.test=[1.5, 7.0]", name="part", recipe="part.yaml")
    folder = launched("data.vault=0.0")
    assert "part.yaml (final) 1 time, 1 of the 3 units" in " ".join(report(summary_of(folder)).split())


def test_a_resumed_run_does_not_count_twice(launched):
    folder = launched()
    before = summary_of(folder)
    (folder / "summary.json").write_text("{")
    launched(resume=True)
    assert summary_of(folder)["register"] == before["register"]


def test_a_new_run_in_the_place_of_an_old_one_counts(launched):
    shutil.rmtree(launched())
    assert summary_of(launched())["register"]["openings"] == 2


def test_repeats_count_as_what_they_are(launched):
    folder = launched("repeats=2", "search.generations=2")
    summary = summary_of(folder)
    assert len(summary["test_openings"]) == 2
    assert summary["register"]["recipes"] == [{"recipe": "toy.yaml", "reason": "final", "openings": 2, "shared": 1}]


def test_a_run_goes_on_where_openings_cannot_be_counted(launched, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("EVOKIT_STATE", str(tmp_path / "file" / "state"))
    folder = launched()
    assert summary_of(folder)["register"]["openings"] is None
    assert "Openings of it by other runs were not counted:" in report(summary_of(folder))
    _, said = opened(folder)
    assert "Who opened these units before is not known" in said


def test_a_split_whose_units_cannot_be_told_apart_counts_as_a_whole(launched, monkeypatch):
    def unknown(split):
        raise TypeError("no units")

    monkeypatch.setattr("evokit.runs.openings.unit_keys", unknown)
    for name in ("one", "two"):
        folder = launched("data.vault=0.0", name=name)
    assert summary_of(folder)["register"] == {
        "units": 1,
        "openings": 2,
        "recipes": [{"recipe": "toy.yaml", "reason": "final", "openings": 2, "shared": 1}],
        "problem": "",
    }
