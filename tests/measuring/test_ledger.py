import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from copy import deepcopy

import numpy as np
import pytest

from evokit.common.keys import digest
from evokit.energy import Cost
from evokit.errors import RunFailed, UserError
from evokit.interfaces import Evaluation, Measured
from evokit.measuring.ledger import Ledger, Row
from evokit.measuring.ledger_files import ledger_of, same_but_for_costs
from tests.door import people
from tests.small import files


def row(seq=0, value=1.0, phase="search", source="measured", budget=4, work=4, **options):
    evaluation = Evaluation((value,), source=source, work=work, **options)
    return Row(phase, seq, 2, f"key{seq}", "context", budget, evaluation)


@pytest.fixture
def ledger():
    return Ledger(":memory:")


def test_a_row_comes_back_as_it_was(ledger):
    one = Row(
        "search", 3, 1, "key", "context", 8,
        Evaluation(
            (0.1, -2.5), work=8, metrics={"m": 1 / 3}, artifact="a", message="m", wall_s=1, cpu_s=2, energy_j=3,
            estimated_j=0.5,
        ),
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
    two = Evaluation((1.0, 7.0), work=4, wall_s=0.5, energy_j=2.0)
    ledger.add([Row("search", 0, 2, "key0", "context", 4, two)])
    ledger.close()
    query = "SELECT key, generation, source, outcome, value, budget, wall_s, energy_j FROM evaluations"
    found = sqlite3.connect(tmp_path / "ledger.sqlite").execute(query).fetchall()
    assert found == [("key0", 2, "measured", "ok", 1.0, 4, 0.5, 2.0)]


def test_counts_are_by_source_and_failures_are_of_the_measured(ledger):
    failed = {"phase": "search", "outcome": "nan"}
    ledger.add([row(0), row(1), row(2, source="cached"), row(3, source="predicted")])
    ledger.add([row(4, **failed), row(5, source="cached", **failed), row(0, phase="confirm")])
    ledger.add([row(seq, phase=phase, outcome="nan") for seq, phase in [(1, "confirm"), (0, "searching"), (0, "test")]])
    assert ledger.counts("search") == {"measured": 3, "cached": 2, "reused": 0, "predicted": 1, "failed": 1}


def test_an_empty_phase_counts_nothing(ledger):
    assert ledger.counts("search") == {"measured": 0, "cached": 0, "reused": 0, "predicted": 0, "failed": 0}
    assert ledger.work("search") == 0


def test_work_is_what_the_rows_of_the_phase_spent(ledger):
    ledger.add([row(0, work=5), row(1, work=7), row(2, source="cached", work=0), row(0, phase="other", work=100)])
    ledger.add([row(0, phase="test", work=100)])
    assert ledger.work("search") == 12


def test_measured_rows_are_counted_by_budget(ledger):
    ledger.add([row(0), row(1, budget=8), row(2, budget=8), row(3, budget=8, source="cached")])
    ledger.add([row(0, phase=phase) for phase in ("confirm", "searching", "test")])
    assert ledger.by_budget("search") == {4: 1, 8: 2}


def test_measured_rows_of_a_key_come_from_every_phase(ledger):
    """Whoever asks may have the beginning of the key only."""
    named = [
        Row(phase, seq, 0, key, "context", 4, Evaluation((1.0,), source=source))
        for phase, seq, key, source in [
            ("search", 0, "abc", "measured"),
            ("search", 1, "abd", "measured"),
            ("search", 2, "abc", "cached"),
            ("search", 3, "aaa", "measured"),
            ("confirm", 0, "abc", "measured"),
            ("confirm", 1, "xabc", "measured"),
        ]
    ]
    ledger.add(named)
    assert ledger.measured("abc") == [named[0], named[4]]
    assert ledger.measured("ab") == [named[0], named[1], named[4]]


def in_context(seq, context, **options):
    return Row("search", seq, 2, f"key{seq}", context, 4, Evaluation((float(seq),), **options))


def test_rows_of_the_present_are_those_of_the_last_refit(ledger):
    ones = [in_context(0, "context"), in_context(1, "second"), in_context(2, "first")]
    ledger.add(ones)
    assert ledger.present_rows("search") == ones
    ledger.add_refit("search", 2, 5, "key0", "second")  # written later, or earlier: the number decides
    ledger.add_refit("search", 1, 3, "key1", "first")
    for phase in ("confirm", "test"):
        ledger.add_refit(phase, 3, 9, "key1", "context")
    assert ledger.present_rows("search") == [ones[1]]
    assert ledger.refits("search") == [(3, "key1", "first"), (5, "key0", "second")]


def test_a_refit_that_is_told_again_stays_one(ledger):
    for generation in (3, 4):
        ledger.add_refit("search", 1, generation, "key", "context")
    assert ledger.refits("search") == [(4, "key", "context")]


def test_measured_at_is_what_the_search_measured_at_a_budget_and_did_not_fail(ledger):
    ones = people([0, 0, 0, 1], [0, 0, 1, 0], [0, 1, 0, 0])
    ledger.add_born("search", 0, ones, [[1], [2], [3]])
    told = [
        ("search", 4, "measured", "ok"),
        ("search", 8, "measured", "ok"),
        ("search", 8, "measured", "nan"),
        ("search", 8, "cached", "ok"),
        ("search", 8, "predicted", "ok"),
        ("confirm", 8, "measured", "ok"),
        ("search", 8, "measured", "ok"),
    ]
    answers = [Evaluation((float(seq),), outcome, source=source) for seq, (_, _, source, outcome) in enumerate(told)]
    for seq, (phase, budget, _, _) in reversed(list(enumerate(told))):
        ledger.add([Row(phase, seq, 0, ones[seq % 3].key, "context", budget, answers[seq])])
    assert ledger.measured_at(8) == [Measured([2], answers[1]), Measured([1], answers[6])]
    assert ledger.measured_at(4) == [Measured([1], answers[0])]
    ledger.add_refit("search", 1, 1, ones[0].key, "another")
    assert ledger.measured_at(8) == []


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
    (stranger,) = people([3, 2, 1, 0])
    ledger.add_born("search", 3, [stranger], [[3, 2, 1, 0]])  # the slot is taken
    query = "SELECT phase, generation, slot, key, parents, operator FROM individuals"
    assert ledger._db.execute(query).fetchall() == [("search", 3, 0, child.key, '["a","b"]', "crossover")]
    assert ledger.genes() == {child.key: [0, 1, 2, 3], stranger.key: [3, 2, 1, 0]}


def test_each_of_a_generation_has_a_slot_and_its_genes(ledger):
    ones = people([0, 0, 0, 1], [0, 0, 1, 0])
    ledger.add_born("search", 3, ones, [[1], [2]])
    found = ledger._db.execute("SELECT slot, key FROM individuals ORDER BY slot").fetchall()
    assert found == [(0, ones[0].key), (1, ones[1].key)]
    assert ledger.genes() == {ones[0].key: [1], ones[1].key: [2]}
    with pytest.raises(ValueError, match="zip"):
        ledger.add_born("search", 4, ones, [[1]])


def test_a_key_is_born_in_the_generation_of_its_first_appearance(ledger):
    (one,) = people([0, 0, 0, 0])
    for generation in (5, 2, 7):
        ledger.add_born("search", generation, [one], [[0] * 4])
    assert ledger.born("search", one.key) == 2
    assert ledger.born("search", "stranger") is None
    assert ledger.born("confirm", one.key) is None
    assert ledger.born("test", one.key) is None


def test_a_model_is_frozen_once(ledger):
    ledger.freeze("champion", 1, "a/model", "digest")
    ledger.freeze("adamw", 1, "b/model", "other")
    ledger.freeze("champion", 1, "a/model", "digest")
    ledger.freeze("champion", 1, "c/model", "a new digest")
    assert ledger.frozen() == [
        ("champion", 1, "a/model", "digest"),
        ("adamw", 1, "b/model", "other"),
        ("champion", 1, "c/model", "a new digest"),
    ]


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


def test_an_opening_is_known_by_the_ledger_its_number_and_its_time(ledger):
    one = ledger.opening("final", "models", "monday")
    other = ledger.opening("verify", "models", "tuesday")
    identity = ledger.identity_of(one)
    assert identity == digest([ledger.meta("ledger"), 1, "monday"])
    assert ledger.identity_of(one) == identity
    assert ledger.identity_of(other) == digest([ledger.meta("ledger"), 2, "tuesday"])


@pytest.mark.parametrize(
    "write",
    [
        lambda ledger: ledger.set_meta("identity", 1),
        lambda ledger: ledger.freeze("champion", 1, "a/model", "digest"),
        lambda ledger: ledger.opening("final", "models", "monday"),
        lambda ledger: ledger.add_score(1, "champion", 0, [1.0]),
    ],
)
def test_what_the_seal_rests_on_is_written_at_once(tmp_path, write):
    ledger = Ledger(tmp_path / "ledger.sqlite")

    def seen_by_others():
        other = Ledger(tmp_path / "ledger.sqlite")
        return other.meta("identity"), other.frozen(), other.openings(), other.scores(1)

    before = seen_by_others()
    write(ledger)
    assert seen_by_others() != before


def test_other_models_or_another_reason_open_anew(ledger):
    numbers = [ledger.opening(*one) for one in [("final", "a", ""), ("final", "b", ""), ("verify", "b", "")] * 2]
    assert len(set(numbers)) == 6


def test_scores_belong_to_their_opening(ledger):
    ledger.add_score(1, "champion", 0, [1, 2.5])
    ledger.add_score(1, "champion", 0, [1, 3.5])
    ledger.add_score(2, "champion", 0, [9])
    ledger.add_score(0, "champion", 9, [9])
    ledger.add_score(1, "champion", 7, [4])
    ledger.add_score(1, "adamw", 0, [5])
    assert ledger.scores(1) == {("champion", 0): [1.0, 3.5], ("champion", 7): [4.0], ("adamw", 0): [5.0]}


def test_costs_add_up_and_peak_memory_is_the_largest(ledger):
    one = Cost(wall_s=1, cpu_s=2, energy_j=3, estimated_j=1, peak_memory_bytes=100)
    ledger.add_cost("search", one)
    ledger.add_cost("search", Cost(wall_s=10, cpu_s=20, energy_j=30, estimated_j=20, peak_memory_bytes=50))
    ledger.add_cost("final", one)
    both = Cost(wall_s=11, cpu_s=22, energy_j=33, estimated_j=21, peak_memory_bytes=100)
    assert list(ledger.costs().items()) == [("search", both), ("final", one)]


def test_in_an_old_ledger_all_joules_count_as_estimated(tmp_path):
    """It lacks the column, so nothing tells which were read from a counter."""
    path = written(tmp_path / "old", row(wall_s=1, cpu_s=1, energy_j=2.0))
    with sqlite3.connect(path) as db:
        db.execute("INSERT INTO costs VALUES ('search', 1, 2, 3, 4, 0, 0)")
        for table in ("evaluations", "costs"):
            db.execute(f"ALTER TABLE {table} DROP COLUMN estimated_j")
        db.execute("ALTER TABLE costs DROP COLUMN beside_s")
    for _ in range(2):
        ledger = Ledger(path)
        (found,) = ledger.rows("search")
        costs = ledger.costs()
        ledger.add_cost("search", Cost.none())
        ledger.close()
        assert found.evaluation.estimated_j == found.evaluation.energy_j == 2.0
        assert costs == {"search": Cost(wall_s=1, cpu_s=2, energy_j=3, estimated_j=3, peak_memory_bytes=4)}


def test_cases_come_back_to_the_last_bit_and_an_old_ledger_has_none(tmp_path):
    cases = np.array([0.1, -1e300, 5e-324])
    path = written(tmp_path / "new", row(seq=0, cases=cases), row(seq=1))
    with closing(Ledger(path)) as ledger:
        one, other = (found.evaluation.cases for found in ledger.rows("search"))
    assert one.tobytes() == cases.tobytes()
    assert other is None
    with sqlite3.connect(path) as db:
        db.execute("ALTER TABLE evaluations DROP COLUMN cases")
    with closing(Ledger(path)) as ledger:
        assert [found.evaluation.cases for found in ledger.rows("search")] == [None, None]
        ledger.add([row(seq=2, cases=cases)])


def test_constraints_come_back_to_the_last_bit_and_an_old_ledger_has_none(tmp_path):
    constraints = (0.1, -1e300, 5e-324)
    path = written(tmp_path / "new", row(seq=0, constraints=constraints), row(seq=1))
    with closing(Ledger(path)) as ledger:
        assert [found.evaluation.constraints for found in ledger.rows("search")] == [constraints, ()]
    with sqlite3.connect(path) as db:
        db.execute("ALTER TABLE evaluations DROP COLUMN constraints")
    with closing(Ledger(path)) as ledger:
        assert [found.evaluation.constraints for found in ledger.rows("search")] == [(), ()]


def written(path, *rows):
    ledger = Ledger(path)
    ledger.add(rows)
    ledger.close()
    return path


def test_times_and_joules_do_not_change_the_story(tmp_path):
    one = written(tmp_path / "a", row(wall_s=1, cpu_s=1, energy_j=1))
    assert same_but_for_costs(one, written(tmp_path / "b", row(wall_s=2, cpu_s=2, energy_j=2)))


@pytest.mark.parametrize(
    "other",
    [
        row(value=1.5),
        row(source="cached"),
        row(seq=1),
        row(message="x"),
        row(work=3),
        row(budget=5),
        row(phase="confirm"),
        row(outcome="nan"),
        row(metrics={"m": 1}),
        row(artifact="a"),
        Row("search", 0, 3, "key0", "context", 4, row().evaluation),
        Row("search", 0, 2, "other", "context", 4, row().evaluation),
        Row("search", 0, 2, "key0", "other", 4, row().evaluation),
    ],
)
def test_anything_else_changes_the_story(tmp_path, other):
    assert not same_but_for_costs(written(tmp_path / "a", row()), written(tmp_path / "b", other))


ROWS = [row(0), row(1), row(0, phase="confirm")]
PEOPLE = people([0, 0, 0, 1], [0, 0, 1, 0])


def whole(path, *, turned=False, **changes):
    """A ledger with something in every table; ``changes`` replaces arguments of what is written there."""
    ledger = Ledger(path)
    ones = deepcopy(changes.get("people", PEOPLE))
    ones[0].parents, ones[0].born_by = changes.get("origin", ((), "random"))
    frozen, scored = changes.get("names", ("b", "b"))
    steps = [
        lambda: ledger.add(ROWS[::-1] if turned else ROWS),
        lambda: ledger.add_born("search", *changes.get("born", (0,)), ones, [[0]] * len(ones)),
        lambda: ledger.add_refit("search", *changes.get("refit", (1, 3, "key", "context"))),
        lambda: ledger.freeze(frozen, *changes.get("model", (1, "a/model", "digest"))),
        lambda: ledger.freeze("a", 1, "a/model", "digest"),
        lambda: ledger.add_score(1, scored, *changes.get("score", (0, [1.0]))),
        lambda: ledger.add_score(1, "a", 0, [2.0]),
    ]
    for step in reversed(steps) if turned else steps:
        step()
    ledger.add_cost("search", Cost.none())
    ledger.close()
    return path


def test_the_order_of_writing_does_not_change_the_story(tmp_path):
    assert same_but_for_costs(whole(tmp_path / "a"), whole(tmp_path / "b", turned=True))


@pytest.mark.parametrize(
    "change",
    [
        {"people": PEOPLE[::-1]},
        {"people": PEOPLE[:1]},
        {"born": (1,)},
        {"origin": (("a",), "random")},
        {"origin": ((), "crossover")},
        {"names": ("c", "b")},
        {"names": ("b", "c")},
        {"refit": (2, 3, "key", "context")},
        {"refit": (1, 4, "key", "context")},
        {"refit": (1, 3, "other", "context")},
        {"refit": (1, 3, "key", "other")},
        {"model": (2, "a/model", "digest")},
        {"model": (1, "a/model", "other")},
        {"score": (0, [1.5])},
        {"score": (1, [1.0])},
    ],
)
def test_lineage_refits_models_and_scores_are_in_the_story(tmp_path, change):
    assert not same_but_for_costs(whole(tmp_path / "a"), whole(tmp_path / "b", **change))


def test_a_second_look_sees_what_was_written(tmp_path):
    written(tmp_path / "a", row(0))
    ledger = Ledger(tmp_path / "a")
    ledger.add([row(1)])
    assert [one.seq for one in ledger.rows("search")] == [0, 1]


KILLED = """
import os, sys
sys.path.insert(0, sys.argv[2])
from tests.measuring.test_ledger import Ledger, row
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
    monkeypatch.setattr("evokit.measuring.ledger.time.monotonic", lambda: now)
    ledger = Ledger(tmp_path / "ledger.sqlite")

    def seen_by_others():
        return len(Ledger(tmp_path / "ledger.sqlite").rows("search"))

    now = 0.5
    ledger.add([row(0)])
    assert seen_by_others() == 0
    now = 1.0
    ledger.add([row(1)])
    assert seen_by_others() == 2
    now = 1.75
    ledger.add([row(2)])
    assert seen_by_others() == 2
    now = 2.0
    ledger.add([row(3)])
    assert seen_by_others() == 4


# --- added up in memory


def cost(wall_s, peak_memory_bytes):
    return Cost(wall_s=wall_s, cpu_s=2, energy_j=3, estimated_j=1, peak_memory_bytes=peak_memory_bytes)


def test_what_is_added_up_is_the_same_when_it_is_read_again(tmp_path):
    first = Ledger(tmp_path / "ledger.sqlite")
    first.add([row(0, work=5), row(1, work=7, outcome="nan"), row(0, phase="other", work=100)])
    first.add_cost("search", cost(wall_s=0.1, peak_memory_bytes=7))
    first.close()
    again = Ledger(tmp_path / "ledger.sqlite")
    for seq in range(2, 5):
        again.add([row(seq, source="cached", work=0)])
        again.add_cost("search", cost(wall_s=0.2, peak_memory_bytes=5))
    again.flush()
    third = Ledger(tmp_path / "ledger.sqlite")
    for ledger in (again, third):
        assert ledger.counts("search") == {"measured": 2, "cached": 3, "reused": 0, "predicted": 0, "failed": 1}
        assert (ledger.work("search"), ledger.work("other"), ledger.work("none")) == (12, 100, 0)
        assert ledger.costs() == {"search": cost(0.1, 7) + cost(0.2, 5) + cost(0.2, 5) + cost(0.2, 5)}


def test_a_row_that_is_refused_counts_nothing(ledger):
    ledger.add([row()])
    with pytest.raises(sqlite3.IntegrityError, match="UNIQUE"):
        ledger.add([row(work=9)])
    assert (ledger.counts("search")["measured"], ledger.work("search")) == (1, 4)


# --- numbers that JSON does not know


def test_numbers_that_are_not_finite_are_valid_json_and_no_finite_numbers(tmp_path):
    ledger = Ledger(tmp_path / "ledger.sqlite")
    ledger.add([row(0, metrics={"loss": float("inf"), "fine": 1.5})])
    ledger.add_score(1, "champion", 0, [1.0, float("nan")])
    ledger.flush()
    (metrics,) = ledger._db.execute("SELECT metrics ->> 'fine' FROM evaluations").fetchone()
    assert metrics == 1.5
    assert str(dict(ledger.rows("search")[0].evaluation.metrics)) == "{'loss': nan, 'fine': 1.5}"
    assert str(ledger.scores(1)["champion", 0]) == "[1.0, nan]"


# --- lost files


def lost_journal(path):
    path.with_name(f"{path.name}-wal").unlink()


def replaced(path):
    copy = path.with_name("copy")
    copy.write_bytes(path.read_bytes())
    copy.replace(path)


@pytest.mark.parametrize("lose", [lambda path: path.unlink(), lost_journal, replaced])
@pytest.mark.parametrize("old", [False, True])
def test_a_file_that_is_lost_is_noticed_at_the_next_commit(tmp_path, lose, old):
    path = tmp_path / "ledger.sqlite"
    if old:
        Ledger(path).close()
    ledger = Ledger(path)
    ledger.add([row(0)])
    ledger.flush()
    lose(path)
    ledger.add([row(1)])
    with pytest.raises(RunFailed, match=r"ledger\.sqlite.* was deleted or replaced while the run was at work"):
        ledger.flush()
    ledger.close()


def test_another_reader_loses_nothing(tmp_path):
    ledger = Ledger(tmp_path / "ledger.sqlite")
    ledger.add([row(0)])
    ledger.flush()
    with ledger_of(tmp_path / "ledger.sqlite") as reader:
        assert reader.counts("search")["measured"] == 1
    ledger.add([row(1)])
    ledger.flush()


def test_who_reads_changes_no_file_and_sees_what_was_committed(tmp_path):
    path = tmp_path / "ledger.sqlite"
    ledger = Ledger(path)
    ledger.add([row(0)])
    ledger.flush()
    before = {name: (tmp_path / name).read_bytes() for name in ("ledger.sqlite", "ledger.sqlite-wal")}
    with ledger_of(path) as reader:
        reader.set_meta("name", "value")
        assert reader.counts("search")["measured"] == 1
    assert {name: (tmp_path / name).read_bytes() for name in before} == before
    assert ledger.meta("name") is None
    ledger.close()


def test_an_older_ledger_that_is_read_stays_as_it_is(tmp_path):
    path = tmp_path / "ledger.sqlite"
    Ledger(path).close()
    with closing(sqlite3.connect(path)) as db:
        db.execute("ALTER TABLE costs DROP COLUMN beside_s")
        db.execute("INSERT INTO costs VALUES ('search', 2, 1, 3, 4, 3)")
        db.commit()
    before = files(tmp_path)
    with ledger_of(path) as reader:
        assert reader.costs()["search"].beside_s == 0
    assert files(tmp_path) == before


@pytest.mark.parametrize(("content", "state"), [(None, "gone"), (b"", "empty")])
def test_a_ledger_that_is_not_there_is_not_made(tmp_path, content, state):
    path = tmp_path / "ledger.sqlite"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match=f"ledger.sqlite is {state}"), ledger_of(path):
        pass
    assert [one.stat().st_size for one in tmp_path.iterdir()] == [0] * (content is not None)


def test_a_damaged_ledger_is_told_in_one_sentence(tmp_path):
    (tmp_path / "ledger.sqlite").write_bytes(b"no database" * 500)
    with (
        pytest.raises(RunFailed, match="cannot be used: file is not a database"),
        ledger_of(tmp_path / "ledger.sqlite"),
    ):
        pass
