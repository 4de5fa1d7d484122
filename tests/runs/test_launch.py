import errno
import itertools
import json
import re
import shutil
import signal
import sqlite3
import time
from io import StringIO
from pathlib import Path

import pytest

from evokit.assembly.directory import RunDirectory
from evokit.contracts.global_generators import global_states
from evokit.errors import RunFailed, UserError
from evokit.measuring.ledger import Ledger
from evokit.measuring.ledger_files import same_but_for_costs
from evokit.progress import LineProgress
from evokit.recipe import RecipeError, load_recipe
from evokit.runs.launch import assemble_all, default_out, launch, open_recipe
from evokit.runs.run import Run
from tests.small import RECIPE, RECIPES, TOY, TOY_RECIPE, evokit, files, run, start, write_recipe


@pytest.fixture
def recipe(tmp_path):
    return write_recipe(tmp_path)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The small recipe and the directory of an uninterrupted run of it."""
    folder = tmp_path_factory.mktemp("whole")
    recipe = write_recipe(folder)
    run(recipe, folder / "whole")
    return recipe, folder / "whole"


def summary_of(out):
    return json.loads((out / "summary.json").read_text())


def same_end(one, other):
    """Whether two runs tell the same story: ledger, champion and the screens' audit."""
    first, second = summary_of(one), summary_of(other)
    for summary in (first, second):
        for screen in summary["screens"]:
            screen.pop("fit_s", None)
    told = ("best", "screens", "would_have_reported", "evaluations", "generations", "stopped")
    assert {key: first[key] for key in told} == {key: second[key] for key in told}
    return same_but_for_costs(one / "ledger.sqlite", other / "ledger.sqlite")


# --- one seed, one result


def test_same_seed_twice_is_the_same_run(whole, tmp_path):
    run(whole[0], tmp_path / "again")
    assert same_end(whole[1], tmp_path / "again")


def test_another_seed_is_another_run(whole, tmp_path):
    run(whole[0], tmp_path / "other", "seed=4")
    assert not same_but_for_costs(whole[1] / "ledger.sqlite", tmp_path / "other" / "ledger.sqlite")


@pytest.mark.parametrize(
    "surrogate", ["{name: ridge}", "{name: random_forest, trees: 5}", "{name: embedding_mlp, epochs: 2}"]
)
def test_no_global_generator_is_touched(recipe, tmp_path, surrogate):
    text = RECIPE.replace("{name: odd}", "{name: onemax}").replace("  - {name: race, keep: 0.5}\n", "")
    recipe.write_text(text.replace("confirm: {top: 2}\n", ""))

    overrides = (f"screens.0.model={surrogate}", "search.generations=4")
    run(recipe, tmp_path / "first", *overrides)  # imports what may draw when it is imported
    before = global_states()
    run(recipe, tmp_path / "run", *overrides)
    assert global_states() == before


# --- killed and resumed


def kill_when(process, condition):
    deadline = time.monotonic() + 60
    while not condition():
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.communicate()


def n_rows(out, phase=None):
    """Committed rows, as another process sees them."""
    if not (out / "ledger.sqlite").exists():
        return 0
    try:
        with sqlite3.connect(f"file:{out}/ledger.sqlite?mode=ro", uri=True) as db:
            query = "SELECT count(*) FROM evaluations" + (f" WHERE phase = '{phase}'" if phase else "")
            return db.execute(query).fetchone()[0]
    except sqlite3.OperationalError:
        return 0


MOMENTS = {
    "in the first generation": lambda out: n_rows(out) >= 1,
    "in the middle of the search": lambda out: n_rows(out) >= 60,
    "near its end": lambda out: n_rows(out) >= 110,
    "in a baseline": lambda out: n_rows(out, "baseline/random_search") >= 5,
    "in the last baseline": lambda out: n_rows(out, "baseline/coordinate_descent") >= 10,
}


@pytest.mark.slow
@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_at_any_moment_and_resumed_it_ends_the_same(tmp_path, moment):
    recipe, out = write_recipe(tmp_path), tmp_path / "killed"
    slow = ("--set", "fitness.sleep=0.02")
    assert evokit("run", recipe, *slow, "--out", tmp_path / "whole").returncode == 0
    kill_when(start("run", recipe, *slow, "--out", out), lambda: MOMENTS[moment](out))
    assert summary_of(out)["status"] == "running"
    resumed = evokit("run", recipe, *slow, "--out", out, "--resume")
    assert resumed.returncode == 0, resumed.stderr
    assert same_end(tmp_path / "whole", out)


@pytest.fixture(scope="module")
def slow(whole, tmp_path_factory):
    """A run whose evaluations take a while, which others are that were stopped on their way."""
    out = tmp_path_factory.mktemp("slow") / "run"
    run(whole[0], out, "fitness.sleep=0.01")
    return out


def test_killed_twice_between_checkpoints_it_ends_the_same(whole, slow, tmp_path):
    recipe, out = whole[0], tmp_path / "killed"
    for rows in (20, 80):
        resume = ("--resume",) if out.exists() else ()
        process = start("run", recipe, "--out", out, "--set", "fitness.sleep=0.01", *resume)
        kill_when(process, lambda rows=rows: n_rows(out) >= rows)
    log = StringIO()
    run(recipe, out, "fitness.sleep=0.01", resume=True, log=log)
    assert re.search(r"Going on after generation \d; \d+ measurements are not repeated", log.getvalue())
    assert same_end(slow, out)
    assert (out / "metrics.jsonl").read_text() == (slow / "metrics.jsonl").read_text()


@pytest.mark.parametrize("left", ["nothing", "artifacts", "recipe"])
def test_killed_before_its_first_row_it_starts(whole, tmp_path, left):
    out = tmp_path / "run"
    if left == "recipe":
        RunDirectory(out).create(load_recipe(whole[0]))
    else:
        (out / "artifacts" if left == "artifacts" else out).mkdir(parents=True)
    run(whole[0], out, resume=True)
    assert same_end(whole[1], out)


@pytest.mark.parametrize(
    ("how", "code"),
    [
        (signal.SIGTERM, 143),
        pytest.param(signal.SIGINT, 130, marks=pytest.mark.slow),
        pytest.param(signal.SIGHUP, 129, marks=pytest.mark.slow),
    ],
)
def test_a_run_that_is_stopped_saves_says_how_to_go_on_and_loses_nothing(slow, tmp_path, how, code):
    recipe, out, sleep = write_recipe(tmp_path), tmp_path / "my run", ("--set", "fitness.sleep=0.01")
    process = start("run", recipe, *sleep, "--out", out)
    while n_rows(out) < 30:
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.01)
    process.send_signal(how)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == code, errors
    assert f"--set fitness.sleep=0.01 --out '{out}' --resume" in errors
    assert "Traceback" not in errors
    assert summary_of(out)["status"] == "interrupted"
    run(recipe, out, sleep[1], resume=True)
    assert same_end(slow, out)


# --- resuming what is finished, longer or other


def test_a_finished_run_is_answered_without_measuring(tmp_path):
    recipe, out, log = write_recipe(tmp_path), tmp_path / "run", StringIO()
    first = run(recipe, out)
    before = files(out)
    again = run(recipe, out, resume=True, log=log)
    assert again == json.loads(json.dumps(first))
    assert log.getvalue() == ""
    assert files(out) == before


def test_a_longer_horizon_goes_on(tmp_path):
    recipe, out = write_recipe(tmp_path), tmp_path / "run"
    run(recipe, out, "search.generations=4")
    longer = run(recipe, out, resume=True)
    run(recipe, tmp_path / "whole")
    assert longer["generations"] == 8
    assert longer["best"] == summary_of(tmp_path / "whole")["best"]


def test_a_shorter_horizon_is_refused_and_nothing_changes(whole):
    before = files(whole[1])
    with pytest.raises(
        UserError, match=r"has 8 generations already, more than search\.generations \(2\); say 8 or more"
    ):
        run(*whole, "search.generations=2", resume=True)
    assert files(whole[1]) == before


def test_less_work_than_was_spent_is_refused_and_more_goes_on(tmp_path):
    recipe, out = write_recipe(tmp_path), tmp_path / "run"
    spent = run(recipe, out, "stop.work=20", "search.generations=3")["search"]["work"]
    before = files(out)
    with pytest.raises(UserError, match=rf"has spent {spent} units of work already, more than stop\.work \(9\)"):
        run(recipe, out, "stop.work=9", "search.generations=3", resume=True)
    assert files(out) == before
    assert run(recipe, out, "stop.work=900", "search.generations=3", resume=True)["search"]["work"] >= spent


def test_an_existing_directory_is_refused(whole, tmp_path):
    with pytest.raises(UserError, match="exists already; add --resume"):
        run(whole[0], tmp_path)


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("search.population=9", "search.population: 8 -> 9"),
        ("seed=7", "seed: 3 -> 7"),
        ("execution.threads=2", "execution.threads: 1 -> 2"),
        ("repeats=2", "repeats: 1 -> 2"),
        ("crossover.name=own", "crossover.name"),
    ],
)
def test_another_identity_is_refused_and_nothing_changes(whole, override, words):
    before = files(whole[1])
    if "own" in override:
        override = "crossover={name: one_point}"
    with pytest.raises(UserError, match="cannot be resumed, its recipe changed") as caught:
        run(whole[0], whole[1], override, resume=True)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert files(whole[1]) == before


def test_another_version_of_a_local_plugin_is_refused(tmp_path):
    recipe, out = write_recipe(tmp_path), tmp_path / "run"
    run(recipe, out)
    plugin = tmp_path / "odd.py"
    plugin.write_text(plugin.read_text() + "\n# changed\n")
    with pytest.raises(UserError, match="its identity changed"):
        run(recipe, out, resume=True)


@pytest.mark.parametrize("resume", [False, True])
def test_a_directory_with_other_things_is_refused_and_left_alone(whole, tmp_path, resume):
    (tmp_path / "thesis.tex").write_text("mine")
    with pytest.raises(UserError, match="is no run directory"):
        run(whole[0], tmp_path, resume=resume)
    assert files(tmp_path) == {"thesis.tex": b"mine"}


@pytest.mark.parametrize("resume", [False, True])
def test_a_file_in_place_of_the_directory_is_refused(whole, tmp_path, resume):
    (tmp_path / "run").write_text("mine")
    with pytest.raises(UserError, match="is no run directory"):
        run(whole[0], tmp_path / "run", resume=resume)


def test_a_second_process_is_refused(tmp_path):
    recipe, out = write_recipe(tmp_path), tmp_path / "run"
    run(recipe, out, "search.generations=2")
    with RunDirectory(out).lock(), pytest.raises(UserError, match="another process is at work"):
        run(recipe, out, resume=True)


# --- what goes wrong


def test_a_corrupted_ledger_is_told_in_one_sentence(tmp_path):
    recipe, out = write_recipe(tmp_path), tmp_path / "run"
    run(recipe, out, "search.generations=2")
    (out / "ledger.sqlite").write_bytes(b"not a database, whatever the name says" * 50)
    with pytest.raises(RunFailed, match=r"ledger\.sqlite cannot be used: file is not a database"):
        run(recipe, out, resume=True)


def test_a_place_that_cannot_be_made_is_told_in_one_sentence(whole, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"file/run cannot be made: Not a directory"):
        run(whole[0], tmp_path / "file" / "run")


def test_a_full_disk_is_told_in_one_sentence(whole, tmp_path, monkeypatch):
    def full(self, recipe):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(RunDirectory, "write_summary", full)
    with pytest.raises(RunFailed, match="No space left on device"):
        run(whole[0], tmp_path / "run")


def test_a_damaged_summary_is_written_anew(tmp_path):
    recipe, out = write_recipe(tmp_path), tmp_path / "run"
    first = run(recipe, out)
    (out / "summary.json").write_text("{")
    assert run(recipe, out, resume=True)["best"] == first["best"]


def test_if_everything_fails_the_run_says_why(tmp_path):
    recipe, out = write_recipe(tmp_path), tmp_path / "run"
    with pytest.raises(RunFailed, match="all 8 individuals failed"):
        run(recipe, out, "fitness={name: odd, fails: nan, all: true}", "screens=[]")
    assert summary_of(out)["status"] == "failed"
    with pytest.raises(RunFailed, match="all 8 individuals failed"):
        run(recipe, out, "fitness={name: odd, fails: nan, all: true}", "screens=[]", resume=True)


@pytest.mark.parametrize("how", ["raises", "nan", "exits"])
def test_some_failures_are_recorded_and_the_run_goes_on(tmp_path, how):
    summary = run(write_recipe(tmp_path), tmp_path / "run", f"fitness.fails={how}")
    assert summary["status"] == "done"
    assert summary["evaluations"]["failed"] > 0
    assert summary["best"]["values"][0] % 2 == 0


def test_a_fitness_that_interrupts_leaves_a_run_that_can_go_on(tmp_path):
    recipe, out = write_recipe(tmp_path), tmp_path / "run"
    for resume in (False, True):
        with pytest.raises(KeyboardInterrupt):
            run(recipe, out, "fitness.fails=interrupts", resume=resume)
        assert summary_of(out)["status"] == "interrupted"
    assert not RunDirectory(out).busy


@pytest.fixture
def stopped_recipe(tmp_path):
    """A recipe whose last baseline is interrupted in its first fit."""
    fits = "        value = float(np.random.default_rng(seed).normal())\n"
    (tmp_path / "toy_plugin.py").write_text(TOY.read_text().replace(fits, "        raise KeyboardInterrupt\n" + fits))
    baselines = "[{name: random_search}, {name: descent, lr: [0.1, 0.2]}]"
    text = TOY_RECIPE.replace(str(TOY), "./toy_plugin.py").replace(
        "[{name: descent}, {name: random_search}]", baselines
    )
    (tmp_path / "toy.yaml").write_text(text)
    return tmp_path / "toy.yaml"


def test_a_run_that_is_stopped_in_a_baseline_tells_what_it_has(stopped_recipe, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        run(stopped_recipe, tmp_path / "run", "repeats=2")
    for summary in (summary_of(tmp_path / "run"), summary_of(tmp_path / "run" / "repeat-0")):
        assert summary["status"] == "interrupted"
        assert summary["final"]["name"] == "champion"
        assert summary["final"]["work"] == summary["search"]["work"] > 0
        assert [one["trained"] for one in summary["baselines"]] == [False, True]
        assert summary["asked"] == [str(stopped_recipe), "--set", "repeats=2"]
    (begun,) = summary_of(tmp_path / "run")["repeats"]
    assert (begun["status"], summary_of(tmp_path / "run")["repeats_planned"]) == ("interrupted", 2)


def test_what_is_stopped_in_the_middle_has_its_cost(stopped_recipe, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        run(stopped_recipe, tmp_path / "run", "baselines=[{name: descent}]", only="baselines")
    summary = summary_of(tmp_path / "run")
    assert summary["status"] == "interrupted"
    assert summary["asked"][-2:] == ["--only", "baselines"]
    assert summary["wall_s"] > 0
    assert set(summary["energy"]["phases"]) == {"baseline/descent"}


@pytest.mark.parametrize("repeats", [1, 2])
def test_a_recipe_that_is_deleted_meanwhile_is_there_again_at_the_end(recipe, tmp_path, monkeypatch, repeats):
    execute = Run.execute

    def losing(self, only=None):
        execute(self, only)
        self.directory.recipe.unlink()
        (tmp_path / "run" / "recipe.yaml").unlink(missing_ok=True)

    monkeypatch.setattr(Run, "execute", losing)
    run(recipe, tmp_path / "run", "search.generations=2", f"repeats={repeats}")
    monkeypatch.undo()
    assert run(recipe, tmp_path / "run", "search.generations=2", f"repeats={repeats}", resume=True)["status"] == "done"


# --- errors that only building shows


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (["screens.1.rungs=[3]"], r"small\.yaml:\d+: screen\.race: rungs \[3\]"),
        (["fitness.fresh_data=false"], r"small\.yaml:\d+: confirm: odd has no fresh data"),
        (["baselines=[{name: coordinate_descent, seeds: true}]"], r"coordinate_descent: seeds: the genome knows no"),
    ],
)
def test_errors_of_building_leave_no_directory(recipe, tmp_path, overrides, words):
    with pytest.raises(RecipeError, match=words):
        run(recipe, tmp_path / "run", *overrides)
    assert not (tmp_path / "run").exists()


PICKY = """
from dataclasses import dataclass
from evokit import Component, hookimpl


@dataclass(frozen=True)
class Picky:
    def build(self, context):
        raise ValueError("needs a GPU")


@hookimpl
def evokit_components():
    return [Component("baseline", "picky", Picky), Component("baseline", "choosy", Picky)]
"""


def test_all_late_parts_are_refused_before_the_search(recipe, tmp_path):
    (tmp_path / "picky.py").write_text(PICKY)
    plugins = f"plugins=[{tmp_path}/odd.py, {tmp_path}/picky.py]"
    loaded = load_recipe(recipe, [plugins, "baselines=[{name: picky}, {name: choosy}]"])
    with pytest.raises(RecipeError, match="needs a GPU") as caught:
        launch(loaded, tmp_path / "run", LineProgress(StringIO()))
    assert len(caught.value.problems) == 2
    assert not (tmp_path / "run").exists()


def test_assemble_all_builds_every_part(recipe):
    assert assemble_all(load_recipe(recipe)).fitness.budgets == (1, 4)


def test_display_and_summary_say_what_the_fitness_says_that_work_counts(recipe, monkeypatch):
    heard = set()
    monkeypatch.setattr(LineProgress, "pace", lambda self, work_per_s, busy, unit: heard.add(unit))
    plugin = recipe.parent / "odd.py"
    plugin.write_text(
        plugin.read_text().replace("slots: ClassVar", 'work_unit: ClassVar = "bits"\n    slots: ClassVar')
    )
    assert run(recipe, recipe.parent / "run")["work_unit"] == "bits"
    assert heard == {"bits"}


# --- a part alone


def test_baselines_alone_leave_the_search_to_a_resume(tmp_path):
    recipe, out = write_recipe(tmp_path), tmp_path / "run"
    alone = run(recipe, out, only="baselines")
    assert alone["status"] == "baselines"
    assert alone["best"] is None
    assert all("search's measured work" in entry["skipped"] for entry in alone["baselines"])
    run(recipe, out, resume=True)
    run(recipe, tmp_path / "whole")
    assert same_end(tmp_path / "whole", out)


def test_baselines_alone_change_nothing_of_a_finished_run(tmp_path):
    recipe, out = write_recipe(tmp_path), tmp_path / "run"
    first = run(recipe, out)
    assert run(recipe, out, resume=True, only="baselines") == first
    assert summary_of(out)["best"] == first["best"]


def test_baselines_alone_keep_what_an_interrupted_search_found(tmp_path):
    recipe, out = write_recipe(tmp_path), tmp_path / "run"
    run(recipe, out)
    summary = summary_of(out) | {"status": "interrupted"}
    (out / "summary.json").write_text(json.dumps(summary))
    alone = run(recipe, out, resume=True, only="baselines")
    assert alone["status"] == "baselines"
    assert alone["best"] == summary["best"]
    assert alone["generations"] == summary["generations"]


# --- repeats


def test_repeats_run_every_seed_and_are_combined(tmp_path):
    recipe, out = write_recipe(tmp_path), tmp_path / "run"
    summary = run(recipe, out, "repeats=3", "search.generations=3")
    assert summary["status"] == "done"
    assert [one["seed"] for one in summary["repeats"]] == [3, 4, 5]
    assert [summary_of(out / f"repeat-{i}")["seed"] for i in range(3)] == [3, 4, 5]
    values = [summary_of(out / f"repeat-{i}")["best"]["values"][0] for i in range(3)]
    assert summary["best"]["values"][0] == max(values)
    assert summary_of(out) == summary


def test_a_repeat_is_the_single_run_of_its_seed(tmp_path):
    recipe = write_recipe(tmp_path)
    run(recipe, tmp_path / "many", "repeats=2", "search.generations=3")
    run(recipe, tmp_path / "one", "seed=4", "search.generations=3")
    assert same_end(tmp_path / "one", tmp_path / "many" / "repeat-1")


def test_killed_repeats_go_on_where_they_were(tmp_path):
    recipe, out = write_recipe(tmp_path), tmp_path / "run"
    options = ("--set", "repeats=3", "--set", "search.generations=3", "--set", "fitness.sleep=0.01")
    kill_when(start("run", recipe, *options, "--out", out), lambda: n_rows(out / "repeat-1") > 10)
    measured = {path: content for path, content in files(out / "repeat-0").items() if path == "summary.json"}
    run(recipe, out, *options[1::2], resume=True)
    assert measured.items() <= files(out / "repeat-0").items()
    run(recipe, tmp_path / "whole", *options[1::2])
    assert all(same_end(tmp_path / "whole" / f"repeat-{i}", out / f"repeat-{i}") for i in range(3))


def test_repeats_that_are_interrupted_say_so(tmp_path):
    recipe, out = write_recipe(tmp_path), tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        run(recipe, out, "repeats=2", "fitness.fails=interrupts")
    assert summary_of(out)["status"] == "interrupted"


def test_repeats_refuse_another_recipe(tmp_path):
    recipe, out = write_recipe(tmp_path), tmp_path / "run"
    run(recipe, out, "repeats=2", "search.generations=2")
    with pytest.raises(UserError, match="repeats: 2 -> 3"):
        run(recipe, out, "repeats=3", "search.generations=2", resume=True)


# --- the directory that other tools read

KEYS = (
    "status recipe_digest seed data best would_have_reported evaluations generations baselines final verdicts"
    " surrogate energy test_openings wall_s versions"
)
BASELINE = "name settings validation test work cpu_s wall_s energy_j peak_memory_bytes"
VERDICT = "against difference interval n method verdict"


def test_the_summary_keeps_its_contract(tmp_path):
    recipe = tmp_path / "toy.yaml"
    recipe.write_text(TOY_RECIPE + "screens: [{name: surrogate, model: {name: ridge}, refit_every: 1}]\n")
    run(recipe, tmp_path / "run")
    summary = summary_of(tmp_path / "run")
    assert set(KEYS.split()) <= summary.keys()
    assert {"name", "source", "digest", "splits"} <= summary["data"].keys()
    assert {"key", "genes", "values", "source", "generation"} <= summary["best"].keys()
    assert summary["best"]["source"] == "measured"
    assert {"measured", "cached", "predicted", "failed"} <= summary["evaluations"].keys()
    assert all(set(BASELINE.split()) <= one.keys() for one in summary["baselines"])
    assert {"test", "interval"} <= summary["final"].keys()
    assert summary["verdicts"]
    assert all(set(VERDICT.split()) <= one.keys() for one in summary["verdicts"])
    assert {"audit", "screened_out"} <= summary["surrogate"].keys()
    assert {"joules", "method"} <= summary["energy"].keys()


def test_the_ledger_keeps_its_contract(whole):
    with sqlite3.connect(whole[1] / "ledger.sqlite") as db:
        columns = {name for _, name, *_ in db.execute("PRAGMA table_info(evaluations)")}
        lineage = {name for _, name, *_ in db.execute("PRAGMA table_info(individuals)")}
    assert {"key", "generation", "source", "outcome", "value", "budget", "wall_s", "energy_j"} <= columns
    assert {"id", "generation", "slot", "key", "parents", "operator"} <= lineage


def test_the_resolved_recipe_opens_again(whole):
    recipe, directory = open_recipe(whole[1])
    assert recipe.digest == load_recipe(whole[0]).digest == summary_of(directory.path)["recipe_digest"]


def test_what_is_no_run_directory_is_not_opened(tmp_path):
    with pytest.raises(UserError, match=r"is no run directory: it has no recipe\.yaml"):
        open_recipe(tmp_path)


def test_the_default_directory_has_the_recipes_name():
    assert default_out(load_recipe(RECIPES / "onemax.yaml")) == Path("runs/onemax")


# --- files that are lost


LOST = {
    "gone": lambda path: path.unlink(),
    "empty": lambda path: path.write_bytes(b""),
}


@pytest.mark.parametrize("state", LOST)
@pytest.mark.parametrize("overrides", [(), ("search.generations=5",)], ids=["finished", "longer"])
def test_a_run_whose_ledger_is_lost_goes_on_to_nothing_and_is_left_as_it_is(tmp_path, state, overrides):
    recipe, out = write_recipe(tmp_path), tmp_path / "run"
    run(recipe, out, "search.generations=2")
    LOST[state](out / "ledger.sqlite")
    before = files(out)
    with pytest.raises(UserError, match=rf"ledger.sqlite is {state}, which is what the run did; restore it"):
        run(recipe, out, *(overrides or ("search.generations=2",)), resume=True)
    assert files(out) == before


@pytest.mark.parametrize("left", ["checkpoint", "metrics.jsonl", "summary.json"])
def test_each_file_of_a_run_says_that_there_was_a_ledger(tmp_path, left):
    recipe, out = write_recipe(tmp_path), tmp_path / "run"
    run(recipe, out, "search.generations=2")
    for path in out.iterdir():
        if path.name not in (left, "recipe.yaml", "lock", "artifacts"):
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    with pytest.raises(UserError, match=r"ledger\.sqlite is gone"):
        run(recipe, out, "search.generations=2", resume=True)


@pytest.mark.parametrize("lose", [lambda folder: (folder / "ledger.sqlite").unlink(), shutil.rmtree])
def test_repeats_of_which_one_lost_its_ledger_are_left_as_they_are(tmp_path, lose):
    recipe, out = write_recipe(tmp_path), tmp_path / "run"
    run(recipe, out, "repeats=2", "search.generations=2", "baselines=[]")
    lose(out / "repeat-1")
    before = files(out)
    with pytest.raises(UserError, match=r"repeat-1/ledger.sqlite is gone"):
        run(recipe, out, "repeats=2", "search.generations=2", "baselines=[]", resume=True)
    assert files(out) == before


def test_a_ledger_that_is_deleted_while_the_run_goes_on_ends_it(tmp_path, monkeypatch):
    recipe, out = write_recipe(tmp_path), tmp_path / "run"
    add = Ledger.add

    def deleting(self, rows):
        add(self, rows)
        if any(row.seq == 30 for row in rows):
            (out / "ledger.sqlite").unlink()

    monkeypatch.setattr(Ledger, "add", deleting)
    with pytest.raises(RunFailed, match=r"ledger.sqlite was deleted or replaced while the run was at work"):
        run(recipe, out)
    assert summary_of(out)["status"] == "failed"


def test_a_folder_that_is_not_there_cannot_be_resumed(whole, tmp_path):
    with pytest.raises(UserError, match=r"none does not exist, so there is no run to go on with; leave out --resume"):
        run(whole[0], tmp_path / "none", resume=True)
    assert not (tmp_path / "none").exists()


# --- work per generation

SQL_STEPS = 1.5  # of the virtual machine of SQLite; a deeper tree takes some more


def test_a_generation_late_in_a_run_costs_the_ledger_what_an_early_one_does(tmp_path, monkeypatch):
    steps, statements = [], []
    open_ledger, note = Ledger.__init__, Run._note_metrics

    def counting(self, path):
        open_ledger(self, path)
        self._db.set_progress_handler(lambda: steps.append(None), 1)
        self._db.set_trace_callback(statements.append)

    seen = []
    monkeypatch.setattr(Ledger, "__init__", counting)
    monkeypatch.setattr(
        Run, "_note_metrics", lambda *arguments: (note(*arguments), seen.append((len(steps), len(statements))))
    )
    text = RECIPE.split("screens:")[0].replace("length: 16", "length: 64") + "execution: {backend: inline}\n"
    run(write_recipe(tmp_path, text), tmp_path / "run", "search.generations=300")
    per_generation = [(b[0] - a[0], b[1] - a[1]) for a, b in itertools.pairwise(seen)]
    early, late = per_generation[20:60], per_generation[-40:]
    for which in (0, 1):
        assert sum(one[which] for one in late) < SQL_STEPS * sum(one[which] for one in early)


def test_checkpoints_take_a_small_share_of_the_time(tmp_path, monkeypatch):
    saved = []
    monkeypatch.setattr("evokit.runs.run.CHECKPOINT_EVERY_S", 0.0)
    monkeypatch.setattr("evokit.runs.run.CHECKPOINT_SHARE", 1e-9)
    monkeypatch.setattr("evokit.runs.run.save_checkpoint", lambda folder, number, state: saved.append(number))
    run(write_recipe(tmp_path), tmp_path / "run")
    assert saved == [1, 8]  # the first, so slow that no other comes before the end
