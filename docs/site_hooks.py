"""What the builder of the site does to pages and docstrings that tests and Python's help read as they are."""

from __future__ import annotations

import re
import textwrap
from functools import cache
from pathlib import Path
from typing import Any

from griffe import Extension, Object

ROLE = re.compile(r"^```(\w+) (title|add|from|needs)=(\S+)$", re.MULTILINE)
TITLES = {"title": "{}", "add": "added to {}", "from": "from {}", "needs": "with {}"}
LINK = re.compile(r"\[\w+\.(?:md|ipynb)\](?=\(([\w/]+\.(?:md|ipynb)))")  # of which a file's name is the text
HEADING = re.compile(r"^# (.+)$", re.MULTILINE)
EXAMPLES = re.compile(r"^>>> .*?(?=\n\n|\Z)", re.MULTILINE | re.DOTALL)


def on_page_markdown(markdown: str, **_: Any) -> str:
    """What a block is to its file, which a test acts on, becomes the block's title; names of files those of pages."""
    markdown = ROLE.sub(lambda found: f'```{found[1]} title="{TITLES[found[2]].format(found[3])}"', markdown)
    return LINK.sub(lambda found: f"[{_title(found[1])}]", markdown)


@cache
def _title(name: str) -> str:
    """The heading of a page; of a notebook, which has none in its text, its name in words."""
    path = Path(__file__).parent / name
    heading = HEADING.search(path.read_text(encoding="utf-8")) if path.suffix == ".md" and path.exists() else None
    return heading[1] if heading else path.stem.replace("_", " ").capitalize()


class Examples(Extension):
    """Examples of docstrings stand there without a heading, which their reader asks for."""

    def on_object(self, *, obj: Object, **_: Any) -> None:
        if obj.docstring:
            value = obj.docstring.value
            obj.docstring.value = EXAMPLES.sub(lambda found: f"Examples:\n{textwrap.indent(found[0], '    ')}", value)
