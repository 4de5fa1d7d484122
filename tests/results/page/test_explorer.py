"""The front on the page of a run, whose points are chosen and told."""

import json
import re
import shutil

import pytest

from evokit.progress import number
from evokit.results.front_text import knee_of
from evokit.results.page import write_page
from tests.cli.commands import invoke
from tests.results.page.pages import assert_shown, in_a_browser, page, title_after
from tests.small import RECIPES


@pytest.fixture(scope="module")
def two_objectives(tmp_path_factory):
    folder = tmp_path_factory.mktemp("front") / "run"
    small = ["--set", "search.generations=6", "--set", "search.population=16"]
    assert invoke("run", RECIPES / "zdt1.yaml", "--plain", "--out", folder, *small).exit_code == 0
    return folder


def test_points_of_a_front_are_stepped_through_by_names_that_tell_their_values(two_objectives):
    summary = json.loads((two_objectives / "summary.json").read_text())
    values = [one["values"] for one in summary["front"]]
    found = page(two_objectives)
    (group,) = [one for one in found.of("div") if one.get("role") == "radiogroup"]
    assert group["aria-label"] == "Points of the front"
    points = found.of("input")
    assert {(one["type"], one["name"]) for one in points} == {("radio", "front")}
    names = [one["aria-label"].split(", the ")[0] for one in points]
    assert names == [f"f1 {number(one)}, f2 {number(two)}" for one, two in values]
    ids = {one.get("id") for _, one in found.elements}
    assert {one["aria-describedby"] for one in points} <= ids
    at = knee_of(summary)
    assert [place for place, one in enumerate(points) if "the knee" in one["aria-label"]] == [at]
    assert [place for place, one in enumerate(points) if "checked" in one] == [at]
    assert [place for place, one in enumerate(points) if "the champion" in one["aria-label"]] == [
        place for place, one in enumerate(values) if one == summary["best"]["values"]
    ]
    told = found.sections["Front"]
    assert f"Point {at + 1} of {len(values)}: the knee f1 " in told
    assert all(one["show"] in told for one in summary["front"])


def test_points_of_a_front_lie_where_they_are_drawn(two_objectives):
    text = (two_objectives / "report.html").read_text()
    drawn = {(round(float(x) / 4, 2), round(float(y) / 4, 2)) for x, y in re.findall(r'cx="(\S+)" cy="(\S+)"', text)}
    places = re.findall(r"grid-row: 4 / 5; left: (\S+)%; margin-top: (\S+)%", text)
    assert {(float(x), float(y)) for x, y in places} <= drawn
    assert len(places) == len(page(two_objectives).of("input"))


def test_of_a_front_genes_that_are_long_or_not_shown_are_told_in_short(two_objectives, tmp_path):
    run = shutil.copytree(two_objectives, tmp_path / "run")
    summary = json.loads((run / "summary.json").read_text())
    first, second, *_ = summary["front"]
    first["show"] = "\n".join(["x" * 300, *(f"line {at}" for at in range(40))])
    del second["show"]  # as of runs before 2026-12-01
    (run / "summary.json").write_text(json.dumps(summary))
    write_page(run)
    told = page(run).sections["Front"]
    assert f"{'x' * 199}… line 0" in told
    assert "line 9 … 30 lines more" in told
    assert json.dumps(second["genes"])[:100] in told


def test_of_a_front_whose_values_no_axis_can_hold_there_is_the_table(two_objectives, tmp_path):
    run = shutil.copytree(two_objectives, tmp_path / "run")
    summary = json.loads((run / "summary.json").read_text())
    summary["front"] = [one | {"values": [1e200, 1.0]} for one in summary["front"][:1]]
    summary["baselines"] = []
    (run / "summary.json").write_text(json.dumps(summary))
    write_page(run)
    assert page(run).of("input") == []
    assert "1e+200" in page(run).sections["Front"]


CHOICE = """
const shown = () => [...document.querySelectorAll(".point .told")]
  .filter((one) => getComputedStyle(one).visibility == "visible")
  .map((one) => one.querySelector("b").textContent).join();
const inside = [...document.querySelectorAll(".point input")].every((one) => {
  const [box, at] = [document.querySelector(".picture").getBoundingClientRect(), one.getBoundingClientRect()];
  return at.left >= box.left - 9 && at.right <= box.right + 9 && at.top >= box.top - 9 && at.bottom <= box.bottom + 9;
});
const first = shown();
document.querySelector("#front-2").click();
const figures = [...document.querySelectorAll("svg .told")].map((one) => getComputedStyle(one).visibility);
document.title = [first, shown(), inside, [...new Set(figures)].join()].join("; ");
"""


@in_a_browser
@pytest.mark.parametrize("width", [400, 1280])
def test_a_browser_shows_what_belongs_to_the_chosen_point(two_objectives, tmp_path, width):
    path = two_objectives / "report.html"
    assert_shown(path, tmp_path, width)
    summary = json.loads((two_objectives / "summary.json").read_text())
    n, at = len(summary["front"]), knee_of(summary) + 1
    assert title_after(path, tmp_path, width, CHOICE) == f"Point {at} of {n}: the knee; Point 2 of {n}; true; visible"
