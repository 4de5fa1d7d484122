"""What fills the slots of a model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def refuse_unfilled(layers: Mapping[str, Any], slots: Mapping[str, tuple[int, int]]) -> None:
    """Hold an individual's matrices against the slots of a model.

    Args:
        layers: Slot name to what has a ``shape``.
        slots: Slot name to shape.

    Raises:
        ValueError: One is missing, of another shape or too many; names the layer.
    """
    for name in layers.keys() - slots.keys():
        raise ValueError(f"the model has no layer {name}; its layers are {', '.join(slots)}")
    for name, shape in slots.items():
        if name not in layers:
            raise ValueError(f"layer {name} is missing")
        if tuple(layers[name].shape) != shape:
            raise ValueError(f"layer {name} must be {shape}, got {tuple(layers[name].shape)}")
