from dataclasses import replace

import numpy as np
import pytest

from evokit.contracts.blame import ContractError
from evokit.measuring.functional import CHECKED
from evokit.measuring.ledger import Ledger
from tests.door import SumFitness, door, people, story


class Parity(SumFitness):
    """Measures the sum of genes modulo 2 and tells it beforehand; ``says`` is its fingerprint."""

    def __init__(self, says=lambda genes: bytes([int(genes.sum()) % 2]), **options):
        super().__init__(**options)
        self.says = says

    def fingerprint(self, genes):
        return self.says(genes)

    def answer(self, genes, budget):
        one = super().answer(genes, budget)
        return replace(one, values=(float(genes.sum() % 2),)) if one.ok else one


def ones(*sums):
    """Genes with these sums, each other ones."""
    assert len(set(sums)) == len(sums)
    return people(*[[min(3, max(0, total - 3 * place)) for place in range(4)] for total in sums])


def checked(measure):
    """The first twins, which are measured all the same."""
    measure(ones(0, 2, 4, 6))
    return measure


def sources(answers):
    return [one.source for one in answers]


def test_of_those_that_do_the_same_the_first_is_measured():
    fitness = Parity()
    measure = checked(door(fitness))
    asked = ones(8, 1, 3, 10)
    answers = measure(asked)
    # The first odd one pays; the checks were spent on even ones.
    assert sources(answers) == ["reused", "measured", "reused", "reused"]
    assert [one.values for one in answers] == [(0.0,), (1.0,), (1.0,), (0.0,)]
    assert [one.work for one in answers] == [0, 1, 0, 0]
    assert [one.fitness.values for one in asked] == [(0.0,), (1.0,), (1.0,), (0.0,)]
    assert answers[2].message == f"as {asked[1].key}"
    assert measure.tally.counts() == {"measured": 5, "cached": 0, "reused": 3, "predicted": 0, "failed": 0}
    assert len(fitness.evaluated) == measure.work == 5


def test_the_first_twins_are_measured_all_the_same():
    assert CHECKED == 3
    assert sources(door(Parity())(ones(0, 2, 4, 6, 8))) == ["measured"] * 4 + ["reused"]


def test_a_fingerprint_that_says_too_little_is_found_out():
    measure = door(Parity(says=lambda genes: b"all alike"))
    with pytest.raises(
        ContractError, match=r"Parity\.fingerprint.* is the same for two individuals that were measured"
    ):
        measure(ones(0, 1))


@pytest.mark.parametrize("says", [lambda genes: None, lambda genes: 1 / 0])
def test_who_has_no_fingerprint_is_measured(says):
    assert sources(door(Parity(says=says))(ones(0, 2, 4, 6, 8, 10))) == ["measured"] * 6


def test_failures_are_shared_with_nobody():
    fitness = Parity(fails=lambda genes: "nan" if genes.sum() == 1 else None)
    measure = checked(door(fitness))
    answers = measure(ones(1, 3, 5))
    assert [one.outcome for one in answers] == ["nan", "ok", "ok"]
    assert sources(answers) == ["measured"] * 3
    assert sources(measure(ones(7, 9))) == ["measured"] * 2  # as who came first failed


def test_budgets_share_nothing_not_even_checks():
    measure = checked(door(Parity(budgets=(1, 4))))
    assert sources(measure(ones(0, 2, 4, 6, 8), 1)) == ["measured"] * 4 + ["reused"]
    assert sources(measure(ones(10))) == ["reused"]


def test_contexts_share_nothing_not_even_checks():
    measure = checked(door(Parity(context="a")))
    measure._context = "b"  # as after a refit
    assert sources(measure(ones(0, 2, 4, 6, 8))) == ["measured"] * 4 + ["reused"]


def test_phases_share_nothing():
    ledger = Ledger(":memory:")
    checked(door(Parity(), ledger))
    assert sources(door(Parity(), ledger, phase="confirm")(ones(8))) == ["measured"]


@pytest.mark.parametrize("fingerprint", [np.array([1.0, 2.0]), "text", ["a", 1], b"bytes"])
def test_a_fingerprint_is_an_array_bytes_or_a_json_value(fingerprint):
    measure = door(Parity(says=lambda genes: fingerprint if genes.sum() % 2 else None))
    measure(ones(1, 3, 5, 7))
    assert sources(measure(ones(9, 0))) == ["reused", "measured"]


def test_a_reused_value_is_one_that_a_surrogate_may_learn_from():
    measure = checked(door(Parity()))
    measure(ones(8))
    assert [one.genes.sum() for one in measure.measured()] == [0, 2, 4, 6, 8]


FAILING = {"nothing": (), "the first": (1,), "a check": (2,), "all odd": (1, 3, 5, 7, 9, 11)}


@pytest.mark.parametrize("failing", FAILING.values(), ids=FAILING)
@pytest.mark.parametrize("batch", [1, 3])
def test_killed_anywhere_and_resumed_is_as_whole(failing, batch):
    def fitness(die_at=None):
        return Parity(die_at=die_at, fails=lambda genes: "nan" if genes.sum() in failing else None)

    calls = [(0, 1, 2, 3), (5, 4, 7, 9, 6), (11, 8, 10)]

    def lived(measure):
        return [answer for sums in calls for answer in measure(ones(*sums))]

    whole = Ledger(":memory:")
    expected = lived(door(fitness(), whole, batch=batch))
    for die_at in range(13):
        ledger = Ledger(":memory:")
        try:
            lived(door(fitness(die_at), ledger, batch=batch))
        except KeyboardInterrupt:
            found = lived(door(fitness(), ledger, batch=batch))
            assert [
                replace(one, wall_s=0, cpu_s=0, energy_j=0, estimated_j=0, peak_memory_bytes=0) for one in found
            ] == [replace(one, wall_s=0, cpu_s=0, energy_j=0, estimated_j=0, peak_memory_bytes=0) for one in expected]
        assert sorted(story(ledger)) == sorted(story(whole))


def test_a_checkpoint_knows_who_was_the_first():
    ledger = Ledger(":memory:")
    first = door(Parity(), ledger)
    first.born(ones(0, 2, 4, 6, 8, 1))
    checked(first)(ones(8, 1))
    second = door(Parity(), ledger)
    second.load_state_dict(first.state_dict(), (-1.0,))
    assert sources(second(ones(10, 3))) == ["reused", "reused"]
    assert second.tally.counts() == {"measured": 5, "cached": 0, "reused": 3, "predicted": 0, "failed": 0}


def test_no_fingerprint_is_taken_twice():
    asked = []
    measure = door(Parity(says=lambda genes: asked.append(genes.sum()) or b"alike", goal="min"))
    measure._fitness.answer = lambda genes, budget: SumFitness.answer(measure._fitness, genes * 0, budget)
    measure(ones(0, 2))
    measure(ones(0, 2, 4))
    assert asked == [0, 2, 4]
