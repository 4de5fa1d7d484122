"""What the loaded plugins offer, and the names by which recipes call it.

A component has the name that its plugin gives it, and always a full one, ``plugin:name``. Where two plugins give the
same name, the built-in component keeps it; else that of the recipe's own file; else nobody has it. The others are
called by their full names.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from evokit.common.extras import DISTRIBUTION, lacking, with_extra
from evokit.common.names import did_you_mean, listed
from evokit.errors import UserError
from evokit.interfaces import Component, Kind

SEPARATOR = ":"  # between plugin and name
ALSO_CALLED = {  # by other libraries and in papers
    **dict.fromkeys(("ga", "genetic", "genetic_algorithm", "simple_ga", "ea_simple"), "generational"),
    **dict.fromkeys(("cma_es", "cmaes"), "cma"),
    **dict.fromkeys(("tpe", "botorch"), "optuna"),
    **dict.fromkeys(("bayesian", "bayesian_optimization", "bo", "gp", "smac"), "model_based"),
    **dict.fromkeys(("differential_evolution",), "de"),
    **dict.fromkeys(("hyperband", "successive_halving", "asha"), "halving"),
    **dict.fromkeys(("bfgs", "lbfgs", "l_bfgs_b", "slsqp"), "quasi_newton"),
    **dict.fromkeys(("hill_climbing", "local_search"), "iterated_local_search"),
}


class UnknownComponent(UserError, LookupError):  # noqa: N818 - the name says what happened
    """No plugin offers what was asked for, or several do."""


@dataclass(frozen=True)
class Offer:
    """A component, under the name by which recipes call it, and where it comes from.

    A local file has no distribution.
    """

    component: Component
    plugin: str
    distribution: str = ""
    version: str = ""
    file: str = field(default="", compare=False)  # of the plugin's module

    @property
    def own_name(self) -> str:
        """The name that the plugin gives it."""
        return self.component.name.rpartition(SEPARATOR)[2]

    @property
    def full_name(self) -> str:
        """``plugin:name``, which no other component of its kind has."""
        return f"{self.plugin}{SEPARATOR}{self.own_name}"

    @property
    def built_in(self) -> bool:
        return self.distribution == DISTRIBUTION

    @property
    def lacks(self) -> tuple[str, ...]:
        """The distributions of the extra that it needs and that are not installed."""
        return lacking(self.distribution, self.component.extra)

    @property
    def remedy(self) -> str:
        """The command that brings what it lacks."""
        return with_extra(self.distribution, self.component.extra)

    @property
    def source(self) -> str:
        return f"plugin {self.plugin!r}" + (f" of {self.distribution}" if self.distribution else "")


@dataclass(frozen=True)
class Broken:
    """An installed plugin that could not be loaded, and why."""

    plugin: str
    distribution: str
    error: str


@dataclass(frozen=True)
class Registry:
    """What the loaded plugins offer. Made by ``load_plugins``, owned by one run.

    Attributes:
        offers: Named by ``named``.
        broken: Installed plugins that offer nothing, as they could not be loaded.
        remarks: What a person should know of names that several plugins offer.
        callbacks: Names of plugins and what listens to runs for them.
        listening: Files of local plugins that do nothing else.
        reporting: Names of plugins and what answers ``evokit_report_sections`` for them.
    """

    offers: tuple[Offer, ...]
    broken: tuple[Broken, ...] = ()
    remarks: tuple[str, ...] = ()
    callbacks: tuple[tuple[str, Any], ...] = field(default=(), compare=False)
    listening: frozenset[str] = field(default=frozenset(), compare=False)
    reporting: tuple[tuple[str, Callable[..., Any]], ...] = field(default=(), compare=False)

    def components(self, kind: Kind, fits: str = "") -> tuple[Component, ...]:
        """Components of a kind that belong to ``fits`` or to anything, in the order they were offered."""
        return tuple(offer.component for offer in self._that_fit(kind, fits))

    def names(self, kind: Kind, fits: str = "") -> list[str]:
        return sorted({component.name for component in self.components(kind, fits)})

    def find(self, kind: Kind, name: str, fits: str = "") -> Component:
        """The component of that name or full name, under the name that was asked for.

        So a recipe that says the full name goes on to say it, whatever else is installed; a default that is contested
        gets its full name. One that belongs to ``fits`` goes before one that fits anything.

        Raises:
            UnknownComponent: No plugin offers it, or several do; the message says what to write.
        """
        offer = self._found(kind, name, fits)
        if offer is None:
            raise UnknownComponent(self._unknown(kind, name, fits))
        said = offer.full_name if self.contested(kind, name, fits) else name
        return offer.component if offer.component.name == said else replace(offer.component, name=said)

    def offer(self, component: Component) -> Offer:
        """Where a component that ``find`` gave comes from."""
        kind, options = component.kind, component.options
        return next(one for one in self.offers if (one.component.kind, one.component.options) == (kind, options))

    def finals(self, fitness: str) -> tuple[Component, ...]:
        """Those that may finish what a fitness measured: its own plugin's, else another's for it, else any."""
        offers = list(self._that_fit("final", fitness))
        measuring = self._found("fitness", fitness)
        own = [offer for offer in offers if offer.component.fits and measuring and offer.plugin == measuring.plugin]
        return tuple(
            offer.component for offer in own or [offer for offer in offers if offer.component.fits] or offers
        )  # fmt: skip

    def contested(self, kind: Kind, name: str, fits: str = "") -> list[str]:
        """The full names among which a recipe must choose, as a file of its own offers what it names; mostly none."""
        found = self._found(kind, name, fits)
        if found is None or not found.distribution or name == found.full_name:
            return []
        local = [
            offer.full_name
            for offer in self._that_fit(kind, fits)
            if offer.own_name == name and not offer.distribution and not _same_file(offer, found)
        ]
        return [found.full_name, *local] if local else []

    def _that_fit(self, kind: Kind, fits: str) -> Iterator[Offer]:
        belongs = ("", *self._names_of_fitness(fits))
        return (
            offer for offer in self.offers if offer.component.kind == kind and offer.component.fits in belongs
        )  # fmt: skip

    def _names_of_fitness(self, name: str) -> set[str]:
        """By which a component may say that it belongs to the fitness; a name that nobody has stands for all of it."""
        fitness = [offer for offer in self.offers if offer.component.kind == "fitness"]
        kept = {offer.component.name for offer in fitness}
        called = [offer for offer in fitness if name in (offer.component.name, offer.full_name)]
        names = {name} | {one for offer in called for one in (offer.component.name, offer.full_name)}
        return names | {offer.own_name for offer in called if offer.own_name not in kept}

    def _found(self, kind: Kind, name: str, fits: str = "") -> Offer | None:
        found = (offer for offer in self._that_fit(kind, fits) if name in (offer.component.name, offer.full_name))
        return max(found, key=lambda offer: offer.component.fits, default=None)

    def _unknown(self, kind: Kind, name: str, fits: str) -> str:
        full = [offer.full_name for offer in self._that_fit(kind, fits) if offer.own_name == name]
        if full:
            return f"{kind} {name!r} is offered by several plugins; write {' or '.join(sorted(full))}"
        offered = [offer for offer in self.offers if offer.component.kind == kind]
        owners = {offer.component.fits for offer in offered if name in (offer.component.name, offer.full_name)}
        if owners:
            return f"{kind} {name!r} belongs to {' and '.join(sorted(owners))}" + (f", not to {fits}" if fits else "")
        names = self.names(kind, fits)
        known = [*names, *(offer.full_name for offer in self._that_fit(kind, fits))]
        lost = ", ".join(broken.plugin for broken in self.broken)
        return (
            f"unknown {kind} {name!r}{_hint(name, known)} (available: {listed(names)})"
            + (f"; plugins that failed to load: {lost} (evokit doctor tells why)" if lost else "")
        )  # fmt: skip


def named(offers: Sequence[Offer]) -> tuple[tuple[Offer, ...], tuple[str, ...]]:
    """Offers under the names by which recipes call them, and a remark for all that some plugins share.

    Args:
        offers: As the plugins give them. What belongs to a fitness of the same plugin follows its name.
    """
    fitness = [offer for offer in offers if offer.component.kind == "fitness"]
    called = {(offer.plugin, offer.own_name): _called(offer, _rivals(offer, fitness, ())) for offer in fitness}
    settled = [replace(offer, component=_following(offer, called)) for offer in offers]
    own = {(offer.plugin, offer.component.name) for offer in called.values()}
    alike: defaultdict[tuple[Kind, str], list[Offer]] = defaultdict(list)
    for offer in settled:
        alike[offer.component.kind, offer.component.name].append(offer)
    rivals = [_rivals(offer, alike[offer.component.kind, offer.component.name], own) for offer in settled]
    result = tuple(_called(offer, those) for offer, those in zip(settled, rivals, strict=True))
    return result, tuple(_remarks(list(zip(result, rivals, strict=True))))


def _following(offer: Offer, fitness: dict[tuple[str, str], Offer]) -> Component:
    """The component with the name of its plugin's own fitness in ``fits``, if it belongs to that."""
    own = fitness.get((offer.plugin, offer.component.fits))
    return offer.component if own is None else replace(offer.component, fits=own.component.name)


def _called(offer: Offer, rivals: Sequence[Offer]) -> Offer:
    """The offer under its own name, if no rival has more right to it, else under its full name."""
    if not rivals or offer.built_in:
        return offer
    if not offer.distribution and all(rival.distribution and not rival.built_in for rival in rivals):
        return offer
    return replace(offer, component=replace(offer.component, name=offer.full_name))


def _rivals(offer: Offer, offers: Sequence[Offer], own: Collection[tuple[str, str]]) -> list[Offer]:
    """Offers of other plugins that a recipe would call by the same name."""
    return [other for other in offers if other.plugin != offer.plugin and _clash(offer, other, own)]


def _clash(one: Offer, other: Offer, own: Collection[tuple[str, str]]) -> bool:
    a, b = one.component, other.component
    if (a.kind, a.name) != (b.kind, b.name):
        return False
    if a.fits == b.fits or "" not in (a.fits, b.fits):
        return a.fits == b.fits
    if one.built_in and other.built_in:
        return False
    # One that belongs to a fitness goes before one that fits any: the right of the fitness's own plugin alone.
    special = one if a.fits else other
    return (special.plugin, special.component.fits) not in own


def _remarks(pairs: Sequence[tuple[Offer, Sequence[Offer]]]) -> Iterator[str]:
    lost: dict[tuple[str, ...], list[Offer]] = {}
    for offer, rivals in pairs:
        if SEPARATOR in offer.component.name and not any(_same_file(offer, rival) for rival in rivals):
            lost.setdefault(tuple(sorted({offer.source, *(rival.source for rival in rivals)})), []).append(offer)
    for sources, offers in lost.items():
        names = listed(f"{offer.component.name} ({offer.component.kind})" for offer in offers)
        yield f"{' and '.join(sources)} offer the same names; these are written in full: {names}"


def _same_file(one: Offer, other: Offer) -> bool:
    """Whether they come from one file, as where a recipe names the file of a plugin that is installed."""
    return bool(one.file) and one.file == other.file


def _hint(name: str, known: Sequence[str]) -> str:
    """What is called otherwise elsewhere, or is misspelt."""
    ours = ALSO_CALLED.get(name.lower().replace("-", "_"))
    return f"; that is {ours!r} here" if ours in known else did_you_mean(name, known)
