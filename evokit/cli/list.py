"""``evokit list``."""

from __future__ import annotations

from pathlib import Path

import click

from evokit.cli.plugins import loaded_plugins, plugins_option

WIDTH = 80


@click.command("list")
@plugins_option
def list_(plugins: tuple[Path, ...]) -> None:
    """List the components that recipes may name, and the plugins that offer them."""
    import textwrap

    from evokit.common.names import listed
    from evokit.common.text import table

    registry = loaded_plugins(plugins)
    offers = sorted(registry.offers, key=lambda offer: (offer.component.kind, offer.component.name))
    lacking = any(one.lacks for one in offers)
    rows = [
        (
            one.component.kind,
            one.component.name,
            one.component.fits,
            f"{one.plugin} [{one.component.extra}]" if one.lacks else one.plugin,
        )
        for one in offers
    ]
    click.echo(table(("kind", "name", "for", "plugin [needs]" if lacking else "plugin"), rows))
    origins = sorted({(one.plugin, f"{one.distribution} {one.version}".strip() or one.file) for one in offers})
    click.echo("\n" + table(("plugin", "from"), origins))
    for remedy, lacks in sorted({(one.remedy, one.lacks) for one in offers if one.lacks}):
        told = f"Not installed: {listed(lacks)}. What needs them can be used after: {remedy}"
        click.echo("\n" + textwrap.fill(told, WIDTH, break_long_words=False, break_on_hyphens=False))
    for broken in registry.broken:
        where = f" of {broken.distribution}" if broken.distribution else ""
        click.echo(f"\nThe plugin {broken.plugin}{where} is broken: {broken.error}", err=True)
