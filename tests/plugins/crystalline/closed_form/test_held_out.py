"""Documents that the closed form leaves to crystals and refits."""

import numpy as np
import pytest

from evokit.data.text import full_blocks
from evokit.errors import UserError
from evokit_crystalline.closed_form.held_out import held_out
from tests.plugins.crystalline.tiny import markov


def test_what_crystals_learn_from_is_counted_nowhere_else_and_no_refit_sees_it():
    train = markov(20)
    counted, aside = held_out(train, 16)
    assert len(counted) == 18
    assert set(counted.names).isdisjoint({train.names[9], train.names[19]})
    n = sum(len(train.document(i)) // 16 for i in (9, 19))
    assert (len(aside.for_crystals), len(aside.for_refits)) == (n - round(0.3 * n), round(0.3 * n))
    rows = [{tuple(row) for row in blocks.inputs.tolist()} for blocks in (aside.for_crystals, aside.for_refits)]
    assert rows[0].isdisjoint(rows[1])


def test_checks_take_blocks_of_refits_alone():
    counted, plain = held_out(markov(20), 16)
    checked, aside = held_out(markov(20), 16, checked=True)
    assert checked.digest == counted.digest
    assert plain.for_checks is None
    assert aside.for_checks is not None
    assert np.array_equal(aside.for_crystals.inputs, plain.for_crystals.inputs)
    both = np.concatenate([aside.for_checks.inputs, aside.for_refits.inputs])
    assert np.array_equal(both, plain.for_refits.inputs)
    assert len(aside.for_checks) == round(len(plain.for_refits) / 3)


@pytest.mark.parametrize("share", [0.1, 0.25, 0.5])
def test_lessons_are_documents_that_are_counted_last_and_that_neither_refits_nor_checks_see(share):
    train = markov(61)
    first, aside = held_out(train, 16, checked=True, lessons=share)
    last = aside.counted_last
    assert last is not None
    assert aside.for_checks is not None
    assert set(last.names) == set(train.names) - {train.names[29], train.names[59]}
    lessons = set(last.names) - set(first.names)
    assert set(first.names) < set(last.names)
    assert len(lessons) == np.floor(share * 59)
    rows = [
        {tuple(row) for row in blocks.inputs.tolist()}
        for blocks in (aside.for_crystals, aside.for_refits, aside.for_checks)
    ]
    assert not rows[0] & rows[1]
    assert not rows[0] & rows[2]
    assert not rows[1] & rows[2]
    taught = full_blocks(train.select([i for i, name in enumerate(train.names) if name in lessons]), 16)
    assert rows[0] == {tuple(row) for row in taught.inputs.tolist()}


def test_without_lessons_nothing_is_counted_last():
    assert held_out(markov(20), 16)[1].counted_last is None


@pytest.mark.parametrize(("n", "share"), [(2, 0.3), (3, 0.2), (1, 0.5)])
def test_lessons_that_leave_nothing_are_refused(n, share):
    with pytest.raises(UserError, match=rf"continuous.lessons: {share} of {n} training documents leaves none"):
        held_out(markov(n), 16, lessons=share)
