import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from evokit.data.labelled import LabelledTexts, labelled_data
from evokit.data.labelled_text import LabelledSplits, LabelledText
from evokit.data.prose import Prose
from evokit.data.prose_periods import ProsePeriods
from evokit.data.text import join_documents
from evokit.errors import UserError
from evokit.interfaces import Context
from evokit.streams import Streams

CONTEXT = Context(Streams(0))


def texts(labels, classes=("a", "b", "c")):
    pieces = [np.array([i], np.uint16) for i in range(len(labels))]
    names = [str(i) for i in range(len(labels))]
    return LabelledTexts(join_documents(pieces, names), np.array(labels), classes, np.arange(len(labels)))


@given(st.lists(st.integers(0, 2), min_size=1, max_size=40), st.integers(1, 12))
def test_a_balanced_choice_has_every_class_as_often_in_any_prefix_or_is_refused(labels, n):
    mine = texts(labels)
    fewest = np.bincount(labels, minlength=3).min()
    if -(-n // 3) > fewest:
        with pytest.raises(UserError, match=f"{n} texts of 3 classes need {-(-n // 3)} of each, but class"):
            mine.balanced(n)
        return
    chosen = mine.balanced(n)
    assert len(set(chosen.tolist())) == n
    counts = np.bincount(mine.labels[chosen], minlength=3)
    assert counts.max() - counts.min() <= 1
    assert mine.balanced(1).tolist() == chosen[:1].tolist()


def test_a_shorter_choice_with_the_same_share_is_a_prefix():
    mine = texts([0, 1, 2] * 20)
    assert mine.balanced(30)[:12].tolist() == mine.balanced(12).tolist()


def test_a_side_without_a_class_is_refused():
    sides = {"train": texts([0, 1, 2]), "validation": texts([0, 2, 2]), "test": texts([0, 1, 2])}
    with pytest.raises(UserError, match="data x: no text of class b is left for validation in y"):
        labelled_data("x", "y", sides)


# --- paragraphs of the prose


@pytest.fixture(scope="module")
def periods():
    return ProsePeriods(sample=True).build(CONTEXT)


def test_paragraphs_are_stretches_of_the_addresses_without_line_breaks(periods):
    prose = Prose(sample=True).build(CONTEXT)
    for side in ("train", "validation", "test"):
        mine, documents = getattr(periods, side), getattr(prose, side)
        assert not np.isin(mine.texts.tokens, (198, 628)).any()
        where = {name: documents.document(i) for i, name in enumerate(documents.names)}
        for i, name in enumerate(mine.texts.names[:20]):
            whole, piece = where[name.split("/")[0]], mine.texts.document(i)
            assert len(piece) >= 32
            assert piece.astype("<u4").tobytes() in whole.astype("<u4").tobytes()


def test_a_paragraph_has_the_class_of_its_year(periods):
    for side in (periods.train, periods.validation, periods.test):
        for name, label in zip(side.texts.names, side.labels.tolist(), strict=True):
            first, last = map(int, side.classes[label].split("-"))
            assert first <= int(name[:4]) <= last


def test_no_year_is_on_two_sides(periods):
    years = [{name[:4] for name in side.texts.names} for side in (periods.train, periods.validation, periods.test)]
    assert sum(map(len, years)) == len(set.union(*years))


def test_paragraphs_of_one_address_are_one_unit(periods):
    side = periods.validation
    owners = [name.split("/")[0] for name in side.texts.names]
    assert side.units.tolist() == [list(dict.fromkeys(owners)).index(owner) for owner in owners]
    assert periods.sizes["validation_units"] == len(set(owners))


# --- the hub's


def saved(tmp_path, labels=(0, 1), **columns):
    import datasets

    def rows(n, start):
        made = {
            "sentence": [f"the text number {start + i} is here" for i in range(n)],
            "label": [labels[i // 3 % len(labels)] for i in range(n)],
        }
        return datasets.Dataset.from_dict(made | {name: value * n for name, value in columns.items()})

    folder = tmp_path / "set"
    datasets.DatasetDict({"train": rows(40, 0), "validation": rows(10, 100)}).save_to_disk(folder)
    return folder


def test_a_saved_task_has_its_validation_split_as_test_and_validation_cut_from_training(tmp_path):
    data = LabelledText(path=str(saved(tmp_path))).build(CONTEXT)
    assert data.sizes["test_texts"] == 10
    assert data.sizes["train_texts"] + data.sizes["validation_texts"] == 40
    assert {name.split("/")[0] for name in data.test.texts.names} == {"validation"}
    assert data.train.classes == ("0", "1")
    number = [int(name.split("/")[1]) for name in data.train.texts.names]
    assert data.train.labels.tolist() == [n // 3 % 2 for n in number]


def test_near_duplicates_in_the_test_split_are_one_unit(tmp_path):
    import datasets

    speech = " ".join(f"word{i}" for i in range(60))
    sides = {
        side: datasets.Dataset.from_dict(
            {"sentence": [f"{speech} {side}", f"a {side} text", f"{side}: {speech}", side], "label": [0, 1, 0, 0]}
        )
        for side in ("train", "validation", "test")
    }
    datasets.DatasetDict(sides).save_to_disk(tmp_path / "set")
    splits = LabelledSplits(validation="validation", test="test")
    data = LabelledText(path=str(tmp_path / "set"), splits=splits).build(CONTEXT)
    assert data.test.units.tolist() == [0, 1, 0, 2]
    assert data.sizes["test_units"] == 3
    assert data.sizes["near_duplicates_left_out"] == 4
    assert data.train.texts.names == ("train/00000001", "train/00000003")


def test_a_part_of_the_test_texts_is_kept_in_the_vault(tmp_path):
    path = str(saved(tmp_path))
    whole, data = (LabelledText(path=path, vault=share).build(CONTEXT) for share in (0.0, 0.7))
    assert sorted(data.test.texts.names + data.vault.texts.names) == sorted(whole.test.texts.names)
    label_of = dict(zip(whole.test.texts.names, whole.test.labels.tolist(), strict=True))
    for side in (data.test, data.vault):
        assert side.labels.tolist() == [label_of[name] for name in side.texts.names]


def test_pairs_are_joined(tmp_path):
    path = str(saved(tmp_path, second=["more"]))
    alone, pair = (
        LabelledText(path=path, text=text).build(CONTEXT) for text in (("sentence",), ("sentence", "second"))
    )
    assert len(pair.test.texts.document(0)) > len(alone.test.texts.document(0))


def saved_rows(folder, **sides):
    """Side to texts and labels."""
    import datasets

    splits = {
        side: datasets.Dataset.from_dict({"sentence": sentences, "label": labels})
        for side, (sentences, labels) in sides.items()
    }
    datasets.DatasetDict(splits).save_to_disk(folder)
    return str(folder)


def sentences(n, word="text"):
    return [f"the {word} number {i} is here" for i in range(n)]


def shares(data, n_classes):
    sides = (data.train, data.validation, data.test)
    return [np.bincount(side.labels, minlength=n_classes).tolist() for side in sides]


@pytest.mark.parametrize("period", [2, 5, 10])
def test_labels_in_periodic_order_are_cut_class_by_class(tmp_path, period):
    path = saved_rows(tmp_path, train=(sentences(200), [i % period for i in range(200)]))
    data = LabelledText(path=path, splits=LabelledSplits(test=None)).build(CONTEXT)
    each = 200 // period
    assert shares(data, period) == [[each * 8 // 10] * period, [each // 10] * period, [each // 10] * period]


@pytest.mark.parametrize("seed", range(3))
def test_neither_order_nor_seed_decides_who_is_held_out(tmp_path, seed):
    rng = np.random.default_rng(seed)
    some, labels = sentences(60), [i // 20 for i in range(60)]
    order = rng.permutation(60).tolist()
    sorted_one = saved_rows(tmp_path / "a", train=(some, labels))
    shuffled = saved_rows(tmp_path / "b", train=([some[i] for i in order], [labels[i] for i in order]))
    splits = LabelledSplits(test=None)
    one = LabelledText(path=sorted_one, splits=splits).build(CONTEXT)
    other = LabelledText(path=shuffled, splits=splits).build(Context(Streams(seed)))
    for side in ("validation", "test"):
        assert sorted(getattr(one, side).unit_keys()) == sorted(getattr(other, side).unit_keys())


def test_near_duplicates_of_two_classes_stay_on_one_side(tmp_path):
    speech = " ".join(f"word{i}" for i in range(30))
    some = [*sentences(40), *(f"{speech} {i}" for i in range(4))]
    path = saved_rows(tmp_path, train=(some, [i % 2 for i in range(44)]))
    data = LabelledText(path=path, splits=LabelledSplits(test=None)).build(CONTEXT)
    near = {f"train/{i:08d}" for i in range(40, 44)}
    assert [near <= set(side.texts.names) for side in (data.train, data.validation, data.test)].count(True) == 1


def test_a_class_of_three_texts_is_on_all_sides(tmp_path):
    path = saved_rows(tmp_path, train=(sentences(33), [0] * 30 + [1] * 3))
    data = LabelledText(path=path, splits=LabelledSplits(test=None)).build(CONTEXT)
    assert [counts[1] for counts in shares(data, 2)] == [1, 1, 1]


def test_a_limit_takes_of_each_class_its_share(tmp_path):
    """The first texts of a data set that is sorted by class are of one class."""
    path = saved_rows(
        tmp_path, train=(sentences(80), [0] * 60 + [1] * 20), test=(sentences(40, "other"), [0] * 20 + [1] * 20)
    )
    data = LabelledText(path=path, splits=LabelledSplits(test="test"), max_texts=20).build(CONTEXT)
    held, tested = (
        np.bincount(np.concatenate(sides)).tolist()
        for sides in ([data.train.labels, data.validation.labels], [data.test.labels])
    )
    assert (held, tested) == ([15, 5], [10, 10])


def test_what_is_missing_is_left_out_as_blanks_are(tmp_path):
    path = saved_rows(
        tmp_path,
        train=([None, " ", *sentences(40)], [i % 2 for i in range(42)]),
        test=([*sentences(9, "other"), None, "\ufeff"], [i % 2 for i in range(11)]),
    )
    data = LabelledText(path=path, splits=LabelledSplits(test="test")).build(CONTEXT)
    assert len(data.train) + len(data.validation) == 40
    assert len(data.test) == 9


def test_a_label_may_be_true_or_false(tmp_path):
    path = saved_rows(tmp_path, train=(sentences(40), [i % 4 == 0 for i in range(40)]))
    data = LabelledText(path=path, splits=LabelledSplits(test=None)).build(CONTEXT)
    assert shares(data, 2) == [[24, 8], [3, 1], [3, 1]]
    assert data.train.classes == ("0", "1")


@pytest.mark.parametrize("label", [None, -1, 1.5, "a", 2**62, 7])
def test_a_label_that_is_no_class_is_told_shortly(tmp_path, label):
    labels = [i % 2 for i in range(40)]
    labels = [label if i == 30 else str(one) if isinstance(label, str) else one for i, one in enumerate(labels)]
    path = saved_rows(tmp_path, train=(sentences(40), labels))
    with pytest.raises(UserError, match=r"has the label|go up to .*, but none is 2; number the classes") as told:
        LabelledText(path=path, splits=LabelledSplits(test=None)).build(CONTEXT)
    assert len(str(told.value)) < 300


def test_many_missing_classes_are_told_shortly():
    classes = tuple(map(str, range(10_000)))
    with pytest.raises(UserError, match=r"no text of class 1, 2, 3, 4, 5 and 9,994 more is left for train"):
        labelled_data("x", "y", dict.fromkeys(("train", "validation", "test"), texts([0], classes)))


def test_numbers_in_a_column_of_texts_are_refused(tmp_path):
    path = saved_rows(tmp_path, train=(list(range(40)), [i % 2 for i in range(40)]))
    with pytest.raises(UserError, match=r"row 0 of split train of .*: column sentence holds int, not text"):
        LabelledText(path=path, splits=LabelledSplits(test=None)).build(CONTEXT)


@pytest.mark.parametrize(
    ("options", "labels", "message"),
    [
        ({"text": ("words",)}, (0, 1), "has no column words, only sentence, label"),
        ({"splits": LabelledSplits(test="exam")}, (0, 1), "has no split exam, only train, validation"),
        ({}, (-1,), "split train has the label -1: hidden, or no number from 0"),
        ({}, (0,), "has one class only"),
    ],
)
def test_what_is_missing_is_said(tmp_path, options, labels, message):
    with pytest.raises(UserError, match=message):
        LabelledText(path=str(saved(tmp_path, labels)), **options).build(CONTEXT)


def test_without_the_hub_the_packaged_task_is_named(monkeypatch):
    import datasets

    def unreachable(*_, **__):
        raise ConnectionError

    monkeypatch.setattr(datasets, "load_dataset", unreachable)
    with pytest.raises(UserError, match=r"data labelled_text: the hub cannot .* data: \{name: prose_periods\}"):
        LabelledText(config="sst2").build(CONTEXT)
