"""What a recipe may say about a task's network and augmentation. Imports nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from annotated_types import Ge, Lt

from evokit.data.image_sources import SetName
from evokit.options import Count

Fraction = Annotated[float, Ge(0), Lt(1)]


@dataclass(frozen=True)
class Network:
    """Sizes of the network of a task; see ``evokit_optimizers.tasks.convnet``.

    ``auto`` is ``small_cnn`` for grey images and ``batchnorm_cnn`` for coloured ones. ``hidden: null`` is 256 and 512.
    """

    kind: Literal["auto", "small_cnn", "batchnorm_cnn"] = "auto"
    channels: tuple[Count, Count] = (32, 64)
    hidden: Count | None = None
    dropout: Fraction = 0.0


@dataclass(frozen=True)
class Augment:
    """Random crops of the image padded by ``pad`` pixels, half of them mirrored if ``flip``."""

    pad: Annotated[int, Ge(0)] = 4
    flip: bool = True


@dataclass(frozen=True)
class Language:
    """Sizes of the network of a text, which reads bytes in blocks of ``length``.

    Accuracy is measured on ``validation_blocks`` of them, contenders' networks on ``final_blocks_per_document``.
    """

    width: Count = 128
    layers: Count = 2
    heads: Count = 4
    length: Annotated[int, Ge(2)] = 64
    validation_blocks: Count = 256
    final_blocks_per_document: Count = 16

    def __post_init__(self) -> None:
        if self.width % self.heads:
            raise ValueError(f"width must be a multiple of heads, got {self.width} and {self.heads}")


@dataclass(frozen=True)
class OneTask:
    """A task with its own network or augmentation; ``model: null`` is that of all tasks."""

    name: SetName
    model: Network | None = None
    augment: Augment | None = None
