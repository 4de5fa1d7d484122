"""``evokit show``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from evokit.cli.plugins import loaded_plugins, plugins_option

if TYPE_CHECKING:
    from evokit.components.registry import Offer, Registry


@click.command()
@click.argument("words", nargs=-1, required=True, metavar="[KIND] NAME [FITNESS]")
@plugins_option
def show(words: tuple[str, ...], plugins: tuple[Path, ...]) -> None:
    """Show what a component does, what it goes with, and its options, with their defaults.

    Takes what `evokit list` prints: `evokit show generational`, `evokit show search generational` or
    `evokit show baseline adamw gpt2_loss`. A full name, plugin:name, always works.
    """
    import inspect

    from evokit.cli.wording import columns, facts, option_rows, prose

    for index, offer in enumerate(_found(loaded_plugins(plugins), words)):
        component = offer.component
        fits = f" of {component.fits}" if component.fits else ""
        origin = f", {offer.distribution} {offer.version}" if offer.distribution else ""
        click.echo("\n" if index else "", nl=False)
        click.echo(prose(f"{component.kind}{fits}: {component.name}  (plugin {offer.plugin}{origin})"))
        click.echo("".join(f"{prose(fact)}\n" for fact in (*facts(component), *_lacks(offer))))
        click.echo(prose(inspect.getdoc(component.options_class) or ""))
        rows = list(option_rows(component.options_class))
        click.echo("\n" + columns(("option", "type", "default"), rows) if rows else "\nIt has no options.")


def _lacks(offer: Offer) -> list[str]:
    return [f"needs {', '.join(offer.lacks)}, not installed: {offer.remedy}"] if offer.lacks else []


def _found(registry: Registry, words: Sequence[str]) -> list[Offer]:
    """The components that the words mean: a name, after a kind or not, before a fitness or not."""
    from typing import get_args

    from evokit.common.names import did_you_mean, listed
    from evokit.errors import UserError
    from evokit.interfaces import Kind

    kinds = get_args(Kind)
    kind, name, fits = (*words, "", "")[:3] if words[0] in kinds and len(words) > 1 else ("", *words, "")[:3]
    known = [offer for offer in registry.offers if kind in ("", offer.component.kind)]
    found = [offer for offer in known if name in (offer.component.name, offer.own_name, offer.full_name)]
    if len(words) > 3 or (len(words) == 3 and not kind):
        raise UserError(f"show takes [KIND] NAME [FITNESS], got {' '.join(words)}; kinds are {', '.join(kinds)}")
    if for_it := [offer for offer in found if fits in ("", offer.component.fits)]:
        return for_it
    if found:
        owners = listed({offer.component.fits or "any fitness" for offer in found})
        raise UserError(f"{kind or 'component'} {name!r} belongs to {owners}, not to {fits}")
    if name in kinds:
        names = listed(offer.component.name for offer in registry.offers if offer.component.kind == name)
        raise UserError(f"{name} is a kind of component; evokit show {name} NAME shows one of: {names}")
    what = kind or "component"
    near = did_you_mean(name, [one for offer in known for one in (offer.component.name, offer.full_name)])
    lost = f"; plugins that failed to load: {listed(one.plugin for one in registry.broken)}" if registry.broken else ""
    raise UserError(f"there is no {what} {name!r}{near}; evokit list shows all{lost}")
