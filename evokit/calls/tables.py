"""Tables between a search that asks and somebody who tells: candidates as JSON or CSV, results from either."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from evokit.common.names import listed
from evokit.errors import UserError

ID = "id"  # the column of names
FAILED = ("", "failed", "nan", "none", "null")
DELIMITERS = ",;\t"


def as_json(candidates: Mapping[str, Any], told: Sequence[str], run: str) -> str:
    """Candidates for whoever measures.

    Args:
        candidates: Name to phenotype.
        told: Names of what is to be told of each.
        run: Where it is to be told.
    """
    asked = [{ID: name, "candidate": _plain(one)} for name, one in candidates.items()]
    return json.dumps({"run": run, "tell": list(told), "candidates": asked}, indent=1)


def as_csv(candidates: Mapping[str, Any]) -> str:
    """The same as a table: a line each, a column for each parameter or number."""
    rows = [{ID: name} | _columns(_plain(one)) for name, one in candidates.items()]
    columns = list(dict.fromkeys(column for row in rows for column in row)) or [ID]
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


@dataclass(frozen=True)
class Result:
    """What was told of one: a number for each name, or None where it failed; and where that stands."""

    place: str
    name: str
    numbers: tuple[float, ...] | None


def results(text: str, source: str, told: Sequence[str]) -> list[Result]:
    """What a file tells, CSV with a header or JSON.

    Args:
        text: Of the file.
        source: Its name, for messages.
        told: Names of what is told of each.

    Raises:
        UserError: Something is missing, no number, or there twice; with the line.
    """
    found = list(_of_json(text, source, told) if text.lstrip()[:1] in ("{", "[") else _of_csv(text, source, told))
    seen: dict[str, str] = {}
    for one in found:
        if one.name in seen:
            raise UserError(f"{one.place}: {one.name} is there twice, in {seen[one.name]} too")
        seen[one.name] = one.place
    if not found:
        raise UserError(f"{source} tells of nobody")
    return found


def _of_csv(text: str, source: str, told: Sequence[str]) -> Iterator[Result]:
    lines = text.removeprefix("\ufeff").splitlines()
    delimiter = max(DELIMITERS, key=lines[0].count) if lines else ","
    rows = csv.reader(lines, delimiter=delimiter, skipinitialspace=True)
    head = [cell.strip() for cell in next(rows, [])]
    for column in (ID, *told):
        if column not in head:
            raise UserError(f"{source}:1: there is no column {column!r}; there must be {listed([ID, *told])}")
    # A parameter may be called as an objective is: whoever tells adds columns at the end.
    places = [len(head) - 1 - head[::-1].index(name) for name in told]
    for row in rows:
        if not any(map(str.strip, row)):
            continue
        place = f"{source}:{rows.line_num}"
        if len(row) != len(head):
            raise UserError(f"{place}: there are {len(row)} cells, and {len(head)} columns")
        yield _result(
            place, row[head.index(ID)].strip(), {name: row[at] for name, at in zip(told, places, strict=True)}
        )


def _of_json(text: str, source: str, told: Sequence[str]) -> Iterator[Result]:
    """A list of mappings, what ``as_json`` gave with numbers beside ``id``, or a mapping of names to numbers."""
    try:
        data = json.loads(text)
    except ValueError as error:
        raise UserError(f"{source}:{getattr(error, 'lineno', 1)}: this is no JSON: {error}") from error
    if isinstance(data, dict) and isinstance(data.get("candidates"), list):
        data = data["candidates"]
    if isinstance(data, dict):
        data = [
            {ID: name} | (one if isinstance(one, dict) else _by_order(one, f"{source}: {name}", told))
            for name, one in data.items()
        ]
    for entry in data:
        if not isinstance(entry, dict) or not isinstance(entry.get(ID), str):
            raise UserError(f"{source}: {entry!r:.40} is no mapping with an {ID!r}")
        place = f"{source}:{text[: text.find(json.dumps(entry[ID]))].count(chr(10)) + 1}"
        if missing := [name for name in told if name not in entry]:
            raise UserError(f"{place}: {entry[ID]} has no {missing[0]!r}; null says that it failed")
        yield _result(place, entry[ID], {name: entry[name] for name in told})


def _by_order(numbers: Any, place: str, told: Sequence[str]) -> dict[str, Any]:
    """A number alone, or one for each name."""
    if numbers is None:
        return dict.fromkeys(told)
    each = numbers if isinstance(numbers, list) else [numbers]
    if len(each) != len(told):
        raise UserError(f"{place}: there are {len(each)} numbers where {listed(told)} are told")
    return dict(zip(told, each, strict=True))


def _result(place: str, name: str, cells: Mapping[str, Any]) -> Result:
    absent = [key for key, cell in cells.items() if _is_absent(cell)]
    if len(absent) == len(cells):
        return Result(place, name, None)
    if absent:
        given = next(key for key in cells if key not in absent)
        raise UserError(f"{place}: {name} has {given} and no {absent[0]}; leave all empty if it failed")
    return Result(place, name, tuple(_number(place, key, cell) for key, cell in cells.items()))


def _is_absent(cell: Any) -> bool:
    return cell is None or (isinstance(cell, str) and cell.strip().lower() in FAILED)


def _number(place: str, key: str, cell: Any) -> float:
    try:
        if isinstance(cell, bool):
            raise ValueError
        number = float(cell)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        comma = ", with a point" if isinstance(cell, str) and "," in cell else ""
        raise UserError(f"{place}: {key} is {cell!r:.40}, which is no number{comma}; leave it empty if it failed")
    return number


def _plain(phenotype: Any) -> Any:
    """A phenotype as JSON values; text of one that is none."""
    if isinstance(phenotype, dict):
        return {str(name): _plain(value) for name, value in phenotype.items()}
    if isinstance(phenotype, list | tuple):
        return [_plain(value) for value in phenotype]
    if isinstance(phenotype, np.ndarray | np.generic):
        return phenotype.tolist()
    return phenotype if isinstance(phenotype, int | float | str | None) else str(phenotype)


def _columns(plain: Any) -> dict[str, Any]:
    if isinstance(plain, dict):
        return {name: json.dumps(value) if isinstance(value, list | dict) else value for name, value in plain.items()}
    if isinstance(plain, list):
        return {f"x{place}": value for place, value in enumerate(plain)}
    return {"candidate": plain}
