from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evokit.common.extras import DISTRIBUTION
from evokit.components.registry import ALSO_CALLED, Broken, Offer, Registry, UnknownComponent, named
from evokit.errors import UserError
from evokit.interfaces import Component
from evokit.plugins import load_plugins


@dataclass(frozen=True)
class Options:
    pass


def offer(name, plugin="core", kind="genome", fits="", file=""):
    """By a distribution named after the plugin; ``core`` is ours, and a plugin that ends in .py a local file."""
    distribution = "" if plugin.endswith(".py") else DISTRIBUTION if plugin == "core" else f"dist-{plugin}"
    return Offer(Component(kind, name, Options, fits), plugin, distribution, "1", file)


def called(*offers):
    """What recipes call the offers, in their order."""
    return [one.component.name for one in named(offers)[0]]


def registry_of(*offers):
    offers, remarks = named(offers)
    return Registry(offers, (), remarks)


@pytest.fixture
def registry():
    names = [("fitness", "onemax", ""), ("fitness", "sphere", ""), ("baseline", "adamw", "gpt2_loss")]
    offers = (Offer(Component(kind, name, Options, fits), "core") for kind, name, fits in names)
    return Registry(tuple(offers), (Broken("vision", "evokit-vision", "ImportError"),))


def test_an_unknown_name_is_told_with_what_comes_near_and_what_is_broken(registry):
    message = (
        r"^unknown fitness 'onemx'; did you mean 'onemax'\? \(available: onemax, sphere\)"
        r"; plugins that failed to load: vision \(evokit doctor tells why\)$"
    )
    with pytest.raises(UnknownComponent, match=message):
        registry.find("fitness", "onemx")


def test_what_other_libraries_call_otherwise_is_told_by_our_name():
    registry = Registry((Offer(Component("search", "optuna", Options), "core"),))
    with pytest.raises(UnknownComponent, match=r"^unknown search 'TPE'; that is 'optuna' here \(available: optuna\)$"):
        registry.find("search", "TPE")
    with pytest.raises(UnknownComponent, match=r"^unknown search 'cma-es' \(available"):  # which nobody offers here
        registry.find("search", "cma-es")


@pytest.mark.parametrize("name", sorted(set(ALSO_CALLED.values())))
def test_our_names_are_of_searches_that_there_are(name):
    assert load_plugins().find("search", name)


def test_an_unknown_component_is_a_lookup_error_and_a_user_error():
    assert issubclass(UnknownComponent, LookupError)
    assert issubclass(UnknownComponent, UserError)


def test_a_component_of_another_fitness_is_told_with_its_owner(registry):
    with pytest.raises(UnknownComponent, match=r"^baseline 'adamw' belongs to gpt2_loss, not to onemax$"):
        registry.find("baseline", "adamw", "onemax")


def test_names_are_those_that_fit(registry):
    assert registry.names("baseline") == []
    assert registry.names("baseline", "gpt2_loss") == ["adamw"]


# --- names that several plugins offer


def test_names_that_nobody_else_has_are_kept():
    offers = (offer("bits"), offer("tours", "theirs"), offer("bits", "theirs", kind="fitness"))
    assert named(offers) == (offers, ())


def test_a_built_in_name_is_kept_and_the_other_is_called_by_its_full_name():
    assert called(offer("bits", "theirs"), offer("bits")) == ["theirs:bits", "bits"]
    assert called(offer("bits", "mine.py"), offer("bits")) == ["mine.py:bits", "bits"]


def test_of_two_others_nobody_keeps_the_name():
    assert called(offer("x", "a"), offer("x", "b")) == ["a:x", "b:x"]
    assert called(offer("x", "a.py"), offer("x", "b.py"), offer("x", "c")) == ["a.py:x", "b.py:x", "c:x"]


def test_a_local_file_keeps_its_name_beside_installed_ones():
    assert called(offer("x", "mine.py"), offer("x", "a"), offer("x", "b")) == ["x", "a:x", "b:x"]


def test_where_three_offer_a_name_the_built_in_keeps_it():
    assert called(offer("x", "mine.py"), offer("x"), offer("x", "a")) == ["mine.py:x", "x", "a:x"]


def test_the_same_name_for_two_fitnesses_is_no_clash():
    assert called(offer("sgd", "a", "baseline", "one"), offer("sgd", "b", "baseline", "two")) == ["sgd", "sgd"]


def test_the_plugin_of_a_fitness_may_have_its_own_where_another_fits_any():
    offers = (
        offer("loss", "a", "fitness"),
        offer("random", "a", "baseline", "loss"),
        offer("random", "core", "baseline"),
    )
    assert called(*offers) == ["loss", "random", "random"]


def test_another_plugin_takes_no_built_in_name_for_a_fitness_that_is_not_its_own():
    offers = (
        offer("random", "core", "baseline"),
        offer("random", "a", "baseline", "loss"),
        offer("loss", "b", "fitness"),
    )
    registry = registry_of(*offers)
    assert called(*offers) == ["random", "a:random", "loss"]
    assert registry.find("baseline", "random", "loss").fits == ""
    assert registry.find("baseline", "a:random", "loss").fits == "loss"


def test_what_belongs_to_a_fitness_of_its_plugin_follows_its_name():
    registry = registry_of(
        offer("sphere", kind="fitness"),
        offer("sphere", "theirs", "fitness"),
        offer("sgd", "theirs", "baseline", "sphere"),
        offer("adam", "third", "baseline", "sphere"),
    )
    assert registry.names("baseline", "theirs:sphere") == ["sgd"]
    assert registry.names("baseline", "sphere") == ["adam"]


def test_what_belongs_to_a_name_that_nobody_keeps_belongs_to_all_of_it():
    registry = registry_of(
        offer("x", "a", "fitness"), offer("x", "b", "fitness"), offer("adam", "c", "baseline", "x")
    )  # fmt: skip
    assert registry.names("baseline", "a:x") == registry.names("baseline", "b:x") == ["adam"]


def test_a_component_may_belong_to_a_fitness_by_its_full_name():
    registry = registry_of(offer("x", "a", "fitness"), offer("adam", "c", "baseline", "a:x"))
    assert registry.names("baseline", "x") == registry.names("baseline", "a:x") == ["adam"]


def test_a_full_name_is_found_and_kept_whether_or_not_it_is_needed():
    registry = registry_of(offer("bits"), offer("bits", "theirs"), offer("tours", "theirs"))
    for name in ("bits", "core:bits", "theirs:bits", "tours", "theirs:tours"):
        assert registry.find("genome", name).name == name
    assert registry.find("genome", "core:bits") != registry.find("genome", "theirs:bits")


def test_a_name_that_nobody_keeps_is_an_error_with_the_full_ones():
    registry = registry_of(offer("x", "a"), offer("x", "b"))
    with pytest.raises(UnknownComponent, match=r"^genome 'x' is offered by several plugins; write a:x or b:x$"):
        registry.find("genome", "x")


def test_a_misspelt_full_name_suggests_one():
    registry = registry_of(offer("bits"), offer("bits", "theirs"))
    with pytest.raises(UnknownComponent, match=r"did you mean 'theirs:bits'\?"):
        registry.find("genome", "thiers:bits")


def test_a_built_in_name_that_a_local_file_offers_too_is_contested():
    registry = registry_of(offer("bits"), offer("bits", "mine.py"), offer("order", "mine.py"), offer("tours", "theirs"))
    assert registry.contested("genome", "bits") == ["core:bits", "mine.py:bits"]
    assert registry.find("genome", "bits").name == "core:bits"
    for name in ("core:bits", "mine.py:bits", "order", "tours", "nothing"):
        assert registry.contested("genome", name) == []


def test_an_installed_name_is_not_contested_by_installed_ones():
    assert registry_of(offer("bits"), offer("bits", "theirs")).contested("genome", "bits") == []


def test_all_that_two_plugins_share_is_one_remark():
    registry = registry_of(
        offer("bits"), offer("bits", "theirs"), offer("flip", kind="mutation"), offer("flip", "theirs", "mutation")
    )
    assert registry.remarks == (
        "plugin 'core' of evokit-deap and plugin 'theirs' of dist-theirs offer the same names; these are written in "
        "full: theirs:bits (genome), theirs:flip (mutation)",
    )


def test_a_file_that_is_installed_as_well_is_not_remarked():
    offers = (offer("tours", "mine.py", file="/x/mine.py"), offer("tours", "theirs", file="/x/mine.py"))
    assert called(*offers) == ["tours", "theirs:tours"]
    assert registry_of(*offers).remarks == ()


def test_a_final_of_the_fitness_own_plugin_goes_before_that_of_another():
    offers = [offer("loss", "a", "fitness"), offer("theirs", "b", "final", "loss"), offer("any", "c", "final")]
    assert [one.name for one in registry_of(*offers).finals("loss")] == ["theirs"]
    offers.append(offer("own", "a", "final", "loss"))
    assert [one.name for one in registry_of(*offers).finals("loss")] == ["own"]
    assert [one.name for one in registry_of(*offers).finals("other")] == ["any"]


OFFERS = st.lists(
    st.builds(
        offer,
        st.sampled_from("xy"),
        st.sampled_from(["core", "a", "b", "mine.py", "other.py"]),
        st.sampled_from(["genome", "fitness", "baseline"]),
        st.just(""),
    ),
    max_size=12,
    unique_by=lambda one: (one.plugin, one.component.kind, one.component.name),
)


@given(OFFERS)
def test_whoever_offers_what_each_component_has_one_name_and_answers_to_its_full_one(offers):
    registry = registry_of(*offers)
    called = [(one.component.kind, one.component.name) for one in registry.offers]
    assert len(set(called)) == len(called)
    for before, after in zip(offers, registry.offers, strict=True):
        kind = before.component.kind
        assert registry.find(kind, before.full_name).name == before.full_name
        assert after.component.name in (before.component.name, before.full_name)
        if before.built_in:
            assert after == before


@given(OFFERS, st.randoms(use_true_random=False))
def test_the_order_of_plugins_decides_no_name(offers, random):
    shuffled = random.sample(offers, len(offers))
    names = {one.full_name + one.component.kind: one.component.name for one in registry_of(*offers).offers}
    assert {one.full_name + one.component.kind: one.component.name for one in registry_of(*shuffled).offers} == names
