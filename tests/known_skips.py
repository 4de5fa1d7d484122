"""An option of pytest, ``--known-skips``: what is skipped is known, or the session fails."""

import os
from collections import Counter
from pathlib import Path

import pytest


def pytest_addoption(parser):
    told = os.environ.get("KNOWN_SKIPS")  # which other sessions of pytest, started by tests, may ignore
    wanted = "fail if more tests are skipped than this file lists"
    parser.addoption("--known-skips", metavar="FILE", default=told, help=wanted)


@pytest.hookimpl(trylast=True)
def pytest_configure(config):
    if config.getoption("--known-skips") and not hasattr(config, "workerinput"):  # not in the workers of xdist
        config.pluginmanager.register(KnownSkips(Path(config.getoption("--known-skips"))))


class KnownSkips:
    """Fails a session in which more tests are skipped, or for other reasons, than a file lists.

    Args:
        path: Lines of a count and a reason; ``#`` begins a comment.
    """

    def __init__(self, path):
        lines = [line for line in path.read_text().splitlines() if line.strip() and not line.startswith("#")]
        self.known = {reason: int(count) for count, _, reason in (line.partition(" ") for line in lines)}
        self.reasons = {}

    def pytest_runtest_logreport(self, report):
        self._note(report)

    def pytest_collectreport(self, report):
        self._note(report)  # of a module; each worker of xdist sends one

    def _note(self, report):
        if report.skipped and not hasattr(report, "wasxfail"):
            self.reasons[report.nodeid] = report.longrepr[2].removeprefix("Skipped: ")

    def unknown(self):
        """Reasons that more tests gave than the file lists, each with their number."""
        skips = Counter(self.reasons.values())
        return {reason: n for reason, n in skips.items() if n > self.known.get(reason, 0)}

    def pytest_sessionfinish(self, session):
        if self.unknown() and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter):
        for reason, n in self.unknown().items():
            known = self.known.get(reason, 0)
            terminalreporter.write_line(f"{n} skipped where {known} may be: {reason}", red=True)
