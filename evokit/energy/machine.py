"""The best meter that a machine allows."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from evokit.energy.counter import Clock, Counter
from evokit.energy.meter import Meter
from evokit.energy.nvml import gpu_counters
from evokit.energy.rapl import POWERCAP, rapl_packages


def best_meter(
    device: str | Sequence[str],
    watts_per_core: float,
    *,
    powercap: Path = POWERCAP,
    environ: Mapping[str, str] = os.environ,
    clock: Clock = time.perf_counter,
) -> Meter:
    """The best meter that this machine allows. Nothing raises: what cannot be read is told in ``notes``.

    Args:
        device: The torch device of the run, or all of them: ``cpu``, ``cuda`` (card 0), ``cuda:1``.
        watts_per_core: Power of one busy core, for the estimate where RAPL cannot be read.
        powercap: Where the kernel shows RAPL.
        environ: Where ``CUDA_VISIBLE_DEVICES`` is looked up.
        clock: Seconds.
    """
    devices = [device] if isinstance(device, str) else list(device)
    notes: list[str] = []
    gpus, gpu_missing = gpu_counters(devices, environ, clock, notes)
    packages: list[Counter] = []
    try:
        packages.extend(rapl_packages(powercap))
    except OSError as error:
        notes.append(f"CPU energy is estimated: {error}")
    return Meter(gpus, packages, watts_per_core, notes, gpu_missing=gpu_missing, clock=clock)
