"""Openings of test units on one machine, whoever opened them."""

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from evokit.runs.register import STATE, Opening, earlier, enter, register_path, spoken


def opening(identity, units="abc", recipe="a.yaml", reason="final"):
    return Opening(identity, reason, list(units), recipe, f"digest of {recipe}", Path("runs") / identity, "monday")


def test_an_opening_counts_once_however_often_it_is_told():
    first = enter(opening("1"))
    assert first == enter(opening("1"))
    assert first["openings"] == 1
    assert first["recipes"] == [{"recipe": "a.yaml", "reason": "final", "openings": 1, "shared": 3}]


def test_what_came_later_does_not_count():
    first = enter(opening("1"))
    assert enter(opening("2"))["openings"] == 2
    assert enter(opening("1")) == first


def test_openings_are_told_by_recipe_and_reason():
    for identity, recipe, reason in [("1", "a.yaml", "final"), ("2", "b.yaml", "final"), ("3", "a.yaml", "verify")]:
        enter(opening(identity, recipe=recipe, reason=reason))
    found = enter(opening("4"))
    assert found["openings"] == 4
    assert [(one["recipe"], one["reason"], one["openings"]) for one in found["recipes"]] == [
        ("a.yaml", "final", 2),
        ("b.yaml", "final", 1),
        ("a.yaml", "verify", 1),
    ]


def test_units_that_overlap_without_being_equal_are_noticed():
    enter(opening("1", "bcd", "other.yaml"))
    enter(opening("2", "xyz", "strangers.yaml"))
    found = enter(opening("3", "abc"))
    assert found["units"] == 3
    assert {one["recipe"]: one["shared"] for one in found["recipes"]} == {"other.yaml": 2, "a.yaml": 3}


def test_the_most_units_that_one_opening_of_a_recipe_shares_are_told():
    enter(opening("1", "abx", "other.yaml"))
    enter(opening("2", "ayz", "other.yaml"))
    found = enter(opening("3", "abc"))
    assert [(one["openings"], one["shared"]) for one in found["recipes"]] == [(2, 2), (1, 3)]


def test_a_home_folder_may_be_written_short(monkeypatch):
    monkeypatch.setenv(STATE, "~/state")
    assert register_path() == Path.home() / "state" / "register.sqlite"


def test_a_set_of_units_is_stored_once():
    for identity in "123":
        enter(opening(identity, "cab"))
    with closing(sqlite3.connect(register_path())) as db:
        assert db.execute("SELECT count(*), max(n) FROM unit_sets").fetchone() == (1, 3)
        assert db.execute("SELECT count(*) FROM units").fetchone() == (3,)


def test_units_that_occur_twice_are_one():
    assert enter(opening("1", "aab"))["units"] == 2


MANY = """
import sys
from tests.runs.test_register import enter, opening
for number in range(20):
    enter(opening(f"{sys.argv[1]}-{number}"))
"""


def test_processes_that_write_at_once_lose_nothing(pytestconfig):
    words = [sys.executable, "-c", MANY]
    processes = [subprocess.Popen([*words, name], cwd=pytestconfig.rootpath) for name in "abc"]
    assert [process.wait(60) for process in processes] == [0, 0, 0]
    assert enter(opening("last"))["openings"] == 61


def test_the_place_is_the_variables_or_the_users(monkeypatch, tmp_path):
    monkeypatch.setenv(STATE, str(tmp_path))
    assert register_path() == tmp_path / "register.sqlite"
    monkeypatch.delenv(STATE)
    assert register_path().parts[-2:] == ("evokit", "register.sqlite")


@pytest.mark.parametrize("content", [None, b"not a database, whatever the name says" * 50])
def test_a_register_that_cannot_be_used_is_told_and_harms_nothing(monkeypatch, tmp_path, content):
    place = tmp_path / "state"
    if content is None:
        place.write_text("a file where the folder would be")
    else:
        place.mkdir()
        (place / "register.sqlite").write_bytes(content)
    monkeypatch.setenv(STATE, str(place))
    found = enter(opening("1"))
    assert (found["units"], found["openings"], found["recipes"]) == (3, None, [])
    assert "register.sqlite cannot be used: " in found["problem"]
    assert "\n" not in found["problem"]
    assert found["problem"] in earlier(found, "a.yaml")


def test_who_opened_units_before_is_told_without_the_one_who_asks():
    assert earlier(enter(opening("1", reason="unseal")), "a.yaml") == ""
    enter(opening("2", "bcd", "b.yaml"))
    found = enter(opening("3", reason="unseal"))
    assert earlier(found, "a.yaml") == (
        "These units, or a part of them, were opened 2 times before on this machine: a.yaml (unseal) 1 time; "
        "b.yaml (final) 1 time, 2 of the 3 units."
    )
    assert spoken(found).startswith("a.yaml (unseal) 2 times; b.yaml")
