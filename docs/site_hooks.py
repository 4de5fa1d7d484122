"""What the builder of the site does to pages and docstrings that tests and Python's help read as they are."""

from __future__ import annotations

import re
import textwrap
from typing import Any

from griffe import Extension, Object

ROLE = re.compile(r"^```(\w+) (title|add|from|needs)=(\S+)$", re.MULTILINE)
TITLES = {"title": "{}", "add": "added to {}", "from": "from {}", "needs": "with {}"}
EXAMPLES = re.compile(r"^>>> .*?(?=\n\n|\Z)", re.MULTILINE | re.DOTALL)


def on_page_markdown(markdown: str, **_: Any) -> str:
    """What a block is to its file, which a test acts on, becomes the block's title."""
    return ROLE.sub(lambda found: f'```{found[1]} title="{TITLES[found[2]].format(found[3])}"', markdown)


class Examples(Extension):
    """Examples of docstrings stand there without a heading, which their reader asks for."""

    def on_object(self, *, obj: Object, **_: Any) -> None:
        if obj.docstring:
            value = obj.docstring.value
            obj.docstring.value = EXAMPLES.sub(lambda found: f"Examples:\n{textwrap.indent(found[0], '    ')}", value)
