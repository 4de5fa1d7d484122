"""Pages from templates of jinja2, which escapes all that users can write. They have one style."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files
from typing import Any


def rendered(package: str, template: str, /, **values: Any) -> str:
    """A template that lies beside the modules of a package, filled; ``style`` is the style of all pages."""
    page: str = _environment(package).get_template(template).render(values)
    return page


def policy_source(script: str) -> str:
    """What a Content-Security-Policy calls a script that stands in its page, so that no other runs there."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"


@cache
def _environment(package: str) -> Any:
    from jinja2 import Environment, FunctionLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        autoescape=True,
        loader=FunctionLoader(lambda name: (files(package) / name).read_text(encoding="utf-8")),
        lstrip_blocks=True,
        trim_blocks=True,
        undefined=StrictUndefined,
    )
    environment.globals["style"] = Markup((files(__package__) / "style.css").read_text(encoding="utf-8"))
    environment.filters["drawing"] = Markup  # of figures, whose text is escaped where they are drawn
    return environment
