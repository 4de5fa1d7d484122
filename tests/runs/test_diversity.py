"""What is told of an archive of elites: in the summary, in the report, and as a table."""

import csv
import json

import numpy as np
import pytest

from evokit.errors import UserError
from evokit.results.archive_text import archive_text
from evokit.results.exports import export_model
from evokit.results.report import report
from evokit.runs.diversity import COLUMNS, ROWS, SHOWN, told
from evokit.searches.cells import Descriptor
from evokit.searches.elites import Diverse, Elites
from tests.searches.described import WHOLE, context, one
from tests.small import launched

RECIPE = """\
seed: 1
fitness: {name: planar_arm}
genome: {name: real_vector, length: 4, low: -3, high: 3}
search:
  name: map_elites
  batch: 20
  generations: 8
  offset: 3
  descriptors: [{metric: x, low: -1, high: 1, cells: 10}, {metric: y, low: -1, high: 0.5, cells: 5}]
crossover: {name: line}
mutation: {name: gaussian}
baselines: [{name: random_search}]
execution: {backend: inline}
"""


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("diverse")
    summary, _ = launched(folder, RECIPE, [])
    return folder / "run", summary


def test_the_map_has_the_best_of_each_block_the_high_ones_first():
    elites = Elites(Diverse(**WHOLE), context())  # four cells by two
    elites.add([one(0, 0, 5), one(0, 1, 4), one(3, 3.9, 7)])
    summary = told({"search": elites}, "sum")
    assert summary["map"] == [[None, None, None, 7], [4, None, None, None]]
    assert summary["some"][0] == {"key": elites.members[1].key, "sum": 7, "first": 3, "second": 3.9}
    assert (summary["elites"], summary["coverage"]) == ({"search": 2}, {"search": 0.25})


@pytest.mark.parametrize(("options", "shape"), [({}, (18, 60)), ({"niches": 2000}, (ROWS, COLUMNS))])
def test_what_a_summary_says_of_a_large_archive_is_bounded(options, shape):
    descriptors = (Descriptor("first", 0, 1, 300), Descriptor("second", 0, 1, 90))
    elites, rng = Elites(Diverse(descriptors, **{"offset": 40.0} | options), context()), np.random.default_rng(0)
    some = []
    for place, (x, y) in enumerate(rng.random((3000, 2))):
        some.append(one(x, y, place, rest=(place % 4, place // 4 % 4)))
    elites.add(some)
    summary = told({"search": elites}, "sum")
    assert (len(summary["map"]), len(summary["map"][0])) == shape
    assert len(summary["some"]) == SHOWN
    assert len(json.dumps(summary)) < 50_000


def test_one_descriptor_and_an_empty_archive_are_told_too():
    elites = Elites(Diverse((Descriptor("first", 0, 4, 4),), offset=40.0), context())
    assert told({"search": elites}, "sum")["some"] == []
    elites.add([one(2, 0, 5)])
    assert told({"search": elites}, "sum")["map"] == [[None, None, 5, None]]


def test_the_archive_stands_beside_that_of_the_control(run):
    archive = run[1]["archive"]
    assert set(archive["coverage"]) == {"search", "random_search"}
    assert archive["cells"] == 50
    assert all(0 < share <= 1 for share in archive["coverage"].values())
    assert archive["outside"] > 0


def test_the_report_has_the_figures_and_a_map(run):
    text = report(run[1])
    assert "Archive of the best in each of 50 cells by x, y" in text
    assert "had a descriptor outside its bounds" in text
    assert [len(line) for line in text.splitlines() if line.startswith("|")] == [12] * 5
    assert "█" in text


def test_the_export_has_every_elite_with_its_genes(run):
    folder, summary = run
    out = export_model(folder)
    assert out == folder / "export" / "archive"
    with (out / "archive.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == summary["archive"]["elites"]["search"]
    assert [int(row["cell"]) for row in rows] == sorted({int(row["cell"]) for row in rows})
    for row in rows:
        assert float(row["spread"]) == np.std(json.loads(row["genes"]))
    worth = sum(3 - float(row["spread"]) for row in rows)
    assert worth == pytest.approx(summary["archive"]["qd_score"]["search"])
    with pytest.raises(UserError, match="holds files already"):
        export_model(folder, "archive", out=out)
    with pytest.raises(UserError, match="has no export 'onnx'; it has archive"):
        export_model(folder, "onnx")


def test_a_search_without_an_archive_has_none_to_tell_or_export(tmp_path):
    text = RECIPE.replace("map_elites", "random_search").replace("  offset: 3\n", "").replace("baselines", "#")
    lines = [line for line in text.splitlines() if not line.startswith(("  descriptors", "crossover", "mutation"))]
    summary, _ = launched(tmp_path, "\n".join(lines), [])
    assert summary["archive"] is None
    assert "Archive" not in report(summary)
    with pytest.raises(UserError, match="no export belongs to the fitness planar_arm"):
        export_model(tmp_path / "run", "archive")


def test_a_metric_that_is_not_told_is_refused_before_anything_is_measured(tmp_path):
    with pytest.raises(UserError, match=r"recipe.yaml:4: search: the fitness tells no metric 'z', it tells x, y"):
        launched(tmp_path, RECIPE.replace("metric: x", "metric: z"), [])
    assert not (tmp_path / "run" / "metrics.jsonl").exists()


def test_the_map_says_how_many_cells_share_a_character():
    elites = Elites(Diverse((Descriptor("first", 0, 4, 100), Descriptor("second", 0, 4, 20)), offset=40.0), context())
    elites.add([one(1, 0, 5), one(3, 3, 9)])
    summary = {"objective": {"name": "sum", "goal": "min"}, "archive": told({"search": elites}, "sum")}
    assert "each place the best of 2 x 1 cells" in " ".join(archive_text(summary).split())
    few = Elites(Diverse(**WHOLE), context())
    few.add([one(1, 0, 5)])
    assert "each character" not in archive_text(summary | {"archive": told({"search": few}, "sum")})
