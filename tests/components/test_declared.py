from dataclasses import dataclass
from typing import ClassVar

import pytest

from evokit.components.declared import declared, declared_names, misdeclared
from evokit.interfaces import Component


def component(kind, **declares):
    return Component(kind, "mine", dataclass(frozen=True)(type("Mine", (), declares)))


@pytest.mark.parametrize(
    ("given", "names"),
    [
        ("bits", {"bits"}),
        (frozenset({"bits", "order"}), {"bits", "order"}),
        (["bits"], {"bits"}),
        ("", set()),
        ((), set()),
    ],
)
def test_one_name_may_stand_alone_as_text(given, names):
    assert declared_names(component("mutation", genes=given), "genes") == names


def test_what_is_not_said_is_none():
    assert declared_names(component("mutation"), "genes") is None


def test_what_only_an_instance_says_is_none():
    @dataclass(frozen=True, slots=True)
    class Mine:
        genes: str = "bits"

        @property
        def phenotype(self):
            return "bits"

    assert declared(Component("genome", "mine", Mine), "genes") is None
    assert declared(Component("genome", "mine", Mine), "phenotype") is None


@pytest.mark.parametrize(
    ("kind", "attribute", "value", "message"),
    [
        ("genome", "genes", 5, "Mine.genes must be one name, such as 'bits', got 5"),
        (
            "genome",
            "genes",
            frozenset({"bits"}),
            "Mine.genes must be one name, such as 'bits', got frozenset({'bits'})",
        ),
        ("genome", "phenotype", 5, "Mine.phenotype must be one name, such as 'bits', got 5"),
        ("fitness", "takes", 5, "Mine.takes must be names, such as frozenset({'bits'}), got 5"),
        ("mutation", "genes", 1.5, "Mine.genes must be names, such as frozenset({'bits'}), got 1.5"),
        ("surrogate", "genes", [1, 2], "Mine.genes must be names, such as frozenset({'bits'}), got [1, 2]"),
        ("crossover", "genes", b"bits", "Mine.genes must be names, such as frozenset({'bits'}), got b'bits'"),
        ("search", "reads", True, "Mine.reads must be names, such as frozenset({'bits'}), got True"),
        (
            "search",
            "reads",
            ("crosover",),
            "Mine.reads: there is no section 'crosover'; did you mean 'crossover'? "
            "(known: selection, crossover, mutation, screens, init)",
        ),
    ],
)
def test_a_wrong_declaration_is_one_sentence_with_class_and_attribute(kind, attribute, value, message):
    assert misdeclared(component(kind, **{attribute: value})) == message


@pytest.mark.parametrize(
    "one",
    [
        component("genome", genes="bits", phenotype="bits"),
        component("fitness", takes="vector"),
        component("search", reads="crossover", genes=frozenset()),
        component("fitness", genes=5),
        component("data", reads=5),
    ],
)
def test_a_sound_declaration_or_an_option_of_that_name_is_none(one):
    assert misdeclared(one) == ""


def test_the_options_of_a_fitness_may_have_a_number_of_genes():
    @dataclass(frozen=True)
    class Mine:
        genes: int = 5
        takes: ClassVar[str] = "vector"

    assert misdeclared(Component("fitness", "mine", Mine)) == ""
