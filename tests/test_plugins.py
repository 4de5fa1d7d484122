import os
import signal
import sys
from dataclasses import dataclass
from functools import partial
from importlib import import_module, metadata
from pathlib import Path
from types import ModuleType

import pytest

from evokit import plugins
from evokit.common.extras import DISTRIBUTION
from evokit.common.stops import Stopped, stops
from evokit.components.registry import Broken, Offer
from evokit.errors import UserError
from evokit.hookspecs import hookimpl
from evokit.interfaces import Component
from evokit.plugins import RESTRICT, import_file, load_plugins

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


@dataclass(frozen=True)
class Mine:
    pass


@pytest.fixture
def install(monkeypatch):
    """Replaces the installed entry points; nothing was warned of before."""
    plugins._warn_once.cache_clear()

    def install(*entries):
        monkeypatch.delenv(RESTRICT, raising=False)
        monkeypatch.setattr(metadata, "entry_points", lambda group: list(entries))
        plugins._installed.cache_clear()

    install()
    yield install
    plugins._installed.cache_clear()


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
        (MARKED + "def evokit_componets():\n    return []\n", r"no hook 'evokit_componets'; did you mean"),
        (MARKED + "def evokit_components(run):\n    return []\n", r"'run'.*can not be found in the hookspec"),
        (MARKED + "def evokit_components():\n    return 1 / 0\n", r"line 10: ZeroDivisionError: "),
        (
            MARKED + "def evokit_components():\n    return Mine\n",
            r"must return a list of Components, got type",
        ),
        (MARKED + "def evokit_components():\n    return [Mine]\n", r"which is not a Component"),
        (
            MARKED + "def evokit_components():\n    [Component('genome', 'mine', Mine)]\n",
            r"TypeError: evokit_components\(\) returned nothing; it must return a list of Components$",
        ),
        (
            MARKED + "def evokit_components():\n    yield Component('genome', 'mine', Mine)\n    1 / 0\n",
            r"line 11: ZeroDivisionError: division by zero$",
        ),
        (
            MARKED + "def evokit_components():\n    return Component('genome', 'mine', Mine)\n",
            r"must return a list of Components, got Component$",
        ),
        (
            MARKED + "def evokit_components():\n    return {'mine': Mine}\n",
            r"returned 'mine', which is not a Component \(mend it",
        ),
        (
            MARKED + "def evokit_components():\n    return 2 * [Component('genome', 'mine', Mine)]\n",
            r"genome 'mine' is offered twice; give one of them another name$",
        ),
        (offering(name="my:genome"), r"genome 'my:genome': a name must be text without ':' \(mend it"),
        (offering(name=""), r"genome '': a name must be text"),
        (offering(name=3), r"genome 3: a name must be text"),
        (offering(options="Mine, fits=3"), r"genome 'mine': fits must be the name of a fitness, got 3 \(mend it"),
        (
            offering(options="Mine, extra=['deep']"),
            r"genome 'mine': extra must be the name of an extra, got \['deep'\] \(mend it",
        ),
        (offering(options="Mine, fits=None"), r"genome 'mine': fits must be the name of a fitness, got None \(mend it"),
        (offering(kind=["genome"]), r"unknown kind; did you mean"),
        (offering().replace("size:", "genes:"), r"genome 'mine': Mine.genes must be one name, .* got 1 \(mend it"),
        ("import sys\nsys.exit(3)\n", r"line 2: it ended the process: sys.exit\(3\)$"),
        ("raise KeyboardInterrupt\n", r"line 1: KeyboardInterrupt$"),
        ("class Own(BaseException):\n    pass\nraise Own('as planned')\n", r"line 3: Own: as planned$"),
        ("raise ValueError('one\\ntwo')\n", r"line 1: ValueError: one two$"),
        ("raise ValueError(3000 * 'a')\n", r"a \.\.\. \(1,012 characters left out\)$"),
        ("raise ValueError('cut \\ud83d')\n", r"line 1: ValueError: cut \\ud83d$"),
        ("from mine import evokit_components\n", r"line 1: ModuleNotFoundError: "),
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


def test_one_component_that_is_refused_is_named_with_what_to_do(install, tmp_path):
    plugin = tmp_path / "mine.py"
    plugin.write_text(
        "from dataclasses import dataclass\nfrom evokit import Component, hookimpl\n\n\n"
        "@dataclass\nclass Loose:\n    a: int = 1\n\n\n@dataclass(frozen=True)\nclass Good:\n    a: int = 1\n\n\n"
        "@hookimpl\ndef evokit_components():\n"
        "    return [Component('genome', 'good', Good), Component('genome', 'loose', Loose)]\n"
    )
    with pytest.raises(UserError, match=r"mine\.py: .*genome 'loose': .*must be frozen.* take it out of evokit_comp"):
        load_plugins([plugin])


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
        (lambda: (1, 2), "its entry point must name a module, got tuple"),
        (lambda: [], "its entry point must name a module, got list"),
        (fails(SystemExit(3)), "it ended the process: sys.exit(3)"),
        (fails(GeneratorExit("as planned")), "GeneratorExit: as planned"),
        (fails(AttributeError("module 'x' has no attribute 'y'")), "AttributeError: module 'x' has no attribute 'y'"),
        (fails(KeyboardInterrupt()), "KeyboardInterrupt"),
    ],
)
def test_a_broken_installed_plugin_is_recorded_and_harms_no_other(install, load, error):
    fine = Component("genome", "fine", Options)
    install(Entry("bad", load, "evokit-bad"), Entry("good", lambda: module(fine)))
    registry = load_plugins()
    assert [offer.component for offer in registry.offers] == [fine]
    assert [(broken.plugin, broken.distribution) for broken in registry.broken] == [("bad", "evokit-bad")]
    assert error in registry.broken[0].error


@pytest.fixture
def ctrl_c():
    """Ctrl-C as Python has it: a job in the background of a script begins with the signal ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_ctrl_c_while_plugins_load_is_no_fault_of_theirs(install, ctrl_c):
    def slow():
        signal.raise_signal(signal.SIGINT)

    install(Entry("slow", slow))
    with pytest.raises(KeyboardInterrupt):
        load_plugins()
    with pytest.raises(Stopped), stops():
        load_plugins()


def test_the_place_in_an_installed_plugin_is_told(install, tmp_path, monkeypatch):
    local(tmp_path, "def evokit_components(:\n", "syntactic_slip.py")
    local(tmp_path, "import syntactic_slip\n", "imports_a_slip.py")
    local(tmp_path, "1 / 0\n", "divides.py")
    monkeypatch.syspath_prepend(tmp_path)
    install(*(Entry(name, partial(import_module, name)) for name in ("divides", "imports_a_slip")))
    divides, slip = (broken.error for broken in load_plugins().broken)
    assert divides == f"{tmp_path / 'divides.py'}:1: ZeroDivisionError: division by zero"
    assert slip.startswith(
        f"{tmp_path / 'imports_a_slip.py'}:1: SyntaxError: invalid syntax (syntactic_slip.py, line 1)"
    )


def test_what_a_plugin_prints_leaves_the_output_of_a_command_alone(install, tmp_path, capsys):
    load_plugins([local(tmp_path, "print('hello')\n" + offering())])
    assert capsys.readouterr() == ("", "hello\n")


def test_a_misspelt_hook_makes_only_its_own_plugin_broken(install):
    misspelt = ModuleType("misspelt")
    misspelt.evokit_componets = hookimpl(lambda: [], specname="evokit_componets")
    install(Entry("bad", lambda: misspelt), Entry("good", lambda: module(Component("genome", "fine", Options))))
    registry = load_plugins()
    assert registry.names("genome") == ["fine"]
    assert "there is no hook 'evokit_componets'; did you mean 'evokit_components'" in registry.broken[0].error


def test_of_what_two_plugins_offer_a_warning_is_logged_once(install, caplog):
    component = Component("genome", "same", Options)
    install(*(Entry(name, lambda: module(component), f"dist-{name}") for name in ("one", "two")))
    assert load_plugins().names("genome") == load_plugins().names("genome") == ["one:same", "two:same"]
    (record,) = caplog.records
    assert (record.name, record.levelname) == ("evokit", "WARNING")
    assert record.message == load_plugins().remarks[0]
    assert "'one' of dist-one and plugin 'two' of dist-two offer the same names" in record.message


def test_a_built_in_component_keeps_its_name(install):
    ours, theirs = Component("genome", "same", Options), Component("genome", "same", Mine)
    install(Entry("core", lambda: module(ours), DISTRIBUTION), Entry("any", lambda: module(theirs)))
    registry = load_plugins()
    assert registry.find("genome", "same") == ours
    assert registry.find("genome", "any:same").options is Mine


def test_of_two_entry_points_with_one_name_the_second_is_broken_and_the_built_in_is_first(install, caplog):
    first, second = Component("genome", "first", Options), Component("genome", "second", Options)
    install(Entry("core", lambda: module(second), "a-stranger"), Entry("core", lambda: module(first), DISTRIBUTION))
    registry = load_plugins()
    assert registry.names("genome") == ["first"]
    assert registry.broken == (Broken("core", "a-stranger", registry.broken[0].error),)
    assert "a plugin 'core' is loaded already" in registry.broken[0].error
    message = f"{DISTRIBUTION} and a-stranger both install a plugin 'core'; that of {DISTRIBUTION} is used"
    assert registry.remarks == (message,)
    assert [record.message for record in caplog.records] == [message]


def test_a_module_that_two_distributions_install_is_loaded_once(install):
    one = module(Component("genome", "a", Options))
    install(Entry("first", lambda: one, "evokit-a"), Entry("second", lambda: one, "evokit-a-fork"))
    registry = load_plugins()
    assert registry.names("genome") == ["a"]
    assert "a plugin 'first' is loaded already" in registry.broken[0].error


def test_a_file_of_a_recipe_that_is_installed_too_keeps_its_names_without_a_word(install, tmp_path, caplog):
    path = local(tmp_path, offering())
    installed = module(Component("genome", "mine", Options))
    installed.__file__ = str(path)
    install(Entry("theirs", lambda: installed))
    registry = load_plugins([path])
    assert registry.names("genome") == ["mine", "theirs:mine"]
    assert registry.find("genome", "mine").options is not Options
    assert not caplog.records


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


def test_the_core_and_its_plugins_load_unbroken(monkeypatch):
    monkeypatch.delenv(RESTRICT, raising=False)
    registry = load_plugins()
    assert registry.broken == ()
    assert "onemax" in registry.names("fitness")


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ("nowhere.at.all:X", "genome 'x': there are no options at 'nowhere.at.all:X': No module named 'nowhere'"),
        ("json:X", "there are no options at 'json:X'"),
        ("json:JSONDecoder", "options must be a frozen dataclass"),
        ("json:decoder.X", "options must be a class or 'module:Class', got 'json:decoder.X'"),
        ("a:B c", "options must be a class or 'module:Class', got 'a:B c'"),
    ],
)
def test_options_that_an_installed_plugin_only_names_are_looked_at_when_it_is_loaded(install, options, told):
    install(Entry("bad", lambda: module(Component("genome", "x", options))))
    (one,) = load_plugins().broken
    assert told in one.error


def test_a_plugin_may_do_nothing_but_listen(tmp_path):
    text = (
        "from evokit import hookimpl\nheard = []\n"
        "@hookimpl\ndef evokit_run_started(run):\n    heard.append(run)\n"
        "@hookimpl\ndef evokit_generation_ended(generation):\n    heard.append(generation)\n    return True\n"
    )
    path = local(tmp_path, text)
    registry = load_plugins([path])
    ((name, callback),) = registry.callbacks
    assert name == "mine.py"
    assert registry.listening == {str(path.resolve())}
    assert not callback.run_started("run")
    assert callback.generation_ended("run", "generation")
    assert not hasattr(callback, "evaluation_ended")


def test_each_plugin_that_listens_is_called_by_itself(tmp_path):
    text = "from evokit import hookimpl\n@hookimpl\ndef evokit_generation_ended(run):\n    return {}\n"
    one, other = local(tmp_path, text.format("True")), local(tmp_path, text.format("1 / 0"), "other.py")
    (_, first), (_, second) = load_plugins([other, one]).callbacks
    assert first.generation_ended("run", "generation")
    with pytest.raises(ZeroDivisionError):
        second.generation_ended("run", "generation")


def test_a_plugin_that_offers_parts_as_well_decides_numbers(tmp_path):
    path = local(tmp_path, offering() + "\n@hookimpl\ndef evokit_run_ended(end):\n    pass\n")
    registry = load_plugins([path])
    assert registry.listening == frozenset()
    assert [name for name, _ in registry.callbacks] == ["mine.py"]


def test_a_file_that_changed_within_a_second_is_read_anew_and_else_is_the_same_module(tmp_path):
    path = tmp_path / "mine.py"
    for word in ("one", "two"):
        path.write_text(f"WORD = {word!r}\n")
        os.utime(path, (1e9, 1e9))
        module = import_file(path)
        assert word == module.WORD
        assert import_file(path) is module
