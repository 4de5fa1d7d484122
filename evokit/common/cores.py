"""How many cores this process may use, and how many threads it computes with."""

from __future__ import annotations

import os
import sys

from threadpoolctl import threadpool_limits


def usable_cores() -> int:
    """Those that it is bound to, where the system says so; else all."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def set_threads(threads: int) -> None:
    """Fix the threads of NumPy's BLAS and of torch, which are part of a result: sums split in other ways differ."""
    threadpool_limits(threads, user_api="blas")
    if "torch" in sys.modules:
        import torch

        torch.set_num_threads(threads)
