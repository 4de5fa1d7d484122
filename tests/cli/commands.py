"""``evokit`` called in this process."""

from click.testing import CliRunner

from evokit.cli import main


def invoke(*words):
    return CliRunner().invoke(main, list(map(str, words)))
