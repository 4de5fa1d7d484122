import pytest

import evokit
from evokit import UserError
from tests import small


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    def cost(x, y):
        return (x - 1) ** 2 + abs(y), [0.5 - x]

    space = {"x": evokit.Float(0, 2), "y": evokit.Int(-3, 3)}
    folder = tmp_path_factory.mktemp("runs") / "run"
    return evokit.minimize(
        cost, space, constraints=["share"], work=40, directory=folder, baselines=["random_search"], search="regularised"
    )


def test_the_table_has_what_was_measured(run):
    table = run.frame()
    assert len(table) == run.summary["evaluations"]["measured"] + run.summary["evaluations"]["cached"]
    assert table.value.tolist() == pytest.approx(((table.x - 1) ** 2 + table.y.abs()).tolist())
    assert table.share.tolist() == pytest.approx((0.5 - table.x).tolist())
    assert table[table.share <= 0].value.min() == run.best_value
    assert table.equals(run.evaluations)


@pytest.mark.parametrize(
    ("word", "ours"), [("best_params", "best"), ("fun", "best_value"), ("F", "best_value"), ("trials", r"frame\(\)")]
)
def test_another_librarys_word_is_answered_by_ours(run, word, ours):
    with pytest.raises(AttributeError, match=f"^a run has no {word}; it has {ours}$"):
        getattr(run, word)
    with pytest.raises(AttributeError, match="'Run' object has no attribute 'frobnicate'"):
        run.frobnicate  # noqa: B018 - it is what fails


def test_history_has_a_row_for_each_generation(run):
    history = run.history
    assert history.generation.tolist() == list(range(run.summary["generations"]))
    assert history.best.iloc[-1] == run.best_value


def test_of_a_run_with_repeats_the_one_is_named_whose_champion_is_best(tmp_path):
    text = "repeats: 3\nfitness: {name: sphere}\ngenome: {name: real_vector, length: 2, low: -3, high: 3}\n"
    text += "search: {name: random_search, generations: 1}\nexecution: {backend: inline}\n"
    (tmp_path / "recipe.yaml").write_text(text)
    small.run(tmp_path / "recipe.yaml", tmp_path / "run")
    values = [evokit.open(tmp_path / "run" / f"repeat-{number}").best_value for number in range(3)]
    with pytest.raises(UserError, match=rf"repeat-{values.index(min(values))}'\) is that of the best champion"):
        evokit.open(tmp_path / "run").best_value  # noqa: B018 - it is what fails


def test_it_is_found_again_by_its_directory(run):
    again = evokit.open(run.directory)
    assert (again.best, again.best_value, again.status) == (run.best, run.best_value, "done")
    assert again.report() == run.report()
    assert "Best measured: value" in again._repr_html_()
    assert repr(again).startswith(f"Run({str(run.directory)!r}: done, best value ")


def test_it_is_drawn(run):
    assert run.plot().axes[0].get_ylabel() == "value, validation"


def test_a_folder_that_is_no_run_is_refused(tmp_path):
    with pytest.raises(UserError, match="is no run directory"):
        evokit.open(tmp_path)


def test_a_temporary_directory_goes_with_its_run():
    run = evokit.minimize(lambda x: x.sum(), low=0, high=1, work=3, search="random_search")
    folder = run.directory
    assert folder.exists()
    del run
    assert not folder.exists()


def test_a_recipe_runs_by_name_and_as_a_mapping():
    assert evokit.run("onemax", {"search.generations": 2, "execution.backend": "inline"}).summary["generations"] == 2
    recipe = {"fitness": {"name": "sphere"}, "genome": {"name": "real_vector", "length": 2}, "search": {"name": "cma"}}
    assert evokit.run(recipe | {"execution": {"backend": "inline"}}, set={"stop.work": 12}).best_value < 2
    with pytest.raises(UserError, match=r"^recipe: extends: only a file extends another"):
        evokit.run(recipe | {"extends": "other.yaml"})
    with pytest.raises(UserError, match=r"recipe: genome\.length: must be at least 1, got 0"):
        evokit.run(recipe | {"genome": {"name": "real_vector", "length": 0}})
