"""Figures in the pages come from kept results: as they were measured, nowhere by hand, with the verdicts' own words."""

import doctest
import json
import os
import re
import shutil
import subprocess
import sys
from xml.etree import ElementTree

import picture
import pytest
import result_files
import results
import shown
from click.testing import CliRunner

from evokit.errors import UserError
from tests.small import run

from .conftest import ROOT

DOCS = ROOT / "docs"


def _part(page, start, end):
    return (ROOT / page).read_text().partition(f"\n{start}\n")[2].partition(f"\n{end}")[0]


MEASURED = {
    "README": _part("README.md", "## What was measured", "## "),
    "representation": _part("docs/reproduction_representation.md", "## Measured", "## Not measured yet"),
    **{
        name: (DOCS / f"{name}.md").read_text()
        for name in ("measured", "reproduction_clso", "clso_further", "reproduction_optimizers", "pruning")
    },
}
# The paper's sizes of representation search are told by arithmetic.
HEADERS = {
    path.relative_to(ROOT / "recipes").as_posix(): re.split("^[^#]", path.read_text(), maxsplit=1, flags=re.MULTILINE)[
        0
    ]
    for path in sorted((ROOT / "recipes").rglob("*.yaml"))
    if not path.match("paper/activations_*")
}
NOT_BY_HAND = (
    re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE),  # blocks are run by a test
    re.compile(r"<!-- results: .*?<!-- end -->", re.DOTALL),
    re.compile(r"^# results: .*?^# end$", re.DOTALL | re.MULTILINE),
    re.compile(r"<!--r:.*?<!--/r-->", re.DOTALL),
    re.compile(r"`[^`]*`", re.DOTALL),  # settings, commands, what a paper says
    re.compile(r"\]\([^)]*\)"),
    # Under such a line an earlier figure may stand, up to the next heading.
    re.compile(r"^\*Of an earlier version: .*?(?=^#|\Z)", re.DOTALL | re.MULTILINE),
)
TOY = """\
seed: 3
plugins: [{toy}]
data: {{name: points}}
fitness: {{name: squares, renewable: true}}
genome: {{name: real_vector, length: 1, low: -3, high: 3}}
search: {{name: generational, population: 8, generations: 3}}
mutation: {{name: gaussian}}
crossover: {{name: uniform}}
confirm: {{top: 2}}
execution: {{backend: inline}}
baselines: [{{name: descent}}, {{name: random_search}}]
"""


def typed(text):
    """Decimal numbers of a page or a header that neither a command wrote nor a line excuses."""
    for pattern in NOT_BY_HAND:
        text = pattern.sub("", text)
    return re.findall(r"\d+\.\d+\b", text)  # 1.3e18 is arithmetic


# --- the pages


@pytest.fixture(scope="module")
def shown_now():
    return shown.shown()


@pytest.mark.parametrize("path", results.pages(), ids=lambda path: path.relative_to(ROOT).as_posix())
def test_parts_that_come_from_results_are_fresh(path, shown_now):
    assert results.refreshed(path.read_text(), shown_now) == path.read_text(), "make results writes them anew"


def test_the_first_pages_picture_is_of_the_kept_run():
    kept = result_files.all_results()["clso_gpt2"]
    drawn = picture.main_job(kept)
    assert drawn == results.PICTURE.read_text(), "make results draws it anew"
    assert {one.text for one in ElementTree.fromstring(drawn).iterfind(".//{*}text")} >= set(picture.NAMES.values())
    assert {kept["champion"]["name"], *(one["name"] for one in kept["baselines"])} == set(picture.NAMES)


def test_every_kept_result_is_shown():
    pages = "\n".join(path.read_text() for path in results.pages())
    named = {
        name for names in re.findall(r"results: (?:runs? |points |fronts )?([\w\s]+)", pages) for name in names.split()
    }
    assert result_files.all_results().keys() <= named


@pytest.mark.parametrize("name", MEASURED)
def test_no_figure_of_a_page_is_typed_by_hand(name):
    assert typed(MEASURED[name]) == []


@pytest.mark.parametrize("name", HEADERS)
def test_no_figure_of_a_header_is_typed_by_hand(name):
    assert typed(HEADERS[name]) == []


def test_a_typed_figure_is_found_and_what_is_excused_is_not():
    assert typed("## A\n\nIt fell to 4.98.\n") == ["4.98"]
    assert typed("# Measured: 4.98.\n# results: x\n# Measured 4.97.\n# end\n") == ["4.98"]
    assert (
        typed("<!-- results: run x -->\n4.98\n<!-- end -->\n<!--r:x.cpu_s-->4.97<!--/r--> `0.75` [a](b-1.5.md)") == []
    )
    assert typed("## A\n\n*Of an earlier version: why.*\n\nIt was 5.1.\n\n## B\n\nIt is 4.9.\n") == ["4.9"]


# --- what is kept of a run


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A repository with a recipe, and the directory of a run of it."""
    if shutil.which("git") is None:
        pytest.skip("git is not there: a result says of which commit it is")
    folder = tmp_path_factory.mktemp("checkout")
    (folder / "evokit").mkdir()
    (folder / "evokit" / "code.py").write_text("")
    (folder / "recipes").mkdir()
    (folder / "recipes" / "toy.yaml").write_text(TOY.format(toy=ROOT / "tests" / "toy_plugin.py"))
    git(folder, "init", "-q")
    git(folder, "add", "evokit", "recipes")
    git(folder, "-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "-qm", "A toy")
    return folder


@pytest.fixture(scope="module")
def ran(checkout):
    summary = run(checkout / "recipes" / "toy.yaml", checkout / "runs" / "toy")
    return summary, checkout / "runs" / "toy"


@pytest.fixture
def toy(checkout, ran):
    return result_files.result_of(ran[1], recipes=checkout / "recipes")


def git(folder, *words):
    return subprocess.run(["git", "-C", str(folder), *words], check=True, capture_output=True, text=True).stdout.strip()


def test_a_result_says_what_the_summary_says(ran, toy):
    summary, _ = ran
    assert toy["verdicts"] == summary["verdicts"]
    assert [one["test"] for one in toy["baselines"]] == [one["test"] for one in summary["baselines"]]
    assert toy["champion"]["test"] == summary["final"]["test"]
    assert toy["champion"]["confirmed"] == summary["best"]["confirmed"]
    assert (toy["seeds"], toy["repeats"], toy["test_openings"]) == ([3], 0, 1)


def test_the_phases_of_a_result_are_all_that_the_run_took(ran, toy):
    summary, _ = ran
    assert sum(one["cpu_s"] for one in toy["phases"]) == pytest.approx(summary["cpu_s"])
    assert {one["phase"] for one in toy["phases"]} == {
        "search",
        "confirm",
        "descent",
        "random_search",
        "champion",
        "test",
    }
    search = next(one for one in toy["phases"] if one["phase"] == "search")
    assert search["work"] == summary["search"]["work"]


def test_a_result_says_how_to_repeat_it(checkout, ran, toy):
    assert toy["command"] == "evokit run recipes/toy.yaml"
    assert git(checkout, "rev-parse", "HEAD").startswith(toy["commit"])
    assert (toy["versions"], toy["work_unit"]) == (ran[0]["versions"], ran[0]["work_unit"])
    assert result_files.default_name(toy) == "toy"
    assert result_files.unchanged(toy, checkout)


def test_a_result_keeps_what_the_recipe_was_told(checkout):
    out, told = checkout / "runs" / "told", ("repeats=2", "search.generations=2")
    run(checkout / "recipes" / "toy.yaml", out, *told)
    result = result_files.result_of(out, told, checkout / "recipes")
    assert result["command"] == "evokit run recipes/toy.yaml --set repeats=2 --set search.generations=2"
    assert (result["seeds"], result["repeats"], result["test_openings"]) == ([3, 4], 2, 2)
    with pytest.raises(
        UserError, match=r"no recipe in recipes/ repeats this run \(it differs in .*generations: 3 -> 2"
    ):
        result_files.result_of(out, told[:1], checkout / "recipes")


def test_a_run_whose_recipe_is_elsewhere_is_refused(ran, tmp_path):
    with pytest.raises(UserError, match=r"there is no toy\.yaml"):
        result_files.result_of(ran[1], recipes=tmp_path)


def test_an_unfinished_run_is_refused(checkout):
    out = checkout / "runs" / "unfinished"
    run(checkout / "recipes" / "toy.yaml", out, only="baselines")
    with pytest.raises(UserError, match="holds no finished run"):
        result_files.result_of(out, recipes=checkout / "recipes")


def test_a_run_of_an_earlier_version_is_refused(checkout, ran):
    old = checkout / "runs" / "old"
    shutil.copytree(ran[1], old)
    summary = json.loads((old / "summary.json").read_text())
    del summary["final"]["parts"]
    (old / "summary.json").write_text(json.dumps(summary))
    with pytest.raises(UserError, match=r"is of an earlier version, .* run it anew"):
        result_files.result_of(old, recipes=checkout / "recipes")


def test_code_that_is_not_committed_is_refused(checkout, ran):
    code = checkout / "evokit" / "code.py"
    code.write_text("changed = True")
    try:
        with pytest.raises(UserError, match="commit what is changed in evokit and plugins first"):
            result_files.result_of(ran[1], recipes=checkout / "recipes")
    finally:
        code.write_text("")


def test_a_kept_result_is_the_same_file_twice(toy, tmp_path):
    result_files.write(toy, tmp_path / "results" / "toy.json")
    result_files.write(result_files.all_results(tmp_path / "results")["toy"], tmp_path / "results" / "again.json")
    assert (tmp_path / "results" / "toy.json").read_bytes() == (tmp_path / "results" / "again.json").read_bytes()


def test_what_cannot_be_kept_is_one_sentence(tmp_path):
    answer = CliRunner().invoke(results.main, ["add", str(tmp_path)])
    assert answer.exit_code == 2
    assert "is no run directory" in answer.output
    assert "Traceback" not in answer.output


# --- how it reads


@pytest.mark.parametrize(("module", "n"), [(result_files, 1), (shown, 4)])
def test_the_examples_of_the_docstrings_hold(module, n):
    assert doctest.testmod(module) == (0, n)


def changed(result, **values):
    """A result whose first verdict, the one against descent, has other values."""
    first, *others = result["verdicts"]
    return {**result, "verdicts": [{**first, **values}, *others]}


def says(result, kind="run"):
    return shown.Shown({"toy": result}, lambda _: True).part(kind, "toy")


def test_words_of_a_verdict_are_the_verdicts(toy):
    test = f"{toy['baselines'][0]['test']:.3f}"
    better = changed(toy, verdict="better", difference=-0.5, interval=[-0.75, -0.25])
    assert f"is better than descent ({test}, by 0.500 [0.250, 0.750])" in says(better, "runs")
    worse = changed(toy, verdict="worse", difference=0.5, interval=[0.25, 0.75])
    assert f"is worse than descent ({test}, by 0.500 [0.250, 0.750])" in says(worse, "runs")
    level = changed(toy, verdict="no difference shown", difference=-0.5, interval=[-1.25, 0.25])
    assert f"shows no difference from descent ({test}, -0.500 [-1.250, +0.250])" in says(level, "runs")


def test_no_interval_is_shown_of_one_unit_or_without_spread(toy):
    for interval in (None, [-0.5, -0.5]):
        row = next(
            line for line in says(changed(toy, difference=-0.5, interval=interval)).splitlines() if "-0.500" in line
        )
        assert "[" not in row


def test_headlines_come_from_the_vault_where_it_was_opened(toy):
    first, second = toy["baselines"]
    verdict = {**toy["verdicts"][0], "verdict": "better", "difference": -0.25, "interval": [-0.375, -0.125]}
    vault = {
        "champion": {**toy["champion"], "test": 0.75, "interval": None},
        "baselines": [{**first, "test": 1.0, "interval": None}, second],
        "verdicts": [verdict],
        "rival": "descent",
    }
    opened = {**toy, "vault": vault}
    assert "vault value **0.750**; is better than descent (1.000, by 0.250 [0.125, 0.375])." in says(opened, "runs")
    assert re.search(r"^\| champion \| [\d.]+ \| 0\.750 \| ", says(opened), re.MULTILINE)
    figure = shown.Shown({"toy": opened}, lambda _: True).figure("toy.descent.verdict")
    assert figure == "is better than descent (by 0.250 [0.125, 0.375])"
    assert "difference on vault" in says(opened)
    assert "difference on test" in says(opened)


def test_the_points_of_a_grid_are_rows(toy):
    points = [
        {"settings": {"rate": 0.5}, "loss": 0.25, "jobs": 3},
        {"settings": {"kind": "own"}, "loss": 0.125, "jobs": 3},
    ]
    page = shown.Shown({"toy": {**toy, "points": points}}, lambda _: True)
    table = page.part("points", "toy", "loss", "jobs").partition("\n\n")[2]
    assert table.splitlines()[2:] == ["| 0.5 |  | 0.250 | 3 |", "|  | own | 0.125 | 3 |"]
    assert "loss 0.125 to 0.250 over 2 settings" in page.part("runs", "toy")


def test_fronts_are_told_by_the_best_within_limits_of_the_other_objective(toy):
    fronts = [
        {"search": [[1.0, 9.0], [3.0, 4.0]], "random_search": [[2.0, 9.0]]},
        {"search": [[2.0, 5.0], [4.0, 4.0]], "random_search": [[6.0, 4.0]]},
    ]
    page = shown.Shown({"toy": {**toy, "objectives": {"loss": "min", "size": "min"}, "fronts": fronts}}, lambda _: True)
    head, _, *rows = page.part("fronts", "toy", "4", "9").splitlines()
    assert head == "| size, at most | loss, search | loss, random_search |"
    assert rows[0] == "| 4 | 3.500 (3.000, 4.000) | in 1 of 2 runs alone |"
    assert rows[1] == "| 9 | 1.500 (1.000, 2.000) | 4.000 (2.000, 6.000) |"
    goals = {"loss": "max", "size": "max"}
    page = shown.Shown({"toy": {**toy, "objectives": goals, "fronts": fronts[:1]}}, lambda _: True)
    assert page.part("fronts", "toy", "5").splitlines()[2] == "| 5 | 1.000 | 2.000 |"


def test_what_has_no_test_split_shows_its_controls_beside_it(toy):
    champion = {**toy["champion"], "test": None, "validation": 0.5}
    first, second = ({**one, "validation": 0.75} for one in toy["baselines"])
    untested = {**toy, "champion": champion, "baselines": [first, second], "verdicts": []}
    assert "loss **0.500**, descent 0.750, random_search 0.750." in says(untested, "runs")
    with_front = {**untested, "hypervolume": {"search": 0.9}}
    assert "seed 3: hypervolume of the front: search 0.900." in says(with_front, "runs")


def test_joules_say_how_many_are_estimated(toy):
    assert "5 J (estimate);" in says({**toy, "energy": {"joules": 5.0, "estimated_j": 5.0}})
    assert "5 J;" in says({**toy, "energy": {"joules": 5.0, "estimated_j": 0.0}})


def test_costs_are_of_everything(ran, toy):
    final = ran[0]["final"]
    parts = [final["parts"][name]["cpu_s"] for name in ("search", "confirmation", "models")]
    assert toy["champion"]["cpu_s"] == pytest.approx(sum(parts))
    assert "CPU seconds, everything included" in says(toy)


def test_digits_are_those_that_an_interval_has_a_use_for(toy):
    fine = changed(toy, difference=-0.00153, interval=[-0.00254, -0.00052])
    assert "| -0.0015 [-0.0025, -0.0005] |" in says(fine)


def test_a_sample_is_kept_of_each_model_that_has_one():
    sample = {"text": "a"}
    kept = result_files._contender({"name": "a", "variants": [], "inspection": {"sample": sample, "losses": [1.0]}})
    assert kept == {"name": "a", "variants": [], "sample": sample}
    assert result_files._contender({"name": "a", "variants": [], "inspection": {}}) == {"name": "a", "variants": []}


def test_samples_are_rows_of_one_line_in_which_nothing_is_markdown(toy):
    sample = {
        "document": "d_1",
        "prompt": "To *you*",
        "text": "a | b\n<b>",
        "n_tokens": 5,
        "top_k": 3,
        "temperature": 0.8,
    }
    champion, (first, *others) = {**toy["champion"], "sample": sample}, toy["baselines"]
    page = says({**toy, "champion": champion, "baselines": [{**first, "sample": sample}, *others]}, "samples")
    assert "; 5 tokens after the beginning of d&#95;1, a document of the validation split" in page
    assert "from the 3 likeliest at temperature 0.8" in page
    given, *rows = page.splitlines()[-3:]
    assert given == "| *given* |  | To &#42;you&#42; |"
    assert [row.split(" | ")[::2] for row in rows] == [
        [f"| {name}", "a &#124; b ↵ &#60;b&#62; |"] for name in ("champion", "descent")
    ]


def test_a_result_without_samples_says_so(toy):
    assert says(toy, "samples") == "*Not measured with this version yet.*"


def test_what_is_not_kept_has_no_row_and_is_said_not_to_be_measured(toy):
    page = shown.Shown({"toy": toy}, lambda _: True)
    assert page.part("runs", "other", "toy") == page.part("runs", "toy")
    assert page.part("run", "other") == "*Not measured with this version yet.*"
    assert page.figure("other.champion.test") == "(not measured with this version yet)"


def test_a_recipe_that_changed_is_told(toy):
    assert "the recipe has changed since" in shown.Shown({"toy": toy}, lambda _: False).part("runs", "toy")
    assert "the recipe has changed since" not in says(toy, "runs")


def test_a_figure_in_running_text(toy):
    page = shown.Shown({"toy": toy}, lambda _: True)
    assert page.figure("toy.champion.test") == shown.number(toy["champion"]["test"], toy["champion"]["interval"]) + (
        " [{:.3f}, {:.3f}]".format(*toy["champion"]["interval"])
    )
    assert page.figure("toy.descent.verdict").startswith(f"{shown.SAYS[toy['verdicts'][0]['verdict']]} descent (")
    assert page.figure("toy.would_have_reported") == shown.number(toy["would_have_reported"])
    with pytest.raises(KeyError, match="stranger"):
        page.figure("toy.stranger.test")


def test_a_page_is_written_between_its_markers_alone(toy):
    page = "A\n<!-- results: run toy -->\nold\n<!-- end -->\nB <!--r:toy.descent.test-->old<!--/r-->, C\n"
    fresh = results.refreshed(page, shown.Shown({"toy": toy}, lambda _: True))
    assert "old" not in fresh
    test = f"{toy['baselines'][0]['test']:.3f}"
    assert re.search(rf"^\| descent.* \| [\d.]+ \| {test} ", fresh, re.MULTILINE)
    assert re.search(rf"^B <!--r:toy\.descent\.test-->{test} .*<!--/r-->, C$", fresh, re.MULTILINE)
    assert results.refreshed(fresh, shown.Shown({"toy": toy}, lambda _: True)) == fresh


def test_a_header_is_written_and_its_budget_adds_up(toy):
    phases = [{**one, "cpu_s": 0.4} for one in toy["phases"]]  # six of them, so that none rounds up by itself
    page = shown.Shown({"toy": {**toy, "phases": phases}}, lambda _: True)
    fresh = results.refreshed("# Toy.\n# results: toy\n# old\n# end\nseed: 3\n", page)
    assert fresh.startswith("# Toy.\n# results: toy\n# Measured ")
    assert fresh.endswith("# end\nseed: 3\n")
    rows = re.findall(r"^#  (?: +)?(\S.*?)  .* (\d+) s$", fresh, re.MULTILINE)
    assert [int(seconds) for _, seconds in rows[:-1]] == [1, 1, 0, 0, 0, 0]
    assert rows[-1] == ("in all", "2")


def test_a_budget_of_repeats_is_the_mean_of_one_and_tells_the_work_that_was_done(toy):
    phases = [{**one, "cpu_s": 6.0, "by_budget": {"4": 6}, "work": 30} for one in toy["phases"]]  # some longer
    header = shown.Shown({"toy": {**toy, "repeats": 2, "phases": phases}}, lambda _: True).header("toy")
    assert "search         3  3 at 4: 15   3 s" in header


def test_the_command_starts_from_any_folder(tmp_path):
    command = [sys.executable, str(DOCS / "results.py"), "--help"]
    bare = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    told = subprocess.run(command, cwd=tmp_path, env=bare, capture_output=True, text=True, check=True)
    assert told.stdout.startswith("Usage: results.py")
