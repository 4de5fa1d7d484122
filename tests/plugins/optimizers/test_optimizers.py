"""The plugin as recipes find it."""

from evokit.plugins import load_plugins
from evokit.results.exports import export_model
from evokit_optimizers.options import TrainedAccuracy, TrainFresh
from tests.small import run

FITNESS = "trained_accuracy"
PRICED = """\
data: {name: images, sets: [digits], validation: 0.3}
fitness:
  {name: trained_accuracy, model: {channels: [2, 2], hidden: 4}, steps: 6, seeds: 1, batch: 32,
   objectives: [accuracy, step_cost]}
genome: {name: optimizer}
search: {name: nsga2, population: 4, generations: 2}
final: {seeds: 1}
execution: {backend: inline}
"""


def test_recipes_find_the_components():
    registry = load_plugins()
    assert registry.find("fitness", FITNESS).options_class is TrainedAccuracy
    assert registry.find("final", "train_fresh", FITNESS).options_class is TrainFresh
    assert registry.find("genome", "optimizer").name == "optimizer"
    assert registry.names("export", FITNESS) == ["torch_optimizer"]
    baselines = {"sgd", "adam", "adamw", "nadam", "rmsprop", "lion", "muon", "soap"}
    assert baselines <= set(registry.names("baseline", FITNESS))


def test_a_front_of_accuracy_and_the_cost_of_a_step_is_searched_and_its_champion_exported(tmp_path):
    (tmp_path / "priced.yaml").write_text(PRICED)
    summary = run(tmp_path / "priced.yaml", tmp_path / "run")
    front = sorted(tuple(one["values"]) for one in summary["front"])
    assert [cost for _, cost in front] == sorted({cost for _, cost in front})  # who is better is dearer
    (path,) = export_model(tmp_path / "run").iterdir()
    assert "recipe priced.yaml" in path.read_text()


def test_an_adamw_of_another_fitness_is_another_baseline():
    registry = load_plugins()
    ours, theirs = (registry.find("baseline", "adamw", fitness).options for fitness in (FITNESS, "gpt2_loss"))
    assert ours is not theirs
