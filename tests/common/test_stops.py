"""Signals that end a command, as a terminal, a shell and a scheduler send them."""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from evokit.assembly.directory import RunDirectory
from evokit.common.stops import Stopped, exit_code, stops
from tests.small import command, write_recipe


@pytest.fixture(autouse=True)
def _listening():
    """A suite in the background or under ``nohup`` hands on that signals are ignored."""
    defaults = {
        signal.SIGINT: signal.default_int_handler,
        signal.SIGHUP: signal.SIG_DFL,
        signal.SIGTERM: signal.SIG_DFL,
    }
    before = {number: signal.signal(number, handler) for number, handler in defaults.items()}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize(("how", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_the_first_signal_is_raised_and_its_exit_code_is_the_shells(how, code):
    with pytest.raises(KeyboardInterrupt, match=how.name) as stop, stops():
        signal.raise_signal(how)
    assert exit_code(stop.value) == code


def test_handlers_are_put_back():
    before = [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    with stops():
        assert signal.getsignal(signal.SIGTERM) != before[1]
    assert [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)] == before


def test_what_nohup_ignores_stays_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with stops():
            signal.raise_signal(signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


def test_the_same_stop_sent_twice_is_one():
    with stops():
        with pytest.raises(Stopped):
            signal.raise_signal(signal.SIGHUP)
        signal.raise_signal(signal.SIGHUP)
        time.sleep(0.2)
        signal.raise_signal(signal.SIGTERM)


def test_in_another_thread_nothing_changes():
    seen = []

    def look():
        with stops():
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert seen == [signal.getsignal(signal.SIGTERM)]


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_ends_at_once(second):
    program = """\
import signal, time
from evokit.common.stops import stops
with stops():
    try:
        print("ready", flush=True)
        time.sleep(30)
    finally:
        print("saving", flush=True)
        time.sleep(30)
"""
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGTERM)
        assert process.stdout.readline() == "saving\n"
        time.sleep(0.6)
        process.send_signal(second)
        assert process.wait(timeout=10) == -second


def test_a_run_whose_terminal_is_closed_is_saved(tmp_path):
    pty = pytest.importorskip("pty", reason="pseudo-terminals are POSIX's; a POSIX system ends this")
    recipe, out = write_recipe(tmp_path), tmp_path / "run"
    words = command(["run", recipe, "--set", "fitness.sleep=0.02", "--out", out])
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(words[0], words)
    began = time.monotonic()
    while not (out / "metrics.jsonl").exists():
        assert time.monotonic() - began < 60
        os.read(terminal, 10_000)
    os.close(terminal)
    _, status = os.waitpid(pid, 0)
    assert os.waitstatus_to_exitcode(status) == 129
    assert RunDirectory(out).read_summary()["status"] == "interrupted"
