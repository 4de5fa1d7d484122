"""Exported files before the linter."""

import subprocess
import sys

from evokit_optimizers.rules.source import write_optimizer


def assert_clean(rule, folder):
    """The linter and the formatter have nothing to say of its file."""
    write_optimizer(rule, folder / "evolved.py")
    ruff = [sys.executable, "-m", "ruff"]
    rules_checked = ["check", "--isolated", "--line-length=120", "--select=E,F,I,B,UP,SIM,C4,RUF,N"]
    for command in (rules_checked, ["format", "--isolated", "--line-length=120", "--check"]):
        done = subprocess.run([*ruff, *command, "evolved.py"], cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout
