import csv
from dataclasses import replace

import numpy as np
import pytest

from evokit.errors import UserError
from evokit.genomes.individuals import make_individual
from evokit.interfaces import Context
from evokit.streams import Streams
from evokit_activations.geometry.class_geometry import known_geometry
from evokit_activations.geometry.contenders import build_champion, build_known
from evokit_activations.geometry.drawing import _map, build_export, draw, table
from evokit_activations.geometry.options import ClassMeanTargets, GeometryMap, LearnGeometry
from evokit_activations.geometry.targets import class_targets

from .tiny import SPACE, fitness


@pytest.fixture(scope="module")
def around():
    return Context(Streams(0), fitness=fitness(), genome=SPACE)


def test_a_champions_geometry_is_drawn_from_its_network(around, tmp_path):
    contender = build_champion(LearnGeometry(), around)
    best = make_individual(SPACE, SPACE.point(known_geometry("hand", 2)), (1.0,))
    contender.fit(contender.settings(best)[0], 1, contender.budgets[-1], tmp_path)
    build_export(GeometryMap(), around).export(tmp_path / "network.safetensors", tmp_path / "map")
    assert {path.name for path in (tmp_path / "map").iterdir()} == {"figure.png", "figure.svg", "values.csv"}
    assert (tmp_path / "map" / "values.csv").read_text() == table(around.fitness.whole, known_geometry("hand", 2))


def test_the_table_has_the_cosines_of_targets(around):
    geometry, whole = known_geometry("hand", 2), around.fitness.whole
    rows = list(csv.DictReader(table(whole, geometry).splitlines()))
    names = list(whole.task.train.names)
    n = len(names)
    assert len(rows) == 2 * n * (n - 1) // 2
    blocks = class_targets(geometry, whole.means, whole.codes)
    for row in rows:
        one, other = (blocks[int(row["block"])][names.index(row[key])].flatten().numpy() for key in ("class", "other"))
        cosine = one @ other / np.sqrt((one @ one) * (other @ other))
        assert float(row["cosine"]) == pytest.approx(cosine, abs=1e-5)  # six digits of float32 targets


def test_a_figure_has_a_map_of_each_block_for_both(around):
    figure = draw(around.fitness.whole, known_geometry("hand", 2))
    assert len(figure.axes) == 4
    assert figure.axes[0].get_title() == "block 0, class means"
    assert figure.axes[3].get_title().startswith("block 1, evolved\n0% class mean,")
    parted = replace(known_geometry("hand", 2), clusters=2, cluster_share=(0.3, 0.0))
    titles = [axes.get_title() for axes in draw(around.fitness.whole, parted).axes[2:]]
    assert titles[0].endswith(";\n30% of the mean is its cluster's; 0% of each image's own")
    assert "cluster" not in titles[1]


def test_maps_keep_distances_that_two_directions_hold_and_lie_like_another(rng):
    plane = rng.standard_normal((5, 2))
    targets = plane @ np.linalg.qr(rng.standard_normal((7, 7)))[0][:2] + rng.standard_normal(7)
    found = _map(targets, None)

    def distances(points):
        return np.linalg.norm(points[:, None] - points, axis=2)

    ratio = distances(found)[0, 1] / distances(plane)[0, 1]
    np.testing.assert_allclose(distances(found), ratio * distances(plane), atol=1e-12)
    np.testing.assert_allclose(_map(-targets, found), -_map(targets, -found), atol=1e-12)
    np.testing.assert_allclose(_map(-targets, found), found, atol=1e-12)


def test_what_nobody_evolved_has_no_map(around, tmp_path):
    known = build_known(ClassMeanTargets(), around)
    known.fit(known.settings(None)[0], 1, known.budgets[-1], tmp_path)
    with pytest.raises(UserError, match="of what was evolved; export that of the champion"):
        build_export(GeometryMap(), around).export(tmp_path / "network.safetensors", tmp_path / "map")
