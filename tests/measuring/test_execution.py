"""Workers are compared by one individual."""

import pytest

from evokit.assembly.directory import RunDirectory
from evokit.assembly.workplace import Workplace
from evokit.errors import RunFailed
from evokit.interfaces import Evaluation
from evokit.measuring.execution import Probe
from evokit.recipe import load_recipe


@pytest.fixture
def probe(tmp_path):
    text = "fitness: {name: onemax}\ngenome: {name: bits, length: 8}\nsearch: {name: random_search, generations: 1}\n"
    (tmp_path / "recipe.yaml").write_text(text)
    return Probe(Workplace(load_recipe(tmp_path / "recipe.yaml"), RunDirectory(tmp_path)))


def test_a_probe_is_one_individual_at_the_lowest_budget(probe):
    assert len(probe.task.genes) == 1
    assert (probe.task.budget, probe.task.job) == (1, "search")


def test_workers_that_agree_pass_the_probe(probe):
    for wall_s in (1.0, 2.0):
        probe.check([Evaluation((0.1,), wall_s=wall_s)])


def test_workers_that_differ_in_the_last_bit_stop_the_run(probe):
    probe.check([Evaluation((0.3,))])
    with pytest.raises(RunFailed, match=r"two workers disagree .*: \[0.3\] and \[0.30000000000000004"):
        probe.check([Evaluation((0.1 + 0.2,))])


def test_workers_that_fail_differently_stop_the_run(probe):
    probe.check([Evaluation(outcome="raised")])
    with pytest.raises(RunFailed, match="raised and nan"):
        probe.check([Evaluation(outcome="nan")])
