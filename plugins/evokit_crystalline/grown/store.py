"""Fits on disk, in a folder that stays below a size: what several individuals ask for is made once."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from evokit.data.cache import Arrays, cached

MOST_BYTES = 512 * 2**20
LEFT = 3 / 4  # of these, once the oldest files are gone


@dataclass(eq=False)
class Fits:
    """Arrays under a digest of all that decides them, for any number of processes.

    Args:
        folder: Where files are kept; None keeps nothing.
        most_bytes: Of all files together; more, and those that were used longest ago are deleted.
        made: How often arrays were made.
        read: How often they were found.
    """

    folder: Path | None
    most_bytes: int = MOST_BYTES
    made: int = 0
    read: int = 0

    def get(self, key: str, make: Callable[[], Arrays]) -> Arrays:
        """What ``make`` returned when it was first asked for under ``key``, or returns now."""
        made = False

        def noted() -> Arrays:
            nonlocal made
            made = True
            return make()

        arrays = noted() if self.folder is None else cached(key, noted, self.folder)
        self.made, self.read = self.made + made, self.read + (not made)
        if self.folder is not None:
            if made:
                self._limit(self.folder)
            else:
                with suppress(OSError):  # another process may have deleted it, or the folder is read-only
                    os.utime(self.folder / f"{key}.safetensors")
        return arrays

    def _limit(self, folder: Path) -> None:
        """Delete what was used longest ago while there is too much; other processes may do so as well."""
        files = []
        for path in folder.glob("*"):
            with suppress(OSError):
                told = path.stat()
                files.append((told.st_mtime_ns, told.st_size, path))
        total = sum(size for _, size, _ in files)
        if total <= self.most_bytes:
            return
        for _, size, path in sorted(files):
            if total <= LEFT * self.most_bytes:
                break
            with suppress(OSError):
                path.unlink()
            total -= size
