"""What tests of pages look at: a page's elements and sections, and a browser that shows it."""

import os
import re
import shutil
import subprocess
from html.parser import HTMLParser

import pytest

VOID = {"meta", "br", "hr", "img", "input", "link"}
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
in_a_browser = pytest.mark.skipif(
    CHROMIUM is None, reason="chromium is not installed; apt-get install chromium ends this"
)


class Page(HTMLParser):
    """A page that is checked for balanced tags, with its elements and the text below each heading."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.open, self.sections, self.tables = [], [], {}, []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] == "h2":
            self.sections[data] = ""
        elif self.sections and data.strip() and self.open[-1] != "title":
            name = list(self.sections)[-1]
            self.sections[name] += f" {' '.join(data.split())}"

    def of(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


def page(folder):
    """The page of the run in a folder."""
    return Page((folder / "report.html").read_text(encoding="utf-8"))


def assert_shown(path, folder, width):
    """A browser shows a page without a complaint, with all its figures, and nothing is wider than the window."""
    seen = browse(path, folder, width)
    assert "CONSOLE" not in seen.stderr
    assert seen.stdout.count("<figure>") == path.read_text().count("<figure>")
    title = title_after(
        path, folder, width, "document.title = document.documentElement.scrollWidth + ' of ' + innerWidth"
    )
    widths = re.search(r"(\d+) of (\d+)", title)
    assert int(widths[1]) <= int(widths[2])


def title_after(path, folder, width, script):
    """The title of a page in a browser in which a script was run."""
    open_to_scripts = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", path.read_text())
    (folder / "page.html").write_text(open_to_scripts.replace("</body>", f"<script>{script}</script></body>"))
    seen = browse(folder / "page.html", folder, width)
    assert "CONSOLE" not in seen.stderr
    return re.search(r"<title>(.*?)</title>", seen.stdout)[1]


def browse(path, folder, width):
    """A browser's standard output, the page as it became, and its complaints."""
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", f"--user-data-dir={folder}"]
    sights = [f"--window-size={width},2000", "--hide-scrollbars", "--dump-dom"]
    command = [CHROMIUM, *options, *sights, path.as_uri()]
    environ = {**os.environ, "HOME": str(folder)}
    return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=120, check=True)
