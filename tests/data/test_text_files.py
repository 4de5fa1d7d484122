import pytest

from evokit.data.text_files import TextFiles
from evokit.errors import UserError
from evokit.interfaces import Context
from evokit.streams import Streams

CONTEXT = Context(Streams(0))


@pytest.fixture
def folder(tmp_path):
    for i in range(20):
        (tmp_path / f"{i:02}.txt").write_text(f"Document number {i}.", encoding="utf-8")
    return tmp_path


def all_names(data):
    return [*data.train.names, *data.validation.names, *data.test.names]


def test_each_file_is_a_document_on_one_side(folder):
    data = TextFiles(str(folder)).build(CONTEXT)
    assert sorted(all_names(data)) == [f"{i:02}.txt" for i in range(20)]
    assert data.validation.names == ("08.txt", "18.txt")
    assert data.test.names == ("09.txt", "19.txt")
    assert data.sizes["train_documents"] == 16


def test_the_pattern_chooses_the_files(folder):
    (folder / "below").mkdir()
    (folder / "below" / "deep.txt").write_text("Deep.")
    (folder / "note.md").write_text("Not text.")
    assert "below/deep.txt" in all_names(TextFiles(str(folder), "**/*.txt").build(CONTEXT))
    assert "below/deep.txt" not in all_names(TextFiles(str(folder)).build(CONTEXT))


def test_blank_files_are_left_out(folder):
    (folder / "blank.txt").write_text(" \n")
    assert "blank.txt" not in all_names(TextFiles(str(folder)).build(CONTEXT))


def test_files_of_one_content_stay_on_one_side(folder):
    (folder / "copy.txt").write_text("Document number 9.")
    assert {"09.txt", "copy.txt"} <= set(TextFiles(str(folder)).build(CONTEXT).test.names)


def test_near_duplicates_stay_on_one_side_and_are_one_unit(folder):
    speech = " ".join(f"word{i}" for i in range(60))
    (folder / "00.txt").write_text(speech)
    (folder / "19.txt").write_text(f"As I said: {speech.upper()}!")
    (folder / "20.txt").write_text("Document number twenty.")
    data = TextFiles(str(folder)).build(CONTEXT)
    assert {"00.txt", "19.txt"} <= set(data.train.names)
    assert data.train.n_units == len(data.train) - 1
    assert data.test.names == ("09.txt", "20.txt")


def test_a_changed_file_changes_the_digest(folder):
    before = TextFiles(str(folder)).build(CONTEXT).digest
    (folder / "03.txt").write_text("Other.")
    assert TextFiles(str(folder)).build(CONTEXT).digest != before


def test_the_digest_is_the_same_wherever_the_folder_is(folder, tmp_path_factory):
    before = TextFiles(str(folder)).build(CONTEXT).digest
    moved = folder.rename(tmp_path_factory.mktemp("elsewhere") / "moved")
    assert TextFiles(str(moved)).build(CONTEXT).digest == before


def test_a_missing_folder_is_reported(tmp_path):
    with pytest.raises(UserError, match=r"there is no folder .*nowhere"):
        TextFiles(str(tmp_path / "nowhere")).build(CONTEXT)


def test_too_few_files_are_reported(folder):
    with pytest.raises(UserError, match=r"at least 10 documents that differ, got 1 in .* \(03.txt\)"):
        TextFiles(str(folder), "03.txt").build(CONTEXT)


def test_a_file_that_is_not_text_is_named(folder):
    (folder / "picture.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match=r"picture.txt is not UTF-8"):
        TextFiles(str(folder)).build(CONTEXT)
