"""Whether a device computes what the CPU computes, by the arithmetic; and the same bits twice.

Two computations of one value differ by their roundings: n of them with unit u stay below ``2 min(n, 7 sqrt(n)) u``
times the largest size on the way, but for a chance of 5e-11 (Higham and Mary 2019, theorem 2.4, as in
``tests/rounding.py``). The unit is that of what is computed in: of float32 2**-24; of TF32, in which cuDNN multiplies
float32 unless it is told not to, 2**-11; of bfloat16 2**-8. The latter two round the factors of each product, twice a
layer, and sum in float32. Trainings are a few steps long, three times the roundings of a forward pass each; how errors
grow from step to step is neglected, so a training may be told apart for its own sake: Adam turns a gradient that is
rounding alone into a whole step.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.device.bench import Bench

UNITS = {"float32": 2.0**-24, "tf32": 2.0**-11, "bfloat16": 2.0**-8}
LAMBDA = 7.0


@dataclass(frozen=True)
class Answer:
    """What a case computed.

    Args:
        values: ``(n,)``, continuous ones; NaN where a training diverged.
        ranked: ``(n,)`` that individuals are ranked by; None says ``values``.
        judged: ``(units,)`` right or wrong each.
    """

    values: np.ndarray
    ranked: np.ndarray | None = None
    judged: np.ndarray | None = None

    def bits(self) -> bytes:
        """All of it."""
        parts = [one for one in (self.values, self.ranked, self.judged) if one is not None]
        return b"".join(np.ascontiguousarray(one).tobytes() for one in parts)


@dataclass(frozen=True)
class Case:
    """Something that is computed on either device from the same inputs.

    Args:
        name: Plugin and component.
        run: On a device, with a folder for files.
        sums: Roundings on the way to one value in float32: terms of sums one behind the other.
        layers: Products one behind the other.
        unit: That products are computed in on the device: one of ``UNITS``.
        individuals: Whether values are those of individuals that can be ranked.
        convolutions: Whether it multiplies by convolutions, in TF32 where cuDNN may; matrices where cuBLAS may.
    """

    name: str
    run: Callable[[str, Path], Answer]
    sums: int
    layers: int
    unit: str = "float32"
    individuals: bool = False
    convolutions: bool = False

    def unit_on(self, bench: Bench) -> str:
        """What products are computed in on the device."""
        # An image of a container may let cuBLAS use it as well, by TORCH_ALLOW_TF32_CUBLAS_OVERRIDE.
        allowed = torch.get_float32_matmul_precision() != "highest" or (
            self.convolutions and torch.backends.cudnn.allow_tf32
        )
        return "tf32" if bench.cuda and self.unit == "float32" and allowed else self.unit

    def tolerance(self, values: np.ndarray, unit: str) -> np.ndarray:
        """``(n,)`` for the values that the CPU found."""
        scale = 1 + np.abs(values)
        coarse = 0.0 if unit == "float32" else rounded(2 * self.layers, UNITS[unit])
        found: np.ndarray = scale * (rounded(self.sums, UNITS["float32"]) + coarse)
        return found


def rounded(n: int, unit: float) -> float:
    """What ``n`` roundings on either side bring about, relative.

    >>> rounded(16, 2.0**-24) == 2 * 16 * 2**-24
    True
    """
    return 2 * min(n, LAMBDA * math.sqrt(n)) * unit


def compared(case: Case, bench: Bench) -> dict[str, Any]:
    """Figures of a row: the CPU once, the device twice; and twice with deterministic algorithms where bits differ."""
    cpu, cpu_s = _run(case, "cpu", bench, "cpu")
    one, device_s = _run(case, bench.device, bench, "one")
    two, _ = _run(case, bench.device, bench, "two")
    unit = case.unit_on(bench)
    tolerance = case.tolerance(cpu.values, unit)
    both_nan = np.isnan(cpu.values) & np.isnan(one.values)
    apart = np.where(both_nan, 0.0, np.abs(cpu.values - one.values))
    within = int(((apart <= tolerance) | both_nan).sum())
    figures: dict[str, Any] = {
        "agrees": within == len(apart) and not both_nan.all(),  # where all failed, nothing was compared
        "within": f"{within} of {len(apart)}",
        "nan_on_both": int(both_nan.sum()),
        "largest_difference": float(np.nanmax(apart)) if np.isfinite(apart).any() else math.nan,
        "tolerance": float(np.nanmin(tolerance)) if np.isfinite(tolerance).any() else math.nan,
        "unit": unit,
        "same_bits_twice": one.bits() == two.bits(),
    }
    if not figures["same_bits_twice"]:
        with deterministic():
            three, _ = _run(case, bench.device, bench, "three")
            four, _ = _run(case, bench.device, bench, "four")
        figures["same_bits_if_deterministic"] = three.bits() == four.bits()
    if case.individuals:
        figures |= ranking(*(one.values if one.ranked is None else one.ranked for one in (cpu, one)))
    if cpu.judged is not None and one.judged is not None:
        figures["judged_otherwise"] = f"{int((cpu.judged != one.judged).sum())} of {len(cpu.judged)}"
    # First calls load libraries and choose kernels: no measure of speed, but of what a comparison takes.
    return {**figures, "first_cpu_call_s": cpu_s, "first_device_call_s": device_s}


def ranking(first: np.ndarray, second: np.ndarray) -> dict[str, Any]:
    """Rank correlation, and whether no two individuals change places; those that diverged rank last."""
    one, other = (ranks(np.nan_to_num(side, nan=np.inf)) for side in (first, second))
    flat = np.ptp(one) == 0 or np.ptp(other) == 0
    rho = float(np.array_equal(one, other)) if flat else float(np.corrcoef(one, other)[0, 1])
    return {"individuals": len(one), "spearman": round(rho, 6), "same_ranking": bool(np.array_equal(one, other))}


def ranks(values: np.ndarray) -> np.ndarray:
    """From 1; ties share their mean.

    >>> ranks(np.array([3.0, 1.0, 3.0])).tolist()
    [2.5, 1.0, 2.5]
    """
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    found: np.ndarray = ((2 * last - counts + 1) / 2)[place]
    return found


@contextmanager
def deterministic() -> Iterator[None]:
    """torch's deterministic algorithms; what has none is told and runs as it does."""
    before = torch.are_deterministic_algorithms_enabled()
    warned = torch.is_deterministic_algorithms_warn_only_enabled()
    torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(before, warn_only=warned)


def _run(case: Case, device: str, bench: Bench, name: str) -> tuple[Answer, float]:
    scratch = bench.scratch / "same" / case.name.replace("/", "-").replace(" ", "_") / name
    scratch.mkdir(parents=True, exist_ok=True)
    started = time.perf_counter()
    answer = case.run(device, scratch)
    return answer, time.perf_counter() - started
