"""A support vector machine or a forest, each with settings of its own: ``evokit.minimize`` beside Optuna's TPE.

    python -m benchmarks.conditional [--seeds 11] [--work 100] [--json FILE]

The example of docs/coming_from.md: the squared error of three-fold cross-validation on scikit-learn's diabetes data,
the same space and as many evaluations for both, each with its defaults. Optuna is in the extra ``optuna``.
"""

from __future__ import annotations

import argparse
import json
import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import sklearn.datasets
import sklearn.ensemble
import sklearn.model_selection
import sklearn.svm
from scipy.stats import mannwhitneyu

import evokit
from evokit.assembly.directory import now
from evokit.assembly.identity import cpu_model
from evokit.common.text import table

DATA = sklearn.datasets.load_diabetes(return_X_y=True)
SVM, FOREST = {"model": "svm"}, {"model": "forest"}
SPACE = {
    "model": evokit.Choice(["svm", "forest"]),
    "C": evokit.Float(1e-2, 1e4, log=True, when=SVM),
    "gamma": evokit.Float(1e-3, 1e3, log=True, when=SVM),
    "max_depth": evokit.Int(2, 20, when=FOREST),
    "min_samples_leaf": evokit.Int(1, 20, log=True, when=FOREST),
}


def error(model: str, **own: Any) -> float:
    forest = sklearn.ensemble.RandomForestRegressor
    made = sklearn.svm.SVR(**own) if model == "svm" else forest(20, random_state=0, **own)
    scores = sklearn.model_selection.cross_val_score(made, *DATA, scoring="neg_mean_squared_error", cv=3)
    return -float(scores.mean())


def by_evokit(seed: int, work: int) -> float:
    run = evokit.minimize(error, SPACE, work=work, seed=seed)
    return float(run.evaluations["value"].head(work).min())  # its last generation may go beyond


def by_tpe(seed: int, work: int) -> float:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)

    def objective(trial: Any) -> float:
        model = trial.suggest_categorical("model", ["svm", "forest"])
        if model == "svm":
            own = {"C": trial.suggest_float("C", 1e-2, 1e4, log=True)}
            own["gamma"] = trial.suggest_float("gamma", 1e-3, 1e3, log=True)
        else:
            own = {"max_depth": trial.suggest_int("max_depth", 2, 20)}
            own["min_samples_leaf"] = trial.suggest_int("min_samples_leaf", 1, 20, log=True)
        return error(model, **own)

    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed))
    study.optimize(objective, n_trials=work)
    return float(study.best_value)


WAYS: dict[str, Callable[[int, int], float]] = {"evokit.minimize": by_evokit, "Optuna's TPE": by_tpe}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=11)
    parser.add_argument("--work", type=int, default=100, help="evaluations of a run")
    parser.add_argument("--json", type=Path, help="docs/results/conditional.json is what docs/coming_from.md shows")
    asked = parser.parse_args()
    logging.getLogger("evokit").setLevel(logging.ERROR)
    found: dict[str, dict[str, Any]] = {}
    for name, way in WAYS.items():
        started = time.process_time()
        values = [way(seed, asked.work) for seed in range(asked.seeds)]
        lower, median, upper = np.quantile(values, [0.25, 0.5, 0.75]).round(1).tolist()
        cpu_s = round((time.process_time() - started) / asked.seeds, 1)
        found[name] = {"median": median, "quartiles": [lower, upper], "cpu_s": cpu_s, "values": values}
    p = float(mannwhitneyu(*(one["values"] for one in found.values())).pvalue)
    rows = [
        (name, f"{one['median']:,.1f}", "{:,.1f} to {:,.1f}".format(*one["quartiles"]), f"{one['cpu_s']:.1f}")
        for name, one in found.items()
    ]
    print(table(("", "median", "quartiles", "CPU s a run"), rows), f"\nrank-sum test: p = {p:.2g}")
    if asked.json:
        of = {"command": "python -m benchmarks.conditional", "date": now()[:10], "processor": cpu_model()}
        asked.json.write_text(
            json.dumps({**of, "seeds": asked.seeds, "work": asked.work, "p": p, "found": found}, indent=1) + "\n"
        )


if __name__ == "__main__":
    main()
