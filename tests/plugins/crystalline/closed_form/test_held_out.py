"""Documents that the closed form leaves to crystals and refits."""

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
