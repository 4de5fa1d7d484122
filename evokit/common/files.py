"""Files that are whole or not there, with the rights that the user's umask gives."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from uuid import uuid4

PRIVATE = 0o600  # what ``tempfile`` makes, and ``save_file`` of safetensors


def write_atomically(path: Path, content: bytes, *, shared: bool = False) -> None:
    """Write a file so that a kill at any moment leaves the old content or the new.

    Args:
        path: In a folder that exists.
        content: All of it.
        shared: Whether several processes may write it at once, each to a part of its own; else a part that a killed
            process left is the next one's.
    """
    part = path.with_name(f"{path.name}.{uuid4().hex}.part" if shared else f"{path.name}.part")
    try:
        with part.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    finally:
        if shared:
            part.unlink(missing_ok=True)


def share(path: Path) -> None:
    """Give what other libraries keep to its owner, a file or all below a folder, the rights of any new file."""
    private = [
        one for one in (path, *path.rglob("*")) if one.is_file() and stat.S_IMODE(one.lstat().st_mode) == PRIVATE
    ]
    if not private:
        return
    probe = private[0].with_name(f".{uuid4().hex}")
    try:
        probe.touch()
        rights = stat.S_IMODE(probe.stat().st_mode)
    finally:
        probe.unlink(missing_ok=True)
    for one in private:
        one.chmod(rights)
