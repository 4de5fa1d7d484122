import subprocess
import sys

from evokit.builtin import evokit_components
from evokit.components.declared import refuse_wrong_options
from evokit.plugins import load_plugins


def test_the_core_comes_through_the_plugins_door():
    offered = {(o.component.kind, o.component.name) for o in load_plugins().offers if o.plugin == "core"}
    assert offered == {(one.kind, one.name) for one in evokit_components()}


def test_every_kind_that_a_smallest_recipe_needs_is_there():
    kinds = {one.kind for one in evokit_components()}
    assert kinds >= {"data", "genome", "fitness", "selection", "crossover", "mutation", "search", "screen", "surrogate"}


def test_every_component_says_what_it_does():
    for component in evokit_components():
        options = component.options_class
        # A dataclass without a docstring gets its signature for one.
        assert options.__doc__
        assert not options.__doc__.startswith(f"{options.__name__}(")


def test_nothing_heavy_is_imported():
    heavy = "{'torch', 'transformers', 'pandas', 'datasets', 'sklearn', 'scipy'}"
    code = f"import sys, evokit.builtin; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_what_built_in_components_name_is_there():
    for offer in load_plugins().offers:
        if offer.built_in:
            refuse_wrong_options(offer.component)
            assert callable(offer.component.maker(offer.component.options_class)) or not offer.component.build
            assert getattr(offer.component.options_class, "method", offer.own_name) == offer.own_name
