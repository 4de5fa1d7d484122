"""How messages speak of names: the one that was meant, and those that there are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from pathlib import Path

NEAR = 0.75  # of difflib's ratio: one letter wrong, missing or swapped in a word of four
BEGINNING = 3  # letters that are enough to recognise a longer name by its beginning
MOST = 20  # names that are told; of more than these only the first


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A suggestion to append to an error, empty if nothing resembles the word.

    >>> did_you_mean("lenght", ["length", "name"]), did_you_mean("pop", ["population", "elites"])
    ("; did you mean 'length'?", "; did you mean 'population'?")
    >>> did_you_mean("xyz", ["length", "name"])
    ''
    """
    folded = {_folded(name): name for name in known}
    near = get_close_matches(_folded(word), folded, n=1, cutoff=NEAR) or _beginning_with(_folded(word), folded)
    return f"; did you mean {folded[near[0]]!r}?" if near else ""


def listed(names: Iterable[str], most: int = MOST) -> str:
    """Names in order, cut to ``most``.

    >>> listed(["b", "a"]), listed([]), listed("dcba", most=2)
    ('a, b', 'none', 'a, b and 2 more')
    """
    ordered = sorted(names)
    rest = f" and {len(ordered) - most} more" if len(ordered) > most else ""
    return (", ".join(ordered[:most]) or "none") + rest


def told_apart(folders: Sequence[Path]) -> list[str]:
    """The names of folders where these tell them apart, else their paths.

    >>> told_apart([Path("runs/a"), Path("runs/b")])
    ['a', 'b']
    """
    resolved = [folder.resolve() for folder in folders]
    by_name = len({one.name for one in resolved}) == len(set(resolved))
    return [full.name if by_name else str(folder) for full, folder in zip(resolved, folders, strict=True)]


def _folded(name: str) -> str:
    return name.casefold().replace("-", "_").replace(" ", "_")


def _beginning_with(word: str, known: Iterable[str]) -> list[str]:
    """The one name that begins with the word, if there is just one."""
    found = [name for name in known if name.startswith(word)] if len(word) >= BEGINNING else []
    return found if len(found) == 1 else []
