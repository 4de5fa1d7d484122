import pytest
from hypothesis import given
from hypothesis import strategies as st

from evokit.data.raw_text import plain, printable, read_text


@given(st.text())
def test_text_without_a_mark_stays(text):
    assert plain("\ufeff" + text) == plain(text) == text.lstrip("\ufeff")


@given(st.text(alphabet=st.characters(min_codepoint=0x10000, max_codepoint=0x10FFFF)))
def test_characters_stored_as_two_halves_become_whole(text):
    units = text.encode("utf-16-le")
    halves = "".join(chr(int.from_bytes(units[i : i + 2], "little")) for i in range(0, len(units), 2))
    assert plain(halves) == text


@pytest.mark.parametrize("text", ["\ud83d", "a\ude00b", "\ude00\ud83d"])
def test_half_of_a_character_is_told(text):
    with pytest.raises(ValueError, match=r"has half of a character \(the lone surrogate U\+D[8E]"):
        plain(text)


def test_line_ends_are_read_as_by_open(tmp_path):
    (tmp_path / "x").write_bytes(b"\xef\xbb\xbfa\r\nb\rc\n")
    assert read_text(tmp_path / "x") == (tmp_path / "x").read_text(encoding="utf-8-sig") == "a\nb\nc\n"


def test_a_file_that_is_gone_is_told(tmp_path):
    with pytest.raises(ValueError, match="gone cannot be read: No such file"):
        read_text(tmp_path / "gone")


def test_names_of_files_are_printable():
    assert printable("caf\udce9 é") == "caf\\xe9 é"
