"""``evokit list``."""

from __future__ import annotations

from pathlib import Path

import click

from evokit.cli.plugins import loaded_plugins, plugins_option


@click.command("list")
@plugins_option
def list_(plugins: tuple[Path, ...]) -> None:
    """List the components that recipes may name, and the plugins that offer them."""
    from evokit.report import table

    registry = loaded_plugins(plugins)
    offers = sorted(registry.offers, key=lambda offer: (offer.component.kind, offer.component.name))
    rows = [(one.component.kind, one.component.name, one.component.fits, one.plugin) for one in offers]
    click.echo(table(("kind", "name", "for", "plugin"), rows))
    origins = sorted({(one.plugin, f"{one.distribution} {one.version}".strip() or one.file) for one in offers})
    click.echo("\n" + table(("plugin", "from"), origins))
    for broken in registry.broken:
        where = f" of {broken.distribution}" if broken.distribution else ""
        click.echo(f"\nThe plugin {broken.plugin}{where} is broken: {broken.error}", err=True)
