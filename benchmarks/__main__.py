"""The benchmarks that are commands, as ``python -m benchmarks device``. The others are scripts beside this file."""

from __future__ import annotations

import sys
from importlib import import_module

USAGE = {
    "device": "[--limit 480] [--resume] [--out DIR] [--device cuda|cpu] [--small] [--only STEP]",
    "fidelities": "[--rules 60] [--steps 500] [--seeds 2] [--shares 0.1 0.3 0.5] [--limit SECONDS] [--out DIR]",
    "searches": "[--suite bbob] [--dimensions N...] [--only NAME...] [--runs 11] [--jobs 2] [--out DIR] [--table]",
}


def main(words: list[str]) -> int:
    """The exit code of the benchmark that the first word names."""
    if not words or words[0] not in USAGE:
        for name, options in USAGE.items():
            print(f"usage: python -m benchmarks {name} {options}", file=sys.stderr)
        return 2
    code: int = import_module(f"benchmarks.{words[0]}.command").main(words[1:])
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
