"""The genome's own mutation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from evokit.interfaces import Context


@dataclass(frozen=True)
class OwnMutation:
    """Fits every genome that has ``mutate``.

    Raises:
        ValueError: In ``build``: the genome has no ``mutate``.
    """

    genes: ClassVar[frozenset[str]] = frozenset()  # any kind

    def build(self, context: Context) -> Callable[[Any, np.random.Generator], Any]:
        own: Callable[[Any, np.random.Generator], Any] | None = getattr(context.genome, "mutate", None)
        if own is None:
            raise ValueError(f"own: the genome {type(context.genome).__name__} has no mutate of its own")
        return own
