"""The device that is measured: its memory, its peak, its clock, and how long this call may still take."""

from __future__ import annotations

import gc
import platform
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from evokit.common.cores import usable_cores
from evokit.energy import WATTS_PER_CORE, Meter, Reading, best_meter

PEAKS = {"H100": 989e12, "H200": 989e12, "A100": 312e12}
"""Dense bfloat16 operations a second, as the vendor states them for the SXM modules; of others nothing is said."""
MODEST = ("PCIE", "NVL")
"""Modules of the H cards with another peak."""


@dataclass
class Bench:
    """What every item is handed.

    Args:
        device: ``cuda`` or ``cpu``.
        small: Sizes of a test instead of those of a GPU.
        limit_s: Seconds from now on.
        scratch: A folder for files.
        clock: Seconds.
    """

    device: str
    small: bool
    limit_s: float
    scratch: Path
    clock: Callable[[], float] = time.monotonic
    meter: Meter = field(init=False)
    started: float = field(init=False)

    def __post_init__(self) -> None:
        self.started = self.clock()
        if (card := torch.device(self.device).index) is not None and self.cuda:
            torch.cuda.set_device(card)  # events and graphs are those of the current card
        self.meter = best_meter(self.device, WATTS_PER_CORE)

    @property
    def cuda(self) -> bool:
        return self.device != "cpu"

    @property
    def threads(self) -> int:
        """Of torch on the CPU."""
        return 1 if self.small else min(8, usable_cores())

    @property
    def scale(self) -> float:
        """Of estimates, which are those of a GPU at full size."""
        return 0.2 if self.small else 1.0

    def left(self) -> float:
        """Seconds."""
        return self.limit_s - (self.clock() - self.started)

    def free_bytes(self) -> int:
        """Memory that is free on the device now; what a test may take on the CPU."""
        return int(torch.cuda.mem_get_info(self.device)[0]) if self.cuda else 2 * 2**30

    def fitting(self, bytes_each: float, most: int) -> int:
        """How many of a size fit into half of the free memory: a power of two, from 1 to ``most``."""
        n = max(1, min(most, int(self.free_bytes() / 2 / bytes_each)))
        return 1 << (n.bit_length() - 1)

    def sync(self) -> None:
        """Wait until the device has done all that it was given."""
        if self.cuda:
            torch.cuda.synchronize(self.device)

    def works(self) -> bool:
        """Whether the device still does what it is given: after a fault every call raises."""
        try:
            self.sync()
        except RuntimeError:
            return False
        return True

    def free(self) -> None:
        """Give memory back that nobody refers to."""
        if self.cuda:
            gc.collect()
            with suppress(RuntimeError):  # after a fault of the device every call raises
                torch.cuda.empty_cache()

    def forget_peak(self) -> None:
        """The most memory that was in use is from here on that in use now."""
        if self.cuda:
            torch.cuda.reset_peak_memory_stats(self.device)

    def peak_memory(self) -> dict[str, float]:
        """The most memory that was in use, with what prepares a row: a graph that is replayed asks for none again."""
        return {"peak_memory_MiB": torch.cuda.max_memory_allocated(self.device) / 2**20} if self.cuda else {}

    def joules(self, reading: Reading) -> float | None:
        """Of the card, on a CPU of the processor; None where nobody counted them."""
        joules = reading.gpu_joules if self.cuda else reading.joules
        return joules if joules > 0 else None

    def peak(self) -> float | None:
        """Operations a second in bfloat16 by the vendor; None if nobody says."""
        if not self.cuda:
            return None
        return peak_of(torch.cuda.get_device_name(self.device))

    def machine(self) -> dict[str, Any]:
        """What decides whether figures are of one kind."""
        about = {
            "device": torch.cuda.get_device_name(self.device) if self.cuda else f"CPU, {platform.machine()}",
            "memory_GiB": round(torch.cuda.get_device_properties(self.device).total_memory / 2**30)
            if self.cuda
            else None,
            "torch": torch.__version__,
            "cuda": torch.version.cuda,
            "python": platform.python_version(),
            "small": self.small,
            "threads": self.threads,
            "commit": _commit(),
            "data": "random tokens; images of one pattern a class and noise",
            "tf32_in_convolutions": bool(torch.backends.cudnn.allow_tf32) if self.cuda else None,
            "tf32_in_matrix_products": torch.get_float32_matmul_precision() != "highest" if self.cuda else None,
        }
        return {name: value for name, value in about.items() if value is not None}


def peak_of(name: str) -> float | None:
    """
    >>> [peak_of(name) for name in ("NVIDIA H200", "NVIDIA H100 PCIe", "NVIDIA A100-PCIE-40GB", "Tesla T4")]
    [989000000000000.0, None, 312000000000000.0, None]
    """
    model = next((model for model in PEAKS if model in name), None)
    modest = model != "A100" and any(word in name.upper() for word in MODEST)
    return None if model is None or modest else PEAKS[model]


def _commit() -> str:
    """Of the checkout; empty where git does not say."""
    here = Path(__file__).parent
    with suppress(OSError, subprocess.SubprocessError):
        found = subprocess.run(
            ["git", "rev-parse", "--short", "HEAD"], cwd=here, capture_output=True, text=True, timeout=5
        )
        return found.stdout.strip()
    return ""
