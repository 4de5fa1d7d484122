"""SIGKILL at random instants and at chosen ones; resumed, the end is the same, also with another number of workers."""

import pytest

from tests.faults.driver import POINTS
from tests.faults.harness import (
    ROOT,
    Victim,
    assert_same_end,
    each_backend,
    finish,
    generator,
    killed_after,
    on,
)

QUICK = {"inline": 2, "processes": 1, "ray": 1}
FULL = {"inline": 50, "processes": 50, "ray": 10}
COMMIT_EVERY_S = (0.0, 0.1, 1.0)
WORKERS, OTHER_WORKERS = 2, 1
PLACES = sorted(set(POINTS) - {"never"})
N_TIMES = 10  # that each of these is passed at least


@pytest.fixture(scope="module")
def whole(recipe, tmp_path_factory):
    """An uninterrupted run in this process's own back end: every other must end like it."""
    out = tmp_path_factory.mktemp("whole") / "run"
    return out, finish(recipe, out, *on("inline", 1))


def check_random_instants(recipe, whole, folder, backend, n):
    """Kill ``n`` runs, each at an instant of its own between the first file and the end."""
    reference, seconds = whole
    if backend != "inline":
        seconds = finish(recipe, folder / "timed", *on(backend, WORKERS))
        assert_same_end(folder / "timed", reference)
    rng = generator(backend, n)
    n_killed = 0
    while n_killed < n:
        out = folder / f"killed-{n_killed}"
        workers, others = rng.permutation([WORKERS, OTHER_WORKERS]).tolist()
        commit_every = float(rng.choice(COMMIT_EVERY_S))
        instant = rng.uniform(0, seconds)
        if not killed_after(recipe, out, instant, *on(backend, workers), commit_every=commit_every):
            out.rename(folder / f"early-{instant}")  # it had ended; another instant takes its place
            continue
        finish(recipe, out, *on(backend, others), resume=True)
        assert_same_end(out, reference)
        n_killed += 1


@each_backend()
def test_killed_at_random_instants_and_resumed_it_ends_the_same(recipe, whole, tmp_path, backend):
    check_random_instants(recipe, whole, tmp_path, backend, QUICK[backend])


@pytest.mark.slow
@pytest.mark.timeout(3600)
@each_backend()
def test_killed_at_many_random_instants_and_resumed_it_ends_the_same(recipe, whole, tmp_path, backend):
    check_random_instants(recipe, whole, tmp_path, backend, FULL[backend])


def check_point(recipe, whole, out, backend, point, number):
    dying = Victim(recipe, out, *on(backend, WORKERS), point=point, number=number, commit_every=0.02)
    assert dying.dies(), dying.errors
    finish(recipe, out, *on(backend, OTHER_WORKERS), resume=True)
    assert_same_end(out, whole[0])


def test_killed_in_a_search_for_a_front_and_resumed_it_ends_the_same(tmp_path):
    recipe, shorter = ROOT / "recipes" / "zdt1.yaml", "search.generations=30"
    seconds = finish(recipe, tmp_path / "whole", shorter)
    out = tmp_path / "killed"
    assert killed_after(recipe, out, 0.4 * seconds, shorter, commit_every=0.05)
    finish(recipe, out, shorter, resume=True)
    assert_same_end(out, tmp_path / "whole")


@pytest.mark.parametrize("point", ["in a file", "in a commit"])
def test_killed_in_a_write_and_resumed_it_ends_the_same(recipe, whole, tmp_path, point):
    number = int(generator(point).integers(1, N_TIMES + 1))
    check_point(recipe, whole, tmp_path / "run", "inline", point, number)


@pytest.mark.slow
@pytest.mark.parametrize("number", [1, 2, 3, 5, 8, 10])
@pytest.mark.parametrize("point", PLACES)
@each_backend()
def test_killed_at_each_point_and_resumed_it_ends_the_same(recipe, whole, tmp_path, backend, point, number):
    check_point(recipe, whole, tmp_path / "run", backend, point, number)


@pytest.mark.slow
@each_backend()
def test_killed_again_and_again_it_ends_the_same(recipe, whole, tmp_path, backend):
    rng, out, resume = generator("again", backend), tmp_path / "run", False
    while killed_after(recipe, out, rng.uniform(0, whole[1]), *on(backend, WORKERS), commit_every=0.1, resume=resume):
        resume = True
    assert resume
    finish(recipe, out, *on(backend, OTHER_WORKERS), resume=True)
    assert_same_end(out, whole[0])
