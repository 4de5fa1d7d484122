"""``evokit compare --html``."""

import re
import shutil

import pytest

from evokit.measuring.ledger import Ledger
from evokit.results.compare import compared, sentence, verdicts
from evokit.results.page import comparison_text
from tests.cli.commands import invoke
from tests.results.page.pages import Page, assert_shown, in_a_browser
from tests.small import RECIPES, TOY_RECIPE, run


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Two with a test and a rival, one without either, two with several objectives."""
    folder = tmp_path_factory.mktemp("runs")
    toy = folder / "toy.yaml"
    toy.write_text(TOY_RECIPE)
    run(toy, folder / "one")
    run(toy, folder / "short", "search.generations=1", "seed=1")
    for name, generations in (("front", 3), ("longer", 4)):
        run(RECIPES / "zdt1.yaml", folder / name, f"search.generations={generations}", "search.population=12")
    run(RECIPES / "onemax.yaml", folder / "ones", "search.generations=2")
    return folder


def page(folder, *names):
    return Page(comparison_text([folder / name for name in names], folder / "page.html"))


def labels(found, beginning):
    return [one["aria-label"] for one in found.of("svg") if one.get("aria-label", "").startswith(beginning)]


def test_the_verdict_comes_first_with_its_interval_in_the_words_of_the_text(runs):
    told = page(runs, "one", "short").sections["What they found"]
    first, other = compared(runs / "one"), compared(runs / "short")
    (judged,), _ = verdicts(first, [other])
    said = sentence(first, judged).replace(f"{runs}/", "")
    assert told.strip().startswith(said)
    assert said.startswith("one ")
    assert f"[{judged.interval[0]:+.4g}, {judged.interval[1]:+.4g}]" in said


def test_the_sections_are_found_curves_cost_recipes_and_commands(runs):
    found = page(runs, "one", "short")
    assert list(found.sections) == ["What they found", "Curves", "Cost", "How the recipes differ", "Commands"]
    assert "search.generations 4 1" in found.sections["How the recipes differ"]
    assert "random_search" in found.sections["What they found"]  # each against its own rivals


def test_figures_have_every_run(runs):
    found = page(runs, "one", "short", "one")
    for figure in ("The champions", "loss, validation by work", "loss, validation by CPU seconds"):
        (label,) = labels(found, figure)
        assert "one" in label
        assert "short" in label
    (paired,) = labels(found, "Paired differences")
    assert "against short" in paired


def test_fronts_are_drawn_and_measured_in_one_box(runs):
    found = page(runs, "front", "longer")
    assert re.search(r"Hypervolume.*: front 0\.\d+, longer 0\.\d+", found.sections["What they found"])
    (label,) = labels(found, "f1 and f2")
    assert "front: " in label
    assert "longer: " in label


def test_without_a_test_validation_is_told_and_values_of_other_objectives_have_figures_of_their_own(runs):
    found = page(runs, "ones", "one")
    told = found.sections["What they found"]
    assert re.match(r" On validation, ones \(higher is better\): ones \d+", told)
    assert "ones has no test values: no verdict" in told
    assert len(labels(found, "ones, validation by work")) == len(labels(found, "loss, validation by work")) == 1


def test_runs_of_one_recipe_differ_in_nothing(runs):
    assert "In nothing." in page(runs, "one", "one").sections["How the recipes differ"]


def test_folders_of_one_name_are_told_apart(runs, tmp_path):
    shutil.copytree(runs / "one", tmp_path / "one")
    found = Page(comparison_text([runs / "one", tmp_path / "one"], tmp_path / "page.html"))
    assert f"{runs / 'one'} shows no difference from {tmp_path / 'one'}" in found.sections["What they found"]


def test_that_machines_differ_is_told_on_the_page_and_in_the_text(runs, tmp_path):
    shutil.copytree(runs / "one", tmp_path / "elsewhere")
    ledger = Ledger(tmp_path / "elsewhere" / "ledger.sqlite")
    ledger.set_meta("identity", ledger.meta("identity") | {"machine": "another one"})
    ledger.close()
    both = [runs / "one", tmp_path / "elsewhere"]
    said = "These ran on different machines, whose seconds and joules do not compare: "
    assert said in Page(comparison_text(both, tmp_path / "page.html")).sections["Cost"]
    assert said in " ".join(invoke("compare", *both).output.split())
    assert said not in invoke("compare", both[0], both[0]).output


def test_it_needs_nothing_else_and_escapes_what_users_write(runs, tmp_path):
    evil = tmp_path / "<script>alert('x')</script>".replace("/", "")
    shutil.copytree(runs / "one", evil)
    text = comparison_text([runs / "short", evil], tmp_path / "page.html")
    found = Page(text)
    assert not {tag for tag, _ in found.elements} & {"script", "link", "iframe", "img", "object", "form"}
    assert not re.search(r"url\(|@import|https?://", text)


def test_the_command_writes_it(runs, tmp_path):
    page = tmp_path / "new" / "page.html"
    done = invoke("compare", "--html", page, runs / "one", runs / "short")
    assert (done.exit_code, done.stdout) == (0, f"Written to {page}\n")
    assert "<h1>Comparison of one, short</h1>" in page.read_text()


def test_a_run_in_the_place_of_the_page_is_refused_and_stays_as_it_is(runs):
    done = invoke("compare", "--html", runs / "one", runs / "short")
    assert done.exit_code == 2
    assert done.output == f"--html {runs / 'one'} must end in .html or .htm: it is the page that is written\n"


@in_a_browser
@pytest.mark.parametrize("width", [400, 1280])
def test_a_browser_shows_it_without_a_complaint_and_nothing_sticks_out(runs, tmp_path, width):
    (tmp_path / "comparison.html").write_text(
        comparison_text([runs / name for name in ("one", "short", "ones", "front")], tmp_path / "comparison.html")
    )
    assert_shown(tmp_path / "comparison.html", tmp_path, width)
