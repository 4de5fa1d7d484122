"""A search within a search: it asks and tells, and the outer one measures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from evokit.interfaces import Context
from evokit.searches.stepping import AskTell


def nested(section: Any, context: Context, *names: str | int, init: Sequence[Any] | None = None) -> AskTell:
    """The search of an option ``Annotated[Mapping[str, Any], Nested("search")]``, with the operators that it reads.

    Screens are the outer search's, which see the offspring of all that read them; ``share_known`` tells the nested one
    what is known.

    Args:
        section: As the options hold it.
        context: Of the outer search.
        names: Of the streams that it draws from, below those of the outer one.
        init: Genes that it begins with, in place of the outer one's.

    Raises:
        ValueError: The search measures in a way of its own, so that asking and telling alone does not do.
    """
    assert context.build is not None
    init = context.init if init is None else init
    search = context.build(section, streams=context.streams.at(*names), init=init)
    if (
        not isinstance(search, AskTell)
        or not (search.nestable or type(search).step is AskTell.step)
        or hasattr(search, "job")
        or any(screen not in context.screens for screen in search.screens)
    ):
        raise ValueError(f"{section.name} measures in a way of its own and cannot be part of another search")
    for option in ("refit_every", "reevaluate"):
        if getattr(section.options, option, None) is not None:
            raise ValueError(f"{section.name}.{option}: a part of another search cannot change what is measured")
    search.screened, search.screens = bool(search.screens), ()
    return search
