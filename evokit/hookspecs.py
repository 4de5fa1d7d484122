"""The hooks that evokit calls, and when."""

from __future__ import annotations

from collections.abc import Iterable

import pluggy

from evokit.interfaces import Component

hookspec = pluggy.HookspecMarker("evokit")
hookimpl = pluggy.HookimplMarker("evokit")


@hookspec
def evokit_components() -> Iterable[Component]:  # type: ignore[empty-body]
    """Offer what a recipe may name: genomes, fitnesses, operators, surrogates, searches, data.

    Called once per run, after the recipe's ``plugins:`` list is read; all answers are used. What two
    plugins offer under one name is called ``plugin:name``; a built-in component keeps its name. Import torch inside
    ``build``, not at the top.
    """
