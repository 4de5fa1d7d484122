from importlib.util import find_spec

import pytest

import evokit
from evokit import UserError
from evokit.callbacks.mlflow import MLflow
from evokit.callbacks.tensorboard import Tensorboard
from evokit.calls.listening import parted


def enough(run, generation):
    return generation.generation == 1


def test_what_a_recipe_can_name_goes_into_it_and_the_rest_does_not():
    sections, objects = parted(["tensorboard", {"name": "mlflow", "experiment": "a"}, MLflow("b"), enough])
    assert sections == [
        {"name": "tensorboard"},
        {"name": "mlflow", "experiment": "a"},
        {"name": "mlflow", "experiment": "b", "tracking_uri": None},
    ]
    assert objects == [enough]
    assert parted(enough) == ([], [enough])
    assert parted("tensorboard") == ([{"name": "tensorboard"}], [])


@pytest.mark.skipif(
    find_spec("tensorboard") is None,
    reason="tensorboard is not installed; pip install 'evokit-deap[tensorboard]' ends this",
)
def test_a_recipe_is_run_with_callbacks_beside_its_own(tmp_path, monkeypatch):
    told = []
    monkeypatch.setattr(Tensorboard, "build", lambda self, context: Note(told, self.logdir))
    change = {"execution.backend": "inline", "callbacks": [{"name": "tensorboard", "logdir": "one"}]}
    run = evokit.run("onemax", change, directory=tmp_path / "run", callbacks=[Tensorboard(tmp_path / "two"), enough])
    assert run.summary["stopped_by"] == "enough"
    assert [one.name for one in told] == ["one", "two"]
    assert [one.options.logdir.name for one in evokit.open(tmp_path / "run").recipe.callbacks] == ["one", "two"]


class Note:
    def __init__(self, told, what):
        self.told, self.what = told, what

    def run_started(self, run):
        self.told.append(self.what)


def test_who_asks_and_tells_is_heard():
    numbers = []

    class Listening:
        def evaluation_ended(self, run, evaluation):
            numbers.append(evaluation.value)

        def generation_ended(self, run, generation):
            return generation.generation == 1

    search = evokit.search("cma", low=-1, high=1, dimensions=2, callbacks=Listening())
    told = []
    while not search.done:
        candidates = search.ask()
        told += [float(one.sum()) for one in candidates]
        search.tell(candidates, [one.sum() for one in candidates])
    assert numbers == told
    assert search.run.summary["generations"] == 2


def test_what_is_no_callback_is_refused_before_anything_is_made(tmp_path):
    with pytest.raises(UserError, match=r"^callback <lambda>: <lambda> is called with \(run, generation\)"):
        evokit.minimize(sum, low=0, high=1, work=9, directory=tmp_path / "run", callbacks=[lambda generation: True])
    assert not (tmp_path / "run").exists()
    with pytest.raises(UserError, match=r"callbacks\.0\.name: unknown callback 'tensorbaord'; did you mean"):
        evokit.minimize(sum, low=0, high=1, work=9, directory=tmp_path / "run", callbacks="tensorbaord")


def test_one_whose_packages_are_not_there_is_refused_before_anything_is_made(tmp_path, monkeypatch):
    monkeypatch.setattr("evokit.components.registry.lacking", lambda _, extra: ("mlflow",) if extra == "mlflow" else ())
    with pytest.raises(UserError, match=r"callback mlflow needs the extra mlflow, .* is not installed: pip"):
        evokit.minimize(sum, low=0, high=1, work=9, directory=tmp_path / "run", callbacks="mlflow")
    assert not (tmp_path / "run" / "ledger.sqlite").exists()
