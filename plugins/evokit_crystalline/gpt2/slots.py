"""The matrices of an individual, in the order and on the device of the slots of a model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from evokit.contracts.slots import refuse_unfilled
from evokit_crystalline.crystals.matrices import StructuredMatrix


def matrices_in(
    phenotype: Mapping[str, StructuredMatrix],
    slots: Mapping[str, Any],
    device: torch.device,
    moved: dict[int, StructuredMatrix],
) -> list[StructuredMatrix]:
    """The matrices in the order of ``slots``; ``moved`` makes sure that one object stays one object.

    Raises:
        ValueError: The phenotype does not fill the slots; names the layer.
    """
    refuse_unfilled(phenotype, slots)
    for matrix in phenotype.values():
        if id(matrix) not in moved:
            moved[id(matrix)] = matrix if device.type == "cpu" else matrix.to(str(device))
    return [moved[id(phenotype[name])] for name in slots]
