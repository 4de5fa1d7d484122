"""What the page of a run shows of crystals that were chosen, and of what champion and rivals say as models."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from markupsafe import Markup
from safetensors import SafetensorError, safe_open

from evokit.common.charts import Series, line_chart
from evokit.common.pictures import COLOURS_TOLD, Picture, pictures, pooled
from evokit.facts import ReportSection
from evokit_crystalline.gpt2.sizes import CRYSTALS, METADATA, Sizes

PIXELS = 96  # of a picture's sides at most
LAYERS = 48  # that are drawn at most
CHOSEN = re.compile(r"^(\S+) +\d+x\d+  (#\d+ \w+), ([\d,]+) of ([\d,]+) multiply-adds$", re.MULTILINE)


def crystals_section(directory: Path, summary: Mapping[str, Any]) -> list[ReportSection]:
    """The section of a champion; none as long as there is no finished model.

    Args:
        directory: Of the run.
        summary: Of it; of a library ``best.show`` has a line for each layer, as ``CrystallineGenome.show`` writes it.
    """
    models = (summary["final"] or {}).get("artifacts", [])
    if not models:
        return []
    try:
        with safe_open(directory / models[0], framework="np") as file:
            chosen = CHOSEN.findall(summary["best"]["show"] or "") or _structures(file.metadata() or {})
            matrices = {layer: file.get_tensor(f"{layer}.weight") for layer, *_ in chosen[:LAYERS]}
    except (OSError, SafetensorError):  # it was deleted, or is of another kind
        return []
    if not chosen:
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
        f" layer, its crystal, and the multiply-adds of this, of those of a dense one. {COLOURS_TOLD}"
    )
    return [ReportSection("The crystals of the champion", Markup("<p>{}</p>").format(told), [figure] if figure else [])]


def _structures(metadata: Mapping[str, str]) -> list[tuple[str, str, str, str]]:
    """Layer, structure, its multiply-adds and those of a dense matrix, as an assembled model's file tells them."""
    told = json.loads(metadata.get(METADATA, "{}"))
    crystals = told.pop(CRYSTALS, {})
    shapes = Sizes(**told).slots()
    return [
        (layer, structure, f"{cost:,}", f"{shapes[layer][0] * shapes[layer][1]:,}")
        for layer, (structure, cost) in crystals.items()
    ]


def models_sections(summary: Mapping[str, Any]) -> list[ReportSection]:
    """The sections of all finished models, as their contenders inspected them; none before that.

    Args:
        summary: Of the run; each entry's ``inspection`` is what ``ModelContender.inspect`` gives.
    """
    final = [] if summary["final"] is None else [summary["final"]]
    entries = [*final, *sorted(summary["baselines"], key=lambda one: not one["trained"])]
    found = {one["name"]: one["inspection"] for one in entries if one.get("inspection")}  # absent in earlier runs
    return [_positions(found), _texts({name: one["sample"] for name, one in found.items()})] if found else []


def _positions(found: Mapping[str, Mapping[str, Any]]) -> ReportSection:
    losses = {name: one["loss_by_position"] for name, one in found.items()}
    series = [Series(name, octaves(values)) for name, values in losses.items()]
    figure = line_chart("Loss by position in the block", series, x="position", y="nats, validation", log_x=True)
    told = (
        f"Mean loss at the {len(next(iter(losses.values())))} positions of a block, on the validation tokens that all"
        " were measured on: what a model gains from the words before. A point is the mean of the positions after a"
        " power of two up to the next, so the last is of half of them; the mean of all is the model's validation loss."
    )
    return ReportSection("Loss by position", Markup("<p>{}</p>").format(told), [figure] if figure else [])


def _texts(samples: Mapping[str, Mapping[str, Any]]) -> ReportSection:
    one = next(iter(samples.values()))
    told = (
        f"How each finished model goes on with the beginning of {one['document']}, a document of the validation split"
        f" (in italics): {one['n_tokens']} tokens, each drawn from the {one['top_k']} likeliest at temperature"
        f" {one['temperature']:g}, with the same random numbers for all. An example, on which no verdict rests."
    )
    beside = Markup("").join(
        Markup("<figure><figcaption>{}</figcaption><blockquote><i>{}</i>{}</blockquote></figure>").format(
            name, sample["prompt"], sample["text"]
        )
        for name, sample in samples.items()
    )
    content = Markup('<p>{}</p><div class="figures">{}</div>').format(told, beside)
    return ReportSection("A text by each model", content)


def octaves(losses: Sequence[float]) -> list[tuple[float, float]]:
    """Mean position and mean loss of the positions after each power of two up to the next.

    >>> octaves([4.0, 3.0, 2.0, 1.0, 0.0])
    [(1.0, 4.0), (2.0, 3.0), (3.5, 1.5), (5.0, 0.0)]
    """
    ends = [2**at for at in range((len(losses) - 1).bit_length() + 1)]
    parts = [range(end // 2 + 1, min(end, len(losses)) + 1) for end in ends]
    return [(fmean(part), fmean(losses[at - 1] for at in part)) for part in parts]
