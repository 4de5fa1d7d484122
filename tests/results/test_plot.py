"""``evokit plot`` on a toy run."""

import csv
from dataclasses import replace

import pytest
from click.testing import CliRunner

from evokit.cli import main
from evokit.results.crossing import Crossing
from evokit.results.curves import Curve, Curves, Point
from evokit.results.plot import COLUMNS, Plotted, drawn, sentence
from tests.results.test_curves import INLINE
from tests.small import RECIPES, TOY_RECIPE, run

DESCENTS = "{name: descent, lr: [0.01, 0.002]}, {name: descent, lr: [0.01, 0.002], steps: 400}"


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    folder = tmp_path_factory.mktemp("toy")
    (folder / "toy.yaml").write_text(TOY_RECIPE)
    run(folder / "toy.yaml", folder / "run", f"baselines=[{DESCENTS}, {{name: random_search}}]", INLINE)
    return folder / "run"


def plot(*words):
    return CliRunner().invoke(main, ["plot", *map(str, words)])


@pytest.mark.parametrize("suffix", [".png", ".svg"])
def test_it_draws_everyone_and_writes_the_values_beside(toy, tmp_path, suffix):
    done = plot(toy, "--out", tmp_path / f"new/it{suffix}")
    assert done.exit_code == 0, done.output
    assert (tmp_path / f"new/it{suffix}").stat().st_size > 5_000
    with (tmp_path / "new/it.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == COLUMNS
    assert {row["contender"] for row in rows} == {
        "champion", "descent", "descent-2", "random_search", "descent, tuned",
    }  # fmt: skip
    assert sum(row["split"] == "test" and row["point"] == "finished" for row in rows) == 4
    assert [row["split"] for row in rows if row["point"].endswith("crossing")] == ["test"]
    assert "steps of descent, tuned, which take" in done.output


def test_legends_name_all_contenders(toy, tmp_path):
    plot(toy, "--out", tmp_path / "it.svg")
    text = (tmp_path / "it.svg").read_text()
    for label in ("champion", "descent, 20 steps, tuned", "descent, 400 steps, tuned", "random_search"):
        assert f"<!-- {label} -->" in text


def test_a_legend_of_long_names_stays_inside_the_figure(tmp_path):
    way = [Point("finished", 10, 2.0, 3.0, 1.0)]
    names = [f"a baseline of a rather long name, and its number {i}" for i in range(5)]
    curves = [Curve(name, True, way, component=name) for name in names]
    figure = drawn(Plotted([Curves("run", tmp_path, "loss", "min", curves)], [[]]))
    figure.draw_without_rendering()
    (legend,) = figure.legends
    left, _, right, _ = legend.get_window_extent().extents
    assert 0 <= left < right <= figure.bbox.width


def test_the_default_is_in_the_run(toy):
    assert plot(toy).exit_code == 0
    assert (toy / "plot.png").exists()
    assert (toy / "plot.csv").exists()


def test_several_runs_carry_their_names(toy, tmp_path):
    (tmp_path / "toy.yaml").write_text(TOY_RECIPE)
    run(tmp_path / "toy.yaml", tmp_path / "other", "baselines=[]", INLINE, "search.generations=1", "repeats=2")
    assert plot(toy, tmp_path / "other", "--out", tmp_path / "it.svg").exit_code == 0
    text = (tmp_path / "it.svg").read_text()
    assert "<!-- run: champion -->" in text
    assert text.count("<!-- other: champion -->") == 1  # of both repeats


def test_runs_of_one_name_are_told_apart_by_their_folders(tmp_path):
    way = [Curve("champion", False, [Point("best so far", 1, 1.0, 1.0, 1.0)])]
    folders = [tmp_path / "a" / "run", tmp_path / "b" / "run"]
    both = Plotted([Curves(str(folder), folder, "loss", "min", way) for folder in folders], [[], []])
    (legend,) = drawn(both).legends
    assert [text.get_text() for text in legend.get_texts()] == [f"{folder}: champion" for folder in folders]


def test_mistakes_are_one_sentence(toy, tmp_path):
    done = plot(toy, "--out", "it.jpg")
    assert (done.exit_code, done.output) == (2, "--out it.jpg must end in .png or .svg, which says the format\n")
    done = plot(tmp_path)
    assert (done.exit_code, done.output) == (2, f"{tmp_path} is no run directory: it has no recipe.yaml\n")
    run(RECIPES / "onemax.yaml", tmp_path / "onemax", INLINE, "search.generations=1", "baselines=[]")
    done = plot(toy, tmp_path / "onemax")
    assert done.exit_code == 2
    assert "do not fit on one plot: the objective of the first is loss (min), of the second" in done.output
    (tmp_path / "file").write_text("")
    done = plot(toy, "--out", tmp_path / "file" / "it.png")
    assert done.exit_code == 2
    assert "cannot be written" in done.output


def test_a_crossing_is_a_sentence():
    one = Crossing("adam, tuned", "test", "at", 5.0, 2e5, 200.0, 180.0, 2000.0, 90.0)
    assert sentence(one) == (
        "the champion's test value 5 is worth 200 steps of adam, tuned, which take 180 CPU s against 90 (2 times), "
        "2,000 with tuning (22 times)"
    )
    assert "worth 200,000 tokens of adam" in sentence(replace(one, steps=None), unit="tokens")
    bound = replace(one, bound="beyond", tuned_cpu_s=180.0)
    assert sentence(bound, "a/run") == (
        "a/run: the champion's test value 5 is worth more than 200 steps of adam, tuned, which take 180 CPU s against "
        "90 (2 times)"
    )
