"""Genes and phenotypes stay as they are: what differs after they were changed in place (C4)."""

from __future__ import annotations

import marshal
import pickle
import sys
from collections.abc import Callable, Sequence
from dataclasses import fields, is_dataclass
from io import BytesIO
from typing import Any

import numpy as np

COPY = "work on a copy and return it"


def state_of(genes: Sequence[Any], key: Callable[[Any], str]) -> Any:
    """What differs after any of several genes were changed in place; None if all are locked arrays, which cannot be.

    Args:
        genes: One entry per individual.
        key: Asked for genes that are more than lists, mappings, numbers and arrays.
    """
    if all(map(_locked, genes)):
        return None
    seen = [one for one in genes if not _locked(one)]
    try:
        return marshal.dumps(seen, 2)  # a tenth of what JSON takes; version 2 knows no references, which may differ
    except ValueError:
        return [key(one) for one in seen]


def phenotype_state(phenotypes: Sequence[Any]) -> Any:
    """What differs after phenotypes were changed in place; None for those that cannot be told.

    Arrays count by content, unless they are locked, tensors by the number of times that they were written to,
    dataclasses by the fields that they are compared by. What is inside other objects is not seen.
    """
    state = state_of(phenotypes, _unread)
    if not isinstance(state, list):
        return state
    written = BytesIO()
    try:
        _States(written, protocol=5).dump([one for one in phenotypes if not _locked(one)])
    except Exception:  # whatever an object that nobody knows does when it is looked at
        return None
    return written.getvalue()


def _locked(value: Any) -> bool:
    return isinstance(value, np.ndarray) and not value.flags.writeable


def _unread(phenotype: Any) -> str:
    """Phenotypes have no key."""
    return ""


class _States(pickle.Pickler):
    """Writes what may be changed in place; nobody reads it back."""

    def reducer_override(self, thing: Any) -> Any:
        torch = sys.modules.get("torch")
        if torch is not None and isinstance(thing, torch.Tensor):
            return int, (thing._version,)
        if isinstance(thing, np.ndarray):
            return NotImplemented if thing.flags.writeable else (int, ())
        if is_dataclass(thing) and not isinstance(thing, type):
            return tuple, ([getattr(thing, field.name) for field in fields(thing) if field.compare],)
        if thing is int or thing is tuple or isinstance(thing, dict | list | set | bytearray | np.generic):
            return NotImplemented
        return int, ()
