"""What can happen to a run directory: one clear sentence, the right exit code, and nothing is lost."""

import json
import shutil
import signal
import sqlite3
import subprocess
import time
from contextlib import closing, contextmanager

import pytest
from click.testing import CliRunner

from evokit.cli import main
from evokit.runs.checkpoint import load_checkpoint
from tests.faults.harness import Victim, assert_same_end, on

INLINE = on("inline", 1)
QUICK = ("fitness.sleep=0.0", *INLINE)
KILLED_AT_ROW = 60


@pytest.fixture(scope="module")
def whole(recipe, tmp_path_factory):
    """An uninterrupted run."""
    out = tmp_path_factory.mktemp("whole") / "run"
    assert evokit(recipe, out).exit_code == 0
    return out


@pytest.fixture(scope="module")
def broken_off(recipe, tmp_path_factory):
    """A run that was killed in the middle; tests look at copies of it."""
    out = tmp_path_factory.mktemp("broken") / "run"
    assert Victim(recipe, out, *QUICK, point="before a row", number=KILLED_AT_ROW, commit_every=0.0).dies()
    return out


@pytest.fixture
def out(broken_off, tmp_path):
    shutil.copytree(broken_off, tmp_path / "run")
    return tmp_path / "run"


def evokit(recipe, out, *more):
    words = ["run", str(recipe), "--out", str(out), *more]
    for override in QUICK:
        words += ["--set", override]
    return CliRunner().invoke(main, words)


def assert_goes_on(recipe, out, whole):
    answer = evokit(recipe, out, "--resume")
    assert answer.exit_code == 0, answer.output
    assert_same_end(out, whole)
    return answer


def assert_refused(answer, code, words):
    """The exit code, and one sentence that has the words."""
    assert isinstance(answer.exception, SystemExit), repr(answer.exception)
    assert answer.exit_code == code
    assert_sentence(answer.stderr, words)


def assert_sentence(errors, words):
    (line,) = [line for line in errors.splitlines() if "which is code" not in line]
    assert words in line


# --- checkpoints


def torn(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flipped(path):
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def emptied(path):
    path.write_bytes(b"")


@pytest.mark.parametrize("damage", [torn, flipped, emptied])
@pytest.mark.parametrize("n_damaged", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_damaged_checkpoints_are_told_and_the_run_goes_on_from_the_one_before(
    recipe, out, whole, damage, n_damaged, caplog
):
    files = sorted((out / "checkpoint").glob("*.safetensors"), reverse=True)
    assert len(files) == 2
    for path in files[:n_damaged]:
        damage(path)
    assert (load_checkpoint(out / "checkpoint") is None) == (n_damaged == 2)
    caplog.clear()
    answer = assert_goes_on(recipe, out, whole)
    for path in files[:n_damaged]:
        assert f"checkpoint {path.name}" in answer.output
    assert answer.output.count("going back to the one before") == n_damaged


def test_a_run_without_its_checkpoints_goes_on_from_its_ledger(recipe, out, whole):
    shutil.rmtree(out / "checkpoint")
    assert_goes_on(recipe, out, whole)


# --- disks


@contextmanager
def disk(folder, options):
    """A file system of its own; skips where it cannot be mounted."""
    folder.mkdir(exist_ok=True)
    mounted = shutil.which("mount") and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], capture_output=True, check=False
    )
    if not mounted or mounted.returncode:
        pytest.skip("a file system cannot be mounted here; root in a container of its own can")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def remount(folder, options):
    subprocess.run(["mount", "-o", f"remount,{options}", str(folder)], check=True, capture_output=True)


@pytest.mark.parametrize(
    "size", ["36k", "160k", pytest.param("64k", marks=pytest.mark.slow), pytest.param("96k", marks=pytest.mark.slow)]
)
def test_a_full_disk_is_told_and_with_more_room_the_run_goes_on(recipe, whole, tmp_path, size):
    with disk(tmp_path / "disk", f"size={size}") as folder:
        victim = Victim(recipe, folder / "run", *QUICK, commit_every=0.0)
        assert victim.ends() == 1, victim.errors
        assert_sentence(victim.errors, "cannot be used: ")
        assert "full" in victim.errors or "No space left" in victim.errors or "disk I/O error" in victim.errors
        remount(folder, "size=32m")
        assert_goes_on(recipe, folder / "run", whole)


def test_a_full_disk_in_a_resume_loses_nothing(recipe, out, whole, tmp_path):
    used = sum(path.stat().st_blocks * 512 for path in out.rglob("*"))
    with disk(tmp_path / "disk", f"size={used // 1024 + 40}k") as folder:
        shutil.copytree(out, folder / "run")
        victim = Victim(recipe, folder / "run", *QUICK, resume=True, commit_every=0.0)
        assert victim.ends() == 1, victim.errors
        assert_sentence(victim.errors, "cannot be used: ")
        remount(folder, "size=32m")
        assert_goes_on(recipe, folder / "run", whole)


@pytest.mark.parametrize("limit", [3_000, pytest.param(50_000, marks=pytest.mark.slow)])
def test_a_file_that_may_not_grow_is_told_and_with_more_room_the_run_goes_on(recipe, whole, tmp_path, limit):
    victim = Victim(recipe, tmp_path / "run", *QUICK, commit_every=0.0, file_limit=limit)
    assert victim.ends() == 1, victim.errors
    assert_sentence(victim.errors, "cannot be used: ")
    assert_goes_on(recipe, tmp_path / "run", whole)


def test_a_directory_that_became_read_only_is_told_and_the_run_goes_on_later(recipe, out, whole, tmp_path):
    with disk(tmp_path / "disk", "size=32m") as folder:
        shutil.copytree(out, folder / "run")
        remount(folder, "ro")
        assert_refused(evokit(recipe, folder / "run", "--resume"), 1, "cannot be used: ")
        remount(folder, "rw")
        assert_goes_on(recipe, folder / "run", whole)


def test_a_new_run_on_a_read_only_disk_is_refused(recipe, tmp_path):
    with disk(tmp_path / "disk", "size=1m") as folder:
        remount(folder, "ro")
        assert_refused(evokit(recipe, folder / "run"), 2, "cannot be made: Read-only file system")


# --- strangers


def test_a_second_process_is_refused_and_the_first_ends_as_alone(recipe, tmp_path, whole):
    first = Victim(recipe, tmp_path / "run", *INLINE)
    while not (tmp_path / "run" / "summary.json").exists():
        assert first.process.poll() is None
        time.sleep(0.005)
    first.process.send_signal(signal.SIGSTOP)  # else it may be done before the second has begun
    second = Victim(recipe, tmp_path / "run", *INLINE, resume=True)
    assert second.ends() == 2
    first.process.send_signal(signal.SIGCONT)
    assert_sentence(second.errors, "another process is at work in")
    assert first.ends() == 0, first.errors
    assert_same_end(tmp_path / "run", whole)


CHANGES = {
    "version": (lambda identity: identity["versions"].update(evokit="0.0.1"), "evokit 0.0.1 -> "),
    "package": (lambda identity: identity["versions"].update(numpy="1.0"), "numpy 1.0 -> "),
    "machine": (lambda identity: identity.update(machine="Linux x86_64 Another"), "machine Linux x86_64 Another -> "),
}


@pytest.mark.parametrize("name", ["version", "machine", pytest.param("package", marks=pytest.mark.slow)])
def test_a_run_of_another_version_or_machine_is_refused_and_goes_on_where_it_belongs(recipe, out, whole, name):
    change, words = CHANGES[name]
    kept = identity_of(out)
    changed = json.loads(kept)
    change(changed)
    set_identity(out, json.dumps(changed))
    assert_refused(evokit(recipe, out, "--resume"), 2, words)
    assert identity_of(out) == json.dumps(changed)
    set_identity(out, kept)
    assert_goes_on(recipe, out, whole)


def identity_of(out):
    with closing(sqlite3.connect(out / "ledger.sqlite")) as db:
        return db.execute("SELECT value FROM meta WHERE name = 'identity'").fetchone()[0]


def set_identity(out, value):
    with closing(sqlite3.connect(out / "ledger.sqlite")) as db, db:
        db.execute("UPDATE meta SET value = ? WHERE name = 'identity'", (value,))
