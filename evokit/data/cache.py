"""Arrays that are slow to make, kept in the user's cache directory or another."""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from evokit.common.files import write_atomically
from evokit.energy import Cost, Meter

log = logging.getLogger(__name__)

Arrays = dict[str, np.ndarray]


def cache_directory() -> Path:
    """``$EVOKIT_CACHE``, else ``evokit`` in ``$XDG_CACHE_HOME``, else in ``~/.cache``. Safe to delete at any time."""
    if chosen := os.environ.get("EVOKIT_CACHE"):
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "evokit"


def cached(key: str, make: Callable[[], Arrays], folder: Path | None = None) -> Arrays:
    """What ``make`` returned when it was first called under ``key``.

    Args:
        key: Digest of all that decides the arrays; becomes a file's name.
        make: Called if there is no readable file, and again where none can be written.
        folder: Where files are kept, by default in the user's cache directory.
    """
    path = (folder or cache_directory()) / f"{key}.safetensors"
    arrays = _read(path)
    if arrays is None:
        arrays = make()
        try:
            _write(path, arrays)
        except OSError as error:
            log.info("Not cached: %s", error)
    return arrays


def texts_key(texts: Sequence[str], use: str) -> str:
    """Key for what is made of texts.

    Args:
        texts: Of any number and length.
        use: What is made, and all else that decides it.
    """
    hasher = hashlib.blake2b(use.encode(), digest_size=16)
    for text in texts:
        data = text.encode()
        hasher.update(len(data).to_bytes(8, "little") + data)
    return hasher.hexdigest()


def prepared(key: str, make: Callable[[], Arrays], meter: Meter) -> tuple[Arrays, Cost]:
    """What ``make`` returned when it was first called under ``key``, and what that cost.

    Args:
        key: Digest of all that decides the arrays; becomes a file's name.
        make: Called if there is no readable file; ``cost`` is none of its arrays.
        meter: Measures it; of a file without joules it says what a core is thought to draw.
    """

    def metered() -> Arrays:
        with meter.measure() as reading:
            arrays = make()
        return arrays | {"cost": np.array([reading.wall_s, reading.cpu_s, reading.joules, reading.estimated_j])}

    arrays = cached(key, metered)
    wall_s, cpu_s, *joules = arrays.pop("cost").tolist()
    if not joules:  # made before joules were kept
        return arrays, Cost.unmetered(wall_s, cpu_s, meter.watts_per_core)
    energy_j, estimated_j = joules
    return arrays, Cost(wall_s=wall_s, cpu_s=cpu_s, energy_j=energy_j, estimated_j=estimated_j, peak_memory_bytes=0)


def _read(path: Path) -> Arrays | None:
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        return dict(load_file(path))
    except (OSError, SafetensorError):
        return None


def _write(path: Path, arrays: Arrays) -> None:
    """Rename into place, so that a reader finds all or nothing."""
    from safetensors.numpy import save

    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, save(arrays), shared=True)
