import os
import stat
import tempfile
from contextlib import contextmanager

import numpy as np
import pytest
from safetensors.numpy import save_file

from evokit.common.files import share, write_atomically
from evokit.data.cache import cached
from evokit.runs.checkpoint import save_checkpoint


@contextmanager
def umask(value):
    before = os.umask(value)
    try:
        yield
    finally:
        os.umask(before)


def rights(path):
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("shared", [False, True])
def test_a_file_is_replaced_as_a_whole(tmp_path, shared):
    path = tmp_path / "summary.json"
    write_atomically(path, b"[1]", shared=shared)
    write_atomically(path, b"[2]", shared=shared)
    assert path.read_bytes() == b"[2]"
    assert [one.name for one in tmp_path.iterdir()] == ["summary.json"]


@pytest.mark.parametrize("shared", [False, True])
def test_a_write_that_fails_leaves_the_old_content(tmp_path, shared, monkeypatch):
    path = tmp_path / "summary.json"
    write_atomically(path, b"old")
    monkeypatch.setattr(os, "fsync", lambda file: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write_atomically(path, b"new", shared=shared)
    assert path.read_bytes() == b"old"
    assert {one.suffix for one in tmp_path.iterdir()} == ({".json"} if shared else {".json", ".part"})


def test_all_is_in_the_file_before_it_is_forced_to_the_disk(tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr(os, "fsync", lambda file: seen.append(os.fstat(file).st_size))
    write_atomically(tmp_path / "one", b"12345")
    assert seen == [5]


def test_two_that_write_at_once_write_to_parts_of_their_own(tmp_path, monkeypatch):
    parts = []
    monkeypatch.setattr(os, "fsync", lambda file: parts.append({one.name for one in tmp_path.iterdir()}))
    for _ in range(2):
        write_atomically(tmp_path / "one", b"1", shared=True)
    first, second = (next(name for name in names if name.endswith(".part")) for names in parts)
    assert first != second


@pytest.mark.parametrize(("mask", "expected"), [(0o022, 0o644), (0o002, 0o664), (0o077, 0o600)])
def test_every_file_has_the_rights_of_the_umask(tmp_path, mask, expected):
    with umask(mask):
        write_atomically(tmp_path / "plain", b"")
        write_atomically(tmp_path / "shared", b"", shared=True)
        cached("key", lambda: {"a": np.arange(3)}, tmp_path)
        checkpoint = save_checkpoint(tmp_path / "checkpoint", 1, {"a": np.arange(3)})
    paths = [tmp_path / "plain", tmp_path / "shared", tmp_path / "key.safetensors", checkpoint]
    assert [rights(path) for path in paths] == [expected] * 4


def test_what_other_libraries_keep_to_its_owner_is_shared_and_nothing_else_is_changed(tmp_path):
    folder = tmp_path / "export" / "deep"
    folder.mkdir(parents=True)
    with umask(0o022):
        save_file({"a": np.arange(3)}, folder / "model.safetensors")
        (folder / "script").touch(mode=0o755)
        (folder / "read_only").touch(mode=0o400)
        (folder / "link").symlink_to(tmp_path / "elsewhere")
        with tempfile.NamedTemporaryFile(dir=tmp_path / "export", delete=False):
            pass
        share(tmp_path / "export")
        share(tmp_path / "missing")
    assert {
        rights(path) for path in tmp_path.rglob("*") if path.is_file() and path.name not in ("script", "read_only")
    } == {0o644}
    assert (rights(folder / "script"), rights(folder / "read_only")) == (0o755, 0o400)
    assert len(list(folder.iterdir())) == 4


def test_a_single_file_is_shared(tmp_path):
    with umask(0o022):
        save_file({"a": np.arange(3)}, tmp_path / "model")
        share(tmp_path / "model")
    assert rights(tmp_path / "model") == 0o644
