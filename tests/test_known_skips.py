"""The guard against tests that are skipped unnoticed, in a suite of its own."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.known_skips import KnownSkips, pytest_configure

pytest_plugins = ["pytester"]
ROOT = Path(__file__).parent.parent
SUITE = """\
import pytest

@pytest.mark.parametrize("n", range(2))
def test_skipped(n):
    pytest.skip("no such machine; buy one")

def test_run():
    pass
"""


@pytest.fixture
def suite(pytester):
    pytester.makeconftest((ROOT / "tests" / "known_skips.py").read_text())
    pytester.makepyfile(SUITE)

    def run(known, *words):
        pytester.makefile(".txt", known=known)
        return pytester.runpytest_inprocess("--known-skips=known.txt", *words)

    return run


def test_a_count_that_grows_fails(suite):
    done = suite("# comment\n1 no such machine; buy one\n")
    done.assert_outcomes(passed=1, skipped=2)
    assert done.ret == pytest.ExitCode.TESTS_FAILED
    done.stdout.fnmatch_lines("2 skipped where 1 may be: no such machine; buy one")


def test_another_reason_fails(suite):
    done = suite("2 another reason\n")
    assert done.ret == pytest.ExitCode.TESTS_FAILED
    done.stdout.fnmatch_lines("2 skipped where 0 may be: no such machine; buy one")


def test_one_skip_that_is_not_listed_fails(suite):
    assert suite("", "-k", "run or 0").ret == pytest.ExitCode.TESTS_FAILED


def test_the_environment_may_name_the_file(suite, pytester, monkeypatch):
    suite("")
    monkeypatch.setenv("KNOWN_SKIPS", "known.txt")
    assert pytester.runpytest_inprocess().ret == pytest.ExitCode.TESTS_FAILED
    monkeypatch.delenv("KNOWN_SKIPS")
    assert pytester.runpytest_inprocess().ret == pytest.ExitCode.OK


def test_what_is_expected_to_fail_is_not_skipped(suite, pytester):
    expected = "import pytest\n\n@pytest.mark.xfail\ndef test_one():\n    raise ValueError\n"
    pytester.makepyfile(test_expected=expected)
    assert suite("2 no such machine; buy one\n").ret == pytest.ExitCode.OK


@pytest.fixture
def guard(tmp_path):
    """One that has seen a skip which it does not know."""
    (tmp_path / "known.txt").touch()
    guard = KnownSkips(tmp_path / "known.txt")
    guard.pytest_collectreport(pytest.CollectReport("test_one.py", "skipped", ("f", 1, "Skipped: buy it"), None))
    return guard


@pytest.mark.parametrize("status", [pytest.ExitCode.INTERRUPTED, pytest.ExitCode.INTERNAL_ERROR])
def test_a_session_that_ended_otherwise_keeps_its_status(guard, status):
    session = SimpleNamespace(exitstatus=status)
    guard.pytest_sessionfinish(session)
    assert session.exitstatus == status


@pytest.mark.parametrize(("more", "n"), [({}, 1), ({"workerinput": {}}, 0)])
def test_workers_leave_it_to_their_host(tmp_path, more, n):
    (tmp_path / "known.txt").touch()
    registered = []
    manager = SimpleNamespace(register=registered.append)
    pytest_configure(SimpleNamespace(getoption=lambda _: tmp_path / "known.txt", pluginmanager=manager, **more))
    assert len(registered) == n


def test_what_is_listed_passes(suite):
    assert suite("2 no such machine; buy one\n3 of others\n").ret == pytest.ExitCode.OK


def test_a_module_that_is_skipped_counts_once_however_many_workers_tell(tmp_path):
    (tmp_path / "known.txt").write_text("1 install it\n")
    guard = KnownSkips(tmp_path / "known.txt")
    for _ in range(2):
        guard.pytest_collectreport(
            pytest.CollectReport("test_whole.py", "skipped", ("f", 1, "Skipped: install it"), None)
        )
    assert guard.unknown() == {}
    guard.pytest_collectreport(pytest.CollectReport("test_other.py", "skipped", ("f", 1, "Skipped: install it"), None))
    assert guard.unknown() == {"install it": 2}


def test_each_known_skip_says_what_ends_it():
    lines = (ROOT / "tests" / "known_skips.txt").read_text().splitlines()
    for line in (line for line in lines if not line.startswith("#")):
        count, _, reason = line.partition(" ")
        assert int(count) > 0
        assert reason
