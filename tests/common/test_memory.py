import mmap
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from evokit.common import memory as memory_module
from evokit.common.memory import peak_memory

MIB = 2**20
SLACK = 8 * MIB  # the kernel counts resident pages in batches per core

needs_mark = pytest.mark.skipif(
    not Path("/proc/self/clear_refs").exists(), reason="the mark can be reset on Linux only (CONFIG_PROC_PAGE_MONITOR)"
)


def touch(mib):
    """Hold so much for a moment, in pages of its own: an allocator may have some left from other tests."""
    with mmap.mmap(-1, mib * MIB, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as block:
        block[::4096] = b"\1" * len(block[::4096])


def status(folder, mark):
    (folder / "status").write_text(f"VmHWM:\t  {mark} kB\nVmRSS:\t  800 kB\n")


def resident():
    return psutil.Process().memory_info().rss


@needs_mark
def test_memory_that_was_freed_inside_the_block_is_seen():
    before = resident()
    with peak_memory() as memory:
        touch(64)
    assert memory.exact
    assert 64 * MIB - SLACK <= memory.peak_bytes - before <= 64 * MIB + SLACK


@needs_mark
def test_memory_of_before_the_block_is_not_seen():
    touch(64)
    before = resident()
    with peak_memory() as memory:
        touch(8)
    assert memory.peak_bytes - before <= 8 * MIB + SLACK


@needs_mark
def test_an_inner_block_does_not_hide_the_outers_peak():
    before = resident()
    with peak_memory() as outer:
        touch(64)
        with peak_memory() as inner:
            touch(16)
    assert inner.peak_bytes - before <= 16 * MIB + SLACK
    assert outer.peak_bytes - before >= 64 * MIB - SLACK


@needs_mark
def test_a_block_that_raises_is_measured():
    def fail():
        touch(64)
        raise MemoryError("too big")

    before = resident()
    with pytest.raises(MemoryError, match="too big"), peak_memory() as memory:
        fail()
    assert memory.peak_bytes - before >= 64 * MIB - SLACK


def test_children_are_not_counted():
    before = resident()
    with peak_memory() as memory:
        subprocess.run([sys.executable, "-c", "b'1' * (64 << 20)"], check=True)
    assert not memory.exact or memory.peak_bytes - before < 32 * MIB


def test_without_proc_the_lifetime_peak_is_told_to_be_inexact(tmp_path):
    with peak_memory(tmp_path) as memory:
        pass
    assert not memory.exact
    assert memory.peak_bytes > MIB


def test_a_mark_that_cannot_be_reset_is_told_to_be_inexact(tmp_path):
    status(tmp_path, 900)
    (tmp_path / "clear_refs").mkdir()
    with peak_memory(tmp_path) as memory:
        pass
    assert not memory.exact
    assert memory.peak_bytes > MIB


def test_the_mark_is_read_after_the_reset(tmp_path):
    status(tmp_path, 900)
    with peak_memory(tmp_path) as memory:
        assert (tmp_path / "clear_refs").read_text() == "5"
        status(tmp_path, 850)
    assert (memory.exact, memory.peak_bytes) == (True, 850 * 1024)


def test_a_mark_that_is_gone_at_the_end_is_told_to_be_inexact(tmp_path):
    status(tmp_path, 900)
    with peak_memory(tmp_path) as memory:
        (tmp_path / "status").unlink()
    assert not memory.exact
    assert memory.peak_bytes > MIB


def test_a_block_that_resets_the_mark_hands_it_to_all_around_it(tmp_path):
    status(tmp_path, 900)
    with peak_memory(tmp_path) as outer, peak_memory(tmp_path) as middle:
        status(tmp_path, 2000)
        with peak_memory(tmp_path) as inner:
            status(tmp_path, 850)
    assert [one.peak_bytes for one in (outer, middle, inner)] == [2000 * 1024, 2000 * 1024, 850 * 1024]


@pytest.mark.parametrize(("platform", "unit"), [("linux", 1024), ("darwin", 1)])
def test_the_systems_own_count_is_in_kilobytes_on_linux(tmp_path, monkeypatch, platform, unit):
    usage = SimpleNamespace(getrusage=lambda who: SimpleNamespace(ru_maxrss=5000 + who), RUSAGE_SELF=7)
    monkeypatch.setattr(memory_module, "resource", usage)
    monkeypatch.setattr(memory_module.sys, "platform", platform)
    with peak_memory(tmp_path) as memory:
        pass
    assert memory.peak_bytes == 5007 * unit
