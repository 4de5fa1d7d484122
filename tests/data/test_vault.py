from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from evokit.data.image_set import ImageSet
from evokit.data.images import Images
from evokit.data.labelled import LabelledTexts
from evokit.data.prose import Prose
from evokit.data.prose_periods import ProsePeriods
from evokit.data.text import join_documents
from evokit.data.text_files import TextFiles
from evokit.data.vault import cut_vault, unit_keys
from evokit.interfaces import Context
from evokit.streams import Streams
from tests.data.image_fixtures import striped_images

CONTEXT = Context(Streams(0))


def documents(n):
    return join_documents([np.array([i, 7, i]) for i in range(n)], [f"document {i}" for i in range(n)])


def labelled(units):
    """One text a number of a unit, each of its own token."""
    texts = join_documents([np.array([i]) for i in range(len(units))], [str(i) for i in range(len(units))])
    return LabelledTexts(texts, np.arange(len(units)) % 2, ("a", "b"), np.array(units))


SPLITS = {
    "array": np.arange(40.0).reshape(20, 2),
    "documents": documents(20),
    "images": striped_images(20),
    "labelled texts": labelled([i // 3 for i in range(60)]),
    "mapping": {"a": np.arange(20.0), "b": striped_images(20)},
}


@pytest.mark.parametrize("name", SPLITS)
def test_every_unit_is_on_one_of_the_two_sides(name):
    whole = unit_keys(SPLITS[name])
    test, vault = map(unit_keys, cut_vault(SPLITS[name], 0.5))
    assert sorted(test + vault) == sorted(whole)
    assert 0.2 < len(vault) / len(whole) < 0.8


@pytest.mark.parametrize("name", SPLITS)
def test_a_share_of_nothing_leaves_the_split_as_it_is(name):
    test, vault = cut_vault(SPLITS[name], 0.0)
    assert test is SPLITS[name]
    assert vault is None


@given(st.sets(st.floats(-5, 5), min_size=2), st.floats(0.1, 0.9), st.floats(0.1, 0.9), st.randoms())
def test_a_unit_of_a_smaller_vault_is_in_every_larger_one_whatever_is_beside_it(units, one, other, random):
    some = random.sample(sorted(units), random.randint(2, len(units)))
    try:
        small = cut_vault(np.array(some), min(one, other))[1]
        large = cut_vault(np.array(sorted(units)), max(one, other))[1]
    except ValueError:
        assume(False)
    assert set(small.tolist()) <= set(large.tolist())


def test_about_the_share_is_cut():
    _, vault = cut_vault(np.arange(4000.0), 0.3)
    assert abs(len(vault) - 1200) < 4 * (4000 * 0.3 * 0.7) ** 0.5


def test_names_decide_in_place_of_contents():
    names = [f"unit {i}" for i in range(30)]
    _, vault = cut_vault(np.arange(30.0), 0.5, names)
    assert cut_vault(np.arange(30.0) + 100, 0.5, names)[1].tolist() == (vault + 100).tolist()


def test_documents_of_one_group_are_one_unit_and_on_one_side():
    split = replace(documents(30), groups=np.arange(30) // 3)
    assert len(unit_keys(split)) == 10
    test, vault = cut_vault(split, 0.5)
    assert set(test.groups.tolist()).isdisjoint(vault.groups.tolist())
    assert len(test) + len(vault) == 30
    assert sorted(unit_keys(test) + unit_keys(vault)) == sorted(unit_keys(split))


@pytest.mark.parametrize(("share", "empty"), [(0.001, "the vault"), (0.999, "the test")])
def test_an_empty_side_is_refused(share, empty):
    with pytest.raises(ValueError, match=f"a share of {share} of 20 test units leaves none for {empty}"):
        cut_vault(documents(20), share)


def test_units_that_cannot_be_told_apart_are_refused():
    with pytest.raises(TypeError, match="the units of list cannot be told apart"):
        cut_vault([1, 2, 3], 0.5)


def test_a_unit_of_labelled_texts_has_all_its_texts():
    split = labelled([0, 0, 1, 2, 2, 2])
    assert len(unit_keys(split)) == 3
    some = split.take_units(np.array([0, 2]))
    assert some.texts.names == ("0", "1", "3", "4", "5")
    assert some.labels.tolist() == [0, 1, 1, 0, 1]
    assert some.units.tolist() == [0, 0, 1, 1, 1]
    assert unit_keys(some) == [unit_keys(split)[0], unit_keys(split)[2]]


def test_the_same_document_is_the_same_unit_under_any_name_and_integer_type():
    one = join_documents([np.array([1, 2], np.uint16)], ["a"])
    other = join_documents([np.array([1, 2], np.int64)], ["b"])
    assert unit_keys(one) == unit_keys(other)


def test_images_keep_their_labels_and_statistics():
    images = striped_images(20)
    some = images.take_units(np.array([3, 5]))
    assert isinstance(some, ImageSet)
    assert (some.images == images.images[[3, 5]]).all()
    assert some.labels.tolist() == images.labels[[3, 5]].tolist()
    assert (some.mean == images.mean).all()


# --- every data component


COMPONENTS = {
    "prose": Prose(sample=True),
    "prose_periods": ProsePeriods(sample=True, years=120),
    "images": Images(("digits",)),
}


def with_vault(options, share=0.5):
    return replace(options, vault=share).build(CONTEXT)


@pytest.mark.parametrize("name", COMPONENTS)
def test_a_component_cuts_its_test_side_alone_and_tells_the_size_of_both(name):
    plain, cut_off = COMPONENTS[name].build(CONTEXT), with_vault(COMPONENTS[name])
    assert plain.vault is None
    assert unit_keys(cut_off.train) == unit_keys(plain.train)
    assert unit_keys(cut_off.validation) == unit_keys(plain.validation)
    assert sorted(unit_keys(cut_off.test) + unit_keys(cut_off.vault)) == sorted(unit_keys(plain.test))
    assert cut_off.digest != plain.digest
    for key, size in plain.sizes.items():
        if "test" in key:
            assert cut_off.sizes[key] + cut_off.sizes[key.replace("test", "vault")] == size


def test_text_files_have_a_vault(tmp_path):
    for i in range(60):
        (tmp_path / f"{i:02}.txt").write_text(f"text number {i}")
    data = with_vault(TextFiles(str(tmp_path)))
    assert data.sizes["test_documents"] + data.sizes["vault_documents"] == 6


def test_the_years_in_the_vault_are_those_of_prose_whatever_is_made_of_it():
    prose, periods = with_vault(COMPONENTS["prose"]), with_vault(COMPONENTS["prose_periods"])
    since = with_vault(Prose(sample=True, since=1900))
    years = {name[:4] for name in prose.vault.names}
    assert {name[:4] for name in periods.vault.texts.names} <= years
    assert {name[:4] for name in since.vault.names} == {year for year in years if int(year) >= 1900}
