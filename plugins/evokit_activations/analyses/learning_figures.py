"""Figures of what was learned."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import isnan, nan
from typing import TYPE_CHECKING, Any

from evokit.common.figures import panels
from evokit.interfaces import Measured
from evokit_activations.options import Evolution

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SAID = {
    "searches": "searched targets",
    "one_search": "one search for all",
    "unselected": "without selection",
    "first_generation": "first generation",
    "class_code": "a code per class",
    "class_mean": "class means, not searched",
    "labels": "labels (SGD)",
    "geometries": "a geometry each",
    "one_geometry": "one geometry",
    "hand_geometry": "a geometry by hand",
}


def compute(results: Sequence[Measured], evolution: Evolution) -> Figure:
    """Accuracy over population and over generations, the other fixed (figure 4); beside it what needs no search."""
    figure, (left, right) = panels(2)

    def population(one: Measured) -> float:
        return float(one.genes.get("population") or evolution.population)

    def generations(one: Measured) -> float:
        return float(total * one.genes.get("generations", 1.0))

    searches = [one for one in results if _from(one) == "searches"]
    others = [one for one in results if _from(one) != "searches"]
    total = sum(one.generations for one in evolution.layers)
    for logits in dict.fromkeys(one.genes.get("logits") for one in searches):
        points = [one for one in searches if one.genes.get("logits") == logits]
        label = f"{SAID['searches']}, {logits} logits" if logits else SAID["searches"]
        _curve(left, [one for one in points if generations(one) == total], population, label)
        _curve(right, [one for one in points if population(one) == evolution.population], generations, label)
    left.set(xlabel="population", ylabel="validation accuracy", title=f"{total} generations over all layers")
    right.set(xlabel="generations over all layers", title=f"Population {evolution.population}")
    for axes in (left, right):
        for number, one in enumerate(others, 2):  # behind the curves' colours
            axes.axhline(_metric(one, "accuracy"), color=f"C{number}", linestyle="--", label=SAID[_from(one)])
    right.legend()
    return figure


def ablation(results: Sequence[Measured], evolution: Evolution) -> Figure:
    """Cross-entropy of targets, effective number of searches' solutions and accuracy, a bar for each part left out."""
    figure, (left, middle, right) = panels(3)
    names = [_named(one) for one in results]
    blocks = range(len(evolution.layers) - 1)
    losses = {"from block 0 on": "cross_entropy_block0", "of the logits": "cross_entropy_logits"}
    numbers = {f"block {block}": f"n_eff_block{block}" for block in blocks}
    for axes, shown in ((left, losses), (middle, numbers), (right, {"": "accuracy"})):
        groups = {label: [one.evaluation.metrics.get(name, nan) for one in results] for label, name in shown.items()}
        errors = [_metric(one, "deviation") for one in results] if axes is right else None
        _bars(axes, names, groups, errors)
    left.set(xlabel="cross-entropy of the targets")
    middle.set(xlabel="effective number of solutions", yticklabels=[])
    right.set(xlabel="validation accuracy", yticklabels=[])
    return figure


def ensembles(results: Sequence[Measured], evolution: Evolution) -> Figure:
    """Accuracy of ensembles over the number of their networks."""
    figure, (axes,) = panels(1)
    for one in results:
        label = "independent searches" if _from(one) == "searches" else SAID[_from(one)]
        axes.plot(*_over_networks(one), marker="o", label=label)
    axes.set(xlabel="networks in the ensemble", ylabel="validation accuracy")
    axes.locator_params(axis="x", integer=True)
    figure.legend(loc="outside lower center", ncols=2, fontsize="small")
    return figure


def geometries(results: Sequence[Measured]) -> Figure:
    """Accuracy of ensembles over the number of their networks; negative log-likelihood of one and of all."""
    figure, (left, right) = panels(2)
    ways = list(dict.fromkeys(map(_from, results)))
    for one in results:
        label, shared = SAID[_from(one)], one.genes.get("codes") == "one"
        numbers, accuracies = _over_networks(one)
        line, color = "o--" if shared else "o-", f"C{ways.index(_from(one))}"
        left.plot(numbers, accuracies, line, color=color, label=f"{label}, codes shared" if shared else label)
        right.plot([1, len(numbers)], [_metric(one, "nll"), _metric(one, "ensemble_nll")], line, color=color)
    left.set(xlabel="networks in the ensemble", ylabel="validation accuracy")
    right.set(xlabel="networks in the ensemble", ylabel="negative log-likelihood")
    for axes in (left, right):
        axes.locator_params(axis="x", integer=True)
    figure.legend(loc="outside lower center", ncols=3, fontsize="small")
    return figure


def _over_networks(one: Measured) -> tuple[range, list[float]]:
    """Numbers of networks, and the accuracy of ensembles of so many."""
    runs = sum(name.startswith("ensemble_of_") for name in one.evaluation.metrics)
    # The accuracy alone is the mean over all networks, not that of the first.
    accuracies = [_metric(one, "accuracy"), *(_metric(one, f"ensemble_of_{k}") for k in range(2, runs + 1))]
    return range(1, runs + 1), accuracies


def _curve(axes: Axes, points: Sequence[Measured], x: Callable[[Measured], float], label: str) -> None:
    points = sorted(points, key=x)
    accuracy, deviation = ([_metric(one, name) for one in points] for name in ("accuracy", "deviation"))
    positions = [x(one) for one in points]
    axes.errorbar(positions, accuracy, deviation, marker="o", capsize=2, label=label)
    axes.set_xscale("log", base=2)
    axes.set_xticks(positions, [f"{position:g}" for position in positions])
    axes.minorticks_off()


def _bars(
    axes: Axes, names: Sequence[str], groups: Mapping[str, Sequence[float]], errors: Sequence[float] | None
) -> None:
    """Horizontal bars, the first name on top; groups side by side, by their label."""
    height = 0.8 / len(groups)
    for number, (label, values) in enumerate(groups.items()):
        positions = [row + (number - (len(groups) - 1) / 2) * height for row in range(len(names))]
        bars = axes.barh(positions, values, height=height, label=label, xerr=errors, capsize=2)
        axes.bar_label(bars, fmt=lambda value: "" if isnan(value) else f"{value:.2f}", padding=2, fontsize="x-small")
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.margins(x=0.15)
    axes.grid(axis="y", visible=False)
    if len(groups) > 1:
        axes.legend(fontsize="x-small")


def _named(one: Measured) -> str:
    without = one.genes.get("without", "nothing")
    if _from(one) != "searches":
        named = SAID[_from(one)]
    else:
        named = "the method" if without == "nothing" else f"without {without.replace('_', ' ')}"
        named = f"{named}, class means" if one.genes.get("average") == "class" else named
    logits = one.genes.get("logits")
    return f"{named}, {logits} logits" if logits else named


def _from(one: Measured) -> str:
    name: str = one.genes.get("learn_from", "searches")
    return name


def _metric(one: Measured, name: str) -> Any:
    return one.evaluation.metrics[name]
