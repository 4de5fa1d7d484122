"""``evokit show``."""

from __future__ import annotations

import click


@click.command()
@click.argument("name")
def show(name: str) -> None:
    """Show what a component does and its options, with their defaults."""
    import inspect

    from evokit.cli.wording import option_rows
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
        click.echo("\n" if index else "", nl=False)
        click.echo(f"{component.kind}{fits}: {name}  (plugin {offer.plugin}, {offer.distribution} {offer.version})\n")
        paragraphs = (inspect.getdoc(component.options) or "").replace("``", "`").split("\n\n")
        click.echo("\n\n".join(one for one in paragraphs if not one.startswith("Raises:")))
        rows = list(option_rows(component.options))
        click.echo("\n" + table(("option", "type", "default"), rows) if rows else "\nIt has no options.")
