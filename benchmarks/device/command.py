"""The command: options, machine, items, results."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # torch is to be imported after the environment is set
    from benchmarks.device.bench import Bench
    from benchmarks.device.runner import Item


DESCRIPTION = """What evokit does on a GPU, the most valuable step first: 1 the same as on the CPU, 2 CLSO, 3 optimizer
search, 4 activation search, 5 joules. Rows of an earlier call are put aside, or kept by --resume. docs/gpu.md says
what the steps measure, benchmarks/device/__init__.py what has to be installed."""


def main(words: Sequence[str], items: Callable[[Bench], Sequence[Item]] | None = None) -> int:
    """Measure; the exit code is 0 if every item has a row that is not a failure, 2 for wrong words.

    It is 1 if an item failed, or if the rows could not be written.
    """
    began = time.monotonic()  # what imports take is time of the device
    given = _parser().parse_args(words)
    # cuBLAS reads it once, when it starts; without it torch has no deterministic products.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    import torch

    from benchmarks.device.bench import Bench
    from benchmarks.device.results import JSON, TABLES, Results
    from benchmarks.device.runner import FAILED, run_items
    from benchmarks.device.steps import all_items
    from evokit.errors import UserError

    if given.device != "cpu" and not torch.cuda.is_available():
        print("torch sees no CUDA device here (evokit doctor tells why); or write --device cpu", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as scratch:
        bench = Bench(given.device, given.small, given.limit - (time.monotonic() - began), Path(scratch))
        torch.set_num_threads(bench.threads)
        try:
            results = Results(Path(given.out), bench.machine(), resume=given.resume)
        except UserError as error:
            print(error, file=sys.stderr)
            return 2
        todo = (items or all_items)(bench)
        if given.only:
            todo = [item for item in todo if any(item.step.startswith(one) for one in given.only)]
        results.write()
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*deterministic.*")  # told by the rows
            warnings.filterwarnings("ignore", message=".*batching rule.*")  # of vmap: slower, which is what is measured
            try:
                run_items(todo, bench, results, say=lambda line: print(line, flush=True))
            finally:
                results.close()
    print(f"\n{results.folder / JSON} and {results.folder / TABLES}")
    return 1 if not results.written or any(row["outcome"] == FAILED for row in results.rows) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks device", description=DESCRIPTION)
    parser.add_argument(
        "--limit",
        type=float,
        default=480.0,
        help="seconds; nothing is begun that seems to need more than is left, what has begun is finished (480)",
    )
    parser.add_argument(
        "--resume",
        action="store_true",
        help="keep the rows of the last call; measure those that lacked time or a package",
    )
    parser.add_argument("--out", default="runs/device", help="folder of results.json and results.md (runs/device)")
    parser.add_argument("--device", default="cuda", help="cuda, cuda:1 or cpu (cuda)")
    parser.add_argument("--small", action="store_true", help="sizes of a test")
    parser.add_argument("--only", nargs="+", help="numbers of steps, such as 1 3", choices=list("12345"))
    return parser
