"""The contest on a toy: points of a line, a champion from the search, gradient descent as the trained baseline."""

import json
import math
import sqlite3
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from evokit.assembly.directory import RunDirectory, file_digest
from evokit.assembly.trials import Trials
from evokit.common.keys import digest
from evokit.interfaces import Evaluation
from evokit.measuring.ledger import Ledger, Row
from evokit.progress import LineProgress
from evokit.recipe import load_recipe
from evokit.results.report import report
from evokit.results.verify import verify
from evokit.runs.contest import Contest, Entry, paired_scores
from evokit.runs.launch import launch
from evokit.runs.tuning import Model, seeds_of
from evokit.streams import Streams
from tests.runs.test_tuning import Door, Tunable
from tests.small import TOY

RECIPE = f"""\
plugins: [{TOY}]
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


def runner(tmp_path):
    """Runs the toy recipe with overrides; gives the summary and the directory."""

    def run(*overrides, name="run", **how):
        path = tmp_path / "toy.yaml"
        path.write_text(RECIPE)
        out = tmp_path / name
        summary = launch(load_recipe(path, overrides), out, LineProgress(StringIO()), **how)
        return summary, out

    return run


@pytest.fixture
def run(tmp_path):
    return runner(tmp_path)


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


INSPECTED = """
from dataclasses import dataclass
from evokit import Component, hookimpl
from tests.toy_plugin import DescentContender


class ReadContender(DescentContender):
    def __init__(self, context, fails):
        super().__init__(context, (0.1,))
        self.fails = fails

    def inspect(self, artifact):
        if self.fails:
            raise ArithmeticError("as planned")
        return {"read": artifact.read_text()}


@dataclass(frozen=True)
class Read:
    fails: bool = False

    def build(self, context):
        return ReadContender(context, self.fails)


@hookimpl
def evokit_components():
    return [Component("baseline", "read", Read, fits="squares")]
"""


def test_the_first_finished_model_of_a_contender_is_inspected(run, tmp_path):
    (tmp_path / "inspected.py").write_text(INSPECTED)
    given = f"plugins=[{TOY}, {tmp_path / 'inspected.py'}]", "baselines=[{name: read}, {name: descent}]"
    summary, out = run(*given)
    read = baseline(summary, "read")
    assert read["inspection"] == {"read": (out / read["artifacts"][0]).read_text()}
    assert baseline(summary, "descent")["inspection"] == summary["final"]["inspection"] == {}
    assert "inspect" in summary["energy"]["phases"]
    phases = [phase for (phase,) in rows(out, "SELECT phase FROM costs ORDER BY rowid")]
    assert phases.index("inspect") < phases.index("test")


def test_an_inspection_that_fails_harms_no_run(run, tmp_path):
    (tmp_path / "inspected.py").write_text(INSPECTED)
    summary, _ = run(f"plugins=[{TOY}, {tmp_path / 'inspected.py'}]", "baselines=[{name: read, fails: true}]")
    assert summary["status"] == "done"
    assert baseline(summary, "read")["inspection"] == {}
    assert baseline(summary, "read")["test"] is not None


def test_a_setting_at_the_edge_of_what_was_tried_is_told(run):
    summary, _ = run("baselines=[{name: descent, lr: [0.001, 0.01, 0.1]}]")
    assert baseline(summary, "descent")["at_edge"] == ["lr 0.1 (largest of 3)"]
    line = "Tuned to the edge of what was tried, so that a wider grid may be better: descent lr 0.1 (largest of 3)."
    assert line in " ".join(report(summary).split())
    summary, _ = run(name="inside")
    assert baseline(summary, "descent")["at_edge"] == []
    assert "edge" not in report(summary)


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


def test_the_test_split_stays_sealed_until_the_run_goes_on_with_it(run):
    sealed, _ = run("final.test=false")
    assert (sealed["test_openings"], sealed["verdicts"], sealed["rival"]) == ([], [], None)
    assert sealed["final"]["validation"] is not None
    assert sealed["final"]["test"] is baseline(sealed, "descent")["test"] is None
    opened, _ = run(resume=True)
    whole, _ = run(name="whole")
    assert [one["test"] for one in (opened["final"], *opened["baselines"])] == [
        one["test"] for one in (whole["final"], *whole["baselines"])
    ]
    assert opened["verdicts"] == whole["verdicts"]
    assert opened["evaluations"] == sealed["evaluations"]


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


def entry(name, *scores, validation=None, goal="min", deterministic=False, seeds=None):
    """An entry with a row of scores per model, of seeds from 1."""
    seeds = seeds or range(1, len(scores) + 1)
    values = validation or [0.0] * len(scores)
    models = [Model(seed, {}, Evaluation((value,))) for seed, value in zip(seeds, values, strict=True)]
    contender = SimpleNamespace(deterministic=deterministic, goal=goal, unit="point")
    return Entry(name, name, contender, models, scores=np.array(scores, float) if scores else None)


def test_a_seed_has_the_mean_over_units_and_validation_is_the_mean_over_seeds():
    one = entry("a", [1, 2, 6], [2, 4, 6], [2, 2, 2], validation=[5.0, 8.0, 9.5])
    assert one.seed_scores == [3.0, 4.0, 2.0]
    assert one.validation == 7.5
    assert entry("a").seed_scores == []


def test_without_models_validation_is_what_the_search_found():
    assert Entry("a", "a", searched=0.25).validation == 0.25
    assert Entry("a", "a").validation is None
    assert Entry("a", "a").n_settings == 1


def test_only_variants_with_models_are_counted():
    one = entry("a", [1.0])
    one.variants = {"with": entry("a, with", [1.0]), "without": entry("a, without")}
    assert [each.name for each in one.all] == ["a", "a, with"]
    assert entry("b").all == []


class OfFiles:
    """Scores a file by the absolute difference of its number from each unit, and counts how often."""

    deterministic, goal, unit, budgets = False, "min", "point", (1,)

    def __init__(self, goal="min"):
        self.goal, self.asked = goal, []

    def score(self, path, split):
        self.asked.append(path.name)
        return np.abs(np.array(split) - float(path.read_text()))


class FakeRun:
    """As much of a run as a contest asks for."""

    def __init__(self, folder):
        self.ledger, self.directory, self.costs, self.notes = Ledger(":memory:"), RunDirectory(folder), [], []
        self.progress = SimpleNamespace(
            note=lambda text, keep=False: self.notes.append(text), phase=lambda title: None, best=lambda *how: None
        )
        final = SimpleNamespace(seeds=2, test=True)
        self.recipe = SimpleNamespace(path=Path("a/toy.yaml"), digest="recipe", final=final)
        data = SimpleNamespace(digest="data", test=[1.0, 2.0])
        self.parts = SimpleNamespace(
            data=data, recipe=self.recipe, context=SimpleNamespace(streams=Streams(3)), named_baselines=lambda: []
        )

    @contextmanager
    def costed(self, phase):
        yield
        self.costs.append(phase)

    def model(self, name, seed, number, validation=0.0):
        (self.directory.path / f"{name}-{seed}").write_text(str(number))
        return Model(seed, {}, Evaluation((validation,), artifact=f"{name}-{seed}"))

    def entry(self, name, *numbers, contender=None, validation=0.0):
        models = [self.model(name, seed, number, validation) for seed, number in enumerate(numbers, 1)]
        return Entry(name, name, contender or OfFiles(), models)


@pytest.fixture
def contest(tmp_path):
    one = Contest(FakeRun(tmp_path))
    one.champion = one._run.entry("champion", 1.0, 1.5)
    one.baselines = [one._run.entry("a", 4.0, 5.0, validation=2.0), one._run.entry("b", 0.0, validation=1.0)]
    return one


def test_the_contest_freezes_all_models_then_scores_each(contest):
    contest.decide()
    ledger, folder = contest._run.ledger, contest._run.directory.path
    names = [("champion", 1), ("champion", 2), ("a", 1), ("a", 2), ("b", 1)]
    digests = [file_digest(folder / f"{name}-{seed}") for name, seed in names]
    assert ledger.frozen() == [
        (name, seed, f"{name}-{seed}", one) for (name, seed), one in zip(names, digests, strict=True)
    ]
    assert [reason for _, reason, _ in ledger.openings()] == ["final"]
    models = digest([[name, seed, one] for (name, seed), one in zip(names, digests, strict=True)])
    assert ledger._db.execute("SELECT models FROM openings").fetchall() == [(models,)]
    assert ledger.scores(1) == {
        ("champion", 1): [0, 1], ("champion", 2): [0.5, 0.5], ("a", 1): [3, 2], ("a", 2): [4, 3], ("b", 1): [1, 2]
    }  # fmt: skip
    assert contest.champion.scores.tolist() == [[0, 1], [0.5, 0.5]]
    assert contest._run.costs == ["test"]
    assert contest.register["recipes"][0]["recipe"] == "toy.yaml"


def test_what_an_opening_scored_is_not_scored_again(contest):
    number = contest._run.ledger.opening("final", contest._freeze(contest.entries), "monday")
    contest._run.ledger.add_score(number, "champion", 2, [7.0, 9.0])
    contest.decide()
    assert contest.opening == number
    assert contest.champion.scores.tolist() == [[0, 1], [7, 9]]
    assert contest.champion.contender.asked == ["champion-1"]


def test_another_model_in_the_place_of_one_opens_the_seal_again(contest):
    contest.decide()
    (contest._run.directory.path / "b-1").write_text("0.25")
    contest.decide()
    assert contest.opening == 2
    assert contest.baselines[1].scores.tolist() == [[0.75, 1.75]]


def test_verdicts_say_how_many_trainings_they_rest_on(contest):
    contest.decide()
    first, second = contest.verdicts
    assert (first.against, second.against) == ("a", "b")
    assert first.difference == np.mean([[-3, -1], [-3.5, -2.5]])
    assert second.difference == 0.5 - 1.5  # seed 1 alone, which b lacks no model of
    assert first.method.startswith("over points and trainings, 2 of ours and 2 of theirs; speaks of this champion")
    assert "2 of ours and 1 of theirs" in second.method
    assert "lower is better" in first.method


def test_single_trainings_are_not_told(contest):
    for one in (contest.champion, contest.baselines[0]):
        del one.models[1:]
    contest.decide()
    assert contest.verdicts[0].method.startswith("over points; speaks of this champion, not of the method")


def test_rivals_of_one_champion_are_corrected_for_their_number(contest):
    contest._run.parts.data.test = [1.0, 2.0, 3.5, 2.5]
    contest.decide()
    small, large = sorted(one.p for one in contest.verdicts)
    assert sorted(one.p_holm for one in contest.verdicts) == [
        pytest.approx(min(1, 2 * small)), pytest.approx(max(large, min(1, 2 * small)))
    ]  # fmt: skip


def test_variants_meet_their_like_alone(contest):
    """A rival may have others, none, or one whose every fit failed."""
    run, (a, b) = contest._run, contest.baselines
    contest.champion.variants = {"long": run.entry("champion, long", 3.0)}
    a.variants = {"long": run.entry("a, long", 4.0, 4.5), "short": run.entry("a, short", 9.0)}
    b.variants = {"short": run.entry("b, short", 9.0)}
    contest.baselines.append(run.entry("c", 8.0))
    contest.baselines[-1].variants = {"long": run.entry("c, long")}
    contest.decide()
    assert [one.against for one in contest.verdicts] == ["a", "b", "c", "a, long"]
    last = contest.verdicts[-1]
    assert last.difference == -1.0
    assert "1 of ours and 2 of theirs" in last.method
    assert {name for name, _ in run.ledger.scores(1)} >= {"champion, long", "a, short", "b, short"}


def test_lost_scores_take_a_model_out_of_the_contest(contest):
    (contest._run.directory.path / "a-2").write_text("nan")
    contest.decide()
    assert contest.baselines[0].scores is None
    assert contest.baselines[0].skipped == "2 of 4 scores of its models are not finite"
    assert contest._run.notes == ["a: 2 of 4 scores of its models are not finite"]
    assert [one.against for one in contest.verdicts] == ["b"]
    assert contest.rival() is contest.baselines[1]
    (contest._run.directory.path / "champion-1").write_text("inf")
    contest.decide()
    assert contest.verdicts == []


@pytest.mark.parametrize(("goal", "rival"), [("min", "b"), ("max", "a")])
def test_the_rival_is_the_scored_baseline_that_is_best_on_validation(contest, goal, rival):
    for one in contest.baselines:
        one.contender = OfFiles(goal)
    contest.champion.contender = OfFiles(goal)
    better = {"min": -9.0, "max": 9.0}[goal]
    contest.baselines.append(Entry("unscored", "unscored", OfFiles(goal), searched=better))
    assert contest.rival() is None
    contest.decide()
    assert contest.rival().name == rival
    word = {"min": "lower", "max": "higher"}[goal]
    assert all(f"{word} is better" in one.method for one in contest.verdicts)


def test_a_rival_may_have_the_other_goal(contest):
    a, _ = contest.baselines
    a.contender = OfFiles("max")  # its 2.0 is a loss of -2
    contest.decide()
    assert contest.rival() is a


@pytest.mark.parametrize("lacks", ["data", "champion", "models"])
def test_nothing_is_opened_without_data_and_a_finished_champion(contest, lacks):
    if lacks == "data":
        contest._run.parts.data = None
    elif lacks == "champion":
        contest.champion = None
    else:
        contest.champion.models = []
    contest.decide()
    assert contest._run.ledger.openings() == []
    assert contest.verdicts == []


def entered(tmp_path, contender, best=None, refits=(), failing=()):
    """A baseline ``b`` whose models were fitted with two final seeds: the contest, its entry, door and phase."""
    run = FakeRun(tmp_path)
    door, phases = Door(contender, failing), []
    run.workplace = SimpleNamespace(
        job=lambda name, refits: SimpleNamespace(fitness=Trials(name, contender, "", run.directory))
    )

    def measure(phase, *how, **options):
        phases.append((phase, options))
        return door

    run.measure = measure
    one = Entry("b", "baseline/b", refits=refits, builds_on=("fit",))
    if failing or None in contender.full:
        run.ledger.add(
            Row("baseline/b", seq, 0, "key", "", 1, Evaluation(outcome="diverged", message=message))
            for seq, message in enumerate(["not yet", "gone"])
        )
    Contest(run)._fit(one, best)
    ((phase, options),) = phases
    assert run.costs == [phase]
    assert options == {"batch": 1, "refits": refits, "aside": None}
    return one, door, phase


def test_the_seed_of_tuning_is_none_of_the_final_ones(tmp_path):
    one, door, phase = entered(tmp_path, Tunable([3.0, 2.0], budgets=(4,)))
    first, second, third = seeds_of(Streams(3), 3)
    assert door.asked == [(0, first, 4, 0), (1, first, 4, 0), (1, second, 4, 1), (1, third, 4, 1)]
    assert ([model.seed for model in one.models], one.setting, one.n_settings) == ([second, third], {"lr": 1}, 2)
    assert (phase, one.validation) == ("baseline/b", 2.0)


def test_the_only_model_of_a_deterministic_contender_is_the_one_that_was_tuned(tmp_path):
    one, door, _ = entered(tmp_path, Tunable([3.0, 2.0], budgets=(4,), deterministic=True))
    seed = seeds_of(Streams(3), 3)[1]
    assert door.asked == [(0, seed, 4, 0), (1, seed, 4, 0), (1, seed, 4, 1)]
    assert [model.seed for model in one.models] == [seed]


def test_variants_have_the_winning_setting_and_their_own_keys(tmp_path):
    contender = Tunable([3.0, 2.0], budgets=(4,), variants={"twice": {"times": 2}})
    one, _, _ = entered(tmp_path, contender)
    (variant,) = one.variants.values()
    assert (variant.name, variant.phase, variant.n_settings) == ("b, twice", "baseline/b", 2)
    assert variant.setting == variant.models[0].setting == {"lr": 1, "times": 2}
    assert [model.seed for model in variant.models] == seeds_of(Streams(3), 3)[1:]
    assert (variant.builds_on, variant.contender) == (("fit",), contender)


def test_rows_of_a_finished_search_are_named_by_its_best_and_its_refits(tmp_path):
    best = SimpleNamespace(key="0123456789abcdef")
    assert entered(tmp_path, Tunable([3.0]), best)[2] == "baseline/b/01234567"
    assert entered(tmp_path, Tunable([3.0]), best, refits=("x", "y"))[2] == "baseline/b/01234567-2"


def test_where_every_fit_fails_the_reason_is_told(tmp_path):
    one, _, _ = entered(tmp_path, Tunable([None, None]))
    assert (one.models, one.setting, one.skipped) == ([], None, "every fit failed: gone")
    assert one.n_settings == 2


@pytest.fixture
def controlled(tmp_path, monkeypatch):
    """A control search that finds ``best`` where the search spent ``work``: its entry, and what it was told."""

    def controlled(best, *, work=60, genome=None):
        contest, told = Contest(FakeRun(tmp_path)), []
        run = contest._run
        for seq, phase in enumerate(["search", "search", "confirm"]):
            run.ledger.add([Row(phase, seq, 0, "key", "", 1, Evaluation((0.0,), work=work // 2))])

        def run_to_work(by, *how):
            assert by is run
            told.append(how)
            return best, "confirmed", ("refit",), None

        monkeypatch.setattr("evokit.runs.contest.run_to_work", run_to_work)
        run.parts.genome = genome or SimpleNamespace()
        search = SimpleNamespace(front=lambda: ["a", "b"])
        run.workplace = SimpleNamespace(baseline=lambda name: search, final=None)
        contest.enter_baseline("random_search", ("ours",))
        (one,) = contest.baselines
        return one, told

    return controlled


def test_a_control_search_is_given_the_measured_work_of_the_search(controlled):
    best = SimpleNamespace(genes=7, fitness=SimpleNamespace(values=(0.5, 3.0), violation=0.0))
    genome = SimpleNamespace(show=lambda genes: f"it is {genes}")
    one, told = controlled(best, genome=genome)
    assert told == [("baseline/random_search", "random_search", 60, ("ours",))]
    assert (one.searched, one.validation, one.confirmed, one.refits) == (0.5, 0.5, "confirmed", ("refit",))
    assert (one.front, one.shown, one.builds_on, one.skipped) == (["a", "b"], "it is 7", None, "")
    assert controlled(best)[0].shown == ""


@pytest.mark.parametrize(
    ("work", "why"),
    [(0, "it gets the search's measured work, and there was no search yet"), (2, "every individual failed")],
)
def test_a_control_search_that_finds_nothing_has_no_number(controlled, work, why):
    one, told = controlled(None, work=work)
    assert (one.searched, one.validation, one.skipped) == (None, None, why)
    assert len(told) == (work > 0)


def test_a_training_names_the_preparations_that_it_builds_on(tmp_path):
    contest = Contest(FakeRun(tmp_path))
    run, fits = contest._run, []
    run.workplace = SimpleNamespace(baseline=lambda name: SimpleNamespace(fit=None))
    sections = {"plain": SimpleNamespace(), "b": SimpleNamespace(builds_on=["library"])}
    run.parts.named_baselines = lambda: [(name, SimpleNamespace(options=one)) for name, one in sections.items()]
    contest._fit = lambda entry, best: fits.append((entry.name, best))
    for name in sections:
        contest.enter_baseline(name, ())
    assert [(one.phase, one.builds_on) for one in contest.baselines] == [
        ("baseline/plain", ()), ("baseline/b", ("library",))
    ]  # fmt: skip
    assert fits == [("plain", None), ("b", None)]


@pytest.mark.parametrize("final", [None, "trained"])
def test_a_champion_is_finished_where_the_fitness_can(tmp_path, final):
    contest = Contest(FakeRun(tmp_path))
    run, fits = contest._run, []
    run.workplace = SimpleNamespace(final=final)
    contest._fit = lambda entry, best: fits.append((entry, best))
    contest.enter_champion("best", ("refit",))
    one = contest.champion
    assert (one.name, one.phase, one.refits, one.builds_on) == ("champion", "champion", ("refit",), None)
    assert fits == ([(one, "best")] if final else [])
