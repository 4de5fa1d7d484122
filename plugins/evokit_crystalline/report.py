"""What the page of a run shows of chosen crystals: each layer's matrix, as the finished model holds it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from markupsafe import Markup
from safetensors import SafetensorError, safe_open

from evokit.common.pictures import COLOURS_TOLD, Picture, pictures, pooled
from evokit.facts import ReportSection

PIXELS = 96  # of a picture's sides at most
LAYERS = 48  # that are drawn at most
CHOSEN = re.compile(r"^(\S+) +\d+x\d+  (#\d+ \w+), ([\d,]+) of ([\d,]+) multiply-adds$", re.MULTILINE)


def crystals_section(directory: Path, summary: Mapping[str, Any]) -> list[ReportSection]:
    """The section of a champion; none as long as there is no finished model.

    Args:
        directory: Of the run.
        summary: Of it; ``best.show`` has a line for each layer, as ``CrystallineGenome.show`` writes it.
    """
    chosen = CHOSEN.findall(summary["best"]["show"] or "")
    models = (summary["final"] or {}).get("artifacts", [])
    if not chosen or not models:
        return []
    try:
        with safe_open(directory / models[0], framework="np") as file:
            matrices = {layer: file.get_tensor(f"{layer}.weight") for layer, *_ in chosen[:LAYERS]}
    except (OSError, SafetensorError):  # it was deleted, or is of another kind
        return []
    drawn = [
        Picture(pooled(matrices[layer], PIXELS), (layer.removeprefix("transformer."), crystal, f"{cost} of {dense}"))
        for layer, crystal, cost, dense in chosen[:LAYERS]
    ]
    figure = pictures("The matrix of each layer, an input a row", drawn, columns=3)
    costs, denses = (sum(int(one[at].replace(",", "")) for one in chosen) for at in (2, 3))
    off = sum(one[2] == "0" for one in chosen)
    told = (
        f"The layers of the champion take {costs:,} multiply-adds a token, {100 * costs / denses:.1f} % of the"
        f" {denses:,} that dense ones would take; {off} of {len(chosen)} are switched off. Below each matrix: the"
        f" layer, the crystal that was chosen, its multiply-adds of those of a dense one. {COLOURS_TOLD}"
    )
    return [ReportSection("The chosen crystals", Markup("<p>{}</p>").format(told), [figure] if figure else [])]
