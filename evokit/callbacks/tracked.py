"""What trackers of experiments are told of a run, in the words that all of them know: parameters and figures."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from evokit.facts import EndFacts, GenerationFacts, RunFacts

FILES = ("recipe.yaml", "summary.json", "metrics.jsonl")  # of a run directory, which are small
Parameter = str | bool | int | float


def parameters(run: RunFacts) -> dict[str, Parameter]:
    """The recipe by dotted keys, ``search.population``; without callbacks, which decide nothing."""
    return dict(_flat({key: value for key, value in run.recipe.items() if key != "callbacks"}))


def figures(generation: GenerationFacts) -> dict[str, float]:
    """What is drawn over generations: ``best``, ``mean`` and else that is logged, ``work``, ``evaluations/...``."""
    logged = {key: value for key, value in generation.record.items() if key not in ("generation", "measured")}
    counts = {f"evaluations/{source}": n for source, n in generation.evaluations.items()}
    return _numbers({**logged, "work": generation.work, **counts})


def final_figures(run: RunFacts, end: EndFacts) -> dict[str, float]:
    """What a run came to: the champion's values, ``best/NAME``, and what was spent."""
    values = dict(zip(run.objectives, end.values or (), strict=False))
    energy = end.summary["energy"]
    spent = {"generations": end.summary["generations"], "wall_s": end.summary["wall_s"], "cpu_s": end.summary["cpu_s"]}
    best = {f"best/{name}": value for name, value in values.items()}
    return _numbers({**best, **spent, "energy_j": energy["joules"], "work": end.summary["search"]["work"]})


def words(end: EndFacts) -> dict[str, str]:
    """How a run ended: ``status``, ``stopped``, and a verdict for each baseline."""
    verdicts = {f"verdict/{one['against']}": str(one["verdict"]) for one in end.summary["verdicts"]}
    return {"status": end.status, "stopped": end.stopped, **verdicts}


def champion(run: RunFacts, end: EndFacts) -> dict[str, Any]:
    """The champion as JSON values: its values, its genes, and what the fitness is given where that has names."""
    if end.values is None:
        return {}
    solution = end.solution
    named = {"parameters": solution} if isinstance(solution, Mapping) else {}
    values = dict(zip(run.objectives, end.values, strict=True))
    return {"values": values, **named, "genes": end.summary["best"]["genes"]}


def place(run: RunFacts) -> str:
    """The name of a run directory; of a repeat after that of the whole."""
    folder = run.directory.absolute()
    return f"{folder.parent.name}/{folder.name}" if folder.name.startswith("repeat-") else folder.name


def files(run: RunFacts) -> Iterator[Path]:
    """The small files of a run directory that are there."""
    return (path for name in FILES if (path := run.directory / name).exists())


def _numbers(values: Mapping[str, Any]) -> dict[str, float]:
    return {
        key: float(value)
        for key, value in values.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }


def _flat(value: Any, path: str = "") -> Iterator[tuple[str, Parameter]]:
    """Every leaf of JSON values with its dotted path; lists of numbers and words are one."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _flat(item, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list) and any(isinstance(item, Mapping | list) for item in value):
        for number, item in enumerate(value):
            yield from _flat(item, f"{path}.{number}")
    elif value is not None and value != []:
        yield path, value if isinstance(value, str | bool | int | float) else str(value)
