import pytest

from evokit.errors import UserError
from evokit.fitnesses.sphere import SphereFitness
from evokit.measuring.ledger import Ledger
from evokit.results.replay import replay
from tests import small
from tests.runs import test_contest
from tests.runs.test_run import SPHERE
from tests.searches.test_same_search import CONTROL

run = test_contest.run


@pytest.fixture
def odd(tmp_path):
    """A run in which odd individuals raise; its directory and the key of one of them."""
    out = tmp_path / "run"
    small.run(small.write_recipe(tmp_path), out, "fitness.fails=raises", "baselines=[]", "screens=[]")
    ledger = Ledger(out / "ledger.sqlite")
    key = next(row.key for row in ledger.rows("search") if row.evaluation.outcome == "raised")
    ledger.close()
    return out, key


def keys(out, phase):
    ledger = Ledger(out / "ledger.sqlite")
    found = [row.key for row in ledger.rows(phase)]
    ledger.close()
    return found


def test_a_failure_happens_again_uncaught(odd, tmp_path):
    out, key = odd
    one = replay(out, key, tmp_path)
    assert one.row.evaluation.outcome == "raised"
    with pytest.raises(ArithmeticError, match="an odd number of ones"):
        one.measure()


def test_the_beginning_of_a_key_is_enough(odd, tmp_path):
    out, key = odd
    assert replay(out, key[:10], tmp_path).row.key == key


def test_a_beginning_of_several_keys_names_them(odd, tmp_path):
    out, key = odd
    with pytest.raises(UserError, match=f"'' is not the key of one individual; several begin with it: .*{key}"):
        replay(out, "", tmp_path)


def test_an_unknown_key_is_told(odd, tmp_path):
    with pytest.raises(UserError, match="'xyz' is not the key of one individual; nothing that was measured has it"):
        replay(odd[0], "xyz", tmp_path)


def test_a_run_with_repeats_is_looked_through_for_the_key(tmp_path):
    out = tmp_path / "run"
    small.run(small.write_recipe(tmp_path), out, "repeats=2", "baselines=[]", "screens=[]")
    only = next(key for key in keys(out / "repeat-1", "search") if key not in keys(out / "repeat-0", "search"))
    one = replay(out, only, tmp_path / "scratch")
    assert (one.row.key, one.measure().values) == (only, one.row.evaluation.values)
    with pytest.raises(UserError, match="'xyz' is not the key of one individual; nothing that was measured has it"):
        replay(out, "xyz", tmp_path)


@pytest.mark.parametrize("phase", ["search", "baseline/random_search", "baseline/descent"])
def test_what_was_measured_has_the_same_value_again(run, tmp_path, phase):
    _, out = run()
    one = replay(out, keys(out, phase)[0], tmp_path / "scratch")
    before = small.files(out)
    assert one.measure().values == one.row.evaluation.values
    assert small.files(out) == before


def test_fresh_measurements_are_replayed_on_fresh_data(tmp_path):
    out = tmp_path / "run"
    noisy = small.RECIPE.replace("{name: odd}", "{name: sphere, noise: 0.5, rungs: [1, 4]}")
    noisy = noisy.replace("{name: bits, length: 16}", "{name: real_vector, length: 2, low: -1, high: 1}")
    recipe = small.write_recipe(tmp_path, noisy.replace("bit_flip", "gaussian"))
    small.run(recipe, out, "baselines=[]", "screens=[]", "search.generations=2")
    ledger = Ledger(out / "ledger.sqlite")
    (row, *_) = ledger.rows("confirm/2")
    ledger.close()
    one = replay(out, row.key, tmp_path)
    assert one.row.phase in ("search", "confirm/2")
    assert one.measure().values == one.row.evaluation.values


@pytest.mark.parametrize("phase", ["baseline/narrow", "baseline/narrow/confirm/5"])
def test_a_control_of_another_genome_is_replayed_with_its_own(run, tmp_path, phase):
    _, out = run(CONTROL, "fitness.renewable=true", "confirm={top: 3}")
    one = replay(out, keys(out, phase)[0], tmp_path / "scratch")
    assert one.genes[0] >= 2.5
    assert one.measure().values == one.row.evaluation.values


def test_the_command_shows_the_traceback(odd):
    out, key = odd
    done = small.evokit("replay", out, key[:12])
    assert done.returncode == 1
    assert f"{key} in search at budget 4" in done.stdout
    assert "then: raised ArithmeticError: an odd number of ones" in done.stdout
    assert 'raise ArithmeticError("an odd number of ones")' in done.stderr


def test_the_command_shows_the_value(run):
    _, out = run()
    done = small.evokit("replay", out, keys(out, "search")[0])
    then, now = done.stdout.splitlines()[1:]
    assert done.returncode == 0
    assert then.split()[1:] == now.split()[1:]


def test_a_failure_where_the_champion_is_measured_again_happens_there(tmp_path, monkeypatch):
    evaluate = SphereFitness.evaluate

    def breaks(fitness, batch, budget):
        if fitness.sample == 2:
            raise ArithmeticError("the second fresh sample")
        return evaluate(fitness, batch, budget)

    monkeypatch.setattr(SphereFitness, "evaluate", breaks)
    recipe = tmp_path / "sphere.yaml"
    recipe.write_text(SPHERE + "confirm: {top: 3}\n")
    summary = small.run(recipe, tmp_path / "run", "search.generations=2")
    assert (summary["best"]["confirmed_of"], summary["best"]["confirmed_on"]) == (3, "fresh")
    one = replay(tmp_path / "run", summary["best"]["key"], tmp_path / "scratch")
    assert one.row.phase == "confirm/2/again"
    with pytest.raises(ArithmeticError, match="the second fresh sample"):
        one.measure()
