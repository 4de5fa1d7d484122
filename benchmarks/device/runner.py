"""One item after the other: what fails, or does not fit into memory or into the time, is a row like any."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.device.bench import Bench
from benchmarks.device.results import Results, plain, shown

DONE, FAILED, MEMORY, MISSING, NO_TIME = "done", "failed", "out of memory", "missing", "no time"


@dataclass(frozen=True)
class Item:
    """One row of the results.

    Args:
        step: Its table.
        name: Unique in the step.
        what: What is measured, in a sentence.
        run: Measures it and gives the row's figures.
        estimate_s: Seconds that it takes on a GPU; it is not begun when fewer are left.
    """

    step: str
    name: str
    what: str
    run: Callable[[Bench], Mapping[str, Any]]
    estimate_s: float = 5.0


def run_items(items: Sequence[Item], bench: Bench, results: Results, say: Callable[[str], None] = print) -> None:
    """Measure what is not known yet, in this order, and write after each.

    Rows that say ``no time`` or ``missing`` are measured by a later call with ``--resume``; others are not repeated.
    After a fault of the device, from which its process does not recover, no more are begun: the later call measures
    them.
    """
    step = ""
    for item in items:
        known = results.row(item.step, item.name)
        if known is not None and known["outcome"] not in (NO_TIME, MISSING):
            continue
        if item.step != step:
            step = item.step
            say(f"\n{step}")
        row = {"step": item.step, "item": item.name, "what": item.what, **plain(_measured(item, bench))}
        results.put(row)
        figures = "  ".join(f"{name} {shown(row[name])}" for name in row if name not in ("step", "item", "what"))
        say(f"  {item.name}: {figures}  ({bench.left():.0f} s left)")
        if row["outcome"] == FAILED and not bench.works():
            say("  the device does not work any more in this process: go on with --resume")
            return


def _measured(item: Item, bench: Bench) -> dict[str, Any]:
    estimate = item.estimate_s * bench.scale
    if bench.left() < estimate:
        message = f"about {estimate:.0f} s are needed, {max(0.0, bench.left()):.0f} are left"
        return {"outcome": NO_TIME, "message": message}
    started = time.perf_counter()
    try:
        bench.forget_peak()
        figures = {**item.run(bench), **bench.peak_memory()}
        outcome = {"outcome": DONE}
    except ModuleNotFoundError as error:
        outcome, figures = {"outcome": MISSING}, {"message": str(error)}
    except Exception as error:
        outcome = {"outcome": MEMORY if out_of_memory(error) else FAILED}
        figures = {"message": f"{type(error).__name__}: {error}"[:500], "where": where(error)}
    finally:
        bench.free()
    return {**outcome, **figures, "took_s": time.perf_counter() - started}


def out_of_memory(error: BaseException) -> bool:
    """Whether the device or the process had too little memory."""
    import torch

    told = ("out of memory", "ALLOC_FAILED")  # by CUDA and its libraries, beside torch's own allocator
    known = isinstance(error, torch.OutOfMemoryError | MemoryError)
    return known or (isinstance(error, RuntimeError) and any(words in str(error) for words in told))


def where(error: BaseException) -> str:
    """File and line that raised."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{last.filename}:{last.lineno}"
