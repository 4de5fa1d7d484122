"""The plugin as recipes find it."""

from evokit.plugins import load_plugins
from evokit_optimizers.options import TrainedAccuracy, TrainFresh

FITNESS = "trained_accuracy"


def test_recipes_find_the_components():
    registry = load_plugins()
    assert registry.find("fitness", FITNESS).options_class is TrainedAccuracy
    assert registry.find("final", "train_fresh", FITNESS).options_class is TrainFresh
    assert registry.find("genome", "optimizer").name == "optimizer"
    assert registry.names("export", FITNESS) == ["torch_optimizer"]
    baselines = {"sgd", "adam", "adamw", "nadam", "rmsprop", "lion", "muon"}
    assert baselines <= set(registry.names("baseline", FITNESS))


def test_an_adamw_of_another_fitness_is_another_baseline():
    registry = load_plugins()
    ours, theirs = (registry.find("baseline", "adamw", fitness).options for fitness in (FITNESS, "gpt2_loss"))
    assert ours is not theirs
