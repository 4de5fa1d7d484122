import numpy as np
import pytest

from evokit.data.known_formula import FORMULAS, KnownFormula
from evokit.interfaces import Context
from evokit.streams import Streams

AT = {  # worked by hand or with a calculator
    "nguyen-1": ((2.0,), 14), "nguyen-2": ((2.0,), 30), "nguyen-3": ((2.0,), 62), "nguyen-4": ((2.0,), 126),
    "nguyen-5": ((0.0,), -1), "nguyen-6": ((0.0,), 0), "nguyen-7": ((0.0,), 0), "nguyen-8": ((4.0,), 2),
    "nguyen-9": ((0.0, 1.0), 0.8414709848), "nguyen-10": ((np.pi / 2, 0.0), 2), "nguyen-11": ((0.25, 0.5), 0.5),
    "nguyen-12": ((2.0, 4.0), 12), "keijzer-4": ((0.0,), 0), "feynman-I.6.2": ((0.0, 2.0), 0.1994711402),
    "feynman-I.8.14": ((1.0, 4.0, 2.0, 6.0), 5), "feynman-I.12.11": ((2.0, 3.0, 4.0, 5.0, np.pi / 2), 46),
    "feynman-I.16.6": ((1.0, 1.0, 1.0), 1), "feynman-I.18.4": ((1.0, 3.0, 2.0, 4.0), 3.5),
    "feynman-I.27.6": ((2.0, 4.0, 2.0), 1), "feynman-I.29.16": ((3.0, 4.0, np.pi / 2, 0.0), 5),
    "feynman-I.34.8": ((2.0, 3.0, 4.0, 6.0), 4),
}  # fmt: skip


def data(formula, seed=0, **options):
    return KnownFormula(formula, **options).build(Context(Streams(seed)))


@pytest.mark.parametrize("name", FORMULAS)
def test_formulas_are_right_and_finite_where_their_rows_lie(name):
    inputs, value = AT[name]
    assert FORMULAS[name].of(*map(np.array, inputs)) == pytest.approx(value)
    sides = data(name)
    for side, n in ((sides.train, FORMULAS[name].rows), (sides.validation, FORMULAS[name].rows), (sides.test, 1000)):
        assert (side.x.shape, side.y.shape) == ((n, len(inputs)), (n,))
        assert np.isfinite(side.y).all()
        assert FORMULAS[name].low <= side.x.min() < side.x.max() <= FORMULAS[name].high


def test_sides_have_rows_of_their_own_and_the_seed_decides():
    one = data("nguyen-1", rows=7, test_rows=9)
    assert [len(side) for side in (one.train, one.validation, one.test)] == [7, 7, 9]
    assert not set(one.train.y) & set(one.validation.y)
    assert one.digest == data("nguyen-1", rows=7, test_rows=9).digest != data("nguyen-1", 1, rows=7, test_rows=9).digest


def test_noise_is_in_units_of_the_targets():
    noisy, plain = data("feynman-I.34.8", rows=4000, noise=0.5).train, data("feynman-I.34.8", rows=4000).train
    assert (noisy.y - plain.y).std() / plain.y.std() == pytest.approx(0.5, rel=0.05)
