import json
from io import StringIO

import pytest

from evokit.fitnesses.sphere import SphereFitness
from evokit.launch import launch
from evokit.ledger import Cost, Ledger
from evokit.progress import LineProgress
from evokit.recipe import RecipeError, load_recipe

SPHERE = """\
fitness: {name: sphere, noise: 0.5, rungs: [1, 4]}
genome: {name: real_vector, length: 3, low: -5, high: 5}
search: {name: generational, population: 8, generations: 6}
crossover: {name: uniform}
mutation: {name: gaussian}
execution: {backend: inline}
"""


@pytest.fixture
def run(tmp_path):
    """Runs the sphere with overrides in one directory; gives summary, directory and log."""

    def run(*overrides, resume=False, text=SPHERE):
        path, log = tmp_path / "sphere.yaml", StringIO()
        path.write_text(text)
        summary = launch(load_recipe(path, overrides), tmp_path / "run", LineProgress(log), resume=resume)
        return summary, tmp_path / "run", log.getvalue()

    return run


def test_the_horizon_ends_a_search(run):
    summary, _, _ = run()
    assert (summary["generations"], summary["stopped"]) == (6, "the horizon is reached")
    assert summary["saved"] is None


def test_patience_ends_a_search_without_improvement(run):
    summary, _, _ = run("search.generations=500", "mutation={name: reset, prob: 0.0}", "stop.patience=3")
    assert summary["stopped"] == "no improvement for 3 generations (stop.patience 3)"
    ran, saved = summary["generations"], summary["saved"]
    assert saved["generations"] == 500 - ran
    assert saved["work"] == round(summary["search"]["work"] / ran * (500 - ran))
    assert saved["cpu_s"] == pytest.approx(summary["search"]["cpu_s"] / ran * (500 - ran))
    assert saved["method"].startswith("estimate")
    assert summary["generations"] < 500


def test_a_stop_by_work_is_checked_at_generation_ends(run):
    summary, _, _ = run("stop.work=40")
    assert summary["generations"] == 2  # 8 x 4 units, then 7 x 4 more
    assert summary["search"]["work"] == 60


def test_a_search_that_was_stopped_by_the_clock_stops_there_again_when_resumed(run):
    first, _, _ = run("stop.seconds=0.000001")
    again, _, _ = run("stop.seconds=0.000001", "export=[]", resume=True)
    assert first["generations"] == again["generations"] == 1


def test_confirm_names_the_one_that_is_best_on_fresh_data(run):
    summary, out, _ = run("confirm={top: 4}", "search.generations=3")
    ledger = Ledger(out / "ledger.sqlite")
    rows = ledger.rows("confirm/3")
    ledger.close()
    assert len(rows) == 4
    best = min(rows, key=lambda row: row.evaluation.values[0])
    assert summary["best"]["key"] == best.key
    assert summary["best"]["confirmed"] == best.evaluation.values[0]


def test_metrics_have_a_line_per_generation_also_after_going_on(run):
    run()
    _, out, _ = run("search.generations=9", resume=True)
    lines = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    assert [line["generation"] for line in lines] == list(range(9))


def test_a_run_that_goes_on_equals_one_that_had_the_longer_horizon_from_the_start(run, tmp_path):
    run()
    longer, _, _ = run("search.generations=9", resume=True)
    (tmp_path / "run").rename(tmp_path / "other")
    whole, _, _ = run("search.generations=9")
    assert longer["best"] == whole["best"]
    assert longer["evaluations"] == whole["evaluations"]


def test_the_cost_of_a_phase_includes_its_overhead(run):
    summary, out, _ = run()
    ledger = Ledger(out / "ledger.sqlite")
    inside = sum(row.evaluation.wall_s for row in ledger.rows("search"))
    ledger.close()
    assert summary["search"]["wall_s"] > inside > 0


def test_what_a_fitness_did_beforehand_counts_once(run, monkeypatch):
    monkeypatch.setattr(SphereFitness, "prepared", {"fit": Cost(wall_s=7.0, cpu_s=5.0)}, raising=False)
    first, _, _ = run()
    again, _, _ = run("search.generations=8", resume=True)
    assert first["prepare"]["cpu_s"] == again["prepare"]["cpu_s"] == 5.0
    assert first["cpu_s"] > 5.0


def test_would_have_reported_counts_predictions_as_the_paper_does(run):
    screens = "screens=[{name: surrogate, model: {name: ridge}, refit_every: 1, top: 0.2, random: 0.2}]"
    summary, out, _ = run(screens, "search.generations=20")
    ledger = Ledger(out / "ledger.sqlite")
    values = [row.evaluation.values[0] for row in ledger.rows("search") if row.evaluation.ok]
    ledger.close()
    assert summary["evaluations"]["predicted"] > 0
    assert summary["would_have_reported"] == min(values)
    assert summary["would_have_reported"] <= summary["best"]["values"][0]


def test_a_fitness_without_fresh_data_cannot_confirm(run):
    onemax = "fitness: {name: onemax}\ngenome: {name: bits, length: 8}\nsearch: {name: random_search, generations: 2}\n"
    with pytest.raises(RecipeError, match=r"sphere.yaml:4: confirm: onemax has no fresh data"):
        run(text=onemax + "confirm: {top: 2}\n")
