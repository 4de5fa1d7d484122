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


def documents(side):
    return [side.document(i).tolist() for i in range(len(side))]


def test_each_file_is_a_document_on_one_side(folder):
    data = TextFiles(folder).build(CONTEXT)
    assert sorted(all_names(data)) == [f"{i:02}.txt" for i in range(20)]
    assert [len(side) for side in (data.train, data.validation, data.test)] == [16, 2, 2]
    assert data.sizes["train_documents"] == 16


def test_names_do_not_decide_who_is_held_out(folder):
    """Of books of ten chapters each, the last chapters alone were held out once."""
    before = TextFiles(folder).build(CONTEXT)
    for i in range(20):
        (folder / f"{i:02}.txt").rename(folder / f"{7 * i % 20 + 20}.txt")
    after = TextFiles(folder).build(CONTEXT)
    for side in ("validation", "test"):
        assert sorted(documents(getattr(before, side))) == sorted(documents(getattr(after, side)))


def test_the_pattern_chooses_the_files(folder):
    (folder / "below").mkdir()
    (folder / "below" / "deep.txt").write_text("Deep.")
    (folder / "note.md").write_text("Not text.")
    assert "below/deep.txt" in all_names(TextFiles(folder, "**/*.txt").build(CONTEXT))
    assert "below/deep.txt" not in all_names(TextFiles(folder).build(CONTEXT))


def test_blank_files_are_left_out(folder):
    (folder / "blank.txt").write_text(" \n")
    assert "blank.txt" not in all_names(TextFiles(folder).build(CONTEXT))


def test_files_of_one_content_stay_on_one_side(folder):
    (folder / "copy.txt").write_text("Document number 9.")
    data = TextFiles(folder).build(CONTEXT)
    sides = [side.names for side in (data.train, data.validation, data.test)]
    assert [{"09.txt", "copy.txt"} <= set(names) for names in sides].count(True) == 1


def test_near_duplicates_stay_on_one_side_and_are_one_unit(folder):
    speech = " ".join(f"word{i}" for i in range(60))
    (folder / "00.txt").write_text(speech)
    (folder / "19.txt").write_text(f"As I said: {speech.upper()}!")
    (folder / "20.txt").write_text("Document number twenty.")
    data = TextFiles(folder).build(CONTEXT)
    sides = [side for side in (data.train, data.validation, data.test) if {"00.txt", "19.txt"} & set(side.names)]
    assert len(sides) == 1
    assert {"00.txt", "19.txt"} <= set(sides[0].names)
    assert sides[0].n_units == len(sides[0]) - 1


def test_files_that_differ_by_a_byte_order_mark_are_the_same(folder):
    before = TextFiles(folder).build(CONTEXT).digest
    (folder / "03.txt").write_text("Document number 3.", encoding="utf-8-sig")
    assert TextFiles(folder).build(CONTEXT).digest == before
    (folder / "03 again.txt").write_bytes("\ufeff\ufeffDocument number 3.".encode())
    data = TextFiles(folder).build(CONTEXT)
    sides = [side.names for side in (data.train, data.validation, data.test)]
    assert [{"03.txt", "03 again.txt"} <= set(names) for names in sides].count(True) == 1


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-32"])
def test_a_file_in_another_unicode_is_told(folder, encoding):
    mark = "\ufeff" if encoding == "utf-16-be" else ""
    (folder / "wide.txt").write_bytes((mark + "Some text.").encode(encoding))
    with pytest.raises(UserError, match=r"wide\.txt is not UTF-8 but UTF-16, as its byte order mark says; save it as"):
        TextFiles(folder).build(CONTEXT)


def test_a_name_that_is_no_utf8_is_readable(folder):
    import os

    (folder / os.fsdecode(b"caf\xe9.txt")).write_text("An old name.")
    data = TextFiles(folder).build(CONTEXT)
    assert "caf\\xe9.txt" in all_names(data)
    assert data.digest


def test_a_changed_file_changes_the_digest(folder):
    before = TextFiles(folder).build(CONTEXT).digest
    (folder / "03.txt").write_text("Other.")
    assert TextFiles(folder).build(CONTEXT).digest != before


def test_the_digest_is_the_same_wherever_the_folder_is(folder, tmp_path_factory):
    before = TextFiles(folder).build(CONTEXT).digest
    moved = folder.rename(tmp_path_factory.mktemp("elsewhere") / "moved")
    assert TextFiles(moved).build(CONTEXT).digest == before


def test_a_missing_folder_is_reported(tmp_path):
    with pytest.raises(UserError, match=r"there is no folder .*nowhere"):
        TextFiles(tmp_path / "nowhere").build(CONTEXT)


def test_too_few_files_are_reported(folder):
    with pytest.raises(UserError, match=r"at least 10 documents that differ, got 1 in .* \(03.txt\)"):
        TextFiles(folder, "03.txt").build(CONTEXT)


def test_a_file_that_is_not_text_is_named(folder):
    (folder / "picture.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match=r"picture.txt is not UTF-8"):
        TextFiles(folder).build(CONTEXT)
