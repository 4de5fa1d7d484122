"""What the pages say is what happens: blocks run, generated parts are fresh, references are complete."""

import inspect
import json
import re
import sqlite3
from typing import get_args

import generate
import pytest
from click.testing import CliRunner

from evokit import hookspecs
from evokit.cli import main
from evokit.common.version import VERSION
from evokit.interfaces import Kind
from evokit.measuring.ledger import Ledger
from evokit.plugins import load_plugins
from evokit.recipe.check import KEYS
from evokit.runs.repeats import combine

from .conftest import ROOT
from .pages import Reader, blocks

DOCS = ROOT / "docs"
PAGES = {path.stem: path.read_text() for path in sorted(DOCS.glob("*.md"))}
OPEN = (
    "versions",
    "genes",
    "settings",
    "parts",
    "inspection",
    "metrics",
    "splits",
    "by_budget",
    "phases",
    "surrogate",
    "final",
    "objectives",
    "saved",
)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A reader's folder: the checkout's examples and recipes, and nothing else."""
    for name in ("examples", "recipes"):
        (tmp_path / name).symlink_to(ROOT / name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def contest(tmp_path_factory):
    """The directory of a run that has everything: data, screens, baselines, models, verdicts."""
    folder = tmp_path_factory.mktemp("contest")
    for block in blocks(PAGES["plugins"]):
        if block.file in ("curves.py", "curves.yaml"):
            (folder / block.file).write_text(block.text)
    words = ["run", str(folder / "curves.yaml"), "--out", str(folder / "run"), "--set", "execution.backend=inline"]
    words += ["--set", "search.generations=11", "--set", "screens.0.model.trees=5"]
    answer = CliRunner().invoke(main, words)
    assert answer.exit_code == 0, answer.output
    return folder / "run"


@pytest.mark.usefixtures("folder")
@pytest.mark.filterwarnings("ignore:A class named:RuntimeWarning")  # DEAP's, of one that another test created
@pytest.mark.parametrize("name", PAGES)
def test_blocks_do_what_the_page_says(name):
    reader = Reader()
    for block in blocks(PAGES[name]):
        reader.follow(block)


@pytest.mark.usefixtures("folder")
def test_pythons_blocks_of_the_readme_do_what_it_says():
    reader = Reader()
    found = [block for block in blocks((ROOT / "README.md").read_text()) if block.language == "pycon"]
    assert found
    for block in found:
        reader.follow(block)


@pytest.mark.parametrize("name", PAGES)
def test_no_fence_escapes_the_reader(name):
    assert PAGES[name].count("```") == 2 * len(list(blocks(PAGES[name])))


@pytest.mark.parametrize("name", PAGES)
def test_generated_parts_are_fresh(name):
    assert generate.refreshed(PAGES[name]) == PAGES[name], "python docs/generate.py writes them anew"


@pytest.mark.parametrize("page", [*(f"docs/{name}.md" for name in PAGES), "README.md", "CONTRIBUTING.md"])
def test_links_lead_to_files_and_their_headings(page):
    path = ROOT / page
    for link in re.findall(r"\]\((?!http)([^)]+)\)", path.read_text()):
        file, _, anchor = link.partition("#")
        target = path.parent / file if file else path
        assert target.exists(), link
        assert not anchor or anchor in _anchors(target.read_text()), link


def test_anchors_are_those_of_headings_alone():
    page = "# A & B: `x_y`, 8 %\n\n```sh\n# no heading\n```\n\n## Ask, and [tell](a.md)\n"
    assert _anchors(page) == {"a--b-x_y-8-", "ask-and-tell"}


def test_package_citation_and_changes_tell_the_same_version():
    citation, changes = ((ROOT / name).read_text() for name in ("CITATION.cff", "CHANGELOG.md"))
    assert f"\nversion: {VERSION}\n" in citation
    assert f"\nversion = {VERSION}\n" in (ROOT / "setup.cfg").read_text()
    (date,) = re.findall(rf"^## {re.escape(VERSION)}, (\S+)$", changes, re.M)
    assert f"\ndate-released: {date}\n" in citation


def test_the_index_has_every_page():
    assert [name for name in PAGES if f"({name}.md)" not in PAGES["index"] and name != "index"] == []


def test_the_site_has_every_page_once():
    nav = (ROOT / "mkdocs.yml").read_text().partition("\nnav:\n")[2]
    assert sorted(re.findall(r"- (?:.*: )?(\w+)\.md$", nav, re.MULTILINE)) == sorted(PAGES)


def test_every_hook_has_a_heading_with_its_signature():
    for name, hook in inspect.getmembers(hookspecs, inspect.isfunction):
        if hasattr(hook, "evokit_spec"):
            signature = str(inspect.signature(hook)).replace("'", "")
            assert f"### {name}{signature}\n" in PAGES["plugins"]


def test_every_kind_of_component_is_in_the_reference():
    rows = re.findall(r"^\| `(\w+)` \|", PAGES["plugins"].partition("| kind | real thing |")[2], re.MULTILINE)
    assert rows == list(get_args(Kind))


def test_the_page_on_trust_says_of_every_baseline_what_it_takes_away():
    rows = re.findall(r"^\| (`.+?) \| (.+?) \|", _section(PAGES["trust"], "What each control takes away"), re.MULTILINE)
    said = {(name, fits.strip("`")) for names, fits in rows for name in re.findall(r"`(\w+)`", names)}
    offered = [one.component for one in load_plugins().offers if one.component.kind == "baseline"]
    assert said == {
        (one.name, one.fits or "any") for one in offered if one.options_class.__module__.startswith("evokit")
    }


def test_every_key_of_a_recipe_is_explained():
    assert _first_cells(_section(PAGES["recipes"], "Keys").partition("The settings of the core")[0]) == set(KEYS)


def test_every_key_of_the_summary_is_explained_and_no_other(contest):
    summary = json.loads((contest / "summary.json").read_text())
    found = set(_paths(combine([summary, summary], 2))) | set(_paths(summary))
    said = _first_cells(_section(PAGES["run_directory"], "summary.json"))
    assert found == {re.sub(r"\.\*$", "", path) for path in said}


def test_every_file_of_a_run_is_explained(contest):
    said = _first_cells(PAGES["run_directory"].partition("## summary.json")[0])
    assert {path.name for path in contest.iterdir()} | {"export", "plot.png", "plot.csv"} == said


def test_every_column_of_the_ledger_is_explained(tmp_path):
    path = tmp_path / "ledger.sqlite"
    Ledger(path).close()
    db = sqlite3.connect(path)
    tables = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    for table in tables:
        columns = {row[1] for row in db.execute(f"PRAGMA table_info({table})")}
        assert _first_cells(_section(PAGES["run_directory"], table, "###")) == columns, table


def _anchors(page: str) -> set[str]:
    """Of a page's headings, as GitHub makes them, and the site."""
    headings = re.findall(r"^#+ (.*)$", re.sub(r"^```.*?^```$", "", page, flags=re.DOTALL | re.MULTILINE), re.MULTILINE)
    bare = (re.sub(r"\[(.*?)\]\(.*?\)", r"\1", heading).lower() for heading in headings)
    return {re.sub(r"[^\w\- ]", "", heading).replace(" ", "-") for heading in bare}


def _section(page: str, title: str, level: str = "##") -> str:
    """A page's text from a heading to the next one."""
    _, heading, rest = page.partition(f"\n{level} {title}\n")
    assert heading, title
    return re.split(r"^#+ ", rest, maxsplit=1, flags=re.MULTILINE)[0]


def _first_cells(text: str) -> set[str]:
    """All that stands in code font in the first column of a table."""
    rows = re.findall(r"^\| (`.*?) \|", text, re.MULTILINE)
    return {name for row in rows for name in re.findall(r"`([^`]+)`", row)}


def _paths(value, path=""):
    """Dotted paths of a summary's values, as the page writes them; nothing below names that vary."""
    if isinstance(value, dict) and path.rpartition(".")[2] not in OPEN:
        for key, inner in value.items():
            yield from _paths(inner, f"{path}.{key}" if path else key)
    elif isinstance(value, list) and value and isinstance(value[0], dict) and path != "repeats[].verdicts":
        for inner in value:
            yield from _paths(inner, f"{path}[]")
    else:
        yield path
