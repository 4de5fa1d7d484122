"""The benchmark of cheaper budgets: what its trainings are, its figures worked by hand, and the command run whole."""

import json
from dataclasses import replace

import pytest

from benchmarks.fidelities.command import main
from benchmarks.fidelities.ranking import fidelities, ranked
from benchmarks.fidelities.trainings import TERMS_OF_RULES, Settings, fitness_of, rules_of, trainings
from evokit_optimizers.options import Rung
from evokit_optimizers.rules.parts import by_group
from evokit_optimizers.rules.scheduled import SCHEDULED

TINY = Settings(rules=2, steps=6, seeds=2, shares=(0.5,), images="digits", validation=50)
WORDS = ["--rules=2", "--steps=6", "--shares=0.5", "--images=digits", "--validation=50"]


def accuracies(path):
    rows = json.loads(path.read_text())["trainings"]
    return [{key: value for key, value in row.items() if key != "cpu_s"} for row in rows]


def test_rules_are_distinct_and_begin_with_the_known_ones():
    rules = rules_of(replace(TINY, rules=12))
    terms = {rule: {name for part in by_group(rule).values() for name, _ in part.terms} for rule in SCHEDULED.values()}
    known = [rule for rule, names in terms.items() if names <= set(TERMS_OF_RULES)]
    assert rules[: len(known)] == known
    assert len(set(rules)) == 12
    assert any(rule.parts for rule in rules[len(known) :])


def test_trainings_are_those_of_the_fitness_with_such_rungs():
    rows = [row for group in trainings(replace(TINY, rules=1), []) for row in group]
    assert len(rows) == 2 * 3 + 2
    fitness = fitness_of(TINY)
    for schedule, horizon in (("cut", 6), ("whole", 3)):
        staged = type(fitness)(
            replace(fitness.options, rungs=(Rung(3, schedule=schedule),)), fitness.tasks, fitness._streams
        )
        (expected,) = staged.evaluate(rules_of(TINY)[:1], 6)
        found = [row["accuracy"] for row in rows if (row["steps"], row["horizon"]) == (3, horizon)]
        assert sum(found) / 2 == pytest.approx(expected.values[0])


def test_ranks_are_those_of_means_over_seeds_and_what_diverged_is_last():
    settings = replace(TINY, rules=6, seeds=1)
    cut, whole = [0.2, 0.1, 0.4, 0.3, 0.5, 0.6], [0.1, 0.2, 0.3, None, 0.5, 0.6]
    full, fresh = [0.1, 0.2, 0.3, None, 0.5, 0.6], [0.5, 0.4, 0.3, 0.6, 0.1, 0.0]
    rows = [
        {
            "rule": rule,
            "replicate": r,
            "steps": steps,
            "horizon": horizon,
            "accuracy": values[rule],
            "cpu_s": 2.0,
        }
        for rule in range(6)
        for r, steps, horizon, values in ((0, 3, 6, cut), (0, 3, 3, whole), (0, 6, 6, full), (1, 6, 6, fresh))
    ]
    lines = {(line["steps"], line["horizon"]): line for line in ranked(settings, rows)}
    assert lines[3, 3]["with_full"][0] == lines[6, 6]["with_full"][0] == 1.0
    assert lines[3, 6]["with_full"][0] == pytest.approx(1 - 6 * 8 / (6 * 35))
    assert lines[6, 6]["with_fresh"][0] == pytest.approx(-1.0)
    assert (lines[3, 6]["among_good"][0], lines[3, 3]["among_good"][0]) == (1.0, -1.0)  # the fourth rule and the first
    assert (lines[3, 3]["kept"], lines[3, 6]["kept"]) == (0.0, 0.0)
    assert (lines[3, 3]["work"], lines[6, 6]["work"], lines[3, 3]["cpu_s"]) == (0.5, 1.0, 2.0)


def test_seeds_are_averaged_those_of_the_search_alone_and_their_work_and_seconds_added():
    """Of the two best of ten, the first seed has both in its better half and the mean over two seeds one."""
    settings = replace(TINY, rules=11, seeds=2)
    first, fresh = [*(rule / 10 for rule in range(10)), 1.0], [rule / 20 for rule in range(10)]
    first[4] = 0.45  # more than the mean of rule 8, whose second training diverged
    second = [None if rule == 8 else value for rule, value in enumerate(first)]
    rows = [
        {"rule": rule, "replicate": r, "steps": steps, "horizon": horizon, "accuracy": value, "cpu_s": 1.0 + r}
        for r, values in enumerate([first, second, fresh, fresh])  # of the last rule the fresh ones are not done
        for steps, horizon in ([(3, 6), (3, 3), (6, 6)] if r < 2 else [(6, 6)])
        for rule, value in enumerate(values)
    ]
    lines = {(line["seeds"], line["steps"]): line for line in ranked(settings, rows)}
    assert {line["rules"] for line in lines.values()} == {10}
    assert (lines[1, 3]["kept"], lines[2, 3]["kept"]) == (1.0, 0.5)
    assert (lines[1, 3]["work"], lines[2, 3]["work"]) == (0.25, 0.5)
    assert (lines[1, 3]["cpu_s"], lines[2, 3]["cpu_s"]) == (1.0, 3.0)
    assert lines[2, 3]["among_good"][0] == 0.5  # of rules 9, 8, 7
    # Rule 8 falls from the second place to the sixth, behind four others that move up by one.
    assert lines[2, 6]["with_fresh"][0] == pytest.approx(1 - 6 * (4**2 + 4 * 1) / (10 * 99))
    assert lines[1, 6]["with_full"][0] == pytest.approx(1 - 6 * (4**2 + 4 * 1) / (10 * 99))


def test_a_rule_whose_trainings_are_not_all_done_is_left_out():
    rows = next(iter(trainings(TINY, [])))
    assert {line["rules"] for line in ranked(TINY, rows)} == {0}
    assert len(ranked(TINY, rows)) == len(fidelities(TINY)) == 6


def test_a_call_that_was_stopped_goes_on_to_the_same_end(tmp_path, capsys):
    assert main([*WORDS, f"--out={tmp_path / 'whole'}"]) == 0
    assert "| 3 | 6 | 2 | 50% |" in capsys.readouterr().out
    parts = f"--out={tmp_path / 'parts'}"
    assert main([*WORDS, parts, "--limit=0"]) == 1
    assert main([*WORDS, parts]) == 0
    assert accuracies(tmp_path / "parts" / "fidelities.json") == accuracies(tmp_path / "whole" / "fidelities.json")
    assert main([*WORDS, parts, "--seed=1"]) == 2
    assert "has other settings" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("change", "message"),
    [({"rules": 0}, "must be at least 1"), ({"shares": (0.5, 0.2)}, r"shares must ascend .* got \[0.5, 0.2\]")],
)
def test_settings_that_make_no_sense_are_refused(change, message):
    with pytest.raises(ValueError, match=message):
        replace(TINY, **change)
