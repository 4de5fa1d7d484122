from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evokit.common.charts import DENSE, WIDTH, Estimate, Series, forest, heat_map, line_chart, ticks


class Elements(HTMLParser):
    """Tags of a drawing with their attributes."""

    def __init__(self, svg):
        super().__init__()
        self.found = []
        self.feed(svg)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def of(self, tag):
        return [attributes for name, attributes in self.found if name == tag]


@given(st.floats(-1e6, 1e6), st.floats(1e-6, 1e6))
def test_ticks_lie_between_the_ends_and_are_few(low, width):
    found = ticks(low, low + width)
    room = 1e-6 * (width + abs(low))
    assert all(low - room <= one <= low + width + room for one in found)
    assert len(found) <= 7


def test_higher_values_lie_higher_and_the_first_series_lies_on_top():
    drawn = line_chart("it", [Series("a", [(1, 5.0), (2, 7.0)]), Series("b", [(1, 1.0), (2, 2.0)])], x="x", y="y")
    below, above = (one["d"].replace("M", "").split(" L") for one in Elements(drawn.svg).of("path"))
    (x0, y0), (x1, y1) = (map(float, one.split()) for one in above)
    assert x0 < x1
    assert y0 > y1
    assert float(below[0].split()[1]) > y0
    assert drawn.legend == (("s0", "a"), ("s1", "b"))


def test_series_of_one_name_look_alike():
    drawn = line_chart("it", [Series(name, [(1, 1.0), (2, 2.0)]) for name in ("a", "b", "a")], x="x", y="y")
    assert [one["class"] for one in Elements(drawn.svg).of("path")] == ["s0 line", "s1 line", "s0 line"]
    assert len(drawn.legend) == 2


def test_what_is_not_finite_or_cannot_lie_on_the_axis_is_left_out():
    points = [(0, 1.0), (1, float("nan")), (2, 1e200), (3, 2.0), (4, 3.0)]
    drawn = line_chart("it", [Series("a", points)], x="x", y="y", log_x=True)
    (line,) = Elements(drawn.svg).of("path")
    assert line["d"].count("L") == 1  # from 3 to 4
    assert line_chart("it", [Series("a", points[:3])], x="x", y="y", log_x=True) is None
    assert forest("it", [Estimate("a", float("inf"), None, "")], x="x") is None


def test_many_points_are_thinned_and_the_last_one_stays():
    drawn = line_chart("it", [Series("a", [(x, float(x)) for x in range(100_000)])], x="x", y="y")
    assert Elements(drawn.svg).of("path")[0]["d"].count("L") <= DENSE
    assert "x from 0 to 99,999" in drawn.description


def test_steps_go_across_and_then_up():
    drawn = line_chart("it", [Series("a", [(1, 1.0), (2, 2.0)], "step")], x="x", y="y")
    assert Elements(drawn.svg).of("path")[0]["d"].count("H") == 1


@pytest.mark.parametrize("value", [0.0, -3.0, 1e-12, 1e12])
def test_one_value_alone_has_an_axis(value):
    assert line_chart("it", [Series("a", [(value, value)])], x="x", y="y") is not None
    assert forest("it", [Estimate("a", value, None, "")], x="x") is not None


def test_an_interval_reaches_from_its_low_to_its_high_end_around_its_value():
    drawn = Elements(forest("it", [Estimate("a", 2.0, (1.0, 3.5), "2")], x="x", reference=0.0).svg)
    (line,) = (one for one in drawn.of("line") if "wide" in one["class"])
    (dot,) = drawn.of("circle")
    assert float(line["x1"]) < float(dot["cx"]) < float(line["x2"])
    (reference,) = (one for one in drawn.of("line") if one["class"] == "reference")
    assert float(reference["x1"]) < float(line["x1"])


def test_what_does_not_stand_beside_a_name_stands_below_it():
    def lines(name):
        told = "+0.001935 [+0.0005207, +0.003327]"
        drawn = Elements(forest("it", [Estimate(name, 2.0, (1.0, 3.5), told)], x="x").svg)
        mine = [one for one in drawn.of("text") if one["x"] in ("2", "398")]
        return [float(one["y"]) for one in mine], float(drawn.of("circle")[0]["cy"])

    (beside, told), dot = lines("against sgd")
    assert beside == told < dot
    (name, told), dot = lines("against random_search, 1000 steps")
    assert name < told < dot


def test_a_map_has_a_cell_for_each_value_the_best_the_strongest():
    drawn = heat_map("it", [[1.0, None], [2.0, 3.0]], across=("x", 0, 1), up=("y", 0, 1), best=1.0, worst=3.0)
    cells = Elements(drawn.svg).of("rect")
    assert [one["class"] for one in cells] == ["h11", "h6", "h0"]
    assert float(cells[0]["y"]) < float(cells[1]["y"])
    assert "3 of 4 cells filled" in drawn.description


def test_every_drawing_has_a_role_and_is_told_in_words():
    drawn = forest("Champion & rivals", [Estimate("<a>", 2.0, None, "2 [1, 3]")], x="loss")
    (svg,) = Elements(drawn.svg).of("svg")
    assert svg["role"] == "img"
    assert svg["aria-label"] == "Champion & rivals. loss: <a> 2 [1, 3]"


@pytest.mark.parametrize("word", ['<script>x</script>"', "a < b & 'c'"])
def test_what_users_write_is_escaped(word):
    drawn = [
        line_chart(word, [Series(word, [(1, 1.0), (2, 2.0)])], x=word, y=word),
        forest(word, [Estimate(word, 1.0, None, word)], x=word),
        heat_map(word, [[1.0]], across=(word, 0, 1), up=(word, 0, 1), best=1.0, worst=1.0),
    ]
    for one in drawn:
        assert word not in one.svg
        assert {tag for tag, _ in Elements(one.svg).found} <= {
            "svg",
            "g",
            "line",
            "text",
            "path",
            "circle",
            "rect",
            "title",
        }


def test_a_name_that_is_longer_than_its_axis_is_cut_there_and_whole_in_words():
    name = "a rather long name of an objective " * 3
    drawn = line_chart("it", [Series("a", [(1, 1.0), (2, 2.0)])], x="x", y=name)
    assert f"{name}</text>" not in drawn.svg
    assert "…</text>" in drawn.svg
    assert name in drawn.description


def test_points_say_what_they_are_where_a_pointer_rests_and_rings_go_around_them():
    points = [(1, 1.0), (float("nan"), 3.0), (2, 2.0)]
    series = [Series("a", points, "points", ["one", "lost", "<two>"]), Series("knee", points[2:], "rings")]
    drawn = line_chart("it", series, x="x", y="y").svg
    assert "<title>one</title>" in drawn
    assert "<title>&lt;two&gt;</title>" in drawn
    assert "lost" not in drawn
    assert "<title>knee: 2, 2</title>" in drawn
    ring, _, dot = Elements(drawn).of("circle")
    assert (ring["cx"], ring["cy"]) == (dot["cx"], dot["cy"])
    assert float(ring["r"]) > float(dot["r"])


def test_frames_are_squares_around_points_and_places_say_where_points_are_drawn():
    points = [(1, 1.0), (2, 2.0)]
    series = [Series("a", points, "points"), Series("champion", points[1:], "frames")]
    drawn = line_chart("it", series, x="x", y="y")
    dots = [(float(one["cx"]) / WIDTH, float(one["cy"]) / WIDTH) for one in Elements(drawn.svg).of("circle")]
    assert drawn.places == dict(zip(points, dots, strict=True))
    (frame,) = [one["d"] for one in Elements(drawn.svg).of("path")]
    x, y = drawn.places[2, 2.0]
    assert frame.startswith(f"M{x * WIDTH - 7:.1f} {y * WIDTH - 7:.1f} h14 v14")
