"""Seconds and joules of work that is repeated."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import torch

from benchmarks.device.bench import Bench
from evokit.energy import Reading

MOST = 10_000


def timed(
    bench: Bench,
    work: Callable[[], object],
    *,
    units: float = 1.0,
    unit: str = "calls",
    flops: float = 0.0,
    span_s: float = 2.0,
) -> dict[str, Any]:
    """Figures of a row: after a warm-up, ``work`` is repeated for about ``span_s`` or what is left of the time.

    Seconds are those between two CUDA events with all of the device's work between them, on a CPU those of the clock.

    Args:
        bench: The device.
        work: Once.
        units: That one call does.
        unit: What they are called.
        flops: Of one call, for the share of the bfloat16 peak.
        span_s: Seconds of a GPU to measure.
    """
    work()
    bench.sync()
    started = time.perf_counter()
    work()
    bench.sync()
    once = max(time.perf_counter() - started, 1e-7)
    span = min(0.02 if bench.small else span_s, max(0.0, bench.left() / 2))
    n = max(1, min(MOST, int(span / once)))
    with bench.meter.measure() as reading:
        seconds = _seconds(bench, work, n)
    each = seconds / n
    peak = bench.peak()
    joules = bench.joules(reading)
    figures: dict[str, Any] = {
        f"{unit}_a_second": units / each,
        "seconds": each,
        f"joules_per_{unit}": joules / n / units if joules else None,
        "joules_are": _source(bench, reading) if joules else "not counted",
    }
    if flops:
        figures["tflops"] = flops / each / 1e12
        figures["share_of_bf16_peak"] = flops / each / peak if peak else None
    return figures


def _source(bench: Bench, reading: Reading) -> str:
    """Whether the joules were read from a counter; those of the processor do not count on a card."""
    of_others = (0.0, reading.cpu_joules) if bench.cuda else (0.0,)
    return "measured" if reading.estimated_j in of_others else "estimated"


def _seconds(bench: Bench, work: Callable[[], object], n: int) -> float:
    if not bench.cuda:
        started = time.perf_counter()
        for _ in range(n):
            work()
        return time.perf_counter() - started
    first = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
    last = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
    first.record()
    for _ in range(n):
        work()
    last.record()
    bench.sync()
    return float(first.elapsed_time(last)) / 1e3
