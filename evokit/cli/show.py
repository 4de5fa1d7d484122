"""``evokit show``."""

from __future__ import annotations

import click


@click.command()
@click.argument("name")
def show(name: str) -> None:
    """Show what a component does and its options, with their defaults."""
    import dataclasses
    import inspect
    import typing

    from evokit.errors import UserError
    from evokit.plugins import did_you_mean, load_plugins
    from evokit.report import table

    registry = load_plugins()
    found = [offer for offer in registry.offers if offer.component.name == name]
    if not found:
        names = sorted({offer.component.name for offer in registry.offers})
        raise UserError(f"there is no component {name!r}{did_you_mean(name, names)}; evokit list shows all")
    for index, offer in enumerate(found):
        component = offer.component
        fits = f" of {component.fits}" if component.fits else ""
        click.echo(
            ("\n" if index else "") + f"{component.kind}{fits}: {name}  ({offer.plugin}, {offer.distribution})\n"
        )
        click.echo(inspect.getdoc(component.options) or "")
        hints = typing.get_type_hints(component.options, include_extras=False)
        rows = [
            (field.name, _type(hints[field.name]), _default(field))
            for field in dataclasses.fields(component.options)
            if field.init
        ]
        if rows:
            click.echo("\n" + table(("option", "type", "default"), rows))


def _type(hint: object) -> str:
    return getattr(hint, "__name__", str(hint)) if isinstance(hint, type) else str(hint).replace("typing.", "")


def _default(field: object) -> str:
    import dataclasses

    assert isinstance(field, dataclasses.Field)
    if field.default is not dataclasses.MISSING:
        return "null" if field.default is None else str(field.default)
    if field.default_factory is not dataclasses.MISSING:
        return str(field.default_factory())
    return "required"
