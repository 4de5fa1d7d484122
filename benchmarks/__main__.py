"""The benchmark that is a command, ``python -m benchmarks device``. The others are scripts beside this file."""

from __future__ import annotations

import sys

USAGE = "python -m benchmarks device [--limit 480] [--resume] [--out DIR] [--device cuda|cpu] [--small] [--only STEP]"


def main(words: list[str]) -> int:
    """The exit code of the benchmark that the first word names."""
    if words[:1] != ["device"]:
        print(f"usage: {USAGE}", file=sys.stderr)
        return 2
    from benchmarks.device.command import main as device

    return device(words[1:])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
