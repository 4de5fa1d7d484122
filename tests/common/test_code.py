import functools
import random
import threading

import numpy as np
import pytest

from evokit.common.code import Untellable, code_digest, importable

WEIGHT = 2


def adder(n):
    def add(x):
        # what is said here does not count
        return x + n

    return add


def another(n):
    def add(x):
        return x + n

    return add


def test_it_is_the_code_and_what_it_uses():
    assert code_digest(adder(1)) == code_digest(adder(1))
    assert code_digest(adder(1)) != code_digest(adder(2))
    assert code_digest(adder(np.arange(3))) == code_digest(adder(np.arange(3)))
    assert code_digest(adder(np.arange(3))) != code_digest(adder(np.arange(4)))
    assert code_digest(functools.partial(adder(1), 3)) != code_digest(functools.partial(adder(1), 4))


def test_comments_and_places_do_not_count():
    assert code_digest(adder(1)) == code_digest(another(1))


def test_globals_count(monkeypatch):
    before = code_digest(lambda x: x * WEIGHT)
    monkeypatch.setitem(globals(), "WEIGHT", 3)
    assert code_digest(lambda x: x * WEIGHT) != before
    monkeypatch.setitem(globals(), "WEIGHT", 2)
    assert code_digest(lambda x: x * WEIGHT) == before


def test_what_calls_itself_and_functions_of_functions_are_told():
    def outer(helper):
        def again(x):
            return again(helper(x)) if x else 0

        return again

    assert code_digest(outer(adder(1))) != code_digest(outer(adder(2)))


def test_classes_are_told_by_their_members():
    def made(value):
        class Thing:
            limit = value

            def of(self, x):
                return x * self.limit

        return Thing

    assert code_digest(made(1)) == code_digest(made(1)) != code_digest(made(2))
    assert code_digest(made(1)().of) != code_digest(made(2)().of)


def test_what_can_be_imported_is_named():
    assert importable(adder) == f"{__name__}:adder"
    assert importable(adder(1)) == importable(lambda x: x) == ""


def test_what_nobody_can_tell_is_refused():
    with pytest.raises(Untellable, match="lock"):
        code_digest(adder(threading.Lock()))


def test_the_state_of_a_global_generator_is_no_part_of_what_code_does():
    draw, also = random.randint, np.random.randint

    def function(x):
        return draw(0, 1) + also(2) + x

    before = code_digest(function)
    random.seed(random.random())
    np.random.seed(np.random.randint(9))  # noqa: NPY002 - they are what is looked at
    assert code_digest(function) == before


def test_values_of_python_s_own_types_are_told_apart():
    def of(one):
        return code_digest(lambda x: (one, x))

    assert of(range(3)) == of(range(3)) != of(range(4))
    assert of(slice(1)) != of(slice(2))
    assert of(object) == of(object) != of(bool)
