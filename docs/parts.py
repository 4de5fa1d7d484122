"""Parts of a page that a command writes; the rest of the page is left alone."""

from __future__ import annotations

import re
from collections.abc import Callable


def refreshed(page: str, kind: str, make: Callable[..., str]) -> str:
    """A page with what stands between ``<!-- KIND: WORDS -->`` and ``<!-- end -->`` made anew from the words."""
    part = re.compile(rf"(<!-- {kind}: ([^>]+) -->\n).*?(<!-- end -->)", re.DOTALL)
    return part.sub(lambda found: f"{found[1]}\n{make(*found[2].split())}\n\n{found[3]}", page)
