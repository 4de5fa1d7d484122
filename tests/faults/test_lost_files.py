"""Each command on a finished run that lost a file, or has a damaged one: an answer or one sentence, nothing changed."""

import re
import shutil

import pytest
from click.testing import CliRunner

from evokit.cli import main
from tests.small import TOY_RECIPE, files, run

COMMANDS = ("report", "compare", "plot", "runs", "verify", "export", "unseal", "run", "replay")
FILES = ("ledger.sqlite", "summary.json", "recipe.yaml", "checkpoint", "metrics.jsonl")


def gone(path):
    shutil.rmtree(path) if path.is_dir() else path.unlink()


def emptied(path):
    for one in [*path.iterdir()] if path.is_dir() else [path]:
        one.write_bytes(b"")


def other(path):
    for one in [*path.iterdir()] if path.is_dir() else [path]:
        one.write_bytes(b"\xff\x00 something else, whatever the name says\n" * 200)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    (folder / "toy.yaml").write_text(TOY_RECIPE)
    run(folder / "toy.yaml", folder / "one")
    run(folder / "toy.yaml", folder / "repeated", "repeats=2")
    return folder


def words(command, out, recipe):
    match command:
        case "run":
            repeats = ["--set", "repeats=2"] if (out / "repeat-0").exists() else []
            return ["run", recipe, "--out", out, "--resume", *repeats]
        case "runs":
            return ["runs", out.parent]
        case "replay":
            return ["replay", out, "0"]
        case _:
            return [command, out]


@pytest.mark.parametrize("damage", [gone, emptied, other])
@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("which", ["one", pytest.param("repeated/repeat-1", marks=pytest.mark.slow)])
def test_a_lost_or_damaged_file_is_one_sentence_or_not_needed(made, tmp_path, which, command, name, damage):
    top = which.partition("/")[0]
    shutil.copytree(made / top, tmp_path / "runs" / top)
    damage(tmp_path / "runs" / which / name)
    before = files(tmp_path)
    done = CliRunner().invoke(main, [*map(str, words(command, tmp_path / "runs" / top, made / "toy.yaml"))])
    assert done.exception is None or isinstance(done.exception, SystemExit), repr(done.exception)
    if done.exit_code:
        said = [line for line in done.stderr.splitlines() if "which is code" not in line]
        assert done.exit_code in (1, 2)
        assert len(said) == 1, done.stderr
    if name == "ledger.sqlite" and command != "verify":  # the other repeats are verified, which is written down
        written = {"plot.png", "plot.csv"} | {one.name for one in tmp_path.glob("runs/*/export/*/*")}
        after = files(tmp_path)
        assert {
            path: after[path] for path in after if path.rpartition("/")[2] not in written or path in before
        } == before


@pytest.mark.parametrize("command", ["verify", "unseal", "plot", "run", "replay"])
@pytest.mark.parametrize(("damage", "state"), [(gone, "gone"), (emptied, "empty|gone")])
def test_a_lost_ledger_is_named_where_it_is_needed(made, tmp_path, command, damage, state):
    shutil.copytree(made / "one", tmp_path / "runs" / "one")
    damage(tmp_path / "runs" / "one" / "ledger.sqlite")
    done = CliRunner().invoke(main, [*map(str, words(command, tmp_path / "runs" / "one", made / "toy.yaml"))])
    assert done.exit_code == 2
    assert re.search(rf"ledger\.sqlite is ({state}), which is what the run did", done.stderr)
