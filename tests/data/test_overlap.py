from dataclasses import replace

import numpy as np

from evokit.data import overlap as module
from evokit.data.labelled import LabelledTexts, labelled_data
from evokit.data.overlap import overlap_told
from evokit.data.text import text_data
from evokit.data.vocabulary import encode_documents
from evokit.interfaces import Data

SPEECH = " ".join(f"word{i}" for i in range(40))


def documents(**texts):
    return encode_documents(list(texts.values()), list(texts))


def test_it_is_told_how_many_test_texts_are_elsewhere_and_which_most_of_all():
    data = text_data(
        "n",
        "o",
        train=documents(a="Nothing of the kind.", b=f"{SPEECH} and so on"),
        validation=documents(c="Other."),
        test=documents(d=f"What was said: {SPEECH}", e="Unheard of.", f=SPEECH),
    )
    assert overlap_told(data) == (
        "2 of 3 test texts have 3% or more of their runs of 10 words in training or validation too: of f 100%, "
        "most of it in b"
    )


def test_texts_with_classes_are_looked_at_too():
    def side(*texts):
        names = [f"{text[:5]}{i}" for i, text in enumerate(texts)]
        return LabelledTexts(encode_documents(texts, names), np.array([0, 1]), ("x", "y"), np.arange(2))

    sides = {"train": side("One.", "Two."), "validation": side("Three.", SPEECH), "test": side("Four.", f"{SPEECH} x")}
    assert overlap_told(labelled_data("n", "o", sides)).startswith("1 of 2 test texts")


def test_it_is_told_how_many_texts_were_left_out():
    data = text_data("n", "o", train=documents(a="One."), validation=documents(b="Two."), test=documents(c=SPEECH))
    left_out = replace(data, sizes={**data.sizes, "near_duplicates_left_out": 3})
    assert overlap_told(left_out) == "near-duplicates of texts of another split that were left out: 3"


def test_nothing_is_told_where_nothing_is_shared():
    data = text_data("n", "o", train=documents(a="One."), validation=documents(b="Two."), test=documents(c=SPEECH))
    assert overlap_told(data) == ""


def test_nothing_is_told_of_data_that_are_no_texts():
    assert overlap_told(Data("n", "o", "digest", {}, [1], [2], [1])) == ""


def test_it_is_counted_once_for_the_same_data(monkeypatch, tmp_path):
    monkeypatch.setenv("EVOKIT_CACHE", str(tmp_path))
    data = text_data("n", "o", train=documents(a=SPEECH), validation=documents(b="Two."), test=documents(c=SPEECH))
    once = overlap_told(data)
    monkeypatch.setattr(module, "overlap", None)
    assert overlap_told(data) == once != ""
