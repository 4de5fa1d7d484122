"""What an extra of a distribution would bring, and what of it is not installed."""

from __future__ import annotations

import functools
from importlib import metadata

DISTRIBUTION = "evokit-deap"  # the core's own


@functools.cache
def lacking(distribution: str, extra: str) -> tuple[str, ...]:
    """The distributions that an extra requires and that are not installed, by name; versions are the doctor's.

    Args:
        distribution: Whose extra it is. One that is not installed, such as that of a local file, requires nothing.
        extra: Its name; an empty one requires nothing.
    """
    return tuple(sorted(name for name in _required(distribution, extra) if not _installed(name))) if extra else ()


def with_extra(distribution: str, extra: str) -> str:
    """What brings an extra.

    >>> with_extra("evokit-deap", "neural")
    "pip install 'evokit-deap[neural]'"
    """
    return f"pip install '{distribution}[{extra}]'"


def _required(distribution: str, extra: str) -> set[str]:
    """Names that the extra adds, those of other extras that it names included."""
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    try:
        requirements = [Requirement(text) for text in metadata.requires(distribution) or []]
    except metadata.PackageNotFoundError:
        return set()
    names: set[str] = set()
    seen: set[str] = set()
    wanted = [extra]
    while wanted:
        one = wanted.pop()
        seen.add(one)
        for requirement in requirements:
            marker = requirement.marker
            if marker is None or marker.evaluate({"extra": ""}) or not marker.evaluate({"extra": one}):
                continue
            if canonicalize_name(requirement.name) == canonicalize_name(distribution):
                wanted += requirement.extras - seen
            else:
                names.add(requirement.name)
    return names


def _installed(distribution: str) -> bool:
    try:
        metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return False
    return True
