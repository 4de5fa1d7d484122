"""What the settings of an exported optimizer may be; its file has a copy of this function."""

from __future__ import annotations

from typing import Any


def refuse_unsound(settings: dict[str, Any]) -> None:
    """Raises ``ValueError``: a setting is out of its range."""
    for name in ("lr", "eps", "weight_decay", "clip_size"):
        value = settings.get(name, 0)
        if isinstance(value, str) or not value >= 0:
            raise ValueError(f"{name} must be a number of at least 0, got {value!r}")
    for beta in (*settings.get("betas", ()), settings.get("beta3", 0)):
        if not 0 <= beta < 1:
            raise ValueError(f"betas must be at least 0 and below 1, got {beta!r}")
    for name, otherwise in (("total_steps", ", or None"), ("ns_steps", "")):
        steps = settings.get(name, None if otherwise else 1)
        if not (isinstance(steps, int) and steps >= 1) and not (otherwise and steps is None):
            raise ValueError(f"{name} must be a whole number of at least 1{otherwise}, got {steps!r}")
