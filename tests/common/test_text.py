"""Sentences keep to the terminal that they are told to, and elsewhere to one width."""

from types import SimpleNamespace

import pytest

from evokit.common.text import WIDTH, wrapped

SENTENCE = "word " * 60


@pytest.mark.parametrize(
    ("stdout", "widest"),
    [
        (SimpleNamespace(isatty=lambda: True), 60),
        (SimpleNamespace(isatty=lambda: False), WIDTH),
        (SimpleNamespace(), WIDTH),
        (None, WIDTH),
    ],
)
def test_sentences_are_as_wide_as_the_terminal_if_there_is_one(monkeypatch, stdout, widest):
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setattr("sys.stdout", stdout)
    lines = wrapped(SENTENCE).splitlines()
    assert widest - len("word ") < max(map(len, lines)) <= widest


def test_no_terminal_is_too_wide_for_one(monkeypatch):
    monkeypatch.setenv("COLUMNS", "300")
    monkeypatch.setattr("sys.stdout", SimpleNamespace(isatty=lambda: True))
    assert max(map(len, wrapped(SENTENCE).splitlines())) <= WIDTH
