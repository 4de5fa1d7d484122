import json
import shlex
import signal
import subprocess

import pytest
from click.testing import CliRunner

from evokit.cli import main
from evokit.common.stops import Stopped
from evokit.runs import launch
from evokit.runs.run import Run
from tests.small import RECIPES, command, evokit, write_recipe


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_recipe(tmp_path)
    return tmp_path


def invoke(*words):
    return CliRunner().invoke(main, ["run", *map(str, words)])


def test_a_piped_run_tells_its_generations_and_the_report(here):
    done = invoke("small.yaml")
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    assert "Generation 1/8" in lines
    assert "Generation 8/8" in lines
    assert any(line.startswith("Best fitness: ") for line in lines)
    assert "small.yaml: done, seed 3" in done.stdout
    assert lines[-1] == "Run directory: runs/small"
    assert "Loaded the plugin" in done.stderr
    assert json.loads((here / "runs/small/summary.json").read_text())["status"] == "done"


def test_a_real_pipe_is_told_the_same(here):
    done = evokit("run", RECIPES / "onemax.yaml", "--set", "search.generations=2", cwd=here)
    assert done.returncode == 0, done.stderr
    assert "Generation 1/2\n" in done.stdout
    assert "Best fitness: " in done.stdout
    assert "\x1b" not in done.stdout


@pytest.mark.parametrize("more", [(), ("--plain",)])
def test_a_reader_that_goes_away_ends_nothing(here, more):
    words = command(["run", RECIPES / "onemax.yaml", "--set", "search.generations=3", "--out", here / "run", *more])
    shell = f"{shlex.join(words)} 2>&1 | head -1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", shell], capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout.count("\n"), done.stderr) == (0, 1, "")
    assert json.loads((here / "run/summary.json").read_text())["status"] == "done"


def test_a_run_that_nobody_can_read_is_a_run(here):
    words = shlex.join(command(["run", RECIPES / "onemax.yaml", "--set", "search.generations=2"]))
    for to in (">/dev/full", ">&-"):
        shell = ["bash", "-c", f"{words} --out run{to[-1]} {to}"]
        done = subprocess.run(shell, cwd=here, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")


def test_a_name_that_seems_to_mean_a_file_beside_it_is_told(here):
    (here / "onemax.yaml").touch()
    done = invoke("onemax", "--set", "search.generations=2")
    assert done.exit_code == 0
    assert done.stderr == "onemax is the recipe that comes along; ./onemax.yaml is another file.\n"


def test_an_existing_directory_is_exit_code_2(here):
    assert invoke("small.yaml", "--set", "search.generations=2").exit_code == 0
    again = invoke("small.yaml", "--set", "search.generations=2")
    assert again.exit_code == 2
    assert again.stderr.splitlines()[-1].startswith("runs/small exists already; add --resume")


def test_resuming_a_finished_run_prints_its_summary_and_measures_nothing(here):
    first = invoke("small.yaml")
    again = invoke("small.yaml", "--resume")
    assert again.exit_code == 0
    assert "Generation" not in again.stdout
    assert first.stdout.endswith(again.stdout)


def test_resuming_under_another_seed_is_one_sentence_and_exit_code_2(here):
    invoke("small.yaml", "--set", "search.generations=2")
    done = invoke("small.yaml", "--resume", "--set", "seed=9")
    assert done.exit_code == 2
    assert "seed: 3 -> 9" in done.stderr.splitlines()[-1]


FOUR_MISTAKES = """\
seed: -1
fitness: {name: onemux}
genome: {name: bits, length: 0}
search: {name: generational, populaton: 8}
crossover: {name: uniform}
mutation: {name: bit_flip}
"""


def test_four_mistakes_are_shown_at_once_with_their_lines(here):
    (here / "bad.yaml").write_text(FOUR_MISTAKES)
    done = invoke("bad.yaml")
    assert done.exit_code == 2
    lines = done.stderr.splitlines()
    assert [line.split(" ")[0] for line in lines] == [f"bad.yaml:{n}:" for n in (1, 2, 3, 4)]
    assert "did you mean 'onemax'?" in lines[1]
    assert "did you mean 'population'?" in lines[3]
    assert "Traceback" not in done.stderr
    assert not (here / "runs").exists()


@pytest.mark.parametrize(
    ("name", "words"),
    [("none.yaml", "no such file"), ("folder", "cannot be read"), ("latin.yaml", "not a text file in UTF-8")],
)
def test_what_cannot_be_read_is_one_sentence_and_exit_code_2(here, name, words):
    (here / "folder").mkdir()
    (here / "latin.yaml").write_bytes("seed: 1 # Größe".encode("latin-1"))
    done = invoke(name)
    assert done.exit_code == 2
    assert words in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (here / "runs").exists()


@pytest.mark.parametrize("override", ["screens.1.rungs=[3]", "fitness.fresh_data=false"])
def test_errors_of_building_are_exit_code_2_and_leave_nothing(here, override):
    done = invoke("small.yaml", "--set", override)
    assert done.exit_code == 2
    assert done.stderr.splitlines()[-1].startswith("small.yaml:")
    assert not (here / "runs").exists()


def test_a_run_in_which_everything_fails_is_exit_code_1_and_says_why(here):
    done = invoke("small.yaml", "--set", "fitness={name: odd, fails: nan, all: true}", "--set", "screens=[]")
    assert done.exit_code == 1
    assert "nan: the fitness is not a number" in done.stderr.splitlines()[-1]
    assert json.loads((here / "runs/small/summary.json").read_text())["status"] == "failed"


@pytest.mark.parametrize(("how", "told"), [("raises", "ArithmeticError: an odd number"), ("exits", "SystemExit: 0")])
def test_a_fitness_that_raises_or_exits_on_everything_is_refused_and_leaves_nothing(here, how, told):
    done = invoke("small.yaml", "--set", f"fitness={{name: odd, fails: {how}, all: true}}", "--set", "screens=[]")
    assert done.exit_code == 2
    assert told in done.stderr.splitlines()[-1]
    assert not (here / "runs/small").exists()


def test_an_interrupt_is_130_and_quotes_what_the_shell_would_split(here):
    done = invoke("small.yaml", "--set", "fitness={name: odd, fails: interrupts}", "--out", "a b")
    assert done.exit_code == 130
    assert "evokit run small.yaml --set 'fitness={name: odd, fails: interrupts}' --out 'a b' --resume" in done.stderr


def test_baselines_alone(here):
    done = invoke("small.yaml", "--only", "baselines")
    assert done.exit_code == 0
    assert "random_search was skipped" in done.stdout
    assert invoke("small.yaml", "--resume").exit_code == 0


def stopping(monkeypatch, owner, name):
    """Let a call be answered by Ctrl-C once it has done its work."""
    real = getattr(owner, name)

    def stopped(*arguments, **options):
        real(*arguments, **options)
        raise KeyboardInterrupt

    monkeypatch.setattr(owner, name, stopped)


def test_stopped_before_its_first_summary_run_and_report_say_the_same(here, monkeypatch):
    stopping(monkeypatch, launch, "_rehearse_measuring")
    done = invoke("small.yaml")
    assert done.exit_code == 130
    said = "before anything was measured. Go on with: evokit run small.yaml --out runs/small --resume"
    assert done.stderr.splitlines()[-1] == f"Interrupted {said}"
    told = CliRunner().invoke(main, ["report", "runs/small"])
    assert told.exit_code == 2
    assert told.stderr.startswith("runs/small was stopped before anything was measured. Go on with: evokit run ")


def test_stopped_when_it_was_done_it_is_said_to_be_done(here, monkeypatch):
    stopping(monkeypatch, Run, "close")
    done = invoke("small.yaml", "--set", "search.generations=2", "--out", "my run")
    assert done.exit_code == 130
    said = "Interrupted, but the run is done: evokit report 'my run' tells what it found."
    assert done.stderr.splitlines()[-1] == said


def test_stopped_before_anything_was_made_it_says_so_with_the_signals_code(here, monkeypatch):
    def stopped(*arguments, **options):
        raise Stopped(signal.SIGTERM)

    monkeypatch.setattr(launch, "launch", stopped)
    done = invoke("small.yaml")
    assert done.exit_code == 143
    assert done.stderr.splitlines()[-1] == "Interrupted before anything was measured."
