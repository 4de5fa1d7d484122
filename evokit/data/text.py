"""Text as documents of tokens, blocks of a fixed length cut from them, and the split by document."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from evokit.common.keys import array_key, digest
from evokit.data.vault import cut_vault
from evokit.errors import UserError
from evokit.interfaces import Data

EOS = 50256  # GPT-2's <|endoftext|>: what each document is read after; never a target
IGNORED = -100  # the target of padding, as torch's cross-entropy leaves it out


@dataclass(frozen=True, eq=False)
class Documents:
    """Tokenized documents, end to end in one array.

    Args:
        tokens: ``(n_tokens,)`` integer token ids, without any end-of-text.
        starts: ``(n_documents + 1,)`` int64; document i is ``tokens[starts[i]:starts[i + 1]]``.
        names: One name a document.
        groups: ``(n_documents,)`` integers, equal for documents that are no independent evidence, such as
            near-duplicates; each document is its own group if None.

    Raises:
        ValueError: The starts do not cut the tokens into one piece a name, or the groups are not one a name.
    """

    tokens: np.ndarray
    starts: np.ndarray
    names: tuple[str, ...]
    groups: np.ndarray | None = None

    def __post_init__(self) -> None:
        if self.groups is not None and len(self.groups) != len(self.names):
            raise ValueError(f"{len(self.names)} documents need as many groups, got {len(self.groups)}")
        if len(self.starts) != len(self.names) + 1:
            raise ValueError(f"{len(self.names)} documents need {len(self.names) + 1} starts, got {len(self.starts)}")
        if self.starts[0] != 0 or self.starts[-1] != len(self.tokens) or (np.diff(self.starts) < 0).any():
            raise ValueError(f"starts must ascend from 0 to the number of tokens, {len(self.tokens)}")

    def __len__(self) -> int:
        return len(self.names)

    def document(self, i: int) -> np.ndarray:
        """``(n,)`` tokens of document ``i``, a view."""
        return self.tokens[self.starts[i] : self.starts[i + 1]]

    def select(self, indices: Sequence[int] | np.ndarray) -> Documents:
        """The documents at ``indices``, in that order."""
        chosen = join_documents([self.document(i) for i in indices], [self.names[i] for i in indices])
        return chosen if self.groups is None else replace(chosen, groups=self.groups[np.asarray(indices, np.int64)])

    @cached_property
    def units(self) -> np.ndarray:
        """``(n_documents,)`` int64 numbers of the groups, without gaps: test scores are means over units."""
        return np.arange(len(self)) if self.groups is None else numbered(self.groups)

    @property
    def n_units(self) -> int:
        return int(self.units.max(initial=-1)) + 1

    def unit_keys(self) -> list[str]:
        """A digest for each unit, the smallest of its documents'."""
        return smallest_keys(self, self.units)

    def take_units(self, indices: np.ndarray) -> Documents:
        """The documents of these units."""
        return self.select(np.flatnonzero(np.isin(self.units, indices)))

    @cached_property
    def digest(self) -> str:
        """Of names, tokens and units, whatever integer type holds them."""
        tokens = array_key(self.tokens.astype("<u4"))
        return digest([self.names, array_key(self.starts), tokens, array_key(self.units)])


def smallest_keys(texts: Documents, units: np.ndarray) -> list[str]:
    """For each unit the smallest digest of its texts' tokens, whatever integer type holds them.

    So a unit that lost some of its texts in another recipe mostly keeps its key.
    """
    smallest: dict[int, str] = {}
    for i, unit in enumerate(units.tolist()):
        key = array_key(texts.document(i).astype("<u4"))
        smallest[unit] = min(key, smallest.get(unit, key))
    return [smallest[unit] for unit in sorted(smallest)]


def numbered(groups: Sequence[int] | np.ndarray) -> np.ndarray:
    """``(n,)`` int64: the groups from 0 in the order in which they first occur.

    >>> numbered([7, 3, 7]).tolist()
    [0, 1, 0]
    """
    _, first, group = np.unique(np.asarray(groups, np.int64), return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[group].astype(np.int64)


def join_documents(documents: Sequence[np.ndarray], names: Sequence[str]) -> Documents:
    """``Documents`` from one ``(n,)`` array of tokens each."""
    starts = np.cumsum([0, *map(len, documents)], dtype=np.int64)
    tokens = np.concatenate(documents) if documents else np.empty(0, np.uint16)
    return Documents(tokens, starts, tuple(names))


@dataclass(frozen=True, eq=False)
class Blocks:
    """Blocks of one length for next-token prediction; none crosses a document.

    Args:
        inputs: ``(n, length)`` int64 tokens.
        targets: ``(n, length)`` int64, the token after each input; ``IGNORED`` at padding.
        documents: ``(n,)`` int64, which document a block is from.
    """

    inputs: np.ndarray
    targets: np.ndarray
    documents: np.ndarray

    def __len__(self) -> int:
        return len(self.documents)

    def take(self, indices: Sequence[int] | np.ndarray | slice) -> Blocks:
        """The blocks at ``indices``, in that order."""
        return Blocks(self.inputs[indices], self.targets[indices], self.documents[indices])


def full_blocks(documents: Documents, length: int) -> Blocks:
    """Blocks without padding; the incomplete tail of each document is dropped.

    A document is read as the stream ``[EOS] + tokens``: each of its tokens up to the tail is predicted exactly once,
    the first from ``EOS``.

    Args:
        documents: What to cut.
        length: Tokens predicted in a block, at least 1.

    Raises:
        ValueError: ``length`` is below 1.

    >>> blocks = full_blocks(join_documents([np.array([1, 2, 3, 4, 5])], ["a"]), length=2)
    >>> blocks.inputs.tolist(), blocks.targets.tolist()
    ([[50256, 1], [2, 3]], [[1, 2], [3, 4]])
    """
    _check_length(length)
    return _blocks(documents, length, np.diff(documents.starts) // length)


def document_blocks(documents: Documents, length: int, most: int | None = None) -> Blocks:
    """Blocks that predict every token of every document: as ``full_blocks``, with the tail kept.

    The tail's inputs are padded with ``EOS``, its targets with ``IGNORED``.

    Args:
        documents: What to cut.
        length: Tokens predicted in a block, at least 1.
        most: At most so many blocks of a document, its first ones; all if None.

    Raises:
        ValueError: ``length`` is below 1.

    >>> blocks = document_blocks(join_documents([np.array([1, 2, 3])], ["a"]), length=2)
    >>> blocks.inputs.tolist(), blocks.targets.tolist()
    ([[50256, 1], [2, 50256]], [[1, 2], [3, -100]])
    """
    _check_length(length)
    counts = -(-np.diff(documents.starts) // length)
    return _blocks(documents, length, counts if most is None else np.minimum(counts, most))


def _check_length(length: int) -> None:
    if length < 1:
        raise ValueError(f"a block predicts at least 1 token, got length {length}")


def _blocks(documents: Documents, length: int, counts: np.ndarray) -> Blocks:
    """The first ``counts[i]`` blocks of each document i."""
    shape = (int(counts.sum()), length)
    inputs = np.full(shape, EOS, np.int64)
    targets = np.full(shape, IGNORED, np.int64)
    firsts = np.cumsum(counts) - counts
    for i in np.flatnonzero(counts).tolist():
        tokens = documents.document(i)[: counts[i] * length]
        at = firsts[i] * length
        inputs.reshape(-1)[at + 1 : at + len(tokens)] = tokens[:-1]
        targets.reshape(-1)[at : at + len(tokens)] = tokens
    return Blocks(inputs, targets, np.repeat(np.arange(len(counts)), counts))


def shuffled(blocks: Blocks, rng: np.random.Generator) -> Blocks:
    """The same blocks in random order."""
    return blocks.take(rng.permutation(len(blocks)))


@dataclass(frozen=True, eq=False)
class Split:
    """Which documents are on which side: ascending int64 indices, none on two sides."""

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray


def split_by_document(names: Sequence[str], groups: Sequence[Hashable] | None = None) -> Split:
    """Eight tenths for training, one for validation, one for test, decided by the order of names alone.

    Groups are counted, not documents: they are ordered by the first of their members' names, and the group at
    position i goes to validation if ``i % 10 == 8``, to test if ``i % 10 == 9``, else to training, with all members.
    Of more than a fifth of all documents a group is never held out: it goes to training, the next takes its position.

    Args:
        names: One name a document, in any order.
        groups: One group a document, for those that belong on one side, such as near-duplicates; each document its own
            group if None.

    Raises:
        ValueError: There are fewer than 10 groups, so that a side would be empty.
    """
    groups = names if groups is None else groups
    first, sizes = _groups(names, groups)
    position: dict[Hashable, int] = {}
    for group in sorted(first, key=first.__getitem__):
        if len(position) % 10 < 8 or 5 * sizes[group] <= len(names):
            position[group] = len(position)
    _check_groups(len(position))
    side = np.array([position.get(group, 0) % 10 for group in groups])
    return Split(np.flatnonzero(side < 8), np.flatnonzero(side == 8), np.flatnonzero(side == 9))


def split_by_class(names: Sequence[str], labels: Sequence[int], groups: Sequence[Hashable]) -> Split:
    """Likewise a tenth of each class's groups for validation, the next tenth for test, decided by the order of names.

    A class of two groups has one for validation, of three or more at least one for each. The class of a group is the
    one that most of its members have, the lowest of equals.

    Args:
        names: One name a text, in any order; no class may be favoured by it.
        labels: The class of each.
        groups: One group a text.

    Raises:
        ValueError: There are fewer than 10 groups.
    """
    first, sizes = _groups(names, groups)
    counts = Counter(zip(groups, labels, strict=True))
    label = {group: one for (group, one), _ in sorted(counts.items(), key=lambda item: (item[1], -item[0][1]))}
    classes: dict[int, list[Hashable]] = {}
    for group in sorted(first, key=first.__getitem__):
        if 5 * sizes[group] <= len(names):
            classes.setdefault(label[group], []).append(group)
    _check_groups(sum(map(len, classes.values())))
    place: dict[Hashable, int] = {}
    for members in classes.values():
        n = max(1, round(len(members) / 10)) if len(members) > 1 else 0
        place |= dict.fromkeys(members[:n], 1) | (dict.fromkeys(members[n : 2 * n], 2) if len(members) > 2 else {})
    side = np.array([place.get(group, 0) for group in groups])
    return Split(np.flatnonzero(side == 0), np.flatnonzero(side == 1), np.flatnonzero(side == 2))


def content_names(texts: Sequence[str]) -> list[str]:
    """A digest of each text, to split by: a fixed shuffle, so that no order of the source favours a side."""
    return [hashlib.blake2b(text.encode(), digest_size=16, person=b"split").hexdigest() for text in texts]


def _groups(names: Sequence[str], groups: Sequence[Hashable]) -> tuple[dict[Hashable, str], Counter[Hashable]]:
    """The first name and the size of each group."""
    first: dict[Hashable, str] = {}
    for name, group in zip(names, groups, strict=True):
        first[group] = min(first.get(group, name), name)
    return first, Counter(groups)


def _check_groups(n: int) -> None:
    if n < 10:
        raise ValueError(
            f"a split by document, near-duplicates counted once, needs at least 10 documents that differ, got {n}"
        )


def text_data(
    name: str,
    origin: str,
    *,
    train: Documents,
    validation: Documents,
    test: Documents,
    vault: float = 0.0,
    first: Mapping[int, str] | None = None,
) -> Data:
    """What a text component builds.

    Args:
        name: Of the component.
        origin: Where the documents are from.
        train: Documents of that side, as the next two.
        validation: Likewise.
        test: Likewise, those of the vault among them.
        vault: Share of the test units that goes to the vault.
        first: Group to the name that decides whether it is in the vault; the content of a unit decides if None.

    Raises:
        UserError: A side holds no document.
        ValueError: The vault would be empty, or hold all of the test.
    """
    sides = {"train": train, "validation": validation, "test": test}
    if vault and len(test):
        names = None
        if first is not None and test.groups is not None:
            names = [first[group] for group in dict.fromkeys(test.groups.tolist())]
        sides["test"], sides["vault"] = cut_vault(test, vault, names)
    sizes: dict[str, int] = {}
    for side, documents in sides.items():
        if not len(documents):
            raise UserError(f"data {name}: no document is left for {side} in {origin}")
        sizes |= {f"{side}_documents": len(documents), f"{side}_tokens": len(documents.tokens)}
    sizes |= {f"{side}_units": sides[side].n_units for side in ("test", "vault") if side in sides}
    content = digest({side: documents.digest for side, documents in sides.items()})
    return Data(name, origin, content, sizes, **sides)
