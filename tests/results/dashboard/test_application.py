import json
import re
import shutil
import subprocess

import pytest

from evokit.assembly.directory import RunDirectory
from evokit.results.dashboard import application
from evokit.results.dashboard.overview import COLUMNS, Row
from evokit.results.page import page_text
from evokit.results.page.templates import policy_source
from tests.results.page.pages import CHROMIUM, Page, assert_shown, in_a_browser
from tests.small import files

TELLING = r"Written \S+ by"


def test_the_table_has_a_row_for_each_run_and_sorts_by_each_column(done, tmp_path, ask):
    shutil.copytree(done, tmp_path / "b <&")
    shutil.copytree(done, tmp_path / "more" / "a")
    status, text, _ = ask("/")
    page = Page(text)
    assert status == 200
    assert "2 runs, 0 running." in text
    assert [one["href"] for one in page.of("a")][1 : 1 + len(COLUMNS)] == [
        f"?sort={name}&down={int(column.down and name != 'written')}" for name, column in COLUMNS.items()
    ]
    for down, names in ((0, ["b <&", "more/a"]), (1, ["more/a", "b <&"])):
        sorted_page = Page(ask(f"/?sort=run&down={down}")[1])
        assert [one["href"] for one in sorted_page.of("a")][-2:] == [
            {"b <&": "run/b%20%3C%26", "more/a": "run/more/a"}[name] for name in names
        ]
        assert [one["aria-sort"] for one in sorted_page.of("th") if "aria-sort" in one] == [
            "descending" if down else "ascending"
        ]
    assert ask("/?sort=nonsense&down=x")[0] == 200


def test_the_page_needs_nothing_from_elsewhere(done, tmp_path, ask):
    shutil.copytree(done, tmp_path / "run")
    _, text, headers = ask("/")
    assert not [one for _, one in Page(text).elements if "src" in one or one.get("href", "").startswith("http")]
    assert headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert headers["Cache-Control"] == "no-store"


def test_a_run_has_the_report_that_evokit_writes(done, tmp_path, ask):
    folder = shutil.copytree(done, tmp_path / "a run")
    status, text, _ = ask("/run/a%20run")
    assert status == 200
    assert re.sub(TELLING, "", text) == re.sub(TELLING, "", page_text(folder))
    assert [recipe.path.name for recipe in ask.loaded] == ["recipe.yaml"]


@pytest.fixture
def at_work(done, tmp_path):
    """A run with a report, at work."""
    folder = shutil.copytree(done, tmp_path / "run")
    summary = json.loads((folder / "summary.json").read_text())
    (folder / "summary.json").write_text(json.dumps(summary | {"status": "running", "best": None}))
    with RunDirectory(folder).lock():
        yield folder


def test_the_report_of_a_run_at_work_follows_it_and_that_of_another_has_no_script(done, at_work, ask):
    text = ask("/run/run")[1]
    (script,) = re.findall(r"<script>(.*?)</script>", text, flags=re.DOTALL)
    (policy,) = [one["content"] for one in Page(text).of("meta") if "http-equiv" in one]
    assert policy.startswith("default-src 'none'; ")
    assert policy.endswith(f"; script-src {policy_source(script)}; connect-src 'self'")
    shutil.copytree(done, at_work.parent / "done")
    assert "script" not in {tag for tag, _ in Page(ask("/run/done")[1]).elements}


def test_a_run_at_work_is_left_alone(done, tmp_path, ask):
    folder = shutil.copytree(done, tmp_path / "run")
    summary = json.loads((folder / "summary.json").read_text())
    (folder / "summary.json").write_text(json.dumps(summary | {"status": "running", "best": None}))
    before = files(tmp_path)
    with RunDirectory(folder).lock():
        assert "1 run, 1 running." in ask("/")[1]
        assert "No champion is named before the end" in ask("/run/run")[1]
    assert files(tmp_path) == before


def test_before_anything_was_measured_it_is_told_how_far_the_run_is(done, tmp_path, ask):
    (tmp_path / "run" / "artifacts").mkdir(parents=True)
    shutil.copy(done / "recipe.yaml", tmp_path / "run")
    with RunDirectory(tmp_path / "run").lock():
        status, text, _ = ask("/run/run")
    assert status == 200
    assert "<h1>run</h1>" in text
    assert ">run: running\nGeneration 0/2</pre>" in text


def test_the_folder_itself_may_be_a_run(done, tmp_path, ask):
    shutil.copytree(done, tmp_path, dirs_exist_ok=True)
    assert f'<a href="run/.">{tmp_path.name}</a>' in ask("/")[1]
    assert "What it found" in ask("/run/")[1]


def test_a_folder_without_runs_is_told_in_a_sentence(tmp_path, ask):
    (tmp_path / "notes.txt").write_text("hello")
    status, text, _ = ask("/")
    assert (status, f"No runs in {tmp_path} or below yet." in text) == (200, True)


@pytest.mark.parametrize(
    "path",
    ["/run/none", "/run/../outside", "/run/%2e%2e/outside", "/run//etc", "/outside", "/run/link", "/run/notes.txt"],
)
def test_nothing_else_is_served(done, tmp_path, ask, path):
    outside = shutil.copytree(done, tmp_path.parent / f"{tmp_path.name}-outside")
    (tmp_path / "link").symlink_to(outside)
    (tmp_path / "notes.txt").write_text("notes")
    assert ask(path.replace("outside", outside.name))[0] == 404


def test_a_run_with_a_link_out_of_the_folder_is_not_shown(done, tmp_path, ask):
    folder = shutil.copytree(done, tmp_path / "run")
    secret = tmp_path.parent / f"{tmp_path.name}-secret"
    secret.write_text("secret: words")
    (folder / "recipe.yaml").unlink()
    (folder / "recipe.yaml").symlink_to(secret)
    text = ask("/run/run")[1]
    assert "leads out of" in text
    assert "words" not in text


@pytest.mark.parametrize(
    ("name", "content", "code", "words"),
    [
        ("summary.json", b"{", 200, "summary.json is damaged"),
        ("ledger.sqlite", b"no database" * 99, 200, "file is not a database"),
        ("recipe.yaml", b"\xff", 200, "the recipe cannot be loaded here"),
        ("metrics.jsonl", b'{"generation": "x", "best": 1}', 500, "Its files cannot be understood (TypeError"),
    ],
)
def test_damaged_files_are_told_in_a_sentence(done, tmp_path, ask, name, content, code, words):
    folder = shutil.copytree(done, tmp_path / "run")
    (folder / name).write_bytes(content)
    status, text, _ = ask("/run/run")
    assert (status, words in text) == (code, True)
    assert "Traceback" not in text
    assert ask("/")[0] == 200


def test_other_sites_get_nothing(done, tmp_path, ask):
    shutil.copytree(done, tmp_path / "run")
    assert ask("/", Host="evil.example")[0] == 400
    assert ask("/run/run", Sec_Fetch_Site="cross-site")[0] == 403
    assert ask.loaded == []


@in_a_browser
@pytest.mark.parametrize("width", [1280, 400])
def test_a_browser_shows_the_table(done, tmp_path, ask, width):
    shutil.copytree(done, tmp_path / "run")
    folder = tmp_path / "browser"
    folder.mkdir()
    still = re.sub(r"<script>.*?</script>", "", ask("/")[1], flags=re.DOTALL)  # a file has no server to ask
    (folder / "index.html").write_text(still)
    assert_shown(folder / "index.html", folder, width)


def looked_at(url, folder, milliseconds):
    """What a browser has made of a page after a while, in which it did not complain."""
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--no-proxy-server", "--enable-logging=stderr"]
    options += [f"--user-data-dir={folder / 'browser'}", f"--virtual-time-budget={milliseconds}", "--dump-dom"]
    seen = subprocess.run([CHROMIUM, *options, url], capture_output=True, text=True, timeout=120, check=True)
    assert "CONSOLE" not in seen.stderr
    return seen.stdout


@in_a_browser
def test_the_report_of_a_run_at_work_follows_what_changes(at_work, tmp_path, ask, monkeypatch):
    looks = []

    def told(*given):
        looks.append(given)
        return page_text(*given).replace("</h1>", f" look {len(looks)}</h1>")

    monkeypatch.setattr(application, "page_text", told)
    assert re.search(r" look [2-9]</h1>", looked_at(f"{ask.url}/run/run", tmp_path, 13_000))


@in_a_browser
def test_the_page_follows_what_changes(tmp_path, ask, monkeypatch):
    looks = []

    def row(name, run, folder):
        looks.append(name)
        return Row(name, run, f"look {len(looks)}")

    monkeypatch.setattr(application, "runs_below", lambda folder: [("run", folder / "run")])
    monkeypatch.setattr(application, "row_of", row)
    assert re.search(r"look [2-9]", looked_at(f"{ask.url}/", tmp_path, 6000))
