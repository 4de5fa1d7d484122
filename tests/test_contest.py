"""The contest on a toy: points of a line, a champion from the search, gradient descent as the trained baseline."""

import json
import math
import sqlite3
from io import StringIO
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from evokit.contest import Entry, Model, paired_scores, seeds_of
from evokit.interfaces import Evaluation
from evokit.launch import launch
from evokit.progress import LineProgress
from evokit.recipe import load_recipe
from evokit.rundir import RunDirectory
from evokit.streams import Streams
from evokit.trials import Trials
from evokit.verify import verify

PLUGIN = Path(__file__).parent / "toy_plugin.py"
RECIPE = f"""\
plugins: [{PLUGIN}]
data: {{name: points}}
fitness: {{name: squares}}
genome: {{name: real_vector, length: 1, low: -3, high: 3}}
search: {{name: generational, population: 8, generations: 5}}
mutation: {{name: gaussian}}
crossover: {{name: uniform}}
baselines: [{{name: descent, lr: [0.001, 0.1, 5.0]}}, {{name: random_search}}]
final: {{seeds: 3}}
export: [text]
execution: {{backend: inline}}
"""


@pytest.fixture
def run(tmp_path):
    """Runs the toy recipe with overrides; gives the summary and the directory."""

    def run(*overrides, name="run", **how):
        path = tmp_path / "toy.yaml"
        path.write_text(RECIPE)
        out = tmp_path / name
        summary = launch(load_recipe(path, overrides), out, LineProgress(StringIO()), **how)
        return summary, out

    return run


def rows(out, query):
    with sqlite3.connect(out / "ledger.sqlite") as db:
        return db.execute(query).fetchall()


def baseline(summary, name):
    return next(one for one in summary["baselines"] if one["name"] == name)


def test_the_setting_that_wins_on_validation_is_fitted_with_every_seed(run):
    summary, _ = run()
    descent = baseline(summary, "descent")
    assert descent["settings"] == {"lr": 0.1}
    assert descent["settings_tried"] == 3
    assert len(set(descent["seeds"])) == 3


def test_a_race_drops_settings_before_they_cost_their_full_budget(run):
    _, out = run()
    full = rows(out, "SELECT count(*) FROM evaluations WHERE phase = 'baseline/descent' AND budget = 20")
    assert full == [(2 + 3,)]  # two of three settings survive the rung, then the winner's three seeds


def test_a_diverged_setting_is_recorded_and_does_not_win(run):
    _, out = run()
    failed = rows(out, "SELECT outcome, message FROM evaluations WHERE outcome != 'ok'")
    assert [outcome for outcome, _ in failed] == ["diverged"]


def test_a_baseline_whose_every_setting_fails_is_skipped_and_says_why(run):
    summary, _ = run("baselines=[{name: descent, lr: [5.0]}]")
    assert baseline(summary, "descent")["skipped"].startswith("every fit failed: the point left at")
    assert summary["verdicts"] == []


def test_random_search_spends_the_measured_work_of_the_search(run):
    summary, _ = run()
    assert baseline(summary, "random_search")["work"] - 2 == summary["search"]["work"]  # 2: its finished model


def test_test_values_are_those_of_the_frozen_models(run):
    summary, out = run()
    value = float((out / summary["final"]["artifacts"][0]).read_text())
    assert summary["final"]["test"] == pytest.approx(np.square(np.array([1.0, 1.5, 2.5]) - value).mean())


def test_every_tested_model_was_frozen_before_the_one_opening(run):
    summary, out = run()
    frozen = {(name, seed) for name, seed in rows(out, "SELECT name, seed FROM frozen")}
    scored = {(name, seed) for name, seed in rows(out, "SELECT name, seed FROM scores")}
    assert frozen == scored
    assert [one["reason"] for one in summary["test_openings"]] == ["final"]


def test_verdicts_are_paired_over_test_points(run):
    summary, _ = run()
    verdict = next(one for one in summary["verdicts"] if one["against"] == "descent")
    difference = summary["final"]["test"] - baseline(summary, "descent")["test"]
    assert verdict["n"] == 3
    assert verdict["difference"] == pytest.approx(difference)


def test_the_rival_is_the_baseline_that_is_best_on_validation(run):
    summary, _ = run()
    best = min(summary["baselines"], key=lambda one: one["validation"])
    assert summary["rival"] == best["name"]


def test_an_extended_run_opens_the_seal_again_for_its_new_champion_and_says_so(run, tmp_path):
    summary, out = run()
    longer = load_recipe(tmp_path / "toy.yaml", ["search.generations=30"])
    extended = launch(longer, out, LineProgress(StringIO()), resume=True)
    assert extended["generations"] == 30
    assert extended["best"]["values"][0] < summary["best"]["values"][0]
    assert [one["reason"] for one in extended["test_openings"]] == ["final", "final"]


def test_variants_of_the_winning_setting_are_finished_tested_and_compared_with_each_other(run):
    summary, out = run("fitness.twice=true", "final={seeds: 3}")
    (ours,), (theirs,) = summary["final"]["variants"], baseline(summary, "descent")["variants"]
    assert ours["settings"] == summary["final"]["settings"] | {"times": 2}
    assert theirs["name"] == "descent, twice"
    assert {name for (name,) in rows(out, "SELECT name FROM frozen")} >= {"champion, twice", "descent, twice"}
    assert [one["against"] for one in summary["verdicts"]] == [
        "descent", "random_search", "descent, twice", "random_search, twice"
    ]  # fmt: skip
    assert all(claim.holds for claim in verify(out))


def test_seeds_on_which_settings_were_tuned_are_none_of_the_final_ones(run):
    _, out = run("baselines=[{name: descent, lr: [0.001, 0.1]}]")
    trials = [json.loads(genes) for (genes,) in rows(out, "SELECT genes FROM genomes") if "lr" in genes]
    tuned_on = {trial["seed"] for trial in trials if trial["setting"]["lr"] == 0.001}
    finished = {seed for _, seed in rows(out, "SELECT name, seed FROM frozen WHERE name = 'descent'")}
    assert len(finished) == 3
    assert not tuned_on & finished


def test_a_search_is_repaid_by_what_the_rival_needs_beyond_it(run):
    summary, _ = run("fitness.twice=true", "baselines=[{name: descent, lr: [0.001]}]")
    found = baseline(summary, "descent")["break_even"]
    assert found["bound"]  # steps so short never get there
    assert found["saved"] == 40 - 2  # the longest training, less the champion's work
    assert found["trainings"] == math.ceil(summary["search"]["work"] / 38)


def test_exports_are_written(run):
    summary, out = run()
    assert (out / "export" / "text" / "point.txt").read_text() == (out / summary["final"]["artifacts"][0]).read_text()


def test_the_confirm_section_is_refused_where_there_is_nothing_fresh(run):
    from evokit.recipe import RecipeError

    with pytest.raises(RecipeError, match="squares has no fresh data or replicates to confirm on"):
        run("confirm={top: 3}")


def test_a_baseline_whose_score_is_no_number_takes_no_part_and_the_run_ends(run):
    summary, _ = run("baselines=[{name: descent, lost: true}, {name: random_search}]")
    lost = baseline(summary, "descent")
    assert (summary["status"], lost["test"], lost["interval"]) == ("done", None, None)
    assert lost["skipped"] == "3 of 9 scores of its models are not finite"
    assert [one["against"] for one in summary["verdicts"]] == ["random_search"]


def test_no_seed_is_shared_between_final_fits():
    assert len(set(seeds_of(Streams(0), 5))) == 5


def test_models_lie_in_a_folder_of_their_own_contender(tmp_path):
    class Contender:
        goal = "min"
        budgets = (1,)

        def fit(self, setting, seed, budget, scratch):
            from evokit import Evaluation

            (scratch / "model").write_text("")
            return Evaluation(values=(0.0,), artifact=str(scratch / "model"))

    trials = Trials("baseline/a b", Contender(), "context", RunDirectory(tmp_path))
    (one,) = trials.evaluate([{"setting": {}, "seed": 0}], 1)
    assert one.artifact.startswith("artifacts/baseline-a-b/")
    assert (tmp_path / one.artifact).exists()


def test_the_summary_is_json_without_nan(run):
    _, out = run("final={seeds: 1}")
    json.loads((out / "summary.json").read_text(), parse_constant=lambda name: pytest.fail(f"{name} in the summary"))


def test_what_a_seed_does_not_change_is_fitted_once_whether_tuned_or_not(run):
    _, out = run("baselines=[{name: same_for_all, lr: [0.05, 0.1]}]")
    where = "FROM evaluations WHERE phase = 'baseline/same_for_all' AND budget = 20 AND source = 'measured'"
    assert rows(out, f"SELECT count(*) {where}") == [(1,)]  # of two settings one survives the rung


def scored(*seeds, deterministic=False):
    """An entry whose score of unit u with seed s is 10 s + u."""
    models = [Model(seed, {}, Evaluation((0.0,))) for seed in seeds]
    contender = SimpleNamespace(deterministic=deterministic)
    return Entry("it", "it", contender, models, scores=10 * np.array(seeds)[:, None] + np.arange(3.0))


@pytest.mark.parametrize(
    ("ours", "theirs", "rows"),
    [
        ((1, 2, 3), (1, 2, 3), ([1, 2, 3], [1, 2, 3])),
        ((1, 2, 3), (1, 3), ([1, 3], [1, 3])),  # a fit failed
        ((3, 1), (1, 2, 3), ([3, 1], [3, 1])),
        ((1, 2, 3), (2,), ([2], [2])),  # two fits failed
    ],
)
def test_models_are_paired_by_their_seeds(ours, theirs, rows):
    pairs = paired_scores(scored(*ours), scored(*theirs))
    assert [(units[:, 0] / 10).tolist() for units in pairs] == list(rows)


def test_the_one_model_of_a_deterministic_side_stands_against_each_of_the_other():
    ours, theirs = paired_scores(scored(1, 2, 3), scored(1, deterministic=True))
    assert (len(ours), len(theirs)) == (3, 1)


def test_models_without_a_common_seed_are_compared_in_their_means():
    ours, theirs = paired_scores(scored(1, 3), scored(2, 6))
    assert (ours.tolist(), theirs.tolist()) == ([20, 21, 22], [40, 41, 42])
