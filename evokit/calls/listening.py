"""Callbacks as Python gives them: those that a recipe can name, and those that only this process has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evokit.callbacks.listeners import own
from evokit.calls.offered import offered


def parted(callbacks: Any) -> tuple[list[dict[str, Any]], list[Any]]:
    """Sections of a recipe, and functions and objects.

    Args:
        callbacks: One or a list of: a component's name, what a recipe says of one, its options; a function of run and
            generation; an object that has methods of ``evokit.facts.METHODS``.

    Raises:
        UserError: One is none of these.
    """
    sections, objects = [], []
    for one in callbacks if isinstance(callbacks, list | tuple) else [callbacks]:
        if isinstance(one, str | Mapping):
            sections.append({"name": one} if isinstance(one, str) else dict(one))
        elif section := offered("callback", one):
            sections.append(section)
        else:
            objects.append(one)
    own(objects)
    return sections, objects
