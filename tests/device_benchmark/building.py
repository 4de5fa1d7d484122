"""What tests of the benchmark for GPUs share."""

import json

from benchmarks.device.bench import Bench
from benchmarks.device.command import main
from benchmarks.device.results import JSON, Results
from benchmarks.device.runner import run_items


def measured(folder, *words):
    """Exit code and rows of a call on the CPU."""
    code = main(["--device", "cpu", "--small", "--out", str(folder), *words])
    return code, json.loads((folder / JSON).read_text())["rows"]


def bench_in(folder, limit_s=100.0, **changes):
    return Bench("cpu", True, limit_s, folder, **changes)


def rows_of(items, bench, folder, resume=False):
    """What is written of some items."""
    results = Results(folder, {"machine": "this"}, resume=resume)
    run_items(items, bench, results, say=lambda line: None)
    results.close()
    return json.loads((folder / JSON).read_text())["rows"]


def raising(error):
    def run(bench):
        raise error

    return run
