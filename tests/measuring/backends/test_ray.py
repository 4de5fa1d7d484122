"""Actors of a real cluster of two nodes: lost, hanging, dying, and a run that goes on."""

import logging
import os
import signal
import time
from pathlib import Path

import pytest

from evokit.errors import RunFailed
from evokit.measuring.ledger_files import same_but_for_costs
from tests.measuring.backends.test_processes import RECIPE, SCREENED, failures, gone, pids, until
from tests.small import launched, start

ray = pytest.importorskip("ray", reason="ray is not installed; pip install 'evokit-deap[ray]' ends this")
cluster_utils = pytest.importorskip("ray.cluster_utils", reason="this Ray has no local clusters of several nodes")

from evokit.measuring.backends.ray import heard  # noqa: E402 - needs ray
from evokit.measuring.backends.ray_actor import Reply, Shipment, refuse_other_versions, unpacked  # noqa: E402 - needs ray

pytestmark = [
    pytest.mark.slow,
    # Ray keeps its own log files open, and its handles on processes, until the interpreter ends.
    pytest.mark.filterwarnings("ignore:unclosed file .*ray.*:ResourceWarning"),
    pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning"),
]


@pytest.fixture(scope="module")
def cluster():
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    quiet = {"num_cpus": 1, "num_gpus": 1, "include_dashboard": False, "object_store_memory": 2**27}
    cluster = cluster_utils.Cluster(initialize_head=True, head_node_args=quiet)
    cluster.add_node(num_cpus=1, num_gpus=1, object_store_memory=2**27)
    cluster.wait_for_nodes()
    yield cluster
    cluster.shutdown()


@pytest.fixture
def overrides(cluster):
    return ["execution.backend=ray", f"execution.address='{cluster.address}'"]


@pytest.fixture
def run(tmp_path, overrides):
    """Runs a recipe on the cluster, unless told otherwise; gives the summary and the rows of its search."""

    def run(*more, text=RECIPE, name="run", on=overrides, resume=False):
        return launched(tmp_path, text, [*on, *more], name, resume)

    return run


@pytest.fixture
def invalid(run):
    return run(on=["execution.backend=inline"], name="invalid")


@pytest.mark.parametrize("text", [RECIPE, SCREENED], ids=["faulty", "toy"])
def test_any_number_of_workers_gives_the_same_champion_and_ledger(run, tmp_path, text):
    inline, _ = run(on=["execution.backend=inline"], text=text, name="inline")
    for workers in (1, 2):
        name = f"workers-{workers}"
        summary, _ = run(f"execution.workers={workers}", text=text, name=name)
        assert summary["best"] == inline["best"]
        assert summary["verdicts"] == inline["verdicts"]
        assert same_but_for_costs(tmp_path / name / "ledger.sqlite", tmp_path / "inline" / "ledger.sqlite")


@pytest.mark.parametrize(
    ("how", "outcome", "message"),
    [
        ("raise", "raised", "ArithmeticError: a multiple of five"),
        ("exit3", "worker_died", "the worker died, 2 times"),
        ("segfault", "worker_died", "the worker died, 2 times"),
    ],
)
def test_a_failure_is_recorded_and_the_run_goes_on_as_if_it_had_said_so(run, invalid, how, outcome, message):
    summary, rows = run(f"fitness.how={how}")
    failed = failures(rows)
    assert {(one.outcome, one.message) for one in failed.values()} == {(outcome, message)}
    assert failed.keys() == failures(invalid[1]).keys()
    assert summary["best"] == invalid[0]["best"]


@pytest.mark.parametrize("how", ["hang", "hold"])
def test_what_hangs_is_killed_with_its_children(run, invalid, tmp_path, how):
    summary, rows = run(
        f"fitness={{name: faulty, how: {how}, folder: {tmp_path}}}", "execution.timeout_s=0.5", "execution.retries=0"
    )
    assert {(one.outcome, one.message) for one in failures(rows).values()} == {("timed_out", "the time was up")}
    assert failures(rows).keys() == failures(invalid[1]).keys()
    assert summary["best"] == invalid[0]["best"]
    assert bool(pids(tmp_path, "child")) == (how == "hang")
    assert all(gone(pid) for pid in pids(tmp_path, "child") + pids(tmp_path, "worker"))


def test_a_hog_runs_into_the_limit_and_harms_no_other(run, invalid):
    summary, rows = run("fitness.how=hog", "execution.memory_mb=2500", "execution.retries=0")
    assert {one.outcome for one in failures(rows).values()} == {"out_of_memory"}
    assert failures(rows).keys() == failures(invalid[1]).keys()
    assert summary["best"] == invalid[0]["best"]


def test_workers_that_compute_other_bits_stop_the_run(run, tmp_path):
    with pytest.raises(RunFailed, match="two workers disagree about one individual"):
        run(f"fitness={{name: faulty, how: late, folder: {tmp_path}}}")


def test_a_node_lost_in_mid_generation_changes_nothing(cluster, run, tmp_path, overrides):
    node = cluster.add_node(num_cpus=1, object_store_memory=2**27)
    path = tmp_path / "recipe.yaml"
    path.write_text(RECIPE)
    slow = f"fitness={{name: faulty, sleep_s: 0.3, folder: {tmp_path}}}"
    words = [word for one in [*overrides, slow, "execution.workers=3"] for word in ("--set", one)]
    with start("run", path, *words, "--out", tmp_path / "lost", "--plain") as process:
        workers = until(lambda: len(pids(tmp_path, "worker")) == 3 and pids(tmp_path, "worker"), 60)
        time.sleep(0.2)
        cluster.remove_node(node, allow_graceful=False)
        _, errors = process.communicate(timeout=90)
    assert process.returncode == 0, errors
    assert any(gone(pid) for pid in workers)
    run(slow, on=["execution.backend=inline"], name="inline")
    assert same_but_for_costs(tmp_path / "lost" / "ledger.sqlite", tmp_path / "inline" / "ledger.sqlite")


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
@pytest.mark.parametrize("where", ["cluster", "local"])
def test_a_run_that_is_stopped_leaves_no_actor(overrides, tmp_path, how, where):
    path = tmp_path / "recipe.yaml"
    path.write_text(RECIPE)
    hang = f"fitness={{name: faulty, how: hang, folder: {tmp_path}}}"
    sets = [*(overrides if where == "cluster" else overrides[:1]), hang]
    words = [word for one in sets for word in ("--set", one)]
    process = start("run", path, *words, "--out", tmp_path / "run", "--plain")
    until(lambda: len(pids(tmp_path, "child")) == 2, 90)
    left = pids(tmp_path, "child") + pids(tmp_path, "worker")
    os.killpg(process.pid, how) if how == signal.SIGINT else process.send_signal(how)
    out, err = process.communicate(timeout=30)
    assert process.returncode == (130 if how == signal.SIGINT else -how), err
    assert "Traceback" not in out + err
    assert all(gone(pid, 10) for pid in left)


def test_what_a_worker_logs_is_shown_by_the_run(run, caplog):
    with caplog.at_level(logging.WARNING, "evokit"):
        run("fitness.how=log")
    assert "five of them" in caplog.messages


def test_a_cluster_that_does_not_answer_is_told(run):
    with pytest.raises(RunFailed, match=r"no Ray cluster answers at execution.address 127.0.0.1:1"):
        run(on=["execution.backend=ray", "execution.address='127.0.0.1:1'"])


def test_a_recipe_is_built_where_its_plugin_is_not(tmp_path):
    content = (Path(__file__).parent / "faulty_plugin.py").read_bytes()
    text = RECIPE.replace(str(Path(__file__).parent), "/nowhere").encode()
    shipment = Shipment(text, [("/nowhere/faulty_plugin.py", content)], "/nowhere", {}, 0)
    assert unpacked(shipment, tmp_path).plugins == (tmp_path / "0" / "faulty_plugin.py",)


def test_a_plugin_that_is_there_is_used_in_its_place(tmp_path):
    plugin = Path(__file__).parent / "faulty_plugin.py"
    shipment = Shipment(RECIPE.encode(), [(str(plugin), plugin.read_bytes())], "/nowhere", {}, 0)
    assert unpacked(shipment, tmp_path).plugins == (plugin,)


def test_a_node_with_other_packages_is_refused():
    with pytest.raises(RunFailed, match=r"has numpy 1 instead of 2, torch None instead of 3; install"):
        refuse_other_versions({"numpy": "2", "torch": "3"}, {"numpy": "1"})


def test_a_problem_of_a_worker_ends_the_run():
    with pytest.raises(RunFailed, match="a worker cannot go on: no data"):
        heard(Reply([], [], "no data"))
