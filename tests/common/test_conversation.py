import gc
import threading
import time

import pytest

from evokit.common.conversation import Conversation


def test_questions_come_one_by_one_and_none_at_the_end():
    heard = []

    def function(ask):
        heard.extend([ask("a"), ask("b")])

    talk = Conversation(function)
    assert talk.question == "a"
    talk.answer(1)
    assert talk.question == "b"
    talk.answer(2)
    assert talk.question is None
    assert heard == [1, 2]


def test_what_the_function_raises_is_raised_to_whoever_answers():
    def function(ask):
        raise ValueError(f"no {ask('a')}")

    talk = Conversation(function)
    with pytest.raises(ValueError, match="no good"):
        talk.answer("good")


def test_a_function_that_asks_for_nothing_has_ended():
    assert Conversation(lambda ask: None).question is None


def test_an_abandoned_function_ends_its_thread():
    before = threading.active_count()
    ended = []

    def function(ask):
        try:
            ask("a")
        except Exception:  # a library's way to go on whatever happens
            pass
        finally:
            ended.append(True)
        ask("b")

    talk = Conversation(function)
    assert threading.active_count() == before + 1
    del talk
    gc.collect()
    for _ in range(100):
        if threading.active_count() == before:
            break
        time.sleep(0.01)
    assert threading.active_count() == before
    assert ended == [True]
