import re
import signal
import urllib.request

import pytest

from evokit.errors import UserError
from evokit.results.dashboard import listening, serving
from tests.cli.commands import invoke
from tests.small import start


def test_it_answers_on_this_machine_alone():
    with listening() as on:
        assert on.getsockname()[0] == "127.0.0.1"


def test_a_port_that_is_taken_is_refused_if_asked_for_and_else_another_one_is_taken(monkeypatch):
    with listening() as on:
        taken = on.getsockname()[1]
        with pytest.raises(UserError, match=f"port {taken} cannot be used"):
            listening(taken)
        monkeypatch.setattr(serving, "PORT", taken)
        with listening() as other:
            assert other.getsockname()[1] != taken


def test_without_the_extra_it_is_said_what_brings_it(tmp_path, monkeypatch):
    monkeypatch.setattr(serving, "find_spec", lambda name: None)
    answer = invoke("dashboard", tmp_path)
    assert (answer.exit_code, answer.stderr.count("\n")) == (2, 1)
    assert "not installed: pip install 'evokit-deap[dashboard]'" in answer.stderr


def test_what_is_no_folder_is_refused(tmp_path):
    answer = invoke("dashboard", tmp_path / "none")
    assert (answer.exit_code, answer.stderr) == (2, f"{tmp_path / 'none'} is no folder\n")


def test_ctrl_c_ends_it_well(tmp_path):
    at_work = start("dashboard", tmp_path)
    url = re.search(r"http://127\.0\.0\.1:\d+/", at_work.stdout.readline())[0]
    with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=120) as answer:
        assert b"No runs in" in answer.read()
    at_work.send_signal(signal.SIGINT)
    _, complaints = at_work.communicate(timeout=120)
    assert (at_work.returncode, complaints) == (0, "")
