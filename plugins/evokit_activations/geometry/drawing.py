"""A geometry of class targets as maps, block by block: classes lie as far apart as their targets."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor

from evokit.common.figures import panels, save
from evokit.common.files import write_atomically
from evokit.errors import UserError
from evokit.interfaces import Context
from evokit_activations.geometry.class_geometry import ClassGeometry, known_geometry
from evokit_activations.geometry.options import GeometryMap
from evokit_activations.geometry.targets import Ingredients, class_targets
from evokit_activations.models import read_network

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

THUMBNAIL = 30  # pixels of a class's picture, whatever the images' size
MARGIN = 0.25  # around a map, as a share of its width


@dataclass(frozen=True)
class GeometryMapExport:
    """Draws the geometry that a champion's networks learned, above that of class means of the untrained network."""

    options: GeometryMap
    context: Context

    def export(self, artifact: Path, out: Path) -> None:
        """Write ``figure.png``, ``figure.svg`` and ``values.csv``.

        Args:
            artifact: A network of the champion.
            out: A directory, made if missing.

        Raises:
            UserError: The network learned no geometry that was evolved.
        """
        setting: Mapping[str, Any] = read_network(artifact).about["setting"]
        if "genes" not in setting:
            raise UserError("a geometry_map is of what was evolved; export that of the champion")
        genome, whole = self.context.genome, self.context.fitness.whole
        geometry = genome.express(genome.from_json(setting["genes"]))
        out.mkdir(parents=True, exist_ok=True)
        write_atomically(out / "values.csv", table(whole, geometry).encode())
        figure = draw(whole, geometry)
        for suffix in ("png", "svg"):
            save(figure, out / f"figure.{suffix}")


def draw(ingredients: Ingredients, geometry: ClassGeometry) -> Figure:
    """Maps of each block, a class being the mean of its training images: those of class means above, evolved below."""
    from matplotlib.offsetbox import AnnotationBbox, OffsetImage

    shown = {"class means": known_geometry("class_mean", len(geometry.mean_share)), "evolved": geometry}
    blocks = {name: _targets(ingredients, one) for name, one in shown.items()}
    n_blocks, pictures = len(geometry.mean_share), _pictures(ingredients)
    figure, panes = panels(n_blocks, rows=len(shown))
    for number in range(n_blocks):
        above: np.ndarray | None = None
        for axes, (name, targets) in zip(panes[number::n_blocks], blocks.items(), strict=True):
            above = _map(targets[number], above)
            for place, picture in zip(above, pictures, strict=True):
                box = OffsetImage(picture, zoom=THUMBNAIL / len(picture))
                axes.add_artist(AnnotationBbox(box, place, frameon=False))
            _framed(axes, above, f"block {number}, {name}{_shares(shown[name], number) if name == 'evolved' else ''}")
    return figure


def table(ingredients: Ingredients, geometry: ClassGeometry) -> str:
    """CSV with a row for each two classes of a block: the cosine of their targets."""
    names = ingredients.task.train.names
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["block", "class", "other", "cosine"])
    for number, targets in enumerate(_targets(ingredients, geometry)):
        flat = targets / np.linalg.norm(targets, axis=1, keepdims=True)
        cosines = flat @ flat.T
        writer.writerows(
            [number, names[i], names[j], f"{cosines[i, j]:.6f}"] for i in range(len(names)) for j in range(i)
        )
    return text.getvalue()


def _targets(ingredients: Ingredients, geometry: ClassGeometry) -> list[np.ndarray]:
    """``(classes, elements)`` float64 of each block."""
    blocks: Sequence[Tensor] = class_targets(geometry, ingredients.means, ingredients.codes)
    return [block.flatten(1).double().cpu().numpy() for block in blocks]


def _map(targets: np.ndarray, like: np.ndarray | None) -> np.ndarray:
    """``(classes, 2)``: the two directions in which classes differ most, turned to lie like another map.

    Source: classical scaling, Torgerson 1952, "Multidimensional Scaling: I"; the turn is Schönemann's 1966, "A
    Generalized Solution of the Orthogonal Procrustes Problem".
    """
    centred = targets - targets.mean(0)
    u, sizes, _ = np.linalg.svd(centred, full_matrices=False)
    places: np.ndarray = u[:, :2] * sizes[:2]
    if like is not None:
        left, _, right = np.linalg.svd(places.T @ like)
        places = places @ (left @ right)
    scaled: np.ndarray = places / np.abs(places).max()
    return scaled


def _pictures(ingredients: Ingredients) -> list[np.ndarray]:
    """``(height, width, 4)`` in [0, 1], the mean training image of each class; of one channel as ink of a colour."""
    from matplotlib import colormaps

    train = ingredients.task.train
    found = []
    for label in range(train.n_classes):
        mean = train.images[train.labels == label].mean(0) / 255
        ink = np.ones((*mean.shape[:2], 4))
        if mean.shape[2] == 1:
            ink[:, :, :3], ink[:, :, 3] = colormaps["tab10"](label % 10)[:3], mean[:, :, 0]
        else:
            ink[:, :, :3] = mean
        found.append(ink)
    return found


def _shares(geometry: ClassGeometry, number: int) -> str:
    shares = ("mean_share", "centring", "cluster_share", "own_share")
    mean, centring, cluster, own = (getattr(geometry, name)[number] for name in shares)
    of_it = f"\n{cluster:.0%} of the mean is its cluster's;" if cluster else ""
    return f"\n{mean:.0%} class mean, centred by {centring:.0%};{of_it} {own:.0%} of each image's own"


def _framed(axes: Axes, places: np.ndarray, title: str) -> None:
    axes.set_title(title, fontsize="medium")
    axes.grid(visible=False)
    axes.set(xticks=[], yticks=[])
    for side in axes.spines.values():
        side.set_visible(False)
    low, high = places.min(0), places.max(0)
    room = MARGIN * (high - low).max()
    axes.set(xlim=(low[0] - room, high[0] + room), ylim=(low[1] - room, high[1] + room), aspect="equal")


def build_export(options: GeometryMap, context: Context) -> GeometryMapExport:
    """The export of a run's evolved geometry."""
    return GeometryMapExport(options, context)
