import logging

import numpy as np
import pytest

from evokit import StopSearch, UserError
from evokit.callbacks.listeners import PATIENCE, Listeners, own


class Both:
    def __init__(self, answer=None):
        self.told, self.answer = [], answer

    def run_started(self, run):
        self.told.append(run)

    def generation_ended(self, run, generation):
        self.told.append(generation)
        return self.answer


def raising(error):
    def callback(run, generation):
        raise error

    return callback


def test_each_is_told_what_it_listens_to_in_order():
    both, order = Both(), []
    listeners = Listeners([("both", both), ("f", lambda run, generation: order.append((generation, list(both.told))))])
    for method, facts in (("run_started", ()), ("evaluation_ended", ("e",)), ("generation_ended", ("g",))):
        listeners.tell(method, "run", *facts)
    assert both.told == ["run", "g"]
    assert order == [("g", ["run", "g"])]
    assert [listeners.hear(one) for one in ("run_started", "evaluation_ended", "run_ended")] == [True, False, False]


@pytest.mark.parametrize("answer", [True, np.True_])
def test_true_asks_for_the_end(answer):
    listeners = Listeners([("early", Both(answer)), ("later", Both(True))])
    listeners.tell("generation_ended", "run", "g")
    assert (listeners.stop, listeners.stopped_by) == ("callback early asked for it", "early")


@pytest.mark.parametrize("answer", [None, False, 1, "yes", [True], np.ones(2)])
def test_nothing_else_does(answer):
    listeners = Listeners([("both", Both(answer))])
    listeners.tell("generation_ended", "run", "g")
    assert listeners.stop == ""


def test_raising_stop_search_does_and_says_why():
    listeners = Listeners([("f", raising(StopSearch("it is good enough")))])
    listeners.tell("generation_ended", "run", "g")
    assert listeners.stop == "callback f asked for it: it is good enough"


def test_what_is_not_heeded_ends_nothing():
    listeners = Listeners([("f", raising(StopSearch()))])
    listeners.tell("generation_ended", "run", "g", heeded=False)
    assert listeners.stop == ""


def test_an_error_is_told_once_and_ends_nothing(caplog):
    both, failing = Both(), Both()
    answers = iter([1, 0, 1, 0, 1])
    failing.generation_ended = lambda run, generation: 1 / next(answers)
    listeners = Listeners([("failing", failing), ("both", both)])
    with caplog.at_level(logging.WARNING, "evokit"):
        for generation in range(5):
            listeners.tell("generation_ended", "run", generation)
    assert both.told == list(range(5))
    (warning,) = caplog.messages
    assert warning.startswith("callback failing raised ZeroDivisionError: division by zero (tests/callbacks/")
    assert warning.endswith("; the run goes on")
    assert listeners.failed["failing"].times == 2


def test_who_only_fails_is_called_no_more(caplog):
    calls = []

    def callback(run, generation):
        calls.append(generation)
        raise OSError("no such server")

    listeners = Listeners([("callback", callback)])
    for generation in range(9):
        listeners.tell("generation_ended", "run", generation)
    assert len(calls) == PATIENCE
    assert caplog.messages[-1].endswith("; the run goes on without it")
    assert listeners.failed["callback"].times == PATIENCE


def test_who_cannot_begin_is_not_called_at_all(caplog):
    both = Both()
    both.run_started = lambda run: 1 / 0
    listeners = Listeners([("both", both)])
    listeners.tell("run_started", "run")
    listeners.tell("generation_ended", "run", "g")
    assert both.told == []
    assert len(caplog.messages) == 1


def test_ctrl_c_passes():
    with pytest.raises(KeyboardInterrupt):
        Listeners([("f", raising(KeyboardInterrupt()))]).tell("generation_ended", "run", "g")


@pytest.mark.parametrize(
    ("callback", "message"),
    [
        (7, r"^7 is no callback: give it methods such as generation_ended\(run, generation\); known are run_started"),
        (Both, r"^callback Both is a class; give an object of it, Both\(\.\.\.\)$"),
        (lambda generation: None, r"^callback .*<lambda>: .* is called with \(run, generation\): too many positional"),
    ],
)
def test_what_is_no_callback_is_refused(callback, message):
    with pytest.raises(UserError, match=message):
        own([callback])


def test_names_are_those_of_the_code():
    assert [name for name, _ in own([Both(), print])] == ["Both", "print"]
