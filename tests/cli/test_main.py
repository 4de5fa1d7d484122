import subprocess
import sys
from importlib import metadata

import click
import pytest
from click.testing import CliRunner

from evokit import __version__
from evokit.cli import main
from evokit.errors import RunFailed, UserError
from tests.small import RECIPES

COMMANDS = ["run", "check", "list", "show", "runs", "report", "export", "verify", "unseal", "doctor"]
HEAVY = {"torch", "transformers", "pandas", "datasets", "sklearn", "scipy", "matplotlib"}


def invoke(*words):
    return CliRunner().invoke(main, list(map(str, words)))


def test_help_lists_every_command():
    done = invoke("--help")
    assert done.exit_code == 0
    assert all(f"  {command} " in done.stdout for command in COMMANDS)
    assert "Exit codes" in done.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command):
    done = invoke(command, "--help")
    assert done.exit_code == 0
    assert done.stdout.startswith(f"Usage: main {command}")


def test_the_module_is_the_command():
    done = subprocess.run([sys.executable, "-m", "evokit", "--help"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.startswith("Usage: evokit [OPTIONS]")) == (0, True)


def test_version():
    assert invoke("--version").stdout == f"evokit, version {__version__}\n"


def test_an_unknown_command_is_the_users_mistake():
    assert invoke("evolve").exit_code == 2


def imported_by(*words):
    """Names of the modules that a command has imported when it ends."""
    code = (
        "import sys; sys.argv[0] = 'evokit'\n"
        "from evokit.cli import main\n"
        f"try: main({list(map(str, words))!r})\n"
        "finally: print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stderr.splitlines()[-1].split())


@pytest.mark.parametrize("command", ["--help", "list"])
def test_nothing_heavy_is_imported(command):
    assert not imported_by(command) & {*HEAVY, "numpy", "pydantic", "deap.tools", "jinja2"}


def test_a_run_imports_nothing_heavy_that_its_parts_do_not_need(tmp_path):
    imported = imported_by("run", RECIPES / "onemax.yaml", "--set", "search.generations=2", "--out", tmp_path / "run")
    assert "evokit.searches.generational" in imported
    assert not imported & HEAVY


def test_the_console_script_is_installed():
    (script,) = metadata.entry_points(group="console_scripts", name="evokit")
    assert script.load() is main


@pytest.mark.parametrize(("error", "code"), [(UserError("a b"), 2), (RunFailed("a b"), 1)])
def test_errors_become_one_message_and_an_exit_code(monkeypatch, error, code):
    @click.command()
    def fail():
        raise error

    monkeypatch.setitem(main.commands, "fail", fail)
    done = invoke("fail")
    assert (done.exit_code, done.stderr) == (code, "a b\n")


@pytest.mark.parametrize("module", ["click", "evokit.cli.run"])
@pytest.mark.parametrize(("how", "code"), [("SIGINT", 130), ("SIGTERM", 143)])
def test_a_signal_while_the_command_line_is_imported_is_one_sentence(module, how, code):
    program = (
        "import signal, sys\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "class Finder:\n"
        "    def find_spec(name, path, target=None):\n"
        f"        if name == {module!r}: signal.raise_signal(signal.{how})\n"
        "sys.meta_path.insert(0, Finder)\n"
        "import evokit.cli\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (code, "\nInterrupted.\n")


def test_ctrl_c_is_130_in_every_command(monkeypatch):
    @click.command()
    def wait():
        raise KeyboardInterrupt

    monkeypatch.setitem(main.commands, "wait", wait)
    done = invoke("wait")
    assert (done.exit_code, done.stderr) == (130, "\nInterrupted.\n")


def test_an_empty_text_is_the_users_mistake():
    done = invoke("run", "onemax", "--out", "")
    assert (done.exit_code, "an empty text is no path and no name" in done.stderr) == (2, True)
