import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from types import ModuleType

import pytest

from evokit.errors import UserError
from evokit.hookspecs import hookimpl
from evokit.interfaces import Component
from evokit.plugins import RESTRICT, Broken, Offer, Registry, UnknownComponent, did_you_mean, load_plugins

HEAD = """\
from dataclasses import dataclass
from evokit import Component, hookimpl

@dataclass(frozen=True)
class Mine:
    size: int = 1

"""
MARKED = HEAD + "@hookimpl\n"
HOOK = MARKED + "def evokit_components():\n    return [Component({kind!r}, {name!r}, {options})]\n"


def local(folder, text, name="mine.py"):
    path = folder / name
    path.write_text(text)
    return path


def offering(name="mine", kind="genome", options="Mine"):
    return HOOK.format(kind=kind, name=name, options=options)


class Entry:
    """What importlib.metadata finds, without an installed distribution."""

    def __init__(self, name, load, distribution="evokit-extra", version="1.2"):
        self.name = name
        self.load = load
        self.dist = type("Distribution", (), {"name": distribution, "version": version})


def module(*components):
    made = ModuleType("made")
    made.evokit_components = hookimpl(lambda: components, specname="evokit_components")
    return made


def fails(error):
    def load():
        raise error

    return load


@dataclass(frozen=True)
class Options:
    pass


@pytest.fixture
def install(monkeypatch):
    """Replaces the installed entry points."""

    def install(*entries):
        monkeypatch.delenv(RESTRICT, raising=False)
        monkeypatch.setattr(metadata, "entry_points", lambda group: list(entries))

    install()
    return install


def test_a_local_file_is_registered_under_its_file_name(install, tmp_path):
    (offer,) = load_plugins([local(tmp_path, offering())]).offers
    assert (offer.component.kind, offer.component.name, offer.plugin) == ("genome", "mine", "mine.py")
    assert (offer.distribution, offer.version) == ("", "")


def test_local_files_come_before_entry_points_in_their_order(install, tmp_path):
    install(Entry("b", lambda: module(Component("genome", "b", Options))))
    paths = [local(tmp_path, offering("z"), "z.py"), local(tmp_path, offering("a"), "a.py")]
    assert [offer.component.name for offer in load_plugins(paths).offers] == ["z", "a", "b"]


def test_options_of_a_local_file_may_have_postponed_annotations(install, tmp_path):
    path = local(tmp_path, "from __future__ import annotations\n" + offering())
    options = load_plugins([path]).find("genome", "mine").options
    assert options(size=2).size == 2


def test_files_of_one_name_in_two_folders_are_two_modules(install, tmp_path):
    (tmp_path / "other").mkdir()
    first = load_plugins([local(tmp_path, offering())]).find("genome", "mine").options
    second = load_plugins([local(tmp_path / "other", offering())]).find("genome", "mine").options
    assert first.__module__ != second.__module__


def test_an_offer_names_distribution_and_version(install):
    component = Component("genome", "a", Options)
    install(Entry("extra", lambda: module(component)))
    assert load_plugins().offers == (Offer(component, "extra", "evokit-extra", "1.2"),)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("import nowhere_to_be_found\n", r"line 1: ModuleNotFoundError: No module named"),
        ("a = 1\nb = a / 0\n", r"line 2: ZeroDivisionError: "),
        ("def broken(:\n", r"SyntaxError: invalid syntax .*line 1"),
        ("a = 1\n", r"it has no function marked @hookimpl"),
        (
            HEAD + "def evokit_components():\n    return []\n",
            r"evokit_components is never called: it lacks .*@hookimpl",
        ),
        (MARKED + "def evokit_componets():\n    return []\n", r"unknown hook 'evokit_componets' in plugin"),
        (MARKED + "def evokit_components(run):\n    return []\n", r"'run'.*can not be found in the hookspec"),
        (MARKED + "def evokit_components():\n    return 1 / 0\n", r"line 10: ZeroDivisionError: "),
        (
            MARKED + "def evokit_components():\n    return Mine\n",
            r"must return a list of Components, got type",
        ),
        (MARKED + "def evokit_components():\n    return [Mine]\n", r"which is not a Component"),
        (offering(kind="genom"), r"genom 'mine': unknown kind; did you mean 'genome'\?"),
        (offering(options="dict"), r"genome 'mine': options must be a frozen dataclass, got <class 'dict'>"),
        (offering(options="Mine(1)"), r"genome 'mine': options must be a frozen dataclass, got Mine"),
        (offering().replace("(frozen=True)", ""), r"options Mine must be frozen: @dataclass\(frozen=True\)"),
        (offering().replace("size:", "name:"), r"options Mine must not have a field 'name'"),
        (offering(kind="final").replace("size:", "seeds:"), r"options Mine must not have a field 'seeds'"),
    ],
)
def test_a_broken_local_file_is_an_error_that_names_it(install, tmp_path, text, message):
    with pytest.raises(UserError, match=rf"(?s)^plugin .*mine\.py: .*{message}"):
        load_plugins([local(tmp_path, text)])


def test_a_broken_local_file_leaves_no_module_behind(install, tmp_path):
    before = set(sys.modules)
    with pytest.raises(UserError, match="ZeroDivisionError"):
        load_plugins([local(tmp_path, "1 / 0\n")])
    assert not [name for name in set(sys.modules) - before if name.startswith("evokit_local")]


def test_a_local_file_that_is_not_there_is_an_error(install):
    with pytest.raises(UserError, match=r"^plugin gone\.py: no such file$"):
        load_plugins([Path("gone.py")])


def test_a_local_file_listed_twice_is_an_error(install, tmp_path):
    path = local(tmp_path, offering())
    with pytest.raises(UserError, match=r"a plugin 'mine\.py' is loaded already"):
        load_plugins([path, path])


@pytest.mark.parametrize(
    ("load", "error"),
    [
        (fails(ImportError("no torch")), "ImportError: no torch"),
        (lambda: module("text"), "TypeError: evokit_components() returned 'text', which is not a Component"),
        (lambda: module(Component("genome", "a", int)), "got <class 'int'>"),
        (lambda: ModuleType("empty"), "it has no function marked @hookimpl"),
    ],
)
def test_a_broken_installed_plugin_is_recorded_and_harms_no_other(install, load, error):
    fine = Component("genome", "fine", Options)
    install(Entry("bad", load, "evokit-bad"), Entry("good", lambda: module(fine)))
    registry = load_plugins()
    assert [offer.component for offer in registry.offers] == [fine]
    assert [(broken.plugin, broken.distribution) for broken in registry.broken] == [("bad", "evokit-bad")]
    assert error in registry.broken[0].error


def test_a_misspelt_hook_makes_only_its_own_plugin_broken(install):
    misspelt = ModuleType("misspelt")
    misspelt.evokit_componets = hookimpl(lambda: [], specname="evokit_componets")
    install(Entry("bad", lambda: misspelt), Entry("good", lambda: module(Component("genome", "fine", Options))))
    registry = load_plugins()
    assert registry.names("genome") == ["fine"]
    assert "unknown hook 'evokit_componets'" in registry.broken[0].error


def test_what_is_offered_twice_is_an_error_that_names_both_plugins(install):
    component = Component("genome", "same", Options)
    install(*(Entry(name, lambda: module(component), f"dist-{name}") for name in ("one", "two")))
    message = "genome 'same' is offered twice, by plugin 'one' of dist-one and by plugin 'two' of dist-two"
    with pytest.raises(UserError, match=message):
        load_plugins()


def test_one_name_may_belong_to_two_fitnesses(install):
    offers = [Component("baseline", "adamw", Options, fits) for fits in ("", "a", "b")]
    install(Entry("one", lambda: module(*offers)))
    registry = load_plugins()
    assert [registry.find("baseline", "adamw", fits).fits for fits in ("a", "b", "c")] == ["a", "b", ""]


def test_the_environment_restricts_which_entry_points_load(install, monkeypatch):
    install(
        *(Entry(name, lambda name=name: module(Component("genome", name, Options))) for name in ("a", "b", "c")),
    )
    monkeypatch.setenv(RESTRICT, "c, a")
    assert load_plugins().names("genome") == ["a", "c"]
    monkeypatch.setenv(RESTRICT, "")
    assert load_plugins().offers == ()


def test_the_environment_naming_an_unknown_plugin_is_an_error(install, monkeypatch):
    install(Entry("core", lambda: module()))
    monkeypatch.setenv(RESTRICT, "cor")
    with pytest.raises(UserError, match=r"EVOKIT_PLUGINS: no plugin 'cor' is installed; did you mean 'core'\?"):
        load_plugins()


def test_two_loads_share_nothing(install, tmp_path):
    load_plugins([local(tmp_path, offering())])
    assert load_plugins().offers == ()


@pytest.fixture
def registry():
    names = [("fitness", "onemax", ""), ("fitness", "sphere", ""), ("baseline", "adamw", "gpt2_loss")]
    offers = (Offer(Component(kind, name, Options, fits), "core") for kind, name, fits in names)
    return Registry(tuple(offers), (Broken("vision", "evokit-vision", "ImportError"),))


def test_an_unknown_name_is_told_with_what_comes_near_and_what_is_broken(registry):
    message = (
        r"^unknown fitness 'onemx'; did you mean 'onemax'\? \(available: onemax, sphere\)"
        r"; plugins that failed to load: vision$"
    )
    with pytest.raises(UnknownComponent, match=message):
        registry.find("fitness", "onemx")


def test_an_unknown_component_is_a_lookup_error_and_a_user_error():
    assert issubclass(UnknownComponent, LookupError)
    assert issubclass(UnknownComponent, UserError)


def test_a_component_of_another_fitness_is_told_with_its_owner(registry):
    with pytest.raises(UnknownComponent, match=r"^baseline 'adamw' belongs to gpt2_loss, not to onemax$"):
        registry.find("baseline", "adamw", "onemax")


def test_names_are_those_that_fit(registry):
    assert registry.names("baseline") == []
    assert registry.names("baseline", "gpt2_loss") == ["adamw"]


def test_nothing_is_suggested_for_a_word_that_is_near_nothing():
    assert did_you_mean("zzz", ["length"]) == ""


def test_the_core_and_its_plugins_load_unbroken(monkeypatch):
    monkeypatch.delenv(RESTRICT, raising=False)
    registry = load_plugins()
    assert registry.broken == ()
    assert "onemax" in registry.names("fitness")
