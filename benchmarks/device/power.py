"""Joules: what the card draws idle and under plain matrix products, beside which the others' joules can be read."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import torch

from benchmarks.device.bench import Bench
from benchmarks.device.runner import Item
from benchmarks.device.timing import timed

STEP = "5 joules"


def items(bench: Bench) -> list[Item]:
    """Idle, then products in both precisions."""
    products = (_product(precision) for precision in ("bfloat16", "float32"))
    return [
        Item(STEP, "idle", "watts while nothing runs", idle, 3.0),
        *(Item(STEP, f"products {name}", "square matrices", run, 3.0) for name, run in products),
    ]


def idle(bench: Bench) -> Mapping[str, Any]:
    """Watts of two quiet seconds."""
    with bench.meter.measure() as reading:
        time.sleep(0.05 if bench.small else 2.0)
    joules = bench.joules(reading)
    return {
        "watts": joules / reading.wall_s if joules else None,
        "method": bench.meter.method,
        "notes": "; ".join(bench.meter.notes),
    }


def _product(precision: str) -> tuple[str, Callable[[Bench], Mapping[str, Any]]]:
    def run(bench: Bench) -> Mapping[str, Any]:
        size = 64 if bench.small else 8192
        a, b = (torch.ones(size, size, dtype=getattr(torch, precision), device=bench.device) for _ in range(2))
        for seed, one in enumerate((a, b)):
            one.normal_(generator=torch.Generator(bench.device).manual_seed(seed))  # ones would draw less
        return timed(bench, lambda: a @ b, unit="products", flops=2.0 * size**3)

    return precision, run
