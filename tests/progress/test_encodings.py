"""Terminals whose encoding lacks letters: whatever is shown is shown, and nothing ends by it."""

import io
from contextlib import closing

import pytest
from click.testing import CliRunner

from evokit.cli import main
from evokit.progress import Totals, make_progress

ENCODINGS = ["ascii", "latin-1", "cp1252", "cp437"]
WORD = "a · b … grün ▁ 値"


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("live", [True, False])
@pytest.mark.parametrize("columns", ["40", "120"])
@pytest.mark.parametrize("colour", ["NO_COLOR", "COLORTERM"])
def test_a_display_shows_everything_in_any_encoding(monkeypatch, encoding, live, columns, colour):
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setenv(colour, "1")
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding, write_through=True)
    with closing(make_progress(stream, live)) as shown:
        shown.phase(WORD)
        shown.generation(1, 9)
        shown.evaluated(1, 20, 1, 0, 3.0)
        for value in (3.0, 2.0):
            shown.best(value, WORD, "min")
        shown.totals(Totals(1, 0, 0, 3.0, 3.0, 100.0))
        shown.note(WORD)
        shown.note(WORD, keep=True)
    said = stream.buffer.getvalue().decode(encoding)
    assert "\\u5024" in said  # the last of the word, which all of them lack
    assert "a · b" in said if encoding != "ascii" else "a - b" in said


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_command_tells_everything_in_any_encoding(tmp_path, encoding):
    (tmp_path / WORD).mkdir()
    (tmp_path / WORD / "recipe.yaml").write_text("")
    done = CliRunner(charset=encoding).invoke(main, ["runs", str(tmp_path)])
    assert done.exit_code == 0
    assert b"\\u5024" in done.stdout_bytes or "値".encode() in done.stdout_bytes
