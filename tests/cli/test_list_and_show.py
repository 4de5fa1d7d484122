"""``evokit list`` and ``evokit show``."""

import pytest

from evokit.common.extras import DISTRIBUTION
from evokit.components import registry
from evokit.plugins import load_plugins
from tests.cli.commands import invoke
from tests.small import TOY, evokit

PYTHON = ("Annotated", "Optional[", "Union", "Literal", "typing", "NoneType")


def test_list_names_every_component_with_its_plugin():
    done = invoke("list")
    assert done.exit_code == 0
    components, _, origins = done.stdout.partition("\n\n")
    lines = [line.split() for line in components.splitlines()[2:]]
    assert {(line[0], line[1]) for line in lines} == {
        (o.component.kind, o.component.name) for o in load_plugins().offers
    }
    assert ["core", DISTRIBUTION] in [line.split()[:2] for line in origins.splitlines()]


def test_list_has_a_column_for_what_is_needed_only_if_something_is(monkeypatch):
    head = invoke("list").stdout.splitlines()[0].split()
    lacking = any(offer.lacks for offer in load_plugins().offers)
    assert head == ["kind", "name", "for", "plugin", *(["[needs]"] if lacking else [])]
    monkeypatch.setattr(registry, "lacking", lambda distribution, extra: ("torch",) if extra else ())
    lines = invoke("list").stdout.splitlines()
    assert lines[0].split() == ["kind", "name", "for", "plugin", "[needs]"]
    assert {line.endswith("[neural]") for line in lines if " adamw " in line} <= {True}


def test_list_names_a_broken_plugin_and_goes_on(tmp_path, monkeypatch):
    info = tmp_path / "shaky-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: shaky\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[evokit]\nwobbly = shaky\n")
    (tmp_path / "shaky.py").write_text("import no_such_module\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    done = evokit("list")
    assert done.returncode == 0
    assert "onemax" in done.stdout
    assert "The plugin wobbly of shaky is broken: " in done.stderr
    assert "no_such_module" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "offer", load_plugins().offers, ids=lambda offer: f"{offer.component.kind}-{offer.component.name}"
)
def test_show_tells_every_component_in_plain_words(offer):
    done = invoke("show", offer.component.name)
    assert done.exit_code == 0, done.output
    assert offer.component.kind in done.stdout
    assert not [
        word for word in ("Annotated", "Optional[", "Union", "Literal", "typing", "NoneType") if word in done.stdout
    ]


def test_show_tells_options_with_limits_and_defaults():
    text = " ".join(invoke("show", "generational").stdout.split())
    assert "population integer, at least 2 32" in text


def test_show_of_an_unknown_name_suggests_one():
    done = invoke("show", "tournamnt")
    assert done.exit_code == 2
    assert "did you mean 'tournament'?" in done.stderr


def test_show_of_a_name_that_resembles_none_suggests_nothing():
    done = invoke("show", "xyz")
    assert (done.exit_code, done.stderr) == (2, "there is no component 'xyz'; evokit list shows all\n")


def test_show_takes_the_words_of_every_line_of_list():
    components, _, _ = invoke("list").stdout.partition("\n\n")
    for line in components.splitlines()[2:]:
        *words, plugin = line.partition(" [")[0].split()
        done = invoke("show", *words)
        assert done.exit_code == 0, line
        assert f"(plugin {plugin}," in done.stdout
        assert words[1] in done.stdout
    assert invoke("show", "baseline", "adamw", "gpt2_loss").stdout.count("(plugin ") == 1


def test_show_takes_a_full_name():
    assert invoke("show", "search", "core:generational").stdout == invoke("show", "generational").stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["search"], "search is a kind of component; evokit show search NAME shows one of: "),
        (["search", "generationel"], "there is no search 'generationel'; did you mean 'generational'?"),
        (["search", "bits"], "there is no search 'bits'; evokit list"),
        (["baseline", "adamw", "onemax"], "baseline 'adamw' belongs to gpt2_loss, trained_accuracy, not to onemax"),
        (["generational", "please", "now"], "show takes [KIND] NAME [FITNESS], got generational please now"),
        (["generational", "please"], "component 'generational' belongs to any fitness, not to please"),
    ],
)
def test_show_of_what_there_is_not_is_one_sentence(words, message):
    done = invoke("show", *words)
    assert done.exit_code == 2
    assert done.stderr.startswith(message)
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "fact"),
    [
        ("genome real_vector", "expresses vector\ngenes of kind real_vector\n"),
        ("fitness sphere", "takes vector\nobjectives "),
        ("mutation bit_flip", "genes of kind bits\n"),
        ("search generational", "reads crossover, init, mutation, screens, selection\n"),
    ],
)
def test_show_tells_what_a_component_goes_with(name, fact):
    assert fact in invoke("show", *name.split()).stdout


@pytest.mark.parametrize(
    "offer", load_plugins().offers, ids=lambda offer: f"{offer.component.kind}-{offer.component.name}"
)
def test_show_keeps_to_80_columns(offer, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    lines = invoke("show", offer.component.kind, offer.component.name).stdout.splitlines()
    assert max(map(len, lines)) <= 80


def test_list_keeps_to_80_columns():
    assert max(map(len, invoke("list").stdout.splitlines())) <= 80


def test_list_and_show_know_local_plugins():
    toy = str(TOY)
    done = invoke("list", "--plugins", toy)
    assert "squares                                       toy_plugin.py" in done.stdout
    assert f"toy_plugin.py  {toy}" in done.stdout
    done = invoke("show", "--plugins", toy, "fitness", "squares")
    assert "fitness: squares  (plugin toy_plugin.py)\ntakes vector\n" in done.stdout
    assert done.stderr == f"Loaded the plugin {toy}, which is code.\n"
    done = invoke("show", "--plugins", "nowhere.py", "squares")
    assert (done.exit_code, done.stderr) == (2, "plugin nowhere.py: no such file\n")
