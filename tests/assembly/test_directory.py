import errno
import json
import os
import sqlite3
import threading
import time

import pytest

from evokit.assembly import directory as directory_module
from evokit.assembly import identity as identity_module
from evokit.assembly.directory import IN_A_SUMMARY, RunDirectory, file_digest
from evokit.assembly.identity import (
    PACKAGES,
    _free,
    cpu_model,
    identity,
    refuse_other_identity,
    refuse_other_recipe,
    versions,
)
from evokit.errors import RunFailed, UserError
from evokit.recipe import load_recipe
from evokit.recipe.schema import PLACEMENT
from tests.small import RECIPES, evokit, write_recipe

THEN = {"recipe": "a", "data": "a", "seed": 0, "device": "cpu", "versions": {"numpy": "1", "torch": "2"}}


def onemax(*overrides):
    return load_recipe(RECIPES / "onemax.yaml", overrides)


def test_what_is_created_opens_to_the_same_recipe(tmp_path):
    directory = RunDirectory(tmp_path / "deep" / "run")
    directory.create(onemax())
    assert load_recipe(directory.recipe).digest == onemax().digest
    assert directory.artifacts.is_dir()


def test_creating_goes_on_with_a_half_made_directory(tmp_path):
    (tmp_path / "artifacts").mkdir()
    RunDirectory(tmp_path).create(onemax())
    assert RunDirectory(tmp_path).recipe.exists()


@pytest.mark.parametrize(
    ("names", "is_run"),
    [
        ([], True),
        (["recipe.yaml"], True),
        (["lock", "recipe.yaml.part"], True),
        (["letter.txt"], False),
        (["artifacts", "lock"], True),
        (["artifacts", "x"], False),
    ],
)
def test_only_runs_and_their_beginnings_are_runs(tmp_path, names, is_run):
    for name in names:
        (tmp_path / name).touch()
    assert RunDirectory(tmp_path).is_run is is_run


def test_a_missing_summary_is_none(tmp_path):
    assert RunDirectory(tmp_path).read_summary() is None


@pytest.mark.parametrize("content", [b"{", b"", b"\xff\xfe", b"[]", b"null", b"{}", b'{"status": "done"}'])
def test_a_damaged_summary_is_an_error_that_names_the_file(tmp_path, content):
    (tmp_path / "summary.json").write_bytes(content)
    with pytest.raises(UserError, match=r"summary\.json is damaged"):
        RunDirectory(tmp_path).read_summary()


def test_a_summary_that_is_no_file_is_an_error_that_names_it(tmp_path):
    (tmp_path / "summary.json").mkdir()
    with pytest.raises(UserError, match=r"summary\.json is damaged .*Is a directory"):
        RunDirectory(tmp_path).read_summary()


def test_a_summary_is_strict_json_and_reads_back(tmp_path):
    directory = RunDirectory(tmp_path)
    others = dict.fromkeys(IN_A_SUMMARY)
    written = directory.write_summary({**others, "a": float("nan"), "b": [1, float("inf"), {3: (0.5,)}]})
    assert written == {**others, "a": None, "b": [1, None, {"3": [0.5]}]}
    assert directory.read_summary() == written
    assert "NaN" not in directory.summary.read_text()


def test_artifacts_are_named_from_the_run_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    directory = RunDirectory(tmp_path / "run")
    model = directory.artifacts / "m" / "model"
    model.parent.mkdir(parents=True)
    model.touch()
    assert directory.relative(model) == "artifacts/m/model"
    assert directory.relative("run/artifacts/m/model") == "artifacts/m/model"
    assert directory.relative("artifacts/m/model") == "artifacts/m/model"


def test_an_artifact_elsewhere_is_refused(tmp_path):
    with pytest.raises(ValueError, match="does not lie in the run directory"):
        RunDirectory(tmp_path / "run").relative(tmp_path / "model")


def test_the_lock_is_for_one_and_is_given_back(tmp_path):
    directory = RunDirectory(tmp_path)
    with directory.lock():
        assert directory.busy
        with pytest.raises(UserError, match="another process is at work"), RunDirectory(tmp_path).lock():
            pass
    assert not directory.busy
    with directory.lock():
        pass


def test_a_lock_that_is_given_back_soon_is_waited_for(tmp_path):
    held = threading.Event()

    def hold():
        with RunDirectory(tmp_path).lock():
            held.set()
            time.sleep(0.2)

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()
    with RunDirectory(tmp_path).lock():
        pass
    thread.join()


def test_another_look_at_the_lock_is_nobody_at_work(tmp_path, monkeypatch):
    with RunDirectory(tmp_path).lock():
        pass
    answers = [False, True]
    monkeypatch.setattr(directory_module, "_locked", lambda descriptor: answers.pop(0))
    assert not RunDirectory(tmp_path).busy
    assert answers == []


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS])
def test_where_there_are_no_locks_nobody_is_waited_for(tmp_path, monkeypatch, number):
    refuse_locks(monkeypatch, number)
    with RunDirectory(tmp_path).lock():
        assert not RunDirectory(tmp_path).busy


def test_a_lock_that_fails_otherwise_is_an_error(tmp_path, monkeypatch):
    refuse_locks(monkeypatch, errno.EIO)
    with pytest.raises(OSError, match="refused"), RunDirectory(tmp_path).lock():
        pass


def refuse_locks(monkeypatch, number):
    def refuse(descriptor, blocking):
        raise OSError(number, "refused")

    monkeypatch.setattr(directory_module, "lock_descriptor", refuse)


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_disk_or_a_quota_that_is_full_is_told_of_the_directory(tmp_path, number):
    with pytest.raises(RunFailed, match=f"^{tmp_path} cannot be used: full$"), RunDirectory(tmp_path).explained():
        raise OSError(number, "full")


@pytest.mark.parametrize("name", ["metrics.jsonl", "checkpoint", "summary.json"])
def test_what_a_run_wrote_alone_tells_that_its_ledger_is_lost(tmp_path, name):
    RunDirectory(tmp_path).refuse_lost_ledger()
    (tmp_path / name).touch()
    with pytest.raises(UserError, match=r"ledger\.sqlite is gone"):
        RunDirectory(tmp_path).refuse_lost_ledger()


def test_a_directory_without_a_lock_is_not_busy(tmp_path):
    assert not RunDirectory(tmp_path).busy


def test_what_goes_wrong_inside_becomes_a_sentence_what_goes_wrong_outside_stays(tmp_path):
    directory = RunDirectory(tmp_path)
    with pytest.raises(RunFailed, match=r"metrics\.jsonl cannot be used: No such file"), directory.explained():
        directory.metrics.open()
    with pytest.raises(FileNotFoundError), directory.explained():
        (tmp_path.parent / "a users data").open()


def test_the_same_identity_may_go_on():
    refuse_other_identity(THEN, json.loads(json.dumps(THEN)))
    refuse_other_identity(identity(onemax()), identity(onemax("search.generations=9")))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"seed": 1}, "seed 0 -> 1"),
        ({"versions": {"numpy": "1", "torch": "3"}}, "torch 2 -> 3"),
        ({"versions": {"numpy": "1"}}, "torch 2 -> None"),
        ({"data": "b"}, "data a -> b"),
        ({"device": "cuda"}, "device cpu -> cuda"),
        ({"versions": THEN["versions"] | {"scipy": "3"}}, "scipy None -> 3"),
    ],
)
def test_another_identity_is_refused_by_name(change, words):
    with pytest.raises(UserError, match=words):
        refuse_other_identity(THEN, THEN | change)


def test_another_recipe_is_refused_by_its_keys():
    with pytest.raises(UserError, match=r"genome\.length: 32 -> 8; execution\.threads: 1 -> 2"):
        refuse_other_recipe(onemax(), onemax("genome.length=8", "execution.threads=2"))


@pytest.mark.parametrize(
    "free",
    [
        "search.generations=9",
        "stop.patience=3",
        "stop.target=5",
        "export=[]",
        "execution.backend=inline",
        "execution.workers=3",
    ],
)
def test_what_a_run_may_change_when_it_goes_on_is_free(free):
    refuse_other_recipe(onemax(), onemax(free))


def test_a_local_plugin_may_move(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    one, other = (load_recipe(write_recipe(tmp_path / name)) for name in "ab")
    refuse_other_recipe(one, other)


def test_data_that_the_beginning_did_not_name_are_not_asked_for():
    begun = identity(onemax())
    refuse_other_identity(begun, identity(onemax(), "digest of data"))
    with pytest.raises(UserError, match="data digest of data -> None"):
        refuse_other_identity(identity(onemax(), "digest of data"), begun)


def test_another_file_of_a_genome_is_another_identity():
    with pytest.raises(UserError, match="content of the genome's files one -> another"):
        refuse_other_identity(identity(onemax(), genome="one"), identity(onemax(), genome="another"))


def test_identity_names_what_decides_numbers():
    found = identity(onemax())
    assert {"recipe", "seed", "device", "threads", "machine", "versions"} == found.keys()
    core = ["cmaes", "deap", "moocore", "numpy", "scikit-learn", "scipy"]
    packages = [*core, "optuna", "torch", "transformers", "tokenizers", "datasets"]
    assert set(versions()) <= {"python", "evokit", *packages}
    assert set(PACKAGES) == set(packages)
    assert cpu_model() in found["machine"]


def test_the_processor_is_called_as_linux_calls_it(monkeypatch):
    monkeypatch.setattr(identity_module.sys, "platform", "linux")
    told = "processor\t: 0\nmodel name\t: Foo 9\nmodel name\t: Foo 10\n"
    monkeypatch.setattr(identity_module.Path, "read_text", lambda path: told)
    assert cpu_model() == "Foo 9"


@pytest.mark.parametrize("key", ["init.from", "init.top", "stop.work", *(f"execution.{key}" for key in PLACEMENT)])
def test_the_run_that_genes_came_from_and_the_place_are_free(key):
    assert _free(key)


@pytest.mark.parametrize("key", ["init.genes", "initial", "stopped", "execution.threads", "search.population"])
def test_what_else_is_not_free(key):
    assert not _free(key)


def test_a_file_is_identified_by_its_content(tmp_path):
    for name, content in (("a", b"1"), ("b", b"1"), ("c", b"2")):
        (tmp_path / name).write_bytes(content)
    assert file_digest(tmp_path / "a") == file_digest(tmp_path / "b") != file_digest(tmp_path / "c")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere; run as another user")
def test_a_place_without_permission_is_told_in_one_sentence(tmp_path):
    tmp_path.chmod(0o500)
    done = evokit("run", RECIPES / "onemax.yaml", "--out", tmp_path / "run")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)


def test_a_row_that_another_process_wrote_is_told_as_that(tmp_path):
    with pytest.raises(RunFailed, match="another process is at work in"), RunDirectory(tmp_path).explained():
        raise sqlite3.IntegrityError("UNIQUE constraint failed: evaluations.phase, evaluations.seq")
