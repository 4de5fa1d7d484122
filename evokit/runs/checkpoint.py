"""Checkpoints: JSON values and arrays in one safetensors file, written atomically, nothing pickled (C5)."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import load, save

from evokit.common.files import write_atomically
from evokit.common.keys import array_key, digest

log = logging.getLogger("evokit")

KEEP = 2
ARRAY = "__array__"
PLAIN = (str, int, float, bool)


def save_checkpoint(folder: Path, number: int, state: Mapping[str, Any]) -> Path:
    """Write ``state`` as the checkpoint ``number`` and drop all files but this and the one before.

    A reader sees the old file or the new one, never a part of it. Files with a higher number are dropped too: a run
    that is back at this number could not read them.

    Args:
        folder: Holds nothing but checkpoints; made when missing.
        number: Grows from one checkpoint to the next.
        state: JSON values and arrays, nested; tuples come back as lists.

    Raises:
        ValueError: A mapping has the key ``__array__``, which marks the place of an array.
        TypeError: Something else is neither a JSON value nor an array.
    """
    folder.mkdir(parents=True, exist_ok=True)
    arrays: dict[str, np.ndarray] = {}
    plain = json.dumps(_split(state, arrays))
    content = save(arrays, metadata={"state": plain, "digest": _digest(plain, arrays)})
    path = folder / f"{number:08d}.safetensors"
    write_atomically(path, content)
    kept = sorted(file for file in folder.glob("*.safetensors") if file.name <= path.name)[-KEEP:]
    for file in set(folder.glob("*.safetensors*")) - set(kept):
        file.unlink()
    return path


def load_checkpoint(folder: Path) -> dict[str, Any] | None:
    """The newest checkpoint that is whole, or None. A torn one is skipped with a warning."""
    for path in sorted(folder.glob("*.safetensors"), reverse=True):
        try:
            with safe_open(path, framework="numpy") as file:
                metadata = file.metadata() or {}
                arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
        except (SafetensorError, OSError) as error:
            log.warning("checkpoint %s cannot be read (%s); going back to the one before", path.name, error)
            continue
        if metadata.get("digest") != _digest(metadata.get("state", ""), arrays):
            log.warning("checkpoint %s is damaged; going back to the one before", path.name)
            continue
        state: dict[str, Any] = _join(json.loads(metadata["state"]), arrays)
        return state
    return None


def as_saved(state: Mapping[str, Any]) -> dict[str, Any]:
    """What a state is after it was saved and loaded. Raises as ``save_checkpoint`` does."""
    arrays: dict[str, np.ndarray] = {}
    plain = json.dumps(_split(state, arrays))
    saved: dict[str, Any] = _join(json.loads(plain), load(save(arrays)))
    return saved


def _digest(plain: str, arrays: Mapping[str, np.ndarray]) -> str:
    return digest([plain, {name: array_key(array) for name, array in arrays.items()}])


def _split(value: Any, arrays: dict[str, np.ndarray]) -> Any:
    """JSON values with a reference where an array stood."""
    if value is None or type(value) in PLAIN:
        return value
    if isinstance(value, np.ndarray):
        name = str(len(arrays))
        arrays[name] = np.asarray(value, order="C")
        return {ARRAY: name}
    if isinstance(value, Mapping):
        if ARRAY in value:
            raise ValueError(f"the key {ARRAY} marks the place of an array")
        return {name: _split(item, arrays) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_split(item, arrays) for item in value]
    return value


def _join(value: Any, arrays: Mapping[str, np.ndarray]) -> Any:
    if isinstance(value, dict):
        if value.keys() == {ARRAY}:
            return arrays[value[ARRAY]]
        return {name: _join(item, arrays) for name, item in value.items()}
    if isinstance(value, list):
        return [_join(item, arrays) for item in value]
    return value
