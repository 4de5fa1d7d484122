"""Searches that measure their survivors again on fresh replicates: nobody keeps a value that was luck."""

from io import StringIO

import numpy as np
import pytest

from evokit.measuring.ledger import Ledger
from evokit.progress import LineProgress
from evokit.recipe import RecipeError, load_recipe
from evokit.results.replay import replay
from evokit.results.verify import verify
from evokit.runs.launch import launch

RECIPE = """\
seed: 0
fitness: {name: sphere, noise: 1.0}
genome: {name: real_vector, length: 3, low: -2, high: 2}
search: {name: generational, population: 6, generations: 7, elites: 2, reevaluate: 3}
crossover: {name: uniform}
mutation: {name: gaussian}
confirm: {top: 2}
baselines: [{name: random_search}]
execution: {backend: inline}
"""


@pytest.fixture
def run(tmp_path):
    def start(*overrides, name="run", text=RECIPE, resume=False):
        (tmp_path / "recipe.yaml").write_text(text)
        recipe = load_recipe(tmp_path / "recipe.yaml", overrides)
        return launch(recipe, tmp_path / name, LineProgress(StringIO()), resume=resume), tmp_path / name

    return start


def contexts(out, phase="search"):
    ledger = Ledger(out / "ledger.sqlite")
    rows = ledger.rows(phase)
    ledger.close()
    return rows, list(dict.fromkeys(row.context for row in rows))


def test_survivors_are_measured_on_as_many_replicates_as_there_were_renewals(run):
    summary, out = run()
    rows, different = contexts(out)
    assert len(different) == 3
    again = [row for row in rows if row.generation == 3 and row.context == different[1]]
    before = {row.key for row in rows if row.generation < 3}
    assert before & {row.key for row in again}
    assert len(summary["best"]["refits"]) == 2


def test_the_champion_has_its_value_of_the_last_replicates(run):
    summary, out = run()
    rows, different = contexts(out)
    last = {row.key: row.evaluation.values for row in rows if row.context == different[-1] and row.evaluation.ok}
    assert list(last[summary["best"]["key"]]) == summary["best"]["values"]
    assert summary["best"]["values"][0] == min(values[0] for values in last.values())


def test_confirmation_is_on_replicates_that_no_renewal_met(run):
    _, out = run()
    _, met = contexts(out)
    _, confirmed = contexts(out, "confirm/7")
    assert not set(met) & set(confirmed)


BOUNDED = "{name: same_search, genome: {name: real_vector, length: 3, low: -1, high: 1}}"


@pytest.mark.parametrize("control", ["{name: random_search}", BOUNDED])
def test_controls_are_confirmed_on_the_replicates_that_confirm_the_champion(run, control, tmp_path):
    summary, out = run(f"baselines=[{control}]")
    ledger = Ledger(out / "ledger.sqlite")
    rows = ledger.measured("")
    ledger.close()
    confirming = f"baseline/{summary['baselines'][0]['name']}/confirm/"
    theirs = [row for row in rows if row.phase.startswith(confirming)]
    assert theirs
    for asked in ("", "/again"):  # the choice, and the value of the chosen one
        ours = {row.context for row in rows if row.phase.startswith("confirm/") and row.phase.endswith(f"/7{asked}")}
        assert ours
        assert {row.context for row in theirs if row.phase.endswith("/again") == bool(asked)} == ours
    assert replay(out, theirs[0].key, tmp_path / "scratch").measure().ok


def test_without_confirmation_it_is_refused(run):
    with pytest.raises(RecipeError, match=r"search\.reevaluate: needs confirm"):
        run("confirm=null")


def test_what_is_claimed_holds_and_every_row_can_be_replayed(run, tmp_path):
    _, out = run()
    assert all(claim.holds for claim in verify(out))
    rows, _ = contexts(out)
    again = replay(out, rows[-1].key, tmp_path / "scratch")
    assert again.measure().values == again.row.evaluation.values


def test_a_run_that_goes_on_is_the_run_that_was_never_interrupted(run):
    run()
    extended, _ = run("search.generations=10", resume=True)
    whole, _ = run("search.generations=10", name="whole")
    assert extended["best"] == whole["best"]


def test_luck_flatters_less(run):
    """Of eight searches under noise, the values found are nearer to the truth, which has no noise in its minimum."""

    def flattered(*how):
        lucky = []
        for seed in range(8):
            summary, _ = run(f"seed={seed}", "baselines=[]", *how, name=f"{how[0]}-{seed}")
            truth = float(np.square(summary["best"]["genes"]).sum()) + 3.0  # plus the variance of a centre per gene
            lucky.append(truth - summary["best"]["values"][0])
        return np.mean(lucky)

    assert flattered("search.reevaluate=2") < flattered("search.reevaluate=null")


def test_a_fitness_without_fresh_replicates_is_refused(run):
    with pytest.raises(RecipeError, match=r"search\.generational: reevaluate: the fitness has no fresh data"):
        run(
            text="seed: 0\nfitness: {name: onemax}\ngenome: {name: bits, length: 4}\nsearch: {name: generational,"
            " reevaluate: 2}\ncrossover: {name: uniform}\nmutation: {name: bit_flip}\n"
        )
