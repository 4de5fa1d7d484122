"""``evokit list``."""

from __future__ import annotations

import click


@click.command("list")
def list_() -> None:
    """List plugins and the components that recipes may name."""
    from evokit.plugins import load_plugins
    from evokit.report import table

    registry = load_plugins()
    rows = [
        (
            offer.component.kind,
            offer.component.name,
            offer.component.fits or "",
            f"{offer.plugin} ({offer.distribution} {offer.version})",
        )
        for offer in sorted(registry.offers, key=lambda offer: (offer.component.kind, offer.component.name))
    ]
    click.echo(table(("kind", "name", "for", "plugin"), rows))
    for broken in registry.broken:
        where = f" of {broken.distribution}" if broken.distribution else ""
        click.echo(f"\nThe plugin {broken.plugin}{where} is broken: {broken.error}", err=True)
