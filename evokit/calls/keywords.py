"""What ``evokit.minimize`` may be told, and what those mean who use the words of other libraries."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields

from evokit.common.names import did_you_mean
from evokit.errors import UserError
from evokit.recipe.schema import LISTS, SECTIONS, Core

KEYWORDS = (
    *("low", "high", "dimensions", "search", "work", "generations", "workers", "seed", "objectives", "constraints"),
    *("budgets", "vectorized", "work_unit", "directory", "progress", "callbacks"),
    *(*SECTIONS, *LISTS, "final", "plugins"),
    *(one.name for one in fields(Core)),
)
INSTEAD = {  # what to say here, and how SciPy, Optuna, pymoo, Nevergrad, DEAP and the genome space say it
    "it belongs to the space: evokit.Space({...}, forbidden=[...])": ("forbidden",),
    "give them as the space, after the function: a mapping of names to parameters": ("parameters", "parametrization"),
    "give evokit.Space.from_configspace(file) as the space": ("file",),
    "say low= and high=, a number or one for each, or a space": (
        *("bounds", "lb", "ub", "xl", "xu", "lower", "upper"),
    ),
    "say dimensions=": ("n_var", "n_vars", "n_dim", "ndim"),
    "say work=, for so many evaluations": (
        *("n_trials", "max_trials", "n_calls", "n_eval", "n_evals", "max_evals", "max_evaluations", "maxfun", "maxfev"),
        *("maxfevals", "max_nfev", "budget", "evaluations"),
    ),
    "say generations=, or work= for so many evaluations": (
        *("maxiter", "max_iter", "n_iter", "iterations", "n_gen", "ngen", "n_max_gen", "termination"),
    ),
    'say stop={"seconds": 60}; a limit of each evaluation is execution={"backend": "processes", "timeout_s": 60}': (
        *("timeout", "max_time", "time_limit", "maxtime", "seconds"),
    ),
    'say stop={"target": 0.01}, or stop={"patience": 20} for generations without a new best': (
        *("target", "ftarget", "patience", "tol", "ftol", "xtol", "atol", "rtol"),
    ),
    'say it of a search: search={"name": "nsga2", "population": 100}': (
        *("popsize", "pop_size", "population", "population_size", "mu", "lambda_"),
    ),
    "say search=, a name or {...} with its options": (
        *("algorithm", "method", "optimizer", "sampler", "strategy", "options"),
    ),
    "say workers=": ("n_jobs", "processes", "parallel"),
    "say seed=": ("random_state", "rng"),
    'call evokit.minimize or evokit.maximize; of several values say objectives={"cost": "min", "yield": "max"}': (
        *("direction", "directions", "goal", "sense", "maximize", "minimize", "weights"),
    ),
    "say screens=[{'name': 'race'}], and budgets= for what a cheaper measurement costs": ("pruner", "early_stopping"),
    "say progress=True": ("verbose", "disp", "show_progress_bar"),
    "say directory=, where the run is kept and goes on": ("storage", "study_name", "checkpoint", "folder", "resume"),
    'say init={"points": [[0, 0]]}, where it begins; init={"from": directory} begins with the best of another run': (
        *("x0", "initial", "points", "points_to_evaluate", "enqueue_trial", "init_sol", "guess"),
    ),
    "bind them to the function: functools.partial(function, ...)": ("args", "kwargs"),
}
HINTS = {word: hint for hint, words in INSTEAD.items() for word in words}


def refuse_unknown(words: Iterable[str]) -> None:
    """Raises ``UserError`` for a word that is no keyword, with what is to be said in its place."""
    for word in words:
        if word not in KEYWORDS:
            hint = f"; {HINTS[word]}" if word in HINTS else did_you_mean(word, KEYWORDS)
            raise UserError(f"{word}: there is no such keyword{hint}")
