"""What a head may look at, by name."""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType

from evokit_crystalline.learned.attention import AttentionPattern

PATTERNS: Mapping[str, AttentionPattern] = MappingProxyType(
    {f"back_{n}": AttentionPattern(n) for n in (1, 2, 3, 4)}
    | {f"window_{n}": AttentionPattern(width=float(n)) for n in (2, 4, 8, 16, 32)}
    | {"all": AttentionPattern(width=math.inf)}
)
"""One token, so many back; the latest through a window; or all so far."""
