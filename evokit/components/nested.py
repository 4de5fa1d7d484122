"""Options that are components themselves, like the model of a surrogate screen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evokit.interfaces import Kind

if TYPE_CHECKING:
    from pydantic import ValidationInfo

NESTED = "x-evokit-section"  # in a field's JSON Schema, until json_schema() makes it a reference


@dataclass(frozen=True)
class Nested:
    """Marks an options field as a section of its own: ``model: Annotated[Mapping[str, Any], Nested("surrogate")]``.

    The recipe gives a mapping with a ``name``; it is checked like any section, and the field then holds the
    ``Section``, which ``context.build(self.model)`` builds. Works inside tuples and ``| None``; a
    default is a plain mapping such as ``{"name": "ridge"}`` (by ``field(default_factory=...)``).
    With ``or_name`` the name alone says the section without options.
    """

    kind: Kind
    or_name: bool = False

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        from pydantic_core import core_schema

        return core_schema.with_info_plain_validator_function(self._validate)

    def __get_pydantic_json_schema__(self, schema: Any, handler: Any) -> dict[str, Any]:
        section = {NESTED: self.kind}
        return {"anyOf": [{"type": "string"}, section]} if self.or_name else section

    def _validate(self, value: Any, info: ValidationInfo) -> Any:
        if self.or_name and isinstance(value, str):
            value = {"name": value}
        return info.context.section(self.kind, value) if info.context else value
