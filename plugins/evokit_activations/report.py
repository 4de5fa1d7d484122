"""What the page of a run shows: what classes of searched targets share, an analysis's points, an oracle's warning."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from markupsafe import Markup

from evokit.common.charts import Figure
from evokit.common.pictures import COLOURS_TOLD, Picture, pictures, scale_of
from evokit.errors import RunFailed
from evokit.facts import ReportSection
from evokit_activations.genome import ActivationTensors, Targets
from evokit_activations.targets.store import FOLDER, StoredShard, file_name

IMAGES = 1000  # that are looked at, at most; whole shards of them
CLASSES, CHANNELS = 10, 8  # that are drawn, at most
VALUES = "export/figure/values.csv"  # of an analysis, as the export ``figure`` writes it


def targets_section(directory: Path, genes: Mapping[str, Any]) -> list[ReportSection]:
    """The section of a champion; none of one that has no targets, or whose files are gone.

    A class is what the targets' own logits say, as the images are not in the directory.

    Args:
        directory: Of the run.
        genes: Of the champion, as JSON values.
    """
    targets = ActivationTensors().from_json(genes)
    if not isinstance(targets, Targets):
        return []
    try:
        *blocks, logits = _layers(directory / "artifacts" / FOLDER, targets)
    except RunFailed:
        return []
    classes = logits.argmax(1)
    figures = [_block(number, block, classes) for number, block in enumerate(blocks)]
    kept = [one for one in figures if one is not None]
    shares = ", ".join(f"{100 * _shared(block, classes):.0f} % in block {at}" for at, block in enumerate(blocks))
    told = (
        f"Of {len(classes)} images, by the class that their targets' logits name: at the left the mean of a class, at"
        f" the right its first image, in the first {CHANNELS} channels, all in one scale. Of the targets' variance the"
        f" means of classes hold {shares}; the rest is each image's own. {COLOURS_TOLD}"
    )
    return [ReportSection("The targets that were found", Markup("<p>{}</p>").format(told), kept)]


def oracle_section(fitness: Mapping[str, Any]) -> list[ReportSection]:
    """What a reader of an oracle's run has to know; none of another.

    Args:
        fitness: Of the recipe.
    """
    if fitness.get("held_out") != "validation":
        return []
    told = (
        "What is evolved here was measured on the official validation images, confirmation included, which has other"
        " starts but the same images. So the champion's validation value and what it is measured again are optimistic,"
        " and no honest method may choose so: only test values compare. It tells how much room there is."
    )
    return [ReportSection("An oracle", told)]


def points_section(directory: Path) -> list[ReportSection]:
    """All that an analysis noted, a point a column; none before its figure was exported.

    Args:
        directory: Of the run.
    """
    try:
        text = (directory / VALUES).read_text(encoding="utf-8")
    except OSError:
        return []
    points = list(csv.DictReader(text.splitlines()))
    rows = Markup("").join(
        Markup("<tr><th>{}</th>{}</tr>").format(
            name.replace("_", " "), Markup("").join(Markup("<td>{}</td>").format(_short(one[name])) for one in points)
        )
        for name in points[0]
    )
    told = f"All points and what was noted of each; exact values are in {VALUES}, the figure beside them."
    return [
        ReportSection(
            "The points",
            Markup(
                '<p>{}</p><div class="scroll" role="region" tabindex="0" aria-label="points"><table>{}</table></div>'
            ).format(told, rows),
        )
    ]


def _short(value: str) -> str:
    """A number with four digits; other text as it is."""
    try:
        return f"{float(value):.4g}"
    except ValueError:
        return value


def _layers(folder: Path, targets: Targets) -> list[np.ndarray]:
    """``(images, ...)`` float32 of each layer of the first shards, the logits last."""
    found: list[list[np.ndarray]] = []
    for shard in targets.each():
        found.append([layer.float().numpy() for layer in StoredShard(folder / file_name(shard)).layers])
        if sum(len(layers[-1]) for layers in found) >= IMAGES:
            break
    return [np.concatenate(layers) for layers in zip(*found, strict=True)]


def _block(number: int, block: np.ndarray, classes: np.ndarray) -> Figure | None:
    """A row for each class: the mean of its images, and one of them."""
    scale, drawn = scale_of(block), []
    for name in np.unique(classes)[:CLASSES]:
        maps = block[classes == name]
        drawn.append(Picture(_strip(maps.mean(axis=0)), (f"class {name}: mean of {len(maps)}",), scale))
        drawn.append(Picture(_strip(maps[0]), (f"class {name}: one image",), scale))
    return pictures(f"Targets of block {number}", drawn, columns=2, tall=60.0)


def _strip(maps: np.ndarray) -> np.ndarray:
    """The first channels of ``(height, width, channels)`` beside each other, a column apart."""
    between = np.full((len(maps), 1), np.nan)
    pieces: Sequence[np.ndarray] = [maps[:, :, channel] for channel in range(min(CHANNELS, maps.shape[2]))]
    return np.concatenate([part for piece in pieces for part in (piece, between)][:-1], axis=1)


def _shared(block: np.ndarray, classes: np.ndarray) -> float:
    """The part of the variance that is between classes."""
    within = sum(((block[classes == name] - block[classes == name].mean(axis=0)) ** 2).sum() for name in set(classes))
    whole = ((block - block.mean(axis=0)) ** 2).sum()
    return max(0.0, float(1 - within / whole)) if whole > 0 else 0.0
