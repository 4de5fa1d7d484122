"""The trackers with their packages, whose own readers tell what was written."""

import json
import re
from importlib import import_module
from pathlib import Path

import pytest

import evokit
from evokit import UserError
from evokit.callbacks.mlflow import MLflow
from evokit.callbacks.tensorboard import Tensorboard
from evokit.callbacks.wandb import Wandb

SPACE = {"x": evokit.Float(-1, 1), "kind": evokit.Choice(["a", "b"])}
BLOCK = 32768  # bytes of LevelDB's log format, in which W&B writes
FROM_PACKAGES = pytest.mark.filterwarnings("ignore")  # what these packages warn of is theirs


def needs(package, extra):
    try:
        import_module(package)
    except ImportError:
        reason = f"{package} is not installed; pip install 'evokit-deap[{extra}]' ends this"
        return pytest.mark.skipif(True, reason=reason)
    return pytest.mark.skipif(False, reason="")


def cost(x, kind):
    return x**2 + (kind == "b")


@pytest.fixture
def tracked(tmp_path):
    """Four generations under a callback, then two more."""

    def tracked(callback):
        for generations in (4, 6):
            run = evokit.minimize(
                cost, SPACE, search={"name": "generational", "population": 6}, generations=generations, seed=3,
                callbacks=[callback], directory=tmp_path / "run", baselines=["random_search"],
            )  # fmt: skip
            assert "callbacks_failed" not in run.summary
        lines = (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()
        return run, [json.loads(line) for line in lines]

    return tracked


def test_a_temporary_directory_would_take_it_along():
    with pytest.raises(UserError, match=r"^callback tensorboard writes into the run's directory, .* say directory=$"):
        evokit.minimize(cost, SPACE, work=5, callbacks="tensorboard")
    with pytest.raises(UserError, match=r"^callback wandb writes into the run's directory"):
        evokit.minimize(cost, SPACE, work=5, callbacks=[Wandb()])
    assert not MLflow.__dict__.get("in_run")
    assert not Tensorboard(Path("logs")).in_run
    assert not Wandb(mode="online").in_run


@needs("tensorboard", "tensorboard")
@FROM_PACKAGES
def test_tensorboard_reads_what_was_written(tracked, tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
    from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

    run, lines = tracked("tensorboard")
    read = EventAccumulator(str(tmp_path / "run" / "tensorboard")).Reload()

    def scalars(tag):
        return [(one.step, one.value) for one in read.Scalars(tag)]

    for name in ("best", "mean"):
        assert scalars(name) == [(one["generation"], pytest.approx(one[name])) for one in lines]
    measured = [(one["generation"], one["evaluations"]["measured"]) for one in lines]
    assert scalars("evaluations/measured") == scalars("work") == measured
    assert scalars("final/best/value") == [(5, pytest.approx(run.best_value))]
    (recipe,), (champion,) = read.Tensors("recipe/text_summary"), read.Tensors("champion/text_summary")
    assert "| search.population | 6 |" in recipe.tensor_proto.string_val[0].decode()
    told = champion.tensor_proto.string_val[0].decode()
    found = json.loads(re.search("```json\n(.*)\n```", told, re.DOTALL)[1])
    assert found["parameters"] == run.best
    assert f"| verdict/random_search | {run.verdicts[0]['verdict']} |" in told if run.verdicts else "done" in told
    data = HParamsPluginData.FromString(read.SummaryMetadata("_hparams_/session_start_info").plugin_data.content)
    parameters = data.session_start_info.hparams
    assert parameters["search.population"].number_value == 6
    assert parameters["search.name"].string_value == "generational"


@needs("tensorboard", "tensorboard")
@FROM_PACKAGES
def test_runs_lie_side_by_side_in_a_folder_of_logs(tmp_path):
    for seed in range(2):
        evokit.minimize(
            cost, SPACE, work=5, search="random_search", seed=seed, repeats=2, directory=tmp_path / f"run-{seed}",
            callbacks=[Tensorboard(tmp_path / "logs")],
        )  # fmt: skip
    folders = {str(one.parent.relative_to(tmp_path / "logs")) for one in (tmp_path / "logs").rglob("events.*")}
    assert folders == {"run-0/repeat-0", "run-0/repeat-1", "run-1/repeat-0", "run-1/repeat-1"}


@needs("mlflow", "mlflow")
@FROM_PACKAGES
def test_mlflow_reads_what_was_written(tracked, tmp_path, monkeypatch):
    from mlflow import MlflowClient

    monkeypatch.chdir(tmp_path)
    where = f"sqlite:///{tmp_path}/mlflow.db"
    run, lines = tracked(MLflow(experiment="squares", tracking_uri=where))
    client = MlflowClient(where)
    (found,) = client.search_runs([client.get_experiment_by_name("squares").experiment_id])
    assert found.info.status == "FINISHED"
    for name in ("best", "mean"):
        history = client.get_metric_history(found.info.run_id, name)
        assert [(one.step, one.value) for one in history] == [(one["generation"], one[name]) for one in lines]
    assert found.data.metrics["final/best/value"] == run.best_value
    assert found.data.metrics["evaluations/measured"] == run.summary["evaluations"]["measured"]
    assert (found.data.params["seed"], found.data.params["search.population"]) == ("3", "6")
    assert found.data.tags["evokit.directory"] == str(run.directory)
    assert found.data.tags["evokit.status"] == "done"
    champion = Path(client.download_artifacts(found.info.run_id, "champion.json", str(tmp_path)))
    assert json.loads(champion.read_text())["parameters"] == run.best
    kept = client.download_artifacts(found.info.run_id, "recipe.yaml", str(tmp_path))
    assert Path(kept).read_text() == run.recipe.to_yaml()


@needs("wandb", "wandb")
@FROM_PACKAGES
def test_weights_and_biases_reads_what_was_written(tracked, tmp_path):
    run, lines = tracked("wandb")
    first, second = sorted((tmp_path / "run" / "wandb").glob("offline-run-*/*.wandb"))
    assert first.name == second.name  # one run, in two parts
    history, config, summary = {}, {}, {}
    for part in (first, second):
        for record in records(part.read_bytes()):
            if record.HasField("history"):
                values = {item.key or "/".join(item.nested_key): item.value_json for item in record.history.item}
                assert record.history.step.num not in history
                history[record.history.step.num] = {key: json.loads(value) for key, value in values.items()}
            for item in record.run.config.update:
                config[item.key] = json.loads(item.value_json)
            for item in record.summary.update:
                summary["/".join(item.nested_key) or item.key] = json.loads(item.value_json)
    for name in ("best", "mean"):
        assert [history[step][name] for step in range(6)] == [one[name] for one in lines]
    assert (config["search.population"], config["seed"]) == (6, 3)
    assert summary["status"] == "done"
    assert summary["final/best/value"] == run.best_value
    assert (second.parent / "files" / "recipe.yaml").read_text() == run.recipe.to_yaml()


def records(content):
    """The records of a ``.wandb`` file, which the package of today has no Python reader for: LevelDB's log format."""
    from wandb.proto.wandb_internal_pb2 import Record

    assert content[:4] == b":W&B"
    place, whole = 7, b""
    while place + 7 <= len(content):
        left = BLOCK - place % BLOCK
        if left < 7:
            place += left
            continue
        length, kind = int.from_bytes(content[place + 4 : place + 6], "little"), content[place + 6]
        whole += content[place + 7 : place + 7 + length]
        place += 7 + length
        if kind in (1, 4):  # whole, or the last part
            yield Record.FromString(whole)
            whole = b""
