import json
import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evokit.common.text import WIDTH, size, table
from evokit.results.front_text import SHOWN
from evokit.results.report import report
from evokit.runs.found import State
from evokit.statistics.pareto import FRONT
from tests.small import RECIPES, TOY_RECIPE, run, write_recipe


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    folder = tmp_path_factory.mktemp("small")
    return run(write_recipe(folder), folder / "run")


@pytest.fixture(scope="module")
def contest(tmp_path_factory):
    folder = tmp_path_factory.mktemp("toy")
    (folder / "toy.yaml").write_text(TOY_RECIPE)
    return run(folder / "toy.yaml", folder / "run")


def test_no_line_is_wider_than_a_terminal(small, contest):
    lines = [*report(small).splitlines(), *report(contest).splitlines()]
    assert max(map(len, lines)) <= WIDTH


def test_it_says_what_was_found_and_what_it_cost(small):
    text = report(small)
    assert text.startswith("small.yaml: done, seed 3, 8 generations (stopped: the horizon is reached)")
    assert f"Best measured: ones {small['best']['values'][0]:.0f} (higher is better)" in text
    assert "Best of 2 on what the search never saw, which flatters it: ones" in text
    assert "Surrogate: " in text
    assert "Race: " in text
    assert "(estimate)" in text or small["energy"]["method"] in ("rapl", "nvml")


def test_a_champion_that_fresh_data_chose_is_not_called_the_best_measured(small):
    best = {**small["best"], "values": [30.0], "confirmed": 31.0}
    text = report({**small, "best": best, "best_measured": 32.0, "would_have_reported": 32.0})
    assert "Champion: ones 30 (higher is better)" in text
    assert "there the search's own best, ones 32 in the search, was behind it." in " ".join(text.split())
    assert "Best measured" not in text


def test_generations_are_counted_from_one_as_the_display_does(small):
    assert f"found in generation {small['best']['generation'] + 1}," in report(small)


def test_verdicts_are_sentences_with_their_interval(contest):
    text = " ".join(report(contest).split())
    assert "Verdict: the champion" in text
    assert "the best baseline on validation" in text
    assert "n = 3" in text
    assert "The test split was opened 1 time." in text


def test_a_test_split_that_stayed_sealed_is_told(tmp_path):
    (tmp_path / "toy.yaml").write_text(TOY_RECIPE + "final: {test: false}\n")
    text = report(run(tmp_path / "toy.yaml", tmp_path / "run"))
    assert "The test split is sealed. To open it for these models" in text
    assert "--out RUN --resume --set final.test=true" in " ".join(text.split())
    assert "Verdict" not in text


def test_a_column_that_says_nothing_is_left_out(small, contest):
    assert "95 % interval" not in report(small)
    assert "95 % interval" in report(contest)


def test_a_run_without_a_champion_can_be_told(small):
    assert "No champion is named yet" in report(
        small | {"best": None, "final": None, "baselines": [], "status": "running"}
    )


def test_what_was_skipped_is_told_with_its_reason(small):
    one = small["baselines"][0] | {"skipped": "there was no search yet"}
    text = report(small | {"baselines": [one]})
    assert "random_search (skipped)" in text
    assert "random_search was skipped: there was no search yet" in text


def test_predictions_that_would_have_won_are_told_only_where_they_differ(small):
    assert "Had predictions counted" in report(small | {"would_have_reported": 99.0})
    assert "Had predictions counted" not in report(small | {"would_have_reported": small["best_measured"]})


@pytest.fixture(scope="module")
def two_objectives(tmp_path_factory):
    shorter = ["search.generations=8", "search.population=40"]
    return run(RECIPES / "zdt1.yaml", tmp_path_factory.mktemp("front") / "run", *shorter)


def test_a_front_is_a_table_by_its_first_objective_thinned_to_its_ends(two_objectives):
    front, text = two_objectives["front"], report(two_objectives)
    rows = re.findall(r"^(\S+) +(\S+) +([0-9a-f]{8})$", text, re.MULTILINE)
    assert len(rows) == min(SHOWN, len(front))
    assert [rows[0][2], rows[-1][2]] == [front[0]["key"][:8], front[-1]["key"][:8]]
    assert f"Pareto front of all that was measured, {len(front)} points" in text
    assert "f1 (lower is better)  f2 (lower is better)  key" in text
    assert max(map(len, text.splitlines())) <= WIDTH


def test_individuals_that_share_a_point_are_counted_and_a_full_front_says_so(two_objectives):
    point = two_objectives["front"][0]
    assert "individuals" not in report(two_objectives | {"front": [point]})
    shared = report(two_objectives | {"front": [point | {"shared_by": 1234}]})
    assert any(line.endswith(f"{point['key'][:8]}  1,234") for line in shared.splitlines())
    full = report(two_objectives | {"front": [point] * FRONT})
    assert "1,000 points (of more, the most crowded were left out), of which 12" in full


def test_a_front_of_one_is_told_too(two_objectives):
    one = two_objectives | {"front": two_objectives["front"][:1]}
    assert "Pareto front of all that was measured, 1 point:" in report(one)


def test_the_hypervolumes_of_search_and_control_stand_side_by_side(two_objectives):
    volumes = two_objectives["hypervolume"]
    assert 0 < volumes["random_search"] < volumes["search"] < 1
    assert two_objectives["baselines"][0]["front"]
    text = report(two_objectives)
    assert "search 0." in text
    ours, theirs = (two_objectives["gaps"][name] for name in ("search", "random_search"))
    assert 0 <= ours["igd_plus"] < theirs["igd_plus"]
    assert 0 <= ours["epsilon"] < theirs["epsilon"]
    assert "in that box (IGD+, epsilon; 0 is best): search" in " ".join(text.split())


def test_what_an_early_stop_saved_is_told_as_an_estimate(small):
    saved = {"generations": 12, "work": 3400, "cpu_s": 5.04, "energy_j": 1.0, "method": "estimate"}
    text = " ".join(report(small | {"saved": saved}).split())
    assert "saved 12 of 20 generations: at the mean cost of those that ran, 3,400 units of work and 5.0 CPU s" in text
    assert "saved" not in report(small)


def test_work_is_told_in_what_it_counts(small):
    saved = {"generations": 12, "work": 3400, "cpu_s": 5.04, "energy_j": 1.0, "method": "estimate"}
    race = {"screen": "race", "dropped": 12, "work": 120}
    text = report(small | {"saved": saved, "screens": [race], "work_unit": "tokens"})
    assert "3,400 tokens and 5.0 CPU s" in " ".join(text.split())
    assert "Race: 12 dropped before full budget; all its rungs took 120 tokens" in text
    assert any(line.split()[:5] == ["what", "it", "took", "work", "(tokens)"] for line in text.splitlines())


def test_repeats_are_counted_and_one_of_them_shown(small):
    text = " ".join(report(small | {"repeats": [{}, {}], "seed": 7}).split())
    assert "done, 2 repeats" in text
    assert "those of the repeat with seed 7, whose champion has the best value of 2" in text
    assert "of the repeat with" not in report(small)
    one = report(small | {"repeats": [{}], "repeats_planned": 2})
    assert "done, 1 of 2 repeats," in one
    assert "In all of 1 of 2 repeats," in one


def test_a_repeat_that_was_interrupted_is_not_counted_as_one(small):
    repeats = [{"status": "done"}, {"status": "interrupted"}]
    text = report(small | {"status": "interrupted", "repeats": repeats, "repeats_planned": 3})
    assert "interrupted, 1 of 3 repeats and a part of the next," in text
    assert "In all of 1 of 3 repeats and a part of the next," in text


def test_what_a_run_spent_that_nobody_knows_is_no_number(small):
    text = report(small | {"wall_s": math.nan, "cpu_s": math.nan})
    assert "In all: not known, for it was stopped before that was saved" in " ".join(text.split())


def test_what_ran_while_others_did_is_told_with_its_shared_time(contest):
    beside = contest["baselines"][0] | {"wall_s": 600.0, "beside_s": 90.0}
    text = report(contest | {"baselines": [beside, contest["baselines"][1]]})
    assert "had fewer workers meanwhile: descent for 90 s." in " ".join(text.split())
    assert "meanwhile" not in report(contest)


@pytest.mark.parametrize(("best", "told"), [(None, "nothing valid was measured yet."), (3.0, "best so far: ones 3.")])
def test_a_run_under_way_tells_its_best_so_far(small, best, told):
    assert f"No champion is named before the end; {told}" in report(small, State("running", 2, best))


def test_only_what_was_fitted_without_a_choice_is_called_untuned(contest):
    descent, random_search = contest["baselines"]
    lines = report(contest).splitlines()
    assert any(line.startswith("descent (untuned) ") for line in lines)
    assert any(line.startswith("random_search ") for line in lines)
    stopped = report(contest | {"baselines": [descent | {"seeds": []}, random_search]})
    assert "(untuned)" not in stopped


def test_a_table_without_a_value_is_no_table(contest):
    one = contest["baselines"][0] | {"validation": None, "test": None, "interval": None, "variants": []}
    text = report(contest | {"final": None, "baselines": [one], "verdicts": []})
    assert not any(set(line) <= {"-", " "} and "  " not in line for line in text.splitlines() if line)


def test_a_summary_from_its_file_reads_the_same(small):
    assert report(json.loads(json.dumps(small))) == report(small)


cells = st.text(st.characters(codec="ascii", exclude_categories=["Cc"], exclude_characters=" "), max_size=9)


@given(st.lists(st.tuples(cells.filter(bool), cells, cells), min_size=1, max_size=5))
def test_a_table_keeps_every_entry_and_aligns_columns(rows):
    lines = table(("a", "b", "c"), rows).splitlines()
    used = [i for i in range(3) if any(row[i] for row in rows)]
    assert len(lines) == len(rows) + 2
    assert [line.split() for line in lines[2:]] == [[row[i] for i in used if row[i]] for row in rows]
    assert all(line == line.rstrip() for line in lines)


@pytest.mark.parametrize(("n", "text"), [(0, "0 kB"), (999_000, "999 kB"), (1_000_000, "1.0 MB"), (3e9, "3.0 GB")])
def test_sizes(n, text):
    assert size(n) == text


def test_a_verdict_a_row_with_what_it_rests_on(contest):
    one = contest["verdicts"][0] | {"over_seeds": [-0.5, -0.25], "p_holm": 0.0123}  # of an earlier version
    text = report(contest | {"verdicts": [one]})
    assert "the champion against" in text
    assert "[-0.5, -0.25]" in text
    assert "0.012" in text


def test_longer_trained_models_follow_those_of_the_search_s_horizon(contest):
    final = contest["final"] | {"variants": [contest["final"] | {"name": "champion, 9 steps", "variants": []}]}
    lines = report(contest | {"final": final}).splitlines()
    labels = [line.split("  ")[0] for line in lines]
    assert labels.index("champion") < labels.index("random_search") < labels.index("champion, 9 steps")


def test_what_repays_the_search_is_a_sentence(contest):
    def says(**found):
        one = contest["baselines"][0] | {"break_even": {"saved": 250.0, "trainings": 40, "bound": False} | found}
        return " ".join(report(contest | {"baselines": [one], "work_unit": "steps"}).split())

    assert "In place of tuned descent, the search is repaid after 40 trainings: each saves 250 steps for" in says()
    assert "after at most 1 training: each saves at least 250" in says(trainings=1, bound=True)


def test_a_control_shows_what_it_found(contest):
    one = contest["baselines"][1] | {"show": "p = p - lr g"}
    assert "What random_search found:\np = p - lr g" in report(contest | {"baselines": [one]})


def test_a_control_that_found_the_champion_itself_is_named(contest):
    def says(shown, found):
        best, one = contest["best"] | {"show": shown}, contest["baselines"][1] | {"show": found}
        return " ".join(report(contest | {"best": best, "baselines": [one]}).split())

    same = "The same individual as the champion was found by random_search."
    assert same in says("p = p - g", "p = p - g")
    assert same not in says("p = p - g", "p = p - lr g")
    assert same not in says(None, None)
