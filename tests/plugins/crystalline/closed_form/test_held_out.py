"""Documents that the closed form leaves to crystals and refits."""

import numpy as np

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
