import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from evokit.cli import main
from evokit.common.text import WIDTH
from evokit.errors import UserError
from evokit.measuring.ledger import Ledger
from evokit.results.compare import compared, comparison, verdicts
from evokit.statistics.intervals import mean_interval
from tests.small import TOY_RECIPE, run


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Folder of runs of one recipe: as it is, with a shorter search, with other data, and twice."""
    folder = tmp_path_factory.mktemp("runs")
    recipe = folder / "toy.yaml"
    recipe.write_text(TOY_RECIPE)
    plain = ("baselines=[]", "execution={backend: inline}")
    run(recipe, folder / "one", *plain)
    run(recipe, folder / "short", *plain, "search.generations=1", "seed=1")
    run(recipe, folder / "twice", *plain, "repeats=2", "search.generations=1")
    run(recipe, folder / "again", *plain, "repeats=2", "search.generations=2")
    run(recipe, folder / "others", *plain, "repeats=2", "seed=1", "search.generations=1")
    return folder


def units(folder):
    ledger = Ledger(folder / "ledger.sqlite")
    scores = list(ledger.scores(1).values())
    ledger.close()
    return np.array(scores)


def of(folder, *names):
    """Verdicts and reasons of the first of these runs against the others."""
    first, *others = [compared(folder / name) for name in names]
    return verdicts(first, others)


def test_the_verdict_is_of_paired_differences_over_the_test_units(runs):
    (found,), reasons = of(runs, "one", "short")
    difference, interval = mean_interval(units(runs / "one") - units(runs / "short"))
    assert (found.difference, found.interval) == (pytest.approx(difference), pytest.approx(interval))
    assert (found.n, found.against, reasons) == (3, str(runs / "short"), [])
    assert "not of the methods" in found.method


def test_several_rivals_are_one_family(runs):
    (alone,), _ = of(runs, "one", "short")
    (beside, same), _ = of(runs, "one", "short", "one")
    assert beside.p_holm == pytest.approx(min(1.0, 2 * alone.p))
    assert (same.difference, same.verdict) == (0.0, "no difference shown")


def test_one_training_stands_against_each_of_several(runs, tmp_path):
    recipe = tmp_path / "toy.yaml"
    recipe.write_text(TOY_RECIPE)
    descent = ("baselines=[]", "execution={backend: inline}", "final={seeds: 3}")
    run(recipe, tmp_path / "three", *descent)
    first, one = compared(tmp_path / "three"), compared(tmp_path / "three")
    one = replace(one, units=one.units[:1] + 1)
    (found,), _ = verdicts(first, [one])
    assert found.difference == pytest.approx(first.units.mean() - one.units.mean())
    (two,), _ = verdicts(first, [replace(one, units=first.units[:2])])
    assert two.difference == 0
    assert len(first.units) == 1 or "the first 2 of each" in two.method


def test_repeats_are_paired_by_their_seeds(runs):
    (found,), _ = of(runs, "twice", "again")
    tests = [[one["test"] for one in compared(runs / name).summary["repeats"]] for name in ("twice", "again")]
    assert found.difference == pytest.approx(np.mean(tests[0]) - np.mean(tests[1]))
    assert found.n == 3
    rows = [[units(runs / name / f"repeat-{i}").mean(0) for i in (0, 1)] for name in ("twice", "again")]
    assert found.interval == pytest.approx(mean_interval(np.subtract(*rows))[1])
    assert "units of the test split and repeats" in found.method
    assert "speaks of the methods" in found.method


@pytest.mark.parametrize(
    ("names", "why"),
    [
        (("one", "twice"), "only one of {} has repeats"),
        (("twice", "others"), "{} were not tested on the same units by repeats of the same seeds"),
    ],
)
def test_other_units_have_no_verdict(runs, names, why):
    found, reasons = of(runs, *names)
    assert found == []
    both = f"{runs / names[0]} and {runs / names[1]}"
    assert reasons == [f"{why.format(both)}: no verdict"]


@pytest.mark.parametrize("names", [("one", "short"), ("twice", "again")])
def test_other_data_or_another_objective_have_no_verdict(runs, names):
    """However alike the shapes of what was scored."""
    first, one = (compared(runs / name) for name in names)
    place = 1 if "repeats" in first.summary else 0
    other = replace(one, unit=(*one.unit[:place], "another digest", *one.unit[place + 1 :]))
    assert first.unit[place] == "digest-of-points"
    assert verdicts(first, [other])[1] != []
    objective = one.summary | {"objective": {"name": "else", "goal": "min"}}
    (reason,) = verdicts(first, [replace(one, summary=objective)])[1]
    assert "other objectives" in reason


def test_a_verdict_goes_by_the_goal_of_the_finished_models(runs):
    first, one = (compared(runs / name) for name in ("one", "short"))
    one = replace(one, units=first.units + np.linspace(0.9, 1.1, first.units.shape[1]))
    assert verdicts(first, [one])[0][0].verdict == "better"  # lower is better
    accuracy = first.summary | {"final": first.summary["final"] | {"goal": "max"}}
    assert verdicts(replace(first, summary=accuracy), [one])[0][0].verdict == "worse"


def test_a_run_without_a_test_has_no_verdict(runs, tmp_path):
    recipe = tmp_path / "plain.yaml"
    recipe.write_text(TOY_RECIPE.replace("{name: squares}", "{name: sphere}").replace("data: {name: points}\n", ""))
    run(recipe, tmp_path / "plain", "baselines=[]", "execution={backend: inline}", "search.generations=1")
    plain = compared(tmp_path / "plain")
    assert verdicts(compared(runs / "one"), [plain]) == ([], [f"{plain.path} has no test values: no verdict"])


def test_the_table_has_a_row_a_run_with_its_values_and_work(runs):
    both = [compared(runs / name) for name in ("one", "twice")]
    text = comparison(both)
    for one in both:
        (row,) = [line for line in text.splitlines() if re.match(rf"{one.path} +\d", line)]
        assert f"{one.work:,.0f}" in row.split()
    twice = [json.loads((runs / "twice" / f"repeat-{i}" / "summary.json").read_text()) for i in (0, 1)]
    assert both[1].work == sum(one["search"]["work"] for one in twice) / 2
    assert both[1].cpu_s == pytest.approx(sum(one["final"]["cpu_s"] for one in twice) / 2)


def test_of_what_one_recipe_lacks_the_name_is_told_and_no_more(runs, tmp_path):
    recipe = tmp_path / "more.yaml"
    recipe.write_text(TOY_RECIPE)
    told = ("baselines=[{name: random_search, batch: 3}]", "execution={backend: inline}", "search.generations=1")
    run(recipe, tmp_path / "more", *told)
    text = " ".join(comparison([compared(tmp_path / "more"), compared(runs / "one")]).split())
    assert 'search.generations: 1 -> 4; baselines.0.name: "random_search" -> nothing' in text
    assert "baselines.0.batch" not in text


def test_how_the_recipes_differ_is_told(runs):
    text = " ".join(comparison([compared(runs / name) for name in ("one", "short", "one")]).split())
    assert f"short differs from {runs / 'one'} in seed: 0 -> 1; search.generations: 4 -> 1" in text
    assert f"one differs from {runs / 'one'} in nothing" in text


def test_lines_fit_a_terminal_but_for_long_paths(runs, monkeypatch):
    monkeypatch.chdir(runs)
    text = comparison([compared(Path(name)) for name in ("one", "short")])
    assert max(map(len, text.splitlines())) <= WIDTH


def test_the_command(runs):
    done = CliRunner().invoke(main, ["compare", str(runs / "one"), str(runs / "short")])
    assert done.exit_code == 0
    assert "n = 3" in done.output


def test_wrong_input_is_one_sentence(runs, tmp_path):
    alone = CliRunner().invoke(main, ["compare", str(runs / "one")])
    assert (alone.exit_code, alone.output) == (2, "compare needs at least two run directories\n")
    with pytest.raises(UserError, match="is no run directory: it has no recipe"):
        compared(tmp_path)
    (tmp_path / "recipe.yaml").write_text((runs / "one" / "recipe.yaml").read_text())
    with pytest.raises(UserError, match="has no champion yet"):
        compared(tmp_path)
