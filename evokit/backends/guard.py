"""Ends the workers of a run whose process was killed. Runs as a script of its own and imports next to nothing.

Its standard input is a pipe from the run: ``+PID`` when a worker starts, ``-PID`` when it is gone. However the run
ends, the pipe ends with it; the process groups that are left are killed, with whatever their evaluations started.
"""

import contextlib
import os
import signal
import sys
from collections.abc import Iterable


def living(lines: Iterable[str]) -> set[int]:
    """The groups that the lines leave alive.

    >>> living(["+12", "+34", "-12"])
    {34}
    """
    groups: set[int] = set()
    for line in lines:
        (groups.add if line[0] == "+" else groups.discard)(int(line[1:]))
    return groups


def main() -> None:
    for group in living(sys.stdin):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)


if __name__ == "__main__":
    main()
