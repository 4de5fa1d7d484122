"""Rows: what fails, what is resumed, kept and refused."""

import json
from dataclasses import replace

import pytest
import torch

from benchmarks.device import (
    results,
)
from benchmarks.device.command import main
from benchmarks.device.results import JSON, Results
from benchmarks.device.runner import DONE, FAILED, MEMORY, MISSING, NO_TIME, Item, out_of_memory
from benchmarks.device.steps import STEPS
from tests.device_benchmark.building import bench_in, measured, raising, rows_of

FULL = (("a", True), ("b", False))  # whether the disk is full after an item


def test_what_raises_is_a_row_and_the_next_goes_on(tmp_path):
    items = [
        Item("s", "fails", "", raising(ValueError("bad sizes"))),
        Item("s", "large", "", raising(torch.OutOfMemoryError("CUDA out of memory"))),
        Item("s", "library", "", raising(RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling"))),
        Item("s", "elsewhere", "", raising(ModuleNotFoundError("No module named 'peer'"))),
        Item("s", "works", "", lambda bench: {"found": float("inf")}),
    ]
    fails, large, library, elsewhere, works = rows_of(items, bench_in(tmp_path), tmp_path)
    assert (fails["outcome"], fails["message"]) == (FAILED, "ValueError: bad sizes")
    assert "device_benchmark/building.py" in fails["where"]
    assert (large["outcome"], large["message"]) == (MEMORY, "OutOfMemoryError: CUDA out of memory")
    assert library["outcome"] == MEMORY
    assert (elsewhere["outcome"], elsewhere["message"]) == (MISSING, "No module named 'peer'")
    assert (works["outcome"], works["found"]) == (DONE, "inf")


def test_after_a_fault_of_the_device_nothing_fails_for_its_sake(tmp_path):
    faulty = bench_in(tmp_path)
    faulty.sync = lambda: raising(RuntimeError("CUDA error: an illegal memory access was encountered"))(faulty)
    items = [Item("s", "faulty", "", raising(RuntimeError("CUDA error"))), Item("s", "sound", "", lambda bench: {})]
    rows = rows_of(items, faulty, tmp_path)
    assert [(row["item"], row["outcome"]) for row in rows] == [("faulty", FAILED)]
    rows = rows_of(items, bench_in(tmp_path), tmp_path, resume=True)
    assert [(row["item"], row["outcome"]) for row in rows] == [("faulty", FAILED), ("sound", DONE)]


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory"),
        RuntimeError("CUDA error: out of memory"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    ],
)
def test_too_little_memory_is_told_by_whomever(error):
    assert out_of_memory(error)
    assert not out_of_memory(RuntimeError("CUDA error: an illegal memory access was encountered"))


def test_a_call_with_a_failed_item_says_so_by_its_exit_code(tmp_path):
    words = ["--device", "cpu", "--small", "--out", str(tmp_path)]
    assert main(words, lambda bench: [Item("s", "fails", "", raising(ValueError("bad")))]) == 1
    assert main(words, lambda bench: [Item("s", "works", "", lambda bench: {})]) == 0


def test_nothing_is_begun_that_needs_more_than_is_left_and_a_resumed_call_makes_up_for_it(tmp_path):
    now, ran = [0.0], []

    def taking(name, seconds):
        def run(bench):
            ran.append(name)
            now[0] += seconds
            return {}

        return Item("s", name, "", run, estimate_s=seconds / bench_in(tmp_path).scale)

    items = [taking("a", 40), taking("b", 70), taking("c", 50), taking("d", 20)]
    rows = rows_of(items, bench_in(tmp_path, clock=lambda: now[0]), tmp_path)
    assert [row["outcome"] for row in rows] == [DONE, NO_TIME, DONE, NO_TIME]
    assert now[0] <= 100
    assert rows[1]["message"] == "about 70 s are needed, 60 are left"
    now[0] = 0.0
    rows = rows_of(items, bench_in(tmp_path, clock=lambda: now[0]), tmp_path, resume=True)
    assert [row["outcome"] for row in rows] == [DONE] * 4
    assert ran == ["a", "c", "b", "d"]


def test_what_lacked_a_package_or_time_is_measured_by_a_resumed_call_and_what_failed_is_not(tmp_path):
    errors = [ModuleNotFoundError("No module named 'peer'"), ValueError("bad"), torch.OutOfMemoryError("large")]
    before = rows_of(
        [Item("s", str(i), "", raising(one)) for i, one in enumerate(errors)], bench_in(tmp_path), tmp_path
    )
    items = [Item("s", str(i), "", lambda bench: {}) for i in range(3)]
    after = rows_of(items, bench_in(tmp_path), tmp_path, resume=True)
    assert [row["outcome"] for row in before] == [MISSING, FAILED, MEMORY]
    assert [row["outcome"] for row in after] == [DONE, FAILED, MEMORY]


def test_rows_of_another_machine_are_not_continued(tmp_path, capsys):
    measured(tmp_path, "--only", "5")
    found = json.loads((tmp_path / JSON).read_text())
    found["machine"]["torch"] = "0.1"
    (tmp_path / JSON).write_text(json.dumps(found))
    assert main(["--device", "cpu", "--small", "--out", str(tmp_path), "--resume"]) == 2
    assert "is of another machine, version or size (torch differ)" in capsys.readouterr().err
    assert json.loads((tmp_path / JSON).read_text()) == found, "they are still there"
    machine = bench_in(tmp_path).machine()
    assert {"device", "torch", "python", "small", "threads", "commit", "data"} <= set(machine)


def test_a_call_without_resume_puts_earlier_rows_aside(tmp_path):
    items = [Item("s", "a", "", lambda bench: {"found": 1})]
    rows = rows_of(items, bench_in(tmp_path), tmp_path)
    others = [rows_of([replace(items[0], name=name)], bench_in(tmp_path), tmp_path) for name in "bc"]
    asides = [json.loads((tmp_path / f"results.{n}.json").read_text())["rows"] for n in (1, 2)]
    assert asides == [rows, others[0]]


def test_what_cannot_be_read_is_no_traceback_and_stays(tmp_path, capsys):
    words = ["--device", "cpu", "--small", "--out", str(tmp_path), "--resume"]
    for broken in ("{", "[]", "{}"):
        (tmp_path / JSON).write_text(broken)
        assert main(words) == 2
        assert "cannot be read" in capsys.readouterr().err
        assert (tmp_path / JSON).read_text() == broken


def test_a_second_call_into_the_same_folder_is_refused(tmp_path, capsys):
    first = Results(tmp_path, {})
    assert main(["--device", "cpu", "--small", "--out", str(tmp_path)], lambda bench: []) == 2
    assert "another call is writing" in capsys.readouterr().err
    first.close()
    assert main(["--device", "cpu", "--small", "--out", str(tmp_path)], lambda bench: []) == 0


def test_a_full_disk_stops_no_measurement_and_what_was_measured_is_written_when_it_can_be(
    tmp_path, monkeypatch, capsys
):
    write, full = results.write_atomically, [True]

    def writing(path, content):
        if full[0]:
            raise OSError("No space left on device")
        write(path, content)

    monkeypatch.setattr(results, "write_atomically", writing)
    items = [Item("s", name, "", lambda bench, now=now: full.__setitem__(0, now) or {}) for name, now in FULL]
    words = ["--device", "cpu", "--small", "--out", str(tmp_path)]
    assert main(words, lambda bench: items[:1]) == 1
    assert "No space left on device" in capsys.readouterr().err
    assert main(words, lambda bench: items) == 0
    assert [row["item"] for row in json.loads((tmp_path / JSON).read_text())["rows"]] == ["a", "b"]


def test_only_the_steps_that_are_named_are_measured_and_none_without_time(tmp_path):
    items = [Item(step, "a", "", lambda bench: {}) for step in STEPS]
    words = ["--device", "cpu", "--small", "--out", str(tmp_path)]
    assert main([*words, "--only", "2", "5"], lambda bench: items) == 0
    assert [row["step"] for row in json.loads((tmp_path / JSON).read_text())["rows"]] == [STEPS[1], STEPS[4]]
    assert main([*words, "--limit", "0"], lambda bench: items) == 0
    assert {row["outcome"] for row in json.loads((tmp_path / JSON).read_text())["rows"]} == {NO_TIME}


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device, so that it is not refused")
def test_without_a_gpu_it_says_so(tmp_path, capsys):
    assert main(["--out", str(tmp_path)]) == 2
    assert "no CUDA device" in capsys.readouterr().err
