import numpy as np
import pytest

from evokit_activations.geometry.evolved import evolved_geometries

from .tiny import EVOLVED_SPACE, evolved_run


def drawn(seed):
    return EVOLVED_SPACE.express(EVOLVED_SPACE.random(np.random.default_rng(seed)))


def test_each_repeat_brings_its_champion_in_their_order(tmp_path):
    run = evolved_run(tmp_path / "run", repeats=12)
    assert evolved_geometries(run, 2) == [drawn(seed) for seed in range(12)]


def test_a_run_without_repeats_brings_one_with_its_fixed_numbers(tmp_path):
    (found,) = evolved_geometries(evolved_run(tmp_path / "run", seed=7), 2)
    assert found == drawn(7)
    assert found.confusion == 0.2


@pytest.mark.parametrize(
    ("told", "message"),
    [
        ({"status": "running"}, "run is not finished; .* --resume goes on with it"),
        ({"genome": "space"}, "run has evolved space; name a run of class_geometry"),
        ({"held_out": "validation"}, "run is an oracle, whose geometries have seen the validation images"),
        ({"model": {"channels": [3, 4, 5]}}, "of .*run have 3 blocks, the network has 2; give it as many"),
    ],
)
def test_what_cannot_be_learned_here_is_refused(tmp_path, told, message):
    with pytest.raises(ValueError, match=message):
        evolved_geometries(evolved_run(tmp_path / "run", **told), 2)


def test_a_repeat_that_is_not_finished_is_named(tmp_path):
    run = evolved_run(tmp_path / "run", repeats=2)
    evolved_run(tmp_path / "other", status="running")
    (tmp_path / "other" / "summary.json").replace(run / "repeat-1" / "summary.json")
    with pytest.raises(ValueError, match="repeat-1 is not finished"):
        evolved_geometries(run, 2)


def test_where_there_is_no_run_it_is_said_what_makes_one(tmp_path):
    with pytest.raises(ValueError, match=r"has no summary\.json; evokit run activations_geometry .* makes one"):
        evolved_geometries(tmp_path, 2)
