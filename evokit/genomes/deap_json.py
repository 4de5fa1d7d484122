"""Individuals of a DEAP script as JSON values, and back: so they have a key and a place in a ledger."""

from __future__ import annotations

import array
import base64
import json
import math
import pickle
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from deap import base, gp

KIND = "is"  # in a mapping, what a value is
PLAIN = frozenset({bool, int, str, type(None)})
SIMPLE = PLAIN | {float}  # of what is read


class Codec:
    """Writes individuals as JSON values and makes new ones of these.

    Known are lists, tuples, sets, mappings, arrays of NumPy and of ``array``, trees of ``gp``, and classes of
    ``deap.creator`` made of them with all their attributes, such as a ``strategy``. All else is a pickle. A fitness is
    not written: whoever is made anew has none yet.

    Args:
        classes: Those of ``deap.creator``, by name.
        sets: Primitive sets of the trees.
    """

    def __init__(self, classes: Mapping[str, Any], sets: Sequence[gp.PrimitiveSetTyped]) -> None:
        self._classes, self._names = dict(classes), {one: name for name, one in classes.items()}
        self._nodes: dict[str, Any] = {
            f"{place}.{name}": node for place, one in enumerate(sets) for name, node in one.mapping.items()
        }
        self._known: dict[Any, list[str]] = {}
        for name, node in self._nodes.items():
            self._known.setdefault(node.name, []).append(name)

    def write(self, value: Any) -> Any:
        """JSON values that say all of a value, the same for equal ones."""
        kind = type(value)
        if kind in PLAIN:
            return value
        if kind is float:
            return value if math.isfinite(value) else {KIND: "float", "value": repr(value)}
        if kind is list:
            return [one if type(one) in PLAIN else self.write(one) for one in value]
        if kind in self._names:
            return {KIND: self._names[kind], "of": self._content(value), **self._attributes(value)}
        return self._other(value)

    def read(self, data: Any) -> Any:
        """A new value of what ``write`` gave."""
        if type(data) is list:
            return [one if type(one) in SIMPLE else self.read(one) for one in data]
        if type(data) is not dict:
            return data
        kind = data[KIND]
        if kind in self._classes:
            return self._made(self._classes[kind], data)
        return _READERS[kind](self, data)

    def _content(self, value: Any) -> Any:
        """Of an instance of a class of ``deap.creator`` what its base holds."""
        if isinstance(value, gp.PrimitiveTree):
            return [self._node(node) for node in value]
        for base_class in (list, set, dict):
            if isinstance(value, base_class):
                return self.write(base_class(value))
        if isinstance(value, np.ndarray):
            return self._other(value.view(np.ndarray))
        if isinstance(value, array.array):
            return self._other(array.array(value.typecode, value))
        return None

    def _attributes(self, value: Any) -> dict[str, Any]:
        own = {name: one for name, one in vars(value).items() if not isinstance(one, base.Fitness)}
        return {"with": {name: self.write(one) for name, one in sorted(own.items())}} if own else {}

    def _made(self, kind: Any, data: Mapping[str, Any]) -> Any:
        content = data["of"]
        if issubclass(kind, gp.PrimitiveTree):
            made = list.__new__(kind)
            list.extend(made, [self._node_of(one) for one in content])
        elif issubclass(kind, np.ndarray):
            made = self.read(content).view(kind)
        elif issubclass(kind, array.array):
            made = array.array.__new__(kind, content["type"], content["value"])
        else:
            made = kind.__new__(kind)
            if content is not None:
                (made.extend if isinstance(made, list) else made.update)(self.read(content))
        for name, one in getattr(kind, "reduce_args", ("", None, {}))[2].items():
            if isinstance(one, type) and issubclass(one, base.Fitness):
                setattr(made, name, one())
        for name, one in data.get("with", {}).items():
            setattr(made, name, self.read(one))
        return made

    def _node(self, node: Any) -> Any:
        for name in self._known.get(node.name, ()):
            known = self._nodes[name]
            if type(node) is known:  # an ephemeral constant
                return [name, self.write(node.value)]
            if known is node or (not isinstance(known, type) and known == node):
                return name
        return self._other(node)

    def _node_of(self, data: Any) -> Any:
        if isinstance(data, str):
            return self._nodes[data]
        if not isinstance(data, list):
            return self.read(data)
        name, value = data
        kind: Any = self._nodes[name]
        node = kind.__new__(kind)
        node.value = self.read(value)
        return node

    def _other(self, value: Any) -> dict[str, Any]:
        match value:
            case tuple() if type(value) is tuple:
                return {KIND: "tuple", "value": [self.write(one) for one in value]}
            case set() | frozenset() if type(value) in (set, frozenset):
                return {KIND: type(value).__name__, "value": sorted(map(self.write, value), key=json.dumps)}
            case dict() if type(value) is dict:
                return {KIND: "dict", "value": [[self.write(key), self.write(one)] for key, one in value.items()]}
            case np.ndarray() if type(value) is np.ndarray and value.dtype.kind in "biufU":
                shaped = {KIND: "ndarray", "type": value.dtype.str, "shape": list(value.shape)}
                return shaped | {"value": self.write(value.ravel().tolist())}
            case np.generic() if value.dtype.kind in "biuf":
                return {KIND: "number", "type": value.dtype.str, "value": self.write(value.item())}
            case array.array() if type(value) is array.array:
                return {KIND: "array", "type": value.typecode, "value": value.tolist()}
        return {KIND: "pickle", "value": base64.b64encode(self._pickled(value)).decode()}

    def _pickled(self, value: Any) -> bytes:
        try:
            return pickle.dumps(value, protocol=5)
        except Exception:  # of a class or function that a script has
            import cloudpickle

            dumped: bytes = cloudpickle.dumps(value)
            return dumped


def _array(codec: Codec, data: Mapping[str, Any]) -> np.ndarray:
    return np.array(codec.read(data["value"]), data["type"]).reshape(data["shape"])


def _number(codec: Codec, data: Mapping[str, Any]) -> Any:
    return np.dtype(data["type"]).type(codec.read(data["value"]))


_READERS: Mapping[str, Any] = {
    "float": lambda codec, data: float(data["value"]),
    "tuple": lambda codec, data: tuple(codec.read(data["value"])),
    "set": lambda codec, data: set(codec.read(data["value"])),
    "frozenset": lambda codec, data: frozenset(codec.read(data["value"])),
    "dict": lambda codec, data: {codec.read(key): codec.read(one) for key, one in data["value"]},
    "ndarray": _array,
    "number": _number,
    "array": lambda codec, data: array.array(data["type"], data["value"]),
    "pickle": lambda codec, data: pickle.loads(base64.b64decode(data["value"])),
}
