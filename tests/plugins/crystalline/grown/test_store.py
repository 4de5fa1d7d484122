import os

import numpy as np

from evokit_crystalline.grown.store import Fits


def made(size=1000):
    return {"x": np.zeros(size, np.uint8)}


def test_what_was_made_is_read_by_others(tmp_path):
    one, other = Fits(tmp_path), Fits(tmp_path)
    one.get("a", lambda: {"x": np.arange(3)})
    assert other.get("a", made)["x"].tolist() == [0, 1, 2]
    assert (one.made, one.read, other.made, other.read) == (1, 0, 0, 1)


def test_without_a_folder_all_is_made_anew():
    fits = Fits(None)
    fits.get("a", made)
    fits.get("a", made)
    assert (fits.made, fits.read) == (2, 0)


def test_what_was_used_longest_ago_goes_when_files_are_too_large(tmp_path):
    fits = Fits(tmp_path, most_bytes=4500)  # a file is a little larger than its array
    for i, name in enumerate("abcd"):
        fits.get(name, made)
        os.utime(tmp_path / f"{name}.safetensors", (i, i))
    fits.get("a", made)  # used again
    fits.get("e", made)
    assert {path.stem for path in tmp_path.iterdir()} == {"a", "d", "e"}


def test_a_file_that_others_delete_meanwhile_is_no_error(tmp_path, monkeypatch):
    fits = Fits(tmp_path, most_bytes=1500)
    fits.get("a", made)
    monkeypatch.setattr("os.utime", lambda path: path.unlink())
    assert len(fits.get("a", made)["x"]) == 1000
    assert fits.get("a", made) is not None


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path):
    (tmp_path / "file").write_text("")
    assert len(Fits(tmp_path / "file" / "below").get("a", made)["x"]) == 1000
