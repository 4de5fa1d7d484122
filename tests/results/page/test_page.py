"""``report.html``: what is on it, that it needs nothing else, and that it never harms a run."""

import json
import logging
import re
import shutil
from dataclasses import replace
from importlib import resources

import pytest

import evokit
from evokit.energy import Cost
from evokit.measuring.history import Born
from evokit.measuring.ledger import Ledger
from evokit.results.page import page_text, write_page
from evokit.results.page.population import ancestors, credit
from evokit.results.report import SAYS
from tests.cli.commands import invoke
from tests.results.page.pages import Page, assert_shown, in_a_browser, page
from tests.small import RECIPE, RECIPES, TOY_RECIPE, write_recipe

MOST_BYTES = 3e6
RAISING = RECIPE.replace("{name: odd}", "{name: odd, fails: raises}")
EVIL = "<script>alert('x')</script>"


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    """A contest with trained and searching rivals."""
    folder = tmp_path_factory.mktemp("toy")
    (folder / "toy.yaml").write_text(TOY_RECIPE)
    done = invoke("run", folder / "toy.yaml", "--plain", "--out", folder / "run")
    assert done.exit_code == 0, done.output
    return folder / "run"


@pytest.fixture(scope="module")
def failing(tmp_path_factory):
    """A run with a surrogate and a race, of which half of the individuals raise."""
    folder = tmp_path_factory.mktemp("small")
    recipe = write_recipe(folder, RAISING)
    done = invoke("run", recipe, "--plain", "--out", folder / "run")
    assert done.exit_code == 0, done.output
    return folder / "run"


def test_the_sections_come_in_the_order_in_which_a_reader_doubts(toy):
    assert list(page(toy).sections) == [
        "What it found", "Curves", "Cost", "Population", "Openings of the test split", "Recipe", "Versions", "Commands",
    ]  # fmt: skip


def test_verdicts_come_first_in_the_report_s_words(toy):
    summary = json.loads((toy / "summary.json").read_text())
    told = page(toy).sections["What it found"]
    first = next(one for one in summary["verdicts"] if one["against"] == summary["rival"])
    said = f"The champion {SAYS[first['verdict']]} {first['against']}, the best baseline on validation:"
    assert told.strip().startswith(said)
    for one in summary["verdicts"]:
        assert f"The champion {SAYS[one['verdict']]} {one['against']}" in told
    text = " ".join(invoke("report", toy).output.split())
    assert re.search(rf"{re.escape(said[1:])} \S+ \[\S+ \S+ \(\w+ is better\), n = \d+", text).group() in told


def test_failures_screens_and_population_are_told(failing):
    found = page(failing).sections
    assert "raised ArithmeticError: an odd number of ones" in found["Failures"]
    command = re.search(r"evokit replay \S+ ([0-9a-f]+)", found["Failures"])
    assert invoke(*command.group().split()[1:]).exit_code == 1  # it raises again
    assert "Surrogate: " in found["Surrogate and races"]
    assert "Race: " in found["Surrogate and races"]
    assert "at 1 at 4" in found["Surrogate and races"]
    assert "Whether the right ones were dropped" in found["Surrogate and races"]
    drawn = [one["aria-label"] for one in page(failing).of("svg") if "aria-label" in one]
    summary = json.loads((failing / "summary.json").read_text())
    pairs = summary["screens"][0]["pairs"]
    assert len(pairs) == summary["screens"][0]["audit"][-1]["n"]
    assert any(f"individuals: {len(pairs)} points of predicted and measured" in label for label in drawn)
    assert "random" in found["Population"]


@pytest.mark.parametrize(
    ("recipe", "section", "figure"), [("zdt1", "Front", "f1 and f2"), ("planar_arm", "Archive", "Best")]
)
def test_fronts_and_archives_have_a_picture(tmp_path, recipe, section, figure):
    small = ["--set", "search.generations=3"]
    assert invoke("run", RECIPES / f"{recipe}.yaml", "--plain", "--out", tmp_path / "run", *small).exit_code == 0
    found = page(tmp_path / "run")
    assert figure in found.sections[section]
    assert any(one.get("aria-label", "").startswith(figure) for one in found.of("svg"))


def test_it_refers_to_nothing_outside_of_itself_and_runs_no_script(toy, failing):
    for folder in (toy, failing):
        text = (folder / "report.html").read_text(encoding="utf-8")
        found = Page(text)
        targets = [
            value for _, one in found.elements for key, value in one.items() if key in ("href", "src", "xlink:href")
        ]
        assert targets
        assert all(target.startswith("#") for target in targets)
        assert not re.search(r"url\(|@import|https?://", text)
        assert not {tag for tag, _ in found.elements} & {"script", "link", "iframe", "img", "object", "form"}
        assert len(text.encode()) < MOST_BYTES


def test_figures_and_tables_are_told_to_those_who_do_not_see_them(toy):
    found = page(toy)
    drawn = [one for one in found.of("svg") if one.get("aria-hidden") != "true"]
    assert len(drawn) == len(found.of("figure")) >= 5
    assert all(one["role"] == "img" and len(one["aria-label"]) > 20 for one in drawn)
    assert all(one.get("scope") in ("col", "row") for one in found.of("th"))
    assert [one["lang"] for one in found.of("html")] == ["en"]
    ids = [one["id"] for _, one in found.elements if "id" in one]
    assert len(ids) == len(set(ids))
    assert {one["href"][1:] for one in found.of("a")} <= set(ids)


CONTRAST = {"text": 7, "quiet": 4.5, "link": 4.5, "warn": 4.5, **{f"c{at}": 3 for at in range(7)}}


def luminance(colour):
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (one / 12.92 if one <= 0.04045 else ((one + 0.055) / 1.055) ** 2.4 for one in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def test_text_and_lines_stand_out_on_light_and_dark_ground():
    style = (resources.files("evokit.results.page") / "style.css").read_text()
    schemes = re.findall(r":root \{([^}]+)\}", style)
    assert len(schemes) == 2
    for scheme in schemes:
        colours = dict(re.findall(r"--([\w-]+): (#\w{6})", scheme))
        for name, least in {
            "text": 7,
            "quiet": 4.5,
            "link": 4.5,
            "warn": 4.5,
            **{f"c{at}": 3 for at in range(7)},
        }.items():
            for ground in ("ground", "panel"):
                dark, light = sorted((luminance(colours[name]), luminance(colours[ground])))
                assert (light + 0.05) / (dark + 0.05) >= least, (name, ground)


def test_what_users_write_is_escaped(tmp_path):
    plugin = tmp_path / "evil.py"
    plugin.write_text(f'''
from evokit import hookimpl
from evokit.common.charts import Series, line_chart
from evokit.facts import ReportSection
from markupsafe import Markup

@hookimpl
def evokit_report_sections(report):
    word = "{EVIL}"
    figure = line_chart(word, [Series(word, [(1, 1.0), (2, 2.0)]), Series("b", [(1, 1.0)])], x=word, y=word)
    return [ReportSection(word, word, [figure]), ReportSection("Bold", Markup("<b>{{}}</b>").format(word))]
''')
    write_recipe(tmp_path)
    (tmp_path / "odd.py").write_text((tmp_path / "odd.py").read_text().replace("an odd number of ones", EVIL))
    recipe = tmp_path / "a <b> & 'c'.yaml"
    recipe.write_text(RAISING.replace("plugins: [", "plugins: [./evil.py, "))
    done = invoke("run", recipe, "--plain", "--out", tmp_path / "run")
    assert done.exit_code == 0, done.output
    text = (tmp_path / "run" / "report.html").read_text()
    found = Page(text)
    assert EVIL not in text
    assert "script" not in {tag for tag, _ in found.elements}
    assert EVIL in found.sections["Failures"]
    assert EVIL in found.sections[EVIL]
    assert EVIL in found.sections["Bold"]
    assert len([tag for tag, _ in found.elements if tag == "b"]) == 1


@pytest.mark.parametrize("body", ["raise KeyError('lost')", "return 3", "yield 'no section'"])
def test_a_plugin_that_cannot_add_is_named_and_harms_nothing(tmp_path, body):
    (tmp_path / "broken.py").write_text(
        f"from evokit import hookimpl\n@hookimpl\ndef evokit_report_sections(report):\n    {body}\n"
    )
    recipe = tmp_path / "one.yaml"
    recipe.write_text((RECIPES / "onemax.yaml").read_text() + f"plugins: [{tmp_path / 'broken.py'}]\n")
    assert invoke("run", recipe, "--plain", "--out", tmp_path / "run", "--set", "search.generations=1").exit_code == 0
    told = page(tmp_path / "run").sections["Plugin broken.py"]
    assert "The plugin broken.py could not add to this page: " in told


def test_it_is_written_anew_on_request(toy, tmp_path):
    shutil.copytree(toy, tmp_path / "run")
    (tmp_path / "run" / "report.html").unlink()
    done = invoke("report", "--html", tmp_path / "run")
    assert done.exit_code == 0
    assert done.stdout == f"Written to {tmp_path / 'run' / 'report.html'}\n"
    assert list(page(tmp_path / "run").sections) == list(page(toy).sections)
    assert invoke("report", "--html", tmp_path / "nowhere").exit_code == 2


def test_a_run_whose_recipe_cannot_be_loaded_has_a_page_that_says_so(failing, tmp_path):
    run = shutil.copytree(failing, tmp_path / "run")
    recipe = (run / "recipe.yaml").read_text()
    (run / "recipe.yaml").write_text(re.sub(r"plugins:\n- .*", "plugins: [/gone.py]", recipe))
    write_page(run)
    found = page(run)
    assert any("as the recipe cannot be loaded here" in text for text in [(run / "report.html").read_text()])
    assert "What it found" in found.sections


def test_an_opening_by_verify_is_on_it(toy, tmp_path):
    run = shutil.copytree(toy, tmp_path / "run")
    invoke("verify", run)
    assert "The test split was opened 2 times." in page(run).sections["Openings of the test split"]


def test_a_vault_has_a_heading_of_its_own(toy, tmp_path):
    run = shutil.copytree(toy, tmp_path / "run")
    summary = json.loads((run / "summary.json").read_text())
    kept = {key: summary[key] for key in ("final", "baselines", "rival", "verdicts", "register")}
    (run / "summary.json").write_text(json.dumps(summary | {"vault": {"opened_at": "2026-11-29", **kept}}))
    write_page(run)
    told = page(run).sections["What it found"]
    assert "The vault, opened at 2026-11-29" in told
    assert told.count("the best baseline on validation:") == 2


def test_repeats_share_a_page(tmp_path):
    (tmp_path / "toy.yaml").write_text(TOY_RECIPE + "repeats: 2\n")
    assert invoke("run", tmp_path / "toy.yaml", "--plain", "--out", tmp_path / "run").exit_code == 0
    found = page(tmp_path / "run")
    assert "best, repeat 1 best, repeat 2" in found.sections["Curves"]
    assert "mean over repeats" in found.sections["Cost"]
    assert re.search(r"Of the repeat with seed [01]\.", found.sections["Population"])


def test_what_repeats_share_is_in_the_table_of_times_once(tmp_path):
    (tmp_path / "toy.yaml").write_text(TOY_RECIPE + "repeats: 2\n")
    assert invoke("run", tmp_path / "toy.yaml", "--plain", "--out", tmp_path / "run").exit_code == 0
    for repeat in (0, 1):
        ledger = Ledger(tmp_path / "run" / f"repeat-{repeat}" / "ledger.sqlite")
        cost = Cost.none()
        ledger.add_cost("prepare/shared", replace(cost, wall_s=4.0, cpu_s=8.0))
        ledger.add_cost("prepare/own", replace(cost, wall_s=4.0, cpu_s=8.0 + repeat))
        ledger.close()
    write_page(tmp_path / "run")
    told = page(tmp_path / "run").sections["Cost"]
    assert "prepare/shared 8.0 4.0" in told
    assert "prepare/own 17.0 8.0" in told


def test_repeats_of_a_search_for_fronts_begin_with_what_the_fronts_say(tmp_path):
    small = ("--set", "repeats=2", "--set", "search={name: nsga2, population: 8, generations: 4}")
    assert invoke("run", RECIPES / "zdt1.yaml", "--plain", "--out", tmp_path / "run", *small).exit_code == 0
    told = page(tmp_path / "run").sections["What it found"]
    words = r" By hypervolume the search (is|shows) .* random_search: \S+ \[.*\] \(higher is better\), n = 2 repeats"
    assert re.match(words, told)


def test_a_page_that_cannot_be_written_is_a_warning(tmp_path, monkeypatch, caplog):
    def broken(folder, recipe):
        raise RecursionError("too deep")

    monkeypatch.setattr("evokit.results.page.writing.page_text", broken)
    with caplog.at_level(logging.WARNING, "evokit"):
        done = evokit.minimize(lambda x: float((x**2).sum()), low=-1, high=1, work=40, directory=tmp_path / "run")
    assert done.status == "done"
    assert "report.html was not written: RecursionError: too deep" in caplog.text


def test_a_run_that_fails_has_a_page_too(tmp_path):
    recipe = write_recipe(tmp_path, RECIPE.replace("{name: odd}", "{name: odd, fails: nan, all: true}"))
    assert invoke("run", recipe, "--plain", "--out", tmp_path / "run").exit_code == 1
    found = page(tmp_path / "run").sections
    assert "No champion is named yet" in found["What it found"]
    assert "nan" in found["Failures"]
    assert "# goes on with it" in found["Commands"]


def test_a_run_that_is_interrupted_has_a_page_too(tmp_path, monkeypatch):
    def interrupted(run):
        raise KeyboardInterrupt

    monkeypatch.setattr("evokit.runs.run.Run._confirm", interrupted)
    done = invoke("run", write_recipe(tmp_path), "--plain", "--out", tmp_path / "run")
    assert done.exit_code == 130
    assert "small.yaml: interrupted, seed 3, 8 generations" in (tmp_path / "run" / "report.html").read_text()
    assert "# goes on with it" in page(tmp_path / "run").sections["Commands"]


def test_a_run_from_python_has_a_page_only_where_it_has_a_directory(tmp_path):
    written = []
    for directory in (None, tmp_path / "run"):
        run = evokit.minimize(lambda x: float((x**2).sum()), low=-1, high=1, work=40, directory=directory)
        written.append((run.directory / "report.html").exists())
    assert written == [False, True]


def test_a_run_that_is_refused_touches_no_page(toy):
    before = (toy / "report.html").read_bytes()
    assert invoke("run", "onemax", "--out", toy).exit_code == 2
    assert (toy / "report.html").read_bytes() == before


BORN = {
    "a": Born(0, [], "random"),
    "b": Born(0, [], "random"),
    "c": Born(1, ["a", "b"], "crossover"),
    "d": Born(2, ["c", "a"], "mutation"),
    "e": Born(2, ["c", "b"], "mutation"),
}


def test_credit_is_for_children_better_than_their_better_parent():
    values = {"a": 3.0, "b": 5.0, "c": 2.0, "d": 1.0}  # e was not measured
    assert credit(BORN, values, {"name": "loss", "goal": "min"}).rows == [
        ("random", "2", "2", "", ""), ("crossover", "1", "1", "1", "100.0%"), ("mutation", "2", "1", "1", "100.0%"),
    ]  # fmt: skip
    assert credit(BORN, values, {"name": "gain", "goal": "max"}).rows[1] == ("crossover", "1", "1", "0", "0.0%")


def test_ancestors_are_the_better_parents():
    values = {"a": 3.0, "b": 5.0, "c": 2.0, "d": 1.0}
    assert [key for key, _ in ancestors("d", BORN, values, "min")] == ["d", "c", "a"]
    assert [key for key, _ in ancestors("d", BORN, values, "max")] == ["d", "a"]
    assert [key for key, _ in ancestors("d", BORN, {}, "max")] == ["d", "c", "a"]
    assert list(ancestors("unknown", BORN, values, "min")) == []


@in_a_browser
@pytest.mark.parametrize("width", [400, 1280])
def test_a_browser_shows_it_without_a_complaint_and_nothing_sticks_out(toy, tmp_path, width):
    assert_shown(toy / "report.html", tmp_path, width)


def test_a_folder_that_is_no_run_has_no_page(tmp_path):
    with pytest.raises(evokit.UserError, match="has nothing to show yet"):
        page_text(tmp_path)
