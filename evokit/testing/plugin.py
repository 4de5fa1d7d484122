"""All components of a plugin, each held to the contract of its kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evokit.common.names import did_you_mean, listed
from evokit.components.registry import Offer, Registry
from evokit.contracts.blame import ContractError, raised
from evokit.errors import RunFailed, UserError
from evokit.interfaces import Component, Kind
from evokit.plugins import load_plugins
from evokit.recipe import load_recipe
from evokit.testing.callback import check_callback
from evokit.testing.contender import check_contender
from evokit.testing.data import check_data
from evokit.testing.export import check_export
from evokit.testing.fitness import check_fitness
from evokit.testing.genome import check_genome
from evokit.testing.operators import check_operator
from evokit.testing.primitives import check_primitives
from evokit.testing.screen import check_screen
from evokit.testing.search import check_search
from evokit.testing.setting import Candidate, candidate_of, checked_options, read, said_of, settings
from evokit.testing.surrogate import check_surrogate


@dataclass(frozen=True)
class Checked:
    """What became of a component.

    Attributes:
        broken: The sentences of the first rule that does not hold, of a component that breaks one.
        unchecked: Why it was not tried.
    """

    component: Component
    broken: Sequence[str] = ()
    unchecked: str = ""


def check_plugin(name: str, recipes: Sequence[Path] = ()) -> Iterator[Checked]:
    """Hold all that a plugin offers to its contracts.

    Args:
        name: Of an installed plugin, of its distribution, or the path of a Python file.
        recipes: Around its components: the first one that names a component says its options and what it goes with;
            without one, options have their defaults.

    Raises:
        UserError: There is no such plugin, it cannot be loaded, or a recipe is wrong.
    """
    sections = []
    plugins = [Path(name)] if name.endswith(".py") else []
    for recipe in recipes:
        load_recipe(recipe)  # says with file and line what is wrong
        around, local = read(recipe)
        plugins += [one for one in local if not any(_same(one, other) for other in plugins)]
        sections.append(around)
    registry = load_plugins(plugins)
    return _checked(_offers(name, registry), registry, sections)


def _checked(offers: Sequence[Offer], registry: Registry, recipes: Sequence[Mapping[str, Any]]) -> Iterator[Checked]:
    for component in (offer.component for offer in offers):
        around = next((one for one in recipes if _names(one, component)), {})
        yield _verdict(candidate_of(component, registry, around))


def _names(around: Mapping[str, Any], component: Component) -> bool:
    if component.kind in ("final", "export"):  # which no recipe need name
        return isinstance(fitness := around.get("fitness"), Mapping) and fitness.get("name") == component.fits
    return said_of(component, around) is not None


def _same(one: Path, other: Path) -> bool:
    return one.exists() and other.exists() and one.samefile(other)


def _offers(name: str, registry: Registry) -> list[Offer]:
    if name.endswith(".py"):
        return [one for one in registry.offers if not one.distribution and Path(one.file) == Path(name).resolve()]
    for broken in registry.broken:
        if name in (broken.plugin, broken.distribution):
            raise UserError(f"the plugin {broken.plugin} is broken: {broken.error}")
    named = [one for one in registry.offers if name in (one.plugin, one.distribution) and one.distribution]
    if not named:
        known = sorted({one.plugin for one in registry.offers if one.distribution})
        raise UserError(
            f"no plugin {name!r} is installed{did_you_mean(name, known)} (installed: {listed(known)}); a local file is"
            " named by its path, such as ./my_genome.py"
        )
    return named


def _verdict(one: Candidate) -> Checked:
    component = one.component
    try:
        KITS[one.kind](one)
    except AssertionError as error:
        return Checked(component, str(error).splitlines()[1:] or [str(error)])
    except ContractError as error:
        return Checked(component, [str(error)])
    except (UserError, RunFailed, ValueError, LookupError) as error:
        told = " ".join(str(error).replace("recipe: ", "").split())
        return Checked(component, unchecked=f"{told}; name a recipe that uses it: --recipe FILE")
    except Exception as error:  # of a plugin's code, wherever it was called
        return Checked(component, [f"raised {raised(error)}"])
    return Checked(component)


def _check_genome(one: Candidate) -> None:
    slots: Mapping[str, Any] = {}
    if "fitness" in one.around:
        slots = settings(one)[0].parts.fitness.slots
    check_genome(one.component, checked_options(one.registry, one.component, one.options), slots)


KITS: Mapping[Kind, Callable[[Candidate], None]] = {
    "genome": _check_genome,
    "primitives": check_primitives,
    "fitness": check_fitness,
    "data": check_data,
    "selection": check_operator,
    "crossover": check_operator,
    "mutation": check_operator,
    "surrogate": check_surrogate,
    "screen": check_screen,
    "search": check_search,
    "baseline": check_contender,
    "final": check_contender,
    "export": check_export,
    "callback": check_callback,
}
