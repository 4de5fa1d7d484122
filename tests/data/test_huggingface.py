import datasets
import pytest

from evokit.data.huggingface import HuggingFace, Splits
from evokit.data.vocabulary import encode_documents
from evokit.errors import UserError
from evokit.interfaces import Context
from evokit.options import HubName
from evokit.streams import Streams

CONTEXT = Context(Streams(0))


@pytest.fixture
def saved(tmp_path):
    """Saves splits of rows to disk, returns the folder."""

    def save(column="text", **splits):
        folder = tmp_path / "-".join(splits)
        data = datasets.DatasetDict({name: datasets.Dataset.from_dict({column: rows}) for name, rows in splits.items()})
        data.save_to_disk(folder)
        return str(folder)

    return save


def rows(name, n):
    return [f"{name} number {i}." for i in range(n)]


def texts(documents):
    """As token lists, to compare with what was stored."""
    return [documents.document(i).tolist() for i in range(len(documents))]


def tokens(rows):
    return texts(encode_documents(rows))


def test_stored_splits_are_used_as_they_are(saved):
    data = HuggingFace(saved(train=rows("a", 5), validation=rows("b", 2), test=rows("c", 3))).build(CONTEXT)
    assert texts(data.train) == tokens(rows("a", 5))
    assert texts(data.validation) == tokens(rows("b", 2))
    assert texts(data.test) == tokens(rows("c", 3))
    assert data.sizes["train_documents"] == 5
    assert data.sizes["test_tokens"] == len(data.test.tokens)


def test_one_stored_split_is_split_by_document(saved):
    data = HuggingFace(saved(train=rows("a", 20))).build(CONTEXT)
    assert [len(side) for side in (data.train, data.validation, data.test)] == [16, 2, 2]


def test_the_order_of_rows_does_not_decide_who_is_held_out(saved):
    """Every tenth row is alike here, as in data sets that go round."""
    some = [f"kind {i % 10} number {i}." for i in range(200)]
    data = HuggingFace(saved(train=some)).build(CONTEXT)
    other = HuggingFace(saved(train=some[::-1], unused=["x"])).build(CONTEXT)
    for side in ("validation", "test"):
        mine = texts(getattr(data, side))
        assert sorted(mine) == sorted(texts(getattr(other, side)))
        assert len({tuple(document[:2]) for document in mine}) > 5


@pytest.mark.parametrize(("kept", "cut"), [("test", "validation"), ("validation", "test")])
def test_a_missing_side_is_cut_from_training_and_the_stored_one_stays(saved, kept, cut):
    data = HuggingFace(saved(train=rows("a", 20), **{kept: rows("b", 3)})).build(CONTEXT)
    assert texts(getattr(data, kept)) == tokens(rows("b", 3))
    assert len(getattr(data, cut)) == 2
    assert len(data.train) == 18
    assert not set(data.train.names) & set(getattr(data, cut).names)


def test_a_data_set_saved_without_splits_is_split_by_document(tmp_path):
    datasets.Dataset.from_dict({"text": rows("a", 10)}).save_to_disk(tmp_path / "plain")
    assert HuggingFace(str(tmp_path / "plain")).build(CONTEXT).sizes["train_documents"] == 8


def test_splits_and_column_can_have_other_names(saved):
    folder = saved("content", train=rows("a", 10), dev=rows("b", 2), eval=rows("c", 2))
    data = HuggingFace(folder, text="content", splits=Splits(validation="dev", test="eval")).build(CONTEXT)
    assert data.validation.names[0] == "dev/00000000"
    assert texts(data.test) == tokens(rows("c", 2))


def test_no_text_is_on_two_sides(saved):
    folder = saved(train=["x", "y", "z"], validation=["x", "w"], test=["y", "w", "v"])
    data = HuggingFace(folder).build(CONTEXT)
    assert [texts(data.train), texts(data.validation)] == [tokens(["z"]), tokens(["x"])]
    assert texts(data.test) == tokens(["y", "w", "v"])
    assert data.sizes["near_duplicates_left_out"] == 3


def test_copies_in_one_stored_split_stay_on_one_side(saved):
    data = HuggingFace(saved(train=[*rows("a", 10), "a number 9."])).build(CONTEXT)
    sides = [side.names for side in (data.train, data.validation, data.test)]
    assert [{"train/00000009", "train/00000010"} <= set(names) for names in sides].count(True) == 1


SPEECH = " ".join(f"word{i}" for i in range(60))


def test_near_duplicates_in_one_stored_split_stay_on_one_side(saved):
    data = HuggingFace(saved(train=[SPEECH, *rows("a", 18), f"{SPEECH} and so on"])).build(CONTEXT)
    assert {"train/00000000", "train/00000019"} <= set(data.train.names)


def test_near_duplicates_of_two_stored_splits_are_kept_in_one(saved):
    train = [SPEECH.upper(), "Other.", f"{SPEECH} and so on"]
    data = HuggingFace(saved(train=train, validation=[f"So: {SPEECH}", "More."], test=[SPEECH])).build(CONTEXT)
    assert data.train.names == ("train/00000001",)
    assert data.validation.names == ("validation/00000001",)
    assert data.sizes["near_duplicates_left_out"] == 3


def test_near_duplicates_in_a_stored_test_split_are_one_unit(saved):
    test = [SPEECH, "Something else.", f"{SPEECH} and so on"]
    data = HuggingFace(saved(train=rows("a", 5), validation=rows("b", 2), test=test)).build(CONTEXT)
    assert data.test.units.tolist() == [0, 1, 0]
    assert data.sizes["test_documents"] == 3
    assert data.sizes["test_units"] == 2


def test_lines_are_joined_into_articles_at_titles(saved):
    lines = ["", " = One = \n", "", " Text . \n", "", " = = Part = = \n", "", " More . \n", " = x = \n", ""]
    lines += [" = Two = \n", "", " Text . \n"]
    folder = saved(train=lines, validation=["", " = Three = \n", "", " Text . \n"], test=[" = Four = \n"])
    data = HuggingFace(folder, articles=True).build(CONTEXT)
    assert texts(data.train) == tokens(
        [" = One = \n Text . \n = = Part = = \n More . \n = x = \n", " = Two = \n Text . \n"]
    )
    assert len(data.validation) == len(data.test) == 1


def test_blank_rows_are_no_documents(saved):
    data = HuggingFace(saved(train=["a", "", " \n", "b"], validation=["c"], test=["d"])).build(CONTEXT)
    assert texts(data.train) == tokens(["a", "b"])


def test_what_is_missing_is_left_out_as_blanks_are(saved):
    data = HuggingFace(saved(train=["a", None, "b"], validation=[None, "c"], test=["d"])).build(CONTEXT)
    assert [texts(side) for side in (data.train, data.validation)] == [tokens(["a", "b"]), tokens(["c"])]


def test_a_byte_order_mark_is_no_text(saved):
    data = HuggingFace(saved(train=["\ufeffa", "b", "\ufeff"], validation=["c"], test=["d", "\ufeffb"])).build(CONTEXT)
    assert texts(data.train) == tokens(["a"])
    assert texts(data.test) == tokens(["d", "b"])
    assert data.sizes["near_duplicates_left_out"] == 1


def test_a_name_that_is_a_folder_where_the_command_is_called_is_refused(saved, tmp_path, monkeypatch):
    """``datasets`` would read it in place of the hub, whatever the recipe."""
    saved(train=rows("a", 10))
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="train is not beside the recipe but where the command is called"):
        HuggingFace(HubName("train")).build(CONTEXT)


def test_a_folder_that_is_not_there_is_told(tmp_path):
    with pytest.raises(UserError, match=r"data huggingface: there is no folder .*nothing"):
        HuggingFace(tmp_path / "nothing").build(CONTEXT)


def test_max_documents_keeps_the_first_of_each_split(saved):
    folder = saved(train=rows("a", 30), validation=rows("b", 12), test=rows("c", 3))
    data = HuggingFace(folder, max_documents=10).build(CONTEXT)
    assert texts(data.train) == tokens(rows("a", 10))
    assert [len(data.validation), len(data.test)] == [10, 3]


def test_the_origin_names_path_and_version(saved):
    folder = saved(train=rows("a", 10))
    assert HuggingFace(folder).build(CONTEXT).origin == f"{folder} (datasets {datasets.__version__})"


def test_an_unreachable_hub_is_reported_with_what_to_do(monkeypatch):
    def unreachable(*args, **kwargs):
        raise ConnectionError("Couldn't reach the Hub")

    monkeypatch.setattr(datasets, "load_dataset", unreachable)
    with pytest.raises(UserError, match=r"cannot be reached for owner/name: .*save_to_disk.*HF_HOME.*name: prose"):
        HuggingFace("owner/name").build(CONTEXT)


def test_path_configuration_and_revision_reach_the_loader(monkeypatch):
    asked = []

    def load(*args, **kwargs):
        asked.append((args, kwargs))
        return datasets.DatasetDict(train=datasets.Dataset.from_dict({"text": rows("a", 10)}))

    monkeypatch.setattr(datasets, "load_dataset", load)
    data = HuggingFace("wikitext", "wikitext-103-v1", revision="abc").build(CONTEXT)
    assert asked == [(("wikitext", "wikitext-103-v1"), {"revision": "abc"})]
    assert data.origin.startswith("wikitext wikitext-103-v1 abc (datasets ")


def test_a_folder_without_data_is_reported(tmp_path):
    with pytest.raises(UserError, match=r"nothing cannot be loaded: "):
        HuggingFace(str(tmp_path / "nothing")).build(CONTEXT)


def test_a_missing_column_is_reported_with_those_there_are(saved):
    with pytest.raises(UserError, match="has no column text, only content"):
        HuggingFace(saved("content", train=rows("a", 10))).build(CONTEXT)


def test_a_column_of_numbers_is_refused(saved):
    with pytest.raises(UserError, match=r"column text of .* holds int, not text"):
        HuggingFace(saved(train=[1, 2])).build(CONTEXT)


def test_a_missing_training_split_is_reported_with_those_there_are(saved):
    with pytest.raises(UserError, match="has no split train, only test"):
        HuggingFace(saved(test=rows("a", 10))).build(CONTEXT)


def test_too_few_documents_to_split_are_reported(saved):
    with pytest.raises(UserError, match="at least 10 documents that differ, got 3"):
        HuggingFace(saved(train=rows("a", 3))).build(CONTEXT)


def test_a_part_of_the_test_documents_is_kept_in_the_vault(saved):
    path = saved(train=rows("a", 5), validation=rows("b", 2), test=rows("c", 9))
    data = HuggingFace(path, vault=0.5).build(CONTEXT)
    assert sorted(texts(data.test) + texts(data.vault)) == sorted(tokens(rows("c", 9)))
    assert data.sizes["test_documents"] + data.sizes["vault_documents"] == 9
