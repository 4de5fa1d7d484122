"""Openings of a run's sealed splits, as its summary and the machine's register have them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from evokit.assembly.directory import RunDirectory, holds_a_ledger
from evokit.assembly.parts import Parts
from evokit.data.vault import unit_keys
from evokit.interfaces import Data
from evokit.measuring.ledger import Ledger
from evokit.measuring.ledger_files import ledger_of
from evokit.runs.register import UNSEAL, Opening, enter


def test_openings(ledger: Ledger) -> list[dict[str, Any]]:
    """Each opening of the test split, as the summary has it; the vault is another split."""
    openings = ledger.openings()
    return [{"number": number, "reason": reason, "at": at} for number, reason, at in openings if reason != UNSEAL]


def vault_opened(folder: Path) -> str | None:
    """When the vault of the run in ``folder`` was opened; None if it was not, or if there is no run."""
    path = RunDirectory(folder).ledger
    if not holds_a_ledger(path):
        return None
    with ledger_of(path) as ledger:
        return next((at for _, reason, at in ledger.openings() if reason == UNSEAL), None)


def units_of(split: Any, data: Data) -> list[str]:
    """What tells the units of a split apart; where they cannot be, the digest of all data.

    Equal data are noticed then, and a part of them is not.
    """
    try:
        return unit_keys(split)
    except TypeError:
        return [data.digest]


def registered(ledger: Ledger, number: int, split: Any, parts: Parts, recipe: str, folder: Path) -> dict[str, Any]:
    """Enter an opening in the machine's register.

    Args:
        ledger: Of the run.
        number: Of the opening there.
        split: What was opened.
        parts: Of the run.
        recipe: Name of its file.
        folder: The run directory.

    Returns:
        What ``enter`` says about it.
    """
    assert parts.data is not None
    units = units_of(split, parts.data)
    reason, at = next((reason, at) for one, reason, at in ledger.openings() if one == number)
    return enter(Opening(ledger.identity_of(number), reason, units, recipe, parts.recipe.digest, folder, at))
