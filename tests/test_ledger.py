import signal
import sqlite3
import subprocess
import sys

import pytest

from evokit.energy import Cost
from evokit.interfaces import Evaluation
from evokit.ledger import Ledger, Row, same_but_for_costs
from tests.door import people


def row(seq=0, value=1.0, phase="search", source="measured", budget=4, work=4, **options):
    evaluation = Evaluation((value,), source=source, work=work, **options)
    return Row(phase, seq, 2, f"key{seq}", "context", budget, evaluation)


@pytest.fixture
def ledger():
    return Ledger(":memory:")


def test_a_row_comes_back_as_it_was(ledger):
    one = Row(
        "search", 3, 1, "key", "context", 8,
        Evaluation((0.1, -2.5), work=8, metrics={"m": 1 / 3}, artifact="a", message="m", wall_s=1, cpu_s=2, energy_j=3),
    )  # fmt: skip
    ledger.add([one])
    assert ledger.rows("search") == [one]


def test_a_failure_comes_back_without_a_value(ledger):
    failed = Row("search", 0, 0, "key", "context", 8, Evaluation(outcome="diverged", work=8, message="inf"))
    ledger.add([failed])
    assert ledger.rows("search") == [failed]


def test_rows_are_ordered_by_slot_and_kept_apart_by_phase(ledger):
    ledger.add([row(2), row(0), row(1, phase="confirm")])
    assert [one.seq for one in ledger.rows("search")] == [0, 2]
    assert [one.seq for one in ledger.rows("confirm")] == [1]


def test_a_slot_is_written_once(ledger):
    ledger.add([row()])
    with pytest.raises(sqlite3.IntegrityError, match="UNIQUE"):
        ledger.add([row(value=2.0)])


def test_other_tools_find_the_columns_of_the_contract(tmp_path):
    ledger = Ledger(tmp_path / "ledger.sqlite")
    ledger.add([row(wall_s=0.5, energy_j=2.0)])
    ledger.close()
    query = "SELECT key, generation, source, outcome, value, budget, wall_s, energy_j FROM evaluations"
    found = sqlite3.connect(tmp_path / "ledger.sqlite").execute(query).fetchall()
    assert found == [("key0", 2, "measured", "ok", 1.0, 4, 0.5, 2.0)]


def test_counts_are_by_source_and_failures_are_of_the_measured(ledger):
    failed = {"phase": "search", "outcome": "nan"}
    ledger.add([row(0), row(1), row(2, source="cached"), row(3, source="predicted")])
    ledger.add([row(4, **failed), row(5, source="cached", **failed), row(0, phase="confirm")])
    assert ledger.counts("search") == {"measured": 3, "cached": 2, "predicted": 1, "failed": 1}


def test_an_empty_phase_counts_nothing(ledger):
    assert ledger.counts("search") == {"measured": 0, "cached": 0, "predicted": 0, "failed": 0}
    assert ledger.work("search") == 0


def test_work_is_what_the_rows_of_the_phase_spent(ledger):
    ledger.add([row(0, work=5), row(1, work=7), row(2, source="cached", work=0), row(0, phase="other", work=100)])
    assert ledger.work("search") == 12


def test_measured_rows_are_counted_by_budget(ledger):
    ledger.add([row(0), row(1, budget=8), row(2, budget=8), row(3, budget=8, source="cached")])
    assert ledger.by_budget("search") == {4: 1, 8: 2}


def test_what_a_run_says_of_itself_comes_back(ledger):
    assert ledger.meta("identity") is None
    ledger.set_meta("identity", {"seed": 1})
    ledger.set_meta("identity", {"seed": 2})
    assert ledger.meta("identity") == {"seed": 2}


def test_lineage_is_recorded_once_however_often_it_is_told(ledger):
    (child,) = people([0, 1, 2, 3])
    child.parents, child.born_by = ("a", "b"), "crossover"
    for _ in range(2):
        ledger.add_born("search", 3, [child], [[0, 1, 2, 3]])
    query = "SELECT phase, generation, slot, key, parents, operator FROM individuals"
    assert ledger._db.execute(query).fetchall() == [("search", 3, 0, child.key, '["a", "b"]', "crossover")]
    assert ledger.genes() == {child.key: [0, 1, 2, 3]}


def test_a_key_is_born_in_the_generation_of_its_first_appearance(ledger):
    (one,) = people([0, 0, 0, 0])
    for generation in (5, 2, 7):
        ledger.add_born("search", generation, [one], [[0] * 4])
    assert ledger.born("search", one.key) == 2
    assert ledger.born("search", "stranger") is None
    assert ledger.born("confirm", one.key) is None


def test_a_model_is_frozen_once(ledger):
    for _ in range(2):
        ledger.freeze("champion", 1, "a/model", "digest")
    ledger.freeze("adamw", 1, "b/model", "other")
    assert ledger.frozen() == [("champion", 1, "a/model", "digest"), ("adamw", 1, "b/model", "other")]


def test_a_resumed_final_goes_on_with_the_opening_that_it_began(ledger):
    first = ledger.opening("final", "models", "monday")
    assert ledger.opening("final", "models", "tuesday") == first
    assert ledger.openings() == [(first, "final", "monday")]


def test_an_unsealing_goes_on_with_the_opening_that_it_began(ledger):
    ledger.opening("final", "models", "monday")
    first = ledger.opening("unseal", "models", "tuesday")
    assert ledger.opening("unseal", "models", "wednesday") == first
    assert [reason for _, reason, _ in ledger.openings()] == ["final", "unseal"]


def test_an_opening_has_an_identity_that_no_opening_of_another_ledger_has(tmp_path):
    def identities():
        ledger = Ledger(tmp_path / "ledger.sqlite")
        numbers = [ledger.opening(reason, "models", "monday") for reason in ("final", "unseal")]
        found = [ledger.identity_of(number) for number in numbers]
        ledger.close()
        return found

    first = identities()
    assert first == identities()
    for path in tmp_path.iterdir():
        path.unlink()
    assert len({*first, *identities()}) == 4


def test_other_models_or_another_reason_open_anew(ledger):
    numbers = [ledger.opening(*one) for one in [("final", "a", ""), ("final", "b", ""), ("verify", "b", "")] * 2]
    assert len(set(numbers)) == 6


def test_scores_belong_to_their_opening(ledger):
    ledger.add_score(1, "champion", 0, [1, 2.5])
    ledger.add_score(1, "champion", 0, [1, 3.5])
    ledger.add_score(2, "champion", 0, [9])
    assert ledger.scores(1) == {("champion", 0): [1.0, 3.5]}


def test_costs_add_up_and_peak_memory_is_the_largest(ledger):
    one = Cost(wall_s=1, cpu_s=2, energy_j=3, estimated_j=1, peak_memory_bytes=100)
    ledger.add_cost("search", one)
    ledger.add_cost("search", Cost(wall_s=10, cpu_s=20, energy_j=30, estimated_j=30, peak_memory_bytes=50))
    ledger.add_cost("final", one)
    both = Cost(wall_s=11, cpu_s=22, energy_j=33, estimated_j=31, peak_memory_bytes=100)
    assert ledger.costs() == {"search": both, "final": one}


def test_in_an_old_ledger_all_joules_count_as_estimated(tmp_path):
    """It lacks the column, so nothing tells which were read from a counter."""
    path = written(tmp_path / "old", row(wall_s=1, cpu_s=1, energy_j=2.0))
    with sqlite3.connect(path) as db:
        db.execute("INSERT INTO costs VALUES ('search', 1, 2, 3, 4, 0)")
        for table in ("evaluations", "costs"):
            db.execute(f"ALTER TABLE {table} DROP COLUMN estimated_j")
    for _ in range(2):
        ledger = Ledger(path)
        (found,) = ledger.rows("search")
        costs = ledger.costs()
        ledger.add_cost("search", Cost.none())
        ledger.close()
        assert found.evaluation.estimated_j == found.evaluation.energy_j == 2.0
        assert costs == {"search": Cost(wall_s=1, cpu_s=2, energy_j=3, estimated_j=3, peak_memory_bytes=4)}


def written(path, *rows):
    ledger = Ledger(path)
    ledger.add(rows)
    ledger.close()
    return path


def test_times_and_joules_do_not_change_the_story(tmp_path):
    one = written(tmp_path / "a", row(wall_s=1, cpu_s=1, energy_j=1))
    assert same_but_for_costs(one, written(tmp_path / "b", row(wall_s=2, cpu_s=2, energy_j=2)))


@pytest.mark.parametrize("other", [row(value=1.5), row(source="cached"), row(seq=1), row(message="x"), row(work=3)])
def test_anything_else_changes_the_story(tmp_path, other):
    assert not same_but_for_costs(written(tmp_path / "a", row()), written(tmp_path / "b", other))


def test_a_second_look_sees_what_was_written(tmp_path):
    written(tmp_path / "a", row(0))
    ledger = Ledger(tmp_path / "a")
    ledger.add([row(1)])
    assert [one.seq for one in ledger.rows("search")] == [0, 1]


KILLED = """
import os, sys
sys.path.insert(0, sys.argv[2])
from tests.test_ledger import Ledger, row
ledger = Ledger(sys.argv[1])
ledger.add([row(0), row(1)])
ledger.flush()
ledger.add([row(2)])
os.kill(os.getpid(), 9)
"""


def test_a_sigkill_loses_at_most_the_open_group(tmp_path, pytestconfig):
    path = tmp_path / "ledger.sqlite"
    done = subprocess.run([sys.executable, "-c", KILLED, str(path), str(pytestconfig.rootpath)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert [one.seq for one in Ledger(path).rows("search")] == [0, 1]


def test_a_group_is_committed_after_a_second(tmp_path, monkeypatch):
    now = 0.0
    monkeypatch.setattr("evokit.ledger.time.monotonic", lambda: now)
    ledger = Ledger(tmp_path / "ledger.sqlite")

    def seen_by_others():
        return len(Ledger(tmp_path / "ledger.sqlite").rows("search"))

    now = 0.5
    ledger.add([row(0)])
    assert seen_by_others() == 0
    now = 1.5
    ledger.add([row(1)])
    assert seen_by_others() == 2
