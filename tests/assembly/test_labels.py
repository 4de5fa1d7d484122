"""Names of baselines stand alone: in the results and in the ledger nothing else is called so."""

import pytest

from evokit.assembly.parts import assemble
from evokit.recipe import RecipeError, load_recipe
from tests.small import write_recipe

RANDOM = "{name: random_search}"


def labelled(label):
    return f"{{name: random_search, label: {label}}}"


@pytest.mark.parametrize(
    ("baselines", "message"),
    [
        ([labelled("champion")], "baselines.0.label: 'champion' is what results call something else"),
        ([RANDOM, labelled("search")], "baselines.1.label: 'search' is what results call something else"),
        ([labelled("a"), labelled("a")], "baselines.0.label: another baseline is called 'a'"),
        ([RANDOM, labelled("random_search")], "baselines.1.label: another baseline is called 'random_search'"),
        (
            [RANDOM, labelled("random_search-2"), RANDOM],
            "baselines.1.label: another baseline is called 'random_search-2'",
        ),
    ],
)
def test_a_name_that_something_else_has_is_refused(tmp_path, baselines, message):
    with pytest.raises(RecipeError, match=message):
        load_recipe(write_recipe(tmp_path), [f"baselines=[{', '.join(baselines)}]"])


def test_names_are_labels_or_else_components_numbered(tmp_path):
    recipe = load_recipe(write_recipe(tmp_path), [f"baselines=[{RANDOM}, {labelled('b')}, {RANDOM}]"])
    assert [name for name, _ in assemble(recipe).named_baselines()] == ["random_search", "b", "random_search-2"]
