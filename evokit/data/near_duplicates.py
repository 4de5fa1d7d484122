"""Texts that share passages, found by counting the runs of words that they have in common.

Counted exactly, not by MinHash: what matters is how much of the shorter text the longer one holds, and two addresses
that share an eighth of their words have a Jaccard similarity of 0.07, so little that MinHash finds it by luck (with 128
or 256 permutations 8 to 10 of the 12 pairs in ``prose``).

Source: Broder 1997, "On the resemblance and containment of documents" (shingles, containment).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from unicodedata import normalize

import numpy as np

from evokit.data.cache import Arrays, cached, texts_key

SHINGLE = 10
"""Words in a row that count as a passage shared, whatever their case and the punctuation and line breaks between."""
SHARE = 0.03
"""Share of the shorter text's shingles from which two texts are near-duplicates. Measured on ``prose``: what is quoted
or said again is 4 % of an address and more, what presidents say alike year by year at most 2.6 %."""
COMMON = 100
"""A shingle that more texts hold is a form of the data set, such as a licence or a question, and does not count."""

EDITION = 2
"""Of this file; another number makes anew what is kept."""

_WORTH_CACHING = 2_000_000  # characters: about half a second
# Thai, Lao, Burmese, Khmer, kana and ideographs are written without spaces: there a character is a word.
_ALONE = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_WORD = re.compile(rf"[{_ALONE}]|[^\W{_ALONE}]+")
_FACTOR = np.uint64(0x9E3779B97F4A7C15)  # odd, so that no word is lost; 2**64 divided by the golden ratio


def near_duplicates(texts: Sequence[str], groups: Sequence[str] | None = None) -> np.ndarray:
    """Which texts belong together: near-duplicates, directly or by a chain of others, whatever their order.

    Takes one or two seconds for a million words, and some 70 bytes of memory a word meanwhile; kept in the user's
    cache directory if the texts are long. Texts of fewer words than a shingle are near-duplicates if their words are
    the same.

    Args:
        texts: Any.
        groups: One a text, for those that belong together in any case; each its own group if None.

    Returns:
        ``(n_texts,)`` int64 number of each text's group.

    >>> speech = " ".join(f"word{i}" for i in range(100))
    >>> near_duplicates([speech, "Something else.", f"Before that: {speech.upper()}!"]).tolist()
    [0, 1, 0]
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    near, first = _kept_pairs(texts)
    a, b = np.concatenate([near, [first, np.arange(len(texts))]], axis=1)
    if groups is not None:
        _, leader, group = np.unique(np.asarray(groups), return_index=True, return_inverse=True)
        a, b = np.concatenate([a, np.arange(len(texts))]), np.concatenate([b, leader[group]])
    links = coo_array((np.ones(len(a), bool), (a, b)), shape=(len(texts), len(texts)))
    found: np.ndarray = connected_components(links, directed=False)[1].astype(np.int64)
    return found


def apart(texts: Sequence[str], sides: Sequence[int]) -> np.ndarray:
    """Which texts may stay so that no two sides have near-duplicates; at the cost of ``near_duplicates``.

    Args:
        texts: Any.
        sides: One a text. Of near-duplicates on two sides those on the side with the lower number stay.

    Returns:
        ``(n_texts,)`` bool.

    >>> speech = " ".join(f"word{i}" for i in range(100))
    >>> apart(["Something.", f"So: {speech}", speech, "Something."], [1, 1, 0, 1]).tolist()
    [True, False, True, True]
    """
    (a, b), first = _kept_pairs(texts)
    a, b = np.concatenate([a, b, first]), np.concatenate([b, a, first])
    side, stay = np.asarray(sides), np.ones(len(texts), bool)
    for one in np.unique(side)[1:]:
        taken = b[np.isin(a, first[stay & (side < one)])]
        stay &= (side != one) | ~np.isin(first, taken)
    return stay


@dataclass(frozen=True)
class Overlap:
    """What texts have in common with others.

    Attributes:
        share: ``(n_texts,)`` share of each text's shingles that the others hold, one or another.
        most_like: ``(n_texts,)`` int64, which of the others holds most of them; -1 where none holds any.
    """

    share: np.ndarray
    most_like: np.ndarray


def overlap(texts: Sequence[str], others: Sequence[str]) -> Overlap:
    """How much of each text the others hold, at the cost of ``near_duplicates``; not kept.

    >>> passage = " ".join(f"word{i}" for i in range(19))
    >>> overlap([f"{passage} and so on", "Something else."], ["Another text.", passage])
    Overlap(share=array([0.76923077, 0.        ]), most_like=array([ 1, -1]))
    """
    n = len(texts)
    index = _Index.of(list(_words([*texts, *others])))
    mine = index.owners < n
    held = np.bincount(index.passages, ~mine)[index.passages] > 0
    share = np.bincount(index.owners[mine & held], minlength=n) / np.maximum(index.sizes[:n], 1)
    a, b, counts = index.pairs()
    across = (a < n) & (b >= n)
    a, b, counts = a[across], b[across], counts[across]
    most_like = np.full(n, -1)
    rising = np.lexsort((-b, counts))  # the last of those assigned stays: the most shared, the first of equals
    most_like[a[rising]] = b[rising] - n
    return Overlap(share, most_like)


def _kept_pairs(texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    key = texts_key(texts, f"near-duplicates {EDITION} {SHINGLE} {SHARE} {COMMON}")
    long = sum(map(len, texts)) >= _WORTH_CACHING
    found = cached(f"near-duplicates-{key}", lambda: _near_pairs(texts)) if long else _near_pairs(texts)
    return found["near"], found["first"]


def _near_pairs(texts: Sequence[str]) -> Arrays:
    """``near`` (2, n_pairs) int64 indices of near-duplicates, and ``first`` (n_texts,) int64, the first of its copies.

    Of copies only the first is in pairs.
    """
    words = list(_words(texts))
    first: dict[bytes, int] = {}
    copies = [first.setdefault(_digest(some.tobytes()), i) for i, some in enumerate(words)]
    kept = np.fromiter(first.values(), np.int64)
    index = _Index.of([words[i] for i in kept])
    a, b, counts = index.pairs()
    near = counts >= SHARE * np.minimum(index.sizes[a], index.sizes[b])
    return {"near": np.stack([kept[a[near]], kept[b[near]]]), "first": np.array(copies, np.int64)}


@dataclass(frozen=True)
class _Index:
    """Which texts hold which shingles, those that are ``COMMON`` left out.

    Attributes:
        passages: ``(n,)`` ascending numbers of shingles, one entry for each text that holds it.
        owners: ``(n,)`` int64, the text; ascending within a passage.
        sizes: ``(n_texts,)`` how many distinct shingles each text has.
    """

    passages: np.ndarray
    owners: np.ndarray
    sizes: np.ndarray

    @classmethod
    def of(cls, words: Sequence[np.ndarray]) -> _Index:
        shingles = [_shingles(some) for some in words]
        hashes = np.concatenate([np.empty(0, np.uint64), *shingles])
        order = np.argsort(hashes, kind="stable")
        hashes, owners = hashes[order], np.repeat(np.arange(len(words)), list(map(len, shingles)))[order]
        new = np.r_[True, hashes[1:] != hashes[:-1]][: len(hashes)]
        passages = np.cumsum(new) - 1
        rare = np.bincount(passages)[passages] <= COMMON
        return cls(passages[rare], owners[rare], np.bincount(owners[rare], minlength=len(words)))

    def pairs(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """``(n_pairs,)`` each: two texts, the first before the second, and how many shingles they share."""
        shared = np.bincount(self.passages)[self.passages] > 1
        passages, owners = self.passages[shared], self.owners[shared]
        codes = [np.empty(0, np.int64)]
        for step in range(1, COMMON):
            same = passages[step:] == passages[:-step]
            codes.append(owners[:-step][same] * len(self.sizes) + owners[step:][same])
        pairs, counts = np.unique(np.concatenate(codes), return_counts=True)
        return *np.divmod(pairs, len(self.sizes)), counts


def _shingles(words: np.ndarray) -> np.ndarray:
    """Distinct hashes of each ``SHINGLE`` words in a row; a shorter text is one shingle."""
    length = min(SHINGLE, len(words))
    hashes = np.zeros(len(words) - length + 1, np.uint64)
    for i in range(length):
        hashes = hashes * _FACTOR + words[i : len(words) - length + 1 + i]
    return np.unique(hashes)


def _words(texts: Sequence[str]) -> Iterator[np.ndarray]:
    """``(n_words,)`` uint64 hashes of each text's words; a text without any, such as a face, is one word."""
    known: dict[str, int] = {}
    for text in texts:
        words = _WORD.findall(normalize("NFC", text).lower()) or [text]
        new = [word for word in {*words} if word not in known]
        known |= {word: int.from_bytes(_digest(word.encode())[:8], "little") for word in new}
        yield np.fromiter(map(known.__getitem__, words), np.uint64, len(words))


def _digest(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=16).digest()
