"""Worker processes that hang, die and hog, and a run that goes on."""

import logging
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

from evokit.assembly.directory import RunDirectory, reading
from evokit.assembly.workplace import Workplace
from evokit.energy import best_meter
from evokit.errors import RunFailed
from evokit.measuring.backends import make_executor, processes
from evokit.measuring.execution import Task
from evokit.measuring.ledger import Ledger
from evokit.measuring.ledger_files import same_but_for_costs
from evokit.recipe import load_recipe
from tests.small import TOY, launched, start

PLUGIN = Path(__file__).parent / "faulty_plugin.py"
RECIPE = f"""\
seed: 5
plugins: [{PLUGIN}]
fitness: {{name: faulty}}
genome: {{name: bits, length: 12}}
search: {{name: generational, population: 8, generations: 3, elites: 1}}
crossover: {{name: uniform}}
mutation: {{name: bit_flip}}
execution: {{workers: 2, batch: 3}}
"""
SHORT = "search.generations=2"  # as each failure ends a worker
SCREENED = f"""\
seed: 1
plugins: [{TOY}]
data: {{name: points}}
fitness: {{name: squares}}
genome: {{name: real_vector, length: 3, low: -3, high: 3}}
search: {{name: generational, population: 12, generations: 5}}
mutation: {{name: gaussian}}
crossover: {{name: uniform}}
screens:
  - {{name: surrogate, model: {{name: parabola}}, refit_every: 2, top: 0.3, random: 0.3}}
  - {{name: race, keep: 0.5}}
baselines: [{{name: descent, lr: [0.001, 0.1, 5.0]}}, {{name: random_search}}]
final: {{seeds: 2}}
execution: {{batch: 2}}
"""
ONEMAX = """\
fitness: {name: onemax}
genome: {name: bits, length: 16}
search: {name: generational, population: 8, generations: 3}
crossover: {name: uniform}
mutation: {name: bit_flip}
"""


@pytest.fixture
def run(tmp_path):
    """Runs a recipe with overrides; gives the summary and the rows of its search."""

    def run(*overrides, text=RECIPE, name="run", resume=False):
        return launched(tmp_path, text, overrides, name, resume)

    return run


@pytest.fixture
def invalid(run):
    """What the run gives if bad individuals simply say that they are."""
    return run("execution.backend=inline", SHORT, name="invalid")


def failures(rows):
    return {row.key: row.evaluation for row in rows if not row.evaluation.ok and row.evaluation.source == "measured"}


def pids(folder, kind):
    return [int(path.name.partition("-")[2]) for path in folder.glob(f"{kind}-*")]


def gone(pid, within_s=5.0):
    """Whether a process ends in time; one that nobody has waited for yet counts as ended."""
    deadline = time.monotonic() + within_s
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return True
        if state == "Z":
            return True
        time.sleep(0.02)
    return False


def until(what, within_s=30.0):
    deadline = time.monotonic() + within_s
    while not (found := what()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)
    return found


@pytest.mark.parametrize(
    ("how", "outcome", "message"),
    [
        ("nan", "nan", "the fitness is not a number"),
        ("inf", "diverged", "the fitness is infinite"),
        ("raise", "raised", "ArithmeticError: a multiple of five"),
        ("exit0", "worker_died", "the worker ended itself with exit code 0, 2 times"),
        pytest.param(
            "exit3", "worker_died", "the worker ended itself with exit code 3, 2 times", marks=pytest.mark.slow
        ),
        ("segfault", "worker_died", "the worker was killed by signal 11 (SIGSEGV), 2 times"),
    ],
)
def test_a_failure_is_recorded_and_the_run_goes_on_as_if_it_had_said_so(run, invalid, how, outcome, message):
    summary, rows = run(f"fitness.how={how}", SHORT)
    failed = failures(rows)
    assert {(one.outcome, one.message) for one in failed.values()} == {(outcome, message)}
    assert failed.keys() == failures(invalid[1]).keys()
    assert summary["best"] == invalid[0]["best"]


@pytest.mark.parametrize("how", ["hang", pytest.param("hold", marks=pytest.mark.slow)])
def test_what_hangs_is_killed_with_its_children(run, invalid, tmp_path, how):
    summary, rows = run(
        f"fitness={{name: faulty, how: {how}, folder: {tmp_path}}}",
        "execution.timeout_s=0.3",
        "execution.retries=0",
        SHORT,
    )
    assert {(one.outcome, one.message) for one in failures(rows).values()} == {("timed_out", "the time was up")}
    assert failures(rows).keys() == failures(invalid[1]).keys()
    assert summary["best"] == invalid[0]["best"]
    assert bool(pids(tmp_path, "child")) == (how == "hang")
    started = {*pids(tmp_path, "child"), *pids(tmp_path, "worker")} - {os.getpid()}  # the run itself measures one too
    assert all(map(gone, started))


@pytest.mark.slow
def test_a_hog_runs_into_the_limit_and_harms_no_other(run, invalid):
    summary, rows = run("fitness.how=hog", "execution.memory_mb=800", "execution.retries=0", SHORT)
    failed = failures(rows)
    assert {one.outcome for one in failed.values()} == {"out_of_memory"}
    assert all(one.message.startswith("MemoryError: Unable to allocate") for one in failed.values())
    assert failed.keys() == failures(invalid[1]).keys()
    assert summary["best"] == invalid[0]["best"]


def test_what_dies_once_is_measured_at_the_second_try(run, tmp_path):
    _, rows = run(f"fitness={{name: faulty, how: exit1, tries: 1, folder: {tmp_path}}}", "execution.batch=1", SHORT)
    assert list(tmp_path.glob("tried-*"))
    assert failures(rows) == {}


@pytest.mark.parametrize(("text", "numbers"), [(SCREENED, (1, 3)), (ONEMAX, (2, 8))], ids=["toy", "onemax"])
def test_any_number_of_workers_gives_the_same_champion_and_ledger(run, tmp_path, text, numbers):
    inline, _ = run("execution.backend=inline", text=text, name="inline")
    for workers in numbers:
        name = f"workers-{workers}"
        summary, _ = run(f"execution.workers={workers}", text=text, name=name)
        assert summary["best"] == inline["best"]
        assert summary["verdicts"] == inline["verdicts"]
        assert same_but_for_costs(tmp_path / name / "ledger.sqlite", tmp_path / "inline" / "ledger.sqlite")


def test_a_run_may_go_on_in_another_place(run, tmp_path):
    run("search.generations=2")
    run("execution.backend=inline", resume=True)
    run("search.generations=5", "execution.workers=1", resume=True)
    run("search.generations=5", name="whole")
    assert same_but_for_costs(tmp_path / "run" / "ledger.sqlite", tmp_path / "whole" / "ledger.sqlite")


def test_what_is_known_starts_no_worker(run, monkeypatch):
    summary, _ = run()
    monkeypatch.setattr(processes, "ProcessPool", None)
    again, _ = run("export=[]", resume=True)
    assert again["best"] == summary["best"]


def test_workers_that_compute_other_bits_stop_the_run(run, tmp_path):
    with pytest.raises(RunFailed, match="two workers disagree about one individual"):
        run(f"fitness={{name: faulty, how: late, folder: {tmp_path}}}")


def test_a_probe_that_cannot_be_measured_stops_nothing(run, caplog):
    """The seed is one whose probe is a bad individual."""
    with caplog.at_level(logging.WARNING, "evokit"):
        summary, _ = run("fitness.how=exit1", "seed=2", SHORT)
    assert summary["best"] is not None
    assert [one for one in caplog.messages if "workers are not compared with each other" in one]


def test_workers_that_cannot_be_built_stop_the_run(run):
    with pytest.raises(RunFailed, match=r"a worker holds \d+ MiB before its first individual; .*memory_mb is 1: raise"):
        run("execution.memory_mb=1")


def test_a_script_needs_no_main_guard(tmp_path):
    (tmp_path / "recipe.yaml").write_text(ONEMAX)
    script = tmp_path / "script.py"
    script.write_text(
        "from io import StringIO\nfrom pathlib import Path\nfrom evokit.runs.launch import launch\n"
        "from evokit.progress import LineProgress\n"
        "from evokit.recipe import load_recipe\n"
        "launch(load_recipe('recipe.yaml'), Path('run'), LineProgress(StringIO()))\n"
    )
    ended = subprocess.run([sys.executable, script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr


def test_what_a_worker_logs_is_shown_by_the_run(run, caplog):
    with caplog.at_level(logging.WARNING, "evokit"):
        run("fitness.how=log")
    assert "five of them" in caplog.messages


def test_costs_are_measured_in_the_worker(run):
    summary, rows = run("fitness.sleep_s=0.01")
    assert all(row.evaluation.wall_s >= 0.01 for row in rows if row.evaluation.source == "measured")
    cpu_s = sum(row.evaluation.cpu_s for row in rows)
    assert 0 < cpu_s < summary["search"]["cpu_s"]
    assert sum(row.evaluation.energy_j for row in rows) == pytest.approx(15.0 * cpu_s)


@pytest.mark.parametrize(
    ("how", "code"),
    [
        (signal.SIGINT, 130),
        (signal.SIGTERM, 143),
        pytest.param(signal.SIGHUP, 129, marks=pytest.mark.slow),
        (signal.SIGKILL, -signal.SIGKILL),
    ],
)
def test_a_run_that_is_stopped_leaves_no_process(tmp_path, how, code):
    path = tmp_path / "recipe.yaml"
    path.write_text(RECIPE)
    hang = f"fitness={{name: faulty, how: hang, folder: {tmp_path}}}"
    # Neither the probe nor those of the rehearsal are bad individuals under this seed.
    process = start("run", path, "--set", hang, "--set", "seed=19", "--out", tmp_path / "run", "--plain")
    until(lambda: len(pids(tmp_path, "child")) == 2)
    left = pids(tmp_path, "child") + pids(tmp_path, "worker")
    os.killpg(process.pid, how) if how == signal.SIGINT else process.send_signal(how)
    out, err = process.communicate(timeout=20)
    assert process.returncode == code
    assert "Traceback" not in out + err
    assert all(gone(pid) for pid in left)
    if how != signal.SIGKILL:
        assert "everything measured is saved" in err
        assert RunDirectory(tmp_path / "run").read_summary()["status"] == "interrupted"


def n_rows(ledger):
    """What was measured in a search, as another process sees it."""
    if not ledger.exists():
        return 0
    with suppress(sqlite3.DatabaseError), reading(ledger) as db:
        return db.execute("SELECT count(*) FROM evaluations WHERE phase = 'search'").fetchone()[0]
    return 0


def test_a_scheduler_that_stops_the_workers_first_makes_no_individual_a_bad_one(tmp_path):
    path = tmp_path / "recipe.yaml"
    path.write_text(RECIPE)
    fitness = f"fitness={{name: faulty, sleep_s: 0.3, folder: {tmp_path}}}"
    alone = "execution={workers: 2, batch: 1, retries: 0}"  # of a batch each would be tried once more
    slow = ("--set", fitness, "--set", alone, "--set", "search.generations=100")
    patient = "from evokit.measuring.backends import processes; processes.STOP_S = 30.0"  # the machine may be busy
    process = start("run", path, *slow, "--out", tmp_path / "run", "--plain", first=patient)
    until(lambda: n_rows(tmp_path / "run" / "ledger.sqlite") > 0)  # workers are beyond their probes
    workers = {*pids(tmp_path, "worker")} - {process.pid}  # the run itself measures one too
    for pid in workers:
        os.kill(pid, signal.SIGTERM)
    assert all(gone(pid) for pid in workers)
    time.sleep(0.5)  # as the run, which is next, may hear of their deaths before
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=20)
    assert process.returncode == 143
    ledger = Ledger(tmp_path / "run" / "ledger.sqlite")
    assert not [row for row in ledger.rows("search") if row.evaluation.outcome == "worker_died"]
    ledger.close()


def test_a_worker_that_is_killed_from_outside_is_replaced(run, tmp_path):
    path = tmp_path / "recipe.yaml"
    path.write_text(RECIPE)
    slow = f"fitness={{name: faulty, sleep_s: 0.1, folder: {tmp_path}}}"
    with start("run", path, "--set", slow, "--out", tmp_path / "killed", "--plain") as process:
        for pid in until(lambda: {*pids(tmp_path, "worker")} - {process.pid}):  # the run itself measures one too
            os.kill(pid, signal.SIGKILL)
        process.communicate(timeout=60)
    assert process.returncode == 0
    run(slow, name="whole")
    assert same_but_for_costs(tmp_path / "killed" / "ledger.sqlite", tmp_path / "whole" / "ledger.sqlite")


def test_a_run_that_is_killed_leaves_none_that_hangs_in_c(tmp_path):
    path = tmp_path / "recipe.yaml"
    path.write_text(RECIPE)
    hold = f"fitness={{name: faulty, how: hold, folder: {tmp_path}}}"
    process = start("run", path, "--set", hold, "--set", "seed=19", "--out", tmp_path / "run", "--plain")
    left = until(lambda: len(pids(tmp_path, "worker")) == 2 and pids(tmp_path, "worker"))
    time.sleep(0.5)  # until both have met a bad individual
    process.kill()
    process.communicate(timeout=20)
    assert all(gone(pid) for pid in left)


@pytest.mark.parametrize("noticed_s", [0.0, 0.5])
def test_an_idle_worker_that_is_killed_costs_no_task(tmp_path, noticed_s):
    (tmp_path / "source.yaml").write_text(RECIPE)
    overrides = [f"fitness.folder={tmp_path}", "execution.retries=0", "execution.workers=1"]
    recipe, directory = load_recipe(tmp_path / "source.yaml", overrides), RunDirectory(tmp_path / "run")
    directory.create(recipe)
    executor = make_executor(Workplace(recipe, directory), best_meter("cpu", 15.0))
    task = Task([np.ones(12, bool)], 1)
    try:
        before = list(executor.map([task]))
        (pid,) = pids(tmp_path, "worker")
        os.kill(pid, signal.SIGKILL)
        time.sleep(noticed_s)
        after = list(executor.map([task]))
    finally:
        executor.close()
    assert before[0][0].values == after[0][0].values == (12.0,)
    assert all(gone(pid) for pid in pids(tmp_path, "worker"))


def test_workers_have_the_environment_of_their_run_whenever_they_are_started(run, tmp_path, monkeypatch):
    for said in ("one", "two"):
        monkeypatch.setenv("EVOKIT_SAID", said)
        run(f"fitness={{name: faulty, how: says, folder: {tmp_path}}}", name=said)
        assert (tmp_path / "said").read_text() == said


def test_starting_the_process_that_workers_are_copies_of_leaves_the_run_as_it_was(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.delenv("MKL_NUM_THREADS", raising=False)
    before = dict(os.environ), signal.pthread_sigmask(signal.SIG_BLOCK, ())
    with processes.alone():
        assert {os.environ[name] for name in processes.THREADS} == {"1"}
        assert {signal.SIGTERM, signal.SIGHUP} <= signal.pthread_sigmask(signal.SIG_BLOCK, ())
    assert (dict(os.environ), signal.pthread_sigmask(signal.SIG_BLOCK, ())) == before
