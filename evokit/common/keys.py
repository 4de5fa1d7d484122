"""Digests that identify genes, options and contexts."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # listing components needs no NumPy
    import numpy as np


def digest(data: Any, size: int = 16) -> str:
    """Hexadecimal blake2b of JSON values, independent of the order of mapping keys.

    >>> digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})
    True
    """
    text = json.dumps(data, sort_keys=True, separators=(",", ":"), default=_plain)
    return digest_bytes(text.encode(), size)


def digest_bytes(data: bytes, size: int = 16) -> str:
    return hashlib.blake2b(data, digest_size=size).hexdigest()


def array_key(genes: np.ndarray) -> str:
    """Key of an array: its type, shape and bytes, so that no number passes through text."""
    return array_keys(genes[None])[0]


def array_keys(rows: np.ndarray) -> list[str]:
    """``array_key`` of each of several arrays of one shape, ``rows[i]``."""
    head = hashlib.blake2b(f"{rows.dtype.str}{rows.shape[1:]}".encode(), digest_size=16)
    keys = []
    for row in rows:
        one = head.copy()
        one.update(row.tobytes())  # in C order, whatever the order in memory
        keys.append(one.hexdigest())
    return keys


def _plain(value: Any) -> Any:
    import numpy as np

    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} is not a JSON value")
