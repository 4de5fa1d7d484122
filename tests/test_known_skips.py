"""The guard against tests that are skipped unnoticed, in a suite of its own."""

from pathlib import Path

import pytest

from tests.known_skips import KnownSkips

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
