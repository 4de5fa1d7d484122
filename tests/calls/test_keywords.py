import ast
import re

import pytest

import evokit
from evokit.calls.keywords import HINTS, INSTEAD, KEYWORDS, refuse_unknown
from evokit.errors import UserError
from evokit.recipe.check import KEYS, recipe_of

BOX = {"low": 0, "high": 1, "dimensions": 2}
WORDS = {  # of SciPy, Optuna, pymoo, Nevergrad and of the genome space, and what is to be said here
    "forbidden": "forbidden: there is no such keyword; it belongs to the space: evokit.Space",
    "bounds": "bounds: there is no such keyword; say low= and high=",
    "n_trials": "say work=",
    "budget": "say work=, for so many evaluations",  # and not budgets, which is nearest
    "maxiter": "say generations=, or work=",
    "timeout": 'say stop={"seconds": 60}',
    "popsize": 'search={"name": "nsga2", "population": 100}',
    "n_jobs": "say workers=",
    "pruner": "say screens=",
    "direction": "call evokit.minimize or evokit.maximize",
    "goal": "call evokit.minimize or evokit.maximize",
    "random_state": "say seed=",
    "folder": "say directory=",
    "num_workers": "did you mean 'workers'?",
    "frobnicate": "frobnicate: there is no such keyword$",
}


@pytest.mark.parametrize("word", WORDS)
def test_another_librarys_word_is_answered_by_ours(word):
    said = WORDS[word].replace("{", r"\{")
    with pytest.raises(UserError, match=said):
        evokit.minimize(sum, **BOX, work=9, **{word: 1})


@pytest.mark.parametrize(
    "call", [lambda **words: evokit.search("cma", **words), lambda **words: evokit.wrap(1, **words)]
)
def test_other_calls_answer_alike(call):
    with pytest.raises(UserError, match="n_trials: there is no such keyword; say work="):
        call(n_trials=9)


def test_no_keyword_is_refused_nor_explained():
    refuse_unknown(KEYWORDS)
    assert not HINTS.keys() & set(KEYWORDS)


def test_what_hints_say_instead_is_understood():
    """Each keyword that they name is one, and each example of a section is one of a recipe."""
    recipe = {
        "fitness": {"name": "sphere"},
        "genome": {"name": "real_vector", "length": 2, "low": 0, "high": 1},
        "search": {"name": "generational"},
        "crossover": {"name": "uniform"},
        "mutation": {"name": "gaussian"},
    }
    for hint in INSTEAD:
        for word, example in re.findall(r"(?<!, )\b(\w+)=({.*?})?", hint):  # not forbidden=, which is the space's
            assert word in KEYWORDS
            if example and word in KEYS:
                recipe_of(recipe | {word: ast.literal_eval(example.replace("directory", "'before'"))}, "recipe")
